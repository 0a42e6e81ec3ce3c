"""What the traffic was and what the cache did for it, read from the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import BEHIND, HIT, PROXIED, STALE, TOKENS, Calls, count, share, total
from store.database import Database
from store.tables import interactions as log

MOST_GROUPS = 50
"""Groups listed per dimension, busiest first."""

_DIMENSIONS = ("model", "client", "project", "policy")
_COUNTED = ("requests", "hits", "semantic_hits", "tokens_saved", "cost_saved_usd")

Row = dict[str, Any]


class Statistics:
    """Figures over a window of the log; the same after a restart, because SQL is where they come from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def summary(self, calls: Calls) -> dict[str, Any]:
        """Requests, hit rate by tier, misses and bypasses by reason, latencies, savings, and groups.

        Answers served past their expiry count as hits, and apart as ``stale``; what was spent on refreshing them behind
        the calls counts as spent, though these calls are no requests.

        Raises:
            DatabaseError: the log cannot be read.
        """
        where = calls.where()
        walked = self._kinds([*calls.where(None), log.c.interaction_type.in_(("llm", BEHIND)), PROXIED])
        kinds = [row for row in walked if row["type"] == "llm"]
        behind = [row for row in walked if row["type"] == BEHIND]
        hits = [row for row in kinds if row["hit"]]
        others = [row for row in kinds if not row["hit"]]
        requests = _sum(kinds, "requests")
        return {
            "window_seconds": calls.window,
            "since": calls.since,
            "requests": requests,
            "failures": _sum(kinds, "failures"),
            "collapsed": _sum(kinds, "collapsed"),
            "hits": _sum(hits, "requests"),
            "stale": _sum((row for row in hits if row["stale"]), "requests"),
            "hit_rate": share(_sum(hits, "requests"), requests),
            "tiers": {tier: _tier(hits, tier, requests) for tier in ("exact", "semantic")},
            "misses": _reasons(others, "miss"),
            "bypasses": _reasons(others, "bypass"),
            "refreshes": _sum((row for row in others if row["cache_status"] == "refresh"), "requests"),
            "refreshes_behind": _sum(behind, "requests"),
            "latency_ms": self._latencies(where),
            "tokens": {
                "prompt": _sum(others, "prompt_tokens"),
                "completion": _sum(others, "completion_tokens"),
                "saved": _sum(hits, "tokens_saved"),
                "estimated_calls": _sum(kinds, "estimated"),
            },
            "cost_usd": {"spent": float(_sum(walked, "cost")), "saved": float(_sum(kinds, "cost_saved"))},
            "by": {
                "model": _groups(kinds, "model"),
                "client": _groups(kinds, "client"),
                "session": self._sessions(where),
                "project": _groups(kinds, "project"),
                "policy": _groups(kinds, "policy"),
                "arm": self._arms(where),
            },
        }

    def _kinds(self, where: list[sa.ColumnElement[bool]]) -> list[Row]:
        """Every kind of call with its sums: one walk over the log for all figures that add up."""
        kinds = [
            log.c.interaction_type.label("type"),
            *(sa.func.coalesce(log.c[name], "").label(name) for name in _DIMENSIONS),
            HIT.label("hit"),
            STALE.label("stale"),
            log.c.tier.label("tier"),
            log.c.cache_status.label("cache_status"),
            sa.func.coalesce(log.c.reason, "unknown").label("reason"),
        ]
        statement = sa.select(
            *kinds,
            sa.func.count().label("requests"),
            count(log.c.success == 0).label("failures"),
            count(log.c.collapsed == 1).label("collapsed"),
            count(log.c.tokens_estimated == 1).label("estimated"),
            sa.func.coalesce(sa.func.sum(log.c.prompt_tokens), 0).label("prompt_tokens"),
            sa.func.coalesce(sa.func.sum(log.c.completion_tokens), 0).label("completion_tokens"),
            sa.func.sum(TOKENS).label("tokens_saved"),
            total(log.c.cost).label("cost"),
            total(log.c.cost_saved).label("cost_saved"),
        ).where(*where)
        return self._database.query(statement.group_by(*(sa.text(str(at + 1)) for at in range(len(kinds)))))

    def _latencies(self, where: list[sa.ColumnElement[bool]]) -> dict[str, dict[str, float | None]]:
        """Nearest-rank quantiles: the smallest value with at least that share at or below it."""
        kind = sa.case((HIT, sa.case((log.c.tier == "semantic", "semantic"), else_="exact")), else_="miss")
        timed = (
            sa.select(HIT.label("hit"), kind.label("kind"), log.c.latency_ms)
            .where(*where, log.c.latency_ms.is_not(None), sa.or_(HIT, log.c.success == 1))
            .subquery()
        )
        ranked = sa.select(
            timed.c.hit,
            timed.c.kind,
            timed.c.latency_ms,
            *_rank((timed.c.hit,), timed.c.latency_ms, "all"),
            *_rank((timed.c.hit, timed.c.kind), timed.c.latency_ms, "own"),
        ).subquery()
        wanted = [_at_quantile(ranked, of, percent) for of in ("all", "own") for percent in (50, 95)]
        rows = self._database.query(sa.select(ranked).where(sa.or_(*wanted)))
        return {
            "hit": _quantiles([row for row in rows if row["hit"]], "all"),
            "exact_hit": _quantiles([row for row in rows if row["kind"] == "exact"], "own"),
            "semantic_hit": _quantiles([row for row in rows if row["kind"] == "semantic"], "own"),
            "miss": _quantiles([row for row in rows if row["kind"] == "miss"], "own"),
        }

    def _sessions(self, where: list[sa.ColumnElement[bool]]) -> list[Row]:
        session = sa.func.coalesce(log.c.session_id, "").label("session")
        statement = _grouped(session).where(*where).group_by(sa.text("1")).order_by(sa.desc("requests"), sa.text("1"))
        return [_rated(row) for row in self._database.query(statement.limit(MOST_GROUPS))]

    def _arms(self, where: list[sa.ColumnElement[bool]]) -> list[Row]:
        """By arm of an experiment, ``NAME/ARM``; calls of none are left out, and an index finds the others."""
        arm = (log.c.experiment + "/" + sa.func.coalesce(log.c.arm, "")).label("arm")
        # Grouped by the index's own columns, or SQLite walks the log.
        statement = _grouped(arm).where(*where, log.c.experiment.is_not(None)).group_by(log.c.experiment, log.c.arm)
        busiest = statement.order_by(sa.desc("requests"), sa.text("1")).limit(MOST_GROUPS)
        return [_rated(row) for row in self._database.query(busiest)]


