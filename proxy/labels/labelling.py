"""Labels from what is answered anyway: a fresh answer is compared with the stored one that came nearest.

Behind the answers, never on their path: ``consider`` only queues. One worker compares, in a thread; a second one waits
for the judge, so that a slow model holds up no comparison.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, NoReturn, Protocol, TypeVar

from cache.agreement import Agreement, compare
from proxy.metrics import Metrics
from proxy.usage import response_text
from store.embedder import Embedder
from store.entries import Entry
from store.ids import new_id
from store.labels import Label, Method

WAITING: Final = 500
"""Comparisons that wait at most; beyond it the oldest is given up."""
DRAIN: Final = 5.0
"""Seconds that a stopping server goes on comparing."""

Compared = Literal["miss", "audit", "shadow"]
"""Why a fresh answer is there to compare with: no candidate was served, an audit, or shadow mode."""

WRITING = 5.0
"""Longest wait, in seconds, for a label to be written before the next comparison."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A fresh answer, and the stored one that might have been served in its place."""

    namespace: str
    prompt: str
    """Last user text of the new call."""
    prompt_key: str
    """``exact_key`` of the new call."""
    entry: Entry
    """The candidate."""
    similarity: float
    """Cosine of the prompts, in [-1, 1]."""
    score: float
    """The verifier's, in [0, 1]."""
    signals: tuple[float, ...]
    verifier: str
    embedder: str
    source: Compared
    propensity: float
    """Probability, in (0, 1], with which a candidate at this place is compared."""
    interaction_id: str | None
    fresh: Mapping[str, Any] = field(repr=False)
    """The fresh answer, a chat completion."""


class LabelSink(Protocol):
    """Keeps labels: ``store.labels.Labels``."""

    def add(self, label: Label) -> concurrent.futures.Future[None]:
        """Queue a label; thread-safe. The future is over once it is written, or could not be."""


class Arbiter(Protocol):
    """Decides what a comparison leaves open: ``proxy.labels.judge.Judge``."""

    async def verdict(self, question_new: str, question_stored: str, fresh: str, stored: str) -> bool | None:
        """Does the stored answer say what the fresh one says? Never raises; None where it cannot be told."""


class Labelling:
    """Makes labels in the background. All but what runs in threads belongs to one event loop.

    Args:
        labels: where they go.
        embedder: the one in use; None while there is none: comparisons that need it give no label.
        metrics: counts labels and what was dropped.
        outcome: told of each failure, and with None of each comparison that worked.
        told: called with each label, in a worker's thread, after it was added.
        judge: asked where comparing cannot tell; None asks nobody.
        judge_audits: ask it about every audit; its verdict stands above the comparison's.
        clock: seconds since 1970.
        most: comparisons that wait at most.
    """

    def __init__(
        self,
        labels: LabelSink,
        embedder: Callable[[], Embedder | None],
        metrics: Metrics,
        *,
        outcome: Callable[[BaseException | None], None] = lambda error: None,
        told: Callable[[Label], None] = lambda label: None,
        judge: Arbiter | None = None,
        judge_audits: bool = False,
        clock: Callable[[], float] = time.time,
        most: int = WAITING,
    ) -> None:
        self._labels = labels
        self._embedder = embedder
        self._metrics = metrics
        self._outcome = outcome
        self._told = told
        self._judge = judge
        self._judge_audits = judge_audits
        self._clock = clock
        self._generation = 0
        """Rises with ``forget``: what was begun before it comes to nothing."""
        self._adding = threading.Lock()
        self._comparing: _Worker[Comparison] = _Worker(self._compare, self._failed, most)
        self._judging: _Worker[tuple[Comparison, Agreement]] = _Worker(self._ask, self._failed, most)

    def start(self) -> None:
        """Start the workers, in the running event loop. What was queued before is not lost."""
        self._comparing.start()
        self._judging.start()

    def consider(self, comparison: Comparison) -> None:
        """Queue a comparison. Returns at once and never raises."""
        self._drop(self._comparing.add(comparison))

    async def close(self, limit: float = DRAIN) -> None:
        """Compare what waits, for ``limit`` seconds at most; the rest is dropped and counted."""
        until = asyncio.get_running_loop().time() + limit
        self._drop(await self._comparing.close(limit))
        self._drop(await self._judging.close(max(0.0, until - asyncio.get_running_loop().time())))
        self._show()

    def forget(self) -> None:
        """Drop what waits; what is being compared or judged becomes no label. ``written`` waits for the rest."""
        self._generation += 1
        self._drop(self._comparing.clear() + self._judging.clear())

    def written(self) -> None:
        """Block until no label that was made before is on its way to the writer."""
        with self._adding:
            pass

    async def settled(self) -> None:
        """Wait until nothing waits."""
        await self._comparing.settled()
        await self._judging.settled()

    async def _compare(self, comparison: Comparison) -> None:
        self._show()
        generation = self._generation
        agreement = await asyncio.to_thread(self._agreement, comparison)
        audited = self._judge_audits and comparison.source == "audit"
        if self._judge is None or not (agreement.same is None or audited):
            await self._conclude(comparison, agreement.same, agreement.method, generation)
        elif generation == self._generation:
            self._drop(self._judging.add((comparison, agreement)))

    async def _ask(self, waiting: tuple[Comparison, Agreement]) -> None:
        comparison, agreement = waiting
        generation = self._generation
        assert self._judge is not None
        fresh, stored = response_text(comparison.fresh), response_text(comparison.entry.answer)
        same = await self._judge.verdict(comparison.prompt, comparison.entry.prompt or "", fresh, stored)
        if same is None:
            await self._conclude(comparison, agreement.same, agreement.method, generation)
        else:
            await self._conclude(comparison, same, "judge", generation)

    def _agreement(self, comparison: Comparison) -> Agreement:
        embedder = self._embedder()
        try:
            return compare(comparison.fresh, comparison.entry.answer, embedder.embed if embedder else _no_embedder)
        except _NoEmbedder:
            return Agreement(None, "meaning", 0.0, "no_embedder")

    async def _conclude(self, comparison: Comparison, same: bool | None, method: Method, generation: int) -> None:
        verdict = "none" if same is None else "right" if same else "wrong"
        self._metrics.labels.labels(comparison.source, method, verdict).inc()
        if same is not None:
            await asyncio.to_thread(self._add, _label(comparison, same, method, self._clock()), generation)
        self._outcome(None)

    def _add(self, label: Label, generation: int) -> None:
        with self._adding:
            if generation != self._generation:
                # What it was made from was forgotten meanwhile.
                return
            written = self._labels.add(label)
            self._told(label)
            # Its failure is told by whoever writes; here it only has to be over.
            concurrent.futures.wait([written], WRITING)

    def _failed(self, error: Exception) -> None:
        self._outcome(error)

    def _drop(self, dropped: int) -> None:
        self._metrics.labels_dropped.inc(dropped)

    def _show(self) -> None:
        self._metrics.label_queue.set(len(self._comparing) + len(self._judging))


