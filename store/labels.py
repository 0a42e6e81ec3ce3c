"""Labels: whether a stored answer was right for another prompt. What the cut is learned from, and negative memory.

A pair (new prompt, stored entry) once judged wrong is never served again, until a person says that it is right. Pairs
are kept apart from labels: they outlive them, and a lookup needs only them.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from store.database import Database, Prepared
from store.dialects import insert, members, upsert
from store.errors import DatabaseError
from store.tables import labels, wrong_pairs

MOST_IN_MEMORY = 200_000
"""Wrong pairs held in memory, some 200 bytes each; beyond it each lookup asks SQL too."""

Source = Literal["miss", "audit", "shadow", "feedback", "review"]
Method = Literal["exact", "meaning", "judge", "person"]


@dataclass(frozen=True, slots=True)
class Label:
    """Whether a stored answer was right for another prompt."""

    id: str
    """A label of the same id replaces the earlier one."""
    at: float
    """Seconds since 1970."""
    namespace: str
    verifier: str
    """Whose score this is; cuts belong to one verifier."""
    embedder: str
    prompt_key: str
    """``exact_key`` of the new call."""
    entry_key: str
    """``exact_key`` of the stored entry."""
    entry_id: str
    prompt: str
    stored_prompt: str
    similarity: float
    """Cosine, in [-1, 1]."""
    score: float
    """The verifier's, in [0, 1]."""
    signals: tuple[float, ...]
    correct: bool
    source: Source
    method: Method
    """How the verdict was reached."""
    propensity: float
    """Probability with which a candidate at this place got a label."""
    interaction_id: str | None = None


_FIELDS = [column.name for column in dataclasses.fields(Label)]
_COLUMNS = [labels.c[name] for name in _FIELDS]
_INSERT = Prepared(upsert(labels))
_ADD_PAIR = Prepared(insert(wrong_pairs).on_conflict_do_nothing())
_TAKE_BACK = Prepared(
    sa.delete(wrong_pairs).where(
        wrong_pairs.c.prompt_key == sa.bindparam("prompt_key"), wrong_pairs.c.entry_key == sa.bindparam("entry_key")
    )
)
_WRONG_FOR = Prepared(
    sa.select(wrong_pairs.c.entry_key).where(
        wrong_pairs.c.prompt_key == sa.bindparam("prompt_key"),
        wrong_pairs.c.entry_key.in_(members("entry_keys")),
    )
)
_PAIRS = Prepared(sa.select(wrong_pairs.c.prompt_key, wrong_pairs.c.entry_key).limit(sa.bindparam("most")))


