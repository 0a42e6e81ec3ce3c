"""Statistics that cross the parts: the log, what audits found, and the cuts in force.

Everything here is read from SQL, with a server or without one; only the cuts come from whoever has learned them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cache.calibration import Calibrations
from cache.policy import Policy
from memory.statistics.audits import checked
from memory.statistics.calls import Calls
from memory.statistics.failures import failures
from memory.statistics.figures import Figures
from memory.statistics.flows import FlowFigures
from memory.statistics.nearby import Near, nearest_misses, pairs
from memory.statistics.prompts import Prompts, shortened
from memory.statistics.repeats import DIMENSIONS, Repeats
from memory.statistics.summary import Statistics
from memory.statistics.trend import Bucket, bucket_of, trend
from proxy.insights.advice import Facts, advise
from proxy.insights.estimates import beside_rates, with_errors
from proxy.insights.nearmisses import DISTANCES, Missed, line_of, missed, steps
from proxy.insights.worth import worth_of
from store.database import Database
from store.jobs import Jobs

SAMPLE = 10
"""Rows listed where nobody says how many."""
MOST_ROWS = 200

Row = dict[str, Any]


class Insights:
    """Every method raises ``DatabaseError`` when the log cannot be read.

    Args:
        database: the log, labels and entries.
        policies: those in force, by name.
        calibrations: the cuts that were learned; None where there is no verifier.
        verifier: its id.
        statistics: reads the summary.
    """

    def __init__(
        self,
        database: Database,
        policies: Mapping[str, Policy],
        calibrations: Calibrations | None,
        verifier: str | None,
        statistics: Statistics | None = None,
    ) -> None:
        self._database = database
        self._policies = policies
        self._calibrations = calibrations
        self._verifier = verifier
        self._statistics = statistics or Statistics(database)
        self._prompts = Prompts(database)
        self._repeats = Repeats(database)

    def summary(self, calls: Calls) -> Row:
        """The summary, with the estimated error beside every semantic hit rate, and its budget beside each policy."""
        summary = beside_rates(self._statistics.summary(calls), checked(self._database, calls))
        by_policy = [{**row, "max_error_rate": self._budget(row["policy"])} for row in summary["by"]["policy"]]
        return {**summary, "by": {**summary["by"], "policy": by_policy}}

    def memory(self, calls: Calls, holdout: float) -> Row:
        """What is kept and waits for review as it stands, and what moved in the window; the queue is everybody's.

        Args:
            holdout: share of sessions that get nothing now, in [0, 1].
        """
        figures = Figures(self._database).of(calls.namespace, calls.since)
        return {**figures, **worth_of(self._database, calls, holdout), "jobs": Jobs(self._database).counts()}

    def flows(self, calls: Calls, calls_per_day: int) -> Row:
        """Sessions of the window, what they taught, and what waits, of a namespace.

        Args:
            calls_per_day: what a namespace may ask of the analysing model.
        """
        return FlowFigures(self._database).of(calls.namespace, calls.since, calls_per_day)

    def prompts(self, calls: Calls, limit: int = SAMPLE) -> Row:
        """What saved most; what was paid for again, by prompt and by reason."""
        return {
            **_of(calls),
            "saved": self._prompts.saved(calls, limit),
            "repeated": self._prompts.repeated(calls, limit),
            "nearly_repeated": self._prompts.nearly_repeated(calls, limit),
            "reasons": self._prompts.reasons(calls),
        }

    def tools(self, calls: Calls, limit: int = SAMPLE) -> Row:
        """Tools called most, and by model, project, client and policy the share of repeats."""
        return {
            **_of(calls),
            "tools": self._repeats.tools(calls, limit),
            "asked_for": self._repeats.asked_for(calls, limit),
            "by": {name: self._repeats.potential(calls, name, limit) for name in DIMENSIONS},
        }

    def errors(self, calls: Calls, limit: int = SAMPLE) -> Row:
        """Failures grouped by pattern."""
        return {**_of(calls), **failures(self._database, calls, limit)}

    def trend(self, calls: Calls, bucket: Bucket) -> Row:
        """Figures by hour or day. Raises ``TooManyBuckets`` too."""
        buckets = trend(self._database, calls, bucket)
        found = checked(self._database, calls)
        return {
            **_of(calls),
            "bucket": bucket,
            "buckets": with_errors(buckets, found, lambda hour: bucket_of(hour, bucket)),
        }

    def near_misses(self, calls: Calls, limit: int = SAMPLE) -> Row:
        """Misses just below the cut in force, and what lowering it would have done, by namespace and policy."""
        lines, nearest = self._lines(calls)
        nearest.sort(key=lambda item: (item[1].distance, item[1].near.id))
        return {**_of(calls), "lines": lines, "nearest": self._shown(nearest[:limit])}

    def advice(self, calls: Calls, summary: Row, semantic: Row) -> list[str]:
        """What to do next, at most five lines.

        Args:
            summary: of the same calls.
            semantic: what serving by meaning stands on, by namespace.
        """
        lines, _ = self._lines(calls)
        facts = Facts(
            summary=summary,
            semantic=semantic,
            reasons=self._prompts.reasons(calls),
            rekeyed=self._prompts.rekeyed(calls),
            lines=lines,
            errors=failures(self._database, calls, 3),
            policies=self._policies,
        )
        return advise(facts)

    def _budget(self, name: str) -> float | None:
        """None: a fixed threshold knows no budget, and neither does a policy that is gone."""
        policy = self._policies.get(name)
        return None if policy is None or policy.similarity_threshold is not None else policy.max_error_rate

    def _lines(self, calls: Calls) -> tuple[list[Row], list[tuple[Row, Missed]]]:
        grouped: dict[tuple[str, str], list[Near]] = {}
        for near in nearest_misses(self._database, calls):
            grouped.setdefault((near.namespace, near.policy), []).append(near)
        rows, nearest = [], []
        for (namespace, name), nears in sorted(grouped.items()):
            policy = self._policies.get(name)
            admission = None
            if policy is not None and self._calibrations is not None:
                admission = self._calibrations.of(namespace, policy.max_error_rate)
            line = line_of(namespace, name, policy, admission)
            comparable = [near for near in nears if line.scale == "similarity" or near.verifier == self._verifier]
            found = missed(comparable, line)
            row = {
                "namespace": namespace,
                "policy": name,
                "scale": line.scale,
                "cut": line.cut,
                "source": line.source,
                "note": line.note,
                "judged": len(comparable),
                "steps": steps(found, line),
            }
            rows.append(row)
            nearest += [(row, one) for one in found if one.distance < DISTANCES[-1]]
        return rows, nearest

    def _shown(self, nearest: list[tuple[Row, Missed]]) -> list[Row]:
        judged = [one.near.entry_id for _, one in nearest if one.near.entry_id]
        asked, stored = pairs(self._database, [one.near.id for _, one in nearest], judged)
        return [_pair(line, one, asked.get(one.near.id, {}), stored) for line, one in nearest]


def _pair(line: Row, one: Missed, asked: Mapping[str, Any], stored: Mapping[str, Any]) -> Row:
    entry_id = asked.get("entry_id") or one.near.entry_id
    return {
        "interaction_id": one.near.id,
        "created_at": one.near.created_at,
        "namespace": one.near.namespace,
        "policy": one.near.policy,
        "model": asked.get("model"),
        "prompt": shortened(asked.get("prompt")),
        "stored_prompt": shortened(asked.get("stored_prompt") or stored.get(entry_id or "")) or None,
        "entry_id": entry_id,
        "score": round(one.value, 6) if line["scale"] == "score" else None,
        "similarity": one.near.similarity,
        "cut": line["cut"],
        "distance": round(one.distance, 6),
        "right": one.near.right,
    }


def _of(calls: Calls) -> Row:
    return {"window_seconds": calls.window, "since": calls.since}
