"""What the traffic was and what the cache did for it, read from the log."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from memory.interactions import stamp
from store.database import Database
from store.tables import interactions as log

GROUPS = ("model", "client", "session", "project")
MOST_GROUPS = 50
"""Groups listed per dimension, busiest first."""

_HIT = sa.func.coalesce(log.c.cache_status, "") == "hit"
_TOKENS = sa.func.coalesce(log.c.prompt_tokens, 0) + sa.func.coalesce(log.c.completion_tokens, 0)


class Statistics:
    """Figures over a window of the log; the same after a restart, because SQL is where they come from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, window: float, namespace: str | None = None) -> dict[str, Any]:
        """Requests, hit rate by tier, misses and bypasses by reason, latencies, savings, and groups.

        Args:
            window: seconds back from now.
            namespace: only this one's calls; None for all.

        Raises:
            DatabaseError: the log cannot be read.
        """
        since = stamp(datetime.now(UTC) - timedelta(seconds=window))
        where = [log.c.interaction_type == "llm", log.c.created_at >= since]
        if namespace is not None:
            where.append(log.c.namespace == namespace)
        totals = self._totals(where)
        requests = totals["requests"]
        return {
            "window_seconds": window,
            "since": since,
            "requests": requests,
            "failures": totals["failures"],
            "collapsed": totals["collapsed"],
            "hits": totals["hits"],
            "hit_rate": _share(totals["hits"], requests),
            "tiers": {
                tier: {"hits": totals[tier], "hit_rate": _share(totals[tier], requests)}
                for tier in ("exact", "semantic")
            },
            "misses": self._reasons(where, "miss"),
            "bypasses": self._reasons(where, "bypass"),
            "refreshes": totals["refreshes"],
            "latency_ms": {
                "hit": self._latency([*where, _HIT]),
                "exact_hit": self._latency([*where, _HIT, log.c.tier == "exact"]),
                "semantic_hit": self._latency([*where, _HIT, log.c.tier == "semantic"]),
                "miss": self._latency([*where, sa.not_(_HIT), log.c.success == 1]),
            },
            "tokens": {
                "prompt": totals["prompt_tokens"],
                "completion": totals["completion_tokens"],
                "saved": totals["tokens_saved"],
                "estimated_calls": totals["estimated"],
            },
            "cost_usd": {"spent": totals["cost"], "saved": totals["cost_saved"]},
            "by": {group: self._by(where, group) for group in GROUPS},
        }

    def _totals(self, where: list[sa.ColumnElement[bool]]) -> dict[str, Any]:
        statement = sa.select(
            sa.func.count().label("requests"),
            _count(_HIT).label("hits"),
            _count(sa.and_(_HIT, log.c.tier == "exact")).label("exact"),
            _count(sa.and_(_HIT, log.c.tier == "semantic")).label("semantic"),
            _count(log.c.cache_status == "refresh").label("refreshes"),
            _count(log.c.success == 0).label("failures"),
            _count(log.c.collapsed == 1).label("collapsed"),
            _count(log.c.tokens_estimated == 1).label("estimated"),
            _sum_where(sa.not_(_HIT), sa.func.coalesce(log.c.prompt_tokens, 0)).label("prompt_tokens"),
            _sum_where(sa.not_(_HIT), sa.func.coalesce(log.c.completion_tokens, 0)).label("completion_tokens"),
            _sum_where(_HIT, _TOKENS).label("tokens_saved"),
            sa.func.coalesce(sa.func.sum(log.c.cost), 0.0).label("cost"),
            sa.func.coalesce(sa.func.sum(log.c.cost_saved), 0.0).label("cost_saved"),
        ).where(*where)
        return self._database.query(statement)[0]

    def _reasons(self, where: list[sa.ColumnElement[bool]], status: str) -> dict[str, Any]:
        statement = (
            sa.select(sa.func.coalesce(log.c.reason, "unknown").label("reason"), sa.func.count().label("n"))
            .where(*where, log.c.cache_status == status)
            .group_by(log.c.reason)
            .order_by(sa.desc("n"))
        )
        reasons = {row["reason"]: row["n"] for row in self._database.query(statement)}
        return {"count": sum(reasons.values()), "reasons": reasons}

    def _latency(self, where: list[sa.ColumnElement[bool]]) -> dict[str, float | None]:
        where = [*where, log.c.latency_ms.is_not(None)]
        n = self._database.query(sa.select(sa.func.count().label("n")).where(*where))[0]["n"]
        return {"p50": self._quantile(where, n, 0.50), "p95": self._quantile(where, n, 0.95)}

    def _quantile(self, where: list[sa.ColumnElement[bool]], n: int, share: float) -> float | None:
        """The nearest-rank quantile: the smallest value with at least this share at or below it."""
        if n == 0:
            return None
        rank = math.ceil(n * share) - 1
        statement = sa.select(log.c.latency_ms).where(*where).order_by(log.c.latency_ms).offset(rank).limit(1)
        return round(float(self._database.query(statement)[0]["latency_ms"]), 3)

    def _by(self, where: list[sa.ColumnElement[bool]], group: str) -> list[dict[str, Any]]:
        column = log.c["session_id" if group == "session" else group]
        statement = (
            sa.select(
                sa.func.coalesce(column, "").label(group),
                sa.func.count().label("requests"),
                _count(_HIT).label("hits"),
                _sum_where(_HIT, _TOKENS).label("tokens_saved"),
                sa.func.coalesce(sa.func.sum(log.c.cost_saved), 0.0).label("cost_saved_usd"),
            )
            .where(*where)
            .group_by(column)
            .order_by(sa.desc("requests"))
            .limit(MOST_GROUPS)
        )
        rows = self._database.query(statement)
        return [{**row, "hit_rate": _share(row["hits"], row["requests"])} for row in rows]


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _sum_where(condition: sa.ColumnElement[bool], value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, value), else_=0)), 0)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
