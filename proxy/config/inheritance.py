"""What a policy takes from its parents, and the presets that every line of parents ends with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from proxy.config.rules import DecaySettings, PolicySettings
from proxy.config.section import Section, refusal, suggestion

DEFAULT_POLICY: Final = "default"
"""The policy of calls that no route matches. Where the file has no block of the name, it is an empty one."""

BASE: Final = "balanced"
"""The parent of a policy that names none."""

PRESETS: Final[Mapping[str, PolicySettings]] = MappingProxyType(
    {
        # A new answer's quality is just 0.90: were it to decay, nothing would ever be served.
        "conservative": PolicySettings(
            max_error_rate=0.005, min_quality=0.90, ttl=12 * 3600.0, decay=DecaySettings(shape="step")
        ),
        "balanced": PolicySettings(max_error_rate=0.01, min_quality=0.70, ttl=24 * 3600.0),
        # With the default window a new answer's quality x decay would fall below 0.70 after a day and a half.
        "aggressive": PolicySettings(
            max_error_rate=0.03, min_quality=0.70, ttl=168 * 3600.0, decay=DecaySettings(window=32 * 24 * 3600.0)
        ),
    }
)
"""What each preset says; all else is the default."""

ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "conservative": "at most 1 wrong answer in 200 served by meaning; only answers that nothing speaks against "
        "(quality 0.90), for half a day. By meaning a high cut serves at first; after 1,000 labels above it they must "
        "prove 0.5 %, or only the exact tier serves until they do",
        "balanced": "at most 1 wrong answer in 100 served by meaning, quality 0.70, a day; what a policy begins with",
        "aggressive": "at most 3 wrong answers in 100 served by meaning, quality 0.70, a week",
    }
)
"""What to expect of each preset."""


@dataclass(frozen=True, slots=True)
class Link:
    """One of a line of parents: a policy of the file, or a preset as it comes."""

    name: str
    preset: bool = False


class Broken(Exception):
    """The parent that policy `name` gives leads nowhere, or back to it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def lineage(name: str, parents: Mapping[str, str | None]) -> list[Link]:
    """A policy and its parents, nearest first, a preset last.

    Args:
        parents: what each policy of the file extends; None: it does not say.

    Raises:
        Broken: a parent is missing, or its own child.
    """
    line: list[Link] = []
    child = name
    while name in parents or name == DEFAULT_POLICY:
        if Link(name) in line:
            members = [link.name for link in line[line.index(Link(name)) :]]
            first = members.index(min(members))
            circle = [*members[first:], *members[:first]]
            raise Broken(circle[0], f"is a circle: {' -> '.join([*circle, circle[0]])}")
        line.append(Link(name))
        parent = parents.get(name)
        if name in PRESETS and parent in (None, name):
            return [*line, Link(name, preset=True)]
        child, name = name, parent or BASE
    if name not in PRESETS:
        known = sorted({*parents, *PRESETS, DEFAULT_POLICY} - {child})
        raise Broken(child, f"names no policy; there are {', '.join(known)}{suggestion(name, known)}")
    return [*line, Link(name, preset=True)]


def faults(parents: Mapping[str, str | None]) -> Iterator[Broken]:
    """Everything that is wrong with the parents, each thing once."""
    told = set()
    for name in parents:
        try:
            lineage(name, parents)
        except Broken as broken:
            if broken.name not in told:
                told.add(broken.name)
                yield broken


def inherited(blocks: Mapping[str, PolicySettings]) -> dict[str, PolicySettings]:
    """Every policy complete: `default`, those of the file, and the presets that the file does not redefine.

    What a policy itself names stays known as its `model_fields_set`.

    Raises:
        PydanticCustomError: a parent is missing or its own child, or a policy does not fit together.
    """
    parents = {name: block.extends for name, block in blocks.items()}
    for broken in faults(parents):
        raise refusal(broken.message, at=(broken.name, "extends"))
    complete = {}
    for name in dict.fromkeys((DEFAULT_POLICY, *blocks, *PRESETS)):
        policy = PolicySettings()
        for link in reversed(lineage(name, parents)):
            policy = _merged(policy, PRESETS[link.name] if link.preset else blocks.get(link.name, PolicySettings()))
        if policy.candidates > policy.max_candidates:
            raise refusal("must not be below candidates", at=(name, "max_candidates"))
        complete[name] = policy
    return complete


def _merged(parent: PolicySettings, child: PolicySettings) -> PolicySettings:
    """The parent with what the child names, key by key within sections and mappings."""
    values = dict(parent)
    for name in child.model_fields_set:
        values[name] = _over(values[name], getattr(child, name))
    if "similarity_threshold" not in child.model_fields_set and "max_error_rate" in child.model_fields_set:
        values["similarity_threshold"] = None
    values["extends"] = child.extends
    return PolicySettings.model_construct(child.model_fields_set, **values)


def _over(parent: Any, child: Any) -> Any:
    if isinstance(parent, Section) and isinstance(child, Section):
        named = {name: getattr(child, name) for name in child.model_fields_set}
        return type(child).model_construct(child.model_fields_set, **{**dict(parent), **named})
    return {**parent, **child} if isinstance(parent, dict) and isinstance(child, dict) else child
