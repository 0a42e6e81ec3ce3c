"""Errors by pattern: what is peculiar to one occurrence is masked, the rest tells patterns apart."""

from __future__ import annotations

import pytest

from memory.statistics.calls import Calls
from memory.statistics.failures import failures
from memory.statistics.patterns import MOST, pattern_of

HOUR = 3600.0
FAILED = {"success": False, "cache_status": "miss", "model": "m", "status_code": 429, "error": "upstream_refused"}


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("upstream_timeout", "upstream_timeout"),
        (
            "Rate limit reached for org-9Xk2: limit 30,000, used 29876.5",
            "Rate limit reached for <id>: limit <n>, used <n>",
        ),
        ("Unknown parameter: 'foo'.", "Unknown parameter: <text>."),
        ('model "gpt-9" does not exist', "model <text> does not exist"),
        ("It doesn't know the user's `name`", "It doesn't know the user's <text>"),
        ("request req_8a1f03 failed at 2026-01-31T10:00:00Z", "request <id> failed at <time>"),
        ("trace 550e8400-e29b-41d4-a716-446655440000", "trace <id>"),
        ("at 0xDEADbeef in deadbeef01", "at <hex> in <hex>"),
        ("see https://example.com/a?b=1 or write to me@example.com", "see <url> or write to <email>"),
        ("HTTP 503  after\n 3 tries", "HTTP <n> after <n> tries"),
        ("gpt4 is fine, a facade too", "gpt4 is fine, a facade too"),
        ("", ""),
    ],
)
def test_what_is_peculiar_to_one_occurrence_is_masked(message, pattern):
    assert pattern_of(message) == pattern


def test_a_pattern_is_its_own_pattern():
    once = pattern_of("Rate limit for org-9Xk2: 'a' at https://x.example/1 after 12 s, 0xff")
    assert pattern_of(once) == once


def test_a_hostile_message_is_cut_before_it_is_looked_at():
    assert len(pattern_of("'" * 100_000)) <= MOST
    assert len(pattern_of("a-" * 100_000)) <= MOST


def limited(used):
    return {**FAILED, "metadata": {"upstream_error": f"Rate limit reached for org-1a: used {used}"}}


def test_failures_are_grouped_with_counts_times_models_and_an_example(database, record):
    ids = record(
        {**limited(100), "created_at": "2099-01-01 00:00:00"},
        {**limited(7), "model": "n", "created_at": "2099-01-02 00:00:00"},
        {**limited(8), "created_at": "2099-01-01 12:00:00"},
        {**FAILED, "status_code": 504, "error": "upstream_timeout"},
        {"cache_status": "miss"},
    )
    found = failures(database, Calls(HOUR), 10)
    assert (found["failures"], found["count"]) == (4, 2)
    assert found["patterns"][0] == {
        "pattern": "Rate limit reached for <id>: used <n>",
        "error": "upstream_refused",
        "status_code": 429,
        "type": "llm",
        "count": 3,
        "first": "2099-01-01 00:00:00",
        "last": "2099-01-02 00:00:00",
        "names": {"m": 2, "n": 1},
        "example": ids[2],
    }
    assert found["patterns"][1]["pattern"] == "upstream_timeout", "where nothing was said, the code stands for it"
    assert len(failures(database, Calls(HOUR), 1)["patterns"]) == 1


def test_the_same_words_with_another_status_are_another_pattern(database, record):
    record(limited(1), {**limited(2), "status_code": 400})
    assert failures(database, Calls(HOUR), 10)["count"] == 2


def test_errors_of_tools_are_their_messages(database, record):
    record(*({"interaction_type": "tool", "tool_name": "sh", "success": False, "error": f"exit {n}"} for n in (1, 2)))
    (found,) = failures(database, Calls(HOUR), 10)["patterns"]
    assert (found["pattern"], found["error"], found["type"], found["names"]) == (
        "exit <n>",
        "exit <n>",
        "tool",
        {"sh": 2},
    )


def test_damaged_metadata_breaks_nothing(database, record):
    import sqlalchemy as sa

    record(FAILED)
    database.transact(lambda connection: connection.execute(sa.text("UPDATE interactions SET metadata = '{broken'")))
    assert failures(database, Calls(HOUR), 10)["patterns"][0]["pattern"] == "upstream_refused"


def test_a_namespace_sees_its_own_failures(database, record):
    record({**FAILED, "namespace": "a"}, {**FAILED, "namespace": "b"})
    assert failures(database, Calls(HOUR, "a"), 10)["failures"] == 1


def test_nothing_failed(database):
    assert failures(database, Calls(HOUR), 10) == {"failures": 0, "count": 0, "patterns": []}
