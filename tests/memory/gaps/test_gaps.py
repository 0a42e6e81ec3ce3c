"""Gaps in what SQL holds: of the time that is asked for, and of the namespace."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from memory.gaps.gaps import DAY, Gaps
from memory.interactions import stamp_at
from memory.redaction import Redactor
from store.tables import session_steps, sessions
from tests.memory.notifications.test_inbox import NOW, Clock

OPTIONS = json.dumps([{"id": "1", "label": "Paper jam"}, {"id": "2", "label": "No power"}])


@pytest.fixture
def gaps(database):
    return Gaps(database, Redactor(), Clock())


@pytest.fixture
def put(database):
    """Sessions, each with a step that was answered in the user's own words."""

    def put_all(count, *, days=1.0, namespace="default", text="call ada@example.com", **given):
        at = stamp_at(NOW - days * DAY)

        def work(connection):
            for number in range(count):
                id_ = f"{namespace}-{days}-{number}"
                row = {
                    "namespace": namespace,
                    "id": id_,
                    "root": id_,
                    "status": "escalated",
                    "started_at": at,
                    "last_at": at,
                    "problem_domain": "printing",
                    "problem_summary": f"Printer of floor {number} offline, mail ada@example.com",
                    **given,
                }
                connection.execute(sa.insert(sessions).values(**row))
                connection.execute(
                    sa.insert(session_steps).values(
                        interaction_id=f"int_{id_}",
                        namespace=namespace,
                        session_id=id_,
                        root=id_,
                        at=at,
                        step_type="question",
                        options=OPTIONS,
                        free_text=text,
                        asked="",
                        said="",
                    )
                )

        database.transact(work)

    return put_all


def test_every_kind_is_found(gaps, put):
    put(8)
    assert [gap.kind for gap in gaps.found()] == ["weak_options", "high_escalation", "uncharted", "repeated_pattern"], (
        "in this order"
    )


@pytest.mark.parametrize("kind", ["weak_options", "high_escalation", "uncharted", "repeated_pattern"])
def test_one_kind_alone(gaps, put, kind):
    put(8)
    assert [gap.kind for gap in gaps.found(kind=kind)] == [kind], "and no other"


def test_only_the_days_asked_for_count(gaps, put):
    put(8, days=40.0)
    assert gaps.found() == [], "longer ago than thirty days"
    assert len(gaps.found(60)) == 4, "within sixty"


def test_each_namespace_has_its_own(gaps, put):
    put(8)
    put(8, namespace="other")
    assert {gap.namespace for gap in gaps.found(namespace="other")} == {"other"}, "of one"
    assert len(gaps.found()) == 8, "of both"
    assert len({gap.id for gap in gaps.found()}) == 8, "told apart"


def test_nothing_that_is_shown_holds_an_address(gaps, put):
    put(8)
    assert "ada@example.com" not in str(gaps.found()), "not in the examples either"


def test_damaged_options_are_none(gaps, put, database):
    put(8)
    database.transact(lambda c: c.execute(sa.update(session_steps).values(options="[{")) and None)
    assert gaps.found(kind="weak_options") == [], "nothing to speak of"


def test_without_sessions_there_are_none(gaps):
    assert gaps.found() == [], "an empty list"
