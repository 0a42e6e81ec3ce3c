"""What the analysing model is asked, and what of its reply counts. Pure.

The conversation is strangers' words, and so is the reply: nothing of it is used before a person has approved it, and
whatever it says beside the fields asked for is not read.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, get_args

from memory.memories.memory import clean
from memory.proposals.schemas import ENHANCEMENT, NEW_FLOW
from memory.quoting import quoted
from memory.replies import Doubled, ReplyError, found_in, text_of

ProposalType = Literal["new_flow", "enhancement"]
TYPES: Final[tuple[ProposalType, ...]] = get_args(ProposalType)

PROMPTS: Final[Mapping[ProposalType, str]] = {"new_flow": "new_flow.v1", "enhancement": "enhancement.v1"}
"""A changed prompt gets a new version: what it led to is told apart."""
REPAIR: Final = "repair.v1"
SCHEMAS: Final[Mapping[ProposalType, Mapping[str, Any]]] = {"new_flow": NEW_FLOW, "enhancement": ENHANCEMENT}

FIELDS: Final[Mapping[ProposalType, tuple[str, ...]]] = {
    "new_flow": ("title", "description", "match_keywords", "problem_domain", "tree_structure"),
    "enhancement": ("title", "diff_description", "new_nodes", "modified_options"),
}
"""What a proposal's content holds."""

MOST_CONTENT: Final = 200_000
"""Characters of a proposal's content as JSON; more is a bad reply."""
_MOST_SHOWN: Final = 30_000
"""Characters of a bad reply that the model is shown again."""

_TELLING: Final[Mapping[ProposalType, tuple[str, ...]]] = {
    "new_flow": ("tree_structure",),
    "enhancement": ("new_nodes", "modified_options"),
}
"""Fields by which a reply is known."""
_NAMES: Final = ("flow", "proposal", "enhancement")
"""Objects that models put around what was asked for."""
_IDS: Final = frozenset(("id", "type", "next_node_id", "node_id", "attach_after_node_id", "problem_domain"))


@dataclass(frozen=True, slots=True)
class Taught:
    """What a reply came to: content, or why there is none."""

    content: Mapping[str, Any] | None
    nothing: str = ""


def analyst_of(model: str, kind: ProposalType) -> str:
    """The name and version of what made a proposal."""
    return f"model/{model}/{PROMPTS[kind]}"


def messages(kind: ProposalType, data: Mapping[str, Any], mark: str) -> list[dict[str, str]]:
    """What the model is asked; ``mark`` is text that nobody can guess."""
    return quoted(_prompt(PROMPTS[kind]), data, mark)


def repair(asked: Sequence[Mapping[str, str]], reply: str, problems: Sequence[str], mark: str) -> list[dict[str, str]]:
    """What the model is asked after a reply that cannot be used."""
    ask, wrong = quoted(_prompt(REPAIR), {"problems": list(problems)}, mark)
    again = {"role": "user", "content": f"{ask['content']}\n{wrong['content']}"}
    return [*map(dict, asked), {"role": "assistant", "content": reply[:_MOST_SHOWN] or "(nothing)"}, again]


def read(kind: ProposalType, answer: Mapping[str, Any], redact: Callable[[str], str]) -> Taught:
    """What a chat completion teaches. Raises ``ReplyError``.

    Args:
        redact: takes secrets and personal data out of a text.
    """
    found = _object(kind, text_of(answer))
    telling = _TELLING[kind]
    if not any(found.get(name) is not None for name in telling):
        return Taught(None, clean(redact(str(found.get("nothing"))))[:500])
    content = worded({name: found[name] for name in FIELDS[kind] if name in found}, redact)
    if len(json.dumps(content)) > MOST_CONTENT:
        raise ReplyError("too long")
    return Taught(content)


def worded(value: Any, redact: Callable[[str], str], name: str = "") -> Any:
    """Content as it is kept: texts clean and redacted, ids as they are, what is null left out.

    Nothing that a person cannot see comes through, and no NUL, which some databases do not take.
    """
    if isinstance(value, str):
        return clean(value) if name in _IDS else clean(redact(clean(value)))
    if isinstance(value, Mapping):
        pairs = ((clean(str(key)), one) for key, one in value.items() if one is not None)
        return {key: worded(one, redact, key) for key, one in pairs}
    if isinstance(value, list):
        return [worded(one, redact, name) for one in value if one is not None]
    return value


def _object(kind: ProposalType, text: str) -> Mapping[str, Any]:
    try:
        for found in found_in(text, lambda one: _wanted(kind, one) is not None, number=str):
            wanted = _wanted(kind, found)
            if isinstance(wanted, Doubled):
                raise ReplyError(f"it names {', '.join(sorted(wanted.doubled)[:5])} twice")
            if wanted is not None:
                return wanted
    except RecursionError as error:
        raise ReplyError("it is nested too deeply") from error
    raise ReplyError(f"no JSON object with {' or '.join(_TELLING[kind])}")


def _wanted(kind: ProposalType, found: Any) -> Mapping[str, Any] | None:
    """The object that was asked for, if this is it or holds it."""
    if not isinstance(found, dict):
        return None
    if any(name in found for name in _TELLING[kind]) or isinstance(found.get("nothing"), str):
        return found
    inner = [found[name] for name in _NAMES if isinstance(found.get(name), dict)]
    return next((one for one in inner if any(name in one for name in _TELLING[kind])), None)


@functools.cache
def _prompt(name: str) -> str:
    return resources.files("memory").joinpath("proposals", "prompts", f"{name}.md").read_text("utf-8")
