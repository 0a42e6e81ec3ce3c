"""Sessions of both arms, read from the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from memory.interactions import stamp
from memory.statistics import holdouts
from memory.statistics.calls import Calls
from memory.statistics.holdouts import by_holdout, conversations, prompt_cache
from store.tables import memories, memory_references

DAY = Calls(86400.0)


def reacts(asked, said):
    return "corrected" if said.startswith("No") else None


def at(minute):
    """A time of the log, of the last hour."""
    return stamp(datetime.now(UTC) - timedelta(minutes=60 - minute))


def call(session, minute, holdout=None, **fields):
    values = {
        "session_id": session,
        "created_at": at(minute),
        "holdout": holdout,
        "cache_status": "miss",
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "response": f"answer {minute}",
        "request": json.dumps({"messages": [{"role": "user", "content": f"{session} {minute}"}]}),
    }
    return values | fields


def test_sessions_take_part_from_the_first_call_that_memory_had_something_for(database, record):
    record(
        call("a", 1),
        call("a", 2, False),
        call("a", 3, prompt="No, at three"),
        call("a", 4, success=False),
        call("b", 1, True, prompt_tokens=None),
        call("c", 1),
    )
    found = conversations(database, DAY, reacts)
    a = next(one for one in found.conversations if not one.held_out)
    b = next(one for one in found.conversations if one.held_out)
    assert len(found.conversations) == 2, "memory had nothing for the third"
    assert (a.calls, a.corrections, a.prompt_tokens, a.completion_tokens) == (2, 1, 200, 20), (
        "answered calls since then"
    )
    assert (b.calls, b.counted, b.prompt_tokens) == (1, 0, 0), "tokens that nobody told are no zero"


def test_sessions_that_chose_or_changed_their_arm_are_left_out(database, record):
    record(
        call("asked", 1, False, metadata={"controls": {"memory": "full"}}),
        call("off", 1, True),
        call("off", 2, metadata={"controls": {"memory": "off"}}),
        call("changed", 1, False),
        call("changed", 2, True),
        call("kept", 1, False, metadata={"controls": {"no_cache": True}}),
    )
    found = conversations(database, DAY, reacts)
    assert len(found.conversations) == 1, "other wishes are no choice of the arm"
    assert found.left_out == {"asked": 2, "changed": 1, "beyond": 0}, "and it is said why"


def test_namespaces_with_one_session_name_are_two_sessions(database, record):
    record(call("s", 1, False, namespace="a"), call("s", 2, True, namespace="b"))
    assert len(conversations(database, DAY, reacts).conversations) == 2, "each in its own arm"
    mine = conversations(database, Calls(86400.0, namespace="a"), reacts).conversations
    assert [one.held_out for one in mine] == [False], "and a client sees its own"


def test_the_newest_are_read_and_the_rest_is_counted(database, record, monkeypatch):
    record(*[call(f"s{n}", n, n % 2 == 0) for n in range(10)])
    monkeypatch.setattr(holdouts, "MOST_CALLS", 4)
    monkeypatch.setattr(holdouts, "READ_TOGETHER", 3)
    found = conversations(database, DAY, reacts)
    assert [one.held_out for one in found.conversations] == [False, True, False, True], "from the newest on"
    assert found.left_out["beyond"] == 6, "of both arms alike"


def test_memories_that_users_contradict_are_counted_by_arm(database, record):
    _, second = record(call("a", 1, False), call("a", 2))
    row = {"id": "mem_1", "namespace": "default", "project": "", "memory_type": "knowledge", "content": "x"}
    row |= {"content_key": "x", "status": "active", "confidence": 1.0, "created_at": at(0), "updated_at": at(0)}
    row |= {"written_by": "tests", "version": 1}
    reference = {"memory_id": "mem_1", "session_id": "a", "kind": "contradicted", "interaction_id": second}

    def work(connection):
        connection.execute(sa.insert(memories).values(**row))
        connection.execute(sa.insert(memory_references).values(**reference, at=at(2), delta=-0.1))

    database.transact(work)
    assert conversations(database, DAY, reacts).contradicted == {False: 1, True: 0}, "by the turn that does it"


def test_what_upstreams_had_cached_is_a_share_of_what_they_told_of(database, record):
    record(
        call("a", 1, False, cached_tokens=50),
        call("a", 2, False, cached_tokens=0),
        call("a", 3, False),
        call("b", 1, True, cached_tokens=100),
        call("c", 1, cached_tokens=300, prompt_tokens=100),
        call("c", 2, cache_status="hit", cached_tokens=100),
    )
    found = prompt_cache(by_holdout(database, DAY))
    assert found["with_memory"] == {"calls": 2, "prompt_tokens": 200, "cached_tokens": 50, "share": 0.25}, "of two"
    assert found["without"]["share"] == 1.0, "what was cached is part of the prompt, however it is counted"
    assert found["calls"] == 4, "a replay asked no upstream"


@pytest.mark.parametrize("rows", [[], [call("a", 1)]])
def test_where_nobody_told_there_is_no_share(database, record, rows):
    record(*rows)
    found = prompt_cache(by_holdout(database, DAY))
    assert (found["share"], found["with_memory"]["share"], found["without"]["calls"]) == (None, None, 0), "not 0 %"