def _label(comparison: Comparison, same: bool, method: Method, now: float) -> Label:
    return Label(
        id=new_id("lab"),
        at=now,
        namespace=comparison.namespace,
        verifier=comparison.verifier,
        embedder=comparison.embedder,
        prompt_key=comparison.prompt_key,
        entry_key=comparison.entry.exact_key,
        entry_id=comparison.entry.id,
        prompt=comparison.prompt,
        stored_prompt=comparison.entry.prompt or "",
        similarity=comparison.similarity,
        score=comparison.score,
        signals=comparison.signals,
        correct=same,
        source=comparison.source,
        method=method,
        propensity=comparison.propensity,
        interaction_id=comparison.interaction_id,
    )


class _NoEmbedder(Exception):
    """A comparison came to where it needs an embedder, and there is none."""


def _no_embedder(texts: object) -> NoReturn:
    raise _NoEmbedder


class _Worker(Generic[T]):
    """A bounded queue and the task that empties it, one item at a time. What fails on an item is that item's alone."""

    def __init__(
        self, work: Callable[[T], Awaitable[None]], failed: Callable[[Exception], None], most: int = WAITING
    ) -> None:
        self._work = work
        self._failed = failed
        self._waiting: deque[T] = deque(maxlen=most)
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def add(self, item: T) -> int:
        """Queue an item; gives how many older ones were dropped for it."""
        dropped = len(self._waiting) == self._waiting.maxlen
        self._waiting.append(item)
        self._idle.clear()
        self._changed.set()
        return int(dropped)

    def clear(self) -> int:
        """Drop what waits; gives how many items."""
        dropped = len(self._waiting)
        self._waiting.clear()
        return dropped

    async def settled(self) -> None:
        await self._idle.wait()

    async def close(self, limit: float) -> int:
        """Let the work go on for so many seconds; gives how many items were dropped after that."""
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), limit)
            unfinished = not self._idle.is_set()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        else:
            unfinished = False
        left = len(self._waiting) + int(unfinished)
        self._waiting.clear()
        self._idle.set()
        return left

    async def _run(self) -> None:
        while True:
            while self._waiting:
                item = self._waiting.popleft()
                try:
                    await self._work(item)
                except Exception as error:  # noqa: BLE001  whatever one comparison meets, the next must come
                    self._failed(error)
            self._idle.set()
            self._changed.clear()
            await self._changed.wait()
