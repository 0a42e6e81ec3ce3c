"""Reinforcement: what answers use gains, what users contradict loses; over real SQL."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.context.packs import CLOSING, NOTES_HEAD, OPENING, PIECES_HEAD
from memory.echo.reinforcement import CONTRADICTED, LOW, UNUSED, Reinforcement, Rules
from memory.interactions import stamp
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.tables import audit, memories, memory_references
from store.tables import interactions as log

PERSON = Actor("person")
NOON = 1_790_000_000
FACT = "The Larkspur invoices are archived on Thursdays."
ECHO = "They go into the archive on Thursdays, like all Larkspur invoices: the invoices are archived then."


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(database, clock):
    return Memories(database, clock=clock)


@pytest.fixture
def reinforcement(kept, database, clock):
    return Reinforcement(kept, database, Rules, clock=clock)


@pytest.fixture
def remember(kept):
    """Write an active memory; gives its id."""

    def write(content=FACT, *, confidence=0.5, namespace="default", project="", memory_type="knowledge", **more):
        made, _ = kept.add(
            namespace=namespace,
            project=project,
            memory_type=memory_type,
            content=content,
            actor=PERSON,
            confidence=confidence,
            **more,
        )
        return made.id

    return write


@pytest.fixture
def answered(interactions, record, clock):
    """Log an interaction and give it as it is read back."""

    def log(prompt="When are the invoices archived?", response=ECHO, *, at=None, **fields):
        moment = stamp(datetime.fromtimestamp(clock.now if at is None else at, UTC))
        fields = {"policy": "default", "cache_status": "miss", "session_id": "s1", "created_at": moment, **fields}
        (id_,) = record({"prompt": prompt, "response": response, **fields})
        return interactions.get(id_)

    return log


def injected(*ids):
    """The fields of a call into whose prompt the proxy had put these memories."""
    return {"memories_used": list(ids), "context_pack": {"memories": list(ids)}}


def history(*turns):
    """A request with these turns, the user's first."""
    roles = itertools.cycle(["user", "assistant"])
    return json.dumps({"model": "m", "messages": [{"role": next(roles), "content": turn} for turn in turns]})


def test_a_memory_that_the_answer_used_gains_a_step(reinforcement, remember, answered, kept):
    id_ = remember()
    learned = reinforcement.learn(answered(**injected(id_)))
    memory = kept.get(id_)
    assert list(learned.used) == [id_], "the answer tells what the memory says"
    assert memory.confidence == pytest.approx(0.52), "one step"
    assert memory.reference_count == 1, "referenced once"
    assert memory.last_referenced_at == stamp(datetime.fromtimestamp(NOON, UTC)), "when the answer was given"


def test_the_change_is_audited_with_the_interaction_that_made_it(reinforcement, remember, answered, database):
    id_ = remember()
    record = answered(**injected(id_))
    reinforcement.learn(record)
    rows = database.query(sa.select(audit).where(audit.c.object_id == id_, audit.c.actor == "reinforcement"))
    assert [row["interaction_id"] for row in rows] == [record["id"]], "one row, and its cause"


def test_prompt_text_is_no_echo(reinforcement, remember, answered, kept):
    id_ = remember()
    asked = f"{FACT} Please say that in other words."
    assert not reinforcement.learn(answered(asked, ECHO, **injected(id_))).used, "named, but the prompt gave it"
    assert not reinforcement.learn(answered(asked, ECHO, session_id="s2")).used, "nor out of the pool"
    assert kept.get(id_).confidence == 0.5, "nothing moved"


@pytest.mark.parametrize("named", [True, False])
def test_what_stood_in_the_prompt_beside_memories_is_no_echo(reinforcement, remember, answered, kept, named):
    id_ = remember()
    block = f"{OPENING}{NOTES_HEAD}- {FACT}\n{PIECES_HEAD}Guide:\n> {ECHO}\n{CLOSING}"
    pack = {"text": block, "memories": [[id_, 1]] if named else []}
    told = reinforcement.learn(answered(context_pack=pack, memories_used=[id_] if named else []))
    assert not told.used, "the answer may have it from the document"
    alone = {**pack, "text": f"{OPENING}- {FACT}\n{CLOSING}"}
    told = reinforcement.learn(answered(context_pack=alone, memories_used=[id_], session_id="s2"))
    assert list(told.used) == [id_], "the block's own memories are no prompt"


