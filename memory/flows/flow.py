"""What a flow is: the way from a kind of problem to its solutions, as a tree of questions and actions. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

NodeType = Literal["decision", "action", "solution"]
TYPES: Final[tuple[NodeType, ...]] = get_args(NodeType)
ROOT: Final = "root"
"""The id of the node that a flow begins with."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a decision's question."""

    id: str
    label: str
    next_node_id: str

    def as_json(self) -> dict[str, str]:
        """As flows are written."""
        return {"id": self.id, "label": self.label, "next_node_id": self.next_node_id}


@dataclass(frozen=True, slots=True)
class Node:
    """One step. A decision leads on by its options, an action by them or by ``next_node_id``, a solution ends."""

    id: str
    type: NodeType
    title: str = ""
    text: str = ""
    """The question of a decision, the description of another."""
    help_text: str = ""
    options: tuple[Option, ...] = ()
    next_node_id: str | None = None

    @property
    def called(self) -> str:
        """What it is called where there is room for one line."""
        return self.title or self.text.split("\n", 1)[0]

    @property
    def leads_to(self) -> list[str]:
        """Ids of the nodes that may follow it."""
        onward = [option.next_node_id for option in self.options]
        return onward if self.next_node_id is None else [*onward, self.next_node_id]

    def as_json(self) -> dict[str, Any]:
        """As flows are written."""
        told: dict[str, Any] = {"id": self.id, "type": self.type}
        if self.title:
            told["title"] = self.title
        if self.type == "decision":
            told["question"] = self.text
        else:
            told["description"] = self.text
        if self.help_text:
            told["help_text"] = self.help_text
        if self.options:
            told["options"] = [option.as_json() for option in self.options]
        elif self.next_node_id is not None:
            told["next_node_id"] = self.next_node_id
        return told


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that can be followed: every node is reached from the root, and reaches a solution."""

    title: str
    description: str
    match_keywords: tuple[str, ...]
    problem_domain: str | None
    root: Node
    children: tuple[Node, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All of them, the root first."""
        return (self.root, *self.children)

    def node(self, id_: str) -> Node | None:
        """The node of this id."""
        return next((node for node in self.nodes if node.id == id_), None)

    def as_json(self) -> dict[str, Any]:
        """As ``read_flow`` takes it."""
        return {
            "title": self.title,
            "description": self.description,
            "match_keywords": list(self.match_keywords),
            "problem_domain": self.problem_domain,
            "tree_structure": {**self.root.as_json(), "children": [node.as_json() for node in self.children]},
        }

    def reworded(self, change: Callable[[str], str]) -> Flow:
        """The flow with each of its texts as ``change`` gives it; ids and the domain stay."""
        return replace(
            self,
            title=change(self.title),
            description=change(self.description),
            match_keywords=tuple(change(word) for word in self.match_keywords),
            root=_reworded(self.root, change),
            children=tuple(_reworded(node, change) for node in self.children),
        )


def _reworded(node: Node, change: Callable[[str], str]) -> Node:
    options = tuple(replace(option, label=change(option.label)) for option in node.options)
    title, text, help_text = (change(one) if one else "" for one in (node.title, node.text, node.help_text))
    return replace(node, title=title, text=text, help_text=help_text, options=options)
