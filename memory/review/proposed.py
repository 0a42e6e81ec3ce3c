"""Proposals of flows in the review queue: their cards, and decisions on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from memory.flows.library import Flows
from memory.memories.memory import Actor, MemoryFault, Missing
from memory.proposals.lessons import TYPES
from memory.proposals.preview import preview
from memory.proposals.proposal import PREFIX, Proposal
from memory.proposals.proposals import Proposals
from memory.proposals.reviewing import Action, Decided, Reviewing
from memory.review.cards import Card, Proposed

ACTIONS: Final = ("approve", "modify", "reject", "dismiss", "skip")
MOST_SUPPORTING: Final = 5


class Deck:
    """The proposals that wait for a person. All raise ``DatabaseError`` where SQL fails."""

    def __init__(self, proposals: Proposals, reviewing: Reviewing, flows: Flows) -> None:
        self._proposals = proposals
        self._reviewing = reviewing
        self._flows = flows

    def first(self, kinds: Sequence[str], namespace: str | None, project: str | None, most: int) -> Sequence[Proposal]:
        """Those of these kinds: the most supported first, then the surest, then the oldest."""
        types = [one for one in TYPES if one in kinds]
        return self._proposals.waiting(types, namespace=namespace, project=project, limit=most)

    def waiting(self, namespace: str | None, project: str | None) -> dict[str, int]:
        """How many wait, by kind."""
        return self._proposals.counts(namespace=namespace, project=project)

    def card(self, proposal: Proposal) -> Card:
        """What a reviewer sees of a proposal."""
        target = self._flows.get(proposal.target_flow_id, proposal.namespace) if proposal.target_flow_id else None
        in_use = target.flow if target is not None and target.status == "published" else None
        would_be = preview(proposal, in_use)
        return Card(
            id=proposal.id,
            kind=proposal.proposal_type,
            memory_id=None,
            memory_type=None,
            content=proposal.title,
            project=proposal.project,
            namespace=proposal.namespace,
            status=proposal.status,
            confidence=proposal.confidence_score,
            created_at=proposal.created_at,
            supports=proposal.supporting_session_count,
            rule="model",
            extractor=proposal.analyst,
            span=None,
            nearest=None,
            why=_why(proposal, in_use.title if in_use is not None else None),
            actions=ACTIONS,
            supporting=proposal.supporting_session_ids[-MOST_SUPPORTING:],
            proposal=Proposed(
                description=proposal.description,
                problem_domain=proposal.problem_domain,
                target_flow_id=proposal.target_flow_id,
                problems=would_be.problems,
                diff=would_be.diff,
                content=proposal.content,
            ),
        )

    def decide(self, id_: str, action: str, changes: dict[str, object] | None, actor: Actor) -> Decided | None:
        """Carry a decision out, in a transaction of its own; None where it is put off.

        Raises:
            Missing: no such proposal waits.
            Conflict: it cannot be published.
            MemoryFault: no such action, or what is given is no flow.
        """
        if action not in ACTIONS:
            raise MemoryFault("action", f"action must be one of {', '.join(ACTIONS)} for a proposal")
        if action == "skip":
            found = self._proposals.get(id_)
            if found is None or found.status != "pending":
                raise Missing(f"no proposal {id_!r} waits")
            return None
        return self._reviewing.decide(id_, cast(Action, action), actor, changes=changes)


def is_proposal(id_: str) -> bool:
    """Is this the id of a proposal?"""
    return id_.startswith(f"{PREFIX}_")


def _why(proposal: Proposal, target: str | None) -> str:
    """In a sentence, why this is in the queue."""
    count = proposal.supporting_session_count
    said = f"{count} session{'' if count == 1 else 's'}"
    if proposal.proposal_type == "new_flow":
        return f"{said} found a solution that no flow knows."
    return f"{said} went beyond the flow {target!r}." if target else f"{said} went beyond a flow that is out of use."
