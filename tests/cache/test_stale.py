"""Answers past their time, where policy lets them be served for a while longer."""

from __future__ import annotations

import dataclasses

import pytest

from cache.decision import Candidate, Hit, Miss, decide, lateness
from cache.identity import Scope
from cache.policy import Policy
from store.selection import Selection
from tests.fakes import NOW, call, entry

HOUR = 3600.0
STALE = Policy(ttl=24 * HOUR, serve_stale_for=HOUR)


def exact(**changes):
    return Candidate(entry(**changes), 1.0, "exact")


@pytest.mark.parametrize(
    ("expired_for", "policy", "outcome"),
    [
        (-1.0, STALE, "hit"),
        (0.0, STALE, "stale"),
        (HOUR - 1, STALE, "stale"),
        (HOUR, STALE, "expired"),
        (0.0, Policy(), "expired"),
        (-1.0, Policy(), "hit"),
    ],
)
def test_an_expired_answer_is_served_within_its_window_only(expired_for, policy, outcome):
    found = decide(None, [exact(created_at=NOW - HOUR, expires_at=NOW - expired_for)], policy, NOW)
    told = found.reason if isinstance(found, Miss) else "stale" if found.stale else "hit"
    assert told == outcome


def test_the_policys_own_ttl_counts_where_it_is_shorter():
    old = exact(created_at=NOW - 24 * HOUR - 60, expires_at=NOW + HOUR)
    assert decide(None, [old], STALE, NOW).stale, "a minute past the policy's ttl"
    assert lateness(old.entry, STALE, NOW) == 60


def test_a_callers_age_refuses_what_is_older():
    old = exact(created_at=NOW - HOUR, expires_at=NOW - 1)
    assert isinstance(decide(None, [old], STALE, NOW), Hit)
    assert decide(None, [old], dataclasses.replace(STALE, max_age=60.0), NOW).reason == "too_old"


def test_a_fresh_answer_comes_before_a_better_stale_one():
    stale = exact(id="stale", alpha=99.0, created_at=NOW - HOUR, expires_at=NOW - 1)
    fresh = exact(id="fresh", alpha=4.0)
    assert decide(None, [stale, fresh], STALE, NOW).entry.id == "fresh"


async def test_the_fresh_answer_takes_the_stale_ones_place(rig):
    asked = call("What is new?", policy=STALE)
    old = await rig.fill(asked)
    rig.clock.advance(24 * HOUR + 1)
    found = await rig.cache.lookup(asked)
    assert (found.decision.stale, found.decision.entry.id) == (True, old.id)
    fresh = await rig.cache.store(asked, dataclasses.replace(found, outdated=True), old.answer, "int_2", cost=0.5)
    rig.settle()
    again = (await rig.cache.lookup(asked)).decision
    assert (again.stale, again.entry.id, again.entry.cost) == (False, fresh.id, 0.5)
    assert rig.entries.get(old.id).status == "superseded"


async def test_another_epoch_knows_nothing_of_the_one_before(rig):
    await rig.fill(call("What is new?", scope=Scope("tests")))
    assert isinstance(await rig.ask(call("What is new?", scope=Scope("tests", epoch=0))), Hit), "0 is no epoch"
    assert isinstance(await rig.ask(call("What is new?", scope=Scope("tests", epoch=1))), Miss)


async def test_an_answer_asked_before_an_invalidation_is_not_stored(rig):
    asked = dataclasses.replace(call("What is new?"), asked=rig.cache.mark)
    found = await rig.cache.lookup(asked)
    rig.entries.bar(Selection(namespace="tests"))
    assert await rig.cache.store(asked, found, entry().answer, "int_1") is None
    again = dataclasses.replace(asked, asked=rig.cache.mark)
    assert await rig.cache.store(again, found, entry().answer, "int_2") is not None, "asked after it"
