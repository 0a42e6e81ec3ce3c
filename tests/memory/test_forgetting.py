"""What goes with an interaction, and what outlives it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.forgetting import FORGOTTEN, Forgetting
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, Provenance
from store.jobs import Jobs
from store.tables import (
    audit,
    extractions,
    interaction_vectors,
    interactions,
    jobs,
    memories,
    memory_pairs,
    memory_references,
    memory_support,
)

ADA = Actor("ada")
NOW = "2026-01-01 00:00:00"


@pytest.fixture
def kept(database):
    return Memories(database)


@pytest.fixture
def forgetting(database, kept):
    return Forgetting(database, kept.touched)


@pytest.fixture
def add(kept):
    def add_memory(content, interaction=None, written_by="extraction", status="candidate", namespace="default"):
        source = None if interaction is None else Provenance(interaction, "user", "r", "rules/1", 0, 4, content)
        memory, _ = kept.add(
            namespace=namespace,
            project="",
            memory_type="knowledge",
            content=content,
            actor=ADA,
            status=status,
            written_by=written_by,
            provenance=source,
        )
        return memory.id

    return add_memory


def insert(database, table, **row):
    database.transact(lambda connection: connection.execute(sa.insert(table).values(**row)) and None)


def ids(database, column):
    return {row[column.name] for row in database.query(sa.select(column))}


def test_an_interaction_goes_with_all_that_was_noted_of_it(database, forgetting, record):
    gone, stays = record({"prompt": "a"}, {"prompt": "b"})
    for id_ in (gone, stays):
        insert(database, extractions, interaction_id=id_, extractor="rules/1", at=NOW, found=0)
        insert(
            database,
            memory_references,
            memory_id="m",
            session_id=id_,
            kind="used",
            interaction_id=id_,
            at=NOW,
            delta=0.1,
        )
        insert(
            database, interaction_vectors, interaction_id=id_, namespace="n", tool_id="t", embedder="e", vector=b"1234"
        )
        Jobs(database).put("learn", [id_], "n")
    counts = forgetting.interactions([gone, "int_unknown"])
    assert counts == {
        "interactions": 1,
        "extractions": 1,
        "memory_references": 1,
        "interaction_vectors": 1,
        "jobs": 1,
    }
    for column in (
        interactions.c.id,
        extractions.c.interaction_id,
        memory_references.c.interaction_id,
        interaction_vectors.c.interaction_id,
        jobs.c.key,
    ):
        assert ids(database, column) == {stays}, f"{column} keeps the other one"
    assert forgetting.interactions([gone]) == {}, "asked again, there is nothing left to do"


def test_extracted_memories_go_with_the_last_interaction_that_supports_them(database, forgetting, kept, add, record):
    first, second, other = record({"prompt": "a"}, {"prompt": "b"}, {"prompt": "c"})
    both = add("Both of them said this", first)
    assert add("Both of them said this", second) == both, "one memory, supported twice"
    promoted = kept.promote(add("The first one said this", first), ADA).id
    elsewhere = add("Somebody else said this", other)
    assert forgetting.interactions([first])["memories"] == 1, "promoted or not, nothing supports it any more"
    assert kept.get(promoted) is None
    assert (kept.get(both).supports, kept.get(both).provenance) == (1, None), "its other support holds it"
    assert forgetting.interactions([second])["memories"] == 1
    assert ids(database, memories.c.id) == {elsewhere}
    assert ids(database, memory_support.c.memory_id) == {elsewhere}


def test_what_a_person_wrote_outlives_its_source_without_naming_it(database, forgetting, kept, add, record):
    [source] = record({"prompt": "a"})
    written = add("A person wrote this down", source, written_by="person", status="active")
    forgetting.interactions([source])
    assert kept.get(written).provenance is None
    [row] = database.query(sa.select(memories))
    assert [row[name] for name in ("interaction_id", "span", "span_start", "span_end")] == [None] * 4
    assert kept.get(written).status == "active", "it holds as before"


def test_a_memory_goes_with_its_pairs_and_its_words_in_the_audit(database, forgetting, kept, add):
    gone, stays = add("Everybody has a key"), add("Nobody has a key")
    kept.update(gone, {"content": "Everybody has two keys"}, ADA)
    insert(
        database,
        memory_pairs,
        kind="merge",
        first=min(gone, stays),
        second=max(gone, stays),
        score=1,
        status="open",
        at=NOW,
    )
    replaced = add("Somebody has a key")
    kept.supersede(replaced, ADA, by=gone)
    assert forgetting.memories([gone])["memories"] == 1
    assert ids(database, memories.c.id) == {stays, replaced}
    assert database.query(sa.select(memory_pairs)) == []
    assert kept.get(replaced).superseded_by is None, "nothing points to it any more"
    rows = [row for row in database.query(sa.select(audit)) if row["object_id"] == gone]
    assert [(row["actor"], row["reason"], row["before"], row["after"]) for row in rows] == [
        ("ada", FORGOTTEN, None, None)
    ] * len(rows), "who changed it is known, not what"
    assert len(rows) >= 2, "its making and its change"
    with pytest.raises(Conflict, match="forgotten"):
        kept.undo(rows[0]["id"], ADA)


def test_who_holds_memories_in_the_process_hears_of_it(forgetting, kept, add):
    mine, other = add("This is of the one", namespace="one"), kept.version("two")
    before = kept.version("one")
    forgetting.memories([mine])
    assert kept.version("one") > before
    assert kept.version("two") == other, "the other namespace has not changed"


def test_further_columns_of_the_audit_are_emptied_where_they_hold_words(database, forgetting, kept, add):
    add("Everybody has a key")
    [row] = kept.trail.list()
    forgetting.bodies({row["id"]: ["actor"]})
    [emptied] = kept.trail.list()
    assert (emptied["actor"], emptied["reason"], emptied["after"]) == (FORGOTTEN, FORGOTTEN, None)
    assert emptied["at"] == row["at"], "when it was stays"


def test_rows_of_any_table_go_by_their_keys(database, forgetting):
    for session in ("a", "b"):
        insert(
            database,
            memory_references,
            memory_id="m",
            session_id=session,
            kind="used",
            interaction_id="i",
            at=NOW,
            delta=0,
        )
    assert forgetting.rows(memory_references, [("m", "a", "used"), ("m", "c", "used")]) == 1
    assert ids(database, memory_references.c.session_id) == {"b"}
