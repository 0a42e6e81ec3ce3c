"""What a stored answer is worth: the formula, and the same in SQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cache.eviction import LEAST, UNKNOWN, WINDOW, worth, worth_in_sql
from store.database import Database
from store.entries import Entries
from store.tables import entries as table
from tests.fakes import NOW, entry

USUAL = {"hits": 3, "age": 3600.0, "idle": 600.0, "left": 7200.0, "cost": 0.01, "quality": 0.9}


def value(**changes):
    return worth(**USUAL | changes)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"hits": 4}, {"hits": 3}),
        ({"age": 3600.0}, {"age": 7200.0}),
        ({"idle": 600.0}, {"idle": 6000.0}),
        ({"left": 7200.0}, {"left": 60.0}),
        ({"cost": 0.02}, {"cost": 0.01}),
        ({"quality": 0.9}, {"quality": 0.5}),
        ({"cost": None}, {"cost": UNKNOWN / 10}),
    ],
)
def test_worth_grows_with_hits_cost_and_quality_and_falls_with_age(more, less):
    assert value(**more) > value(**less)


def test_bounds():
    assert value(left=-1.0) == 0.0, "an expired answer is worth nothing"
    assert value(left=WINDOW) == value(left=50 * WINDOW), "nothing is foreseen beyond a window"
    assert value(cost=0.0) == value(cost=LEAST) > 0, "what costs nothing still saves time"


def test_ten_hits_in_ten_windows_are_worth_what_a_new_answer_may_be():
    old = value(hits=10, age=10 * WINDOW, idle=0.0)
    assert old == pytest.approx(value(hits=0, age=0.0, idle=0.0)), "one hit in a window, both"


def test_sql_computes_the_same(tmp_path):
    database = Database(tmp_path / "reprise.db")
    entries = Entries(database, 10)
    cases = [
        USUAL,
        USUAL | {"hits": 0, "idle": 3600.0},
        USUAL | {"cost": None},
        USUAL | {"cost": 0.0, "left": 10 * WINDOW},
        USUAL | {"left": -60.0, "quality": 0.2},
        USUAL | {"age": 0.0, "idle": 0.0},
    ]
    for number, case in enumerate(cases):
        made = entry(
            id=f"ent_{number}",
            created_at=NOW - case["age"],
            expires_at=NOW + case["left"],
            cost=case["cost"],
            alpha=10 * case["quality"],
            beta=10 * (1 - case["quality"]),
        )
        entries.add(made, None, None, replace=False).result(60)
        hit_at = None if case["hits"] == 0 else NOW - case["idle"]
        change = sa.update(table).where(table.c.id == made.id).values(hits=case["hits"], last_hit_at=hit_at)
        database.transact(lambda connection, change=change: connection.execute(change))
    rows = database.query(sa.select(table.c.id, worth_in_sql(NOW).label("worth")).order_by(table.c.id))
    assert [row["worth"] for row in rows] == pytest.approx([worth(**case) for case in cases], rel=1e-6)
    database.close()
