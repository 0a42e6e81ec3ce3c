"""How entries stand: evidence that moves their quality, quarantine, blocking, and what memory sees of it."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from store.entries import Entries
from store.errors import DatabaseError
from store.tables import entries as table
from tests.fakes import NOW, entry, near

LATER = 4_000_000_000.0
"""Not in the tests' lifetime: what is unblocked must not have expired by the real clock."""


def unfit(quality, gathered):
    return quality < 0.3 and gathered >= 2.0


def add(entries, id_="a", vector=None, embedder="fake", **changes):
    made = entry(**{"id": id_, "expires_at": LATER, **changes})
    entries.add(made, vector, embedder, replace=False).result(60)
    return made


def posterior(entries, id_="a"):
    found = entries.get(id_)
    return found.alpha, found.beta


# ---- evidence


def test_evidence_is_added_in_sql_and_in_memory(database, entries):
    add(entries)
    given = entries.reinforce("a", 1.0, 3.0)
    assert (given.alpha, given.beta) == (10.0, 4.0), "what it gives back is what holds now"
    assert entries.in_memory("key") == [given], "the next decision sees it"
    assert Entries(database, 10).by_exact_key("key") == [given], "and so does a restarted server"


def test_evidence_of_the_same_source_replaces_what_it_gave_before(entries):
    add(entries)
    entries.reinforce("a", 0.0, 8.0, source="int_1:feedback")
    entries.reinforce("a", 0.0, 1.0, source="int_2:feedback")
    entries.reinforce("a", 8.0, 0.0, source="int_1:feedback")
    assert posterior(entries) == pytest.approx((17.0, 2.0)), "the first word of int_1 is taken back"
    assert {row["source"]: (row["alpha"], row["beta"]) for row in entries.evidence("a")} == {
        "int_1:feedback": (8.0, 0.0),
        "int_2:feedback": (0.0, 1.0),
    }, "one piece of evidence for each source"


def test_evidence_without_a_source_adds_up(entries):
    add(entries)
    for _ in range(3):
        entries.reinforce("a", 0.0, 1.0)
    assert posterior(entries) == (9.0, 4.0), "three times one"


def test_evidence_concerns_one_entry_of_a_key(entries):
    add(entries, "a")
    other = add(entries, "b")
    worse = entries.reinforce("a", 0.0, 5.0, source="s")
    assert entries.in_memory("key") == [worse, other], "in memory, in its place"
    assert entries.get("b") == other, "in SQL"
    assert entries.evidence("b") == [], "nothing speaks for or against the other"


def test_evidence_for_nothing_is_passed_over(entries):
    assert entries.reinforce("nobody", 1.0, 1.0) is None, "there is no such entry"
    assert entries.evidence("nobody") == [], "and none of it is kept"


