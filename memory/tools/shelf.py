"""What is known by heart of a tool's runs: which there are, the keys of their inputs, and the inputs' vectors.

SQL is the truth: a shelf holds what of a run never changes, takes in what is new with every use, and whatever it finds
is read again before it counts. So a forgotten run is found no more, and a rating counts at once.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from memory.tools.vectors import UNREAD, ToolVectors, packed, unpacked
from store.database import Database, Prepared
from store.dialects import members
from store.embedder.base import Embedder, Vectors
from store.tables import interaction_vectors as vectors
from store.tables import interactions as log

MOST_RUNS: Final = 10_000
"""Newest runs of a tool that can be found."""
EMBEDDED_AT_QUERY: Final = 64
"""Newest runs without a vector that a query embeds itself; the others wait for the queue."""
LATE: Final = timedelta(seconds=10)
"""How much later than a younger run one may be committed."""

_ROWS: Final = Prepared(
    sa.select(
        log.c.id,
        log.c.created_at,
        sa.case((log.c.cache_status == "hit", log.c.entry_id)),
        log.c.input_hash,
        # Rows of earlier versions have no key.
        sa.case((log.c.input_hash.is_(None), log.c.prompt)),
    )
    .where(
        log.c.tool_id == sa.bindparam("tool_id"),
        log.c.namespace == sa.bindparam("namespace"),
        log.c.created_at >= sa.bindparam("since"),
    )
    .order_by(log.c.created_at.desc(), log.c.id.desc())
    .limit(sa.bindparam("most"))
)
_VECTORS: Final = Prepared(
    sa.select(vectors.c.interaction_id, vectors.c.vector).where(
        vectors.c.interaction_id.in_(members("ids")),
        vectors.c.embedder == sa.bindparam("embedder"),
    )
)

_UNKNOWN, _KNOWN, _UNREADABLE = 0, 1, 2


def input_key(text: str) -> str:
    """What equal inputs share, and only they."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Shelf:
    """The runs of one tool in one namespace. Hold ``lock`` while using it."""

    def __init__(self, database: Database, namespace: str, tool_id: str) -> None:
        self.lock = threading.Lock()
        self.ids: list[str] = []
        self.made: list[str] = []
        """When each was recorded, as the log writes it."""
        self._database = database
        self._where = {"namespace": namespace, "tool_id": tool_id}
        self._by_key: dict[str, list[int]] = {}
        self._hits: dict[str, list[tuple[str, str]]] = {}
        self._seen: set[str] = set()
        self._newest = ""
        self._embedder: str | None = None
        self._matrix: Vectors = np.zeros((0, 0), np.float32)
        self._state: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self.ids)

    def refresh(self) -> None:
        """Take in what was recorded meanwhile. Raises ``DatabaseError``."""
        since = ""
        if self._newest:
            since = (datetime.fromisoformat(self._newest) - LATE).isoformat(" ", "seconds")
        values = {**self._where, "since": since, "most": MOST_RUNS}
        for row in reversed(self._database.read(_ROWS, values)):
            self._take(*row)
        if len(self._seen) > 2 * MOST_RUNS:
            self._start_anew()

    def equal(self, key: str) -> list[int]:
        """Runs with this very input, oldest first."""
        return self._by_key.get(key, [])

    def served(self, key: str) -> list[tuple[str, str]]:
        """Hits with this very input, each with the run whose output it was."""
        return self._hits.get(key, [])

    def similarities(self, embedder: Embedder, inputs: ToolVectors, text: str) -> tuple[Sequence[int], Vectors]:
        """The runs whose inputs can be compared, and the cosine of each.

        Raises:
            EmbedderError: a text could not be embedded.
            DatabaseError: SQL could not be read or written.
        """
        if not self.ids or not embedder.fits(text):
            return [], np.zeros(0, np.float32)
        query = unpacked(packed(embedder, [text]), embedder.dimension)[0]
        self._read_vectors(embedder, inputs)
        known = np.flatnonzero(self._state == _KNOWN)
        whole = len(known) == len(self.ids)
        rows = self._matrix[: len(self.ids)] if whole else self._matrix[known]
        return known.tolist(), rows @ query

    def _take(self, id_: str, made: str, source: str | None, key: str | None, prompt: str | None) -> None:
        if id_ in self._seen:
            return
        self._seen.add(id_)
        self._newest = max(self._newest, made)
        key = key or input_key(prompt or "")
        if source is not None:
            self._hits.setdefault(key, []).append((id_, source))
            return
        self._by_key.setdefault(key, []).append(len(self.ids))
        self.ids.append(id_)
        self.made.append(made)

    def _start_anew(self) -> None:
        """Let go of all but the newest."""
        for held in (self.ids, self.made, self._by_key, self._hits, self._seen):
            held.clear()
        self._newest, self._embedder = "", None
        self.refresh()

    def _read_vectors(self, embedder: Embedder, inputs: ToolVectors) -> None:
        self._room(embedder)
        lacking = np.flatnonzero(self._state == _UNKNOWN).tolist()
        if not lacking:
            return
        by_id = {self.ids[at]: at for at in lacking}
        read = self._database.read(_VECTORS, {"ids": json.dumps(list(by_id)), "embedder": embedder.id})
        self._keep(by_id, read, embedder.dimension)
        newest = [self.ids[at] for at in reversed(lacking) if self._state[at] == _UNKNOWN][:EMBEDDED_AT_QUERY]
        if newest:
            self._keep(by_id, inputs.add(embedder, newest).items(), embedder.dimension)

    def _keep(self, by_id: dict[str, int], made: Iterable[tuple[Any, ...]], dimension: int) -> None:
        found = [(by_id[id_], blob) for id_, blob in made]
        whole = [(at, blob) for at, blob in found if blob != UNREAD]
        self._state[[at for at, blob in found if blob == UNREAD]] = _UNREADABLE
        if whole:
            places = [at for at, _ in whole]
            self._matrix[places] = unpacked([blob for _, blob in whole], dimension)
            self._state[places] = _KNOWN

    def _room(self, embedder: Embedder) -> None:
        """A row for each run, in the space of this embedder."""
        if self._embedder != embedder.id:
            self._embedder = embedder.id
            self._matrix = np.zeros((0, embedder.dimension), np.float32)
            self._state = np.zeros(0, np.uint8)
        more = len(self.ids) - len(self._state)
        if more > 0:
            self._state = np.concatenate([self._state, np.zeros(more, np.uint8)])
        if len(self._matrix) < len(self.ids):
            grown = np.zeros((len(self.ids) + max(64, len(self.ids) // 4), embedder.dimension), np.float32)
            grown[: len(self._matrix)] = self._matrix
            self._matrix = grown
