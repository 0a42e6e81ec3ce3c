"""Proposes a policy: chosen on the first part of the log, and held against the rest, which it has not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cache.budget import learn_cut
from cache.judges import Judges
from cache.policy import Policy
from proxy.config import DEFAULT_POLICY, Settings
from proxy.labels.learning import LABEL_ERROR
from proxy.policy.policies import Policies, build_policies
from proxy.rehearsal.archive import Archive, open_archive, stored_before
from proxy.rehearsal.calls import CompatKeys
from proxy.rehearsal.curve import CUTS, KINDS, THRESHOLDS, Kind, Pick, Point, Samples, labels_needed, point, samples
from proxy.rehearsal.log import Log
from proxy.rehearsal.proposal import proposal
from proxy.rehearsal.replaying import Progress, rehearse
from proxy.rehearsal.run import Known, Replayed
from proxy.rehearsal.stage import RehearsedJudges
from store.database import Database
from store.labels import Label

FIRST: Final = 0.6
"""Share of the calls, in order of time, that values are chosen on."""
LARGER: Final = (0.02, 0.03, 0.05, 0.1, 0.2)
"""Budgets that are tried where the one asked for cannot be proven."""


@dataclass(frozen=True, slots=True)
class Halves:
    """Calls and labels before and after a moment."""

    first: int
    """So many calls come before it."""
    taught: Samples
    """Labels of the first part."""
    unseen: Samples
    every: Samples


class Tuning:
    """Replays one log under many cuts and thresholds.

    Args:
        policy: what they are put into.
    """

    def __init__(
        self, archive: Archive, policies: Policies, policy: Policy, known: Sequence[Known], progress: Progress
    ) -> None:
        self._archive = archive
        self._policies = policies
        self._policy = policy
        self._known = known
        self._progress = progress
        self._keys = CompatKeys(archive.log.calls)

    def replayed(self, kind: Kind | None, value: float, what: str) -> list[Replayed]:
        """All calls under this cut or threshold; None: with the cut in force."""
        policy, judges = self._policy, self._judges(value if kind == "score" else None)
        # What serves nothing yet would serve this.
        policy = dataclasses.replace(policy, shadow=False) if kind is not None else policy
        if kind == "similarity":
            policy = dataclasses.replace(policy, similarity_threshold=value)
        elif kind == "score":
            policy = dataclasses.replace(policy, similarity_threshold=None)
        policies = Policies({**self._policies.named, DEFAULT_POLICY: policy})
        calls = self._archive.log.calls
        return rehearse(
            self._archive,
            policies,
            calls,
            self._known,
            judges,
            lambda _, done, total: self._progress(what, done, total),
            self._keys,
        )

    def _judges(self, cut: float | None) -> Judges | None:
        return None if self._archive.judges is None else RehearsedJudges(self._archive.judges, cut)


def tune(
    settings: Settings,
    database: Database,
    log: Log,
    name: str,
    max_error: float,
    since: float | None,
    progress: Progress,
) -> dict[str, Any]:
    """The curve and a proposal for the named policy, as JSON.

    Args:
        since: labels before it are left aside, too; seconds since 1970.

    Raises:
        EmbedderError, DatabaseError.
    """
    policies = build_policies(settings.cache)
    policy = policies.named[name]
    archive = open_archive(settings, database, log, [max_error, policy.max_error_rate])
    known = stored_before(database, log.calls, archive.embedder.id, {name: policy}, policies.named)
    halves = _halved(archive, [label for label in archive.labels if since is None or label.at >= since])
    tuning = Tuning(archive, policies, policy, known, progress)
    now = tuning.replayed(None, 0.0, "the present policy")[halves.first :]
    picks = [pick for kind in KINDS if (pick := _picked(halves, kind, max_error)) is not None]
    in_force = _in_force(archive, policy, log)
    curve = _curve(tuning, halves, _values(in_force, picks), max_error) if len(halves.every) else []
    return {
        "policy": name,
        "max_error": max_error,
        "calls": len(log.calls),
        "left_out": log.left_out,
        "labels": {
            "all": len(halves.every),
            "first": len(halves.taught),
            "needed": labels_needed(max_error, LABEL_ERROR),
            "provable": _provable(halves, max_error),
        },
        "held_out": {"calls": len(now), "labels": len(halves.unseen)},
        "present": _present(now, in_force),
        "curve": [_told(one) for one in curve],
        **proposal(log.calls, policy, max_error, curve, picks),
    }


def _halved(archive: Archive, labels: Sequence[Label]) -> Halves:
    calls = archive.log.calls
    first = max(1, int(FIRST * len(calls))) if len(calls) > 1 else 0
    moment = calls[first].at if calls else 0.0
    if archive.verifier is None:
        labels = []
    parts = (
        [label for label in labels if label.at < moment],
        [label for label in labels if label.at >= moment],
        labels,
    )
    taught, unseen, every = (samples(part, archive.verifier) for part in parts)
    return Halves(first, taught, unseen, every)


def _picked(halves: Halves, kind: Kind, max_error: float) -> Pick | None:
    """The value that the first part's labels prove; else the one that all labels do."""
    for sample, held_out in ((halves.taught.of(kind), True), (halves.every.of(kind), False)):
        cut = learn_cut(sample, max_error, error=LABEL_ERROR)
        if cut is not None:
            return Pick(kind, cut.value, held_out)
    return None


