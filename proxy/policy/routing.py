"""Which policy a call meets: the first route whose conditions its traits fulfil."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.config import RouteSettings

Matches = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a route may match on. Text that is None or empty is absent: no pattern matches it, not even ``*``."""

    model: str
    namespace: str
    key: str | None = None
    """The name of the caller's key."""
    client: str | None = None
    project: str = ""
    path: str = "/v1/chat/completions"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names."""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """What the project goes by besides: a route that names one of them means the project."""

    def project_names(self) -> tuple[str, ...]:
        """All that the project goes by."""
        return (self.project, *self.aliases)


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled route."""

    name: str
    """As configured, else ``route-`` and its place, counted from 1."""
    policy: str
    tests: tuple[tuple[str, Matches], ...]
    """Trait and what it must match."""
    headers: tuple[tuple[str, Matches], ...]
    tag: Matches | None

    def admits(self, traits: Traits) -> bool:
        """Does the call fulfil every condition?"""
        return self.unmet(traits) is None

    def unmet(self, traits: Traits) -> str | None:
        """The first condition that the call does not fulfil: ``model``, ``header x-job``, ``tag``; None: it has all."""
        for trait, matches in self.tests:
            value = getattr(traits, trait)
            if not value or not (any(map(matches, traits.project_names())) if trait == "project" else matches(value)):
                return trait
        for name, matches in self.headers:
            value = traits.headers.get(name)
            if not value or not matches(value):
                return f"header {name}"
        return None if self.tag is None or any(map(self.tag, traits.tags)) else "tag"


class Routes:
    """The configured routes, in their order."""

    def __init__(self, routes: Sequence[RouteSettings] = ()) -> None:
        self.all = tuple(_compiled(route, place) for place, route in enumerate(routes, 1))
        self._traits = tuple(dict.fromkeys(trait for route in self.all for trait, _ in route.tests))
        self._headers = tuple(dict.fromkeys(name for route in self.all for name, _ in route.headers))
        self._tags = any(route.tag for route in self.all)

    def first(self, traits: Traits) -> Route | None:
        """The first route that admits the call; None where none does."""
        return next((route for route in self.all if route.admits(traits)), None)

    def looked_at(self, traits: Traits) -> Hashable:
        """What of a call the routes look at: calls that agree in it take the same route."""
        values = [traits.project_names() if trait == "project" else getattr(traits, trait) for trait in self._traits]
        values += [traits.headers.get(name) for name in self._headers]
        return (*values, traits.tags) if self._tags else tuple(values)


def _compiled(route: RouteSettings, place: int) -> Route:
    match = route.match
    headers = {name.lower(): patterns for name, patterns in match.header.items()}
    return Route(
        name=route.name or f"route-{place}",
        policy=route.policy,
        tests=tuple((trait, _matcher(patterns)) for trait, patterns in match.traits().items()),
        headers=tuple((name, _matcher(patterns)) for name, patterns in headers.items()),
        tag=_matcher(match.tag) if match.tag else None,
    )


def _matcher(patterns: Sequence[str]) -> Matches:
    """Whole text against any of some shell globs, case and all."""
    return re.compile("|".join(map(fnmatch.translate, patterns))).match
