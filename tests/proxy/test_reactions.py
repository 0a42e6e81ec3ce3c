"""Reactions: what callers do after an answer moves its quality, behind the response and without breaking a call."""

from __future__ import annotations

import dataclasses
import time

import pytest
import sqlalchemy as sa

from cache.decision import Hit, Miss, Reason
from proxy.controls import Controls
from proxy.labels.reactions import Reactions
from store.database import Database
from store.entries import Entries
from store.errors import DatabaseError
from store.labels import Labels
from tests.proxy.fakes import answer, chat_request, entry, exchange, outcome

ASKED = "What is the capital of Australia?"
WRONG = "That's wrong."


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def entries(database):
    made = Entries(database, 10)
    made.add(entry(created_at=time.time() - 60), None, None, replace=False).result(60)
    return made


@pytest.fixture
def labels(database):
    return Labels(database)


@pytest.fixture
def failures():
    return []


@pytest.fixture
def reactions(entries, labels, failures):
    made = Reactions(entries, labels, failures.append)
    yield made
    made.close()


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def call(*messages, namespace="default", session=None, **changes):
    """A call of these messages; of one text, of a user's message that says it."""
    turns = [user(message) if isinstance(message, str) else message for message in messages]
    return exchange(chat_request(messages=turns, controls=Controls(session=session), **changes), namespace=namespace)


def served(tier=None, text="Sydney.", **changes):
    """The answer ``ent_1``: fresh, or from a tier."""
    decision = Miss(Reason.NO_ENTRY)
    if tier is not None:
        decision = Hit(
            entry(), tier, 1.0 if tier == "exact" else 0.95, Reason.EXACT if tier == "exact" else Reason.SIMILAR
        )
    return outcome(decision, **{"answer": answer(text), "entry_id": "ent_1", **changes})


def judged(reactions, entries):
    """What the evidence so far has added to the entry's prior."""
    reactions.wait()
    found = entries.get("ent_1")
    return round(found.alpha - 9.0, 6), round(found.beta - 1.0, 6)


# The next turn of a conversation


@pytest.mark.parametrize("tier", [None, "exact"])
@pytest.mark.parametrize(
    ("said", "moved"),
    [
        (WRONG, (0.0, 4.0)),
        ("No, I meant Austria", (0.0, 4.0)),
        (ASKED, (0.0, 2.0)),
        ("Thanks!", (1.0, 0.0)),
        ("And of New Zealand?", (0.1, 0.0)),
        ("Are you sure?", (0.0, 0.0)),
        ("No, thanks", (1.0, 0.0)),
    ],
)
def test_the_next_turn_moves_the_entry_of_the_answer_before_it(reactions, entries, failures, tier, said, moved):
    reactions.answered(call(ASKED), served(tier))
    reactions.arrived(call(ASKED, assistant("Sydney."), said))
    assert judged(reactions, entries) == moved, f"{said!r} says that much"
    assert failures == [], "nothing failed"


def test_the_answer_is_known_by_its_text_and_question_whatever_surrounds_them(reactions, entries):
    reactions.answered(call({"role": "system", "content": "Be brief."}, ASKED), served(text="Sydney.\n"))
    parts = [{"type": "text", "text": "Sydney."}]
    reactions.arrived(call("Hi", assistant("Hello"), ASKED, {"role": "assistant", "content": parts}, WRONG))
    assert judged(reactions, entries) == (0.0, 4.0), "a client may send its history in a form of its own"


@pytest.mark.parametrize(
    "messages",
    [
        (ASKED, assistant("Canberra."), WRONG),
        ("What is the largest city of Australia?", assistant("Sydney."), WRONG),
        (ASKED, assistant("Sydney."), "And?", WRONG),
        (ASKED, assistant("Sydney."), user(WRONG), assistant("Sorry."), user("Thanks!")),
        (ASKED, assistant("Sydney."), {"role": "tool", "tool_call_id": "c", "content": WRONG}),
        (ASKED, assistant("Sydney.")),
        (WRONG,),
    ],
)
def test_only_the_turn_right_after_our_answer_is_about_it(reactions, entries, messages):
    reactions.answered(call(ASKED), served())
    reactions.arrived(call(*messages))
    assert judged(reactions, entries) == (0.0, 0.0), "this is about something else"


