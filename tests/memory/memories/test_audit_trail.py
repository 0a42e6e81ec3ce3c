"""The audit: every change is told with its before and after, and can be undone while nothing else has touched it."""

from __future__ import annotations

import contextlib

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.interactions import InteractionError
from memory.memories.memories import Memories
from memory.memories.memory import TYPES, Actor, Conflict, Missing, Provenance
from store.database import Database
from store.ids import new_id
from store.tables import audit as table

ANN, BOB = Actor("ann", "because"), Actor("bob")
TEXTS = ("The user drinks green tea", "The user drinks mate", "Releases are on Fridays")


@pytest.fixture
def clock():
    class Clock:
        now = 1_800_000_000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def memories(database, clock):
    return Memories(database, clock=clock)


def write(memories, content=TEXTS[0], **given):
    fields = {"namespace": "home", "project": "apollo", "memory_type": "preference", "content": content, "actor": ANN}
    return memories.add(**{**fields, **given})[0]


def extract(memories, content=TEXTS[0], number=0, **given):
    origin = Provenance(f"int_{number}", "user", "preference_sentence", "rules/1", 0, 9, content)
    fields = {"status": "candidate", "confidence": 0.5, "written_by": "extraction", "provenance": origin}
    return write(memories, content, **{**fields, **given})


def actions(memories, id_):
    return [row["action"] for row in memories.trail.of(id_)]


def last(memories, **filters):
    return memories.trail.list(**filters, limit=1)[0]["id"]


# What is told


def test_a_change_is_told_with_who_when_why_and_what(memories):
    candidate = extract(memories)
    memories.promote(candidate.id, ANN)
    promote, add = memories.trail.of(candidate.id)
    assert (promote["actor"], promote["reason"], promote["at"]) == ("ann", "because", "2027-01-15 08:00:00")
    assert (promote["before"], promote["after"]) == ({"status": "candidate"}, {"status": "active"})
    assert (promote["namespace"], promote["project"], promote["interaction_id"]) == ("home", "apollo", "int_0")
    assert add["before"] is None, "there was nothing"
    assert add["after"]["content"] == TEXTS[0]


def test_what_fails_leaves_no_trace_in_the_audit(memories):
    first, second = write(memories), write(memories, TEXTS[1])
    with pytest.raises(Conflict):
        memories.update(second.id, {"content": TEXTS[0]}, ANN)
    assert (actions(memories, first.id), actions(memories, second.id)) == (["add"], ["add"])


def test_the_trail_is_filtered_newest_first(memories, clock):
    first = write(memories)
    clock.now += 60
    second = write(memories, TEXTS[1], actor=BOB, namespace="work")
    memories.update(second.id, {"confidence": 0.5}, BOB)

    def told(**filters):
        return [(row["object_id"], row["action"]) for row in memories.trail.list(**filters)]

    assert told() == [(second.id, "update"), (second.id, "add"), (first.id, "add")]
    assert told(actor="ann") == [(first.id, "add")]
    assert told(action="update") == [(second.id, "update")]
    assert told(object_id=first.id) == [(first.id, "add")]
    assert told(namespace="home") == [(first.id, "add")]
    assert told(since="2027-01-15T10:01:00+02:00") == [(second.id, "update"), (second.id, "add")], "inclusive, in UTC"
    assert told(limit=1) == [(second.id, "update")]
    assert told(limit=0) == []
    with pytest.raises(InteractionError):
        told(since="yesterday")


def test_damaged_bodies_read_as_missing_and_cannot_be_undone(memories, database):
    memory = write(memories)
    memories.update(memory.id, {"confidence": 0.5}, ANN)
    row = last(memories)
    for damage in ("{", "[1]", None):
        broken = sa.update(table).where(table.c.id == row).values(before=damage, after=damage)
        database.transact(lambda connection, broken=broken: connection.execute(broken) and None)
        assert memories.trail.of(memory.id)[0]["after"] is None, damage
        with pytest.raises(Conflict, match="forgotten"):
            memories.undo(row, ANN)


# Undoing


def test_a_promotion_is_undone_and_that_is_audited_and_undone_in_turn(memories):
    candidate = extract(memories)
    memories.promote(candidate.id, ANN)
    promotion = last(memories)
    undone = memories.undo(promotion, BOB)
    assert (undone.action, undone.object_id) == ("promote", candidate.id)
    assert memories.get(candidate.id).status == "candidate"
    row = memories.trail.of(candidate.id)[0]
    assert (row["id"], row["action"], row["undoes"], row["actor"]) == (undone.audit_id, "undo", promotion, "bob")
    memories.undo(undone.audit_id, BOB)
    assert memories.get(candidate.id).status == "active", "undoing is a change like any other"


def test_undoing_twice_is_a_conflict(memories):
    candidate = extract(memories)
    memories.reject(candidate.id, ANN)
    rejection = last(memories)
    memories.undo(rejection, ANN)
    with pytest.raises(Conflict, match="changed since"):
        memories.undo(rejection, ANN)
    assert not extract(memories, number=2).review, "what is rejected no more may be raised again"


def test_what_was_changed_since_is_not_overwritten(memories):
    memory = write(memories)
    memories.update(memory.id, {"confidence": 0.5}, ANN)
    lowered = last(memories)
    memories.update(memory.id, {"confidence": 0.7}, BOB)
    with pytest.raises(Conflict, match="confidence"):
        memories.undo(lowered, ANN)
    assert memories.get(memory.id).confidence == 0.7


