"""The flows: published, made anew in further versions, taken out of use and brought back. Every version is kept.

SQL is the truth. Each change is audited, and can be undone; an audit row names versions, whose words stand in
``flow_versions`` alone.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from cachetools import LRUCache

from memory.flows.changes import Changes
from memory.flows.tree import Flow, FlowFault, checked, read_flow
from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from store.database import Database
from store.ids import new_id
from store.tables import flow_versions, flows

OBJECT: Final = "flow"
"""What the audit calls them."""
STATUSES: Final = ("published", "retired")
MOST_LISTED: Final = 500
DIFF_CHARS: Final = 1000
_MOST_READ: Final = 4096
"""Versions that are known as they were read."""

T = TypeVar("T")


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


class Flows:
    """The flows of all namespaces. Usable from any thread.

    Args:
        redact: takes out of each text what must not be kept.
        resolve: gives the id of the project that goes by a name.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        trail: AuditTrail | None = None,
        *,
        redact: Callable[[str], str] = str,
        resolve: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._trail = trail or AuditTrail(database, clock)
        self._redact = redact
        self._resolve = resolve
        self._clock = clock
        self._changes = Changes(database)
        self._read: LRUCache[tuple[str, int], Flow] = LRUCache(_MOST_READ)
        self._lock = threading.Lock()

    # Reading

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's flows, in this process."""
        return self._changes.version(namespace)

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
        read = [(row, self._flow(flow_id, row["version"], row["content"])) for row in rows]
        return [
            Version(row["version"], row["at"], row["actor"], row["proposal_id"], row["diff_description"], flow)
            for row, flow in read
            if flow is not None
        ]

    def as_of(self, flow_id: str, version: int) -> Flow | None:
        """What a version says; None where there is none."""
        return next((one.flow for one in self.versions(flow_id) if one.version == version), None)

    # Writing, within a transaction of the caller's that began as ``transact`` does

    def publish(
        self,
        connection: sa.Connection,
        namespace: str,
        project: str,
        flow: Flow,
        actor: Actor,
        proposal_id: str | None = None,
    ) -> str:
        """Put a new flow into use; gives its id. Raises ``FlowFault``: with secrets taken out it is none."""
        id_, now, project = new_id("flo"), self._now(), self._resolve(project)
        flow = self._kept(flow)
        connection.execute(
            sa.insert(flows).values(
                id=id_,
                namespace=namespace,
                project=project,
                status="published",
                version=1,
                created_at=now,
                updated_at=now,
                **_columns(flow),
            )
        )
        self._add_version(connection, id_, 1, flow, actor, proposal_id, None)
        after = {"status": "published", "version": 1}
        self._tell(connection, actor, Changed(id_, "publish", namespace, {}, after, OBJECT, project))
        return id_

    def renew(
        self,
        connection: sa.Connection,
        flow_id: str,
        flow: Flow,
        actor: Actor,
        proposal_id: str | None = None,
        diff: str | None = None,
    ) -> int:
        """Make a new version of a flow; gives its number.

        Args:
            diff: what is new in it, in words.

        Raises:
            Missing: no such flow.
            FlowFault: as ``publish``.
        """
        row = self._row(connection, flow_id)
        return self._renew(connection, row, self._kept(flow), actor, "renew", proposal_id, diff)

    def retire(self, connection: sa.Connection, flow_id: str, actor: Actor) -> bool:
        """Take a flow out of use; False where it is already. Raises ``Missing``."""
        return self._set_status(connection, flow_id, "retired", actor, "retire")

    def restore(self, connection: sa.Connection, flow_id: str, actor: Actor) -> bool:
        """Put a retired flow into use again; False where it is in use. Raises ``Missing``."""
        return self._set_status(connection, flow_id, "published", actor, "restore")

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a flow: what was published is retired, an earlier version comes again as the
        newest one. Raises ``Conflict``."""
        row = connection.execute(sa.select(flows).where(flows.c.id == entry["object_id"])).mappings().first()
        if row is None:
            raise Conflict(f"{entry['id']} cannot be undone: flow {entry['object_id']} is gone")
        before, after = entry["before"], entry["after"]
        moved = [name for name, value in after.items() if row.get(name) != value]
        if moved:
            raise Conflict(f"{entry['id']} cannot be undone: {', '.join(moved)} of flow {row['id']} changed since")
        now = {"status": before.get("status", "retired")}
        if before.get("version", row["version"]) != row["version"]:
            content = connection.scalar(
                sa.select(flow_versions.c.content).where(
                    flow_versions.c.flow_id == row["id"], flow_versions.c.version == before["version"]
                )
            )
            earlier = self._flow(row["id"], before["version"], content or "")
            if earlier is None:
                raise Conflict(f"{entry['id']} cannot be undone: version {before['version']} was forgotten")
            diff = f"Version {before['version']} again"
            return self._next(connection, dict(row), earlier, Actor("undo"), None, diff, now["status"])
        connection.execute(sa.update(flows).where(flows.c.id == row["id"]).values(updated_at=self._now(), **now))
        self._changes.touch(connection, row["namespace"])
        told = {"status": row["status"]}
        return Changed(row["id"], "undo", row["namespace"], told, now, OBJECT, row["project"])

    # Writing, in transactions of its own

    def add(self, namespace: str, project: str, flow: Flow, actor: Actor) -> Published:
        """Put a flow into use that a person wrote. Raises ``FlowFault``, ``DatabaseError``."""
        id_ = self.transact(lambda connection: self.publish(connection, namespace, project, flow, actor))
        return self._required(id_)

    def change(
        self,
        flow_id: str,
        flow: Flow,
        actor: Actor,
        *,
        namespace: str | None = None,
        made_from: int | None = None,
        diff: str | None = None,
    ) -> tuple[Published, bool]:
        """Make what a person wrote the newest version; False where the flow says that already.

        Args:
            made_from: the version that it was made from.

        Raises:
            Missing: no such flow in the namespace.
            Conflict: the flow has another version by now.
            FlowFault: with secrets taken out it is no flow.
        """
        kept = self._kept(flow)

        def work(connection: sa.Connection) -> bool:
            row = self._row(connection, flow_id, namespace)
            if made_from is not None and made_from != row["version"]:
                raise Conflict(f"flow {flow_id} is at version {row['version']} by now, not {made_from}")
            if self._content(connection, row) == kept:
                return False
            self._renew(connection, row, kept, actor, "renew", None, diff)
            return True

        new = self.transact(work)
        return self._required(flow_id), new

    def set_status(self, flow_id: str, status: str, actor: Actor, namespace: str | None = None) -> Published:
        """``published`` or ``retired``; the same again changes nothing. Raises ``Missing``."""

        def work(connection: sa.Connection) -> None:
            self._row(connection, flow_id, namespace)
            (self.restore if status == "published" else self.retire)(connection, flow_id, actor)

        self.transact(work)
        return self._required(flow_id)

    def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Do it in one transaction, which keeps other writers out from its first read on. Raises ``DatabaseError``."""
        done: list[T] = []

        def run(connection: sa.Connection) -> None:
            done.append(work(connection))

        self._database.transact(run)
        return done[0]

    def touch(self, connection: sa.Connection, namespace: str) -> None:
        """Count the transaction as a change of the namespace's flows, once it is committed."""
        self._changes.touch(connection, namespace)

    def forget(self) -> None:
        """Drop what is held of flows in this process, for all was changed behind its back."""
        with self._lock:
            self._read.clear()
        self._changes.all()

    def _kept(self, flow: Flow) -> Flow:
        return checked(flow.reworded(self._redact))

    def _renew(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        flow: Flow,
        actor: Actor,
        action: str,
        proposal_id: str | None,
        diff: str | None,
    ) -> int:
        changed = self._next(connection, row, flow, actor, proposal_id, diff, row["status"])
        self._trail.write(
            connection,
            actor,
            Changed(row["id"], action, row["namespace"], changed.before, changed.after, OBJECT, row["project"]),
        )
        assert changed.after is not None
        return int(changed.after["version"])

    def _next(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        flow: Flow,
        actor: Actor,
        proposal_id: str | None,
        diff: str | None,
        status: str,
    ) -> Changed:
        number = row["version"] + 1
        values = {"version": number, "status": status, "updated_at": self._now(), "embedder": None, "vector": None}
        connection.execute(sa.update(flows).where(flows.c.id == row["id"]).values(**values, **_columns(flow)))
        self._add_version(connection, row["id"], number, flow, actor, proposal_id, diff)
        self._changes.touch(connection, row["namespace"])
        before = {"version": row["version"], "status": row["status"]}
        after = {"version": number, "status": status}
        return Changed(row["id"], "undo", row["namespace"], before, after, OBJECT, row["project"])

    def _add_version(
        self,
        connection: sa.Connection,
        id_: str,
        number: int,
        flow: Flow,
        actor: Actor,
        proposal_id: str | None,
        diff: str | None,
    ) -> None:
        connection.execute(
            sa.insert(flow_versions).values(
                flow_id=id_,
                version=number,
                at=self._now(),
                actor=actor.name,
                proposal_id=proposal_id,
                diff_description=self._redact(diff)[:DIFF_CHARS] if diff else None,
                content=json.dumps(flow.as_json(), ensure_ascii=False),
            )
        )

    def _set_status(self, connection: sa.Connection, flow_id: str, status: str, actor: Actor, action: str) -> bool:
        row = self._row(connection, flow_id)
        if row["status"] == status:
            return False
        values = {"status": status, "updated_at": self._now()}
        connection.execute(sa.update(flows).where(flows.c.id == flow_id).values(**values))
        before, after = {"status": row["status"]}, {"status": status}
        self._tell(connection, actor, Changed(flow_id, action, row["namespace"], before, after, OBJECT, row["project"]))
        return True

    def _tell(self, connection: sa.Connection, actor: Actor, changed: Changed) -> None:
        self._trail.write(connection, actor, changed)
        self._changes.touch(connection, changed.namespace)

    def _row(self, connection: sa.Connection, flow_id: str, namespace: str | None = None) -> Mapping[str, Any]:
        row = connection.execute(sa.select(flows).where(flows.c.id == flow_id)).mappings().first()
        if row is None or (namespace is not None and row["namespace"] != namespace):
            raise Missing(f"no flow {flow_id!r}")
        return dict(row)

    def _content(self, connection: sa.Connection, row: Mapping[str, Any]) -> Flow | None:
        of_it = sa.and_(flow_versions.c.flow_id == row["id"], flow_versions.c.version == row["version"])
        content = connection.scalar(sa.select(flow_versions.c.content).where(of_it))
        return self._flow(row["id"], row["version"], content or "")

    def _required(self, flow_id: str) -> Published:
        found = self.get(flow_id)
        if found is None:
            raise Missing(f"no flow {flow_id!r}")
        return found

    def _found(self, statement: sa.Select[Any]) -> Sequence[Published]:
        rows = self._database.query(statement)
        read = [(row, self._flow(row["id"], row["version"], row.pop("content"))) for row in rows]
        return [Published(**row, flow=flow) for row, flow in read if flow is not None]

    def _flow(self, id_: str, version: int, content: str) -> Flow | None:
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

    def _now(self) -> str:
        return stamp_at(self._clock())


_SHOWN: Final = (
    "id namespace project version status matched resolved escalated abandoned moving_rate last_matched_at created_at"
    " updated_at"
).split()
_NEWEST = sa.and_(flow_versions.c.flow_id == flows.c.id, flow_versions.c.version == flows.c.version)
_WITH_CONTENT = sa.select(*(flows.c[name] for name in _SHOWN), flow_versions.c.content).join(flow_versions, _NEWEST)


def _columns(flow: Flow) -> dict[str, Any]:
    """What of a flow stands in its row."""
    return {
        "problem_domain": flow.problem_domain,
        "keywords": json.dumps(list(flow.match_keywords), ensure_ascii=False),
        "title": flow.title,
        "description": flow.description,
    }
