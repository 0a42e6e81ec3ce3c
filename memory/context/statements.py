"""A project's state as packs need it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from memory.context.terms import terms
from memory.context.wording import on_one_line
from memory.projects.state import Fact

MOST_CHARS: Final = 400
"""Characters of one fact, ``category/key: value``; a longer one is cut at a word."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact about the project."""

    id: str
    line: str
    place: int
    """Among the project's facts."""
    terms: frozenset[str]


def statements_of(facts: Iterable[Fact]) -> tuple[Statement, ...]:
    """Prepare a project's facts, in their order, for packs."""
    return tuple([_statement(at, fact) for at, fact in enumerate(facts)])


def by_need(statements: Sequence[Statement], prompt: frozenset[str]) -> list[Statement]:
    """The facts with the most words of a prompt first; where there is no room for all, these go in."""
    return sorted(statements, key=lambda one: (-len(one.terms & prompt), one.place))


def _statement(place: int, fact: Fact) -> Statement:
    said = f"{fact.category}/{fact.key}: {fact.value}"
    return Statement(fact.id, f"- {on_one_line(said, MOST_CHARS)}\n", place, terms(said))
