"""The review queue: what waits, in which order, what its cards show, and what each decision does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, Provenance
from memory.review.cards import Nearest, word_diff
from memory.review.queue import KINDS, Review
from store.tables import memory_pairs

ANN = Actor("ann")
TEA, MATE = "The user drinks green tea in the morning", "The user drinks green mate in the morning"


@pytest.fixture
def memories(database):
    return Memories(database, redact=lambda text: text.replace("hunter2", "[secret]"))


@pytest.fixture
def review(memories, database):
    return Review(memories, database)


def write(memories, content=TEA, **given):
    fields = {"namespace": "home", "project": "apollo", "memory_type": "preference", "content": content, "actor": ANN}
    return memories.add(**{**fields, **given})[0]


def extract(memories, content=TEA, source="int_0", **given):
    origin = given.pop("origin", None) or Provenance(source, "user", "preference_sentence", "rules/1", 0, 9, content)
    fields = {"status": "candidate", "confidence": 0.5, "written_by": "extraction", "provenance": origin}
    return write(memories, content, **{**fields, **given})


@pytest.fixture
def pair(memories, database):
    """Hygiene's word that two memories belong together; gives the pair's id."""

    def make(one, other, kind="merge", score=0.9):
        first, second = sorted((one.id, other.id))
        row = {"kind": kind, "first": first, "second": second, "score": score, "status": "open", "at": "2027-01-01"}
        database.transact(lambda connection: connection.execute(sa.insert(memory_pairs).values(**row)) and None)
        return f"{kind}:{first}:{second}"

    return make


@pytest.fixture
def doubt(memories, database):
    """Send an active memory back to review."""

    def make(memory, why="unused"):
        given = {"actor": Actor("reinforcement"), "action": why, "review": why}
        database.transact(lambda connection: memories.adjust(connection, memory.id, **given) and None)
        return memory

    return make


def shown(review, **filters):
    return [card.id for card in review.queue(**filters).cards]


def decide(review, id_, action, **given):
    (outcome,) = review.decide([{"id": id_, "action": action, **given}], "ann")
    return outcome


# The queue


def test_an_empty_queue_says_so(review):
    found = review.queue()
    assert list(found.cards) == []
    assert found.waiting == dict.fromkeys(KINDS, 0)


def test_the_most_supported_comes_first_then_the_surest_then_the_oldest(memories, review):
    oldest = extract(memories, "The first of three")
    younger = extract(memories, "The second of three")
    surer = extract(memories, "A surer one", confidence=0.9)
    for source in ("int_1", "int_2"):
        often = extract(memories, "Said often", source)
    assert shown(review) == [often.id, surer.id, oldest.id, younger.id]
    assert shown(review, limit=2) == [often.id, surer.id]
    assert shown(review, limit=0) == []
    assert review.queue(limit=1).waiting["memory"] == 4, "what waits is counted whole"


def test_the_queue_is_filtered(memories, review, doubt):
    candidate = extract(memories)
    other = extract(memories, namespace="work", project="gemini")
    doubted = doubt(write(memories, "Never used", project=""))
    assert shown(review, namespace="work") == [other.id]
    assert shown(review, project="apollo") == [candidate.id]
    assert shown(review, project="") == [doubted.id]
    assert shown(review, kind="unused") == [doubted.id]
    assert review.queue(namespace="home").waiting["memory"] == 1
    with pytest.raises(MemoryFault) as fault:
        review.queue(kind="flows")
    assert fault.value.field == "kind"


def test_what_is_active_and_in_no_doubt_does_not_wait(memories, review):
    write(memories)
    memories.reject(extract(memories, "Not this").id, ANN)
    assert shown(review) == []


def test_a_card_shows_the_span_with_its_surroundings_cleaned_and_redacted(memories, review, record):
    prompt = "My pw is hunter2.\u200b I drink green tea in the morning. Thanks hunter2!"
    (source,) = record({"prompt": prompt})
    start = prompt.index("I drink")
    end = prompt.index(" Thanks")
    origin = Provenance(source, "user", "preference_sentence", "rules/1", start, end, prompt[start:end])
    extract(memories, origin=origin)
    (card,) = review.queue().cards
    assert (card.rule, card.extractor, card.supports, card.supporting) == (
        "preference_sentence",
        "rules/1",
        1,
        [source],
    )
    assert (card.span.interaction_id, card.span.role) == (source, "user")
    assert prompt[card.span.start : card.span.end] == card.span.text, "the offsets are those of the log"
    assert (card.span.before, card.span.after) == ("My pw is [secret].", "Thanks [secret]!")


def test_a_span_of_an_answer_stands_in_the_response(memories, review, record):
    (source,) = record({"prompt": "Hi", "response": "Well. Decided to use Rust. Fine."})
    said = "Decided to use Rust."
    extract(memories, origin=Provenance(source, "assistant", "decided_to_sentence", "rules/1", 6, 26, said))
    (card,) = review.queue().cards
    assert (card.span.before, card.span.after) == ("Well.", "Fine.")


def test_what_stands_around_a_span_is_cut_between_words_and_names_the_right_place(memories, review, record):
    prompt = "I drink tea. " + "word " * 100 + "I drink tea. " + "other " * 100 + "I drink tea."
    (source,) = record({"prompt": prompt})
    start = prompt.index("I drink", 20)
    extract(memories, origin=Provenance(source, "user", "r", "rules/1", start, start + 12, "I drink tea."))
    (card,) = review.queue().cards
    assert set(card.span.before.split()) == {"word"}, "the second of three, and no half words"
    assert set(card.span.after.split()) == {"other"}
    assert 100 < len(card.span.before) <= 160


def test_a_secret_is_known_by_words_on_the_other_side_of_the_span(database, record):
    def redact(text):
        return text.replace("hunter2", "[secret]") if "password" in text else text

    memories = Memories(database, redact=redact)
    prompt = "It is hunter2. I drink tea. That was my password."
    (source,) = record({"prompt": prompt})
    extract(memories, origin=Provenance(source, "user", "r", "rules/1", 15, 27, "I drink tea."))
    (card,) = Review(memories, database).queue().cards
    assert card.span.before == "It is [secret]."


@pytest.mark.parametrize(("start", "end"), [(5, 5), (-1, 4), (0, 99), (9, 3)])
def test_a_span_that_does_not_fit_the_interaction_stands_alone(memories, review, record, start, end):
    (source,) = record({"prompt": "I drink tea"})
    extract(memories, origin=Provenance(source, "user", "r", "rules/1", start, end, "I drink"))
    (card,) = review.queue().cards
    assert (card.span.text, card.span.before, card.span.after) == ("I drink", "", "")


def test_a_card_of_a_forgotten_interaction_still_shows_its_span(memories, review):
    extract(memories, source="int_gone")
    (card,) = review.queue().cards
    assert (card.span.text, card.span.before, card.span.after) == (TEA, "", "")


def test_a_card_shows_the_nearest_active_memory_and_what_differs(memories, review):
    near = write(memories, MATE)
    write(memories, "Releases are on Fridays")
    write(memories, TEA, namespace="work")
    extract(memories)
    (card,) = review.queue().cards
    assert card.nearest.id == near.id, "of its own namespace"
    assert 0.5 < card.nearest.similarity < 1
    changed = [(step, words) for step, words in card.nearest.diff if step != "equal"]
    assert changed == [("delete", "mate"), ("insert", "tea")]


def test_nothing_is_near_where_nothing_is_shared(memories, review):
    write(memories, "Releases are on Fridays")
    extract(memories)
    assert review.queue().cards[0].nearest is None


def test_the_nearest_of_many_is_found_and_known_as_soon_as_it_is_there(memories, review):
    for number in range(250):
        write(memories, f"The user drinks something else, number {number}")
    extract(memories)
    assert review.queue().cards[0].nearest is None, "common words make nobody near"
    near = write(memories, MATE)
    assert review.queue().cards[0].nearest.id == near.id


def test_of_equally_near_memories_the_one_of_the_same_project_and_type_is_shown(memories):
    other = write(memories, MATE, project="gemini", memory_type="knowledge")
    own = write(memories, MATE)
    nearest = Nearest([other, own])
    assert nearest(write(memories)).id == own.id


def test_a_diff_can_be_read_both_ways():
    steps = word_diff("we meet on Monday", "we never meet on Friday  morning")
    assert steps == [
        ("equal", "we"),
        ("insert", "never"),
        ("equal", "meet on"),
        ("delete", "Monday"),
        ("insert", "Friday morning"),
    ]
    assert word_diff("", "") == []


def test_a_doubted_memory_says_why_it_is_back(memories, review, doubt):
    doubt(write(memories))
    doubt(write(memories, "The user hates tea"), "contradicted")
    cards = {card.kind: card for card in review.queue().cards}
    assert "no answer used it" in cards["unused"].why
    assert "contradicts" in cards["contradicted"].why
    assert cards["unused"].rule is None, "a person wrote it"
    assert cards["unused"].span is None


def test_a_pair_shows_both_memories_while_both_are_in_use(memories, review, pair):
    one, other = write(memories), write(memories, MATE)
    waits = pair(one, other)
    (card,) = review.queue().cards
    assert (card.id, card.kind, card.memory_id, card.nearest.id) == (waits, "merge", one.id, other.id)
    assert card.score == 0.9
    assert shown(review, kind="contradiction") == []
    assert shown(review, namespace="work") == []
    memories.invalidate(other.id, ANN)
    assert shown(review) == [], "there is nothing left to merge"
    assert review.queue().waiting["merge"] == 0


# Decisions on candidates


def test_each_decision_does_what_it_says(memories, review):
    ids = {action: extract(memories, f"For {action}").id for action in ("approve", "edit", "reject", "dismiss", "skip")}
    given = [{"id": id_, "action": action, "reason": "so"} for action, id_ in ids.items()]
    given[1]["content"] = "Edited"
    outcomes = review.decide(given, "ann")
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert [outcome.status for outcome in outcomes] == ["active", "active", "invalid", "invalid", "candidate"]
    assert memories.get(ids["edit"]).content == "Edited"
    assert [outcome.audit_id is None for outcome in outcomes] == [False, False, False, False, True]
    assert shown(review) == [ids["skip"]]
    row = memories.trail.of(ids["dismiss"])[0]
    assert (row["actor"], row["action"], row["reason"]) == ("ann", "dismiss", "so")
    assert extract(memories, "For dismiss").status == "invalid", "what was dismissed is not raised again"


def test_a_candidate_is_merged_into_the_memory_it_repeats(memories, review):
    active = write(memories, MATE)
    candidate = extract(memories)
    assert decide(review, candidate.id, "merge").error.field == "keep"
    outcome = decide(review, candidate.id, "merge", keep=active.id)
    assert (outcome.memory_id, outcome.status) == (active.id, "active")
    assert memories.get(active.id).supports == 1
    assert memories.get(candidate.id).superseded_by == active.id


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        ("approve", "decisions"),
        ({"action": "approve"}, "id"),
        ({"id": "ID"}, "action"),
        ({"id": "ID", "action": "publish"}, "action"),
        ({"id": "ID", "action": "retire"}, "action"),
        ({"id": "ID", "action": "edit"}, "content"),
        ({"id": "ID", "action": "edit", "content": " "}, "content"),
        ({"id": "ID", "action": "edit", "memory_type": "x"}, "memory_type"),
        ({"id": "ID", "action": "approve", "reason": "half \ud800"}, "reason"),
        ({"id": "ID", "action": "approve", "content": 7}, "content"),
        ({"id": "ID", "action": "approve", "status": "active"}, "status"),
        ({"id": 7, "action": "approve"}, "id"),
    ],
)
def test_a_decision_that_makes_no_sense_is_told_apart_and_stops_no_other(memories, review, decision, field):
    good, bad = extract(memories, "The good one"), extract(memories, "The bad one")
    if isinstance(decision, dict) and decision.get("id") == "ID":
        decision = {**decision, "id": bad.id}
    outcomes = review.decide([decision, {"id": good.id, "action": "approve"}], "ann")
    assert outcomes[0].error.field == field
    assert memories.get(bad.id) == bad, "nothing of it was done"
    assert memories.get(good.id).status == "active", "and the next went through"


@pytest.mark.parametrize("id_", ["mem_none", "merge:a:b", "merge:a", "flows:a:b", ":::"])
def test_what_is_not_in_the_queue_cannot_be_decided(review, id_):
    assert isinstance(decide(review, id_, "approve").error, Missing)


def test_what_was_decided_already_is_missing(memories, review):
    candidate = extract(memories)
    assert decide(review, candidate.id, "approve").error is None
    assert isinstance(decide(review, candidate.id, "reject").error, Missing)
    assert memories.get(candidate.id).status == "active"


# Decisions on active memories


@pytest.mark.parametrize("action", ["keep", "approve", "dismiss"])
def test_a_doubted_memory_may_be_kept(memories, review, doubt, action):
    memory = doubt(write(memories))
    assert decide(review, memory.id, action).status == "active"
    assert memories.get(memory.id).review is None
    assert shown(review) == []


def test_a_doubted_memory_may_be_reworded_retired_or_rejected(memories, review, doubt):
    reworded, retired, rejected = (doubt(write(memories, text)) for text in ("One of them", "Another", "The last"))
    assert decide(review, reworded.id, "edit", content="One in other words").status == "active"
    assert decide(review, retired.id, "retire").status == "superseded"
    assert decide(review, rejected.id, "reject").status == "invalid"
    now = memories.get(reworded.id)
    assert (now.content, now.review, now.version) == ("One in other words", None, 2)
    assert extract(memories, "Another").status == "candidate", "what is retired may be said again"
    assert extract(memories, "The last").status == "invalid", "what is rejected may not"


# Decisions on pairs


def test_a_merge_keeps_the_one_named_and_hands_it_the_support(memories, review, pair):
    one, other = write(memories), extract(memories, MATE)
    outcome = decide(review, pair(one, other), "merge", keep=other.id, content="The user drinks tea and mate")
    assert (outcome.memory_id, outcome.error) == (other.id, None)
    kept, gone = memories.get(other.id), memories.get(one.id)
    assert (kept.content, kept.supports) == ("The user drinks tea and mate", 1)
    assert kept.status == "active", "whoever keeps it in the place of what was trusted trusts it"
    assert (gone.status, gone.superseded_by) == ("superseded", kept.id)
    assert shown(review, kind="merge") == []


def test_without_a_name_the_one_with_more_trust_is_kept(memories, review, pair):
    extracted, written = extract(memories, MATE), write(memories)
    memories.promote(extracted.id, ANN)
    assert decide(review, pair(extracted, written), "approve").memory_id == written.id, "a person's word"


def test_of_a_contradiction_a_person_names_the_one_that_is_right(memories, review, pair):
    one, other = write(memories), write(memories, "The user never drinks tea")
    waits = pair(one, other, "contradiction")
    assert decide(review, waits, "merge").error.field == "keep"
    assert decide(review, waits, "merge", keep="mem_other").error.field == "keep"
    assert decide(review, waits, "merge", keep=other.id).memory_id == other.id
    assert memories.get(one.id).status == "superseded"


def test_a_dismissed_pair_is_settled_for_good(memories, review, pair, database):
    one, other = write(memories), write(memories, MATE)
    waits = pair(one, other)
    assert decide(review, waits, "dismiss").error is None
    assert (memories.get(one.id).status, memories.get(other.id).status) == ("active", "active")
    assert database.query(sa.select(memory_pairs.c.status)) == [{"status": "dismissed"}]
    assert isinstance(decide(review, waits, "merge").error, Missing)


# Undo


def test_the_last_decisions_are_undone_one_by_one(memories, review):
    first, second = extract(memories, "The first"), extract(memories, "The second")
    review.decide([{"id": first.id, "action": "approve"}, {"id": second.id, "action": "reject"}], "ann")
    review.decide([{"id": second.id, "action": "approve"}], "bob")
    assert review.undo(ANN).object_id == second.id
    assert review.undo(ANN).object_id == first.id
    assert {card.id for card in review.queue().cards} == {first.id, second.id}
    with pytest.raises(Missing):
        review.undo(ANN)
    with pytest.raises(Missing):
        review.undo(Actor("bob"))


def test_what_is_no_decision_is_not_undone_by_chance(memories, review):
    candidate = extract(memories)
    review.decide([{"id": candidate.id, "action": "approve"}], "ann")
    written = write(memories, MATE)
    assert review.undo(ANN).object_id == candidate.id
    assert memories.get(written.id).status == "active"


def test_a_merge_is_undone_whole(memories, review, pair):
    one, other = write(memories), extract(memories, MATE)
    waits = pair(one, other)
    for keep in (one, other):
        merged = decide(review, waits, "merge", keep=keep.id, content="The user drinks tea and mate")
        assert merged.status == "active"
        assert review.undo(ANN, merged.audit_id).action == "merge"
        first, second = memories.get(one.id), memories.get(other.id)
        assert (first.status, first.superseded_by, first.content, first.supports) == ("active", None, TEA, 0)
        assert (second.status, second.superseded_by, second.content, second.supports) == ("candidate", None, MATE, 1)
    assert waits in shown(review), "the pair waits again"


def test_a_dismissed_pair_comes_back_and_a_forgotten_one_does_not(memories, review, pair, database):
    waits = pair(write(memories), write(memories, MATE))
    dismissed = decide(review, waits, "dismiss").audit_id
    review.undo(ANN)
    assert shown(review) == [waits]
    with pytest.raises(Conflict):
        review.undo(ANN, dismissed)
    again = decide(review, waits, "dismiss").audit_id
    database.transact(lambda connection: connection.execute(sa.delete(memory_pairs)) and None)
    with pytest.raises(Conflict, match="gone"):
        review.undo(ANN, again)
