"""The flows in use of namespaces, held in the process, ready to be matched: while nothing changes, no SQL is read.

SQL is looked at again after a while whatever happens, for another process may have changed it.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from memory.flows.keywords import stems
from memory.flows.library import Flows
from memory.flows.scoring import Candidates, Floats, Vectors
from store.database import Database, Prepared
from store.dialects import members
from store.embedder import Embedder
from store.tables import flows

RECHECK: Final = 30.0
"""Seconds after which SQL is looked at again."""
MOST_NAMESPACES: Final = 256
MOST_FLOWS: Final = 20_000
"""Of all namespaces held; the one used last is held whatever its size."""
_Key = tuple[str, int, str]
_AT_ONCE: Final = 32
"""Flows that are embedded in one call."""

_KEYS: Final = "id version project updated_at last_matched_at".split()
_STATE = Prepared(
    sa.select(*(flows.c[name] for name in _KEYS))
    .where(flows.c.namespace == sa.bindparam("namespace"), flows.c.status == "published")
    .order_by(flows.c.id)
)
_MADE_OF: Final = "id version project problem_domain title description keywords embedder vector".split()
_SOME = Prepared(sa.select(*(flows.c[name] for name in _MADE_OF)).where(flows.c.id.in_(members("ids"))))


@dataclass(frozen=True, slots=True)
class Outline:
    """What matching needs of a flow's version."""

    id: str
    version: int
    project: str
    domain: str | None
    title: str
    text: str
    """Title, description and keywords."""
    keywords: frozenset[str]
    """Their stems."""
    vectors: Vectors | None = None
    """Of title and text; None where no embedder has read them yet."""

    @property
    def key(self) -> _Key:
        """What it follows from."""
        return self.id, self.version, self.project


@dataclass(frozen=True, slots=True)
class Held:
    """The flows in use of one namespace. Immutable."""

    outlines: tuple[Outline, ...]
    """By id."""
    versions: Mapping[str, int]
    """The version in use of each, by id."""
    candidates: Candidates
    used: Floats
    """When each was matched or published last; seconds since 1970."""
    version: int
    """``Flows.version`` when they were read."""
    embedder: str | None
    """Whose vectors they have; None: they have none."""
    until: float
    """Seconds of a clock that only rises, after which SQL is looked at again."""


