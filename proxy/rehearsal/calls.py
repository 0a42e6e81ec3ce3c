"""Logged calls as the cache sees them. Their keys are those that they were logged with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cache.call import Call
from cache.identity import Fuzzy, Scope, fuzzy_part
from proxy.controls import apply_controls
from proxy.policy.policies import Policies, Traits, Unit
from proxy.rehearsal.log import Logged


@dataclass(frozen=True)
class LoggedCall(Call):
    """A call whose keys are known: what they were made of (headers, the upstream) is not logged."""

    logged_exact: str = ""
    logged_compat: str | None = None

    @cached_property
    def exact_key(self) -> str:
        """As logged."""
        return self.logged_exact

    @cached_property
    def fuzzy(self) -> Fuzzy | None:
        """As logged, where it was; else such that calls alike but for their last text agree."""
        fuzzy = fuzzy_part(self.body, self.scope)
        return fuzzy if fuzzy is None or self.logged_compat is None else Fuzzy(self.logged_compat, fuzzy.text)


class CompatKeys:
    """The compat_keys of calls that were logged without: exact hits and bypasses never needed one.

    A call takes the key of one with the same exact_key, else that of the latest with an equal body but for the last
    text, in the same place.
    """

    def __init__(self, calls: Sequence[Logged]) -> None:
        self._by_exact: dict[str, str] = {}
        self._by_shape: dict[str, str] = {}
        for call in calls:
            if call.compat_key is not None:
                self._by_exact[call.exact_key] = call.compat_key
                shape = _shape(call)
                if shape is not None:
                    self._by_shape[shape] = call.compat_key

    def of(self, call: Logged) -> str | None:
        """A call's compat_key; None where only what is known of its body can tell."""
        known = call.compat_key or self._by_exact.get(call.exact_key)
        if known is not None:
            return known
        shape = _shape(call)
        return None if shape is None else self._by_shape.get(shape)


def as_call(logged: Logged, policies: Policies, keys: CompatKeys) -> LoggedCall:
    """The call as these policies would meet it."""
    controls = logged.controls
    traits = Traits(
        model=str(logged.body["model"]),
        namespace=logged.namespace,
        client=logged.client or None,
        project=controls.project,
        tags=controls.tags,
    )
    chosen = policies.choose(traits, Unit(logged.session, logged.namespace, None))
    if controls.policy not in policies.named:
        # A policy that the caller named, and that is not there any more.
        controls = dataclasses.replace(controls, policy=None)
    policy, granted, _ = apply_controls(controls, policies.named, chosen.policy)
    return LoggedCall(
        logged.body,
        _scope(logged),
        policy,
        refresh=granted.no_cache,
        store=not granted.no_store,
        tags=granted.tags,
        auditable=not granted.only_if_cached,
        logged_exact=logged.exact_key,
        logged_compat=keys.of(logged),
    )


def _scope(logged: Logged) -> Scope:
    controls = logged.controls
    return Scope(logged.namespace, part=controls.part, project=controls.project, memory=logged.memory)


def _shape(logged: Logged) -> str | None:
    """Equal for calls of one place that are alike but for their last text, as far as the log tells."""
    fuzzy = fuzzy_part(logged.body, _scope(logged))
    return None if fuzzy is None else fuzzy.compat_key
