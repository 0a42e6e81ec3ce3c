"""What sessions add to a flow: new nodes, and new options of nodes that are there. Pure.

A new node may name the node that it is attached to:

- a decision gains an option, ``new_option_label``, that leads to it;
- behind an action without a label it is put in, and leads on to what came next, where it leads nowhere itself;
- behind an action with a label there is a choice now: a decision between what came next and the new node;
- nothing follows a solution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from memory.flows.flow import ROOT, Flow
from memory.flows.tree import MOST_NODES, FlowFault, read_flow
from memory.flows.wording import on_one_line
from memory.memories.memory import content_key

DIFF_CHARS: Final = 1000
_AS_BEFORE: Final = "As before: {}"
_WHAT_NOW: Final = "How did it go?"
_ASIDE: Final = frozenset({"attach_after_node_id", "new_option_label"})

_Node = dict[str, Any]


def enhanced(flow: Flow, given: Any) -> Flow:
    """The flow with an enhancement put into it.

    Args:
        given: ``new_nodes`` (nodes, each with ``attach_after_node_id`` and ``new_option_label`` where it is attached to
            one that is there) and ``modified_options`` (``[{node_id, add_option}]``), as JSON.

    Raises:
        FlowFault: it does not fit this flow, or what would come of it is no flow; ``problems`` tells all, and names
            nodes that the flow has no more.
    """
    change = _Enhancing(flow)
    change.add(given)
    found = change.problems
    try:
        made = read_flow(change.as_json())
    except FlowFault as fault:
        raise FlowFault(dict.fromkeys([*found, *fault.problems])) from None
    if found:
        raise FlowFault(found)
    return made


def diff_of(given: Any) -> str:
    """What an enhancement says of itself, on one line; empty where it says nothing."""
    said = given.get("diff_description") if isinstance(given, Mapping) else None
    return on_one_line(said[: 20 * DIFF_CHARS])[:DIFF_CHARS] if isinstance(said, str) else ""


class _Enhancing:
    def __init__(self, flow: Flow) -> None:
        self._whole = flow.as_json()
        tree = self._whole["tree_structure"]
        self._children: list[_Node] = tree["children"]
        self._nodes: dict[str, _Node] = {ROOT: tree, **{node["id"]: node for node in self._children}}
        self._known = frozenset(self._nodes)
        self.problems: list[str] = []

    def as_json(self) -> dict[str, Any]:
        return self._whole

    def add(self, given: Any) -> None:
        if not isinstance(given, Mapping):
            self.problems.append("enhancement: must be an object")
            return
        new = self._listed(given, "new_nodes")
        options = self._listed(given, "modified_options")
        if not new and not options:
            self.problems.append("enhancement: it has neither new_nodes nor modified_options")
        attached = [(one, self._added(one, at)) for at, one in enumerate(new)]
        for one, node in attached:
            if node is not None and one.get("attach_after_node_id") not in (None, ""):
                self._attach(node, one["attach_after_node_id"], one.get("new_option_label"))
        for at, one in enumerate(options):
            self._option(one, at)

    def _listed(self, given: Mapping[Any, Any], name: str) -> list[Any]:
        found = given.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            self.problems.append(f"enhancement: {name} must be a list")
            return []
        if len(found) > MOST_NODES:
            self.problems.append(f"enhancement: {name} must be at most {MOST_NODES}, not {len(found)}")
        return found[:MOST_NODES]

    def _added(self, given: Any, at: int) -> _Node | None:
        """The new node, in its place among the others; one that stands there already, word for word, is no news."""
        id_ = given.get("id") if isinstance(given, Mapping) else None
        if not isinstance(id_, str) or not (id_ := on_one_line(id_[:1000])):
            self.problems.append(f"enhancement: number {at + 1} of new_nodes must be an object with an id")
            return None
        if id_ in self._nodes:
            owner = "the flow has" if id_ in self._known else "another of new_nodes has"
            self.problems.append(f"node {id_!r}: {owner} a node of this id already")
            return None
        node = {str(name): value for name, value in given.items() if name not in _ASIDE} | {"id": id_}
        if isinstance(node.get("options"), list):
            # It may gain options by and by.
            node["options"] = list(node["options"])
        self._children.append(node)
        self._nodes[id_] = node
        return node

    def _attach(self, node: _Node, after: Any, label: Any) -> None:
        place = self._place(after, f"node {node['id']!r}")
        if place is None:
            return
        labelled = label not in (None, "")
        kind = place.get("type")
        match "choice" if _chooses(place) else kind:
            case "choice" if labelled:
                self._offer(place, {"label": label, "next_node_id": node["id"]})
            case "choice":
                self.problems.append(f"node {node['id']!r}: behind {kind} {after!r} it needs a new_option_label")
            case "action" if labelled:
                self._branch(place, node, label)
            case "action":
                onward, place["next_node_id"] = place.get("next_node_id"), node["id"]
                if node.get("type") == "action" and node.get("next_node_id") in (None, ""):
                    node["next_node_id"] = onward
            case _:
                self.problems.append(f"node {node['id']!r}: nothing can follow {after!r}, a solution")

    def _branch(self, place: _Node, node: _Node, label: Any) -> None:
        """Make a choice of what follows an action."""
        onward = self._nodes.get(str(place.get("next_node_id")))
        if onward is None:
            self.problems.append(f"node {node['id']!r}: {place['id']!r} leads nowhere that one could choose")
            return
        if _chooses(onward):
            # There is a choice already.
            self._offer(onward, {"label": label, "next_node_id": node["id"]})
            return
        called = on_one_line(str(onward.get("title") or onward["id"])[:100])
        choice: _Node = {
            "id": self._free(f"{place['id'][:50]}_then"),
            "type": "decision",
            "question": _WHAT_NOW,
            "options": [{"id": "o1", "label": _AS_BEFORE.format(called), "next_node_id": onward["id"]}],
        }
        self._offer(choice, {"label": label, "next_node_id": node["id"]})
        self._children.append(choice)
        self._nodes[choice["id"]] = choice
        place["next_node_id"] = choice["id"]

    def _option(self, given: Any, at: int) -> None:
        where = f"number {at + 1} of modified_options"
        if not isinstance(given, Mapping) or not isinstance(given.get("add_option"), Mapping):
            self.problems.append(f"enhancement: {where} must be an object with node_id and add_option")
            return
        place = self._place(given.get("node_id"), f"enhancement: {where}")
        if place is None:
            return
        if not _chooses(place):
            kind = place.get("type")
            self.problems.append(f"node {place['id']!r}: what leads on by options takes more, not this {kind!r:.40}")
            return
        self._offer(place, dict(given["add_option"]))

    def _offer(self, place: _Node, option: _Node) -> None:
        """Give a decision one more option, unless it has that one already."""
        options = place.setdefault("options", [])
        if not isinstance(options, list):
            return
        known = [one for one in options if isinstance(one, Mapping)]
        if any(_says(one, option) for one in known):
            return
        if not isinstance(option.get("id"), str) or not option["id"]:
            taken = {one.get("id") for one in known if isinstance(one.get("id"), str)}
            option["id"] = next(id_ for number in range(1, 1000) if (id_ := f"o{number}") not in taken)
        options.append(option)

    def _place(self, id_: Any, who: str) -> _Node | None:
        found = self._nodes.get(on_one_line(id_[:1000])) if isinstance(id_, str) else None
        if found is None:
            self.problems.append(f"{who}: the flow has no node {_shown(id_)}")
        return found

    def _free(self, wanted: str) -> str:
        names: Iterable[str] = (wanted, *(f"{wanted}{number}" for number in range(2, 1000)))
        return next(name for name in names if name not in self._nodes)


def _chooses(node: _Node) -> bool:
    """Does it lead on by options?"""
    return node.get("type") == "decision" or (node.get("type") == "action" and bool(node.get("options")))


def _says(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    """Are two options the same answer with the same consequence?"""
    first, second = one.get("label"), other.get("label")
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    same = one.get("next_node_id") == other.get("next_node_id")
    return same and content_key(first[:1000]) == content_key(second[:1000])


def _shown(id_: Any) -> str:
    return repr(id_[:64]) if isinstance(id_, str) else "of that name"
