"""A selection of stored answers, named by their properties; the same in SQL and for an answer not stored yet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from store.dialects import contains, json_text, members
from store.entry import Entry
from store.tables import entries
from store.vectors import Vector

STATUSES: Final = ("active", "blocked", "quarantined", "superseded", "expired", "invalidated", "evicted")
"""What an entry may be; only the active ones are served. ``deleted`` is not among them: nobody sees those."""


@dataclass(frozen=True, slots=True, eq=False)
class Like:
    """Prompts that mean about the same as one."""

    vector: Vector = field(repr=False)
    embedder: str
    similarity: float
    """Least cosine, in [-1, 1]."""

    def reaches(self, vector: Vector | None) -> bool:
        """Is a prompt near enough? One that has no vector yet might be."""
        # An endpoint may have changed its model, and with it the dimension, behind an unchanged name.
        if vector is None or vector.shape != self.vector.shape:
            return True
        return float(self.vector @ vector) >= self.similarity


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Entries that have all of these properties; without any, all entries."""

    namespace: str | None = None
    model: str | None = None
    project: str | None = None
    tag: str | None = None
    policy: str | None = None
    status: str | None = None
    target: str | None = None
    """The upstream that was asked."""
    answered_by: str | None = None
    """The model as the upstream named it."""
    created_before: float | None = None
    """Seconds since 1970."""
    text: str | None = None
    """Stands in the prompt or in the answer's text, in whatever case."""
    like: Like | None = None

    @property
    def is_empty(self) -> bool:
        """Does it name no property?"""
        return all(getattr(self, one.name) is None for one in dataclasses.fields(self))

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """In SQL, all but ``like``, which is computed from the vectors."""
        found: list[sa.ColumnElement[bool]] = [entries.c.status != "deleted"]
        for name in ("namespace", "model", "project", "policy", "status", "target", "answered_by"):
            value = getattr(self, name)
            if value is not None:
                found.append(entries.c[name] == value)
        if self.tag is not None:
            found.append(_has_tag(self.tag))
        if self.created_before is not None:
            found.append(entries.c.created_at < self.created_before)
        if self.text is not None:
            found.append(sa.or_(_contains(entries.c.prompt, self.text), _contains(_ANSWER_TEXT, self.text)))
        if self.like is not None:
            found += [entries.c.embedder == self.like.embedder, entries.c.vector.is_not(None)]
        return found

    def covers(self, entry: Entry, vector: Vector | None) -> bool:
        """Would it hold this entry, once that is stored? Where that cannot be told, it would."""
        for name in ("namespace", "model", "project", "policy", "status", "target", "answered_by"):
            value = getattr(self, name)
            if value is not None and getattr(entry, name) != value:
                return False
        if self.tag is not None and self.tag not in entry.tags:
            return False
        if self.created_before is not None and entry.created_at >= self.created_before:
            return False
        if self.like is None:
            return True
        # What is never found by meaning has no vector that could be near.
        return entry.compat_key is not None and self.like.reaches(vector)


def similarities(vector: Vector, rows: list[tuple[Any, ...]], column: int) -> list[float]:
    """Cosines of rows whose ``column`` holds a vector's bytes; -1 where the dimension is another."""
    found = [np.frombuffer(row[column], dtype=np.float32) for row in rows]
    same = [number for number, other in enumerate(found) if other.shape == vector.shape]
    cosines = [-1.0] * len(rows)
    if same:
        # Rounding puts equal vectors a little above 1.
        together = np.minimum(np.stack([found[number] for number in same]) @ vector, 1.0)
        for number, cosine in zip(same, together, strict=True):
            cosines[number] = float(cosine)
    return cosines


# One damaged answer must not spoil the search.
_ANSWER_TEXT = json_text(entries.c.answer, "choices", 0, "message", "content")


def _contains(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    return contains(column, text)


def _has_tag(tag: str) -> sa.ColumnElement[bool]:
    return sa.literal(tag).in_(members(entries.c.tags))
