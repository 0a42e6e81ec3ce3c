"""Experiments at work: which arm a call's unit is on. Pure, so that every process and every start draws the same."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cache.policy import Policy
from proxy.config import ExperimentSettings, RouteSettings
from proxy.policy.policies import Chosen, Unit
from proxy.policy.routing import Route, Routes, Traits


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as calls meet it."""

    settings: ExperimentSettings
    route: Route
    """What its calls must be."""
    kept: str | None
    """The arm that all of them get since it was stopped; None while it runs."""

    def admits(self, traits: Traits, now: float) -> bool:
        """Does it decide about such a call at this time (seconds since 1970)? Once stopped, it does for ever."""
        since, until = self.settings.since, self.settings.until
        begun = since is None or since <= now
        return begun and (self.kept is not None or until is None or now < until) and self.route.admits(traits)

    def draw(self, traits: Traits, unit: Unit) -> tuple[str, str] | None:
        """The unit's arm, and what stands for the unit in the log; None for a call without that unit."""
        value = getattr(unit, self.settings.sticky)
        if not value:
            return None
        # Units of two namespaces may bear one name. Keyed by the experiment: it draws without regard to all others.
        named = f"{traits.namespace}\0{value}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(named, key=self.settings.name.encode(), digest_size=16).digest()
        return _arm_at(self.settings, int.from_bytes(digest[:8]) / 2**64), digest[8:].hex()


class Experiments:
    """All experiments, in their order: the ``Trial`` of the policies. Immutable.

    Args:
        experiments: as configured.
        named: every policy.
        kept: arms kept of experiments that were stopped. Where one is no longer configured, calls stay as they are.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        experiments: Sequence[ExperimentSettings],
        named: Mapping[str, Policy],
        kept: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        # An experiment's conditions are a route's, so they are compiled as one.
        routes = Routes([RouteSettings(match=one.match, policy=one.name, name=one.name) for one in experiments])
        self.all = tuple(
            Experiment(one, route, kept.get(one.name)) for one, route in zip(experiments, routes.all, strict=True)
        )
        self._named = named
        self._clock = clock

    def assign(self, chosen: Chosen, traits: Traits, unit: Unit) -> Chosen:
        """The policy of the unit's arm in the first experiment that admits the call; else the choice as it was."""
        now = self._clock()
        experiment = next((one for one in self.all if one.admits(traits, now)), None)
        if experiment is None:
            return chosen
        settings = experiment.settings
        if experiment.kept is not None:
            left = settings.arms.get(experiment.kept)
            return replace(chosen, policy=self._named[left.policy]) if left else chosen
        drawn = experiment.draw(traits, unit)
        if drawn is None:
            return chosen
        arm, digest = drawn
        policy = self._named[settings.arms[arm].policy]
        return replace(chosen, policy=policy, experiment=settings.name, arm=arm, unit=digest)


def _arm_at(settings: ExperimentSettings, point: float) -> str:
    """The arm whose stretch of [0, 1) holds the point. Changed weights move as few units as they can."""
    ends = list(itertools.accumulate(arm.weight for arm in settings.arms.values()))
    # Weights that add up to 99.9999 leave no point without an arm.
    at = min(bisect.bisect_right(ends, point * ends[-1]), len(ends) - 1)
    return list(settings.arms)[at]
