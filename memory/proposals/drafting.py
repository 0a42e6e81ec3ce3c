"""Makes a draft of a session: asks the model within the budget, and once more where its reply cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from memory.flows.enhancing import enhanced
from memory.flows.library import Published
from memory.flows.tree import FlowFault
from memory.flows.tree import problems as flow_problems
from memory.proposals import lessons
from memory.proposals.budget import Budget
from memory.proposals.lessons import ProposalType, Taught
from memory.proposals.proposal import DESCRIPTION_CHARS, TITLE_CHARS, Draft
from memory.proposals.similar import subject_text
from memory.proposals.transcript import RedactsTogether, transcript
from memory.quoting import mark as new_mark
from memory.replies import ReplyError, text_of
from memory.sessions.session import Session
from store.embedder import EmbedderError, EmbedderSource, Vectors, no_embedder

_MOST_TOLD: Final = 12
"""Problems of a reply that the model and a person are told."""


class Spent(Exception):
    """The namespace's calls of this day are used up."""


class Model(Protocol):
    """The model that analyses sessions."""

    @property
    def name(self) -> str:
        """As it is configured."""
        ...

    def check(self) -> None:
        """Raises where it is known that asking is of no use now; asked before a call is counted."""
        ...

    async def ask(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """A chat completion. Raises where there is none."""
        ...


class Redacts(RedactsTogether, Protocol):
    """Takes secrets and personal data out of texts: ``memory.redaction.Redactor``."""

    def __call__(self, text: str) -> str:
        """The text without them."""
        ...


class Drafting:
    """Drafts what sessions teach. Stores nothing.

    Args:
        domains: what a problem may be filed under.
        embedder: for telling proposals that are alike by their meaning.
        told: told of the embedder's failures; a draft goes without a vector then.
        mark: makes text that nobody can guess.
    """

    def __init__(
        self,
        model: Model,
        budget: Budget,
        redactor: Redacts,
        domains: Collection[str] = (),
        embedder: EmbedderSource = no_embedder,
        told: Callable[[BaseException], None] = lambda _: None,
        mark: Callable[[], str] = new_mark,
    ) -> None:
        self._model = model
        self._budget = budget
        self._redactor = redactor
        self._domains = tuple(domains)
        self._embedder = embedder
        self._told = told
        self._mark = mark

    async def draft(self, kind: ProposalType, session: Session, flow: Published | None) -> Draft | None:
        """What the session teaches, with what is wrong with it, if anything; None where it teaches nothing.

        Args:
            flow: what an enhancement is to be made of.

        Raises:
            Spent: no call may be made today any more.
            ReplyError: neither reply holds such JSON.
            Exception: whatever the model raises.
        """
        taught, wrong = await self._taught(kind, session, flow)
        if taught.content is None:
            return None
        content = dict(taught.content)
        title, description = _called(kind, content, session, flow)
        vector, embedder = await asyncio.to_thread(self._vector, subject_text(title, description))
        return Draft(
            proposal_type=kind,
            title=title,
            description=description,
            content=content,
            analyst=lessons.analyst_of(self._model.name, kind),
            problem="; ".join(wrong[:_MOST_TOLD]) or None,
            target_flow_id=flow.id if flow is not None else None,
            target_version=flow.version if flow is not None else None,
            embedder=embedder,
            vector=None if vector is None else vector.tobytes(),
        )

    async def _taught(
        self, kind: ProposalType, session: Session, flow: Published | None
    ) -> tuple[Taught, Sequence[str]]:
        """What the first usable reply teaches, and what is wrong with it."""
        data = await asyncio.to_thread(self._data, session, flow)
        messages = lessons.messages(kind, data, self._mark())
        first, wrong, said = await self._asked(kind, messages, session, flow)
        if first is not None and not wrong:
            return first, wrong
        try:
            again = lessons.repair(messages, said, wrong[:_MOST_TOLD], self._mark())
            second, still, _ = await self._asked(kind, again, session, flow)
        except Exception:
            if first is None:
                raise
            # Whatever kept it from a better one: what there is, a person can put right.
            return first, wrong
        if second is not None and (first is None or not still):
            return second, still
        if first is None:
            raise ReplyError(still[0])
        return first, wrong

    async def _asked(
        self, kind: ProposalType, messages: Sequence[Mapping[str, str]], session: Session, flow: Published | None
    ) -> tuple[Taught | None, Sequence[str], str]:
        """One call, counted before it is made: what it teaches, what is wrong with it, and its words."""
        self._model.check()
        if not await asyncio.to_thread(self._budget.take, session.namespace):
            raise Spent
        answer = await self._model.ask(messages, lessons.SCHEMAS[kind])
        said = ""
        try:
            said = text_of(answer)
            taught = await asyncio.to_thread(lessons.read, kind, answer, self._redactor)
        except ReplyError as error:
            return None, [str(error)], said
        if taught.content is None:
            return taught, [], said
        filed = self._filed(kind, taught.content, session)
        return Taught(filed), await asyncio.to_thread(self._wrong, kind, filed, flow), said

    def _data(self, session: Session, flow: Published | None) -> dict[str, Any]:
        shown = transcript(session, self._redactor)
        if flow is None:
            return {"domains": list(self._domains), **shown}
        return {"flow": lessons.worded(flow.flow.as_json(), self._redactor), **shown}

    def _filed(self, kind: ProposalType, content: Mapping[str, Any], session: Session) -> Mapping[str, Any]:
        """The session's own domain wins over the model's guess, and a guess that is none of the domains is none."""
        if kind == "enhancement":
            return content
        guess = content.get("problem_domain")
        known = guess if not self._domains or guess in self._domains else None
        return {**content, "problem_domain": session.problem_domain or known}

    def _wrong(self, kind: ProposalType, content: Mapping[str, Any], flow: Published | None) -> Sequence[str]:
        if kind == "new_flow" or flow is None:
            return flow_problems(dict(content))
        try:
            enhanced(flow.flow, content)
        except FlowFault as fault:
            return fault.problems
        return []

    def _vector(self, text: str) -> tuple[Vectors | None, str | None]:
        embedder = self._embedder()
        if embedder is None:
            return None, None
        try:
            return embedder.embed([text])[0], embedder.id
        except EmbedderError as error:
            self._told(error)
            return None, None


def _called(
    kind: ProposalType, content: Mapping[str, Any], session: Session, flow: Published | None
) -> tuple[str, str]:
    """A title and a description, whatever the reply left out."""
    title, description = _text(content.get("title")), _text(content.get("description"))
    if kind == "enhancement" and flow is not None:
        description = _text(content.get("diff_description"))
        title = title or description.split(". ")[0] or f"An addition to {flow.flow.title}"
    title = title or session.problem_summary or "A flow without a title"
    return title[:TITLE_CHARS], description[:DESCRIPTION_CHARS]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