def test_evidence_at_once_from_several_threads_is_all_kept(entries):
    add(entries)
    threads = [threading.Thread(target=entries.reinforce, args=("a", 1.0, 0.5)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert posterior(entries) == pytest.approx((17.0, 5.0)), "none is lost in SQL"
    assert entries.in_memory("key")[0].alpha == pytest.approx(17.0), "nor in memory"


def test_evidence_that_cannot_be_written_leaves_everything_as_it_was(database, entries):
    stored = add(entries)
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE evidence")))
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        entries.reinforce("a", 0.0, 5.0)
    assert entries.in_memory("key") == [stored], "memory"
    assert entries.get("a") == stored, "and SQL"


def test_a_read_under_way_does_not_set_memory_back(database, entries, monkeypatch):
    add(entries)
    fresh = Entries(database, 10)
    load = fresh._load

    def meanwhile(*given):
        found = load(*given)
        monkeypatch.setattr(fresh, "_load", load)
        fresh.block("a")
        return found

    monkeypatch.setattr(fresh, "_load", meanwhile)
    fresh.by_exact_key("key")
    assert fresh.in_memory("key") is None, "what was read before the block is not remembered after it"


# ---- quarantine


def test_an_entry_that_becomes_unfit_is_quarantined_and_leaves_memory(entries):
    add(entries)
    assert entries.reinforce("a", 0.0, 16.0, source="1", unfit=unfit).status == "active", "0.35 is above the floor"
    assert entries.reinforce("a", 0.0, 8.0, source="2", unfit=unfit).status == "quarantined", "0.26 is not"
    assert entries.in_memory("key") is None, "memory no longer has it"
    assert entries.by_exact_key("key") == [], "nor does SQL serve it"


def test_quarantine_ends_when_what_led_to_it_is_taken_back(entries):
    add(entries, vector=near(1.0))
    entries.reinforce("a", 0.0, 30.0, source="1", unfit=unfit)
    back = entries.reinforce("a", 30.0, 0.0, source="1", unfit=unfit)
    assert (back.status, back.alpha, back.beta) == ("active", 39.0, 1.0), "the same source says otherwise now"
    assert entries.by_exact_key("key") == [back], "it is served again"
    assert entries.to_embed("fake", 10, after="", others=False) == [("a", back.prompt)], "and will be embedded again"


def test_quarantine_does_not_end_in_an_expired_answer(entries):
    add(entries, expires_at=NOW - 1e9)
    entries.reinforce("a", 0.0, 30.0, source="1", unfit=unfit)
    assert entries.reinforce("a", 0.0, 0.0, source="1", unfit=unfit).status == "expired", "its time is over"


def test_what_was_quarantined_on_purpose_stays_so(entries):
    add(entries)
    assert entries.quarantine("a").status == "quarantined", "though its quality is high"
    assert entries.in_memory("key") is None, "memory drops it"
    assert entries.reinforce("a", 5.0, 0.0, unfit=unfit).status == "quarantined", "praise alone does not free it"


@pytest.mark.parametrize("status", ["superseded", "expired", "blocked"])
def test_evidence_changes_no_other_status(entries, status):
    add(entries, status=status)
    assert entries.reinforce("a", 0.0, 90.0, unfit=unfit).status == status, "it was not served anyway"
    assert entries.quarantine("a").status == status, "nor does quarantine"


# ---- blocking


def test_a_blocked_entry_is_served_no_more_and_comes_back(database, entries):
    stored = add(entries)
    assert entries.block("a").status == "blocked", "blocked"
    assert entries.in_memory("key") is None, "memory drops it"
    assert entries.by_exact_key("key") == [], "SQL gives nothing"
    assert entries.block("a").status == "blocked", "blocking twice is no error"
    assert entries.unblock("a") == stored, "it comes back as it was"
    assert Entries(database, 10).by_exact_key("key") == [stored], "for good"
    assert entries.unblock("a") == stored, "unblocking what is active changes nothing"


def test_an_answer_unblocked_stands_beside_the_one_stored_meanwhile(entries):
    add(entries, "a")
    entries.block("a")
    fresh = add(entries, "b")
    assert entries.in_memory("key") == [fresh], "only the fresh one"
    old = entries.unblock("a")
    assert entries.in_memory("key") == [fresh, old], "both may be served; the better one will be"


def test_the_other_answers_of_a_key_are_not_blocked(entries):
    add(entries, "a")
    other = add(entries, "b")
    entries.block("a")
    assert entries.in_memory("key") == [other], "the other one is served on"


def test_a_blocked_vector_leaves_the_index_and_comes_back(entries):
    add(entries, vector=near(1.0))
    entries.mark_indexed(["a"]).result(60)
    entries.block("a")
    assert entries.compatible_vectors("compat", "fake") == [], "it is not found by meaning at once"
    assert entries.leaving(10) == [("a", "partition", "fake")], "its vector is to leave the index"
    entries.mark_left(["a"])
    assert (entries.leaving(10), entries.to_embed("fake", 10, after="", others=False)) == ([], []), "it has left"
    back = entries.unblock("a")
    assert entries.to_embed("fake", 10, after="", others=False) == [("a", back.prompt)], "it is to be embedded again"
    entries.set_vectors("fake", [("a", near(1.0))])
    assert [id_ for id_, _, _ in entries.unindexed("fake", 10)] == ["a"], "and written to the index"
    assert entries.count_compatible("compat", "fake", 10) == 1, "then it is found"


def test_a_vector_unblocked_before_it_left_is_embedded_again_too(entries):
    add(entries, vector=near(1.0))
    entries.mark_indexed(["a"]).result(60)
    entries.block("a")
    entries.unblock("a")
    assert entries.leaving(10) == [], "it is not to leave any more"
    entries.mark_left(["a"])
    assert len(entries.to_embed("fake", 10, after="", others=False)) == 1, "even if a sweep was about to take it out"


def test_what_has_expired_while_blocked_stays_away(entries):
    add(entries, expires_at=NOW)
    entries.block("a")
    assert entries.unblock("a", NOW).status == "expired", "its time is over"
    assert entries.by_exact_key("key") == [], "it is not served"


def test_a_person_who_ends_quarantine_outweighs_what_led_to_it(entries):
    add(entries)
    entries.reinforce("a", 1.0, 30.0, source="1", unfit=unfit)
    back = entries.unblock("a")
    assert (back.status, back.alpha, back.beta) == ("active", 9.0, 1.0), "it starts again from its prior"
    assert entries.evidence("a") == [], "and nothing speaks against it"


def test_unblocking_a_blocked_entry_keeps_its_evidence(entries):
    add(entries)
    entries.reinforce("a", 0.0, 2.0, source="1")
    entries.block("a")
    assert entries.unblock("a").beta == 3.0, "it was not the evidence that blocked it"


@pytest.mark.parametrize("status", ["superseded", "expired"])
def test_what_is_gone_is_neither_blocked_nor_brought_back(entries, status):
    add(entries, status=status)
    assert entries.block("a").status == status, "there is nothing to block"
    assert entries.unblock("a").status == status, "nor to unblock"


@pytest.mark.parametrize("change", ["block", "unblock", "quarantine"])
def test_an_unknown_entry_is_none(entries, change):
    assert getattr(entries, change)("nobody") is None, "there is no such entry"


def test_evidence_is_deleted_with_its_entry(database, entries):
    add(entries, "old", status="expired", expires_at=NOW - 100)
    add(entries, "kept")
    for id_ in ("old", "kept"):
        entries.reinforce(id_, 1.0, 0.0)
    entries.purge(NOW)
    assert (entries.evidence("old"), len(entries.evidence("kept"))) == ([], 1), "nothing is left of what is gone"
    assert database.query(sa.select(table.c.id)) == [{"id": "kept"}], "the entry itself is gone"
