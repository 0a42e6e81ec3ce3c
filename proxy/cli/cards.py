"""A card of the review queue, drawn for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.text import Text

WIDE: Final = 120
"""Columns where the output is no terminal."""

Card = Mapping[str, Any]


def print_card(card: Card, place: str) -> None:
    """Show a card: its text, why it is here, the words it comes from, and what is known that is like it."""
    from rich.console import Console
    from rich.rule import Rule
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)
    console.print(Rule(Text(f"{place}: {card['kind']}"), align="left", characters="-"))
    console.print(Text(card["content"], style="bold"))
    console.print(_facts(card), style="dim")
    console.print(card["why"])
    if card["proposal"]:
        console.print(_proposed(card["proposal"]))
    if card["span"]:
        console.print(_origin(card))
        console.print(_quoted(card["span"]))
    if card["nearest"]:
        console.print(_beside(card))
        console.print(Text("  ").append_text(diffed(card["nearest"]["diff"])))


def diffed(steps: Sequence[Sequence[str]]) -> Text:
    """What differs, marked as ``[-gone-]`` and ``{+new+}`` so that it shows without colours too."""
    from rich.text import Text

    marked = {"equal": ("{}", ""), "delete": ("[-{}-]", "red"), "insert": ("{{+{}+}}", "green")}
    found = Text()
    for number, (step, words) in enumerate(steps):
        form, style = marked[step]
        found.append(" " if number else "").append(form.format(words), style=style)
    return found


def _proposed(proposal: Mapping[str, Any]) -> Text:
    """A proposal's description, what is wrong with it, and the lines of its flow, marked as they are new or gone."""
    from rich.text import Text

    shown = Text(proposal["description"])
    for problem in proposal["problems"]:
        shown.append(f"\nIt cannot be published as it is: {problem}", style="red")
    marked = {"equal": (" ", ""), "delete": ("-", "red"), "insert": ("+", "green")}
    for step, line in proposal["diff"]:
        mark, style = marked[step]
        shown.append(f"\n  {mark} {line}", style=style)
    return shown


def _facts(card: Card) -> str:
    proposal = card["proposal"]
    what = "session" if proposal else "time"
    facts = [
        (proposal["problem_domain"] or "no domain") if proposal else card["memory_type"],
        card["project"] or "every project",
        f"namespace {card['namespace']}",
        f"confidence {card['confidence']:.2f}",
        f"{'taught by' if proposal else 'said'} {card['supports']} {what}{'' if card['supports'] == 1 else 's'}",
        f"since {card['created_at']}",
        card["id"],
    ]
    if card["tags"]:
        facts.append("tags " + ", ".join(card["tags"]))
    if card["valid_until"]:
        facts.append(f"until {card['valid_until']}")
    return " | ".join(facts)


def _origin(card: Card) -> str:
    span = card["span"]
    who = f"{span['role']} in " if span["role"] else ""
    found = f"found by {card['rule']} ({card['extractor']})"
    return f"From {who}{span['interaction_id']}, characters {span['start']} to {span['end']}, {found}:"


def _quoted(span: Mapping[str, Any]) -> Text:
    from rich.text import Text

    quoted = Text("  ")
    quoted.append(f"...{span['before']} " if span["before"] else "", style="dim")
    quoted.append(f"«{span['text']}»", style="yellow")
    return quoted.append(f" {span['after']}..." if span["after"] else "", style="dim")


def _beside(card: Card) -> str:
    near = card["nearest"]
    what = "The other" if card["score"] is not None else "Nearest active"
    where = near["project"] or "every project"
    return f"{what}: {near['id']} ({near['memory_type']}, {where}, alike {near['similarity']:.2f}):"