def _in_force(archive: Archive, policy: Policy, log: Log) -> tuple[Kind, float] | None:
    """What the policy serves by now; None where that is nothing."""
    if policy.similarity_threshold is not None:
        return "similarity", policy.similarity_threshold
    if archive.judges is None:
        return None
    cut = archive.judges.of(log.calls[-1].namespace, policy).cut
    return None if cut is None else ("score", cut)


def _values(in_force: tuple[Kind, float] | None, picks: Sequence[Pick]) -> list[tuple[Kind, float]]:
    """Cuts and thresholds that are tried: the usual ones, those picked, and what is in force."""
    tried: set[tuple[Kind, float]] = {("score", cut) for cut in CUTS} | {("similarity", one) for one in THRESHOLDS}
    tried |= {(pick.kind, pick.value) for pick in picks}
    return sorted(tried if in_force is None else tried | {in_force})


def _curve(tuning: Tuning, halves: Halves, values: Sequence[tuple[Kind, float]], max_error: float) -> list[Point]:
    points = []
    for number, (kind, value) in enumerate(values, 1):
        replayed = tuning.replayed(kind, value, f"{kind} {value:.3f} ({number} of {len(values)})")
        points.append(point(kind, value, replayed[halves.first :], halves.unseen, max_error, LABEL_ERROR))
    return points


def _provable(halves: Halves, max_error: float) -> float | None:
    """The least of some larger budgets that all labels would prove; None where they prove none of these."""
    for budget in LARGER:
        if budget > max_error and learn_cut(halves.every.score, budget, error=LABEL_ERROR) is not None:
            return budget
    return None


def _present(now: Sequence[Replayed], in_force: tuple[Kind, float] | None) -> dict[str, Any]:
    hits = [one.hit for one in now if one.hit is not None]
    kind, value = in_force or (None, None)
    return {
        "kind": kind,
        "value": None if value is None else round(value, 6),
        "hits": len(hits),
        "hit_rate": round(len(hits) / max(1, len(now)), 4),
        "by_meaning": sum(hit.tier == "semantic" for hit in hits),
    }


def _told(one: Point) -> dict[str, Any]:
    rate, low, high = one.rates()
    return {
        **dataclasses.asdict(one),
        "value": round(one.value, 6),
        "error": None if one.error is None else round(one.error, 5),
        "at_most": None if one.at_most is None else round(one.at_most, 5),
        "hit_rate": round(rate, 4),
        "hit_rate_low": round(low, 4),
        "hit_rate_high": round(high, 4),
    }
