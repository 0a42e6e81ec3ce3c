"""How a tool fared: its runs, and what was served again from them instead of running it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from memory.interactions import stamp
from memory.statistics.calls import HIT, count, share, total
from store.database import Database
from store.tables import interactions as log


def tool_statistics(
    database: Database, tool_id: str, hours: float, namespace: str | None = None, *, now: datetime | None = None
) -> dict[str, Any]:
    """Figures of the last hours; zeros, and None for averages, where the tool was not used.

    An interaction is a run, or a hit: an earlier run's output served again. Success, quality and latency are of both.
    A hit saved what its run had taken and cost, less its own time; a run that was forgotten counts no more.

    Raises:
        DatabaseError: the log cannot be read.
    """
    since = stamp((now or datetime.now(UTC)) - timedelta(hours=hours))
    source = log.alias("source")
    of_hit = sa.and_(HIT, source.c.id == log.c.entry_id, source.c.namespace == log.c.namespace)
    spared = source.c.latency_ms - sa.func.coalesce(log.c.latency_ms, 0.0)
    where = [log.c.tool_id == tool_id, log.c.created_at >= since]
    if namespace is not None:
        where.append(log.c.namespace == namespace)
    statement = (
        sa.select(
            sa.func.count().label("total_interactions"),
            count(log.c.success == 1).label("successes"),
            count(log.c.success == 0).label("failures"),
            count(HIT).label("hits"),
            count(log.c.quality_score.is_not(None)).label("rated"),
            sa.func.avg(log.c.quality_score).label("average_quality"),
            sa.func.avg(log.c.latency_ms).label("average_latency_ms"),
            sa.func.avg(sa.case((sa.not_(HIT), log.c.latency_ms))).label("average_run_ms"),
            sa.func.avg(sa.case((HIT, log.c.latency_ms))).label("average_hit_ms"),
            total(sa.case((spared > 0, spared), else_=0.0)).label("time_saved_ms"),
            total(log.c.cost).label("cost_usd"),
            total(source.c.cost).label("cost_saved_usd"),
        )
        .select_from(log.outerjoin(source, of_hit))
        .where(*where)
    )
    row = database.query(statement)[0]
    whole = row["total_interactions"]
    return {
        "tool_id": tool_id,
        "hours": hours,
        "since": since,
        **{name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()},
        "runs": whole - row["hits"],
        "success_rate": share(row["successes"], whole),
        "hit_rate": share(row["hits"], whole),
    }
