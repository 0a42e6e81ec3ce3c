"""One stored answer, and the row it is kept in."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from store.errors import DatabaseError
from store.tables import entries
from store.vectors import Vector


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer, in the shape of a chat completion."""

    id: str
    exact_key: str
    compat_key: str | None
    """None: the answer is never found by meaning."""
    partition: str
    namespace: str
    model: str | None
    prompt: str | None
    """The last user text; None where it could not be taken out cleanly."""
    answer: dict[str, Any]
    created_at: float
    """Seconds since 1970, as ``expires_at``."""
    expires_at: float
    alpha: float
    beta: float
    status: str = "active"
    """active; or, never served: blocked, quarantined, superseded, expired, invalidated, evicted, deleted."""
    has_tool_calls: bool = False
    source_interaction_id: str | None = None
    tags: tuple[str, ...] = field(default=())
    policy: str | None = None
    """Name of the policy it was stored under."""
    project: str | None = None
    target: str | None = None
    """The upstream that was asked: provider, its model and base."""
    answered_by: str | None = None
    """The model as the upstream names it in its answer, which may hold a version."""
    cost: float | None = None
    """US dollars that the answer cost, and that each hit saves; None: unknown."""
    loose_key: str | None = None
    """The compat_key without the texts of earlier turns; None: its history matches by equality only."""
    earlier: tuple[str, ...] = field(default=())
    """Texts of the turns before the last, where they may match by meaning."""

    @property
    def quality(self) -> float:
        """Mean of the Beta posterior, in [0, 1]."""
        return self.alpha / (self.alpha + self.beta)


FIELDS = [column.name for column in dataclasses.fields(Entry)]
COLUMNS = [entries.c[name] for name in FIELDS]


def as_row(entry: Entry, vector: Vector | None, embedder: str | None) -> dict[str, Any]:
    """The row of a new entry, not in the vector index yet."""
    row = {name: getattr(entry, name) for name in FIELDS}
    row["answer"] = json.dumps(entry.answer, ensure_ascii=False, separators=(",", ":"))
    row["tags"] = json.dumps(entry.tags)
    row["earlier"] = json.dumps(entry.earlier, ensure_ascii=False) if entry.earlier else None
    row["size"] = len(row["answer"].encode("utf-8", "surrogatepass")) + len(
        (entry.prompt or "").encode("utf-8", "surrogatepass")
    )
    row["has_tool_calls"] = int(entry.has_tool_calls)
    row["vector"] = None if vector is None else vector.astype(np.float32).tobytes()
    row["embedder"] = None if vector is None else embedder
    return {**row, "hits": 0, "last_hit_at": None, "indexed": 0}


def from_row(row: tuple[Any, ...]) -> Entry:
    """An entry from its ``COLUMNS``. Raises ``DatabaseError`` for a damaged row."""
    values = dict(zip(FIELDS, row, strict=True))
    try:
        values["answer"] = json.loads(values["answer"])
        values["tags"] = tuple(json.loads(values["tags"] or "[]"))
        values["earlier"] = tuple(json.loads(values["earlier"] or "[]"))
    except (ValueError, TypeError) as error:
        raise DatabaseError(f"entry {values['id']} is damaged: {error}") from error
    values["has_tool_calls"] = bool(values["has_tool_calls"])
    return Entry(**values)