def test_another_namespace_or_part_says_nothing(reactions, entries):
    reactions.answered(call(ASKED), served())
    reactions.arrived(call(ASKED, assistant("Sydney."), WRONG, namespace="other"))
    assert judged(reactions, entries) == (0.0, 0.0), "nothing is shared across namespaces"


def test_each_next_turn_counts_once(reactions, entries):
    reactions.answered(call(ASKED), served())
    for _ in range(3):
        reactions.arrived(call(ASKED, assistant("Sydney."), WRONG))
    assert judged(reactions, entries) == (0.0, 4.0), "a call sent again says nothing new"
    reactions.arrived(call(ASKED, assistant("Sydney."), "That is not right"))
    assert judged(reactions, entries) == (0.0, 8.0), "another turn does"


def test_corrections_from_several_conversations_add_up_to_quarantine(reactions, entries):
    for _ in range(6):
        reactions.answered(call(ASKED), served())
        reactions.arrived(call(ASKED, assistant("Sydney."), WRONG))
    reactions.wait()
    assert entries.get("ent_1").status == "quarantined", "whoever gets this answer objects"


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_id": None},
        {"status": 502},
        {"error": "client_gone"},
        {"answer": None},
        {"answer": answer("")},
        {"answer": {"choices": []}},
    ],
)
def test_what_was_not_an_answer_of_an_entry_is_not_remembered(reactions, entries, failures, changes):
    reactions.answered(call(ASKED), served(**changes))
    reactions.arrived(call(ASKED, assistant("Sydney."), WRONG))
    reactions.arrived(call(ASKED, assistant(""), WRONG))
    assert judged(reactions, entries) == (0.0, 0.0), "there is no entry to judge"
    assert failures == [], "and nothing failed"


# Matches by meaning


def test_an_answer_to_a_similar_prompt_is_judged_less_and_its_pair_refused(reactions, entries, labels):
    asked = call(ASKED)
    reactions.answered(asked, served("semantic"))
    reactions.arrived(call(ASKED, assistant("Sydney."), WRONG))
    assert judged(reactions, entries) == (0.0, 1.0), "perhaps the match was wrong, not the answer"
    assert labels.judged_wrong(asked.call.exact_key, ["k"]) == {"k"}, "the pair is not served again"
    assert labels.counts() == {}, "but nothing is learned for a cut"


@pytest.mark.parametrize(("tier", "said"), [("exact", WRONG), ("semantic", "Thanks!"), ("semantic", ASKED)])
def test_a_pair_is_refused_only_when_a_match_is_corrected(reactions, entries, labels, tier, said):
    asked = call(ASKED)
    reactions.answered(asked, served(tier))
    reactions.arrived(call(ASKED, assistant("Sydney."), said))
    reactions.wait()
    assert labels.judged_wrong(asked.call.exact_key, ["k"]) == set(), "nobody said that the match was wrong"


# Named sessions


@pytest.mark.parametrize("how", ["header", "metadata"])
@pytest.mark.parametrize(
    ("said", "moved"),
    [
        (WRONG, (0.0, 4.0)),
        ("Tell me the capital of Australia!", (0.0, 2.0)),
        ("Thanks!", (1.0, 0.0)),
        ("How do I boil an egg?", (0.0, 0.0)),
        (ASKED, (0.0, 0.0)),
    ],
)
def test_without_a_history_the_named_session_tells(reactions, entries, how, said, moved):
    named = {"session": "s"} if how == "header" else {"metadata": {"session_id": "s"}}
    reactions.answered(call(ASKED, **named), served())
    reactions.arrived(call(said, **named))
    assert judged(reactions, entries) == moved, f"{said!r} says that much of the answer before it"


def test_another_session_or_none_says_nothing(reactions, entries):
    reactions.answered(call(ASKED, session="s"), served())
    reactions.answered(call(ASKED), served())
    for named in ({"session": "t"}, {}, {"metadata": {"session_id": 7}}, {"session": "s", "namespace": "other"}):
        reactions.arrived(call(WRONG, **named))
    assert judged(reactions, entries) == (0.0, 0.0), "only a session that was named, and is the same"


