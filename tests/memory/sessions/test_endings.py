"""Sessions that fall silent."""

from __future__ import annotations

import pytest

from store.tables import sessions
from tests.memory.sessions.house import NOW, Match
from tests.memory.sessions.talks import CLEAN, GLAD, PRINTER, WHICH, conversation

IDLE, DAY = 1800.0, 86400.0
TALK = [(PRINTER, WHICH), ("2", CLEAN)]
THANKS = [*TALK, ("thanks", GLAD)]
HELP = [*TALK, ("get me a human", "Wait.")]


def only(house):
    (session,) = house.all().values()
    return session


def silent(house, turns, seconds):
    """A session whose last turn lies so far back."""
    house.derive(*conversation(turns))
    house.now = NOW + (len(turns) - 1) * 10 + seconds
    return house.endings.sweep()


@pytest.mark.parametrize(
    ("turns", "seconds", "status", "by"),
    [
        (TALK, IDLE - 1, "active", None),
        (TALK, IDLE, "paused", None),
        (TALK, DAY - 1, "paused", None),
        (TALK, DAY, "abandoned", "idle"),
        (THANKS, IDLE - 1, "active", None),
        (THANKS, IDLE, "resolved", "signal"),
        (THANKS, 10 * DAY, "resolved", "signal"),
        (HELP, IDLE - 1, "escalated", "phrase"),
        (HELP, IDLE, "escalated", "phrase"),
    ],
)
def test_silence_ends_a_session_by_its_last_words(house, turns, seconds, status, by):
    silent(house, turns, seconds)
    session = only(house)
    assert (session.status, session.ended_by) == (status, by), f"after {seconds} s"
    assert (session.ended_at is None) == (status in ("active", "paused")), "it has ended or not"


def test_a_sweep_tells_what_it_did_and_does_it_once(house):
    assert silent(house, THANKS, IDLE) == {"resolved": 1}, "one session"
    assert house.endings.sweep() == {}, "which is not ended again"
    assert house.queued == [("default", only(house).id)], "its analysis is queued once"
    assert only(house).analysis == "waiting", "and due"


def test_only_resolved_sessions_are_analysed(house):
    silent(house, TALK, DAY)
    assert (only(house).analysis, only(house).outcome) == ("done", "none"), "nothing is learned from it"
    assert house.queued == [], "nothing is queued"


@pytest.mark.parametrize(("turns", "seconds", "outcome"), [(TALK, DAY, "abandoned"), (HELP, IDLE, "escalated")])
def test_how_a_session_ended_that_followed_a_flow_is_counted_once(house, turns, seconds, outcome):
    house.matches[PRINTER] = Match("flo_1", 1, 0.9)
    silent(house, turns, seconds)
    house.endings.sweep()
    assert house.outcomes.counted == {(only(house).id, "flo_1"): outcome}, "for the flow"


def test_a_wish_for_a_person_is_not_counted_before_the_talk_is_over(house):
    house.matches[PRINTER] = Match("flo_1", 1, 0.9)
    silent(house, HELP, IDLE - 1)
    assert house.outcomes.counted == {}, "whoever asks may yet be helped"


def test_without_a_flow_nothing_is_counted(house):
    house.matches[PRINTER] = Match("flo_1", 1, 0.7)
    silent(house, TALK, DAY)
    assert house.outcomes.counted == {}, "a suggestion was not followed"


def test_a_turn_wakes_a_session_that_paused_or_was_given_up(house):
    house.matches[PRINTER] = Match("flo_1", 1, 0.9)
    talk = conversation([*TALK, ("ok, done", "Does it print now?"), ("yes", GLAD)])
    house.derive(*talk[:2])
    house.now = NOW + 2 * DAY
    house.endings.sweep()
    assert only(house).status == "abandoned", "it was given up"
    house.derive({**talk[2], "created_at": "2026-03-03 11:00:00"})
    assert (only(house).status, only(house).analysis) == ("active", None), "until the user came back"
    house.derive({**talk[3], "created_at": "2026-03-03 11:01:00"})
    assert only(house).status == "resolved", "and was helped"
    assert house.outcomes.counted == {(only(house).id, "flo_1"): "resolved"}, "what was counted is put right"


def test_what_a_person_said_of_the_status_stands(house):
    house.derive(*conversation(TALK))
    house.change(sessions, corrected='["status"]')
    house.now = NOW + 2 * DAY
    assert house.endings.sweep() == {}, "silence changes nothing of it"


def test_many_sessions_end_in_few_transactions(house, monkeypatch):
    monkeypatch.setattr("memory.sessions.endings.CHUNK", 3)
    monkeypatch.setattr("memory.sessions.endings.MOST", 6)
    talks = [conversation([(f"{PRINTER} {number}", WHICH)], name=f"t{number}") for number in range(8)]
    house.derive(*(one for talk in talks for one in talk))
    house.now = NOW + 2 * DAY
    assert house.endings.sweep() == {"abandoned": 6, "paused": 2, "waiting": 1}, "as many as it may"
    assert house.endings.sweep() == {"abandoned": 2}, "the rest in the next one"


def test_a_sweep_stops_when_it_is_told_to(house):
    house.derive(*conversation(TALK))
    house.now = NOW + 2 * DAY
    house.endings.sweep(stopping=lambda: True)
    assert only(house).status == "active", "nothing is begun any more"
