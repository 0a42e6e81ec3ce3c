"""What is called most, and how much of it is asked again."""

from __future__ import annotations

import json

import pytest

from memory.interactions import summary_of
from memory.statistics.calls import Calls
from memory.statistics.repeats import DIMENSIONS, Repeats

HOUR = 3600.0
TOOL = {"interaction_type": "tool", "tool_name": "search", "latency_ms": 100.0}
MISS = {"cache_status": "miss", "reason": "no_entry", "model": "m", "cost": 1.0}


@pytest.fixture
def repeats(database):
    return Repeats(database)


def test_tools_by_runs_with_the_time_spent_on_inputs_seen_before(repeats, record):
    record(
        *[{**TOOL, "prompt": "a"}] * 3,
        {**TOOL, "prompt": "b", "success": False},
        {"interaction_type": "tool", "tool_id": "t1", "prompt": "a", "latency_ms": 5.0},
        {"interaction_type": "command_check", "prompt": "rm"},
        {**MISS, "prompt": "a"},
        {"interaction_type": "refresh", "prompt": "a"},
    )
    search, command, other = repeats.tools(Calls(HOUR), 10)
    assert search == {
        "tool": "search",
        "runs": 4,
        "failures": 1,
        "repeats": 2,
        "ms": 400.0,
        "ms_repeated": 200.0,
        "repeat_share": 0.5,
    }
    assert (command["tool"], other["tool"]) == ("command_check", "t1"), "neither calls to models nor refreshes"
    assert repeats.tools(Calls(HOUR), 1) == [search]


def message(*calls):
    functions = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
    return json.dumps({"role": "assistant", "content": None, "tool_calls": functions}, separators=(",", ":"))


def test_tools_that_models_asked_for_with_arguments_seen_before(repeats, record):
    said = [
        message(("look_up", '{"q":1}'), ("look_up", '{"q":2}')),
        message(("look_up", '{"q":1}')),
        message(("write", "{}")),
        'Plain words about "tool_calls".',
        '{"tool_calls": [broken',
    ]
    record(*({**MISS, "response": text, "response_summary": summary_of(text)} for text in said))
    assert repeats.asked_for(Calls(HOUR), 10) == [
        {"tool": "look_up", "calls": 3, "repeats": 1, "repeat_share": 0.333333},
        {"tool": "write", "calls": 1, "repeats": 0, "repeat_share": 0.0},
    ]


@pytest.mark.parametrize("strange", ['{"tool_calls": 1}', '{"tool_calls": [1, {"function": 2}]}', "[]"])
def test_a_message_of_another_shape_names_no_tools(repeats, record, strange):
    record({**MISS, "response": strange, "response_summary": '{"tool_calls"'})
    assert repeats.asked_for(Calls(HOUR), 10) == []


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_exact_repeats_among_forwarded_calls_are_the_potential(repeats, record, dimension):
    ours = {**MISS, dimension: "ours"}
    record(
        *[{**ours, "input_hash": "x"}] * 3,
        {**ours, "input_hash": "x", "cache_status": "hit", "cost": None, "tier": "exact"},
        {**ours, "input_hash": "y"},
        {**ours, "input_hash": "y", "success": False, "cost": None},
        {**MISS, dimension: "theirs", "input_hash": "x"},
    )
    ours, theirs = repeats.potential(Calls(HOUR), dimension, 10)
    assert ours == {
        dimension: "ours",
        "calls": 6,
        "hits": 1,
        "forwarded": 4,
        "repeats": 2,
        "cost_usd": 4.0,
        "cost_repeated_usd": 2.0,
        "hit_rate": 0.166667,
        "repeat_share": 0.5,
    }
    assert (theirs[dimension], theirs["repeats"]) == ("theirs", 0), "another's call is no repeat"


def test_calls_without_a_key_are_no_repeats_of_each_other(repeats, record):
    record(*[{**MISS, "input_hash": None}] * 3)
    (found,) = repeats.potential(Calls(HOUR), "model", 10)
    assert (found["calls"], found["repeats"]) == (3, 0)
