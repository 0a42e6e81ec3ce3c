"""Work spread over processes, each with an embedder and scorers of its own over the same kept rows."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from benchmarks.decisions.embedding import KeptEmbedder, kept_embedder
from benchmarks.decisions.scorers import KeptVerifier, Scorer, load_scorers

Task = TypeVar("Task")
Result = TypeVar("Result")


class Tools(NamedTuple):
    """What work on rows needs."""

    embedder: KeptEmbedder
    scorers: Sequence[Scorer]

    def flush(self) -> None:
        """Write what is kept in memory only."""
        self.embedder.flush()
        for scorer in self.scorers:
            if isinstance(scorer.verifier, KeptVerifier):
                scorer.verifier.flush()


def open_tools(cache: Path, verifiers: Sequence[str] | None) -> Tools:
    """The product's embedder, and the scorers of these verifiers. Raises ``EmbedderError``, ``VerifierError``."""
    embedder = kept_embedder(cache)
    return Tools(embedder, load_scorers(verifiers, cache, embedder.id))


class Workers:
    """Runs a function on each of several tasks, in this process or in others."""

    def __init__(self, jobs: int, cache: Path, tools: Tools) -> None:
        self.jobs = jobs
        self.tools = tools
        self._given = cache, [scorer.name for scorer in tools.scorers if not scorer.guarded]

    def map(self, function: Callable[[Tools, Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """The results in the order of the tasks, each as soon as it and those before it are there."""
        if self.jobs == 1:
            for task in tasks:
                yield function(self.tools, task)
            self.tools.flush()
            return
        # Started afresh, not forked: the model's threads do not survive a fork.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.jobs, fresh, _open, self._given) as pool:
            yield from pool.map(_call, [function] * len(tasks), tasks)


_opened: Tools | None = None
"""This worker process's own."""


def _open(cache: Path, verifiers: Sequence[str]) -> None:
    global _opened
    _opened = open_tools(cache, verifiers)


def _call(function: Callable[[Tools, Any], Any], task: Any) -> Any:
    assert _opened is not None, "the process was started without its tools"
    result = function(_opened, task)
    _opened.flush()
    return result