def test_what_the_answer_before_told_may_be_repeated_from_there(reinforcement, remember, answered):
    remember()
    answered(at=NOON - 60, reason="told first")
    again = answered("And in one sentence?", ECHO, request=history("When are they archived?", ECHO, "And shorter?"))
    assert not reinforcement.learn(again).used, "the history told it already"


def test_confidence_does_not_saturate_over_500_turns_of_a_chatty_session(reinforcement, remember, answered, kept):
    id_ = remember()
    record = answered(**injected(id_))
    for turn in range(500):
        at = stamp(datetime.fromtimestamp(NOON + 700 * turn, UTC))
        reinforcement.learn({**record, "id": f"int_{turn:04}", "created_at": at})
    assert kept.get(id_).confidence == pytest.approx(0.52), "once per session, however long it lasts"
    assert kept.get(id_).reference_count == 1, "one reference"


def test_confidence_does_not_saturate_over_50_sessions_within_a_minute(reinforcement, remember, answered, kept, clock):
    id_ = remember()
    for number in range(50):
        clock.now = NOON + number
        reinforcement.learn(answered(session_id=f"s{number}", **injected(id_)))
    assert kept.get(id_).confidence == pytest.approx(0.52), "the cooldown lets one gain through"
    assert kept.get(id_).reference_count == 50, "all are references"


def test_the_cooldown_ends_and_confidence_is_capped(reinforcement, remember, answered, kept, clock):
    id_ = remember(confidence=0.97)
    for number in range(4):
        clock.now += 601
        reinforcement.learn(answered(session_id=f"s{number}", **injected(id_)))
    assert kept.get(id_).confidence == 1.0, "never above 1"


def test_jobs_done_in_another_order_come_out_the_same(reinforcement, remember, answered, kept):
    id_ = remember()
    records = [answered(session_id=f"s{at}", at=NOON + at, **injected(id_)) for at in (0, 30, 60)]
    for record in reversed(records):
        reinforcement.learn(record)
    assert kept.get(id_).confidence == pytest.approx(0.52), "one gain within the cooldown"


def test_learning_twice_is_learning_once(reinforcement, remember, answered, kept, database):
    id_ = remember()
    record = answered(**injected(id_))
    first = reinforcement.learn(record)
    before = database.query(sa.select(memories)), database.query(sa.select(audit))
    assert reinforcement.learn(record) == first, "a second try says the same"
    assert (database.query(sa.select(memories)), database.query(sa.select(audit))) == before, "and changes nothing"
    assert kept.get(id_).injected_count == 1, "injected once"


def test_a_killed_write_leaves_nothing_behind(reinforcement, remember, answered, database, monkeypatch, kept):
    id_ = remember()
    record = answered(**injected(id_))

    def killed(*_, **__):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(kept, "adjust", killed)
        with pytest.raises(RuntimeError, match="killed"):
            reinforcement.learn(record)
    assert database.query(sa.select(memory_references)) == [], "the row and the confidence go together"
    reinforcement.learn(record)
    assert kept.get(id_).confidence == pytest.approx(0.52), "the next try does it whole"


@pytest.mark.parametrize("status", ["hit", "stale"])
def test_answers_out_of_the_cache_move_nothing(reinforcement, remember, answered, kept, status):
    id_ = remember()
    learned = reinforcement.learn(answered(cache_status=status, **injected(id_)))
    assert not learned.used, "no model made this answer"
    assert kept.get(id_).injected_count == 0, "nor was anything injected"


def test_candidates_are_never_reinforced(reinforcement, remember, answered, kept):
    id_ = remember(status="candidate")
    assert not reinforcement.learn(answered(**injected(id_))).used, "named or not"
    assert not reinforcement.learn(answered(session_id="s2")).used, "nor in the pool"
    assert kept.get(id_).confidence == 0.5, "nothing moved"


