"""At which node of a flow a step stands: the one whose options, or whose words, the answer has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory.sessions.picks import pick
from memory.sessions.session import Option
from memory.sessions.wording import words

HALF: Final = 0.5
"""Share of a node's options that an answer must offer to stand at it."""
WORDS: Final = 0.6
"""Share of a node's telling words that an answer must hold to stand at it."""
LEAST_WORDS: Final = 3
_TELLING_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a flow, as steps are held against it."""

    id: str
    text: str
    """Its question, or its title and description."""
    labels: tuple[str, ...] = ()
    """Of a decision's options."""


def node_of(nodes: Sequence[Node], options: Sequence[Option], said: str) -> Node | None:
    """The node that an answer stands at; of equals the first in the flow. None where it stands at none."""
    scored = [(_score(node, options, said), -at, node) for at, node in enumerate(nodes)]
    best = max(scored, key=lambda one: one[:2], default=None)
    return best[2] if best is not None and best[0] > 0 else None


def stays(node: Node, label: str) -> bool:
    """Is a pick one of the node's options?"""
    return pick(_as_options(node), label) is not None


def _score(node: Node, options: Sequence[Option], said: str) -> float:
    if node.labels and options:
        known = _as_options(node)
        shared = {found.label for option in options if (found := pick(known, option.label)) is not None}
        share = len(shared) / len(node.labels)
        # Options weigh more than words: "Yes" and "No" alone stand at many nodes, so the words decide between those.
        return 1 + share + _held(node.text, said) if share >= HALF else 0.0
    held = _held(node.text, said)
    return held if held >= WORDS else 0.0


def _held(text: str, said: str) -> float:
    wanted = {word for word in words(text) if len(word) >= _TELLING_CHARS}
    if len(wanted) < LEAST_WORDS:
        return 0.0
    return len(wanted & set(words(said))) / len(wanted)


def _as_options(node: Node) -> tuple[Option, ...]:
    return tuple(Option(str(place), label) for place, label in enumerate(node.labels, 1))
