"""Rows stored under another name of a project: moved to it, twins made one, nothing lost however often it is begun."""

from __future__ import annotations

import asyncio

import pytest

from memory.interactions import Interaction
from memory.memories.memory import Conflict
from memory.projects import merging as module
from memory.projects.turns import LONGEST_REST
from store.tables import audit, interactions, memories, memory_references, memory_support, project_state
from tests.memory.projects.house import ANN, House


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def house(database):
    return House(database)


def test_rows_of_every_table_are_moved_and_counted(house, record):
    record(*({"project": name} for name in ("Moon Shot", "moon  shot", "APOLLO", "apollo", "other", "")))
    for name in ("Moon Shot", "APOLLO", "other", ""):
        house.remember(f"A tale of {name}", name)
        if name:
            house.say(name, name, key=name)
    house.register()
    assert house.settle() == {"memories": 2, "project_state": 2, "interactions": 3}
    for table, count in ((interactions, 4), (memories, 2), (project_state, 2)):
        named = [row["project"] for row in house.rows(table)]
        assert named.count("apollo") == count, table.name
        assert {"other", "apollo"} <= set(named) <= {"other", "apollo", "", None}, "nothing else was touched"
    assert house.settle() == {}, "and nothing is left to be moved"


def test_the_dry_run_counts_and_changes_nothing(house, record):
    record({"project": "Moon Shot"}, {"project": "apollo"})
    house.remember("A long tale", "moon shot")
    before = [house.rows(table) for table in (interactions, memories, audit)]
    told = house.merging().preview(house.registry.proposed("apollo", ["Moon Shot"]))
    assert told == {"Moon Shot": {"interactions": 1}, "moon shot": {"memories": 1}}
    assert [house.rows(table) for table in (interactions, memories, audit)] == before


def test_what_was_under_way_meanwhile_is_logged_with_the_project(house):
    call = Interaction(prompt="Hi", project="Moon Shot")
    house.register()

    async def record():
        await house.log.record(call)

    asyncio.run(record())
    assert [row["project"] for row in house.rows(interactions)] == ["apollo"]
    assert len(house.log.list(project="moon shot")) == 1


def test_an_unknown_project_moves_nothing(house, record):
    record({"project": "Moon Shot"})
    assert house.settle() == {}


def test_every_move_is_audited(house, record):
    record(*[{"project": "Moon Shot"}] * 3)
    id_ = house.remember("A long tale", "Moon Shot")
    house.register()
    house.settle()
    moved = house.memories.trail.of(id_)[0]
    assert (moved["action"], moved["before"], moved["after"]) == (
        "move",
        {"project": "Moon Shot"},
        {"project": "apollo"},
    )
    counted = [row for row in house.memories.trail.of("apollo") if row["action"] == "move"]
    assert [row["after"] for row in counted] == [{"from": ["Moon Shot"], "table": "interactions", "rows": 3}]


def test_two_that_say_the_same_become_the_better_one(house):
    strong = house.remember("Launch is on Monday", "Moon Shot", 1, confidence=0.9, tags=["launch"])
    weak = house.remember("launch is on monday.", "apollo", 2, confidence=0.5, tags=["date"], valid_until="2030-01-01")
    house.memories.update(weak, {"confidence": 0.5}, ANN)
    house.refer(strong, "s1", "s2")
    house.refer(weak, "s2", "s3")
    house.refer(weak, "s4", kind="contradicted")
    house.register()
    assert house.settle() == {"memories": 1, "memories_merged": 1}
    kept, gone = house.memories.get(strong), house.memories.get(weak)
    assert (kept.status, kept.project, kept.confidence) == ("active", "apollo", 0.9)
    assert (gone.status, gone.superseded_by, gone.project) == ("superseded", strong, "apollo")
    assert (set(kept.tags), kept.valid_until) == ({"launch", "date"}, None), "one had no end"
    assert {row["interaction_id"] for row in house.rows(memory_support) if row["memory_id"] == strong} == {
        "int_1",
        "int_2",
    }
    held = {(row["memory_id"], row["session_id"]) for row in house.rows(memory_references)}
    assert held == {(strong, session) for session in ("s1", "s2", "s3", "s4")}, "each session counts once"
    assert kept.reference_count == 1, "the use that it did not know of"