class Labels:
    """The table of labels, and the pairs judged wrong.

    Args:
        database: where the rows are.
        told: called with the outcome of each queued write, on the writer's thread.
        most: wrong pairs held in memory.
    """

    def __init__(
        self,
        database: Database,
        told: Callable[[BaseException | None], None] | None = None,
        most: int = MOST_IN_MEMORY,
    ) -> None:
        self._database = database
        self._told = told
        self._most = most
        self._lock = threading.Lock()
        self._wrong: dict[bytes, None] = {}
        self._complete = self._load()

    def add(self, label: Label) -> Future[None]:
        """Queue a label; negative memory knows it from now on. The future resolves after the commit.

        A wrong pair is refused from now on, whatever becomes of the write. Only a person's verdict takes that back:
        comparing answers by machine errs, and a pair that is refused costs a miss.
        """
        if not label.correct:
            self.refuse(label.prompt_key, label.entry_key)
        elif label.method == "person" and label.source in ("feedback", "review"):
            self._admit(label.prompt_key, label.entry_key)
        return self._write(_INSERT, _as_row(label))

    def refuse(self, prompt_key: str, entry_key: str) -> Future[None]:
        """Never serve this pair again; without a label to learn from."""
        with self._lock:
            self._wrong[_pair(prompt_key, entry_key)] = None
            if len(self._wrong) > self._most:
                # The oldest was committed long ago: SQL has it.
                self._complete = False
                del self._wrong[next(iter(self._wrong))]
        return self._write(_ADD_PAIR, {"prompt_key": prompt_key, "entry_key": entry_key})

    def judged_wrong(self, prompt_key: str, entry_keys: Iterable[str]) -> set[str]:
        """Those of the stored entries' exact keys that were judged wrong for this prompt.

        Raises ``DatabaseError`` when that cannot be told; the caller must then serve none of them.
        """
        asked = list(entry_keys)
        wrong = {key for key in asked if _pair(prompt_key, key) in self._wrong}
        if not self._complete and len(wrong) < len(asked):
            rows = self._database.read(_WRONG_FOR, {"prompt_key": prompt_key, "entry_keys": json.dumps(asked)})
            wrong.update(key for (key,) in rows)
        return wrong

    def recent(self, namespace: str, verifier: str, limit: int, embedder: str | None = None) -> list[Label]:
        """The newest labels of a namespace on one verifier's scale, newest first. Raises ``DatabaseError``."""
        statement = _of(namespace, verifier, embedder).order_by(labels.c.at.desc(), labels.c.id.desc())
        return _as_labels(self._database.query(statement.limit(max(0, limit))))

    def since(self, namespace: str, verifier: str, at: float, limit: int, embedder: str | None = None) -> list[Label]:
        """Labels made at or after a time, oldest first. Raises ``DatabaseError``."""
        statement = _of(namespace, verifier, embedder).where(labels.c.at >= at).order_by(labels.c.at, labels.c.id)
        return _as_labels(self._database.query(statement.limit(max(0, limit))))

    def namespaces(self) -> list[str]:
        """Namespaces that have labels, in order of name. Raises ``DatabaseError``."""
        statement = sa.select(labels.c.namespace).distinct().order_by(labels.c.namespace)
        return [row["namespace"] for row in self._database.query(statement)]

    def counts(self, namespace: str | None = None) -> dict[str, tuple[int, int]]:
        """By source, how many labels say right and how many wrong. Raises ``DatabaseError``."""
        right = sa.func.sum(labels.c.correct)
        statement = sa.select(labels.c.source, right.label("right"), sa.func.count().label("all"))
        if namespace is not None:
            statement = statement.where(labels.c.namespace == namespace)
        rows = self._database.query(statement.group_by(labels.c.source).order_by(labels.c.source))
        return {row["source"]: (row["right"], row["all"] - row["right"]) for row in rows}

    def prune(self, keep: int) -> int:
        """Delete all but the newest ``keep`` labels of each namespace and verifier; gives how many went.

        Pairs judged wrong stay known: what was refused once is refused for good. Raises ``DatabaseError``.
        """
        group = (labels.c.namespace, labels.c.verifier)
        counted = sa.select(*group, sa.func.count().label("n")).group_by(*group).having(sa.func.count() > keep)
        gone = 0
        for row in self._database.query(counted):
            of_group = sa.and_(labels.c.namespace == row["namespace"], labels.c.verifier == row["verifier"])
            newest = sa.select(labels.c.id).where(of_group).order_by(labels.c.at.desc(), labels.c.id.desc())
            old = sa.delete(labels).where(of_group, labels.c.id.not_in(newest.limit(keep)))
            self._database.transact(functools.partial(_execute, old))
            gone += row["n"] - keep
        return gone

    def wipe(self, ids: Sequence[str]) -> None:
        """Delete labels with what they quote; pairs judged wrong stay known. Raises ``DatabaseError``."""
        self._database.transact(functools.partial(_execute, sa.delete(labels).where(labels.c.id.in_(ids))))

    def unpair(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let wrong pairs (prompt_key, entry_key) go, where prompt or entry are no more. Blocks until committed."""
        with self._lock:
            for pair in pairs:
                self._wrong.pop(_pair(*pair), None)
        if pairs:
            rows = [{"prompt_key": prompt, "entry_key": entry} for prompt, entry in pairs]
            self._database.writer.submit(_TAKE_BACK, *rows).result()

    def _admit(self, prompt_key: str, entry_key: str) -> None:
        with self._lock:
            self._wrong.pop(_pair(prompt_key, entry_key), None)
        self._write(_TAKE_BACK, {"prompt_key": prompt_key, "entry_key": entry_key})

    def _load(self) -> bool:
        """Read the wrong pairs; False when memory does not hold them all, and SQL must be asked."""
        try:
            rows = self._database.read(_PAIRS, {"most": self._most + 1})
        except DatabaseError as error:
            self._tell(error)
            return False
        self._wrong = {_pair(prompt_key, entry_key): None for prompt_key, entry_key in rows[: self._most]}
        return len(rows) <= self._most

    def _write(self, statement: Prepared, row: dict[str, Any]) -> Future[None]:
        done = self._database.writer.submit(statement, row)
        done.add_done_callback(lambda written: self._tell(written.exception()))
        return done

    def _tell(self, error: BaseException | None) -> None:
        if self._told is not None:
            self._told(error)


def _execute(statement: sa.Delete, connection: sa.Connection) -> None:
    connection.execute(statement)


def _pair(prompt_key: str, entry_key: str) -> bytes:
    """16 bytes that stand for a pair: keys are long, and there are many pairs."""
    return hashlib.blake2b(f"{prompt_key}\0{entry_key}".encode(), digest_size=16).digest()


def _of(namespace: str, verifier: str, embedder: str | None) -> sa.Select[Any]:
    statement = sa.select(*_COLUMNS).where(labels.c.namespace == namespace, labels.c.verifier == verifier)
    return statement if embedder is None else statement.where(labels.c.embedder == embedder)


def _as_row(label: Label) -> dict[str, Any]:
    row = {name: getattr(label, name) for name in _FIELDS}
    return {**row, "signals": json.dumps(label.signals), "correct": int(label.correct)}


def _as_labels(rows: list[dict[str, Any]]) -> list[Label]:
    """Labels from their rows; a damaged one teaches nothing and is left out."""
    found = []
    for row in rows:
        try:
            signals = tuple(float(value) for value in json.loads(row["signals"]))
        except (ValueError, TypeError):
            continue
        found.append(Label(**{**row, "signals": signals, "correct": bool(row["correct"])}))
    return found