def test_a_promotion_can_be_undone_after_the_memory_was_used(memories, database):
    candidate = extract(memories)
    memories.promote(candidate.id, ANN)
    promotion = last(memories)
    used = {"actor": Actor("reinforcement"), "action": "used", "confidence": 0.52, "reference_count": 1}
    database.transact(lambda connection: memories.adjust(connection, candidate.id, **used) and None)
    memories.undo(promotion, ANN)
    now = memories.get(candidate.id)
    assert (now.status, now.confidence) == ("candidate", 0.52), "only what the promotion changed goes back"


def test_undoing_what_was_added_makes_it_invalid(memories):
    memory = write(memories)
    memories.undo(last(memories), ANN)
    assert memories.get(memory.id).status == "invalid", "its trace stays"
    assert extract(memories).status == "candidate", "and it was not rejected"


def test_a_promotion_into_an_active_memory_is_undone_with_the_support_it_gave(memories):
    active = write(memories)
    candidate = extract(memories)
    memories.promote(candidate.id, ANN)
    assert memories.get(active.id).supports == 1
    memories.undo(memories.trail.list(action="promote")[0]["id"], ANN)
    assert memories.get(active.id).supports == 0
    now = memories.get(candidate.id)
    assert (now.status, now.superseded_by, now.supports) == ("candidate", None, 1)


def test_an_edit_is_undone_with_the_wording_it_left_behind(memories):
    candidate = extract(memories)
    memories.promote(candidate.id, ANN, content=TEXTS[1])
    companion = next(row["id"] for row in memories.trail.list(action="add") if "." in row["id"])
    memories.undo(companion, ANN)
    now = memories.get(candidate.id)
    assert (now.status, now.content) == ("candidate", TEXTS[0]), "any row of a change undoes all of it"
    assert extract(memories, number=3).id == candidate.id, "and its wording is its own again"


def test_undoing_into_what_another_says_now_is_a_conflict(memories):
    memory = write(memories)
    memories.invalidate(memory.id, ANN)
    deletion = last(memories)
    write(memories)
    with pytest.raises(Conflict, match="says the same"):
        memories.undo(deletion, ANN)
    assert memories.get(memory.id).status == "invalid"


def test_nobody_undoes_what_is_not_theirs_or_not_there(memories):
    memory = write(memories)
    with pytest.raises(Missing):
        memories.undo(last(memories), ANN, "work")
    with pytest.raises(Missing):
        memories.undo("aud_none", ANN)
    assert memories.get(memory.id).status == "active"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "extract", "promote", "edit", "reject", "invalidate", "supersede", "update", "adjust")),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    database = Database(tmp_path_factory.mktemp("shared") / "reprise.db")
    yield database
    database.close()


@settings(max_examples=30, deadline=None)
@given(before=STEPS, after=STEPS)
def test_any_changes_undone_in_reverse_give_the_first_state(shared, before, after):
    memories, namespace = Memories(shared), new_id("home")
    run(memories, shared, namespace, before)
    first = state(memories, namespace)
    known = {row["id"] for row in memories.trail.list(namespace=namespace, limit=500)}
    run(memories, shared, namespace, after)
    second = state(memories, namespace)
    made = [row["id"] for row in memories.trail.list(namespace=namespace, limit=500) if row["id"] not in known]
    undone = [memories.undo(id_, ANN).audit_id for id_ in sorted(made, reverse=True) if "." not in id_]
    now = state(memories, namespace)
    assert {id_: now[id_] for id_ in first} == first, "all is as it was"
    assert {now[id_][0] for id_ in now.keys() - first.keys()} <= {"invalid"}, "and what is new holds no more"
    for id_ in reversed(undone):
        memories.undo(id_, ANN)
    assert state(memories, namespace) == second, "undoing can be undone"


def run(memories, database, namespace, steps):
    """Changes of memories that may or may not be possible; what is not is left out."""
    for number, (what, one, other) in enumerate(steps):
        known = [memory.id for memory in reversed(memories.list(namespace=namespace, active_only=False))]
        id_, by = (known[one % len(known)], known[other % len(known)]) if known else ("mem_none", "mem_none")
        with contextlib.suppress(Missing, Conflict):
            step(memories, database, namespace, what, id_, by, TEXTS[other % len(TEXTS)], number)


def step(memories, database, namespace, what, id_, by, text, number):
    if what == "add":
        write(memories, text, namespace=namespace)
    elif what == "extract":
        extract(memories, text, number, namespace=namespace)
    elif what == "edit":
        memories.promote(id_, ANN, content=text)
    elif what == "supersede":
        memories.supersede(id_, ANN, by=by)
    elif what == "update":
        changes = {"content": text, "memory_type": TYPES[number % len(TYPES)], "tags": [text[:9]]}
        memories.update(id_, changes, ANN)
    elif what == "adjust":
        changed = {"actor": BOB, "action": "decay", "confidence": round(1 / (number + 2), 3)}
        database.transact(lambda connection: memories.adjust(connection, id_, **changed) and None)
    else:
        getattr(memories, what)(id_, ANN)


def state(memories, namespace):
    """All that is undone: everything but the evidence that stays, and what only ever rises."""
    kept = ("status", "memory_type", "content", "project", "confidence", "tags", "review", "superseded_by")
    found = memories.list(namespace=namespace, active_only=False, limit=500)
    return {memory.id: tuple(str(getattr(memory, name)) for name in kept) for memory in found}
