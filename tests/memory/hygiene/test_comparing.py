"""Near-duplicates and contradictions in the store: found once, put before a person, merged only where switched on."""

from __future__ import annotations

import numpy as np
import pytest

from memory.hygiene.comparing import Comparing
from memory.hygiene.duplicates import Merging
from memory.memories import pairs
from memory.memories.memory import Actor, Provenance
from store.embedder import EmbedderError, EmbedderSpec, load_embedder
from tests.fakes import FakeEmbedder, near

TEA = "I drink my tea without sugar"
TEA_AGAIN = "The user drinks tea without sugar"


@pytest.fixture
def embedder():
    return FakeEmbedder({TEA: near(1.0), TEA_AGAIN: near(0.95), "I drink green tea": near(0.9)})


@pytest.fixture
def compare(kept, embedder):
    def run(alone_at=None, using=embedder):
        merging = Merging(0.88, alone_at)
        now = "2027-03-10 12:00:00"
        return Comparing(kept.database, kept.memories, lambda: using, merging, lambda: now, kept.pace).run()

    return run


def provenance(interaction):
    return Provenance(interaction, "user", "preference_sentence", "rules/1", 0, 5, "words")


# Vectors


def test_memories_get_vectors(kept, compare, embedder):
    id_ = kept.add(TEA)
    assert compare()["embedded"] == 1, "the new one"
    row = kept.row(id_)
    assert row["embedder"] == "fake", "whose vector it is"
    assert np.array_equal(np.frombuffer(row["vector"], dtype=np.float32), near(1.0)), "the vector itself"


def test_what_has_a_vector_is_not_embedded_again(kept, compare, embedder):
    kept.add(TEA)
    compare()
    embedder.asked.clear()
    assert compare()["embedded"] == 0, "nothing is new"
    assert embedder.asked == [], "and nothing was asked"


def test_changed_content_is_compared_anew(kept, compare, embedder):
    id_ = kept.add("I drink green tea")
    kept.add(TEA)
    compare()
    kept.memories.update(id_, {"content": TEA_AGAIN}, Actor("ada"))
    assert compare()["embedded"] == 1, "the changed one alone"
    assert [row["score"] for row in kept.pairs()] == [0.95], "with what it says now"


def test_another_embedder_means_other_vectors(kept, compare):
    kept.add(TEA)
    compare()
    assert compare(using=FakeEmbedder(id="other"))["embedded"] == 1, "vectors of two spaces are never compared"


def test_what_goes_out_of_use_loses_its_vector(kept, compare):
    id_ = kept.add(TEA)
    compare()
    kept.memories.invalidate(id_, Actor("ada"))
    compare()
    assert kept.row(id_)["vector"] is None, "should it come back, it is compared anew"


def test_without_an_embedder_nothing_is_compared(kept, compare):
    kept.add(TEA)
    assert compare(using=None)["waiting"] == 1, "it says so"


def test_a_text_beyond_the_window_is_left_alone(kept, compare, embedder):
    id_ = kept.add(TEA)
    embedder.unread = frozenset({TEA})
    compare()
    assert kept.row(id_)["vector"] is None, "half a text has no vector"
    assert compare()["embedded"] == 0, "and is not asked about again"


def test_a_broken_embedder_says_so(kept, compare, embedder):
    kept.add(TEA)
    embedder.broken = True
    with pytest.raises(EmbedderError):
        compare()
    embedder.broken = False
    assert compare()["embedded"] == 1, "and the next run does it"


# Proposals


def test_near_duplicates_are_put_before_a_person(kept, compare):
    one, other = kept.add(TEA), kept.add(TEA_AGAIN)
    assert compare()["merge"] == 1, "one pair"
    found = kept.pairs()[0]
    assert (found["kind"], found["status"], found["score"]) == ("merge", "open", 0.95), "waiting"
    assert [found["first"], found["second"]] == sorted([one, other]), "under their ids in order"
    assert {kept.get(one).status, kept.get(other).status} == {"active"}, "nothing is changed"


def test_a_later_one_is_compared_with_what_is_there(kept, compare):
    kept.add(TEA)
    compare()
    kept.add(TEA_AGAIN)
    assert compare()["merge"] == 1, "the new with the old"


