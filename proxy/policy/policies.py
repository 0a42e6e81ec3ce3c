"""Configured policies, as the cache meets them, and which of them a call meets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cache.policy import Decay, Policy
from proxy.config import DEFAULT_POLICY, PRESETS, CacheSettings, PolicySettings
from proxy.config.inheritance import inherited
from proxy.policy.routing import Routes, Traits

__all__ = ["Chosen", "Policies", "Traits", "Trial", "Unit", "build_policies", "error_budgets"]

REMEMBERED = 4096
"""Choices kept by what the routes look at. Callers can name any client or project, so there is a limit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What may stay on one arm of an experiment."""

    session: str
    key: str | None = None
    """The caller's key by name, or its namespace where keys have none."""
    user: str | None = None
    """The body's ``user``."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The policy of one call, and why it is this one."""

    policy: Policy
    """Before request controls."""
    route: str | None
    """The route that matched; None: no route did, and the policy is ``default``."""
    experiment: str | None = None
    arm: str | None = None
    unit: str | None = None
    """Stands in the log for what stays on the arm."""


class Trial(Protocol):
    """Experiments: they may put another policy in the place of the chosen one."""

    def assign(self, chosen: Chosen, traits: Traits, unit: Unit) -> Chosen:
        """The same choice, or the policy of an arm."""
        ...


class Policies:
    """Every named policy, and which of them a call meets. Immutable: a reload builds another."""

    def __init__(self, named: Mapping[str, Policy], routes: Routes | None = None, trial: Trial | None = None) -> None:
        self.named = named
        self._routes = routes or Routes()
        self._trial = trial
        self._default = Chosen(named[DEFAULT_POLICY], None)
        self._remembered: dict[Hashable, Chosen] = {}

    def choose(self, traits: Traits, unit: Unit) -> Chosen:
        """The policy of the first route that matches, else ``default``; then what experiments make of it."""
        chosen = self._routed(traits) if self._routes.all else self._default
        return chosen if self._trial is None else self._trial.assign(chosen, traits, unit)

    def _routed(self, traits: Traits) -> Chosen:
        seen = self._routes.looked_at(traits)
        known = self._remembered.get(seen)
        if known is None:
            route = self._routes.first(traits)
            known = Chosen(self.named[route.policy], route.name) if route else self._default
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[seen] = known
        return known


def build_policies(cache: CacheSettings) -> Policies:
    """The configured policies and routes."""
    named = {name: _policy(name, given) for name, given in cache.policies.items()}
    return Policies(named, Routes(cache.routes))


def error_budgets(cache: CacheSettings) -> list[float]:
    """The error budgets that calls will meet, rising: not those of presets that nothing of the configuration names.

    A caller may still name such a preset, and then its budget is taken up with that call.
    """
    presets = {name: policy for name, policy in inherited({}).items() if name in PRESETS}
    named = {name for name, policy in cache.policies.items() if policy != presets.get(name)}
    named |= {route.policy for route in cache.routes}
    named |= {arm.policy for experiment in cache.experiments for arm in experiment.arms.values()}
    return sorted({cache.policies[name].max_error_rate for name in named})


def _policy(name: str, given: PolicySettings) -> Policy:
    return Policy(
        name=name,
        tiers=frozenset(given.tiers),
        max_error_rate=given.max_error_rate,
        similarity_threshold=given.similarity_threshold,
        audit_rate=given.audit_rate,
        shadow=given.shadow,
        deletion_gain=given.deletion_gain,
        verified=given.verified,
        min_quality=given.min_quality,
        ttl=given.ttl,
        max_age=given.max_age,
        serve_stale_for=given.serve_stale_for,
        negative_ttl=given.negative_ttl,
        max_entries=given.max_entries,
        max_bytes=given.max_bytes,
        guards_off=frozenset(name for name, on in given.guards.items() if not on),
        serve_streams=given.streams.serve,
        store_streams=given.streams.store,
        headers=None if given.headers is None else frozenset(given.headers),
        memory=given.memory,
        decay=Decay(given.decay.floor, given.decay.window, given.decay.shape),
        max_temperature=given.max_temperature,
        candidates=given.candidates,
        max_candidates=given.max_candidates,
        store_tool_calls=given.store_tool_calls,
        allow_loosening=given.allow_loosening,
        match_history=given.match_history,
        classes={name: frozenset(tiers) for name, tiers in given.classes.items()},
    )
