"""Earlier runs of a tool whose input was this one, or much like it.

Two inputs are equal when every character is: case and spacing change what a command does. Only equal inputs have the
similarity 1.0, for an embedder may see no difference where there is one (``ls -a``, ``ls -A``). Equal inputs are found
without an embedder.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np
import sqlalchemy as sa

from memory.interactions import read_json, stamp_at
from memory.tools.shelf import Shelf, input_key
from memory.tools.vectors import ToolVectors
from store.database import Database, Prepared
from store.dialects import members
from store.embedder.base import EmbedderError
from store.tables import interactions as log

NEUTRAL_QUALITY: Final = 0.7
"""What a run counts as that nobody has rated: good enough to be served again, and below what was praised."""
NEARLY_EQUAL: Final = 0.999999
"""Highest similarity of inputs that are not equal."""
WRONG_BELOW: Final = 0.5
"""Rating below which an output was wrong for its input."""
MOST_WEIGHED: Final = 500
"""Equal runs, and likewise similar ones, whose quality a query reads: the newest of those, the nearest of these."""
MOST_KEPT: Final = 40_000
"""Runs kept in memory for all tools together; some 1.7 kB each."""

_FACTS: Final = Prepared(sa.select(log.c.id, log.c.success, log.c.quality_score).where(log.c.id.in_(members("ids"))))
_SHOWN: Final = (
    "id created_at interaction_type tool_id tool_name project client session_id success quality_score latency_ms error"
    " metadata prompt response"
).split()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    tool_id: str
    text: str
    """The input, as the tool is given it."""
    threshold: float = 0.85
    """Least similarity, in [0, 1]; 1.0 takes equal inputs alone."""
    min_quality: float = 0.0
    require_success: bool = False
    top_k: int = 5
    max_age: float | None = None
    """Seconds; None takes all."""


class _Near(NamedTuple):
    """A run that may be wanted."""

    id: str
    made: str
    similarity: float
    equal: bool


class _Found(NamedTuple):
    near: _Near
    quality: float

    @property
    def score(self) -> float:
        return round(self.quality * self.near.similarity, 6)


class ToolRuns:
    """Finds earlier runs. Thread-safe; blocks for queries to SQL, and by meaning for an embedding.

    Args:
        outcome: told of an embedder's failure, and with None when it works. Without it equal inputs are still found.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        inputs: ToolVectors,
        outcome: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._inputs = inputs
        self._outcome = outcome
        self._clock = clock
        self._shelves: OrderedDict[tuple[str, str], Shelf] = OrderedDict()
        self._lock = threading.Lock()

    def similar(self, namespace: str, wanted: Wanted) -> list[dict[str, Any]]:
        """Runs by quality x similarity, the newest first on ties; what was served again from a run is none itself.

        Each is its record in brief, with ``response``, and beside it ``similarity`` in [0, 1], ``equal``, ``quality``
        (``NEUTRAL_QUALITY`` where nobody rated it), ``score`` and ``age_seconds``.

        Raises:
            DatabaseError: the log cannot be read.
        """
        now = self._clock()
        since = "" if wanted.max_age is None else stamp_at(max(0.0, now - wanted.max_age))
        near, served = self._near(namespace, wanted)
        near = [one for one in near if one.made >= since]
        facts = self._facts([*(one.id for one in near), *(id_ for id_, _ in served)])
        wrong = {source for id_, source in served if _is_rated_wrong(facts.get(id_))}
        found = [
            _Found(one, quality)
            for one in near
            if (one.equal or one.id not in wrong)
            and (quality := _quality(facts.get(one.id), wanted)) is not None
            and quality >= wanted.min_quality
        ]
        found.sort(key=lambda one: (one.near.made, one.near.id), reverse=True)
        found.sort(key=lambda one: -one.score)
        return self._shown(found[: wanted.top_k], now)

    def clear(self) -> None:
        """Let go of everything kept in memory."""
        with self._lock:
            self._shelves.clear()

    def _near(self, namespace: str, wanted: Wanted) -> tuple[list[_Near], list[tuple[str, str]]]:
        """Runs with an equal or similar input, and what was served for this very one."""
        shelf = self._shelf(namespace, wanted.tool_id)
        key = input_key(wanted.text)
        with shelf.lock:
            shelf.refresh()
            equal = shelf.equal(key)[-MOST_WEIGHED:]
            near = [_Near(shelf.ids[at], shelf.made[at], 1.0, True) for at in equal]
            if wanted.threshold < 1.0:
                same = set(shelf.equal(key))
                near += [
                    _Near(shelf.ids[at], shelf.made[at], similarity, False)
                    for at, similarity in self._nearest(shelf, wanted)
                    if at not in same
                ]
            return near, list(shelf.served(key)[-MOST_WEIGHED:])

    def _nearest(self, shelf: Shelf, wanted: Wanted) -> list[tuple[int, float]]:
        embedder = self._inputs.embedder()
        if embedder is None:
            return []
        try:
            places, cosines = shelf.similarities(embedder, self._inputs, wanted.text)
        except EmbedderError as error:
            self._outcome(error)
            return []
        self._outcome(None)
        cosines = np.minimum(cosines, NEARLY_EQUAL)
        above = np.flatnonzero(cosines >= wanted.threshold)
        nearest = above[np.argsort(-cosines[above], kind="stable")][:MOST_WEIGHED]
        return [(places[at], round(float(cosines[at]), 6)) for at in nearest]

    def _facts(self, ids: Sequence[str]) -> dict[str, tuple[bool, float | None]]:
        """Success and rating of runs as they stand; of what was forgotten, nothing."""
        rows = self._database.read(_FACTS, {"ids": json.dumps(ids)}) if ids else []
        return {id_: (bool(success), quality) for id_, success, quality in rows}

    def _shelf(self, namespace: str, tool_id: str) -> Shelf:
        with self._lock:
            key = (namespace, tool_id)
            shelf = self._shelves.pop(key, None)
            if shelf is None:
                shelf = Shelf(self._database, namespace, tool_id)
            while self._shelves and sum(map(len, self._shelves.values())) + len(shelf) > MOST_KEPT:
                self._shelves.popitem(last=False)
            self._shelves[key] = shelf
            return shelf

    def _shown(self, found: Sequence[_Found], now: float) -> list[dict[str, Any]]:
        ids = [one.near.id for one in found]
        rows = self._database.query(sa.select(*(log.c[name] for name in _SHOWN)).where(log.c.id.in_(ids)))
        by_id = {row["id"]: row for row in rows}
        return [_as_shown(by_id[one.near.id], one, now) for one in found if one.near.id in by_id]


def _quality(fact: tuple[bool, float | None] | None, wanted: Wanted) -> float | None:
    """None where the run must not be listed."""
    if fact is None or (wanted.require_success and not fact[0]):
        return None
    return NEUTRAL_QUALITY if fact[1] is None else fact[1]


def _is_rated_wrong(fact: tuple[bool, float | None] | None) -> bool:
    return fact is not None and fact[1] is not None and fact[1] < WRONG_BELOW


def _as_shown(row: Mapping[str, Any], one: _Found, now: float) -> dict[str, Any]:
    made = datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC).timestamp()
    return {
        **row,
        "success": bool(row["success"]),
        "metadata": read_json(row["metadata"], dict),
        "similarity": one.near.similarity,
        "equal": one.near.equal,
        "quality": one.quality,
        "score": one.score,
        "age_seconds": round(max(0.0, now - made), 3),
    }