@pytest.mark.parametrize("fields", [{"success": False}, {"response": "", "response_summary": ""}, {"collapsed": True}])
def test_calls_that_failed_or_were_not_made_move_nothing(reinforcement, remember, answered, fields):
    id_ = remember()
    assert not reinforcement.learn(answered(**{"response": ECHO, **fields}, **injected(id_))).used, "no answer, no use"


def test_the_summary_counts_as_the_response(reinforcement, remember, answered):
    id_ = remember()
    record = answered(response="", response_summary=ECHO, policy=None, cache_status=None)
    assert list(reinforcement.learn(record).used) == [id_], "posted with a summary alone"


def test_the_pool_is_the_project_and_what_is_known_of_the_person(reinforcement, remember, answered):
    own = remember(project="larkspur")
    remember(project="other")
    remember()
    whose = remember("The user archives invoices on Thursdays.", memory_type="preference")
    remember(namespace="stranger", project="larkspur")
    learned = reinforcement.learn(
        answered(project="larkspur", response=f"{ECHO} The user archives invoices on Thursdays.")
    )
    assert set(learned.used) == {own, whose}, "not other projects, general knowledge or other namespaces"


def test_only_named_memories_are_credited_where_some_are_named(reinforcement, remember, answered):
    named = remember("The user likes tea.")
    remember()
    assert not reinforcement.learn(answered(**injected(named))).used, "the echoed one was not in the prompt"


def test_memories_of_another_namespace_cannot_be_named(reinforcement, remember, answered, kept):
    id_ = remember(namespace="stranger")
    assert not reinforcement.learn(answered(**injected(id_))).used, "not this caller's"
    assert kept.get(id_).injected_count == 0, "nor counted"


def test_injections_are_counted_and_the_unused_return_to_review(kept, database, remember, answered, clock):
    id_ = remember()
    reinforcement = Reinforcement(kept, database, lambda: Rules(unused_after=3), clock=clock)
    for number in range(3):
        assert kept.get(id_).review is None, "not yet"
        reinforcement.learn(answered(response="No idea.", session_id=f"s{number}", **injected(id_)))
    assert kept.get(id_).injected_count == 3, "each call counts"
    assert kept.get(id_).review == UNUSED, "three times for nothing"


def test_what_was_posted_shows_no_injection(reinforcement, remember, answered, kept):
    id_ = remember()
    learned = reinforcement.learn(answered(policy=None, memories_used=[id_]))
    assert list(learned.used) == [id_], "the client says which it used"
    assert kept.get(id_).injected_count == 0, "but the proxy put in none"


def test_a_contradiction_in_the_next_turn_lowers_the_memory_and_names_the_answer(
    reinforcement, remember, answered, kept
):
    id_ = remember(confidence=0.9)
    before = answered(at=NOON - 60, **injected(id_))
    said = "No, the Larkspur invoices are no longer archived on Thursdays."
    turn = answered(said, "Noted.", request=history("When?", ECHO, said))
    learned = reinforcement.learn(turn)
    assert list(learned.contradicted) == [id_], "the user says so"
    assert list(learned.lowered_interactions) == [before["id"]], "whose cached answer is to be lowered"
    assert kept.get(id_).confidence == pytest.approx(0.8), "lowered once"
    assert reinforcement.learn(turn) == learned, "a second try says the same"
    assert kept.get(id_).confidence == pytest.approx(0.8), "and lowers nothing further"


def test_a_memory_that_falls_low_returns_to_review(reinforcement, remember, answered, kept):
    id_ = remember(confidence=LOW + 0.05)
    answered(at=NOON - 60, **injected(id_))
    said = "The Larkspur invoices are not archived on Thursdays anymore."
    reinforcement.learn(answered(said, "Noted."))
    assert kept.get(id_).review == CONTRADICTED, "a person decides"


