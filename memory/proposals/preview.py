"""What a proposal would make of the flows: the whole flow as it would be in use, and what is new in it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from memory.flows.enhancing import enhanced
from memory.flows.tree import Flow, FlowFault, Node, read_flow
from memory.proposals.proposal import Proposal

OUT_OF_USE = "the flow that it would be added to is out of use"


@dataclass(frozen=True, slots=True)
class Preview:
    """A proposal as it would be published now."""

    flow: Flow | None
    """None where it cannot be."""
    problems: Sequence[str]
    """Why not."""
    diff: Sequence[tuple[str, str]]
    """Lines of the flow's outline: ``equal``, ``delete`` (only the present flow has it) or ``insert``."""


def preview(proposal: Proposal, target: Flow | None) -> Preview:
    """What would come of approving a proposal.

    Args:
        target: the flow that it would be added to, as it is in use; None: there is none.
    """
    adds = proposal.proposal_type == "enhancement"
    if adds and target is None:
        return Preview(None, [OUT_OF_USE], [])
    try:
        flow = read_flow(dict(proposal.content)) if target is None or not adds else enhanced(target, proposal.content)
    except FlowFault as fault:
        return Preview(None, fault.problems, [])
    return Preview(flow, [], _diff(outline(target) if adds and target is not None else [], outline(flow)))


def outline(flow: Flow) -> list[str]:
    """A flow in lines: its title, and each node with where it leads."""
    lines = [flow.title, f"keywords: {', '.join(flow.match_keywords)}"]
    for node in flow.nodes:
        lines.append(_line(node))
        lines += [f"    {option.label} -> {option.next_node_id}" for option in node.options]
    return lines


def _line(node: Node) -> str:
    said = ": ".join(" ".join(one.split()) for one in (node.title, node.text) if one)
    onward = f" -> {node.next_node_id}" if node.next_node_id else ""
    return f"{node.id} ({node.type}) {said}{onward}"


def _diff(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for step, i, j, k, m in difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if step == "equal":
            found += [("equal", line) for line in before[i:j]]
            continue
        found += [("delete", line) for line in before[i:j]]
        found += [("insert", line) for line in after[k:m]]
    return found
