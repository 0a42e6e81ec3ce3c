"""Reads flows. Pure.

What is read may come from a model or from anybody: every problem of it is found and told, each with its node, and no
input is too deep or too large. What has problems is no flow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from memory.flows.flow import ROOT, TYPES, Flow, Node, NodeType, Option
from memory.flows.wording import on_lines, on_one_line
from memory.memories.memory import MemoryFault, content_key

__all__ = ["ROOT", "Flow", "FlowFault", "Node", "Option", "checked", "problems", "read_flow"]

LEAST_KEYWORDS: Final = 5
MOST_KEYWORDS: Final = 10
LEAST_OPTIONS: Final = 2
MOST_OPTIONS: Final = 5
"""Of one decision."""
MOST_NODES: Final = 100
"""The root counted."""
MOST_PROBLEMS: Final = 50
"""That are told of one flow; of the rest only how many there are."""

ID_CHARS: Final = 64
TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 2000
KEYWORD_CHARS: Final = 60
QUESTION_CHARS: Final = 500
LABEL_CHARS: Final = 200

FIELDS: Final = ("title", "description", "match_keywords", "problem_domain", "tree_structure")


class FlowFault(MemoryFault):
    """Something given is no flow that could be followed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        """All that is wrong, each naming its node or field."""
        first = self.problems[0].partition(":")[0] if self.problems else ""
        super().__init__(first if first in FIELDS else "tree_structure", "; ".join(self.problems))


def read_flow(given: Any, domains: Collection[str] | None = None) -> Flow:
    """The flow that is given as JSON.

    Args:
        domains: what a problem may be filed under; None: anything.

    Raises:
        FlowFault: it cannot be followed; ``problems`` tells all that is wrong.
    """
    reading = _Reading(domains)
    flow = reading.flow(given)
    if flow is None or reading.problems:
        raise FlowFault(reading.told())
    return flow


def problems(given: Any, domains: Collection[str] | None = None) -> list[str]:
    """All that keeps what is given from being a flow; nothing where it is one."""
    try:
        read_flow(given, domains)
    except FlowFault as fault:
        return list(fault.problems)
    return []


def checked(flow: Flow, domains: Collection[str] | None = None) -> Flow:
    """A flow that was put together of parts, if it can be followed. Raises ``FlowFault``."""
    return read_flow(flow.as_json(), domains)


