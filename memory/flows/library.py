"""The flows: published, made anew in further versions, taken out of use and brought back. Every version is kept.

SQL is the truth. Each change is audited, and can be undone; an audit row names versions, whose words stand in
``flow_versions`` alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from memory.flows.changes import Changes
from memory.flows.flow import Flow
from memory.flows.reading import FlowReader, Published, Version
from memory.flows.tree import checked
from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, Missing
from store.database import Database
from store.ids import new_id
from store.tables import flow_versions, flows

__all__ = ["DIFF_CHARS", "OBJECT", "Flows", "Published", "Version"]

OBJECT: Final = "flow"
"""What the audit calls them."""
DIFF_CHARS: Final = 1000

T = TypeVar("T")


class Flows(FlowReader):
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
        super().__init__(database)
        self._trail = trail or AuditTrail(database, clock)
        self._redact = redact
        self._resolve = resolve
        self._clock = clock
        self._changes = Changes(database)

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's flows, in this process."""
        return self._changes.version(namespace)

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
            earlier = self.read(row["id"], before["version"], content or "")
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
        self.unread()
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
        return self.read(row["id"], row["version"], content or "")

    def _required(self, flow_id: str) -> Published:
        found = self.get(flow_id)
        if found is None:
            raise Missing(f"no flow {flow_id!r}")
        return found

    def _now(self) -> str:
        return stamp_at(self._clock())


def _columns(flow: Flow) -> dict[str, Any]:
    """What of a flow stands in its row."""
    return {
        "problem_domain": flow.problem_domain,
        "keywords": json.dumps(list(flow.match_keywords), ensure_ascii=False),
        "title": flow.title,
        "description": flow.description,
    }
