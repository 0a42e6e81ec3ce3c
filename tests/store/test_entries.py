"""Stored answers: rows, what memory keeps of them, and the notes about vectors and hits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sqlalchemy as sa

from store.database import Database
from store.entries import Entries
from store.errors import DatabaseError
from store.tables import entries as table
from tests.fakes import NOW, answer, choice, entry, near


def add(entries, id_, vector=None, embedder="fake", replace=False, **changes):
    made = entry(**{"id": id_, **changes})
    entries.add(made, vector, embedder, replace=replace).result(60)
    return made


def test_an_entry_comes_back_as_it_was_stored(entries):
    stored = add(
        entries,
        "a",
        answer=answer(choice("Pâris 🗼"), usage={"total_tokens": 3}),
        tags=("x", "y"),
        has_tool_calls=True,
        source_interaction_id="int_1",
        prompt=None,
        compat_key=None,
    )
    assert entries.get("a") == stored
    assert entries.by_exact_key("key") == [stored]
    assert entries.get("b") is None


@pytest.mark.parametrize(("alpha", "beta", "quality"), [(9.0, 1.0, 0.9), (1.0, 1.0, 0.5), (0.0, 2.0, 0.0)])
def test_quality_is_the_mean_of_the_posterior(alpha, beta, quality):
    assert entry(alpha=alpha, beta=beta).quality == pytest.approx(quality)


# ---- memory


def test_memory_knows_an_entry_before_sql_does(database, entries):
    made = entry()
    entries.add(made, None, None, replace=False)
    assert entries.in_memory("key") == [made]


def test_memory_says_nothing_of_keys_it_does_not_know(entries):
    add(entries, "a")
    assert entries.in_memory("another") is None


def test_what_was_read_from_sql_is_remembered(database, entries):
    stored = add(entries, "a")
    fresh = Entries(database, 10)
    assert fresh.in_memory("key") is None
    assert fresh.by_exact_key("key") == [stored]
    assert fresh.in_memory("key") == [stored]


def test_a_key_without_answers_is_not_remembered(entries):
    assert entries.by_exact_key("key") == []
    assert entries.in_memory("key") is None


def test_the_least_recently_used_key_leaves_memory_first(database):
    small = Entries(database, 2)
    for key in ("a", "b"):
        add(small, key, exact_key=key)
    assert small.in_memory("a")
    add(small, "c", exact_key="c")
    assert [bool(small.in_memory(key)) for key in "abc"] == [True, False, True]
    assert len(small.by_exact_key("b")) == 1


def test_even_no_memory_at_all_holds_the_latest_key(database):
    none = Entries(database, 0)
    add(none, "a")
    assert none.in_memory("key")


# ---- several answers under one key


def test_answers_under_one_key_stand_side_by_side(entries):
    both = [add(entries, "a"), add(entries, "b")]
    assert entries.in_memory("key") == both
    assert sorted(found.id for found in entries.by_exact_key("key")) == ["a", "b"]


def test_replacing_retires_what_the_key_held_and_nothing_else(entries):
    add(entries, "a")
    add(entries, "b")
    add(entries, "other", exact_key="other")
    fresh = add(entries, "c", replace=True)
    assert entries.in_memory("key") == [fresh]
    assert entries.by_exact_key("key") == [fresh]
    assert [entries.get(id_).status for id_ in ("a", "b", "c", "other")] == [
        "superseded",
        "superseded",
        "active",
        "active",
    ]
    assert entries.count_active() == 2


def test_memory_is_not_set_back_by_a_read_of_what_it_knows_better(database, entries):
    old = add(entries, "a")
    fresh = dataclasses.replace(old, id="b")
    database.writer.submit("SELECT 1", ()).result(60)
    entries.add(fresh, None, None, replace=True)
    entries.by_exact_key("key")
    assert entries.in_memory("key") == [fresh]


# ---- vectors


def test_compatible_entries_are_counted_and_read_by_embedder_and_key(entries):
    add(entries, "a", near(1.0))
    add(entries, "b", near(0.5))
    add(entries, "other key", near(1.0), compat_key="other")
    add(entries, "other embedder", near(1.0), embedder="other")
    add(entries, "retired", near(1.0), status="superseded")
    add(entries, "no vector")
    assert entries.count_compatible("compat", "fake", 10) == 2
    assert entries.count_compatible("compat", "fake", 1) == 1
    assert entries.count_compatible("nothing", "fake", 10) == 0
    found = dict(entries.compatible_vectors("compat", "fake"))
    assert set(found) == {"a", "b"}
    np.testing.assert_array_equal(found["b"], near(0.5))
    assert found["b"].dtype == np.float32


def test_a_vector_of_another_type_is_stored_as_float32(entries):
    add(entries, "a", near(0.5).astype(np.float64))
    [(_, vector)] = entries.compatible_vectors("compat", "fake")
    np.testing.assert_array_equal(vector, near(0.5))


def test_entries_with_a_vector_are_unindexed_until_they_are_marked(entries):
    add(entries, "a", near(1.0))
    add(entries, "no vector")
    [(id_, partition, vector)] = entries.unindexed("fake", 10)
    assert (id_, partition) == ("a", "partition")
    np.testing.assert_array_equal(vector, near(1.0))
    assert entries.unindexed("other", 10) == []
    entries.mark_indexed(["a"]).result(60)
    assert entries.unindexed("fake", 10) == []
    assert (entries.count_indexed("fake"), entries.count_indexed("other")) == (1, 0)
    entries.forget_index()
    assert len(entries.unindexed("fake", 10)) == 1
    assert entries.count_indexed("fake") == 0


def test_entries_without_a_vector_are_to_be_embedded(entries):
    add(entries, "late", prompt="Late")
    add(entries, "done", near(1.0))
    add(entries, "other", near(1.0), embedder="other", prompt="Other")
    add(entries, "exact only", compat_key=None)
    add(entries, "no text", prompt=None)
    add(entries, "retired", status="superseded")
    assert entries.to_embed("fake", 10, after="", others=False) == [("late", "Late")]
    assert sorted(entries.to_embed("fake", 10, after="", others=True)) == [("late", "Late"), ("other", "Other")]
    first = entries.to_embed("fake", 1, after="", others=True)
    rest = entries.to_embed("fake", 10, after=first[0][0], others=True)
    assert first + rest == [("late", "Late"), ("other", "Other")]


def test_a_vector_that_comes_late_makes_an_entry_found_by_meaning(entries):
    add(entries, "late")
    add(entries, "other", near(1.0), embedder="other")
    entries.mark_indexed(["other"]).result(60)
    entries.set_vectors("fake", [("late", near(0.5)), ("other", near(0.6))])
    assert entries.to_embed("fake", 10, after="", others=True) == []
    assert sorted(id_ for id_, _ in entries.compatible_vectors("compat", "fake")) == ["late", "other"]
    assert sorted(id_ for id_, _, _ in entries.unindexed("fake", 10)) == ["late", "other"]
    assert entries.count_compatible("compat", "other", 10) == 0


def test_a_text_the_new_embedder_does_not_read_whole_becomes_exact_only(entries):
    stored = add(entries, "long", near(1.0), embedder="other")
    entries.set_vectors("fake", [("long", None)])
    assert entries.get("long") == dataclasses.replace(stored, compat_key=None)
    assert entries.count_compatible("compat", "fake", 10) == entries.count_compatible("compat", "other", 10) == 0
    assert entries.to_embed("fake", 10, after="", others=True) == []


# ---- hits


def test_hits_are_written_together_and_only_once(database, entries):
    add(entries, "a")
    add(entries, "b")
    for at in (1.0, 2.0, 3.0):
        entries.touch("a", NOW + at)
    entries.touch("b", NOW)
    entries.touch("unknown", NOW)
    entries.flush()
    entries.flush()
    entries.touch("a", NOW + 9.0)
    entries.flush()
    database.writer.submit("SELECT 1", ()).result(60)
    rows = database.query(sa.select(table.c.id, table.c.hits, table.c.last_hit_at).order_by(table.c.id))
    assert rows == [
        {"id": "a", "hits": 4, "last_hit_at": NOW + 9.0},
        {"id": "b", "hits": 1, "last_hit_at": NOW},
    ]


# ---- expiry


def test_what_is_past_its_time_is_retired_and_what_is_not_stays(entries):
    add(entries, "past", near(1.0), exact_key="past", expires_at=NOW)
    add(entries, "future", near(1.0), exact_key="future", expires_at=NOW + 1)
    assert entries.retire(NOW, 10) == 1
    assert entries.retire(NOW, 10) == 0
    assert [entries.get(id_).status for id_ in ("past", "future")] == ["expired", "active"]
    assert entries.in_memory("past") is None
    assert entries.in_memory("future")
    assert [id_ for id_, _, _ in entries.unindexed("fake", 10)] == ["future"]


def test_no_more_are_retired_at_once_than_were_asked_for(entries):
    for number in range(5):
        add(entries, f"{number}", exact_key=f"{number}", expires_at=NOW)
    assert [entries.retire(NOW, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_what_is_no_longer_active_leaves_the_index_once(entries):
    add(entries, "old", near(1.0))
    add(entries, "past", near(1.0), exact_key="past", expires_at=NOW)
    entries.mark_indexed(["old", "past"]).result(60)
    add(entries, "never indexed", near(1.0), exact_key="other", expires_at=NOW)
    assert entries.leaving(10) == []
    add(entries, "new", near(1.0), replace=True)
    entries.retire(NOW, 10)
    assert sorted(entries.leaving(10)) == [("old", "partition", "fake"), ("past", "partition", "fake")]
    assert len(entries.leaving(1)) == 1
    entries.mark_left(["old", "past"])
    assert entries.leaving(10) == []
    assert [entries.get(id_).status for id_ in ("old", "past", "new")] == ["superseded", "expired", "active"]
    assert entries.count_indexed("fake") == 0


def test_only_what_is_of_no_use_any_more_is_deleted(entries):
    add(entries, "active", exact_key="active", expires_at=NOW - 100)
    add(entries, "recent", status="expired", expires_at=NOW)
    add(entries, "indexed", near(1.0), status="expired", expires_at=NOW - 100)
    entries.mark_indexed(["indexed"]).result(60)
    add(entries, "old", status="superseded", expires_at=NOW - 100)
    entries.purge(NOW - 50)
    assert [id_ for id_ in ("active", "recent", "indexed", "old") if entries.get(id_)] == [
        "active",
        "recent",
        "indexed",
    ]


# ---- failures


def test_the_outcome_of_every_queued_write_is_told(database):
    told = []
    entries = Entries(database, 10, told.append)
    add(entries, "a")
    with pytest.raises(DatabaseError):
        add(entries, "a")
    entries.touch("a", NOW)
    entries.flush()
    entries.mark_indexed(["a"]).result(60)
    database.writer.submit("SELECT 1", ()).result(60)
    assert [type(outcome) for outcome in told] == [type(None), DatabaseError, type(None), type(None)]


@pytest.mark.parametrize(("column", "value"), [("answer", "{"), ("answer", ""), ("tags", "[1"), ("tags", "7")])
def test_a_damaged_row_is_a_database_error_that_names_it(database, entries, column, value):
    add(entries, "a")
    database.transact(lambda connection: connection.execute(sa.update(table).values({column: value})))
    with pytest.raises(DatabaseError, match="entry a is damaged"):
        entries.get("a")


def test_administrative_writes_that_fail_are_database_errors(tmp_path):
    database = Database(tmp_path / "broken.db")
    entries = Entries(database, 10)
    add(entries, "a", expires_at=NOW)
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE entries")))
    for work in (
        lambda: entries.retire(NOW, 10),
        entries.forget_index,
        lambda: entries.set_vectors("fake", [("a", near(1.0))]),
        entries.count_active,
        lambda: entries.get("a"),
    ):
        with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
            work()
    database.close()


# ---- grace, and deletion


def test_a_policys_answers_outlive_their_time_by_its_grace(entries):
    add(entries, "a", policy="stale", expires_at=NOW - 10)
    add(entries, "b", policy="stale", expires_at=NOW - 20, exact_key="b")
    add(entries, "c", expires_at=NOW - 10, exact_key="c")
    assert entries.retire(NOW, 10, {"stale": 15.0}) == 2
    assert [entries.get(id_).status for id_ in "abc"] == ["active", "expired", "expired"]
    assert entries.retire(NOW + 5, 10, {"stale": 15.0}) == 1, "its grace is over too"


def test_what_is_wiped_says_nothing_any_more(database, entries):
    words = "a most secret recipe"
    add(entries, "a", near(1.0), prompt=words, answer=answer(words), tags=(words,), earlier=(words,))
    entries.reinforce("a", 1.0, 0.0)
    assert entries.wipe("a"), "it was there"
    assert not entries.wipe("a"), "and is not any more"
    assert not entries.wipe("nobody")
    assert (entries.in_memory("key"), entries.by_exact_key("key"), entries.evidence("a")) == (None, [], [])
    assert entries.get("a").status == "deleted"
    row = database.query(sa.select(table).where(table.c.id == "a"))[0]
    assert not [name for name, value in row.items() if isinstance(value, str) and words in value]
    assert entries.leaving(10) == [("a", "partition", "fake")], "its vector may be on its way to the index"
    entries.mark_left(["a"])
    entries.purge(NOW - 1e9)
    assert entries.get("a") is None


def test_what_is_wiped_leaves_the_file(tmp_path):
    database = Database(tmp_path / "reprise.db")
    entries = Entries(database, 10)
    words = "a most secret recipe"
    add(entries, "a", prompt=words, answer=answer(words))
    entries.wipe("a")
    entries.purge(NOW)
    assert database.erase(), "nobody reads"
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert words.encode() not in left, "deleted words are overwritten, in the log too, while the server runs"
    database.close()


def test_evidence_about_what_is_wiped_brings_nothing_back(entries):
    add(entries, "a")
    entries.wipe("a")
    entries.reinforce("a", 1.0, 0.0)
    entries.unblock("a", NOW)
    assert entries.get("a").status == "deleted"
    assert entries.in_memory("key") is None


def test_what_is_stored_is_counted_by_policy(entries):
    add(entries, "a", policy="p")
    add(entries, "b", policy="p", exact_key="b")
    add(entries, "c", exact_key="c")
    assert {name: number for name, (number, _) in entries.stored.items()} == {"p": 2, "default": 1}


def test_many_are_wiped_in_one_write(entries):
    for id_ in "abc":
        add(entries, id_, exact_key=id_)
        entries.reinforce(id_, 1.0, 0.0)
    entries.wipe_all([("a", "a"), ("b", "b"), ("unknown", "key")])
    assert [entries.get(id_).status for id_ in "abc"] == ["deleted", "deleted", "active"]
    assert [entries.in_memory(id_) for id_ in "ab"] == [None, None]
    assert [len(entries.evidence(id_)) for id_ in "abc"] == [0, 0, 1]
