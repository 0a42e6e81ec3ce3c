"""Project state: one value holds at a time, every change is audited, and what holds is read without SQL."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from memory.memories.audit_trail import AuditTrail
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from memory.projects.state import CATEGORIES, OBJECT, State
from store.tables import project_state

ANN = Actor("ann", "because")


@pytest.fixture
def memories(database):
    return Memories(database)


@pytest.fixture
def state(database, memories):
    made = State(database, memories.trail, redact=lambda text: text.replace("s3cret", "[key]"))
    memories.undoers[OBJECT] = made.put_back
    return made


def put(state, value="Ada", **given):
    place = {"namespace": "home", "project": "apollo", "category": "decision", "key": "language", "actor": ANN}
    return state.put(**{**place, "value": value, **given})


def delete(state, **given):
    place = {"namespace": "home", "project": "apollo", "category": "decision", "key": "language", "actor": ANN}
    return state.delete(**{**place, **given})


def values(state, namespace="home", project="apollo", category=None):
    return [fact.value for fact in state.active(namespace, project, category)]


def test_a_new_value_supersedes_the_old_one(database, state):
    old, _ = put(state)
    new, changed = put(state, "Rust")
    assert (changed, values(state)) == (True, ["Rust"])
    rows = {row["id"]: row for row in database.query(sa.select(project_state))}
    assert (rows[old.id]["status"], rows[old.id]["superseded_by"]) == ("superseded", new.id)


def test_the_same_value_changes_nothing(database, state):
    first, _ = put(state, source="minutes", confidence=0.5)
    again, changed = put(state, "  Ada ")
    assert (again, changed) == (first, False)
    assert (state.version("home"), len(AuditTrail(database).of(first.id))) == (1, 1)


@pytest.mark.parametrize("given", [{"source": "a letter"}, {"confidence": 0.5}])
def test_the_same_value_for_another_reason_is_another_fact(state, given):
    first, _ = put(state)
    second, changed = put(state, **given)
    assert changed, "where it comes from matters"
    assert second.id != first.id


def test_projects_namespaces_categories_and_keys_are_apart(state):
    put(state)
    others = ({"namespace": "work"}, {"project": "gemini"}, {"category": "fact"}, {"key": "tongue"})
    for other in others:
        put(state, "Rust", **other)
    assert values(state, "work") == ["Rust"]
    assert values(state, project="gemini") == ["Rust"]
    assert values(state) == ["Ada", "Rust", "Rust"]
    assert values(state, category="fact") == ["Rust"]


def test_what_holds_stands_in_the_order_of_the_categories_and_keys(state):
    for category in reversed(CATEGORIES):
        for key in ("b", "a"):
            put(state, f"{category} {key}", category=category, key=key)
    assert values(state) == [f"{category} {key}" for category in CATEGORIES for key in ("a", "b")]


def test_what_is_taken_back_holds_no_more(state):
    put(state)
    gone = delete(state)
    assert (gone.status, values(state)) == ("deleted", [])
    with pytest.raises(Missing):
        delete(state)
    put(state)
    assert values(state) == ["Ada"], "it can be said again"


def test_it_is_read_from_sql_once_until_it_changes(database, state, monkeypatch):
    put(state)
    state.active("home", "apollo")
    state.active("home", "none")
    asked, query = [], database.query
    monkeypatch.setattr(database, "query", lambda *given: asked.append(given) or query(*given))
    for _ in range(3):
        values(state)
        values(state, project="none")
    assert asked == [], "calls pay for no query"
    put(state, "Rust", namespace="work")
    assert (values(state), asked) == (["Ada"], []), "nor for what changes in another namespace"
    put(state, "Rust")
    assert values(state) == ["Rust"]


def test_a_change_that_fails_does_not_count(database, state, monkeypatch):
    put(state)
    with monkeypatch.context() as broken:
        broken.setattr(state._trail, "write", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            put(state, "Rust")
    assert values(state) == ["Ada"], "value and audit stand or fall together"


def test_secrets_are_kept_nowhere(database, state):
    put(state, "it is s3cret", key="s3cret", source="s3cret")
    put(state, "s\u200b3cret")
    held = str(database.query(sa.select(project_state))) + str(AuditTrail(database).list())
    assert "s3cret" not in held
    assert "[key]" in held


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"category": "mood"}, "category"),
        ({"category": None}, "category"),
        ({"key": " \u200b"}, "key"),
        ({"key": "x" * 201}, "key"),
        ({"value": " "}, "value"),
        ({"value": 7}, "value"),
        ({"value": "\ud800"}, "value"),
        ({"source": "x" * 2001}, "source"),
        ({"confidence": 2}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"project": " "}, "project"),
        ({"project": "x" * 201}, "project"),
    ],
)
def test_what_a_fact_cannot_be(state, given, field):
    with pytest.raises(MemoryFault) as fault:
        put(state, **given)
    assert fault.value.field == field


def test_every_change_can_be_undone_as_long_as_nothing_touched_it(memories, state):
    first, _ = put(state)
    second, _ = put(state, "Rust")
    lead = memories.trail.of(first.id)[0]["id"].partition(".")[0]
    undone = memories.undo(lead, ANN)
    assert values(state) == ["Ada"], "what was superseded holds again"
    memories.undo(undone.audit_id, ANN)
    assert values(state) == ["Rust"], "and undoing can be undone"
    delete(state)
    memories.undo(memories.trail.of(second.id)[0]["id"], ANN)
    assert values(state) == ["Rust"]
    with pytest.raises(Conflict):
        memories.undo(memories.trail.of(first.id)[-1]["id"], ANN)


def test_what_was_taken_back_does_not_come_back_over_what_was_said_since(memories, state):
    first, _ = put(state)
    delete(state)
    put(state, "Rust")
    with pytest.raises(Conflict):
        memories.undo(memories.trail.of(first.id)[0]["id"], ANN)
    assert values(state) == ["Rust"]


def test_many_writers_leave_one_value(database, state):
    threads = [threading.Thread(target=put, args=(state, f"v{number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = [row["status"] for row in database.query(sa.select(project_state))]
    assert (len(statuses), statuses.count("active")) == (8, 1), "none was lost, and one holds"
    assert len(values(state)) == 1


def test_another_process_finds_what_was_said(database, state):
    put(state, source="minutes", confidence=0.5)
    assert State(database).active("home", "apollo") == state.active("home", "apollo")
