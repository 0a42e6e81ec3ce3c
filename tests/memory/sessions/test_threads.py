"""People who open with the same words share a derived id: whose turn is it?"""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from memory.sessions.reading import read
from memory.sessions.threads import assign
from tests.memory.sessions.talks import PRINTER, SOLVED, WHICH, conversation, record, user

IDLE = 1800.0


def sessions(*records, settled=()):
    """Interactions by session, each in the order of time."""
    readings = [read(one, str) for one in records]
    placed = assign(readings, dict(settled), IDLE)
    found = defaultdict(list)
    for one in sorted(readings, key=lambda one: (one.at, one.interaction_id)):
        found[placed[one.interaction_id]].append(one.interaction_id)
    return dict(found)


def ids(records):
    return [one["id"] for one in records]


def test_a_conversation_is_one_session_with_the_derived_id():
    talk = conversation(SOLVED)
    assert sessions(*talk) == {talk[0]["session_id"]: ids(talk)}, "all of its turns"


def test_the_same_words_later_open_another_session():
    first, second = conversation(SOLVED, name="a"), conversation(SOLVED, name="b", begin=600)
    found = sessions(*first, *second)
    assert list(found.values()) == [ids(first), ids(second)], "each its own"
    assert first[0]["session_id"] in found, "the first has the id itself"
    assert all(id_.startswith(first[0]["session_id"]) for id_ in found), "the other's begins with it"


def test_two_who_talk_at_once_are_told_apart_by_their_histories():
    ann = conversation([(PRINTER, WHICH), ("1", "Restart it."), ("ok", "Does it print?")], name="a")
    bob = conversation([(PRINTER, WHICH), ("2", "Clean it."), ("done", "Does it print?")], name="b", begin=3)
    found = sessions(*ann, *bob)
    assert sorted(map(sorted, found.values())) == [ids(ann), ids(bob)], "an opening each, though they are the same"


def test_the_same_words_answered_otherwise_are_told_apart_by_the_answer_shown():
    ann = conversation([(PRINTER, "Which model?"), ("the old one", "Restart it.")], name="a")
    bob = conversation([(PRINTER, "Since when?"), ("today", "Clean it.")], name="b", begin=3)
    found = sessions(*ann, *bob)
    assert sorted(map(sorted, found.values())) == [ids(ann), ids(bob)], "each goes on from its own answer"


def test_an_opening_repeated_at_once_is_no_other_session():
    opening = [user(PRINTER)]
    found = sessions(record("a", opening, WHICH), record("b", opening, "Which one?", second=5))
    assert list(found.values()) == [["a", "b"]], "a retry, or an answer asked for again"


def test_an_opening_after_a_long_silence_is_another_session():
    opening = [user(PRINTER)]
    found = sessions(record("a", opening, WHICH), record("b", opening, WHICH, second=1801))
    assert list(found.values()) == [["a"], ["b"]], "nobody waits that long"


def test_a_turn_asked_again_stays_in_its_session():
    talk = conversation(SOLVED)
    again = {**talk[1], "id": "int_001b", "response": "Turn it off and on.", "created_at": "2026-03-01 10:00:15"}
    assert len(sessions(*talk, again)) == 1, "regenerated, not another conversation"


def test_a_turn_that_leaves_the_history_earlier_opens_a_session():
    talk = conversation(SOLVED)
    edited = conversation([(PRINTER, WHICH), ("Actually it is a scanner", "Ah.")], name="e", begin=100)[1]
    found = sessions(*talk, edited)
    assert [len(listed) for listed in found.values()] == [4, 1], "the talk that it left stays as it was"


def test_a_turn_that_was_not_logged_leaves_no_gap():
    talk = conversation(SOLVED)
    del talk[1]
    assert len(sessions(*talk)) == 1, "the history holds the turns before"


def test_clients_are_never_mixed():
    opening = [user(PRINTER)]
    found = sessions(record("a", opening, WHICH, client="desk"), record("b", opening, WHICH, second=1, client="shop"))
    assert len(found) == 2, "another client is another talk"


def test_runs_that_were_posted_belong_to_the_latest_talk():
    talk = conversation(SOLVED)
    ran = {**talk[0], "id": "run", "interaction_type": "tool", "request": None, "created_at": "2026-03-01 10:00:12"}
    assert len(sessions(*talk, ran)) == 1, "and part no conversation"


def test_what_is_settled_stays_where_it_is():
    talk = conversation(SOLVED)
    found = sessions(*talk, settled={talk[0]["id"]: "elsewhere"})
    assert found["elsewhere"] == ids(talk), "and what goes on from it goes there"


ANSWERS = st.sampled_from([WHICH, "Which model?"])
TALKS = st.lists(st.tuples(st.sampled_from(["1", "2", "no"]), ANSWERS), min_size=0, max_size=3)


@settings(max_examples=40)
@given(st.lists(st.tuples(TALKS, ANSWERS, st.integers(0, 60)), min_size=1, max_size=4), st.data())
def test_the_order_in_which_turns_become_known_makes_no_difference(talks, data):
    records = []
    for number, (talk, answer, begin) in enumerate(talks):
        records += conversation([(PRINTER, answer), *talk], name=f"t{number}", begin=begin, step=7)
    shuffled = data.draw(st.permutations(records))
    assert sessions(*shuffled) == sessions(*records), "the same sessions"
