"""Fading: which memories fade, by how much, and each day once."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memory.hygiene.decay import Decay, Fading, days_due, faded
from memory.memories.memory import Actor

IDLE = 30 * 86400.0
DAY = dt.timedelta(days=1)
SINCE = dt.datetime(2027, 1, 1, 9, 30, tzinfo=dt.UTC)

moments = st.datetimes(dt.datetime(2027, 1, 1), dt.datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=dt.UTC))
shares = st.floats(0, 1, allow_nan=False)


@pytest.fixture
def decay(kept, clock):
    return Decay(kept.database, kept.memories, Fading(), clock, kept.pace)


# The arithmetic


def test_nothing_is_due_before_the_time_is_up():
    assert days_due(SINCE, None, SINCE + 30 * DAY - dt.timedelta(seconds=1), IDLE) == 0, "29 days and some hours"


def test_the_day_on_which_the_time_is_up_counts():
    assert days_due(SINCE, None, SINCE + 30 * DAY, IDLE) == 1, "from that moment on"


def test_the_first_time_one_day_counts():
    assert days_due(SINCE, None, SINCE + 300 * DAY, IDLE) == 1, "an old database loses nothing at once"


def test_days_in_which_it_was_not_idle_do_not_count():
    now = SINCE + 32 * DAY
    assert days_due(SINCE, (SINCE - 50 * DAY).date(), now, IDLE) == 3, "it was changed since it last faded"


def test_a_day_that_was_counted_does_not_count_again():
    now = SINCE + 40 * DAY
    assert days_due(SINCE, now.date(), now, IDLE) == 0, "today is done"


def test_missed_days_are_made_up_for():
    now = SINCE + 40 * DAY
    assert days_due(SINCE, (now - 3 * DAY).date(), now, IDLE) == 3, "three days without a run"


def test_a_clock_that_went_back_takes_nothing():
    now = SINCE + 40 * DAY
    assert days_due(SINCE, (now + 5 * DAY).date(), now, IDLE) == 0, "counted ahead already"


def test_a_time_that_is_never_up():
    assert days_due(SINCE, None, SINCE + 400 * DAY, 1e18) == 0, "beyond what dates can say"


def test_confidence_falls_by_the_factor_a_day():
    assert faded(0.8, 2, Fading()) == 0.8 * 0.97 * 0.97, "twice"


def test_fading_stops_below_the_floor():
    assert 0.29 < faded(1.0, 4000, Fading()) < 0.3, "the first day below the floor is the last"


@given(st.lists(moments, max_size=12), moments, moments, shares, st.floats(0.5, 1.0), shares)
def test_runs_in_between_change_nothing(runs, one, another, confidence, factor, floor):
    first, last = sorted((one, another))
    between = sorted(at for at in runs if first < at < last)
    fading = Fading(factor, IDLE, floor)

    def after(times):
        now, counted = confidence, None
        for at in times:
            days = days_due(SINCE, counted, at, IDLE)
            if days:
                now, counted = faded(now, days, fading), at.date()
        return now

    assume(first >= SINCE + 30 * DAY)
    assert after([first, last]) == after([first, *between, last]), "what is due follows from the dates alone"


@given(moments, st.dates(dt.date(2026, 1, 1), dt.date(2030, 1, 1)) | st.none(), moments)
def test_days_are_never_negative_and_never_more_than_passed(since, counted, now):
    days = days_due(since, counted, now, IDLE)
    assert 0 <= days <= max(1, (now - since).days - 30 + 2), "at most the days since the time was up"


@given(shares, st.integers(0, 5000), st.floats(0.01, 1.0), shares)
def test_confidence_only_falls_and_stays_in_range(confidence, days, factor, floor):
    assert 0 <= faded(confidence, days, Fading(factor, IDLE, floor)) <= confidence, "never up, never below 0"


# What fades


def test_an_idle_memory_fades(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=30)
    assert decay.run() == {"decayed": 1, "faded": 0}, "one day is due"
    assert kept.get(id_).confidence == 0.8 * 0.97, "by the factor"
    assert kept.get(id_).status == "active", "above the floor it stays"


def test_what_fades_is_audited(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=30)
    decay.run()
    row = kept.history(id_, "decay")[0]
    assert (row["actor"], row["reason"]) == ("hygiene", "decay"), "who, and why"
    assert (row["before"]["confidence"], row["after"]["confidence"]) == (0.8, 0.8 * 0.97), "from what to what"


def test_many_runs_in_a_day_count_once(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=30)
    for _ in range(5):
        decay.run()
        clock.advance(hours=1)
    assert kept.get(id_).confidence == 0.8 * 0.97, "hourly runs and restarts take one day's share"


def test_a_server_that_was_off_catches_up(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.9)
    clock.advance(days=30)
    decay.run()
    clock.advance(days=4)
    decay.run()
    assert kept.get(id_).confidence == pytest.approx(0.9 * 0.97**5), "days 30 to 34, all of them"


def test_below_the_floor_it_goes_out_of_use(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.301)
    clock.advance(days=30)
    assert decay.run() == {"decayed": 1, "faded": 1}, "it counts as faded away"
    assert kept.get(id_).status == "superseded", "nobody used it"
    assert kept.get(id_).superseded_by is None, "and nothing took its place"
    assert kept.history(id_, "decay")[0]["reason"] == "decay", "the audit says why"


def test_fading_away_can_be_undone(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.301)
    clock.advance(days=30)
    decay.run()
    kept.memories.undo(kept.history(id_, "decay")[0]["id"], Actor("ada"))
    assert kept.get(id_).status == "active", "it is back"
    assert kept.get(id_).confidence == 0.301, "as sure as before"
    clock.advance(days=1)
    assert decay.run()["decayed"] == 0, "and idle anew from now on"


@pytest.mark.parametrize(
    "fields", [{"written_by": "person"}, {"status": "candidate"}], ids=["a person wrote it", "nobody approved it"]
)
def test_what_does_not_fade(kept, clock, decay, fields):
    id_ = kept.add("the printer is on the second floor", confidence=0.8, **fields)
    clock.advance(days=90)
    decay.run()
    assert kept.get(id_).confidence == 0.8, "exempt"


def test_pinned_memories_do_not_fade(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    kept.memories.update(id_, {"pinned": True}, Actor("ada"))
    clock.advance(days=90)
    decay.run()
    assert kept.get(id_).confidence == 0.8, "exempt"


def test_what_an_answer_ever_used_does_not_fade(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    kept.set(id_, reference_count=1, last_referenced_at="2027-03-11 10:00:00")
    clock.advance(days=400)
    decay.run()
    assert kept.get(id_).confidence == 0.8, "it has shown its worth"


def test_a_change_makes_it_wait_again(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=29)
    kept.memories.update(id_, {"content": "the printer is on the third floor"}, Actor("ada"))
    clock.advance(days=29)
    assert decay.run()["decayed"] == 0, "somebody cared about it 29 days ago"


def test_fading_is_no_change_that_makes_it_wait(kept, clock, decay):
    id_ = kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=30)
    decay.run()
    clock.advance(days=1)
    decay.run()
    assert kept.get(id_).confidence == pytest.approx(0.8 * 0.97**2), "the second day follows the first"


def test_a_factor_of_one_is_no_decay(kept, clock):
    id_ = kept.add("the printer is on the second floor", confidence=0.2)
    clock.advance(days=90)
    counts = Decay(kept.database, kept.memories, Fading(factor=1.0), clock, kept.pace).run()
    assert counts == {"decayed": 0, "faded": 0}, "switched off"
    assert kept.get(id_).status == "active", "below the floor, too"


def test_more_than_one_transaction_holds(kept, clock, decay):
    for number in range(45):
        kept.add(f"shelf {number} holds spare parts", confidence=0.8)
    clock.advance(days=31)
    assert decay.run()["decayed"] == 45, "all of them"


def test_the_namespaces_version_rises(kept, clock, decay):
    kept.add("the printer is on the second floor", confidence=0.8)
    before = kept.memories.version("home")
    clock.advance(days=30)
    decay.run()
    assert kept.memories.version("home") > before, "who keeps memories in hand must notice"


def test_a_stopping_server_is_not_kept_waiting(kept, clock, decay):
    kept.add("the printer is on the second floor", confidence=0.8)
    clock.advance(days=30)
    kept.pace.stopping = lambda: True
    assert decay.run()["decayed"] == 0, "the next start does it"
