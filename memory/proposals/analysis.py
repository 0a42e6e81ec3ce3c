"""One session that has ended, read once: what it teaches is stored, and the session is settled, in one transaction.

The walk: what is to be learned (``decide``), whether that was learned from the same words before, a call to the model
within the budget, and the commit. Whatever stops it before the commit leaves the session waiting and the call counted;
whatever comes after finds it done.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import sqlalchemy as sa

from memory.flows.library import Flows, Published
from memory.flows.outcomes import Outcomes
from memory.proposals.deciding import Lesson, decide
from memory.proposals.keeping import How, Keeping, Kept
from memory.proposals.lessons import ProposalType
from memory.proposals.proposal import Draft
from memory.proposals.repeats import taught_already
from memory.sessions.session import ENDINGS, Session
from memory.sessions.sessions import Sessions
from store.database import Database

Outcome = Literal["auto_reinforced", "enhancement", "new_flow", "none"]
Work = Callable[[sa.Connection], Kept | None]
Transact = Callable[[Callable[[sa.Connection], Any]], Any]
Notify = Callable[[str, str, str, str, str, Mapping[str, Any]], None]

FOLLOWED: Final = ("attached", "accepted")
RULES: Final = "rules"
"""The analyst where no model was asked."""


class Teaches(Protocol):
    """Makes a draft of a session by asking a model: ``memory.proposals.drafting.Drafting``."""

    async def draft(self, kind: ProposalType, session: Session, flow: Published | None) -> Draft | None:
        """None: the session teaches nothing. Raises what asking raises, ``Spent`` and ``ReplyError``."""
        ...


@dataclass(frozen=True, slots=True)
class Analysed:
    """What became of a session."""

    outcome: Outcome
    how: How | Literal["", "gone"] = ""
    """What was done with what it taught; ``gone``: it was settled, or began anew, meanwhile, and nothing was done."""
    proposal_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Compared:
    """A session and the flow that it is compared with."""

    session: Session
    flow: Published | None
    lesson: Lesson


class _Gone(Exception):
    """The session is not waiting any more: the transaction is undone."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Analyses sessions. Usable from one event loop; what blocks runs in threads.

    Args:
        transact: does work in one transaction that keeps other writers out; gives what the work gives.
        drafting: None where no model is configured: then nothing is proposed.
        notify: tells people of an event; called after the commit.
    """

    database: Database
    transact: Transact
    sessions: Sessions
    flows: Flows
    outcomes: Outcomes
    keeping: Keeping
    drafting: Teaches | None
    notify: Notify = field(default=lambda *_: None)

    async def run(self, namespace: str, session_id: str) -> Analysed | None:
        """Analyse a session; None where it is gone, or does not wait for it.

        Raises:
            Spent: no call may be made today any more.
            ReplyError: the model's replies cannot be used.
            DatabaseError: it cannot be read or written.
            Exception: whatever asking the model raises.
        """
        session = await asyncio.to_thread(self.sessions.get, namespace, session_id)
        if session is None or session.analysis not in ("waiting", "deferred") or session.status not in ENDINGS:
            return None
        if session.status != "resolved":
            return await asyncio.to_thread(self._settle, session, "none", None)
        compared = await asyncio.to_thread(self._compare, session)
        if compared.lesson == "auto_reinforced":
            return await asyncio.to_thread(self._reinforce, compared)
        return await self._learn(compared, compared.lesson)

    def _compare(self, session: Session) -> _Compared:
        """With the flow that fitted best at the start, unless the person said no to it."""
        best = session.matched_flow or (None if session.match_state == "declined" else session.suggested_flow)
        flow = self.flows.get(best, session.namespace) if best else None
        if flow is not None and flow.status != "published":
            flow = None
        return _Compared(session, flow, decide(session.match_score, flow is not None, session.has_free_text))

    async def _learn(self, compared: _Compared, kind: ProposalType) -> Analysed:
        session, flow = compared.session, compared.flow if kind == "enhancement" else None
        if self.drafting is None:
            return await asyncio.to_thread(self._settle, session, "none", None)
        target = flow.id if flow is not None else None
        known = await asyncio.to_thread(taught_already, self.database, self.sessions, session, kind, target)
        if known is not None:
            support = functools.partial(self._supported, proposal_id=known, session=session)
            done = await asyncio.to_thread(self._settle, session, kind, support)
            if done.how in ("absorbed", "refused"):
                return done
        draft = await self.drafting.draft(kind, session, flow)
        if draft is None:
            return await asyncio.to_thread(self._settle, session, "none", None)
        keep = functools.partial(self.keeping.keep, draft=draft, session=session)
        done = await asyncio.to_thread(self._settle, session, kind, keep)
        if done.how == "new" and done.proposal_id is not None:
            self._tell(done.proposal_id, draft, session)
        return done

    def _reinforce(self, compared: _Compared) -> Analysed:
        session, flow = compared.session, compared.flow
        assert flow is not None
        score = session.match_score or 0.0
        said = f"A session that fits this flow ({score:.2f}) was resolved without words of its own."
        draft = Draft("auto_reinforced", flow.flow.title, said, {}, RULES, None, flow.id, flow.version)

        def work(connection: sa.Connection) -> Kept:
            # Counted for the flow that fitted best, followed by name or not.
            version = session.matched_version or flow.version
            self.outcomes.record(connection, session.namespace, session.id, flow.id, version, "resolved")
            return self.keeping.reinforced(connection, draft, session, score)

        return self._settle(session, "auto_reinforced", work)

    def _settle(self, session: Session, outcome: Outcome, work: Work | None) -> Analysed:
        """All that an analysis leads to, in one transaction."""

        def all_of_it(connection: sa.Connection) -> Analysed:
            self._count(connection, session)
            kept = work(connection) if work is not None else None
            if work is not None and kept is None:
                raise _Gone
            settled = "none" if kept is not None and kept.how == "refused" else outcome
            proposal_id = kept.proposal_id if kept is not None else None
            if not self.sessions.settle(connection, session.namespace, session.id, settled, proposal_id):
                raise _Gone
            return Analysed(settled, kept.how if kept is not None else "", proposal_id)

        try:
            done: Analysed = self.transact(all_of_it)
        except _Gone:
            return Analysed("none", "gone")
        return done

    def _count(self, connection: sa.Connection, session: Session) -> None:
        """How the session ended counts for the flow that it followed, whatever else it teaches."""
        if session.matched_flow and session.match_state in FOLLOWED:
            version = session.matched_version or 1
            self.outcomes.record(
                connection, session.namespace, session.id, session.matched_flow, version, session.status
            )

    def _supported(self, connection: sa.Connection, proposal_id: str, session: Session) -> Kept | None:
        row = self.keeping.standing(connection, proposal_id)
        if row is None or row["status"] not in ("pending", "rejected"):
            return None
        return self.keeping.support(connection, row, session)

    def _tell(self, proposal_id: str, draft: Draft, session: Session) -> None:
        body = {
            "proposal_type": draft.proposal_type,
            "description": draft.description,
            "problem_domain": session.problem_domain,
            "session_id": session.id,
            "target_flow_id": draft.target_flow_id,
            "valid": draft.problem is None,
        }
        self.notify("proposal.pending", session.namespace, "proposal", proposal_id, draft.title, body)
