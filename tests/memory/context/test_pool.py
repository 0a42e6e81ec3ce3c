"""Active memories held in the process: what a prompt gets from the pool is what the pure rules say."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from memory.context import pool as pools
from memory.context.notes import note_of, ranked
from memory.context.packs import pack
from memory.context.pool import Held, Index, Pool
from memory.context.terms import terms
from memory.memories.ledger import MOST_CHANGES
from memory.memories.memories import Memories
from memory.memories.memory import TYPES, Actor
from store.errors import DatabaseError
from store.tables import memories as table
from tests.memory.context.test_packs import memory

ME = Actor("tests")
WORDS = [f"w{number}{letter}" for number in range(60) for letter in "klm"]


class Clock:
    """A clock that is set."""

    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memories(database, clock):
    return Memories(database, clock=clock)


@pytest.fixture
def reads(database, monkeypatch):
    """The namespaces that were read, in order."""
    seen = []
    read = database.read

    def counted(statement, values):
        seen.append(values.get("namespace", "some"))
        return read(statement, values)

    monkeypatch.setattr(database, "read", counted)
    return seen


@pytest.fixture
def pool(database, memories, clock):
    return Pool(database, memories, clock)


def add(memories, content, namespace="default", **given):
    """A memory, active unless told otherwise."""
    values = {"project": "", "memory_type": "knowledge", "actor": ME, **given}
    return memories.add(namespace=namespace, content=content, **values)[0]


def texts(held, prompt="backups", project=""):
    """What a prompt may get, the best first."""
    return [match.note.memory.content for match in held.ranked(project, terms(prompt), 100)]


# The index


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_the_index_ranks_as_the_rules_do(count):
    chance = random.Random(count)
    made = [
        memory(
            " ".join(chance.choices(WORDS, k=chance.randint(1, 12))),
            chance.choice(TYPES),
            chance.choice(["", "apollo", "hermes"]),
            confidence=chance.choice([0.5, 0.7, 1.0]),
            tags=tuple(chance.choices(WORDS, k=chance.randint(0, 2))),
        )
        for _ in range(count)
    ]
    notes = [note_of(one) for one in made]
    held = Held(Index(notes), 0)
    for _ in range(60):
        prompt = terms(" ".join(chance.choices(WORDS, k=chance.randint(0, 9))))
        project = chance.choice(["", "apollo", "zeus"])
        most = chance.choice([1, 5, 46, 1000])
        expected = ranked(notes, project, prompt, most)
        assert held.ranked(project, prompt, most) == expected, f"{most} best of {count} for {sorted(prompt)}"
        assert pack(expected, 3000) == pack(held.ranked(project, prompt, most), 3000)


# What is read, and when


def test_only_active_memories_of_the_namespace_are_held(memories, pool):
    add(memories, "Backups run nightly")
    add(memories, "Backups might run hourly", status="candidate")
    add(memories, "Backups of another run weekly", "other")
    assert texts(pool.of("default")) == ["Backups run nightly"]
    assert texts(pool.of("other")) == ["Backups of another run weekly"]
    assert texts(pool.of("third")) == []


def test_nothing_is_read_while_nothing_changes(memories, pool, reads):
    assert pool.current("default") is None, "not held yet"
    held = pool.of("default")
    assert pool.of("default") is held
    assert pool.current("default") is held
    add(memories, "Backups of another run weekly", "other")
    assert pool.of("default") is held, "another namespace's change is none here"
    assert reads == ["default"]


def test_every_change_is_seen_at_once(memories, pool):
    first = add(memories, "Backups run nightly")
    candidate = add(memories, "Backups go onto tape", status="candidate")
    assert texts(pool.of("default")) == ["Backups run nightly"]
    memories.promote(candidate.id, ME)
    assert pool.current("default") is None, "what is held is outdated"
    assert sorted(texts(pool.of("default"))) == ["Backups go onto tape", "Backups run nightly"]
    memories.update(first.id, {"content": "Backups run hourly"}, ME)
    assert sorted(texts(pool.of("default"))) == ["Backups go onto tape", "Backups run hourly"]
    memories.supersede(candidate.id, ME)
    memories.invalidate(first.id, ME)
    assert texts(pool.of("default")) == []


def test_an_edit_raises_the_version_that_a_pack_names(memories, pool):
    made = add(memories, "Backups run nightly")
    before = pack(pool.of("default").ranked("", terms("backups"), 9), 3000)
    memories.update(made.id, {"content": "Backups run hourly"}, ME)
    after = pack(pool.of("default").ranked("", terms("backups"), 9), 3000)
    assert before.memories == ((made.id, 1),)
    assert after.memories == ((made.id, 2),)
    assert before.digest != after.digest


def test_a_change_of_confidence_alone_changes_no_digest(memories, pool):
    made = add(memories, "Backups run nightly", confidence=0.5)
    before = pack(pool.of("default").ranked("", terms("backups"), 9), 3000)
    memories.update(made.id, {"confidence": 0.9}, ME)
    after = pack(pool.of("default").ranked("", terms("backups"), 9), 3000)
    assert before.digest == after.digest, "cached answers made with it stay good"


def test_what_expires_is_out_from_that_moment_on(memories, pool, clock, reads):
    add(memories, "Backups run nightly")
    add(memories, "Backups pause for the holidays", valid_until="2027-01-15 08:10:00")
    held = pool.of("default")
    assert len(texts(held)) == 2
    clock.now += 599
    assert pool.of("default") is held, "one second to go"
    clock.now += 1
    assert texts(pool.of("default")) == ["Backups run nightly"]
    clock.now += 10_000
    assert texts(pool.of("default")) == ["Backups run nightly"]
    assert len(reads) == 2, "read once more, and not with every call since"


def test_a_change_while_rows_are_read_is_not_lost(database, memories, pool, monkeypatch):
    add(memories, "Backups run nightly")
    read = database.read

    def interrupted(statement, values):
        rows = read(statement, values)
        monkeypatch.setattr(database, "read", read)
        add(memories, "Backups go onto tape")
        return rows

    monkeypatch.setattr(database, "read", interrupted)
    assert texts(pool.of("default")) == ["Backups run nightly"]
    assert sorted(texts(pool.of("default"))) == ["Backups go onto tape", "Backups run nightly"]


def test_after_a_change_only_what_changed_is_read(database, memories, pool, monkeypatch):
    made = [add(memories, f"Backups run on disk {number}") for number in range(20)]
    pool.of("default")
    rows = []
    read = database.read

    def noted(statement, values):
        found = read(statement, values)
        rows.extend(found)
        return found

    monkeypatch.setattr(database, "read", noted)
    memories.update(made[3].id, {"confidence": 0.5}, ME)
    memories.invalidate(made[4].id, ME)
    add(memories, "Backups might run on disk 99", status="candidate")
    assert len(texts(pool.of("default"))) == 19
    assert len(rows) == 3, "and the seventeen others are not"


def test_more_changes_than_anybody_remembers_are_read_too(memories, pool):
    first, second = add(memories, "Backups run nightly"), add(memories, "Backups go onto tape")
    pool.of("default")
    memories.invalidate(first.id, ME)
    for number in range(MOST_CHANGES):
        memories.update(second.id, {"confidence": number / 100}, ME)
    assert memories.changed_since("default", 2) is None, "the first change is forgotten"
    assert texts(pool.of("default")) == ["Backups go onto tape"]


def test_changes_that_nobody_can_name_are_read_too(database, memories, pool):
    made = add(memories, "Backups run nightly")
    pool.of("default")

    def work(connection):
        connection.execute(sa.delete(table).where(table.c.id == made.id))
        memories.touched(connection, "default")

    database.transact(work)
    assert texts(pool.of("default")) == []


@pytest.mark.parametrize("apart", [0, 5, 64])
def test_after_any_changes_the_pool_holds_what_a_fresh_one_would(database, memories, clock, monkeypatch, apart):
    monkeypatch.setattr(pools, "MOST_APART", apart)
    pool, chance = Pool(database, memories, clock), random.Random(apart)
    made = [add(memories, f"backups {number} {' '.join(chance.choices(WORDS, k=5))}") for number in range(30)]
    for step in range(60):
        one = chance.choice(made).id
        match chance.choice(["edit", "sink", "drop", "revive", "add", "expire", "wait"]):
            case "edit":
                memories.update(one, {"content": f"backups edited {step} {' '.join(chance.choices(WORDS, k=3))}"}, ME)
            case "sink":
                memories.update(
                    one, {"confidence": round(chance.random(), 2), "project": chance.choice(["", "apollo"])}, ME
                )
            case "drop":
                memories.invalidate(one, ME)
            case "revive":
                memories.update(one, {"status": "active"}, ME)
            case "add":
                made.append(add(memories, f"backups new {step}", memory_type=chance.choice(TYPES)))
            case "expire":
                until = datetime.fromtimestamp(clock.now + chance.choice([30, 300]), UTC).isoformat()
                memories.update(one, {"valid_until": until}, ME)
            case "wait":
                clock.now += 40
        prompt = terms(f"backups {' '.join(chance.choices(WORDS, k=6))}")
        held, fresh = pool.of("default"), Pool(database, memories, clock).of("default")
        assert held.ranked("apollo", prompt, 12) == fresh.ranked("apollo", prompt, 12), f"after step {step}"
        assert len(held) == len(fresh), f"after step {step}"


def test_a_failing_store_is_told_and_nothing_outdated_is_given(database, memories, pool, monkeypatch):
    made = add(memories, "Backups run nightly")
    pool.of("default")
    memories.invalidate(made.id, ME)

    def fail(statement, values):
        raise DatabaseError("gone")

    monkeypatch.setattr(database, "read", fail)
    with pytest.raises(DatabaseError):
        pool.of("default")
    assert pool.current("default") is None, "a memory that was rejected never comes back"


# Bounds


def test_the_namespaces_used_last_are_held(pool, reads, monkeypatch):
    monkeypatch.setattr(pools, "MOST_NAMESPACES", 2)
    for namespace in ("a", "b", "a", "c", "a", "b"):
        pool.of(namespace)
    assert reads == ["a", "b", "c", "b"], "b had to make room for c"


def test_one_large_namespace_is_held_whatever_its_size(memories, pool, reads, monkeypatch):
    monkeypatch.setattr(pools, "MOST_MEMORIES", 2)
    for number in range(4):
        add(memories, f"Backups run on disk {number}", "large")
    pool.of("small")
    for _ in range(3):
        assert len(pool.of("large")) == 4
    assert reads == ["small", "large"]
    pool.of("small")
    assert reads == ["small", "large", "small"], "together they are too many"


def test_many_threads_may_use_it(memories, pool):
    add(memories, "Backups run nightly")

    def use(number):
        if number % 10 == 0:
            add(memories, f"Backups run on disk {number}")
        return len(texts(pool.of("default")))

    with ThreadPoolExecutor(4) as threads:
        assert max(threads.map(use, range(60))) <= 7
    assert len(texts(pool.of("default"))) == 7
