"""Experiments in SQL: when each began, and what was kept of it."""

from __future__ import annotations

import pytest

from store.database import Database
from store.experiments import Known, KnownExperiments


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reprise.db"


@pytest.fixture
def known(path):
    database = Database(path)
    yield KnownExperiments(database)
    database.close()


def test_what_begins_is_noted_once(known):
    assert known.all() == {}
    known.begin(["cuts", "ages"], 10.0)
    known.begin(["cuts", "more"], 20.0)
    assert {name: one.started_at for name, one in known.all().items()} == {"ages": 10.0, "cuts": 10.0, "more": 20.0}


def test_the_kept_arm_survives_a_restart(known, path):
    known.begin(["cuts", "ages"], 10.0)
    known.stop("cuts", "b", 30.0)
    other = Database(path)
    try:
        assert KnownExperiments(other).kept() == {"cuts": "b"}
        assert KnownExperiments(other).all()["cuts"] == Known("cuts", 10.0, 30.0, "b")
    finally:
        other.close()
    known.begin(["cuts"], 40.0)
    assert known.kept() == {"cuts": "b"}, "a start does not begin it anew"


def test_stopped_again_it_may_keep_another_arm(known):
    known.begin(["cuts"], 10.0)
    known.stop("cuts", "b", 30.0)
    known.stop("cuts", "a", 40.0)
    assert known.all()["cuts"] == Known("cuts", 10.0, 40.0, "a")


def test_stopping_what_never_began_leaves_nothing(known):
    known.stop("cuts", "b", 30.0)
    assert known.all() == {}
