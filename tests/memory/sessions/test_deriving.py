"""Sessions and steps as they are derived from the log, in whatever order it is read."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.sessions.nodes import Node
from memory.sessions.session import Option
from store.tables import interactions, session_steps, sessions
from tests.memory.sessions.conftest import make_house
from tests.memory.sessions.house import NOW, Match
from tests.memory.sessions.talks import CLEAN, GLAD, PRINTER, SOLVED, WHICH, conversation, record, user

NODES = (Node("root", "Which printer do you have?", ("HP LaserJet", "Brother")),)


def only(house):
    (session,) = house.all().values()
    return session


def test_a_conversation_becomes_a_session(house):
    talk = conversation(SOLVED, client="desk", project="apollo")
    house.derive(*talk)
    session = only(house)
    assert session.id == talk[0]["session_id"], "under the id that its calls carry"
    assert (session.client, session.project) == ("desk", "apollo"), "whose it is"
    assert session.problem_summary == PRINTER, "the user's first statement"
    assert session.problem_domain == "printing", "filed by its words"
    assert (session.status, session.ended_by) == ("resolved", "phrase"), "the user said that it works"
    assert session.ended_at == talk[3]["created_at"], "then"
    assert session.resolution_summary == CLEAN, "what solved it"
    assert (session.started_at, session.last_at) == (talk[0]["created_at"], talk[3]["created_at"]), "its times"
    assert [one.interaction_id for one in session.steps] == [one["id"] for one in talk], "each call is a step"
    first = session.steps[0]
    assert first.options == (Option("1", "HP LaserJet"), Option("2", "Brother")), "what was offered"
    assert first.option_selected == "Brother", "what was picked"
    assert (first.asked, first.said) == (PRINTER, WHICH), "the words of this turn alone"
    assert not session.has_free_text, "nothing in words of the user's own"


def test_an_end_waits_for_its_analysis_once(house):
    house.derive(*conversation(SOLVED))
    assert only(house).analysis == "waiting", "it is to be analysed"
    assert house.queued == [("default", only(house).id)], "queued in the same transaction, once"


def test_a_turn_after_a_phrase_opens_the_session_again(house):
    talk = conversation([*SOLVED, ("but the scanner is broken now", WHICH)])
    house.derive(*talk)
    session = only(house)
    assert (session.status, session.ended_at, session.ended_by) == ("active", None, None), "it goes on"
    assert session.analysis is None, "and is not to be analysed"


def test_thanks_after_a_phrase_leave_it_resolved(house):
    house.derive(*conversation([*SOLVED, ("thanks, bye", GLAD)]))
    assert only(house).status == "resolved", "nothing new was asked"
    assert only(house).ended_at == "2026-03-01 10:00:30", "it ended when it was said to work"


def test_once_analysed_turns_are_added_and_the_status_stays(house):
    talk = conversation([*SOLVED, ("but the scanner is broken now", WHICH)])
    house.derive(*talk[:4])
    house.database.transact(
        lambda connection: house.sessions.settle(connection, "default", only(house).id, "new_flow") and None
    )
    house.derive(talk[4])
    assert only(house).status == "resolved", "what was learned from stands"
    assert len(only(house).steps) == 5, "the turn is there all the same"


def test_a_wish_for_a_person_escalates(house):
    house.derive(*conversation([(PRINTER, CLEAN), ("get me a human", "Wait.")]))
    session = only(house)
    assert (session.status, session.ended_by) == ("escalated", "phrase"), "at once"
    assert session.escalation_reason == "get me a human", "in the user's words"
    assert session.analysis is None, "it is counted once the talk is over"
    assert house.escalated == [session.id], "and people are told, once"


def test_an_escalated_session_may_yet_be_resolved(house):
    house.derive(*conversation([(PRINTER, CLEAN), ("get me a human", "Wait."), ("never mind, it works now", GLAD)]))
    session = only(house)
    assert (session.status, session.escalation_reason) == ("resolved", None), "the last word counts"


def test_twice_is_the_same_as_once(house):
    talk = conversation(SOLVED)
    house.derive(*talk)
    before = told(house)
    for one in talk:
        assert house.deriving.derive(one) == [], "nothing is changed"
    assert told(house) == before, "not a row"


def test_what_was_forgotten_meanwhile_leaves_nothing(house):
    (one,) = conversation([(PRINTER, WHICH)])
    house.deriving.derive(one)
    assert house.rows(session_steps) == [], "no step of an interaction that is gone"
    assert house.rows(sessions) == [], "and no session"


def test_no_session_no_step(house):
    house.derive({**record("a", [user("Hi")], "Hello"), "session_id": ""})
    assert house.rows(session_steps) == [], "a posted interaction need not belong to one"


def test_words_are_redacted_before_they_are_stored(house):
    house.redact = lambda text: text.replace("ann@example.com", "[email]")
    talk = conversation(
        [("Mail to ann@example.com fails", "Is ann@example.com right?"), ("it is ann@example.com", "I see.")]
    )
    house.derive(*talk)
    stored = str(house.rows(session_steps)) + str(house.rows(sessions))
    assert "ann@example.com" not in stored, "in no column of either table"
    assert only(house).problem_summary == "Mail to [email] fails", "its kind stands there"


def test_people_who_open_alike_have_sessions_of_their_own(house):
    ann = conversation([(PRINTER, WHICH), ("1", "Restart it."), ("that fixed it", GLAD)], name="a")
    bob = conversation([(PRINTER, WHICH), ("an Epson", "I see."), ("get me a human", "Wait.")], name="b", begin=3)
    house.derive(*(one for pair in zip(ann, bob, strict=True) for one in pair))
    found = house.all().values()
    assert sorted(one.status for one in found) == ["escalated", "resolved"], "what one says ends not the other's"
    assert {one.root for one in found} == {ann[0]["session_id"]}, "though the calls carry one id"
    assert all(len(one.steps) == 3 for one in found), "each with its opening"


def test_a_session_that_loses_all_its_steps_is_gone(house):
    """Read backwards, the later talk takes the derived id first."""
    first = conversation([(PRINTER, WHICH), ("1", "Restart it.")], name="a")
    later = conversation([(PRINTER, WHICH), ("2", "Clean it.")], name="b", begin=600)
    house.derive(*reversed([*first, *later]))
    assert [len(one.steps) for one in house.all().values()] == [2, 2], "no empty session is left"


def test_session_ids_in_one_list_are_not_lost(house):
    """An earlier system appended ids to a JSON list in place, and lost them; here each is a row."""
    talks = [conversation([(f"{PRINTER} {number}", WHICH), ("2", CLEAN)], name=f"t{number}") for number in range(20)]
    house.derive(*(one for pair in zip(*talks, strict=True) for one in pair))
    assert len(house.all()) == 20, "each session is there"
    assert sum(len(one.steps) for one in house.all().values()) == 40, "with each of its steps"


# Matching


def at_start(house, score, *, turns=((PRINTER, WHICH),)):
    house.matches[PRINTER] = Match("flo_1", 3, score)
    house.derive(*conversation(turns))
    return only(house)


@pytest.mark.parametrize(
    ("score", "state", "followed", "suggested"),
    [
        (0.75, "attached", "flo_1", None),
        (0.9, "attached", "flo_1", None),
        (0.7499999, "suggested", None, "flo_1"),
        (0.6, "suggested", None, "flo_1"),
        (0.5999999, "none", None, "flo_1"),
        (0.5, "none", None, "flo_1"),
        (0.4999999, "none", None, None),
        (0.0, "none", None, None),
    ],
)
def test_the_match_at_the_start_attaches_suggests_or_is_only_kept(house, score, state, followed, suggested):
    session = at_start(house, score)
    assert session.match_state == state, "at this score"
    assert session.matched_flow == followed, "the flow that it follows"
    assert session.suggested_flow == suggested, "the flow to compare with"
    assert session.match_score == score, "the score is kept whatever comes of it"
    assert session.matched_version == (3 if followed else None), "in the version of the start"


def test_the_thresholds_in_force_count(house):
    house.rules = dataclasses.replace(house.rules, attach_at=0.9, suggest_at=0.3)
    assert at_start(house, 0.4).match_state == "suggested", "0.4 is enough now"


def test_without_any_flow_there_is_no_score(house):
    house.derive(*conversation([(PRINTER, WHICH)]))
    session = only(house)
    assert (session.match_score, session.match_state) == (None, "none"), "nothing was found"


def test_a_problem_is_matched_once_by_its_own_words_and_domain(house):
    at_start(house, 0.8, turns=SOLVED)
    assert house.asked == [(PRINTER, "printing")], "at the start, and not again with every turn"


def test_a_greeting_is_not_matched(house):
    house.derive(*conversation([("Hello", "How can I help?"), (PRINTER, WHICH)]))
    assert house.asked == [(PRINTER, "printing")], "the problem is"


def test_confidence_rises_with_picks_that_follow_the_flow(house):
    house.nodes["flo_1"] = NODES
    house.matches[PRINTER] = Match("flo_1", 1, 0.8)
    talk = conversation([(PRINTER, WHICH), ("2", CLEAN)])
    house.derive(talk[0])
    assert only(house).confidence == pytest.approx(0.8), "the score, to begin with"
    house.derive(talk[1])
    assert only(house).confidence == pytest.approx(0.9), "and a pick that follows"
    assert only(house).steps[0].node_id == "root", "the step stands at its node"


def test_confidence_falls_where_the_user_leaves_the_flow(house):
    house.nodes["flo_1"] = NODES
    house.matches[PRINTER] = Match("flo_1", 1, 0.8)
    house.derive(*conversation([(PRINTER, WHICH), ("an Epson", CLEAN)]))
    assert only(house).confidence == pytest.approx(0.4), "words of the user's own are on none of its ways"


# Any order


REPLIES = st.sampled_from(
    [
        ("2", CLEAN),
        ("an old one", "What do you see?"),
        ("yes", "Does it print now?"),
        ("that did not fix it", WHICH),
        ("thanks", GLAD),
        ("it works now", GLAD),
        ("get me a human", "Wait."),
        ("skip", WHICH),
    ]
)
TALKS = st.lists(REPLIES, min_size=1, max_size=4)


def told(house):
    """Everything that is stored of sessions and steps."""
    names = [column.name for column in sessions.c if not column.name.startswith("analys")]
    listed = sorted((tuple(row[name] for name in names) for row in house.rows(sessions)), key=str)
    return listed, sorted((tuple(row.values()) for row in house.rows(session_steps)), key=str)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(TALKS, st.integers(0, 40)), min_size=1, max_size=3),
    st.sampled_from([None, "named"]),
    st.booleans(),
    st.data(),
)
def test_steps_come_out_the_same_in_any_order(house, talks, session, again, data):
    records = []
    for number, (talk, begin) in enumerate(talks):
        records += conversation([(PRINTER, WHICH), *talk], name=f"t{number}", begin=begin, step=7, session=session)
    if again:
        last = records[-1]
        records.append({**last, "id": last["id"] + "b", "response": "Another answer."})
    shuffled = data.draw(st.permutations(records))
    house.matches[PRINTER] = Match("flo_1", 1, 0.8)
    house.nodes["flo_1"] = NODES
    results = []
    for order in (records, shuffled):
        for table in (interactions, session_steps, sessions):
            house.database.transact(lambda connection, table=table: connection.execute(sa.delete(table)) and None)
        house.derive(*order)
        results.append(told(house))
    in_order, in_any = results
    assert in_any[1] == in_order[1], "the same steps"
    assert in_any[0] == in_order[0], "the same sessions"


def test_two_who_write_at_once_lose_nothing(house):
    talks = [conversation(SOLVED, name=f"t{number}", session="shared", begin=number) for number in range(4)]
    records = [one for talk in talks for one in talk]
    for one in records:
        house.log(one)
    other = make_house(house.database)

    def work(deriving, share):
        for one in share:
            deriving.derive(one)

    threads = [
        threading.Thread(target=work, args=(house.deriving, records[::2])),
        threading.Thread(target=work, args=(other.deriving, records[1::2])),
        threading.Thread(target=work, args=(other.deriving, records[::3])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(house.rows(session_steps)) == len(records), "each step once"
    made = told(house)
    again = make_house(house.database)
    again.database.transact(lambda connection: again.deriving.refold(connection, "default", "shared"))
    assert told(house) == made, "and each as if it had come alone"


# Cheap


@pytest.mark.sqlite
def test_lists_and_steps_are_read_by_index(house):
    """With many interactions nothing is read from end to end."""
    plans = []

    def work(connection):
        for statement in (
            sa.select(sessions).order_by(sessions.c.last_at.desc(), sessions.c.id.desc()).limit(50),
            sa.select(sessions).where(sessions.c.namespace == "a").order_by(sessions.c.last_at.desc()).limit(50),
            sa.select(sessions).where(sessions.c.namespace == "a", sessions.c.id == "b"),
            sa.select(session_steps)
            .where(session_steps.c.namespace == "a", session_steps.c.session_id == "b")
            .order_by(session_steps.c.at.desc(), session_steps.c.interaction_id.desc()),
            sa.select(session_steps)
            .where(session_steps.c.namespace == "a", session_steps.c.root == "b")
            .order_by(session_steps.c.at.desc(), session_steps.c.interaction_id.desc()),
            sa.select(sessions).where(sessions.c.status == "active", sessions.c.last_at <= "x"),
            sa.select(interactions.c.id).where(interactions.c.id == "a"),
        ):
            text = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
            plans.append(" | ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")))

    house.database.transact(work)
    for plan in plans:
        assert "INDEX" in plan, plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan, f"nothing is sorted as a whole: {plan}"


def test_a_long_session_is_folded_by_its_latest_steps(house, monkeypatch):
    monkeypatch.setattr("memory.sessions.deriving.WINDOW", 5)
    talk = conversation([(PRINTER, WHICH), *(("2", WHICH) for _ in range(8))], session="long")
    house.derive(*talk)
    session = only(house)
    assert session.problem_summary == PRINTER, "what it began with stays"
    assert session.started_at == talk[0]["created_at"], "and when"
    assert [one.option_selected for one in session.steps[:-1]] == ["Brother"] * 8, "each pick is there"


def test_times_are_those_of_the_log(house):
    house.derive(*conversation([(PRINTER, WHICH)]))
    begun = datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert only(house).started_at == begun, "not of the work behind it"
