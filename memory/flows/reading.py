"""Reads the flows that are kept, and their versions."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from cachetools import LRUCache

from memory.flows.flow import Flow
from memory.flows.tree import FlowFault, read_flow
from memory.memories.memory import MemoryFault
from store.database import Database
from store.tables import flow_versions, flows

STATUSES: Final = ("published", "retired")
MOST_LISTED: Final = 500
_MOST_READ: Final = 4096
"""Versions that are known as they were read."""

_SHOWN: Final = (
    "id namespace project version status matched resolved escalated abandoned moving_rate last_matched_at created_at"
    " updated_at"
).split()
_NEWEST = sa.and_(flow_versions.c.flow_id == flows.c.id, flow_versions.c.version == flows.c.version)
_WITH_CONTENT = sa.select(*(flows.c[name] for name in _SHOWN), flow_versions.c.content).join(flow_versions, _NEWEST)


@dataclass(frozen=True, slots=True)
class Published:
    """A flow as its newest version says. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``."""

    id: str
    namespace: str
    project: str
    """Empty: of every project."""
    version: int
    """From 1."""
    status: str
    """``published``, or ``retired``: no session is matched to it."""
    flow: Flow
    matched: int
    """Sessions that followed it and have ended."""
    resolved: int
    escalated: int
    abandoned: int
    moving_rate: float | None
    """As ``memory.flows.outcomes`` moves it, in [0, 1]; None before the first."""
    last_matched_at: str | None
    created_at: str
    updated_at: str

    @property
    def success_rate(self) -> float | None:
        """Resolved over matched, in [0, 1]; None where nobody followed it."""
        return self.resolved / self.matched if self.matched else None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a flow, and where it came from."""

    version: int
    at: str
    actor: str
    proposal_id: str | None
    diff_description: str | None
    flow: Flow


class FlowReader:
    """The flows of all namespaces. Usable from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: LRUCache[tuple[str, int], Flow] = LRUCache(_MOST_READ)
        self._lock = threading.Lock()

    def get(self, flow_id: str, namespace: str | None = None) -> Published | None:
        """A flow of any status; None where there is none, or not in this namespace. Raises ``DatabaseError``."""
        wanted = sa.and_(flows.c.id == flow_id, *([flows.c.namespace == namespace] if namespace is not None else []))
        return next(iter(self._found(_WITH_CONTENT.where(wanted))), None)

    def list(
        self,
        *,
        namespace: str | None = None,
        project: str | None = None,
        status: str | None = None,
        problem_domain: str | None = None,
        limit: int = 50,
    ) -> Sequence[Published]:
        """The last changed first; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            project: its own; empty: those of every project.

        Raises:
            MemoryFault: no such status.
            DatabaseError: they cannot be read.
        """
        if status is not None and status not in STATUSES:
            raise MemoryFault("status", f"{status!r} is no status; one of: {', '.join(STATUSES)}")
        if limit <= 0:
            return []
        statement = _WITH_CONTENT
        given = {"namespace": namespace, "project": project, "status": status, "problem_domain": problem_domain}
        for name, value in given.items():
            if value is not None:
                statement = statement.where(flows.c[name] == value)
        newest = statement.order_by(flows.c.updated_at.desc(), flows.c.id.desc()).limit(min(limit, MOST_LISTED))
        return self._found(newest)

    def versions(self, flow_id: str) -> Sequence[Version]:
        """Every version that can be read, the newest first."""
        of_it = sa.select(flow_versions).where(flow_versions.c.flow_id == flow_id)
        rows = self._database.query(of_it.order_by(flow_versions.c.version.desc()))
        read = [(row, self.read(flow_id, row["version"], row["content"])) for row in rows]
        return [
            Version(row["version"], row["at"], row["actor"], row["proposal_id"], row["diff_description"], flow)
            for row, flow in read
            if flow is not None
        ]

    def as_of(self, flow_id: str, version: int) -> Flow | None:
        """What a version says; None where there is none."""
        return next((one.flow for one in self.versions(flow_id) if one.version == version), None)

    def unread(self) -> None:
        """Drop the versions that are known."""
        with self._lock:
            self._read.clear()

    def _found(self, statement: sa.Select[Any]) -> Sequence[Published]:
        rows = self._database.query(statement)
        read = [(row, self.read(row["id"], row["version"], row.pop("content"))) for row in rows]
        return [Published(**row, flow=flow) for row, flow in read if flow is not None]

    def read(self, id_: str, version: int, content: str) -> Flow | None:
        """What a version says; None where that is damaged, or was forgotten. No version ever changes."""
        with self._lock:
            known = self._read.get((id_, version))
        if known is None:
            try:
                known = read_flow(json.loads(content))
            except (ValueError, FlowFault):
                return None
            with self._lock:
                self._read[id_, version] = known
        return known