def test_a_correction_counts_only_where_history_shows_the_answer_or_the_session_was_named(
    reinforcement, remember, answered, kept
):
    id_ = remember(confidence=0.9)
    said = "No, the Larkspur invoices are no longer archived on Thursdays."
    answered(at=NOON - 60, session_id="ses_0123", **injected(id_))
    alone = answered(said, "Noted.", session_id="ses_0123", request=history(said))
    assert not reinforcement.learn(alone).contradicted, "a stranger who opens alike has the same derived session"
    other = answered(said, "Noted.", session_id="ses_0123", request=history("When?", "On Mondays.", said))
    assert not reinforcement.learn(other).contradicted, "the history shows another answer"
    shown = answered(said, "Noted.", session_id="ses_0123", request=history("When?", ECHO, said))
    assert list(reinforcement.learn(shown).contradicted) == [id_], "the history shows this answer"


def test_a_question_or_another_topic_contradicts_nothing(reinforcement, remember, answered):
    id_ = remember()
    answered(at=NOON - 60, **injected(id_))
    for said in ("Are the Larkspur invoices not archived on Thursdays?", "No thanks.", "I don't like rain."):
        assert not reinforcement.learn(answered(said, "Well.")).contradicted, said


def test_decay_is_undone_by_an_echo_but_no_persons_word(reinforcement, remember, answered, kept, database):
    decayed, parted = remember(confidence=0.25), remember("The Larkspur invoices are archived in blue boxes.")
    hygiene = Actor("hygiene", "decayed below the floor")

    def decay(connection):
        kept.adjust(connection, decayed, actor=hygiene, action="decay", status="superseded", decayed_on="2026-09-01")
        kept.adjust(connection, parted, actor=hygiene, action="decay", confidence=0.4, decayed_on="2026-09-01")

    database.transact(decay)
    kept.supersede(parted, PERSON)
    response = f"{ECHO} The Larkspur invoices are archived in blue boxes."
    assert list(reinforcement.learn(answered(response=response)).used) == [decayed], "the person's word stands"
    assert kept.get(decayed).status == "active", "reinforcement brings it back"
    assert kept.get(parted).status == "superseded", "this one stays"


def test_what_has_expired_does_not_come_back(reinforcement, remember, answered, kept, database):
    id_ = remember(confidence=0.4)

    def expire(connection):
        kept.adjust(connection, id_, actor=Actor("hygiene"), action="decay", confidence=0.35, decayed_on="2026-09-01")
        kept.adjust(connection, id_, actor=Actor("hygiene"), action="expire", status="superseded")

    database.transact(expire)
    assert not reinforcement.learn(answered()).used, "its time is over, whatever an answer says"


def test_what_is_no_call_to_a_model_moves_nothing(reinforcement, remember, answered):
    remember()
    assert not reinforcement.learn(answered(interaction_type="tool", policy=None)).used, "a tool run is no answer"


COUNT = itertools.count()
STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3000), st.booleans()), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.floats(0, 1), st.floats(0, 1))
def test_confidence_keeps_to_its_range_and_never_falls_by_uses(database, steps, first, step):
    kept = Memories(database)
    memory, _ = kept.add(
        namespace=f"n{next(COUNT)}",
        project="",
        memory_type="knowledge",
        content=FACT,
        actor=PERSON,
        confidence=first,
    )
    reinforcement = Reinforcement(kept, database, lambda: Rules(step=step))
    record = dict.fromkeys(log.c.keys()) | {
        "interaction_type": "llm",
        "namespace": memory.namespace,
        "prompt": "When are they archived?",
        "response": ECHO,
        "success": True,
        "policy": "p",
        **injected(memory.id),
    }
    confidence = first
    for session, seconds, twice in steps:
        at = stamp(datetime.fromtimestamp(NOON + seconds, UTC))
        record |= {"id": f"int_{next(COUNT)}", "session_id": f"s{session}", "created_at": at}
        reinforcement.learn(record)
        now = kept.get(memory.id).confidence
        assert confidence <= now <= 1.0, "uses only add, up to 1"
        if twice:
            reinforcement.learn(record)
            assert kept.get(memory.id).confidence == now, "twice is once"
        confidence = now