class Copies:
    """Holds the namespaces that were used last. Usable from any thread.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, database: Database, library: Flows, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._library = library
        self._clock = clock
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._lock = threading.Lock()
        self._embedding = threading.Lock()

    def current(self, namespace: str) -> Held | None:
        """The namespace's flows, if they are held and nothing is known to have changed since; reads nothing."""
        with self._lock:
            held = self._held.get(namespace)
            if held is None or held.version != self._library.version(namespace) or self._clock() >= held.until:
                return None
            self._held.move_to_end(namespace)
        return held

    def of(self, namespace: str, embedder: Embedder | None = None) -> Held:
        """The namespace's flows, read where that is needed, with vectors of this embedder.

        Raises:
            DatabaseError: they cannot be read.
            EmbedderError: they cannot be embedded.
        """
        held = self.current(namespace) or self._read(namespace)
        if embedder is not None and held.embedder != embedder.id and len(held.candidates):
            # One at a time: who waited finds the work done.
            with self._embedding:
                held = self.current(namespace) or self._read(namespace)
                if held.embedder != embedder.id:
                    held = self._embedded(held, embedder)
                    self._keep(namespace, held)
        return held

    def _read(self, namespace: str) -> Held:
        # Taken first: what changes while the rows are read makes them outdated.
        version, until = self._library.version(namespace), self._clock() + RECHECK
        with self._lock:
            before = self._held.get(namespace)
        rows = [dict(zip(_KEYS, row, strict=True)) for row in self._database.read(_STATE, {"namespace": namespace})]
        keys: list[_Key] = [(row["id"], row["version"], row["project"]) for row in rows]
        used = np.array([_seconds(max(row["updated_at"], row["last_matched_at"] or "")) for row in rows])
        if before is not None and keys == [one.key for one in before.outlines]:
            held = Held(before.outlines, before.versions, before.candidates, used, version, before.embedder, until)
        else:
            held = self._made(keys, used, version, until, before)
        self._keep(namespace, held)
        return held

    def _made(self, keys: Sequence[_Key], used: Floats, version: int, until: float, before: Held | None) -> Held:
        known = {one.key: one for one in before.outlines} if before is not None else {}
        wanted = sorted(key[0] for key in keys if key not in known)
        rows = self._database.read(_SOME, {"ids": json.dumps(wanted)}) if wanted else []
        read = [dict(zip(_MADE_OF, row, strict=True)) for row in rows]
        embedder = before.embedder if before is not None and before.embedder else _common(read)
        known |= {one.key: one for one in (_outline(row, embedder) for row in read)}
        # One that got another version meanwhile comes with the next reading.
        kept = [at for at, key in enumerate(keys) if key in known]
        return _held([known[keys[at]] for at in kept], used[kept], version, until, embedder)

    def _embedded(self, held: Held, embedder: Embedder) -> Held:
        """The same with this embedder's vectors, which are kept for the next start."""
        wanted = [one.id for one in held.outlines]
        rows = [
            dict(zip(_MADE_OF, row, strict=True)) for row in self._database.read(_SOME, {"ids": json.dumps(wanted)})
        ]
        stored = {one.key: one for one in (_outline(row, embedder.id) for row in rows)}
        found = [stored.get(one.key, one) for one in held.outlines]
        lacking = [at for at, one in enumerate(found) if _wrong(one, embedder)]
        for first in range(0, len(lacking), _AT_ONCE):
            these = lacking[first : first + _AT_ONCE]
            made = embedder.embed([text for at in these for text in (found[at].title, found[at].text)])
            for number, at in enumerate(these):
                vectors = np.asarray(made[2 * number : 2 * number + 2], np.float32)
                found[at] = dataclasses.replace(found[at], vectors=vectors)
            self._store([found[at] for at in these], embedder.id)
        return _held(found, held.used, held.version, held.until, embedder.id)

    def _store(self, made: Sequence[Outline], embedder: str) -> None:
        def work(connection: sa.Connection) -> None:
            for one in made:
                assert one.vectors is not None
                # A newer version has other words.
                of_it = sa.and_(flows.c.id == one.id, flows.c.version == one.version)
                values = {"embedder": embedder, "vector": one.vectors.tobytes()}
                connection.execute(sa.update(flows).where(of_it).values(**values))

        self._database.transact(work)

    def _keep(self, namespace: str, held: Held) -> None:
        with self._lock:
            self._held[namespace] = held
            self._held.move_to_end(namespace)
            total = sum(len(one.outlines) for one in self._held.values())
            while len(self._held) > 1 and (len(self._held) > MOST_NAMESPACES or total > MOST_FLOWS):
                total -= len(self._held.popitem(last=False)[1].outlines)


def _held(outlines: Sequence[Outline], used: Floats, version: int, until: float, embedder: str | None) -> Held:
    vectors = [one.vectors for one in outlines if one.vectors is not None]
    whole = embedder is not None and len(vectors) == len(outlines) and len({one.shape for one in vectors}) == 1
    candidates = Candidates(
        [one.keywords for one in outlines],
        [one.project for one in outlines],
        [one.domain for one in outlines],
        np.concatenate(vectors) if whole else None,
    )
    return Held(
        tuple(outlines),
        {one.id: one.version for one in outlines},
        candidates,
        used,
        version,
        embedder if whole else None,
        until,
    )


def _outline(row: Mapping[str, Any], embedder: str | None) -> Outline:
    try:
        found = json.loads(row["keywords"])
    except ValueError:
        found = []
    keywords = [str(word) for word in found] if isinstance(found, list) else []
    vectors = None
    if embedder is not None and row["embedder"] == embedder and row["vector"] and len(row["vector"]) % 8 == 0:
        vectors = np.frombuffer(row["vector"], np.float32).reshape(2, -1)
    text = f"{row['title']}. {row['description']} {', '.join(keywords)}"
    return Outline(
        row["id"], row["version"], row["project"], row["problem_domain"], row["title"], text, stems(keywords), vectors
    )


def _wrong(one: Outline, embedder: Embedder) -> bool:
    return one.vectors is None or one.vectors.shape != (2, embedder.dimension)


def _common(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The embedder that read all of them; None where there is no such."""
    names = {row["embedder"] for row in rows}
    return names.pop() if len(names) == 1 else None


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
