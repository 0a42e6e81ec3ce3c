"""Undoing what gave a project its names: rows go back to where they stood, as they were."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from memory.memories.memory import Conflict
from memory.projects import parting as module
from memory.projects.parting import STAYED
from store.database import Database
from store.tables import (
    audit,
    entries,
    flows,
    interactions,
    memories,
    memory_references,
    memory_support,
    project_moves,
    project_names,
    project_state,
    sessions,
)
from tests.memory.projects.house import ANN, House

VOLATILE = ("updated_at", "version", "embedder", "vector", "last_injected_at")
KEPT = (interactions, memories, memory_support, memory_references, project_state)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def house(database):
    return House(database)


def state_of(house):
    """All rows, but for what says when and how often they were written."""
    return {
        table.name: sorted(
            (sorted((name, value) for name, value in row.items() if name not in VOLATILE) for row in house.rows(table)),
            key=str,
        )
        for table in KEPT
    }


def projects_of(house, table):
    return sorted(row["project"] for row in house.rows(table))


def insert(house, table, **values):
    house.database.transact(lambda connection: connection.execute(sa.insert(table).values(**values)))


def test_what_a_registration_moved_goes_back(house, record):
    record(*({"project": name} for name in ("Moon Shot", "moon  shot", "APOLLO", "apollo", "other", "")))
    for name in ("Moon Shot", "APOLLO", "other"):
        house.remember(f"A tale of {name}", name)
        house.say(name, name, key=name)
    before = state_of(house)
    made = house.register()
    house.settle()
    assert state_of(house) != before, "it moved"
    undone = house.undo(made)
    assert undone.moved == {"memories": 2, "project_state": 2, "interactions": 3}
    assert state_of(house) == before, "everything is where it was"
    assert house.registry.all() == [], "nobody registered anything"
    assert house.registry.resolve("moon shot") == "moon shot"
    assert house.rows(project_moves) == [], "nothing is left to be put back"


def test_undoing_is_undone_in_turn_however_often(house, record):
    record({"project": "Moon Shot"})
    house.remember("A long tale", "Moon Shot")
    before = state_of(house)
    change = house.register()
    (registered,) = house.registry.all()
    house.settle()
    moved = state_of(house)
    for _ in range(3):
        change = house.undo(change).audit_id
        assert state_of(house) == before, "back"
        change = house.undo(change).audit_id
        assert state_of(house) == moved, "and there again"
        assert house.registry.all()[0].definition == registered.definition
        assert house.registry.all()[0].created_at == registered.created_at, "it is as old as it was"


def test_what_was_written_to_the_project_since_stays_with_it(house, record):
    record({"project": "Moon Shot"})
    made = house.register()
    house.settle()
    mine = house.remember("Said later", "moon shot")
    record({"project": "apollo"})
    house.undo(made)
    assert projects_of(house, interactions) == ["Moon Shot", "apollo"]
    assert house.memories.get(mine).project == "apollo", "it was stored under the project's id"


def test_only_the_names_that_the_change_gave_lose_their_rows(house, record):
    record({"project": "Moon Shot"}, {"project": "Saturn"})
    house.register()
    house.settle()
    change = house.registry.update("apollo", {"aliases": ["Moon Shot", "Saturn"], "description": "x"}, actor=ANN)
    assert house.settle() == {"interactions": 1}
    assert house.undo(change.audit_id).moved == {"interactions": 1}
    assert projects_of(house, interactions) == ["Saturn", "apollo"]
    kept = house.registry.known("apollo")
    assert (kept.aliases, kept.description) == (("Moon Shot",), "")


def test_rows_of_an_earlier_alias_stay_where_a_later_change_gives_it_again(house, record):
    record({"project": "Moon Shot"})
    house.register()
    house.settle()
    house.registry.update("apollo", {"aliases": []}, actor=ANN)
    record({"project": "Moon Shot"})
    again = house.registry.update("apollo", {"aliases": ["Moon Shot"]}, actor=ANN)
    house.settle()
    assert house.undo(again.audit_id).moved == {"interactions": 1}, "what this change moved, and no more"


def test_an_update_that_takes_a_name_away_is_undone_with_what_was_written_meanwhile(house, record):
    house.register()
    change = house.registry.update("apollo", {"aliases": []}, actor=ANN)
    record({"project": "Moon Shot"})
    assert house.undo(change.audit_id).moved == {"interactions": 1}
    assert projects_of(house, interactions) == ["apollo"]


def test_a_change_is_not_undone_under_a_later_one(house):
    made = house.register()
    house.registry.update("apollo", {"description": "Moon"}, actor=ANN)
    with pytest.raises(Conflict, match="changed since"):
        house.undo(made)


def test_a_name_that_became_anothers_is_not_taken_from_it(house):
    house.register()
    change = house.registry.update("apollo", {"aliases": []}, actor=ANN)
    house.registry.register("moon-shot", ["Moon Shot"], actor=ANN)
    with pytest.raises(Conflict, match="one of project moon-shot now"):
        house.undo(change.audit_id)


def test_rows_go_to_whom_their_name_belongs_by_then(house, record, monkeypatch):
    record({"project": "Moon Shot"})
    made = house.register()
    house.settle()
    monkeypatch.setattr(house.merging().parting, "put_back", None, raising=False)
    house.memories.followers.clear()
    undone = house.undo(made)
    house.registry.register("saturn", ["Moon Shot"], actor=ANN)
    since = made
    house.merging().parting.put_back("apollo", since, ANN)
    assert projects_of(house, interactions) == ["saturn"], "the job ran after another took the name"
    assert undone.moved == {}


def test_united_memories_are_two_again_with_what_spoke_for_each(house):
    strong = house.remember("Launch is on Monday", "Moon Shot", 1, confidence=0.9, tags=["launch"])
    weak = house.remember("launch is on monday.", "apollo", 2, confidence=0.5, tags=["date"], valid_until="2030-01-01")
    house.refer(strong, "s1", "s2")
    house.refer(weak, "s2", "s3")
    house.refer(weak, "s4", kind="contradicted")
    before = state_of(house)
    made = house.register()
    house.settle()
    assert house.memories.get(weak).status == "superseded"
    house.undo(made)
    assert state_of(house) == before
    assert house.memories.get(weak).status == "active"


def test_the_one_that_was_moved_away_is_revived_where_it_stood(house):
    weak = house.remember("Launch is on Monday", "Moon Shot", 1, confidence=0.4)
    house.remember("Launch is on Monday", "apollo", 2, confidence=0.9)
    before = state_of(house)
    made = house.register()
    house.settle()
    house.undo(made)
    assert state_of(house) == before
    assert (house.memories.get(weak).status, house.memories.get(weak).project) == ("active", "Moon Shot")


def test_three_that_were_one_are_three_again(house):
    house.remember("Launch is on Monday", "apollo", 1, confidence=0.5)
    house.remember("Launch is on Monday", "Moon Shot", 2, confidence=0.7, tags=["a"])
    house.remember("Launch is on Monday", "moon shot", 3, confidence=0.9, tags=["b"])
    for number, memory in enumerate(house.rows(memories)):
        house.refer(memory["id"], f"s{number}", "all")
    before = state_of(house)
    made = house.register()
    assert house.settle()["memories_merged"] == 2
    house.undo(made)
    assert state_of(house) == before


def test_what_changed_since_stays_changed(house):
    kept = house.remember("Launch is on Monday", "Moon Shot", 1, confidence=0.6, tags=["launch"])
    gone = house.remember("Launch is on Monday", "apollo", 2, confidence=0.5, tags=["date"])
    made = house.register()
    house.settle()
    house.memories.update(kept, {"confidence": 0.8}, ANN)
    house.undo(made)
    assert (house.memories.get(kept).confidence, house.memories.get(kept).tags) == (0.8, ["launch"])
    assert house.memories.get(gone).status == "active"


def test_a_memory_that_a_person_gave_to_another_project_stays_there(house):
    moved = house.remember("A long tale", "Moon Shot")
    made = house.register()
    house.settle()
    house.memories.update(moved, {"project": "other"}, ANN)
    assert house.undo(made).moved == {STAYED: 1}
    assert house.memories.get(moved).project == "other"


def test_what_says_the_same_under_the_old_name_by_then_becomes_one_with_it(house):
    moved = house.remember("A long tale", "Moon Shot", 1)
    made = house.register()
    house.settle()
    house.memories.followers.clear()
    house.undo(made)
    newer = house.remember("A long tale", "Moon Shot", 2, confidence=0.2)
    house.merging().parting.put_back("apollo", made, ANN)
    assert [house.memories.get(id_).status for id_ in (moved, newer)] == ["active", "superseded"]


def test_values_are_said_of_both_again(house):
    house.say("Ada", "Moon Shot")
    house.now += 60
    house.say("Rust", "apollo")
    house.say("old", "apollo", key="place")
    house.now += 60
    house.say("new", "Moon Shot", key="place")
    before = state_of(house)
    stamps = {row["id"]: row["updated_at"] for row in house.rows(project_state)}
    made = house.register()
    house.settle()
    house.now += 60
    house.undo(made)
    assert state_of(house) == before
    assert {row["id"]: row["updated_at"] for row in house.rows(project_state)} == stamps, "nobody said anything anew"
    assert [fact.value for fact in house.state.active("home", "Moon Shot")] == ["Ada", "new"]


def test_what_was_said_since_stands(house):
    house.say("Ada", "Moon Shot")
    made = house.register()
    house.settle()
    house.say("Rust", "apollo")
    house.undo(made)
    assert [fact.value for fact in house.state.active("home", "apollo")] == ["Rust"]
    assert house.state.active("home", "Moon Shot") == (), "Rust took its place, and a person said so"


def test_answers_sessions_and_flows_follow_and_go_back(house):
    insert(
        house,
        entries,
        id="ent_1",
        exact_key="k",
        partition="p",
        namespace="home",
        status="active",
        alpha=1,
        beta=1,
        created_at=1,
        expires_at=2,
        answer="x",
        project="Moon Shot",
    )
    for namespace in ("home", "away"):
        insert(
            house,
            sessions,
            namespace=namespace,
            id="s1",
            root="s1",
            project="Moon Shot",
            started_at="x",
            last_at="x",
            problem_summary="",
        )
    insert(
        house,
        flows,
        id="flo_1",
        namespace="home",
        project="Moon Shot",
        status="published",
        version=1,
        created_at="x",
        updated_at="x",
        keywords="[]",
        title="t",
        description="d",
    )
    told = []
    merging = house.merging()
    merging._moved = merging.parting._moved = lambda: told.append(1)
    made = house.register()
    moved = {"entries": 1, "sessions": 2, "flows": 1}
    assert merging.settle("apollo", ANN) == moved
    assert {row["project"] for table in (entries, sessions, flows) for row in house.rows(table)} == {"apollo"}
    assert house.undo(made).moved == moved
    assert {row["project"] for table in (entries, sessions, flows) for row in house.rows(table)} == {"Moon Shot"}
    assert told, "who holds copies of flows hears of it"


def test_the_dry_run_counts_and_changes_nothing(house, record):
    record(*[{"project": "Moon Shot"}] * 3)
    house.remember("A long tale", "Moon Shot")
    made = house.register()
    house.settle()
    tables = (*KEPT, audit, project_moves, project_names)
    before = [house.rows(table) for table in tables]
    told = house.undo(made, dry_run=True)
    assert told.moved == {"interactions": 3, "memories": 1}
    assert [house.rows(table) for table in tables] == before
    assert house.registry.resolve("Moon Shot") == "apollo"


def test_everything_is_audited(house, record):
    record(*[{"project": "Moon Shot"}] * 3)
    id_ = house.remember("A long tale", "Moon Shot")
    made = house.register()
    house.settle()
    undone = house.undo(made)
    back = house.memories.trail.of(id_)[0]
    assert (back["action"], back["before"], back["after"]) == ("part", {"project": "apollo"}, {"project": "Moon Shot"})
    counted = [row["after"] for row in house.memories.trail.of("apollo") if row["action"] == "part"]
    assert counted == [{"to": "Moon Shot", "table": "interactions", "rows": 3}]
    (row,) = [row for row in house.memories.trail.of("apollo") if row["action"] == "undo"]
    assert (row["id"], row["undoes"], row["after"]) == (undone.audit_id, made, {})


def test_one_batch_is_undone_alone_once_the_name_is_free(house, record, monkeypatch):
    monkeypatch.setattr("memory.projects.merging.PLAIN_BATCH", 2)
    record(*[{"project": "Moon Shot"}] * 3)
    house.register()
    house.settle()
    batch = next(row["id"] for row in house.memories.trail.of("apollo") if row["action"] == "move")
    with pytest.raises(Conflict, match="undo the change that gave it"):
        house.undo(batch)
    house.registry.update("apollo", {"aliases": []}, actor=ANN)
    house.undo(batch)
    assert projects_of(house, interactions).count("Moon Shot") == 1, "the last batch had one row"
    with pytest.raises(Conflict):
        house.undo(batch)


def test_a_move_that_was_forgotten_goes_back_as_far_as_it_can(house):
    house.remember("Launch is on Monday", "Moon Shot", 1, confidence=0.9)
    other = house.remember("Launch is on Monday", "apollo", 2, confidence=0.5)
    made = house.register()
    house.settle()
    emptied = sa.update(audit).where(audit.c.object_type == "memory").values(before=None, after=None)
    house.database.transact(lambda connection: connection.execute(emptied))
    house.undo(made)
    assert sorted(row["project"] for row in house.rows(memories)) == ["Moon Shot", "apollo"]
    assert house.memories.get(other).status == "superseded", "nobody knows any more what it was"


def test_a_killed_process_loses_nothing_and_the_next_puts_the_rest_back(house, record, monkeypatch):
    for name in ("memory.projects.merging", "memory.projects.parting"):
        monkeypatch.setattr(f"{name}.BATCH", 2)
        monkeypatch.setattr(f"{name}.PLAIN_BATCH", 2)
    record(*[{"project": "Moon Shot"}] * 5)
    for number in range(5):
        house.remember(f"Tale number {number}", "Moon Shot", number)
        house.say(f"value {number}", "Moon Shot", key=f"key {number}")
    house.remember("Tale number 3", "apollo", 9)
    before = state_of(house)
    made = house.register()
    house.settle()
    house.memories.followers.clear()
    house.undo(made)
    done = 0

    def dies(_):
        nonlocal done
        done += 1
        if done % 2 == 0:
            raise Killed

    for _ in range(20):
        try:
            house.merging(dies).parting.put_back("apollo", made, ANN)
            break
        except Killed:
            continue
    else:
        pytest.fail("each run gets further")
    assert state_of(house) == before
    counted = [row["after"]["rows"] for row in house.memories.trail.of("apollo") if row["action"] == "part"]
    assert sum(counted) == 5, "every row is counted once"


def test_a_merge_under_way_moves_no_more_once_its_name_is_gone(house, record, monkeypatch):
    monkeypatch.setattr("memory.projects.merging.PLAIN_BATCH", 1)
    record(*[{"project": "Moon Shot"}] * 3)
    made = house.register()
    followers, house.memories.followers = house.memories.followers, {}
    undone = []

    def rest(_):
        if not undone:
            undone.append(house.undo(made))

    assert house.merging(rest).settle("apollo", ANN) == {"interactions": 1}
    house.merging().parting.put_back("apollo", made, ANN)
    assert projects_of(house, interactions) == ["Moon Shot"] * 3
    assert followers, "who undoes over HTTP need not wait for the job"


def test_a_hundred_thousand_rows_are_put_back_in_small_transactions(house):
    rows = [
        {"id": f"int_{n:06}", "created_at": "2026-01-01 00:00:00", "interaction_type": "llm", "namespace": "home",
         "success": 1, "prompt": "Hi", "project": "Moon Shot"}
        for n in range(module.PLAIN_BATCH * 3)
    ]  # fmt: skip
    house.database.transact(lambda connection: connection.execute(sa.insert(interactions), rows))
    made = house.register()
    house.settle()
    house.rests.clear()
    assert house.undo(made).moved == {"interactions": len(rows)}
    assert len(house.rests) == 3, "500 rows in each transaction"
    longest = max(len(row["after"] or "") for row in house.rows(audit))
    assert longest < 1000, "no audit row lists them"


NAMES = ("Moon Shot", "moon  shot", "Saturn", "apollo", "gemini", "APOLLO")


class Sequences(RuleBasedStateMachine):
    """Whatever is registered, renamed, merged and undone: nothing is lost, and undoing all of it is the beginning."""

    @initialize(
        said=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("ABC"), st.floats(0.1, 1)), max_size=6),
        facts=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("kl")), max_size=4),
    )
    def begin(self, said, facts):
        self.done = []
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "reprise.db")
        self.house = House(self.database)
        for number, (name, text, sure) in enumerate(said):
            memory = self.house.remember(f"Launch is on {text}", name, number, confidence=sure)
            self.house.refer(memory, f"s{number}")
        for name, key in facts:
            self.house.now += 1
            self.house.say(f"of {name}", name, key=key)
        self.first = state_of(self.house)

    def teardown(self):
        if not hasattr(self, "house"):
            return
        try:
            for change in reversed(self.done):
                self.house.undo(change)
            assert state_of(self.house) == self.first, "undoing everything is the beginning"
            assert self.house.registry.all() == [], "nobody registered anything"
        finally:
            self.database.close()
            self.folder.cleanup()

    @rule(project=st.sampled_from(["apollo", "gemini"]), aliases=st.sets(st.sampled_from(["Moon Shot", "Saturn"])))
    def write(self, project, aliases):
        registry = self.house.registry
        taken = {alias for alias in aliases if (known := registry.known(alias)) and known.id != project}
        names = sorted(aliases - taken)
        if registry.known(project) is None:
            kept = registry.register(project, names, actor=ANN)
        else:
            # Names that are given up leave what they brought: only gaining is merging.
            kept = registry.update(project, {"aliases": sorted({*registry.known(project).aliases, *names})}, actor=ANN)
        if kept.audit_id:
            self.done.append(kept.audit_id)

    @rule(project=st.sampled_from(["apollo", "gemini"]))
    def merge(self, project):
        self.house.merging().settle(project, ANN)

    @rule()
    def undo(self):
        if self.done:
            self.house.undo(self.done.pop())

    @rule()
    def undo_and_redo(self):
        if self.done:
            again = self.house.undo(self.house.undo(self.done.pop()).audit_id)
            self.done.append(again.audit_id)

    @invariant()
    def nothing_is_lost(self):
        if not hasattr(self, "house"):
            return
        now = state_of(self.house)
        assert len(now["memories"]) == len(self.first["memories"]), "memories"
        live = {row["content"] for row in self.house.rows(memories) if row["status"] == "active"}
        assert live == {row["content"] for row in self.house.rows(memories)}, "each text still holds somewhere"
        assert len(now["memory_references"]) <= len(self.first["memory_references"])


# A failing sequence is short enough as it is; to shorten it takes minutes.
Sequences.TestCase.settings = settings(
    max_examples=12, stateful_step_count=10, deadline=None, phases=(Phase.explicit, Phase.generate)
)
TestSequences = Sequences.TestCase
