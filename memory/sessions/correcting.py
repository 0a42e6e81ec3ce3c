"""What a person says of a session: that it ended, that it goes on, which flow it follows, what is wrong with it.

Every change is audited and can be undone. A field that a person put right is left alone by derivation from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, clean
from memory.sessions.deriving import Deriving
from memory.sessions.endings import OPEN, Endings
from memory.sessions.reading import dump_options
from memory.sessions.session import ENDINGS, OBJECT, STATUSES, STEP_OBJECT, STEP_TYPES, Option, names_in
from store.database import Database
from store.tables import flow_versions, flows, session_steps, sessions

TEXT_CHARS: Final = 2000
FIELDS: Final = (
    "status",
    "problem_summary",
    "problem_domain",
    "resolution_summary",
    "escalation_reason",
    "matched_flow",
)
"""What a person may put right in a session."""
STEP_FIELDS: Final = ("step_type", "skipped", "options", "option_selected", "free_text", "action_result", "node_id")
"""And in a step of it."""

Row = dict[str, Any]


class Done(NamedTuple):
    """What a change came to."""

    row: Row
    """The session as it stands now."""
    audit_id: str | None
    """None where nothing was to be changed."""


class Correcting:
    """Changes sessions on a person's word. May be used from any thread.

    All methods raise ``DatabaseError`` where SQL fails, ``Missing`` where there is no such session or step,
    ``MemoryFault`` for a value that is none, and ``Conflict`` for a change that does not fit what stands there.

    Args:
        domains: what problems are filed under now.
        redact: takes secrets and personal data out of what is written.
    """

    def __init__(
        self,
        database: Database,
        trail: AuditTrail,
        endings: Endings,
        deriving: Deriving,
        domains: Callable[[], Sequence[str]] = tuple,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._database = database
        self._trail = trail
        self._endings = endings
        self._deriving = deriving
        self._domains = domains
        self._redact = redact

    def resolve(
        self,
        namespace: str,
        id_: str,
        actor: Actor,
        outcome: str = "resolved",
        *,
        resolution_summary: str | None = None,
        escalation_reason: str | None = None,
    ) -> Done:
        """End a session. One that a person ended so stays as it is, but for a summary or a reason that is new."""
        if outcome not in ENDINGS:
            raise MemoryFault("outcome", f"outcome must be one of {', '.join(ENDINGS)}")
        told = {
            name: self._text(name, value)
            for name, value in {
                "resolution_summary": resolution_summary,
                "escalation_reason": escalation_reason,
            }.items()
            if value is not None
        }

        def change(connection: sa.Connection, row: Row) -> Row:
            if row["status"] == outcome and row["analysis"] is not None:
                # Ended so before, by a person or a rule: it is counted and analysed once.
                by = {} if row["ended_by"] == "person" else {"ended_by": "person"}
                return {**by, **self._held(row, told)}
            ended = self._endings.end(connection, {**row, **told}, outcome, "person")
            if row["analysis"] == "done" and row["outcome"] != "none":
                # What was learned from it stands; how it ended is put right.
                ended = {name: ended[name] for name in ("status", "ended_at", "ended_by")}
            return {**ended, **self._held(row, told)}

        return self._changed(namespace, id_, actor, "resolve", change)

    def reopen(self, namespace: str, id_: str, actor: Actor) -> Done:
        """Let a session go on that has ended, or paused. Its silence counts anew."""

        def change(_: sa.Connection, row: Row) -> Row:
            if row["status"] == "active":
                return {}
            kept = [name for name in names_in(row["corrected"]) if name != "status"]
            values = {**OPEN, "status": "active", "signal": None, "last_at": self._endings.now}
            return {**values, "corrected": json.dumps(kept) if kept else None}

        return self._changed(namespace, id_, actor, "reopen", change)

    def accept(self, namespace: str, id_: str, actor: Actor) -> Done:
        """Let a session follow the flow that is suggested to it. Raises ``Conflict`` where there is none."""

        def change(connection: sa.Connection, row: Row) -> Row:
            if row["match_state"] in ("attached", "accepted"):
                return {}
            flow = row["suggested_flow"]
            if not flow:
                raise Conflict(f"no flow is suggested to session {id_}")
            return {**self._following(connection, row, flow), "match_state": "accepted", "suggested_flow": None}

        return self._changed(namespace, id_, actor, "accept", change)

    def decline(self, namespace: str, id_: str, actor: Actor) -> Done:
        """Let a session follow no flow. Raises ``Conflict`` where none was found for it."""

        def change(_: sa.Connection, row: Row) -> Row:
            if row["match_state"] == "declined":
                return {}
            flow = row["matched_flow"] or row["suggested_flow"]
            if not flow:
                raise Conflict(f"no flow was found for session {id_}")
            gone = {"matched_flow": None, "matched_version": None, "suggested_flow": flow}
            return {**gone, "match_state": "declined"}

        return self._changed(namespace, id_, actor, "decline", change)

    def correct(self, namespace: str, id_: str, actor: Actor, given: Mapping[str, Any]) -> Done:
        """Put fields of a session right: any of ``FIELDS``; None takes a value out where there may be none."""
        checked = self._checked(given)

        def change(connection: sa.Connection, row: Row) -> Row:
            values = dict(checked)
            if "status" in values and values["status"] != row["status"]:
                values |= self._moved(connection, {**row, **checked}, values["status"])
            if "matched_flow" in values and values["matched_flow"] != row["matched_flow"]:
                values |= self._followed(connection, row, values["matched_flow"])
            changed = {name: value for name, value in values.items() if value != row[name]}
            return {**changed, **_pinned(row, given)}

        return self._changed(namespace, id_, actor, "correct", change)

    def correct_step(
        self, namespace: str, id_: str, interaction_id: str, actor: Actor, given: Mapping[str, Any]
    ) -> Done:
        """Put fields of a step right: any of ``STEP_FIELDS``."""
        values = self._checked_step(given)
        audit: list[str] = []
        found: list[Row] = []

        def work(connection: sa.Connection) -> None:
            session = self._session(connection, namespace, id_)
            step = sa.and_(
                session_steps.c.interaction_id == interaction_id,
                session_steps.c.namespace == namespace,
                session_steps.c.session_id == id_,
            )
            row = connection.execute(sa.select(session_steps).where(step)).mappings().first()
            if row is None:
                raise Missing(f"no step {interaction_id!r} in session {id_!r}")
            after = {
                **{name: value for name, value in values.items() if value != row[name]},
                **_pinned(dict(row), given),
            }
            if after:
                connection.execute(sa.update(session_steps).where(step).values(**after))
                before = {name: row[name] for name in after}
                told = Changed(interaction_id, "correct", namespace, before, after, STEP_OBJECT, session["project"])
                audit.append(self._trail.write(connection, actor, told))
                self._deriving.refold(connection, namespace, id_)
            found.append(self._session(connection, namespace, id_))

        self._database.transact(work)
        return Done(found[0], audit[0] if audit else None)

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a session or of a step. Raises ``Conflict``."""
        before, after = entry["before"], entry["after"]
        if not before:
            raise Conflict(f"{entry['id']} cannot be undone: what it changed was forgotten")
        namespace, object_id = entry["namespace"], entry["object_id"]
        table = sessions if entry["object_type"] == OBJECT else session_steps
        key = (sessions.c.id if table is sessions else session_steps.c.interaction_id) == object_id
        where = sa.and_(table.c.namespace == namespace, key)
        row = connection.execute(sa.select(table).where(where)).mappings().first()
        if row is None:
            raise Conflict(f"{entry['id']} cannot be undone: what it speaks of is gone")
        if any(row[name] != value for name, value in after.items() if name != "last_at"):
            raise Conflict(f"{entry['id']} cannot be undone: {object_id} changed since")
        connection.execute(sa.update(table).where(where).values(**before))
        if before.get("analysis") == "waiting":
            self._endings.wait(connection, namespace, object_id)
        self._deriving.refold(connection, namespace, row["id"] if table is sessions else row["session_id"])
        return Changed(object_id, "undo", namespace, after, before, entry["object_type"], entry["project"])

    def _changed(
        self, namespace: str, id_: str, actor: Actor, action: str, change: Callable[[sa.Connection, Row], Row]
    ) -> Done:
        audit: list[str] = []
        found: list[Row] = []

        def work(connection: sa.Connection) -> None:
            row = self._session(connection, namespace, id_)
            after = change(connection, row)
            if after:
                key = sa.and_(sessions.c.namespace == namespace, sessions.c.id == id_)
                connection.execute(sa.update(sessions).where(key).values(**after))
                before = {name: row[name] for name in after}
                told = Changed(id_, action, namespace, before, after, OBJECT, row["project"])
                audit.append(self._trail.write(connection, actor, told))
                if action != "reopen":
                    self._deriving.refold(connection, namespace, id_)
            found.append(self._session(connection, namespace, id_))

        self._database.transact(work)
        return Done(found[0], audit[0] if audit else None)

    def _session(self, connection: sa.Connection, namespace: str, id_: str) -> Row:
        key = sa.and_(sessions.c.namespace == namespace, sessions.c.id == id_)
        row = connection.execute(sa.select(sessions).where(key)).mappings().first()
        if row is None:
            raise Missing(f"no session {id_!r}")
        return dict(row)

    def _moved(self, connection: sa.Connection, row: Row, status: str) -> Row:
        """The columns of another status."""
        if status in ENDINGS:
            ended = self._endings.end(connection, row, status, "person")
            if row["analysis"] == "done" and row["outcome"] not in (None, "none"):
                return {name: ended[name] for name in ("status", "ended_at", "ended_by")}
            return ended
        return {**OPEN, "status": status}

    def _followed(self, connection: sa.Connection, row: Row, flow: str | None) -> Row:
        if flow is None:
            return {"matched_flow": None, "matched_version": None, "match_state": "declined"}
        return {**self._following(connection, row, flow), "match_state": "accepted", "suggested_flow": None}

    def _following(self, connection: sa.Connection, row: Row, flow: str) -> Row:
        """The flow and its newest version. Raises ``MemoryFault`` where its namespace has no such flow."""
        newest = (
            sa.select(sa.func.max(flow_versions.c.version))
            .join(flows, flows.c.id == flow_versions.c.flow_id)
            .where(flows.c.id == flow, flows.c.namespace == row["namespace"])
        )
        version = connection.scalar(newest)
        if version is None:
            raise MemoryFault("matched_flow", f"there is no flow {flow!r}")
        return {"matched_flow": flow, "matched_version": version}

    def _held(self, row: Row, told: Row) -> Row:
        """What a person tells with an end, kept from then on."""
        changed = {name: value for name, value in told.items() if value != row[name]}
        return {**changed, **_pinned(row, told)} if told else {}

    def _checked(self, given: Mapping[str, Any]) -> Row:
        _known(given, FIELDS)
        checked: Row = {}
        for name, value in given.items():
            if name == "status":
                checked[name] = _one_of(name, value, STATUSES)
            elif name == "problem_domain":
                checked[name] = None if value is None else _one_of(name, value, self._domains())
            elif name == "matched_flow":
                checked[name] = None if value is None else self._text(name, value)
            elif name == "problem_summary":
                checked[name] = self._text(name, value)
            else:
                checked[name] = None if value is None else self._text(name, value)
        return checked

    def _checked_step(self, given: Mapping[str, Any]) -> Row:
        _known(given, STEP_FIELDS)
        checked: Row = {}
        for name, value in given.items():
            if name == "step_type":
                checked[name] = _one_of(name, value, STEP_TYPES)
            elif name == "skipped":
                if not isinstance(value, bool):
                    raise MemoryFault(name, "skipped must be true or false")
                checked[name] = int(value)
            elif name == "options":
                checked[name] = dump_options(tuple(self._option(one) for one in _listed(name, value)))
            else:
                checked[name] = None if value is None else self._text(name, value)
        return checked

    def _option(self, given: Any) -> Option:
        if not isinstance(given, Mapping) or set(given) != {"id", "label"}:
            raise MemoryFault("options", "an option is an object with id and label")
        return Option(self._text("options", given["id"]), self._text("options", given["label"]))

    def _text(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise MemoryFault(name, f"{name} must be text")
        found = clean(self._redact(clean(value)))
        if not found:
            raise MemoryFault(name, f"{name} must not be blank")
        if len(found) > TEXT_CHARS:
            raise MemoryFault(name, f"{name} has {len(found)} characters; at most {TEXT_CHARS} are kept")
        return found


def _pinned(row: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """The column of corrected fields, with these added; nothing where they are in it."""
    known = names_in(row["corrected"])
    listed = [*known, *(name for name in given if name not in known)]
    return {} if len(listed) == len(known) else {"corrected": json.dumps(listed)}


def _known(given: Mapping[str, Any], fields: Sequence[str]) -> None:
    for name in given:
        if name not in fields:
            raise MemoryFault(name, f"{name} cannot be changed; these can: {', '.join(fields)}")


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise MemoryFault(name, f"{name} must be one of {', '.join(allowed)}")
    return str(value)


def _listed(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MemoryFault(name, f"{name} must be a list")
    return value