def test_what_stands_there_already_stays_where_it_is_the_better_one(house):
    weak = house.remember("Launch is on Monday", "Moon Shot", confidence=0.4)
    strong = house.remember("Launch is on Monday", "apollo", confidence=0.9)
    house.register()
    house.settle()
    assert [house.memories.get(id_).status for id_ in (weak, strong)] == ["superseded", "active"]
    assert house.memories.get(weak).project == "apollo"
    assert [memory.id for memory in house.memories.active("home", "apollo")] == [strong]


def test_a_candidate_and_an_active_memory_are_no_twins(house):
    active = house.remember("Launch is on Monday", "apollo")
    given = {"status": "candidate", "written_by": "extraction"}
    candidate = house.remember("Launch is on Monday", "Moon Shot", 1, **given)
    house.register()
    assert house.settle() == {"memories": 1}
    assert [house.memories.get(id_).status for id_ in (active, candidate)] == ["active", "candidate"]


def test_a_pinned_memory_stays(house):
    pinned = house.remember("Launch is on Monday", "Moon Shot", confidence=0.1, pinned=True)
    house.remember("Launch is on Monday", "apollo", confidence=1.0)
    house.register()
    house.settle()
    kept = house.memories.get(pinned)
    assert (kept.status, kept.pinned, kept.confidence) == ("active", True, 1.0), "with what the other was worth"


def test_of_two_values_the_one_said_last_stays(house):
    house.say("Ada", "Moon Shot")
    house.now += 60
    house.say("Rust", "apollo")
    house.say("old", "apollo", key="place")
    house.now += 60
    house.say("new", "Moon Shot", key="place")
    house.register()
    assert house.settle() == {"project_state": 2}
    assert [fact.value for fact in house.state.active("home", "apollo")] == ["Rust", "new"]
    assert [row["status"] for row in house.rows(project_state)].count("active") == 2


def test_readers_of_memories_and_state_are_told(house):
    house.remember("A long tale", "Moon Shot")
    house.say("Ada", "Moon Shot")
    house.register()
    before = house.memories.version("home"), house.state.version("home")
    house.settle()
    assert (house.memories.version("home"), house.state.version("home")) > before


def test_a_move_is_not_undone_into_a_name_that_leads_elsewhere(house):
    id_, fact = house.remember("A long tale", "Moon Shot"), house.say("Ada", "Moon Shot")
    house.register()
    house.settle()
    for one in (id_, fact):
        with pytest.raises(Conflict):
            house.memories.undo(house.memories.trail.of(one)[0]["id"], ANN)
    assert house.memories.get(id_).project == "apollo"


def test_undoing_an_older_change_leaves_the_memory_with_its_project(house):
    id_ = house.remember("A long tale", "Moon Shot")
    house.memories.update(id_, {"project": "other"}, ANN)
    changed = house.memories.trail.of(id_)[0]["id"]
    house.register()
    house.memories.undo(changed, ANN)
    assert house.memories.get(id_).project == "apollo", "the name leads to the project now"


def test_a_killed_process_loses_nothing_and_the_next_moves_the_rest(house, record, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(module, "PLAIN_BATCH", 2)
    record(*[{"project": "Moon Shot"}] * 5)
    for number in range(5):
        house.remember(f"Tale number {number}", "Moon Shot", number)
        house.say(f"value {number}", "Moon Shot", key=f"key {number}")
    house.remember("Tale number 3", "apollo", 9)
    house.register()
    done, survived = 0, None

    def dies(_):
        nonlocal done
        done += 1
        if done % 2 == 0:
            raise Killed

    for _ in range(20):
        try:
            survived = house.settle(rest=dies)
            break
        except Killed:
            continue
    assert survived is not None, "each run gets further"
    assert house.merging().preview(house.registry.known("apollo").definition) == {}
    live = [row for row in house.rows(memories) if row["status"] == "active"]
    assert sorted(row["content"] for row in live) == [f"Tale number {number}" for number in range(5)]
    assert {row["project"] for row in (*live, *house.rows(interactions), *house.rows(project_state))} == {"apollo"}
    assert len(house.state.active("home", "apollo")) == 5
    counted = [row["after"]["rows"] for row in house.memories.trail.of("apollo") if row["action"] == "move"]
    assert sum(counted) == 5, "every row is counted once"


def test_it_moves_in_small_transactions_and_rests_between_them(house, record, monkeypatch):
    monkeypatch.setattr(module, "PLAIN_BATCH", 2)
    record(*[{"project": "Moon Shot"}] * 5)
    house.register()
    house.settle()
    assert len(house.rests) == 3
    assert max(house.rests) <= LONGEST_REST
