"""The active memories of namespaces, held in the process with their words: choosing some for a prompt reads no SQL."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from memory.context.notes import SHARES, Match, Note, best_of, note_of, ranked, unasked
from memory.interactions import stamp_at
from memory.memories.memory import Memory
from memory.memories.rows import read_tags
from store.database import Database, Prepared
from store.dialects import members
from store.tables import memories

MOST_NAMESPACES: Final = 256
MOST_MEMORIES: Final = 100_000
"""Of all namespaces held; the one used last is held whatever its size."""

MOST_APART: Final = 64
"""Changes of a namespace's memories that are held beside its index; beyond, it is made anew."""
_MOST_PROJECTS: Final = 64
"""Of a namespace, whose part of it is kept ready."""

_BANDS: Final = tuple(SHARES)

Positions = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_COLUMNS: Final = (
    "id namespace project memory_type content status confidence created_at updated_at version tags valid_until"
).split()
_SELECT = sa.select(*(memories.c[name] for name in _COLUMNS))
_ALL = Prepared(_SELECT.where(memories.c.namespace == sa.bindparam("namespace"), memories.c.status == "active"))
# By the ids alone: with the namespace SQLite would read all of it.
_IDS = members("ids")
_SOME = Prepared(_SELECT.where(memories.c.id.in_(_IDS)))


class Versions(Protocol):
    """As much of ``memory.memories.memories.Memories`` as the pool needs."""

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's memories."""
        ...

    def changed_since(self, namespace: str, version: int) -> frozenset[str] | None:
        """Ids of the memories changed since then; None where that is not known."""
        ...


class Held:
    """The active memories of one namespace: those read at first, but for what has changed since. Immutable.

    Args:
        version: the namespace's when they were read.
        until: seconds since 1970 at which the first of them expires; infinite where none does.
        outdated: ids in the index that it is wrong about; what is left of them, and what is new, is in ``fresh``.
    """

    def __init__(
        self,
        index: Index,
        version: int,
        until: float = math.inf,
        outdated: frozenset[str] = frozenset(),
        fresh: Sequence[Note] = (),
    ) -> None:
        self.version = version
        self.until = until
        self.mark = object()
        """Stands for these very memories; what was chosen of them can be remembered under it."""
        self._index = index
        self._outdated = outdated
        self._fresh = fresh
        self._valid = index.without(outdated)

    def __len__(self) -> int:
        return int(self._valid.sum()) + len(self._fresh)

    @property
    def apart(self) -> int:
        """How much of it is held beside its index."""
        return len(self._outdated) + len(self._fresh)

    def ranked(self, project: str, prompt: frozenset[str], most: int) -> list[Match]:
        """As ``memory.context.notes.ranked`` of these memories."""
        best = self._index.ranked(project, prompt, most, self._valid)
        return best_of([*best, *ranked(self._fresh, project, prompt, most)], most) if self._fresh else best

    def notes(self) -> dict[str, Note]:
        """By id, outdated ones among them."""
        return {note.memory.id: note for note in (*self._index.notes, *self._fresh)}

    def after(self, changed: frozenset[str], notes: Iterable[Note], until: float, version: int) -> Held:
        """These memories after a change of some, of which ``notes`` is what is left."""
        outdated = self._outdated | self._index.known(changed)
        kept = [note for note in self._fresh if note.memory.id not in changed]
        return Held(self._index, version, min(self.until, until), outdated, [*kept, *notes])


