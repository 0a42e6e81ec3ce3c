"""YAML text to plain values, with the line of each.

The values are those of `yaml.safe_load`, but that keys are always text and dates stay text (`api_version: 2024-06-01`).
Nodes are composed first, so that a value's line is known, and measured before they are expanded, so that a few lines
of aliases cannot fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from proxy.config.problems import Findings, KeyPath, Place

MAX_DEPTH = 50
MAX_ALIASED = 20_000
"""How many values may come from aliases beyond those written out."""

_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"
# "value" is what YAML 1.1 makes of a lone equals sign.
_KEPT_AS_TEXT = {_PREFIX + name for name in ("str", "timestamp", "value")}
_BUILT = {_PREFIX + name for name in ("int", "float", "bool", "null")}
_COLLECTIONS = {_PREFIX + name for name in ("map", "seq")}


class Unreadable(Exception):
    """The text is no usable YAML; `line` and `column` count from 1 and are None for the text as a whole."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column

    @classmethod
    def at(cls, mark: yaml.Mark | None, message: str) -> Unreadable:
        """The same, placed at a mark of the parser."""
        return cls(message) if mark is None else cls(message, mark.line + 1, mark.column + 1)


def parse(text: str, findings: Findings) -> Any:
    """The value of one YAML document (None for an empty one); places and lesser problems go to `findings`.

    Raises Unreadable when there is no value to go on with: a syntax error, aliases that expand without end.
    """
    root = _compose(text)
    if root is None:
        return None
    _Measure().check(root)
    return _Builder(findings).build(root, ())


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = yaml.SafeLoader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        raise Unreadable("holds a control character", before.count("\n") + 1, column) from None
    except yaml.MarkedYAMLError as error:
        unclosed = "end of stream" in str(error.problem) or "<stream end>" in str(error.problem)
        mark = error.context_mark if unclosed and error.context_mark else error.problem_mark
        message = "a quote or bracket is opened and never closed" if unclosed else _syntax_message(error)
        raise Unreadable.at(mark, f"is not valid YAML: {message}") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    """The parser's complaint without the names it quotes: a password that begins with `*` is no alias to print."""
    problem = error.problem or "cannot be read"
    if "undefined alias" in problem:
        return "an alias names no anchor above it (text that begins with * needs quotes)"
    if "duplicate anchor" in f"{error.context} {problem}":
        return "two anchors have the same name (text that begins with & needs quotes)"
    if "tag" in problem:
        return "a tag cannot be read (text that begins with ! needs quotes)"
    if "another document" in problem:
        return "there is a second document, after a line ---"
    if problem.startswith("expected <block end>"):
        return "this does not belong here: the indentation or a quote does not fit the lines above"
    if "'\\t'" in problem:
        return "a tab cannot indent; use spaces"
    if "cannot start any token" in problem:
        return f"{problem.removeprefix('found ')} (text that begins with one of @ ` % needs quotes)"
    return problem


class _Measure:
    """How much a graph of nodes becomes when each alias is written out, each node being looked at once."""

    def __init__(self) -> None:
        self.sizes: dict[int, tuple[int, int]] = {}
        self.open: set[int] = set()

    def check(self, node: yaml.Node, depth: int = 0) -> tuple[int, int]:
        """Number of values and of levels at and below the node. Raises Unreadable beyond the limits."""
        if id(node) in self.open:
            raise Unreadable.at(node.start_mark, "holds an alias of itself")
        size, height = self.sizes.get(id(node)) or self._expand(node, depth)
        if depth + height > MAX_DEPTH:
            raise Unreadable.at(node.start_mark, f"is nested too deeply, beyond {MAX_DEPTH} levels")
        if size - len(self.sizes) > MAX_ALIASED:
            raise Unreadable.at(node.start_mark, f"has aliases that stand for more than {MAX_ALIASED} values")
        return size, height

    def _expand(self, node: yaml.Node, depth: int) -> tuple[int, int]:
        self.open.add(id(node))
        size, height = 1, 1
        for child in _children(node):
            below, levels = self.check(child, depth + 1)
            size, height = size + below, max(height, levels + 1)
        self.open.discard(id(node))
        self.sizes[id(node)] = size, height
        return size, height


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


class _Builder:
    """Nodes to values; what is wrong but can be passed over is noted in the findings."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.reported: set[int] = set()

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        """The value of the node; its place is known already, that of what it holds is noted here."""
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self._add(path, node, "has a tag that means nothing here (text that begins with ! needs quotes)")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(node, path)
        if node.tag in _KEPT_AS_TEXT:
            return node.value
        try:
            return _scalar(node)
        except ValueError as error:
            self._add(path, node, f"{error}: put quotes around it")
            return node.value

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in self._pairs(node, path):
            key = (*path, key_node.value)
            self.findings.places[key] = self._place(key_node)
            built[key_node.value] = self.build(value_node, key)
        return built

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        built = []
        for index, item in enumerate(node.value):
            self.findings.places[(*path, index)] = self._place(item)
            built.append(self.build(item, (*path, index)))
        return built

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Keys and values of a mapping, each key once, what is merged in (`<<`) giving way to what is written out."""
        merged: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        merges = 0
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._add(path, key, "a key must be text, not a list or a mapping")
            elif key.value in own or (key.tag == _MERGE and merges):
                self._add((*path, key.value), key, "is given twice")
            elif key.tag == _MERGE:
                merges += 1
                merged = self._merged(value, path)
            else:
                own[key.value] = key, value
        return list((merged | own).values())

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._add((*path, "<<"), node, "must be an alias of a mapping, or a list of those")
                continue
            # The first of several wins, as in YAML's merge specification.
            merged = {key.value: (key, value) for key, value in self._pairs(source, path)} | merged
        return merged

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.findings.source.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _add(self, path: KeyPath, node: yaml.Node, message: str) -> None:
        # An anchored node is built once for each alias, but is wrong only once.
        if id(node) not in self.reported:
            self.reported.add(id(node))
            self.findings.add(path, message, self._place(node))


def _scalar(node: yaml.Node) -> Any:
    """The number, truth value or None that the node stands for. Raises ValueError, without the text, if for none."""
    if node.tag not in _BUILT:
        raise ValueError("has a tag that means nothing here")
    if ":" in node.value:
        # 1:30 is ninety, which nobody who writes it means.
        raise ValueError("is a number to the base of sixty in YAML")
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, KeyError, IndexError):
        # `!!bool maybe` is a KeyError, `!!int ""` an IndexError, `0b_` a ValueError that quotes it.
        raise ValueError("does not fit its tag or form") from None