@pytest.mark.parametrize(
    "fields",
    [{"namespace": "work"}, {"project": "kitchen"}, {"memory_type": "preference"}],
    ids=["namespace", "project", "type"],
)
def test_only_within_one_namespace_project_and_type(kept, compare, fields):
    kept.add(TEA)
    kept.add(TEA_AGAIN, **fields)
    compare()
    assert kept.pairs() == [], "they do not stand in each other's place"


def test_what_is_out_of_use_is_not_compared(kept, compare):
    kept.memories.invalidate(kept.add(TEA), Actor("ada"))
    kept.add(TEA_AGAIN)
    compare()
    assert kept.pairs() == [], "nobody is asked about it"


def test_below_the_least_cosine_nothing_is_proposed(kept, compare, embedder):
    embedder.vectors[TEA_AGAIN] = near(0.87)
    kept.add(TEA)
    kept.add(TEA_AGAIN)
    compare()
    assert kept.pairs() == [], "0.87 is not 0.88"


def test_a_dismissed_pair_is_never_raised_again(kept, compare):
    one, other = kept.add(TEA), kept.add(TEA_AGAIN)
    compare()
    key = pairs.Pair("merge", *sorted([one, other]))
    kept.memories.transact(lambda connection: pairs.settle(connection, key, "dismissed", "home", "dismiss", ""))
    kept.set(one, embedder=None, vector=None)
    kept.set(other, embedder=None, vector=None)
    assert compare()["merge"] == 0, "compared anew, and still dismissed"
    assert kept.pairs()[0]["status"] == "dismissed", "as the person left it"


def test_a_pair_that_lost_a_member_is_dropped(kept, compare):
    one, _ = kept.add(TEA), kept.add(TEA_AGAIN)
    compare()
    kept.memories.invalidate(one, Actor("ada"))
    compare()
    assert kept.pairs() == [], "there is nothing left to decide"


def test_a_pair_that_holds_no_longer_is_dropped(kept, compare):
    one, _ = kept.add(TEA), kept.add(TEA_AGAIN)
    compare()
    kept.memories.update(one, {"content": "The bicycle is in the shed"}, Actor("ada"))
    compare()
    assert kept.pairs() == [], "it was edited away"


# Contradictions


def test_other_numbers_are_no_duplicates(kept, compare, embedder):
    few, many = "The cabin sleeps 4 people", "The cabin sleeps 6 people"
    embedder.vectors |= {few: near(1.0), many: near(0.99)}
    one, other = kept.add(few), kept.add(many)
    assert compare(alone_at=0.9)["contradiction"] == 1, "listed"
    assert [row["kind"] for row in kept.pairs()] == ["contradiction"], "and not as a merge"
    assert {kept.get(one).status, kept.get(other).status} == {"active"}, "never resolved silently"


def test_a_denial_is_no_duplicate(kept, compare, embedder):
    yes, no = "Dogs are allowed in the cabin", "Dogs are not allowed in the cabin"
    embedder.vectors |= {yes: near(1.0), no: near(0.97)}
    kept.add(yes)
    kept.add(no)
    compare(alone_at=0.9)
    assert [row["kind"] for row in kept.pairs()] == ["contradiction"], "however near"


def test_types_do_not_keep_contradictions_apart(kept, compare, embedder):
    few, many = "The cabin sleeps 4 people", "The cabin sleeps 6 people"
    embedder.vectors |= {few: near(1.0), many: near(0.99)}
    kept.add(few)
    kept.add(many, memory_type="project")
    compare()
    assert [row["kind"] for row in kept.pairs()] == ["contradiction"], "what it is filed under matters not"


def test_a_candidate_is_held_against_what_is_known(kept, compare, embedder):
    few, many = "The cabin sleeps 4 people", "The cabin sleeps 6 people"
    embedder.vectors |= {few: near(1.0), many: near(0.99)}
    kept.add(few)
    kept.add(many, status="candidate")
    assert compare()["contradiction"] == 1, "before anybody approves it"


# Merging without a person