class Index:
    """Memories, to be found by their words. Immutable."""

    def __init__(self, notes: Iterable[Note]) -> None:
        # What no prompt changes is put in order once.
        self.notes = sorted(notes, key=lambda note: (-note.memory.confidence, note.memory.id))
        self._at = {note.memory.id: at for at, note in enumerate(self.notes)}
        self._words = _positions(note.terms for note in self.notes)
        self._tags = _positions(note.tags for note in self.notes)
        self._projects = _positions((note.memory.project,) for note in self.notes)
        self._sizes = np.array([max(1, len(note.terms)) for note in self.notes], dtype=np.float64)
        self._bands = np.array([_BANDS.index(note.band) for note in self.notes], dtype=np.int8)
        self._eligible: dict[str, tuple[Mask, Positions]] = {}

    def known(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that are in it."""
        return frozenset(id_ for id_ in ids if id_ in self._at)

    def without(self, ids: Iterable[str]) -> Mask:
        """Which of the notes are not those of these ids, all of which are in it."""
        valid = np.ones(len(self.notes), dtype=np.bool_)
        valid[[self._at[id_] for id_ in ids]] = False
        return valid

    def ranked(self, project: str, prompt: frozenset[str], most: int, valid: Mask) -> list[Match]:
        """As ``memory.context.notes.ranked`` of the valid ones."""
        if not self.notes:
            return []
        own, personal = self._of_project(project)
        overlap, tagged = self._counted(self._words, prompt), self._counted(self._tags, prompt)
        near = np.flatnonzero((overlap + tagged > 0) & own & valid)
        far = personal[(overlap[personal] + tagged[personal] == 0) & valid[personal]]
        density = overlap[near] / self._sizes[near]
        if len(near) > 4 * most:
            kept = self._dense(near, density, most)
            near, density = near[kept], density[kept]
        # The last key counts most; where all are equal, the order above stands.
        near = near[np.lexsort((tagged[near] == 0, -overlap[near], -density))]
        found: list[Match] = []
        left = dict.fromkeys(SHARES, most)
        for at, shared, tag in zip(near.tolist(), overlap[near].tolist(), tagged[near].tolist(), strict=True):
            note = self.notes[at]
            if left[note.band]:
                left[note.band] -= 1
                found.append(Match(note, shared, tag > 0))
        return found + [
            Match(self.notes[at], 0, tagged=False) for at in far[: min(left["personal"], unasked(most))].tolist()
        ]

    def _dense(self, near: Positions, density: npt.NDArray[np.float64], most: int) -> Positions:
        """Of each band those at least as dense as the last that is wanted: no more need be put in order."""
        kept = []
        bands = self._bands[near]
        for band in range(len(SHARES)):
            at = np.flatnonzero(bands == band)
            if len(at) > most:
                of_band = density[at]
                at = at[of_band >= np.partition(of_band, -most)[-most]]
            kept.append(at)
        # In order again, for what is equal to the last key.
        return np.sort(np.concatenate(kept))

    def _of_project(self, project: str) -> tuple[Mask, Positions]:
        """Which notes a call of the project may get, and where those are that need no shared word."""
        project = project if project in self._projects else ""
        known = self._eligible.get(project)
        if known is None:
            own = self._counted(self._projects, {"", project}) > 0
            known = own, np.flatnonzero(own & (self._bands == _BANDS.index("personal")))
            if len(self._eligible) >= _MOST_PROJECTS:
                self._eligible.clear()
            self._eligible[project] = known
        return known

    def _counted(self, positions: Mapping[str, Positions], words: Collection[str]) -> Positions:
        """How many of the words each note has."""
        found = [positions[word] for word in words if word in positions]
        if not found:
            return np.zeros(len(self.notes), dtype=np.intp)
        return np.bincount(found[0] if len(found) == 1 else np.concatenate(found), minlength=len(self.notes))


class Pool:
    """Holds the namespaces that were used last. Usable from any thread.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, versions: Versions, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._versions = versions
        self._clock = clock
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._lock = threading.Lock()

    def current(self, namespace: str) -> Held | None:
        """The namespace's memories, if they are held and nothing has changed since; reads nothing."""
        with self._lock:
            held = self._held.get(namespace)
            if held is None or held.version != self._versions.version(namespace) or self._clock() >= held.until:
                return None
            self._held.move_to_end(namespace)
        return held

    def of(self, namespace: str) -> Held:
        """The namespace's memories, read where that is needed. Raises ``DatabaseError``."""
        held = self.current(namespace)
        if held is None:
            held = self._read(namespace)
            self._keep(namespace, held)
        return held

    def _read(self, namespace: str) -> Held:
        # Taken first: what changes while the rows are read makes them outdated.
        version, now = self._versions.version(namespace), self._clock()
        with self._lock:
            known = self._held.get(namespace)
        if known is not None and now < known.until:
            changed = self._versions.changed_since(namespace, known.version)
            if changed is not None and len(changed) <= MOST_APART:
                given = {"ids": json.dumps(sorted(changed))}
                after = known.after(changed, *self._rows(namespace, _SOME, given, {}, now), version)
                if after.apart <= MOST_APART:
                    return after
        notes, until = self._rows(
            namespace, _ALL, {"namespace": namespace}, {} if known is None else known.notes(), now
        )
        return Held(Index(notes), version, until)

    def _rows(
        self, namespace: str, statement: Prepared, given: dict[str, Any], known: Mapping[str, Note], now: float
    ) -> tuple[list[Note], float]:
        """What is the namespace's, active and not expired, and when the first of it will be."""
        moment = stamp_at(now)
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in self._database.read(statement, given)]
        lasting = [
            row
            for row in rows
            if (row["namespace"], row["status"]) == (namespace, "active")
            and (row["valid_until"] is None or row["valid_until"] > moment)
        ]
        ends = [row["valid_until"] for row in lasting if row["valid_until"] is not None]
        until = datetime.fromisoformat(min(ends)).replace(tzinfo=UTC).timestamp() if ends else math.inf
        return [_noted(row, known) for row in lasting], until

    def _keep(self, namespace: str, held: Held) -> None:
        with self._lock:
            self._held[namespace] = held
            self._held.move_to_end(namespace)
            total = sum(map(len, self._held.values()))
            while len(self._held) > 1 and (len(self._held) > MOST_NAMESPACES or total > MOST_MEMORIES):
                total -= len(self._held.popitem(last=False)[1])


def _noted(row: Mapping[str, Any], known: Mapping[str, Note]) -> Note:
    """The row's note; what was read from the same words before is kept."""
    memory = Memory(**{**row, "tags": tuple(read_tags(row["tags"]))})
    before = known.get(memory.id)
    if before is not None and _written(before.memory) == _written(memory):
        return dataclasses.replace(before, memory=memory)
    return note_of(memory)


def _written(memory: Memory) -> tuple[object, ...]:
    """What a note is made of."""
    return memory.content, memory.tags, memory.memory_type, memory.project


def _positions(words: Iterable[Iterable[str]]) -> dict[str, Positions]:
    """Which of them have a word."""
    lists: dict[str, list[int]] = {}
    for at, these in enumerate(words):
        for word in these:
            lists.setdefault(word, []).append(at)
    return {word: np.array(found, dtype=np.intp) for word, found in lists.items()}
