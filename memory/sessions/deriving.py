"""Derives sessions and their steps from interactions, one at a time, in whatever order they come.

What an interaction alone tells is stored as it comes; all else is folded anew from what is stored of its session, so a
step whose neighbours come later ends as if it had come last. Twice is the same as once. What a person has put right
(``corrected``), and a session that was analysed, are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.sessions.confidence import confidence
from memory.sessions.domains import domain_of
from memory.sessions.endings import OPEN, Endings
from memory.sessions.folding import Folded, Outcome, fold, problem_in
from memory.sessions.matching import Found, matched
from memory.sessions.nodes import Node
from memory.sessions.reading import Reading, as_row, from_row, read
from memory.sessions.rules import Rules
from memory.sessions.session import names_in
from memory.sessions.threads import assign
from memory.sessions.wording import summary
from store.database import Database
from store.dialects import insert
from store.tables import interactions, session_steps, sessions

WINDOW: Final = 200
"""Steps of a session that are folded, the newest: what a longer one began with stays as it is."""
ROOT_WINDOW: Final = 300
"""Steps of one derived id that are held against a turn, the newest."""
PROBLEM_CHARS: Final = 200
FOLLOWING: Final = ("attached", "accepted")

_THERE: Final = sa.select(interactions.c.id).where(interactions.c.id == sa.bindparam("id"))
_SESSION: Final = sa.select(sessions).where(
    sessions.c.namespace == sa.bindparam("namespace"), sessions.c.id == sa.bindparam("id")
)
# Made once: to build and to compile them costs more than to run them.
_ADD: Final = insert(session_steps).on_conflict_do_nothing()
_BEGIN: Final = sa.insert(sessions)
_NEWEST: Final = (
    sa.select(session_steps)
    .where(session_steps.c.namespace == sa.bindparam("namespace"))
    .order_by(session_steps.c.at.desc(), session_steps.c.interaction_id.desc())
)
_OF_SESSION: Final = _NEWEST.where(session_steps.c.session_id == sa.bindparam("id")).limit(sa.bindparam("most"))
_OF_ROOT: Final = _NEWEST.where(session_steps.c.root == sa.bindparam("id")).limit(sa.bindparam("most"))
_FIXED: Final = sa.select(sessions.c.id).where(
    sessions.c.namespace == sa.bindparam("namespace"),
    sessions.c.id.in_(sa.bindparam("ids", expanding=True)),
    sa.or_(
        sa.and_(sessions.c.analysis == "done", sessions.c.outcome != "none"),
        sessions.c.corrected.is_not(None),
        sessions.c.ended_by == "person",
        sessions.c.match_state.in_(("accepted", "declined")),
    ),
)
"""Sessions that must keep their steps: they were analysed, or a person had a hand in them."""

Match = Callable[[str, str, str, str | None], Found | None]
"""The best flow by namespace, project, problem and domain."""
Nodes = Callable[[str, str], Sequence[Node]]
"""The nodes of a flow, by namespace and id."""


class _Unmatched(Exception):
    """A problem must be matched, which must not be done while SQL is held."""

    def __init__(self, *asked: Any) -> None:
        super().__init__("to be matched first")
        self.asked = asked


class Deriving:
    """Brings sessions up to date. May be used from any thread, and by several processes at once.

    Args:
        rules: those in force now.
        match: finds flows.
        nodes: reads a flow's.
        redact: takes secrets and personal data out of texts.
        resolve: gives the id of the project that goes by a name, or the name.
        escalated: told of each session whose user asked for a person, by namespace and id, once it is committed.
    """

    def __init__(
        self,
        database: Database,
        endings: Endings,
        rules: Callable[[], Rules],
        *,
        match: Match = lambda namespace, project, text, domain: None,
        nodes: Nodes = lambda namespace, flow: (),
        redact: Callable[[str], str] = str,
        resolve: Callable[[str], str] = str,
        escalated: Callable[[str, str], None] = lambda namespace, id_: None,
    ) -> None:
        self._database = database
        self._endings = endings
        self._rules = rules
        self._match = match
        self._nodes = nodes
        self._redact = redact
        self._resolve = resolve
        self._escalated = escalated

    def derive(self, record: Mapping[str, Any]) -> list[str]:
        """Add an interaction to its session; gives the ids of the sessions that it changed.

        Raises ``DatabaseError``, and whatever matching raises.
        """
        if not record.get("session_id"):
            return []
        reading, rules = read(record, self._redact), self._rules()
        found = self._foreseen(reading, rules)
        while True:
            done: list[_Derivation] = []

            def work(connection: sa.Connection, done: list[_Derivation] = done) -> None:
                done.append(_Derivation(self, connection, rules, found))
                done[-1].add(reading)

            try:
                self._database.transact(work)
            except _Unmatched as unmatched:
                found[unmatched.asked] = self._match(*unmatched.asked)
                continue
            for session_id in done[-1].escalated:
                self._escalated(reading.namespace, session_id)
            return done[-1].changed

    def _foreseen(self, reading: Reading, rules: Rules) -> dict[tuple[Any, ...], Found | None]:
        """The match that a first turn will need, made before SQL is asked."""
        stated = problem_in([reading]) if reading.opens and reading.derived else ""
        if not stated:
            return {}
        project = self._resolve(reading.project) if reading.project else ""
        asked = reading.namespace, project, stated, domain_of(stated, rules.domains)
        return {asked: self._match(*asked)}

    def refold(self, connection: sa.Connection, namespace: str, session_id: str) -> None:
        """Bring a session up to date with what a person changed in it, within the transaction."""
        _Derivation(self, connection, self._rules(), {}).fold(namespace, session_id, None)


class _Derivation:
    """One transaction."""

    def __init__(
        self,
        parts: Deriving,
        connection: sa.Connection,
        rules: Rules,
        found: Mapping[tuple[Any, ...], Found | None],
    ) -> None:
        self._parts = parts
        self._connection = connection
        self._rules = rules
        self._found = found
        self.changed: list[str] = []
        """Sessions that were brought up to date."""
        self.escalated: list[str] = []
        """Those whose user asked for a person with it."""

    def add(self, reading: Reading) -> None:
        if self._connection.execute(_THERE, {"id": reading.interaction_id}).first() is None:
            # Forgotten while it was read.
            return
        added = self._connection.execute(_ADD, {**as_row(reading), "skipped": 0})
        if not added.rowcount:
            return
        namespace = reading.namespace
        before, after = self._assigned(reading)
        for interaction_id, session_id in after.items():
            if before.get(interaction_id, reading.root) != session_id:
                step = session_steps.c.interaction_id == interaction_id
                self._connection.execute(sa.update(session_steps).where(step).values(session_id=session_id))
        moved = {one for one in after if before.get(one) != after[one]}
        self.changed = sorted({after[one] for one in moved} | {before[one] for one in moved if one in before})
        for session_id in self.changed:
            self.fold(namespace, session_id, {one for one, held in before.items() if held == session_id})

    def _assigned(self, reading: Reading) -> tuple[dict[str, str], dict[str, str]]:
        """The session of each interaction of the same session id, before and after this one came."""
        new = reading.interaction_id
        if not reading.derived:
            rows = self._rows(_OF_SESSION, reading.namespace, reading.root, WINDOW)
            before = {row["interaction_id"]: reading.root for row in rows if row["interaction_id"] != new}
            return before, {**before, new: reading.root}
        rows = self._rows(_OF_ROOT, reading.namespace, reading.root, ROOT_WINDOW)
        before = {row["interaction_id"]: row["session_id"] for row in rows if row["interaction_id"] != new}
        readings = [from_row(row) for row in rows]
        if new not in {one.interaction_id for one in readings}:
            readings.append(reading)
        full = len(rows) == ROOT_WINDOW
        settled = before if full else self._settled(reading, before)
        return before, assign(readings, settled, self._rules.idle)

    def _settled(self, reading: Reading, before: Mapping[str, str]) -> dict[str, str]:
        """Of these interactions those that must stay in their session."""
        asked = {"namespace": reading.namespace, "ids": sorted(set(before.values()))}
        kept = set(self._connection.scalars(_FIXED, asked)) if before else set()
        return {one: held for one, held in before.items() if held in kept}

    def _rows(self, of: sa.Select[Any], namespace: str, id_: str, most: int) -> list[dict[str, Any]]:
        """The newest steps, oldest first."""
        found = self._connection.execute(of, {"namespace": namespace, "id": id_, "most": most})
        return [dict(row) for row in reversed(found.mappings().all())]

    def fold(self, namespace: str, session_id: str, before: set[str] | None) -> None:
        """Bring a session and its steps up to date.

        Args:
            before: the interactions that it had before; None: the same.
        """
        key = sa.and_(sessions.c.namespace == namespace, sessions.c.id == session_id)
        found = self._connection.execute(_SESSION, {"namespace": namespace, "id": session_id}).mappings().first()
        standing = dict(found) if found is not None else None
        rows = self._rows(_OF_SESSION, namespace, session_id, WINDOW)
        if not rows:
            if standing is not None:
                self._connection.execute(sa.delete(sessions).where(key))
            return
        readings = [from_row(row) for row in rows]
        session = self._begun(standing, readings, rows)
        whole = len(rows) < WINDOW
        if whole:
            known = [one for one in readings if before is None or one.interaction_id in before]
            session |= self._problem(session, readings, known if standing is not None else None)
        following = session["matched_flow"] if session["match_state"] in FOLLOWING else None
        nodes = self._parts._nodes(namespace, following) if following else ()
        folded = fold(readings, nodes, self._rules.phrases)
        self._write_steps(rows, folded.outcomes)
        session |= self._course(session, folded, standing is None or before is not None)
        if not whole and standing is not None:
            session["problem_domain"] = standing["problem_domain"]
        values = _uncorrected(session, standing)
        if standing is None:
            self._connection.execute(_BEGIN, session)
        elif values:
            self._connection.execute(sa.update(sessions).where(key).values(**values))
        if values.get("status") == "escalated":
            self.escalated.append(session_id)

    def _begun(
        self, standing: dict[str, Any] | None, readings: Sequence[Reading], rows: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The session's row as it stands, or a new one, with what its interactions say of whose it is."""
        project = next((one.project for one in reversed(readings) if one.project), "")
        whose = {
            "project": self._parts._resolve(project) if project else "",
            "client": next((one.client for one in readings if one.client), None),
            "last_at": rows[-1]["at"],
        }
        if standing is not None:
            started = {} if len(rows) == WINDOW else {"started_at": rows[0]["at"]}
            return {**standing, **whose, **started}
        first = readings[0]
        fresh = {"namespace": first.namespace, "id": rows[0]["session_id"], "root": first.root, "status": "active"}
        none = dict.fromkeys(("problem_domain", "resolution_summary", "escalation_reason", "signal", "corrected"))
        flow = matched(None, self._rules)
        return {
            **fresh,
            **whose,
            **OPEN,
            **none,
            **flow,
            "started_at": rows[0]["at"],
            "problem_summary": "",
            "confidence": 0.0,
        }

    def _problem(
        self, session: Mapping[str, Any], readings: Sequence[Reading], known: Sequence[Reading] | None
    ) -> dict[str, Any]:
        """The problem, and the match with flows, made once: where the problem becomes known, or turns out another."""
        stated = problem_in(readings)
        values: dict[str, Any] = {"problem_summary": summary(stated, PROBLEM_CHARS)}
        by_person = {"match_state", "matched_flow"} & set(names_in(session["corrected"]))
        chosen = session["match_state"] in ("accepted", "declined") or by_person or session["analysis"] == "done"
        if not stated or chosen or (known is not None and problem_in(known) == stated):
            return values
        asked = session["namespace"], session["project"], stated, domain_of(stated, self._rules.domains)
        if asked not in self._found:
            raise _Unmatched(*asked)
        return {**values, **matched(self._found[asked], self._rules)}

    def _course(self, session: Mapping[str, Any], folded: Folded, moves: bool) -> dict[str, Any]:
        """Where the session stands by its steps."""
        domains = self._rules.domains
        score, declined = session["match_score"], session["match_state"] == "declined"
        values: dict[str, Any] = {
            "signal": folded.signal,
            "confidence": confidence(score, folded.followed, folded.left, declined=declined),
            "problem_domain": domain_of(session["problem_summary"], domains) or domain_of(folded.told, domains),
        }
        ends = self._status({**session, **values}, folded) if moves else {}
        status = ends.get("status", session["status"])
        well = status == "resolved" or folded.signal in ("solved", "pleased")
        values["resolution_summary"] = folded.solution or session["resolution_summary"] if well else None
        values["escalation_reason"] = (
            (folded.escalation or session["escalation_reason"]) if status == "escalated" else None
        )
        return {**values, **ends}

    def _status(self, session: Mapping[str, Any], folded: Folded) -> dict[str, Any]:
        """What a turn changes in a session's status. An end by a person stays, and so does one that was analysed."""
        analysed = session["analysis"] == "done" and session["outcome"] != "none"
        if session["ended_by"] == "person" or analysed or "status" in names_in(session["corrected"]):
            return {}
        if folded.signal == "solved":
            if session["status"] == "resolved":
                return {"ended_at": folded.signal_at}
            return self._parts._endings.end(self._connection, session, "resolved", "phrase", folded.signal_at)
        if folded.signal == "escalate":
            # Counted once the talk is over: whoever asks for a person may yet be helped.
            return {**OPEN, "status": "escalated", "ended_by": "phrase", "ended_at": folded.signal_at}
        return {**OPEN, "status": "active"}

    def _write_steps(self, rows: Sequence[Mapping[str, Any]], outcomes: Mapping[str, Outcome]) -> None:
        for row in rows:
            became = outcomes[row["interaction_id"]]
            values = {
                "step_type": became.step_type,
                "skipped": int(became.skipped),
                "node_id": became.node_id,
                "option_selected": became.option_selected,
                "free_text": became.free_text,
                "action_result": became.action_result,
            }
            corrected = names_in(row["corrected"])
            changed = {name: value for name, value in values.items() if name not in corrected and row[name] != value}
            if changed:
                step = session_steps.c.interaction_id == row["interaction_id"]
                self._connection.execute(sa.update(session_steps).where(step).values(**changed))


def _uncorrected(session: Mapping[str, Any], standing: Mapping[str, Any] | None) -> dict[str, Any]:
    """What changes of a session's row, without what a person put right."""
    if standing is None:
        return dict(session)
    corrected = names_in(standing["corrected"])
    return {name: value for name, value in session.items() if name not in corrected and value != standing[name]}
