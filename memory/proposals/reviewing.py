"""What a person decides on a proposal, each decision in one transaction with all that it changes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from memory.flows.enhancing import diff_of, enhanced
from memory.flows.library import Flows, Published
from memory.flows.tree import FIELDS as FLOW_FIELDS
from memory.flows.tree import Flow, FlowFault, read_flow
from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, clean
from memory.proposals.lessons import FIELDS, worded
from memory.proposals.proposal import DESCRIPTION_CHARS, OBJECT, TITLE_CHARS, content_in
from store.tables import proposals

Action = Literal["approve", "modify", "reject", "dismiss"]
Transact = Callable[[Callable[[sa.Connection], Any]], Any]
Notify = Callable[[str, str, str, str, str, Mapping[str, Any]], None]

BECOMES: Final[Mapping[str, str]] = {
    "approve": "approved",
    "modify": "modified",
    "reject": "rejected",
    "dismiss": "dismissed",
}
"""The status after each decision. What was rejected is not raised again; what was dismissed may be."""
CHANGES: Final = (*FLOW_FIELDS, "diff_description", "new_nodes", "modified_options")
"""What ``modify`` takes, each in place of what the proposal says."""

_WORDS: Final = ("title", "description", "content", "problem")


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision did."""

    id: str
    status: str
    namespace: str
    title: str
    flow_id: str | None
    """The flow that was published, or got a new version."""
    version: int | None
    audit_id: str
    """By which it can be undone."""


@dataclass(frozen=True, slots=True)
class _Made:
    """The flow that a decision puts into use, and what the proposal says from then on."""

    flow: Flow
    diff: str | None
    words: Mapping[str, Any]


