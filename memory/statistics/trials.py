"""What the calls of an experiment came to, arm by arm and unit by unit, read from the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from memory.statistics.calls import BEHIND, HIT, count, total
from store.database import Database
from store.dialects import json_text
from store.tables import interactions as log
from store.tables import labels

DRAWN = ("audit", "shadow")
"""Sources of labels that are a sample of the would-be semantic hits."""

_UNIT = sa.func.coalesce(json_text(log.c.metadata, "unit"), log.c.session_id, "")
_CALL = log.c.interaction_type == "llm"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one unit (a session, a key, a user) did on one arm; money in US dollars."""

    arm: str
    calls: int
    hits: int
    exact: int
    semantic: int
    failures: int
    spent: float
    """With what refreshing stale answers behind the calls cost."""
    saved: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Labels of one arm's calls that agree in all this."""

    arm: str
    source: str
    propensity: float
    """Probability, in (0, 1], with which such a call got a label."""
    correct: bool
    count: int


class Trials:
    """The log of experiments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def calls(self) -> dict[str, int]:
        """Calls by experiment. Raises ``DatabaseError``."""
        statement = (
            sa.select(log.c.experiment, sa.func.count().label("n"))
            .where(log.c.experiment.is_not(None), _CALL)
            .group_by(log.c.experiment)
        )
        return {row["experiment"]: row["n"] for row in self._database.query(statement)}

    def units(self, experiment: str) -> list[Unit]:
        """Every unit that took part, by arm. Raises ``DatabaseError``."""
        statement = (
            sa.select(
                log.c.arm,
                count(_CALL).label("calls"),
                count(sa.and_(_CALL, HIT)).label("hits"),
                count(sa.and_(_CALL, HIT, log.c.tier == "exact")).label("exact"),
                count(sa.and_(_CALL, HIT, log.c.tier == "semantic")).label("semantic"),
                count(sa.and_(_CALL, log.c.success == 0)).label("failures"),
                total(log.c.cost).label("spent"),
                total(sa.case((_CALL, log.c.cost_saved), else_=0.0)).label("saved"),
            )
            .where(log.c.experiment == experiment, log.c.interaction_type.in_(("llm", BEHIND)))
            .group_by(log.c.arm, _UNIT)
        )
        return [Unit(**row) for row in self._database.query(statement)]

    def verdicts(self, experiment: str) -> list[Verdicts]:
        """What labels say of its calls: samples of would-be semantic hits, and feedback. Raises ``DatabaseError``."""
        kinds = (log.c.arm, labels.c.source, labels.c.propensity, labels.c.correct)
        statement = (
            sa.select(*kinds, sa.func.count().label("count"))
            .select_from(log.join(labels, labels.c.interaction_id == log.c.id))
            .where(log.c.experiment == experiment, labels.c.source.in_((*DRAWN, "feedback", "review")))
            .group_by(*kinds)
        )
        return [Verdicts(**{**row, "correct": bool(row["correct"])}) for row in self._database.query(statement)]

    def timed(self, experiment: str, arm: str) -> int:
        """How many of an arm's calls succeeded: their latencies are ranked. Raises ``DatabaseError``."""
        statement = sa.select(sa.func.count().label("n")).where(*_timed(experiment, arm))
        found: int = self._database.query(statement)[0]["n"]
        return found

    def latencies(self, experiment: str, arm: str, ranks: Iterable[int]) -> dict[int, float]:
        """Milliseconds by rank, the quickest call's being 1. Raises ``DatabaseError``."""
        rank = sa.func.row_number().over(order_by=log.c.latency_ms).label("rank")
        ranked = sa.select(log.c.latency_ms, rank).where(*_timed(experiment, arm)).subquery()
        statement = sa.select(ranked).where(ranked.c.rank.in_(sorted(set(ranks))))
        return {row["rank"]: row["latency_ms"] for row in self._database.query(statement)}


def _timed(experiment: str, arm: str) -> list[sa.ColumnElement[bool]]:
    of_arm = [log.c.experiment == experiment, log.c.arm == arm]
    return [*of_arm, _CALL, log.c.success == 1, log.c.latency_ms.is_not(None)]
