"""The cache that a rehearsal runs on: the real one, over tables of its own, on the log's clock.

What costs time is done once and remembered across rehearsals: vectors of prompts, and what the verifier said of pairs.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from cache.decision import Judged
from cache.judges import Judge, Judges
from cache.lookup import Cache
from cache.neighbours import Neighbours
from cache.policy import Policy
from cache.verifier import Array, Pair, Verifier, VerifierAround
from store.database import HEAD, Database, Prepared
from store.embedder import Embedder, Vectors
from store.entries import Entries
from store.flat import FlatIndex
from store.indexer import Indexer, Pending
from store.sqlite import SQLite
from store.tables import metadata
from store.vectors import Vector
from store.writer import Writer

MEMORY: Final = 100_000
"""Answers held in memory: a rehearsal's own store is small."""


class Stage:
    """A cache with nothing in it, until told otherwise; ``now`` is its clock.

    Args:
        embedder, judges, chance: as ``Cache`` and ``Neighbours`` take them; without an embedder there is no semantic
            tier.
        wrong: pairs of exact keys (call, entry) judged wrong, and since when.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        judges: Judges | None,
        chance: Callable[[], float],
        wrong: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self.now = 0.0
        self._wrong = wrong or {}
        self.failures: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="reprise-rehearsal-")
        self._database = _ScratchDatabase(Path(self._folder.name) / "rehearsal.db")
        self.entries = Entries(self._database, MEMORY)
        neighbours = None
        if embedder is not None:
            index = FlatIndex()
            neighbours = Neighbours(self.entries, index, IndexedAtOnce(index, embedder.id), embedder)
        self.cache: Cache = _CacheAtOnce(self.entries, neighbours, self, lambda: self.now, judges, self, chance)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cache.close()
        self._database.close()
        self._folder.cleanup()

    def judged_wrong(self, prompt_key: str, entry_keys: Iterable[str]) -> set[str]:
        """See ``cache.semantic.Verdicts``: what was known by now, and nothing that was learned later."""
        return {key for key in entry_keys if self._wrong.get((prompt_key, key), math.inf) <= self.now}

    def failed(self, error: Exception) -> None:
        """A part of the cache failed: the call was a miss."""
        self.failures.append(str(error) or type(error).__name__)

    def worked(self, *parts: str) -> None:
        """See ``cache.lookup.Watch``."""


class RememberedEmbedder:
    """An embedder that embeds no text twice.

    Args:
        known: vectors of texts that were embedded before, shape (dimension,).
    """

    def __init__(self, embedder: Embedder, known: Mapping[str, Vector]) -> None:
        self._embedder = embedder
        self._known = dict(known)
        self._fits: dict[str, bool] = dict.fromkeys(self._known, True)
        self.id = embedder.id
        self.dimension = embedder.dimension
        self.window = embedder.window

    def fits(self, text: str) -> bool:
        """See ``Embedder``."""
        known = self._fits.get(text)
        if known is None:
            known = self._fits[text] = self._embedder.fits(text)
        return known

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See ``Embedder``."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class RememberedVerifier(VerifierAround):
    """A verifier that scores no pair of texts twice.

    Args:
        known: signals of (new, stored) pairs that were scored before.
    """

    def __init__(self, verifier: Verifier, known: Mapping[tuple[str, str], Sequence[float]]) -> None:
        super().__init__(verifier)
        width = len(verifier.mix.weights)
        self._known = {pair: np.array(signals) for pair, signals in known.items() if len(signals) == width}

    def signals(self, pairs: Sequence[Pair]) -> Array:
        """See ``Verifier``."""
        new = [pair for pair in pairs if (pair.new, pair.stored) not in self._known]
        if new:
            for pair, signals in zip(new, self._verifier.signals(new), strict=True):
                self._known[pair.new, pair.stored] = signals
        return np.stack([self._known[pair.new, pair.stored] for pair in pairs])


class RehearsedJudges:
    """Judges that learn nothing, audit what policy says and no more, and whose cut can be set.

    Args:
        judges: those in force.
        cut: of the verifier's shipped mix, in place of the one in force and out of its shadow mode; None leaves both.
    """

    def __init__(self, judges: Judges, cut: float | None = None) -> None:
        self._judges = judges
        self._cut = cut
        self.floor = judges.floor

    def of(self, namespace: str, policy: Policy) -> Judge:
        """See ``Judges``."""
        judge = dataclasses.replace(self._judges.of(namespace, policy), audit_rate=policy.audit_rate)
        if self._cut is None:
            return judge
        return dataclasses.replace(judge, mix=judge.verifier.mix, cut=self._cut, shadow=policy.shadow)

    def seen(self, namespace: str, text: str, judged: Judged) -> None:
        """A rehearsal is no traffic."""


class _CacheAtOnce(Cache):
    """The cache without threads: nobody else waits, and each change of threads costs more than a lookup."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._threads = self._sql_threads = _DoneAtOnce()


class _DoneAtOnce(ThreadPoolExecutor):
    """Runs what it is given in the caller's own thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  whoever waits for the result is told
            done.set_exception(error)
        return done


class _Scratch(SQLite):
    """A file that nobody keeps."""

    def pragmas(self) -> list[str]:
        return [*super().pragmas(), "PRAGMA synchronous=OFF", "PRAGMA secure_delete=OFF"]


class _ScratchDatabase(Database):
    """Tables made without migrations, written at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(_Scratch(path))
        self.writer.close()
        self.writer = _WrittenAtOnce(self)

    def _migrate(self) -> None:
        metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))

    def write(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement now."""
        compiled = statement.on(self.driver.dialect)
        for row in rows:
            self._reads.fetch(compiled.text, compiled.row(row))


class _WrittenAtOnce(Writer):
    """A writer that does not queue: the next lookup must see what was written."""

    def __init__(self, database: _ScratchDatabase) -> None:
        self._to = database

    def submit(self, statement: Prepared | str, *rows: Any) -> Future[None]:
        done: Future[None] = Future()
        # Text alone asks for nothing: whoever sends it waits for what was queued before.
        if isinstance(statement, Prepared):
            self._to.write(statement, rows)
        done.set_result(None)
        return done

    def close(self) -> None:
        """Nothing waits."""


class IndexedAtOnce(Indexer):
    """An indexer that does not queue."""

    def __init__(self, index: FlatIndex, embedder: str) -> None:
        self._to = index
        self._of = embedder

    def put(self, item: Pending) -> None:
        self._to.add(item.partition, self._of, [item.id], [item.vector])

    def pending(self, compat_key: str) -> list[tuple[str, Vector]]:
        return []

    def pending_in(self, partition: str) -> list[tuple[str, Vector]]:
        return []
