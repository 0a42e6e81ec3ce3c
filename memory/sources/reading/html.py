"""HTML: its sections by headings, and the text that a reader of the page sees."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from memory.sources.reading.document import Block, Kind, Outline, Read, Unreadable

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_UNSEEN: Final = frozenset(
    "head script style template nav noscript iframe object embed canvas svg math audio video map select button textarea"
    " datalist dialog frameset".split()
)
_BREAKS: Final = frozenset(
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form"
    " header hgroup hr legend li main menu ol p pre section summary table caption td th tr ul h1 h2 h3 h4 h5 h6".split()
)
_LISTS: Final = frozenset({"ul", "ol", "menu", "dir"})
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LAYOUT: Final = "h1, h2, h3, h4, h5, h6, pre, table"
"""What makes a table one that lays out a page."""
_DECORATION: Final = frozenset({"headerlink", "linenos", "viewcode-link"})
"""Classes of marks that documentation tools put beside the text."""
_CLOSED_AT_ONCE: Final = re.compile(r"<(script|style|template|title|iframe|noscript|textarea|a|div|span|p)\b([^<>]*)/>")
_SPACE: Final = re.compile(r"\s+")
_TICKS: Final = re.compile(r"`{3,}")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]*>")
_MOST_NODES: Final = 2_000_000
_MOST_FRAGMENT: Final = 8192
"""Characters of HTML in another document that is understood as HTML, at most; of more, only the tags are dropped."""


def read_html(text: str) -> Read:
    """The document in an HTML text. Raises :class:`Unreadable`."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_CLOSED_AT_ONCE.sub(r"<\1\2></\1>", text) if "<?xml" in text[:200] else text)
    outline = Outline()
    if tree.body is not None:
        _Page(outline).add(tree.body)
    title = tree.css_first("head > title")
    return Read(outline.sections(), title.text() if title is not None else "")


def add_html(outline: Outline, fragment: str) -> None:
    """The headings and blocks of a piece of HTML, which need not be whole."""
    words = _TAG.sub("", _COMMENT.sub("", fragment)).strip()
    if not words:
        return
    if len(fragment) > _MOST_FRAGMENT:
        outline.block(Block(words))
        return
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(fragment).body
    if body is not None:
        _Page(outline).add(body)


class _Page:
    """Walks over the nodes of a page. Without recursion: pages can be nested deeper than Python's stack."""

    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._text: list[str] = []
        self._lists: list[int | None] = []
        """Of each list that is open: the number of its last item; None: it is not numbered."""
        self._marker = ""
        self._outermost = 0
        self._in_heading = False

    def add(self, top: LexborNode) -> None:
        """All that a reader sees of a node, as headings and blocks. Raises :class:`Unreadable`."""
        node, depth = top, 0
        for _ in range(_MOST_NODES):
            entered = self._begin(node)
            if entered and (child := node.child) is not None:
                node, depth = child, depth + 1
                continue
            if entered:
                self._end(node.tag or "")
            while depth and node.next is None and node.parent is not None:
                node, depth = node.parent, depth - 1
                self._end(node.tag or "")
            if not depth or node.next is None:
                self._flush()
                return
            node = node.next
        raise Unreadable(f"it has more than {_MOST_NODES} elements")

    def _begin(self, node: LexborNode) -> bool:
        """Takes in what a node says itself; True: what is in it comes next."""
        if node.is_text_node:
            self._text.append(_SPACE.sub(" ", node.text_content or ""))
            return False
        tag = node.tag or ""
        if not node.is_element_node or tag in _UNSEEN or _is_hidden(node):
            return False
        if tag == "br":
            self._text.append("\n")
        if tag in _BREAKS:
            self._flush()
        if self._in_heading:
            return True
        if tag in _HEADINGS:
            self._in_heading = True
            return True
        if tag == "pre":
            self._block(_fenced(node.text()), "code")
            return False
        if tag == "table" and (rows := _rows(node)):
            self._block("\n".join(rows), "table")
            return False
        self._list(node, tag)
        return True

    def _list(self, node: LexborNode, tag: str) -> None:
        if tag in _LISTS:
            self._outermost = min(self._outermost, 2 * len(self._lists))
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li" and self._lists:
            self._outermost = min(self._outermost, 2 * len(self._lists) - 1)
            number = self._lists[-1]
            self._marker = "- "
            if number is not None:
                self._lists[-1] = number + 1
                self._marker = f"{number + 1}. "

    def _end(self, tag: str) -> None:
        if self._in_heading and tag in _HEADINGS:
            self._outline.heading(_HEADINGS[tag], "".join(self._text).strip().rstrip("¶# \n"))
            self._text = []
            self._in_heading = False
        elif tag in _BREAKS:
            self._flush()
        if tag in _LISTS and self._lists:
            self._lists.pop()

    def _flush(self) -> None:
        if self._in_heading:
            self._text.append(" ")
        elif self._text:
            lines = "".join(self._text).split("\n")
            self._text = []
            self._block("\n".join(_SPACE.sub(" ", line).strip() for line in lines).strip("\n"), "prose")

    def _block(self, text: str, kind: Kind) -> None:
        if not text.strip():
            return
        depth = min(self._outermost, 2 * len(self._lists))
        if self._lists:
            indent = "  " * min(len(self._lists) - 1, 8)
            text = indent + self._marker + text.replace("\n", "\n" + indent + " " * len(self._marker))
        self._outline.block(Block(text, kind, depth, "\n" if depth else "\n\n"))
        self._marker = ""
        self._outermost = 2 * len(self._lists)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    return (
        "hidden" in attributes
        or attributes.get("role") in ("navigation", "search")
        or _HIDDEN.search(attributes.get("style") or "") is not None
        or not _DECORATION.isdisjoint((attributes.get("class") or "").split())
    )


def _fenced(text: str) -> str:
    """Code between fences that it does not hold itself."""
    text = text.strip("\n").rstrip()
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in _TICKS.findall(text)), default=0))
    return f"{fence}\n{text}\n{fence}" if text else ""


def _rows(table: LexborNode) -> list[str]:
    """The lines of a table that holds data; none of one that only lays out a page."""
    if any(node.mem_id != table.mem_id for node in table.css(_LAYOUT)):
        return []
    rows = []
    for row in table.css("tr"):
        cells = [_SPACE.sub(" ", cell.text(separator=" ")).strip() for cell in row.css("td, th")]
        if any(cells):
            rows.append("| " + " | ".join(cells) + " |")
            if len(rows) == 1 and row.css_first("td") is None:
                rows.append("|" + " --- |" * len(cells))
    caption = table.css_first("caption")
    return [*([caption.text().strip()] if caption is not None and rows else []), *rows]