def test_nothing_is_merged_unless_switched_on(kept, compare):
    one, other = kept.add(TEA), kept.add(TEA_AGAIN)
    assert compare()["merged"] == 0, "a person decides"
    assert {kept.get(one).status, kept.get(other).status} == {"active"}, "both stay"


def test_the_better_supported_one_stays(kept, compare):
    one = kept.add(TEA, provenance=provenance("int_1"))
    other = kept.add(TEA_AGAIN, provenance=provenance("int_2"))
    kept.add(TEA_AGAIN, provenance=provenance("int_3"))
    assert compare(alone_at=0.92)["merged"] == 1, "0.95 is enough"
    assert kept.get(one).status == "superseded", "one interaction said it"
    assert kept.get(one).superseded_by == other, "two said the other"
    assert kept.get(other).supports == 3, "which has all support now"
    assert kept.pairs()[0]["status"] == "merged", "and the queue is spared it"


def test_a_merge_is_audited_and_can_be_undone(kept, compare):
    one = kept.add(TEA, provenance=provenance("int_1"))
    other = kept.add(TEA_AGAIN, provenance=provenance("int_2"))
    compare(alone_at=0.92)
    row = kept.history(other, "merge")[0]
    assert row["actor"] == "hygiene", "who did it"
    kept.memories.undo(row["id"], Actor("ada"))
    assert {kept.get(one).status, kept.get(other).status} == {"active"}, "both are back"
    assert (kept.get(one).supports, kept.get(other).supports) == (1, 1), "each with its own support"
    assert kept.pairs()[0]["status"] == "open", "and a person is asked"


def test_an_undone_merge_is_not_done_again(kept, compare):
    one, other = kept.add(TEA), kept.add(TEA_AGAIN)
    compare(alone_at=0.92)
    kept.memories.undo(kept.history(other, "merge")[0]["id"], Actor("ada"))
    kept.set(one, embedder=None, vector=None)
    kept.set(other, embedder=None, vector=None)
    assert compare(alone_at=0.92)["merged"] == 0, "a person said no to it"


@pytest.mark.parametrize("which", ["written_by", "pinned"])
def test_what_a_person_wrote_or_pinned_goes_by_hand(kept, compare, which):
    one, other = kept.add(TEA, written_by="person"), kept.add(TEA_AGAIN)
    kept.set(other, **({"written_by": "person"} if which == "written_by" else {"pinned": 1}))
    assert compare(alone_at=0.92)["merged"] == 0, "it is proposed only"
    assert {kept.get(one).status, kept.get(other).status} == {"active"}, "both stay"


def test_a_candidate_goes_into_the_active_one(kept, compare):
    candidate = kept.add(TEA, status="candidate", provenance=provenance("int_1"))
    active = kept.add(TEA_AGAIN)
    compare(alone_at=0.92)
    assert kept.get(candidate).superseded_by == active, "trust does not rise by merging"
    assert kept.get(active).supports == 1, "one more said it"


def test_what_says_more_is_not_merged_alone(kept, compare, embedder):
    embedder.vectors["I drink my tea without sugar at night"] = near(0.97)
    kept.add(TEA)
    kept.add("I drink my tea without sugar at night")
    assert compare(alone_at=0.92) == {"embedded": 2, "merge": 1, "contradiction": 0, "merged": 0}, "a person looks"


def test_three_alike_leave_one(kept, compare, embedder):
    third = "user drinks tea without sugar"
    embedder.vectors[third] = near(0.96)
    ids = [kept.add(text) for text in (TEA, TEA_AGAIN, third)]
    compare(alone_at=0.92)
    assert sorted(kept.get(id_).status for id_ in ids) == ["active", "superseded", "superseded"], "the oldest stays"
    assert kept.get(ids[0]).status == "active", "the oldest stays"


# With the real embedder


def test_the_real_embedder_finds_a_paraphrase(kept, compare, model_cache):
    real = load_embedder(EmbedderSpec(), model_cache)
    kept.add("Never commit directly to the main branch")
    kept.add("Do not commit directly to the main branch")
    kept.add("The espresso machine needs descaling every month")
    counts = compare(using=real)
    assert counts["merge"] == 1, "two ways to say one thing"
    assert counts["contradiction"] == 0, "and nothing else"
