"""Experiments as their operator sees them: how they stand, what each arm came to, and stopping them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
import yaml

from memory.statistics.trials import Trials as Log
from memory.statistics.trials import Unit
from proxy.config import ExperimentSettings
from proxy.config.units import format_moment
from proxy.errors import InvalidRequest, NotFound
from proxy.experiments.arms import compare, figures_of, latency_of
from proxy.live.running import Live, stamp_of
from store.database import Database
from store.experiments import Known, KnownExperiments

Row = dict[str, Any]

_log = structlog.get_logger(__name__)


class Trials:
    """Every experiment that is configured, or has calls in the log. Blocks for SQL.

    Args:
        live: what runs; it takes note of what is stopped here.
        known: remembers what was stopped.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, live: Live, known: KnownExperiments, clock: Callable[[], float] = time.time
    ) -> None:
        self._log = Log(database)
        self._live = live
        self._known = known
        self._clock = clock

    def begin(self, experiments: Iterable[ExperimentSettings]) -> None:
        """Note that these run from now on, where they did not before. Raises ``DatabaseError``."""
        self._known.begin([given.name for given in experiments], self._clock())

    def list(self) -> list[Row]:
        """How each one stands, the configured ones first. Raises ``DatabaseError``."""
        calls, known = self._log.calls(), self._known.all()
        names = dict.fromkeys((*self._configured, *known, *calls))
        return [{**self._standing(name, known.get(name)), "calls": calls.get(name, 0)} for name in names]

    def show(self, name: str) -> Row:
        """How one stands, and what each arm came to. Raises ``NotFound``, ``DatabaseError``."""
        known = self._known.all()
        units = self._log.units(name)
        if name not in self._configured and name not in known and not units:
            raise self._unknown(name, (*self._configured, *known))
        standing = self._standing(name, known.get(name))
        by_arm: dict[str, list[Unit]] = {arm: [] for arm in standing["arms"]}
        for unit in units:
            by_arm.setdefault(unit.arm, []).append(unit)
        verdicts = self._log.verdicts(name)
        results = {
            arm: {
                **figures_of(taking_part, [one for one in verdicts if one.arm == arm]),
                "latency_ms": self._latency(name, arm),
            }
            for arm, taking_part in by_arm.items()
        }
        return {
            **standing,
            "calls": sum(unit.calls for unit in units),
            "results": results,
            "comparisons": compare(by_arm) if units else [],
        }

    def stop(self, name: str, keep: str) -> Row:
        """From now on all matching calls get the kept arm's policy, after a restart too.

        Raises:
            NotFound: no experiment of that name is configured.
            InvalidRequest: it has no such arm.
            DatabaseError: it cannot be noted; the experiment then goes on.
        """
        given = self._configured.get(name)
        if given is None:
            raise self._unknown(name, self._configured)
        if keep not in given.arms:
            raise InvalidRequest(
                f"The experiment {name!r} has no arm {keep!r}, but {', '.join(given.arms)}.", param="keep"
            )
        self._known.begin([name], self._clock())
        self._known.stop(name, keep, self._clock())
        self._live.refresh()
        _log.info("experiment stopped", experiment=name, kept=keep, policy=given.arms[keep].policy)
        return self._standing(name, self._known.all()[name])

    @property
    def _configured(self) -> dict[str, ExperimentSettings]:
        return {given.name: given for given in self._live.now.settings.cache.experiments}

    def _standing(self, name: str, known: Known | None) -> Row:
        given = self._configured.get(name)
        arms = {arm: {"policy": one.policy, "weight": one.weight} for arm, one in given.arms.items()} if given else {}
        return {
            "name": name,
            "state": _state(given, known, self._clock()),
            "sticky": given.sticky if given else None,
            "arms": arms,
            "since": given and given.since and format_moment(given.since),
            "until": given and given.until and format_moment(given.until),
            "started_at": known and stamp_of(known.started_at),
            "stopped_at": known and known.stopped_at and stamp_of(known.stopped_at),
            "kept": known and known.kept,
            "yaml": _route(given, known.kept) if given and known and known.kept in given.arms else None,
        }

    def _latency(self, name: str, arm: str) -> Row:
        return latency_of(self._log.timed(name, arm), lambda ranks: self._log.latencies(name, arm, ranks))

    def _unknown(self, name: str, names: Iterable[str]) -> NotFound:
        there = ", ".join(dict.fromkeys(names))
        hint = f"there are {there}" if there else "none is configured in cache.experiments"
        return NotFound(f"No experiment {name!r}: {hint}.", param="name")


def _state(given: ExperimentSettings | None, known: Known | None, now: float) -> str:
    """stopped: one arm is kept; scheduled, running or over: by its times; removed: it is not configured any more."""
    if given is None:
        return "removed"
    if known is not None and known.kept is not None:
        return "stopped"
    if given.since is not None and now < given.since:
        return "scheduled"
    return "over" if given.until is not None and now >= given.until else "running"


def _route(given: ExperimentSettings, kept: str) -> str:
    """The route that does what the stopped experiment does, in YAML: for the top of ``cache.routes``, in its place."""
    match = given.match.model_dump(exclude_defaults=True)
    route = {**({"match": match} if match else {}), "policy": given.arms[kept].policy}
    return f"- {yaml.safe_dump(route, default_flow_style=True, sort_keys=False, width=1000).strip()}"
