"""The log by hour or day, UTC; times without a call stand there as zeros."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.statistics.calls import HIT, STALE, Calls, count, share, total
from store.database import Database
from store.tables import interactions as log

Bucket = Literal["hour", "day"]
SECONDS: Final[dict[Bucket, int]] = {"hour": 3600, "day": 86400}
MOST: Final = 1000
"""Buckets of one trend: six weeks of hours, almost three years of days."""

_CHARS: Final[dict[Bucket, int]] = {"hour": len("2026-01-31 12"), "day": len("2026-01-31")}
_REST: Final[dict[Bucket, str]] = {"hour": ":00:00", "day": " 00:00:00"}

Row = dict[str, Any]


class TooManyBuckets(ValueError):
    """The window holds more buckets than a trend may have."""


def trend(database: Database, calls: Calls, bucket: Bucket) -> list[Row]:
    """Calls, hits by tier, savings, failures and the median latency of each bucket, oldest first.

    The first bucket is whole: the window is widened to its beginning. The last one ends now.

    Raises:
        TooManyBuckets: a smaller window, or days in place of hours, would do.
        DatabaseError: the log cannot be read.
    """
    first = starts(calls, bucket)[0]
    widened = sa.and_(log.c.created_at >= first, *calls.narrowed())
    found = {row["at"]: row for row in database.query(_figures(widened, bucket))}
    medians = {row["at"]: row["latency_ms"] for row in database.query(_medians(widened, bucket))}
    return [_bucket(at, found.get(at), medians.get(at)) for at in starts(calls, bucket)]


def starts(calls: Calls, bucket: Bucket) -> list[str]:
    """The beginning of each bucket of a window, as the log writes times. Raises ``TooManyBuckets``."""
    seconds = SECONDS[bucket]
    last = int(calls.now.timestamp()) // seconds
    first = int((calls.now - timedelta(seconds=calls.window)).timestamp()) // seconds
    if last - first >= MOST:
        raise TooManyBuckets(f"a window of {last - first + 1} {bucket}s; a trend has at most {MOST}")
    return [stamp_at(at * seconds) for at in range(first, last + 1)]


def bucket_of(hour: str, bucket: Bucket) -> str:
    """The beginning of the bucket that ``YYYY-MM-DD HH`` lies in."""
    return hour[: _CHARS[bucket]] + _REST[bucket]


def _at(bucket: Bucket) -> sa.Label[str]:
    return (sa.func.substr(log.c.created_at, 1, _CHARS[bucket]) + _REST[bucket]).label("at")


def _figures(where: sa.ColumnElement[bool], bucket: Bucket) -> sa.Executable:
    return (
        sa.select(
            _at(bucket),
            sa.func.count().label("calls"),
            count(HIT).label("hits"),
            count(sa.and_(HIT, log.c.tier == "exact")).label("exact"),
            count(sa.and_(HIT, log.c.tier == "semantic")).label("semantic"),
            count(STALE).label("stale"),
            count(log.c.success == 0).label("failures"),
            total(log.c.cost_saved).label("cost_saved_usd"),
            total(log.c.cost).label("cost_usd"),
        )
        .where(where)
        .group_by(sa.text("1"))
    )


def _medians(where: sa.ColumnElement[bool], bucket: Bucket) -> sa.Executable:
    at = _at(bucket)
    timed = sa.select(at, log.c.latency_ms).where(where, log.c.success == 1, log.c.latency_ms.is_not(None)).subquery()
    rank = sa.func.row_number().over(partition_by=timed.c.at, order_by=timed.c.latency_ms).label("rank")
    n = sa.func.count().over(partition_by=timed.c.at).label("n")
    ranked = sa.select(timed.c.at, timed.c.latency_ms, rank, n).subquery()
    return sa.select(ranked.c.at, ranked.c.latency_ms).where(ranked.c.rank == (ranked.c.n + 1) // 2)


def _bucket(at: str, row: Row | None, median: float | None) -> Row:
    row = row or dict.fromkeys(("calls", "hits", "exact", "semantic", "stale", "failures"), 0)
    return {
        "at": at,
        "calls": row["calls"],
        "hits": row["hits"],
        "hit_rate": share(row["hits"], row["calls"]),
        "exact_hits": row["exact"],
        "semantic_hits": row["semantic"],
        "stale_hits": row["stale"],
        "failures": row["failures"],
        "cost_saved_usd": float(row.get("cost_saved_usd", 0.0)),
        "cost_usd": float(row.get("cost_usd", 0.0)),
        "latency_ms_p50": None if median is None else round(float(median), 3),
    }
