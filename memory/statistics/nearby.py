"""Misses for which a verifier judged a candidate: how near they came, and what the comparison of answers says."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import Calls
from store.database import Database
from store.tables import entries, labels
from store.tables import interactions as log

READ = 50_000
"""Newest misses that are looked at."""


@dataclass(frozen=True, slots=True)
class Near:
    """One miss with what came nearest to it."""

    id: str
    created_at: str
    namespace: str
    policy: str
    similarity: float | None
    """Cosine of the nearest candidate, judged or not."""
    score: float | None
    """The verifier's, as mixed then; None where a policy has a fixed threshold."""
    signals: tuple[float, ...]
    verifier: str | None
    entry_id: str | None
    """The candidate that was judged, where it was logged."""
    right: bool | None
    """Would its answer have been right, as the comparison with the fresh one found? None: not compared, or unclear."""


def nearest_misses(database: Database, calls: Calls) -> list[Near]:
    """The newest misses that had a candidate. Raises ``DatabaseError``."""
    judged = sa.func.coalesce(log.c.metadata, "").like('%"score"%')
    statement = (
        sa.select(
            log.c.id,
            log.c.created_at,
            log.c.namespace,
            sa.func.coalesce(log.c.policy, "").label("policy"),
            log.c.similarity,
            log.c.metadata,
        )
        .where(
            *calls.where(),
            log.c.cache_status == "miss",
            log.c.similarity.is_not(None),
            log.c.reason.not_in(("audit", "shadow")),
            sa.or_(judged, log.c.reason == "below_threshold"),
        )
        .order_by(log.c.created_at.desc(), log.c.id.desc())
        .limit(READ)
    )
    verdicts = _verdicts(database, calls)
    return [_near(row, verdicts) for row in database.query(statement)]


def pairs(database: Database, ids: Sequence[str], entry_ids: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Prompts, by interaction: {prompt, stored_prompt, entry_id, model}; and the stored prompts by entry.

    Raises ``DatabaseError``.
    """
    asked = sa.select(log.c.id, log.c.model, log.c.prompt, labels.c.stored_prompt, labels.c.entry_id).select_from(
        log.outerjoin(labels, sa.and_(labels.c.interaction_id == log.c.id, labels.c.source == "miss"))
    )
    stored = sa.select(entries.c.id, entries.c.prompt).where(entries.c.id.in_(entry_ids))
    return (
        {row["id"]: row for row in database.query(asked.where(log.c.id.in_(ids)))},
        {row["id"]: row["prompt"] for row in database.query(stored)},
    )


def _verdicts(database: Database, calls: Calls) -> dict[str, bool]:
    statement = (
        sa.select(labels.c.interaction_id, labels.c.correct)
        .select_from(labels.join(log, log.c.id == labels.c.interaction_id))
        .where(labels.c.source == "miss", *calls.where_known())
    )
    return {row["interaction_id"]: bool(row["correct"]) for row in database.query(statement)}


def _near(row: dict[str, Any], verdicts: dict[str, bool]) -> Near:
    facts = _facts(row["metadata"])
    return Near(
        id=row["id"],
        created_at=row["created_at"],
        namespace=row["namespace"],
        policy=row["policy"],
        similarity=row["similarity"],
        score=_number(facts.get("score")),
        signals=tuple(_signals(facts.get("signals"))),
        verifier=facts.get("verifier"),
        entry_id=facts.get("candidate"),
        right=verdicts.get(row["id"]),
    )


def _facts(metadata: str | None) -> dict[str, Any]:
    """Metadata as logged; damaged JSON reads as empty."""
    try:
        value = json.loads(metadata) if metadata else {}
    except ValueError:
        value = {}
    return value if isinstance(value, dict) else {}


def _signals(value: Any) -> list[float]:
    numbers = [_number(one) for one in value] if isinstance(value, list) else []
    return [number for number in numbers if number is not None] if None not in numbers else []


def _number(value: Any) -> float | None:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    return number if math.isfinite(number) else None