class Reviewing:
    """Carries decisions out. Usable from any thread; all raise ``DatabaseError``.

    Args:
        transact: does work in one transaction that keeps other writers out; gives what the work gives.
        redact: takes secrets and personal data out of what a person changes.
        notify: tells people of an event; called after the commit.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        transact: Transact,
        flows: Flows,
        trail: AuditTrail,
        *,
        redact: Callable[[str], str] = lambda text: text,
        notify: Notify = lambda *_: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transact = transact
        self._flows = flows
        self._trail = trail
        self._redact = redact
        self._notify = notify
        self._clock = clock

    def decide(
        self,
        id_: str,
        action: Action,
        actor: Actor,
        *,
        changes: Mapping[str, Any] | None = None,
        namespace: str | None = None,
    ) -> Decided:
        """Approve, modify and approve, reject or dismiss a pending proposal.

        Args:
            changes: for ``modify``, any of ``CHANGES``; a whole ``tree_structure`` may replace an enhancement, too.

        Raises:
            Missing: no such proposal waits; a second decision finds none.
            Conflict: what would be published is no flow, or the flow that it is for is out of use.
            MemoryFault: what ``modify`` is given is no flow, or nothing.
        """
        if action == "modify" and not changes:
            raise MemoryFault("content", f"modify needs one of {', '.join(CHANGES)}")

        def work(connection: sa.Connection) -> Decided:
            row = self._pending(connection, id_, namespace)
            if action in ("reject", "dismiss"):
                return self._close(connection, row, action, actor)
            made = self._as_it_is(row) if action == "approve" else self._modified(row, changes or {})
            return self._publish(connection, row, made, action, actor)

        done: Decided = self._transact(work)
        self._tell(done, actor)
        return done

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a proposal: a decision makes it pending again, and its flow what it was
        before; a proposal that was made is dismissed. Raises ``Conflict``."""
        row = _row(connection, entry["object_id"])
        if row is None:
            raise Conflict(f"{entry['id']} cannot be undone: what it speaks of is gone")
        if entry["action"] == "support":
            raise Conflict(f"{entry['id']} cannot be undone: that a session supports a proposal is no decision")
        before = {"status": "dismissed"} if entry["before"] is None else dict(entry["before"])
        after = dict(entry["after"])
        if before["status"] in ("approved", "modified"):
            raise Conflict(f"{entry['id']} cannot be undone: decide on the proposal again")
        if row["status"] != after["status"]:
            raise Conflict(f"{entry['id']} cannot be undone: the proposal is {row['status']} now")
        if after.get("flow_id"):
            self._take_back(connection, entry)
        told = {name: value for name, value in before.items() if name in ("status", "flow_id", *_WORDS)}
        self._set(connection, row["id"], told)
        present = {name: content_in(row[name]) if name == "content" else row[name] for name in told}
        return Changed(row["id"], "undo", row["namespace"], present, told, OBJECT, row["project"])

    # What is published

    def _as_it_is(self, row: Mapping[str, Any]) -> _Made:
        content = content_in(row["content"])
        try:
            if row["proposal_type"] == "new_flow":
                return _Made(read_flow(content), None, {})
            return _Made(enhanced(self._target(row).flow, content), diff_of(content) or row["title"], {})
        except FlowFault as fault:
            raise Conflict(f"it cannot be published as it is; modify it: {fault}") from fault

    def _modified(self, row: Mapping[str, Any], given: Mapping[str, Any]) -> _Made:
        for name in given:
            if name not in CHANGES:
                raise MemoryFault(str(name), f"a proposal has no field {name!r}")
        changes = worded(dict(given), self._redact)
        old = content_in(row["content"])
        if row["proposal_type"] == "new_flow":
            content = _merged(old, given, changes, FIELDS["new_flow"])
            flow = read_flow(content)
            return _Made(flow, None, _words(flow.title, flow.description, content))
        target = self._target(row).flow
        if "tree_structure" in given:
            flow = read_flow(_merged(target.as_json(), given, changes, FLOW_FIELDS))
            content = {**flow.as_json(), "diff_description": changes.get("diff_description", row["description"])}
        else:
            content = _merged(old, given, changes, FIELDS["enhancement"])
            flow = enhanced(target, content)
        diff = diff_of(content)
        return _Made(flow, diff or row["title"], _words(changes.get("title") or row["title"], diff, content))

    def _target(self, row: Mapping[str, Any]) -> Published:
        flow = self._flows.get(row["target_flow_id"] or "", row["namespace"])
        if flow is None or flow.status != "published":
            raise Conflict("the flow that it would be added to is out of use")
        return flow

    def _publish(
        self, connection: sa.Connection, row: Mapping[str, Any], made: _Made, action: Action, actor: Actor
    ) -> Decided:
        if row["proposal_type"] == "new_flow":
            flow_id = self._flows.publish(
                connection, row["namespace"], row["project"], made.flow, actor, proposal_id=row["id"]
            )
            version, before = 1, None
        else:
            flow_id = row["target_flow_id"]
            version = self._flows.renew(connection, flow_id, made.flow, actor, proposal_id=row["id"], diff=made.diff)
            before = version - 1
        words = {name: content_in(row[name]) if name == "content" else row[name] for name in made.words}
        was = {"status": row["status"], "flow_id": row["flow_id"], "version": before, **words}
        now = {"status": BECOMES[action], "flow_id": flow_id, "version": version, **made.words}
        return self._change(connection, row, action, was, now, actor)

    def _close(self, connection: sa.Connection, row: Mapping[str, Any], action: Action, actor: Actor) -> Decided:
        return self._change(connection, row, action, {"status": row["status"]}, {"status": BECOMES[action]}, actor)

    def _change(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        action: Action,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        actor: Actor,
    ) -> Decided:
        self._set(connection, row["id"], {name: value for name, value in after.items() if name != "version"})
        changed = Changed(row["id"], action, row["namespace"], before, after, OBJECT, row["project"])
        return Decided(
            id=row["id"],
            status=after["status"],
            namespace=row["namespace"],
            title=after.get("title", row["title"]),
            flow_id=after.get("flow_id"),
            version=after.get("version"),
            audit_id=self._trail.write(connection, actor, changed),
        )

    def _take_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> None:
        """What was published is retired, a version that was added gives way to the one before it."""
        before, after = entry["before"].get("version"), entry["after"]["version"]
        told = {
            "id": entry["id"],
            "object_id": entry["after"]["flow_id"],
            "before": {} if before is None else {"version": before, "status": "published"},
            "after": {"version": after, "status": "published"},
        }
        self._trail.write(connection, Actor("undo"), self._flows.put_back(connection, told))

    def _pending(self, connection: sa.Connection, id_: str, namespace: str | None) -> Mapping[str, Any]:
        row = _row(connection, id_)
        if row is None or (namespace is not None and row["namespace"] != namespace):
            raise Missing(f"no proposal {id_!r}")
        if row["status"] != "pending":
            raise Missing(f"proposal {id_!r} does not wait for a decision: it is {row['status']}")
        return row

    def _set(self, connection: sa.Connection, id_: str, values: Mapping[str, Any]) -> None:
        columns = {
            name: json.dumps(value, ensure_ascii=False) if name == "content" else value
            for name, value in values.items()
        }
        now = {"updated_at": stamp_at(self._clock())}
        connection.execute(sa.update(proposals).where(proposals.c.id == id_).values(**columns, **now))

    def _tell(self, done: Decided, actor: Actor) -> None:
        body = {"status": done.status, "actor": actor.name, "flow_id": done.flow_id}
        self._notify("proposal.decided", done.namespace, "proposal", done.id, done.title, body)
        if done.flow_id is not None:
            made = {"version": done.version, "proposal_id": done.id}
            self._notify("flow.published", done.namespace, "flow", done.flow_id, done.title, made)


def _row(connection: sa.Connection, id_: str) -> dict[str, Any] | None:
    found = connection.execute(sa.select(proposals).where(proposals.c.id == id_)).mappings().first()
    return dict(found) if found else None


def _merged(
    old: Mapping[str, Any], given: Mapping[str, Any], changes: Mapping[str, Any], fields: Sequence[str]
) -> dict[str, Any]:
    """Content with changes put into it; what is given as null goes."""
    kept = {name: value for name, value in old.items() if name not in given}
    return {**kept, **{name: value for name, value in changes.items() if name in fields}}


def _words(title: str, description: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What a proposal says from now on; nothing is wrong with it any more."""
    return {
        "title": clean(title)[:TITLE_CHARS],
        "description": description[:DESCRIPTION_CHARS],
        "content": dict(content),
        "problem": None,
    }