def test_in_a_session_only_the_last_answer_is_meant(reactions, entries):
    reactions.answered(call(ASKED, session="s"), served())
    reactions.answered(call("Set an alarm", session="s"), served(entry_id=None))
    reactions.arrived(call(WRONG, session="s"))
    assert judged(reactions, entries) == (0.0, 0.0), "what is wrong is the answer that has no entry"


# Asked anew


def refreshed(store=True):
    made = call(ASKED)
    return dataclasses.replace(made, call=dataclasses.replace(made.call, refresh=True, store=store))


def keyed_like(entries, made, **changes):
    stored = entry(**{"id": "ent_2", "exact_key": made.call.exact_key, "created_at": time.time() - 60, **changes})
    entries.add(stored, None, None, replace=False).result(60)


def test_who_asks_anew_says_that_the_stored_answers_will_not_do(reactions, entries):
    again = refreshed()
    keyed_like(entries, again)
    reactions.arrived(again)
    reactions.arrived(again)
    reactions.wait()
    assert (entries.get("ent_2").alpha, entries.get("ent_2").beta) == (9.0, 2.0), "each call counts once"
    assert entries.get("ent_1").beta == 1.0, "answers under other keys are not meant"


@pytest.mark.parametrize("changes", [{"source_interaction_id": "own"}, {"created_at": 4e9}])
def test_the_fresh_answer_is_not_blamed(reactions, entries, changes):
    again = refreshed()
    if "source_interaction_id" in changes:
        changes = {"source_interaction_id": again.interaction_id}
    keyed_like(entries, again, **changes)
    reactions.arrived(again)
    reactions.wait()
    assert entries.get("ent_2").beta == 1.0, "it came after the caller had asked"


def test_who_wants_no_cache_at_all_says_nothing_of_the_answer(reactions, entries):
    again = refreshed(store=False)
    keyed_like(entries, again)
    reactions.arrived(again)
    reactions.wait()
    assert entries.get("ent_2").beta == 1.0, "no-store beside no-cache is a way around the cache"


# Failures


def test_a_failing_store_is_told_and_breaks_nothing(reactions, entries, database, failures):
    reactions.answered(call(ASKED), served())
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE evidence")))
    reactions.arrived(call(ASKED, assistant("Sydney."), WRONG))
    reactions.wait()
    assert [type(error) for error in failures] == [DatabaseError], "the failure is told, once"


@pytest.mark.parametrize(
    "messages",
    [
        [user(None), assistant(None), user(None)],
        [user([{"type": "text", "text": 7}, "x"]), assistant([]), user([{}])],
        [user("\ud800"), assistant("\ud800"), user("\ud800")],
        [{"role": "user"}],
    ],
)
def test_odd_messages_break_nothing(reactions, entries, failures, messages):
    reactions.answered(call(*messages, session="s"), served(text="\ud800"))
    reactions.arrived(call(*messages, session="s"))
    assert judged(reactions, entries)[1] >= 0.0, "the thread goes on"
    assert failures == [], "and nothing failed"


def test_what_arrives_after_the_end_is_let_go(entries, labels, failures):
    ended = Reactions(entries, labels, failures.append)
    ended.close()
    ended.answered(call(ASKED), served())
    ended.arrived(call(ASKED, assistant("Sydney."), WRONG))
    assert failures == [], "a server that stops answers all the same"
    assert entries.get("ent_1").beta == 1.0, "nothing more is learned"


def test_no_more_wait_than_the_server_can_learn_from(entries, labels, failures, monkeypatch):
    monkeypatch.setattr("proxy.labels.reactions.MOST_WAITING", 2)
    few = Reactions(entries, labels, failures.append)
    few.answered(call(ASKED), served())
    with entries._judging:
        for number in range(5):
            few.arrived(call(ASKED, assistant("Sydney."), f"{WRONG} {number}"))
    few.close()
    assert len(entries.evidence("ent_1")) == 2, "the rest was let go"
