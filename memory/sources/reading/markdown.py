"""Markdown (CommonMark, with tables): its sections by headings, its blocks as they are written.

What a rendered page does not show is left out: comments, definitions of links, tags. A reference to a link's definition
gets the address itself, as the definition may come to stand in another piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from memory.sources.reading.document import Block, Kind, Outline, Read
from memory.sources.reading.frontmatter import split_front_matter
from memory.sources.reading.html import add_html

_BLOCKS: Final = MarkdownIt("commonmark").enable("table")
_BLOCKS.core.ruler.enableOnly(["normalize", "block"])
_INLINE: Final = MarkdownIt("commonmark")

_KINDS: Final[Mapping[str, Kind]] = {"fence": "code", "code_block": "code", "table_open": "table"}
_CONTAINERS: Final = frozenset({"bullet_list_open", "ordered_list_open", "list_item_open", "blockquote_open"})
_MOST_HEADING: Final = 1000
"""Characters of a heading whose markup is understood, at most."""
_MOST_ADDRESS: Final = 200
"""Characters of an address that is put in for a reference to it, at most."""
_TAGS: Final = re.compile(r"(?:</?[a-zA-Z][\w-]*+(?:\s[^<>]*+)?>\s*+)++$")
"""A paragraph of tags without text, such as an anchor above a heading."""
_PADDING: Final = re.compile(r"(?<=[^ \n]) {2,}")
_DASHES: Final = re.compile(r"-{4,}")
"""What aligns the columns of a table, and would take up the room of its words."""
_ANCHOR: Final = re.compile(r"\s*\{[#.:][^{}]*\}$")
_REFERENCE: Final = re.compile(r"(?<![\\!\]`])\[([^\[\]]{1,200})\](?:\[([^\[\]]{0,200})\])?(?![(:\[])")


def read_markdown(text: str) -> Read:
    """The document in a Markdown text; its front matter gives title and tags."""
    front, text = split_front_matter(text)
    env: dict[str, Any] = {}
    tokens = _BLOCKS.parse(text, env)
    page = _Page(text.split("\n"), env.get("references", {}))
    for group in _top_level(tokens):
        page.add(group)
    return Read(page.outline.sections(), front.title, front.tags)


def _top_level(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each block that stands in no other."""
    start = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            yield tokens[start : index + 1]
            start = index + 1


class _Page:
    def __init__(self, lines: Sequence[str], references: Mapping[str, Mapping[str, Any]]) -> None:
        self.outline = Outline()
        self._lines = lines
        self._addresses = {
            label: href
            for label, found in references.items()
            if len(href := found["href"]) <= _MOST_ADDRESS and href.startswith(("http:", "https:", "mailto:"))
        }

    def add(self, tokens: Sequence[Token]) -> None:
        """A block of the page, with what is in it."""
        first = tokens[0]
        if first.map is None or first.type == "hr":
            return
        if first.type == "heading_open":
            self.outline.heading(int(first.tag[1]), _heading(tokens[1].content))
        elif first.type == "html_block":
            add_html(self.outline, first.content)
        elif first.type in _CONTAINERS:
            self._container(tokens, first.map[1])
        else:
            self._block(first.map[0], first.map[1], _KINDS.get(first.type, "prose"), 0)

    def _container(self, tokens: Sequence[Token], end: int) -> None:
        """A list or quotation: all its lines, in blocks that begin where paragraphs, code and such begin in it."""
        start = tokens[0].map[0] if tokens[0].map else end
        begins: list[tuple[int, Kind, int]] = []
        outermost = tokens[0].level
        for token in tokens:
            if token.map is None or token.nesting < 0 or token.type == "inline":
                continue
            outermost = min(outermost, token.level)
            if token.type in _CONTAINERS:
                continue
            if not begins:
                begins.append((start, _KINDS.get(token.type, "prose"), outermost))
            elif token.map[0] > begins[-1][0]:
                begins.append((token.map[0], _KINDS.get(token.type, "prose"), outermost))
            outermost = token.level
        begins = begins or [(start, "prose", 0)]
        for (begin, kind, depth), (until, *_) in pairwise([*begins, (end, "prose", 0)]):
            self._block(begin, until, kind, depth)

    def _block(self, start: int, end: int, kind: Kind, depth: int) -> None:
        text = "\n".join(self._lines[start:end]).strip("\n").rstrip()
        if kind != "code":
            text = _REFERENCE.sub(self._address, _without_comments(text))
            text = "" if _TAGS.match(text) else text
        if kind == "table":
            text = _DASHES.sub("---", _PADDING.sub(" ", text))
        follows = depth > 0 and start > 0 and bool(self._lines[start - 1].strip(" \t>"))
        self.outline.block(Block(text, kind, depth, "\n" if follows else "\n\n"))

    def _address(self, reference: re.Match[str]) -> str:
        href = self._addresses.get(normalizeReference(reference[2] or reference[1]))
        return f"[{reference[1]}]({href})" if href else reference[0]


def _heading(content: str) -> str:
    """What a heading says, without its markup."""
    if len(content) > _MOST_HEADING:
        return content
    tokens = _INLINE.parseInline(content)[0].children or []
    text = "".join(" " if token.type in ("softbreak", "hardbreak") else _words(token) for token in tokens)
    return _ANCHOR.sub("", text)


def _words(token: Token) -> str:
    return token.content if token.type in ("text", "code_inline", "text_special", "image") else ""


def _without_comments(text: str) -> str:
    """Text without HTML comments, but for those in a code span."""
    kept = []
    start = 0
    while (opening := text.find("<!--", start)) >= 0 and (closing := text.find("-->", opening)) >= 0:
        quoted = text[opening - 1 : opening] == "`"
        kept.append(text[start : closing + 3 if quoted else opening])
        start = closing + 3
    return "".join([*kept, text[start:]]).strip("\n").rstrip() if kept else text
