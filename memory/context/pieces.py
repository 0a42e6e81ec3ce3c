"""Pieces of documents as packs need them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from memory.context.ranking import Ranked
from memory.context.wording import on_one_line, quoted
from memory.sources.shelf import Chunk

HEAD_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a document, quoted under where it stands."""

    id: str
    digest: str
    line: str
    """Several lines: where it stands, then its words."""
    place: tuple[str, str, str]
    """Source, path and id."""


def pieces_of(ranked: Iterable[Ranked], least: float) -> list[Piece]:
    """The pieces that may go into a prompt, in their order: what stands in several places once.

    Args:
        least: cosine below which a piece is left out.
    """
    found: dict[str, Chunk] = {}
    for one in ranked:
        if one.cosine >= least:
            found.setdefault(one.chunk.digest, one.chunk)
    return [_piece(chunk) for chunk in found.values()]


def heading_of(chunk: Chunk) -> str:
    """Title and headings, the outermost first."""
    headings = [heading for heading in chunk.heading_path if heading]
    if chunk.title and chunk.title not in headings[:1]:
        headings.insert(0, chunk.title)
    return " > ".join(headings) or chunk.path


def _piece(chunk: Chunk) -> Piece:
    head = on_one_line(heading_of(chunk), HEAD_CHARS)
    return Piece(chunk.id, chunk.digest, f"{head}:\n{quoted(chunk.content)}", (chunk.source, chunk.path, chunk.id))