class _Reading:
    """Reads one flow and gathers what is wrong with it."""

    def __init__(self, domains: Collection[str] | None) -> None:
        self._domains = domains
        self.problems: list[str] = []
        self._more = 0

    def told(self) -> list[str]:
        return [*self.problems, *([f"and {self._more} more problems"] if self._more else [])]

    def wrong(self, what: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(what)
        else:
            self._more += 1

    def flow(self, given: Any) -> Flow | None:
        if not isinstance(given, dict):
            self.wrong(f"flow: must be an object, not {_kind(given)}")
            return None
        title = self._text(given, "title", "title", TITLE_CHARS)
        description = self._text(given, "description", "description", DESCRIPTION_CHARS, lines=True)
        keywords = self._keywords(given.get("match_keywords"))
        domain = self._domain(given.get("problem_domain"))
        tree = given.get("tree_structure")
        if not isinstance(tree, dict):
            self.wrong(f"tree_structure: must be an object, not {_kind(tree)}")
            return None
        nodes = list(self._nodes(tree))
        if nodes:
            self._follow(nodes)
        return Flow(title, description, keywords, domain, nodes[0], tuple(nodes[1:])) if nodes else None

    def _keywords(self, given: Any) -> tuple[str, ...]:
        if not isinstance(given, list):
            self.wrong(f"match_keywords: must be a list, not {_kind(given)}")
            return ()
        if not LEAST_KEYWORDS <= len(given) <= MOST_KEYWORDS:
            self.wrong(f"match_keywords: must be {LEAST_KEYWORDS} to {MOST_KEYWORDS}, not {len(given)}")
        words = []
        for at, one in enumerate(given[:MOST_KEYWORDS]):
            words.append(self._read(one, f"match_keywords: number {at + 1}", KEYWORD_CHARS))
        self._distinct(filter(None, words), lambda twice: f"match_keywords: {twice!r} stands there twice")
        return tuple(words)

    def _domain(self, given: Any) -> str | None:
        if given is None or given == "":
            return None
        domain = self._read(given, "problem_domain:", ID_CHARS)
        if domain and self._domains is not None and domain not in self._domains:
            self.wrong(f"problem_domain: {domain!r} is none of {', '.join(self._domains)}")
        return domain or None

    def _nodes(self, tree: dict[Any, Any]) -> Iterator[Node]:
        root = self._node(tree, ROOT)
        if root is not None and (root.id, root.type) != (ROOT, "decision"):
            self.wrong(f"node {root.id!r}: the tree begins with a decision whose id is {ROOT!r}")
        children = tree.get("children")
        if not isinstance(children, list):
            self.wrong(f"tree_structure: children must be a list, not {_kind(children)}")
            children = []
        if len(children) >= MOST_NODES:
            self.wrong(f"tree_structure: must be of at most {MOST_NODES} nodes, not {len(children) + 1}")
            children = children[: MOST_NODES - 1]
        if root is not None:
            yield root
        for at, one in enumerate(children):
            node = self._node(one, f"number {at + 1} of children")
            if node is not None:
                yield node

    def _node(self, given: Any, place: str) -> Node | None:
        """The node as far as it can be read; None where it has no id, by which it could be named."""
        if not isinstance(given, dict):
            self.wrong(f"tree_structure: {place} must be an object, not {_kind(given)}")
            return None
        id_ = self._read(given.get("id"), f"tree_structure: the id of {place}", ID_CHARS)
        if not id_:
            return None
        where = f"node {id_!r}:"
        kind: NodeType | None = next((one for one in TYPES if one == given.get("type")), None)
        if kind is None:
            shown = f", not {given['type'][:40]!r}" if isinstance(given.get("type"), str) else ""
            self.wrong(f"{where} its type must be one of {', '.join(TYPES)}{shown}")
            return Node(id_, "solution")
        asks = kind == "decision"
        title = self._optional(given, "title", where, TITLE_CHARS)
        if asks:
            text = self._text(given, "question", f"{where} its question", QUESTION_CHARS)
        else:
            text = self._optional(given, "description", where, DESCRIPTION_CHARS, lines=True)
            if not title and given.get("title") in (None, ""):
                self.wrong(f"{where} it has no title")
        help_text = self._optional(given, "help_text", where, DESCRIPTION_CHARS, lines=True)
        return Node(
            id_, kind, title, text, help_text, self._options(given, where, kind), self._next(given, where, kind)
        )

    def _options(self, given: dict[Any, Any], where: str, kind: NodeType) -> tuple[Option, ...]:
        options = given.get("options")
        if kind == "solution" and options not in (None, []):
            self.wrong(f"{where} a solution is the end, it has no options")
        if kind == "solution" or (kind == "action" and options in (None, [])):
            return ()
        if not isinstance(options, list):
            self.wrong(f"{where} its options must be a list, not {_kind(options)}")
            return ()
        # Behind an action they are what may come of it.
        least = LEAST_OPTIONS if kind == "decision" else 1
        if not least <= len(options) <= MOST_OPTIONS:
            called = "a decision has" if kind == "decision" else "an action has none, or"
            self.wrong(f"{where} {called} {least} to {MOST_OPTIONS} options, this has {len(options)}")
        read = [self._option(one, f"{where} option {at + 1}") for at, one in enumerate(options[:MOST_OPTIONS])]
        found = tuple(option for option in read if option is not None)
        self._distinct((option.id for option in found), lambda twice: f"{where} two options have the id {twice!r}")
        labels = (option.label for option in found if option.label)
        self._distinct(labels, lambda twice: f"{where} two options are labelled {twice!r}")
        return found

    def _option(self, given: Any, where: str) -> Option | None:
        if not isinstance(given, dict):
            self.wrong(f"{where} must be an object, not {_kind(given)}")
            return None
        id_ = self._read(given.get("id"), f"{where}: its id", ID_CHARS)
        label = self._read(given.get("label"), f"{where}: its label", LABEL_CHARS)
        onward = self._read(given.get("next_node_id"), f"{where}: its next_node_id", ID_CHARS)
        return Option(id_, label, onward) if id_ and onward else None

    def _next(self, given: dict[Any, Any], where: str, kind: NodeType) -> str | None:
        onward = given.get("next_node_id")
        if kind == "action" and given.get("options") in (None, []):
            return self._read(onward, f"{where} its next_node_id", ID_CHARS) or None
        if onward not in (None, ""):
            ends = "a solution is the end" if kind == "solution" else f"this {kind} leads on by its options"
            self.wrong(f"{where} {ends}, it has no next_node_id")
        return None

    def _text(self, given: dict[Any, Any], name: str, shown: str, most: int, *, lines: bool = False) -> str:
        return self._read(given.get(name), f"{shown}:" if shown == name else shown, most, lines=lines)

    def _optional(self, given: dict[Any, Any], name: str, where: str, most: int, *, lines: bool = False) -> str:
        one = given.get(name)
        return "" if one is None or one == "" else self._read(one, f"{where} its {name}", most, lines=lines)

    def _read(self, given: Any, what: str, most: int, *, lines: bool = False) -> str:
        """A text as it is kept; empty where it is none, which is told."""
        if given is None:
            self.wrong(f"{what} is missing")
            return ""
        if not isinstance(given, str):
            self.wrong(f"{what} must be text, not {_kind(given)}")
            return ""
        # Far too long is too long however it is cleaned.
        text = (on_lines if lines else on_one_line)(given[: 20 * most])
        if not text:
            self.wrong(f"{what} is empty")
        elif len(text) > most:
            self.wrong(f"{what} must have at most {most} characters, not {len(text)}")
            text = text[:most]
        return text

    def _distinct(self, texts: Iterable[str], wording: Callable[[str], str]) -> None:
        seen: set[str] = set()
        for text in texts:
            key = content_key(text)
            if key in seen:
                self.wrong(wording(text))
            seen.add(key)

    def _follow(self, nodes: Sequence[Node]) -> None:
        """Where the nodes lead."""
        known: dict[str, Node] = {}
        for node in nodes:
            if node.id in known:
                self.wrong(f"node {node.id!r}: its id is another node's, too")
            known.setdefault(node.id, node)
        for node in nodes:
            for option in node.options:
                if option.next_node_id not in known:
                    self.wrong(
                        f"node {node.id!r}: option {option.id!r} leads to {option.next_node_id!r}, which is none"
                    )
            if node.next_node_id is not None and node.next_node_id not in known:
                self.wrong(f"node {node.id!r}: it leads to {node.next_node_id!r}, which is none")
        reached = _reached([nodes[0].id], {id_: node.leads_to for id_, node in known.items()})
        solved = _solved(known)
        for id_ in known:
            if id_ not in reached:
                self.wrong(f"node {id_!r}: no way leads to it from the root")
            if id_ not in solved:
                self.wrong(f"node {id_!r}: no way leads from it to a solution")


def _solved(nodes: Mapping[str, Node]) -> set[str]:
    """The nodes from which a way leads to a solution."""
    backwards: dict[str, list[str]] = {}
    for id_, node in nodes.items():
        for onward in node.leads_to:
            backwards.setdefault(onward, []).append(id_)
    return _reached([id_ for id_, node in nodes.items() if node.type == "solution"], backwards)


def _reached(first: Iterable[str], onward: Mapping[str, Sequence[str]]) -> set[str]:
    found = set(first)
    waiting = list(found)
    while waiting:
        for id_ in onward.get(waiting.pop(), ()):
            if id_ not in found:
                found.add(id_)
                waiting.append(id_)
    return found


def _kind(given: Any) -> str:
    """What JSON calls a value."""
    kinds = {bool: "true or false", dict: "an object", list: "a list", str: "text", type(None): "nothing"}
    return kinds.get(type(given), "a number" if isinstance(given, (int, float)) else "something else")
