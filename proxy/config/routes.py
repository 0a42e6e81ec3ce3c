"""`cache.routes`: which policy a call meets, by what is known of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from proxy.config.section import Name, Section, Text

TRAITS: Final = ("model", "namespace", "key", "client", "project", "path")
"""What of a call is one text; headers and tags are several."""
ALWAYS: Final = frozenset({"model", "namespace", "path"})
"""Traits that no call lacks."""
PATHS: Final = ("/v1/chat/completions",)
"""Where the calls come in that routes are for."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[list[Text], BeforeValidator(_as_list, json_schema_input_type=Text | list[Text])]
"""A shell glob (`*`, `?`, `[abc]`), upper and lower case apart, or a list of them of which one must match."""


class MatchSettings(Section):
    """What a call must be to take a route: every condition must hold. A condition on what a call lacks never holds."""

    model: Patterns = Field(default=[], description="The model, as the caller writes it.")
    namespace: Patterns = Field(default=[], description="Whose answers the caller reads and writes.")
    key: Patterns = Field(default=[], description="The `name` of the caller's key in `auth.keys`.")
    client: Patterns = Field(
        default=[], description="The program that calls: `x-reprise-client`, else the key's name, else its user agent."
    )
    project: Patterns = Field(default=[], description="The project the caller names with `x-reprise-project`.")
    path: Patterns = Field(default=[], description="The path called, with `/v1`: `/v1/chat/completions`.")
    header: dict[Text, Patterns] = Field(default={}, description="Headers of the call, by name, and their values.")
    tag: Patterns = Field(default=[], description="One of the tags in `x-reprise-tags`.")

    def traits(self) -> dict[str, list[str]]:
        """The conditions on traits that are one text."""
        return {name: patterns for name in TRAITS if (patterns := getattr(self, name))}

    def covers(self, other: MatchSettings) -> bool:
        """Is it certain that whatever matches the other matches this too? Where that is open, False."""
        theirs = other.traits()
        return (
            all(
                (name in ALWAYS and "*" in patterns) or _include(patterns, theirs.get(name, ()))
                for name, patterns in self.traits().items()
            )
            and (not self.tag or _include(self.tag, other.tag))
            and all(_include(patterns, other.header_of(name)) for name, patterns in self.header.items())
        )

    def header_of(self, name: str) -> list[str]:
        """The patterns for a header, however its name is written; none where it does not matter."""
        return next((patterns for own, patterns in self.header.items() if own.lower() == name.lower()), [])


class RouteSettings(Section):
    """Calls that match meet this policy. Of all routes the first that matches counts; where none does, `default`."""

    match: MatchSettings = Field(
        default_factory=MatchSettings, description="What a call must be; left empty: any call, so only for the last."
    )
    policy: Name = Field(description="The policy that such a call meets: one of `cache.policies`, or a preset.")
    name: Name | None = Field(
        default=None, description="What the route is called where it is shown; left out: `route-` and its place."
    )


def _include(patterns: Sequence[str], others: Sequence[str]) -> bool:
    """Does each of the others (one at least) lie within one of the patterns, for certain?"""
    return bool(others) and all(any(_includes(pattern, other) for pattern in patterns) for other in others)


def _includes(pattern: str, other: str) -> bool:
    if pattern == other or not pattern.strip("*"):
        return True
    # A glob matched as if it were text: its stars lie within the pattern's stars, unless brackets are about.
    plain = not any(special in other for special in "*?[")
    only_stars = "[" not in other and not any(special in pattern for special in "?[")
    return (plain or only_stars) and fnmatch.fnmatchcase(other, pattern)