def _grouped(label: sa.Label[Any]) -> sa.Select[Any]:
    return sa.select(
        label,
        sa.func.count().label("requests"),
        count(HIT).label("hits"),
        count(sa.and_(HIT, log.c.tier == "semantic")).label("semantic_hits"),
        sa.func.coalesce(sa.func.sum(sa.case((HIT, TOKENS), else_=0)), 0).label("tokens_saved"),
        total(log.c.cost_saved).label("cost_saved_usd"),
    )


def _groups(kinds: list[Row], dimension: str) -> list[Row]:
    """The figures of each value of a dimension, busiest first."""
    found: dict[str, Row] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0) | {"cost_saved_usd": 0.0})
    for row in kinds:
        group = found[row[dimension]]
        group["requests"] += row["requests"]
        group["cost_saved_usd"] += row["cost_saved"]
        if row["hit"]:
            group["hits"] += row["requests"]
            group["semantic_hits"] += row["requests"] if row["tier"] == "semantic" else 0
            group["tokens_saved"] += row["tokens_saved"]
    busiest = sorted(found.items(), key=lambda item: (-item[1]["requests"], item[0]))
    return [_rated({dimension: name, **group}) for name, group in busiest[:MOST_GROUPS]]


def _rated(row: Row) -> Row:
    rates = {"hit_rate": "hits", "semantic_hit_rate": "semantic_hits"}
    return {**row, **{rate: share(row[part], row["requests"]) for rate, part in rates.items()}}


def _tier(hits: list[Row], tier: str, requests: int) -> Row:
    found = _sum((row for row in hits if row["tier"] == tier), "requests")
    return {"hits": found, "hit_rate": share(found, requests)}


def _reasons(kinds: list[Row], status: str) -> Row:
    """How many calls had this status, and why, most frequent reason first."""
    found: dict[str, int] = defaultdict(int)
    for row in kinds:
        if row["cache_status"] == status:
            found[row["reason"]] += row["requests"]
    ordered = dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
    return {"count": sum(ordered.values()), "reasons": ordered}


def _sum(rows: Iterable[Row], name: str) -> Any:
    return sum(row[name] for row in rows)


def _rank(
    within: tuple[sa.ColumnElement[Any], ...], value: sa.ColumnElement[Any], name: str
) -> tuple[sa.Label[int], sa.Label[int]]:
    rank = sa.func.row_number().over(partition_by=within, order_by=value)
    return rank.label(f"{name}_rank"), sa.func.count().over(partition_by=within).label(f"{name}_n")


def _at_quantile(ranked: sa.Subquery, of: str, percent: int) -> sa.ColumnElement[bool]:
    # In whole numbers: ceil(n x share).
    return ranked.c[f"{of}_rank"] == (ranked.c[f"{of}_n"] * percent + 99) // 100


def _quantiles(rows: list[Row], of: str) -> dict[str, float | None]:
    by_rank = {row[f"{of}_rank"]: row["latency_ms"] for row in rows}
    n = rows[0][f"{of}_n"] if rows else 0
    ranks = {"p50": -(-n * 50 // 100), "p95": -(-n * 95 // 100)}
    return {name: round(float(by_rank[rank]), 3) if n else None for name, rank in ranks.items()}
