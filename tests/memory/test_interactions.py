"""The log of round trips: what is kept, and how it is listed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from memory.interactions import (
    MAX_LISTED,
    SUMMARY_CHARS,
    Interaction,
    InteractionError,
    Interactions,
    parse_since,
    stamp,
    summary_of,
)
from store.database import Database
from store.errors import DatabaseError
from store.tables import interactions as table

FULL = {
    "prompt": "What is the capital of France?",
    "namespace": "acme",
    "response": "Paris, of course. 🗼",
    "response_summary": "Paris.",
    "request": '{"model": "gpt-x"}',
    "project": "atlas",
    "client": "tests",
    "session_id": "ses_1",
    "interaction_type": "tool",
    "tool_id": "maps",
    "tool_name": "Maps",
    "model": "gpt-x",
    "provider": "openai",
    "stream": True,
    "collapsed": True,
    "success": False,
    "status_code": 502,
    "error": "upstream_refused",
    "quality_score": 0.25,
    "latency_ms": 12.5,
    "upstream_ms": 11.25,
    "input_hash": "abc",
    "prompt_tokens": 7,
    "completion_tokens": 2,
    "tokens_estimated": True,
    "cost": 0.001,
    "cost_saved": 0.002,
    "cache_status": "miss",
    "tier": "upstream",
    "reason": "no_entry",
    "entry_id": "ent_1",
    "similarity": 0.5,
    "policy": "default",
    "experiment": "cuts",
    "arm": "b",
    "compat_key": "def",
    "cached_tokens": 128,
    "holdout": False,
    "memories_used": ["mem_1", "mem_2"],
    "chunks_used": ["chk_1"],
    "context_pack": {"bands": [{"name": "state", "chars": 10}]},
    "metadata": {"tags": ["a"], "Ümlaut": None},
    "created_at": "2026-11-20 10:00:00",
}


# ---- recording and reading one


def test_an_interaction_comes_back_whole(interactions, record):
    [id_] = record(FULL)
    assert interactions.get(id_) == {**FULL, "id": id_, "response_chars": len(FULL["response"])}


def test_every_field_of_an_interaction_has_a_column(database):
    columns = set(table.columns.keys())
    assert set(Interaction.__dataclass_fields__) | {"response_chars"} == columns
    assert set(FULL) | {"id", "response_chars"} == columns


def test_only_the_prompt_is_required(interactions, record):
    [id_] = record({"prompt": "Hi"})
    found = interactions.get(id_)
    assert (found["prompt"], found["namespace"], found["interaction_type"]) == ("Hi", "default", "llm")
    assert (found["success"], found["stream"], found["collapsed"], found["tokens_estimated"]) == (
        True,
        False,
        False,
        False,
    )
    assert (found["memories_used"], found["chunks_used"], found["metadata"], found["context_pack"]) == (
        [],
        [],
        {},
        None,
    )
    assert re.fullmatch(r"int_[0-9a-f]{24}", id_)


def test_a_response_is_never_cut(interactions, record):
    long = "word " * 200_000
    [id_] = record({"prompt": "Hi", "response": long})
    found = interactions.get(id_)
    assert found["response"] == long
    assert found["response_chars"] == len(long)


def test_created_at_is_utc_text_that_sorts_by_time(interactions, record):
    before = stamp(datetime.now(UTC))
    [id_] = record({})
    after = stamp(datetime.now(UTC))
    created_at = interactions.get(id_)["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", created_at)
    assert before <= created_at <= after


@pytest.mark.parametrize("prompt", ["", " ", "\n\t", "\u2003"])
async def test_a_blank_prompt_is_refused_where_it_is_not_a_proxied_call(interactions, prompt):
    with pytest.raises(InteractionError) as caught:
        interactions.record(Interaction(prompt=prompt, interaction_type="tool"))
    assert caught.value.field == "prompt"
    assert interactions.list() == []


async def test_a_proxied_call_without_text_is_logged_all_the_same(interactions):
    await interactions.record(Interaction(prompt="", response="A cat."))
    assert len(interactions.list()) == 1


async def test_what_cannot_be_written_is_told_and_spoils_nothing_else(interactions):
    good = Interaction(prompt="Hi")
    waiting = interactions.record(good)
    for bad in (Interaction(prompt="\ud800"), Interaction(prompt="Hi", prompt_tokens=2**63), good):
        with pytest.raises(DatabaseError):
            await interactions.record(bad)
    await waiting
    assert [row["id"] for row in interactions.list()] == [good.id]


def test_an_unknown_id_is_none(interactions):
    assert interactions.get("int_unknown") is None


def test_an_interaction_is_read_within_its_namespace_only(interactions, record):
    [id_] = record({"namespace": "acme"})
    assert interactions.get(id_, "acme")["id"] == id_
    assert interactions.get(id_, "other") is None
    assert interactions.get(id_)["id"] == id_


DAMAGED = ["{", "", "null", "7", '"text"', "[1", "\x00", "[" * 100_000]


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_json_reads_as_empty(database, interactions, record, damage):
    [id_] = record(FULL)
    columns = dict.fromkeys(("memories_used", "chunks_used", "metadata", "context_pack"), damage)
    database.transact(lambda connection: connection.execute(sa.update(table).values(**columns)))
    found = interactions.get(id_)
    assert (found["memories_used"], found["chunks_used"], found["metadata"], found["context_pack"]) == (
        [],
        [],
        {},
        None,
    )
    [listed] = interactions.list()
    assert (listed["memories_used"], listed["chunks_used"]) == ([], [])


def test_json_of_another_kind_reads_as_empty(database, interactions, record):
    [id_] = record(FULL)
    columns = {"memories_used": '{"a": 1}', "chunks_used": '{"a": 1}', "metadata": "[1]", "context_pack": "[1]"}
    database.transact(lambda connection: connection.execute(sa.update(table).values(**columns)))
    found = interactions.get(id_)
    assert (found["memories_used"], found["chunks_used"], found["metadata"], found["context_pack"]) == (
        [],
        [],
        {},
        None,
    )


# ---- listing


def at(second, **fields):
    return {"created_at": f"2026-11-20 10:00:{second:02d}", **fields}


def prompts(rows):
    return [row["prompt"] for row in rows]


def test_the_list_is_newest_first(interactions, record):
    record(at(2, prompt="second"), at(1, prompt="first"), at(3, prompt="third"))
    assert prompts(interactions.list()) == ["third", "second", "first"]


def test_the_list_is_newest_first_within_one_second_too(interactions, record):
    record(*(at(0, prompt=str(number)) for number in range(20)))
    assert prompts(interactions.list()) == [str(number) for number in reversed(range(20))]


def test_the_list_holds_no_responses_and_these_fields(interactions, record):
    record(FULL)
    [row] = interactions.list()
    assert row == {
        "id": row["id"],
        "created_at": "2026-11-20 10:00:00",
        "interaction_type": "tool",
        "tool_id": "maps",
        "prompt": FULL["prompt"],
        "response_summary": "Paris.",
        "response_chars": len(FULL["response"]),
        "project": "atlas",
        "client": "tests",
        "session_id": "ses_1",
        "model": "gpt-x",
        "success": False,
        "cache_status": "miss",
        "tier": "upstream",
        "memories_used": ["mem_1", "mem_2"],
        "chunks_used": ["chk_1"],
    }


@pytest.mark.parametrize("name", ["namespace", "project", "session_id", "client"])
def test_each_filter_keeps_what_is_equal(interactions, record, name):
    record({"prompt": "mine", name: "a"}, {"prompt": "yours", name: "b"})
    assert prompts(interactions.list(**{name: "a"})) == ["mine"]
    assert interactions.list(**{name: "c"}) == []
    assert len(interactions.list()) == 2


def test_filters_hold_together(interactions, record):
    record({"project": "a", "client": "x"}, {"project": "a", "client": "y"}, {"project": "b", "client": "x"})
    assert len(interactions.list(project="a", client="x")) == 1


def test_an_empty_filter_is_a_filter(interactions, record):
    record({"project": ""}, {"project": "a"})
    assert len(interactions.list(project="")) == 1


@pytest.mark.parametrize("limit", [0, -1, -500])
def test_a_limit_of_nothing_gives_nothing(interactions, record, limit):
    record({})
    assert interactions.list(limit=limit) == []


def test_the_list_is_as_long_as_the_limit_and_never_longer_than_the_cap(interactions, record):
    record(*({"prompt": str(number)} for number in range(MAX_LISTED + 10)))
    assert len(interactions.list()) == 50
    assert prompts(interactions.list(limit=2)) == [str(MAX_LISTED + 9), str(MAX_LISTED + 8)]
    assert len(interactions.list(limit=MAX_LISTED)) == MAX_LISTED == 500
    assert len(interactions.list(limit=10**12)) == MAX_LISTED


def test_the_log_survives_a_restart(database, interactions, record):
    [id_] = record(FULL)
    database.close()
    again = Database(database.driver)
    assert Interactions(again).get(id_)["response"] == FULL["response"]
    again.close()


# ---- since

SINCE = [
    ("2026-11-20", "2026-11-20 00:00:00"),
    ("2026-11-20T10:00", "2026-11-20 10:00:00"),
    ("2026-11-20T10:00:05", "2026-11-20 10:00:05"),
    ("2026-11-20 10:00:05", "2026-11-20 10:00:05"),
    ("2026-11-20T10:00:05Z", "2026-11-20 10:00:05"),
    ("2026-11-20t10:00:05z", "2026-11-20 10:00:05"),
    ("2026-11-20 10:00:05Z", "2026-11-20 10:00:05"),
    ("2026-11-20T12:00:05+02:00", "2026-11-20 10:00:05"),
    ("2026-11-20 12:00:05+02:00", "2026-11-20 10:00:05"),
    ("2026-11-20T12:00:05+0200", "2026-11-20 10:00:05"),
    ("2026-11-20T12:00:05+02", "2026-11-20 10:00:05"),
    ("2026-11-20T04:30:05-05:30", "2026-11-20 10:00:05"),
    ("2026-11-20T10:00:05.5", "2026-11-20 10:00:05"),
    ("2026-11-20T10:00:05,5", "2026-11-20 10:00:05"),
    ("2026-11-20T10:00:05.123456Z", "2026-11-20 10:00:05"),
    ("2026-11-20T10:00:05.123456789+00:00", "2026-11-20 10:00:05"),
    ("20261120T100005Z", "2026-11-20 10:00:05"),
    ("20261120", "2026-11-20 00:00:00"),
    ("2026-W47-5", "2026-11-20 00:00:00"),
    ("  2026-11-20T10:00:05Z ", "2026-11-20 10:00:05"),
    # A plus sign that nobody escaped arrives as a space.
    ("2026-11-20T12:00:05 02:00", "2026-11-20 10:00:05"),
    ("2026-11-20 12:00:05 02:00", "2026-11-20 10:00:05"),
    ("2026-11-20T12:00:05.5 0200", "2026-11-20 10:00:05"),
    ("20261120T120005 0200", "2026-11-20 10:00:05"),
    # Across midnight and the year.
    ("2026-01-01T00:30:00+01:00", "2025-12-31 23:30:00"),
    ("0300-01-01", "0300-01-01 00:00:00"),
]


@pytest.mark.parametrize(("text", "stored"), SINCE)
def test_since_takes_any_iso_8601_shape_and_is_compared_in_storage_form(text, stored):
    assert parse_since(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yesterday",
        "2026",
        "2026-13-01",
        "2026-11-31",
        "2026-11-20T25:00:00",
        "2026-11-20T10:00:05+99:00",
        "2026-11-20T10:00:05 02:00 02:00",
        "1763632805",
        "11/20/2026",
        "2026-11-20' OR 1=1",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "２０２６-11-20",
    ],
)
def test_a_since_that_cannot_be_read_is_an_error_and_not_an_empty_list(interactions, text):
    with pytest.raises(InteractionError) as caught:
        interactions.list(since=text)
    assert caught.value.field == "since"
    assert repr(text) in str(caught.value)
    with pytest.raises(InteractionError):
        interactions.list(since=text, limit=0)


def test_since_is_inclusive(interactions, record):
    record(at(4, prompt="before"), at(5, prompt="then"), at(6, prompt="after"))
    assert prompts(interactions.list(since="2026-11-20T10:00:05Z")) == ["after", "then"]
    assert prompts(interactions.list(since="2026-11-20T10:00:05.999Z")) == ["after", "then"]
    assert prompts(interactions.list(since="2026-11-20T11:00:05+01:00")) == ["after", "then"]
    assert interactions.list(since="2026-11-20T10:00:07Z") == []
    assert len(interactions.list(since="0300-01-01")) == 3


MOMENTS = st.datetimes(
    datetime(1000, 1, 3),
    datetime(9999, 12, 29),
    timezones=st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23))),
)


@given(moment=MOMENTS)
def test_any_moment_is_read_back_in_utc(moment):
    assert parse_since(moment.isoformat()) == stamp(moment)
    assert datetime.fromisoformat(stamp(moment)).replace(tzinfo=UTC) == moment.astimezone(UTC).replace(microsecond=0)


@given(first=MOMENTS, second=MOMENTS)
def test_the_text_order_of_stamps_is_time_order(first, second):
    if first.astimezone(UTC).replace(microsecond=0) < second.astimezone(UTC).replace(microsecond=0):
        assert stamp(first) < stamp(second)


# ---- summaries


def test_a_short_response_is_its_own_summary():
    assert summary_of("Paris.") == "Paris."
    assert summary_of("") == ""


def test_white_space_is_collapsed():
    assert summary_of(" Paris,\n\n  the\tcapital. ") == "Paris, the capital."


@given(text=st.text())
def test_a_summary_is_one_line_of_at_most_its_length(text):
    summary = summary_of(text)
    assert len(summary) <= SUMMARY_CHARS
    assert summary == " ".join(summary.split())


def test_a_cut_summary_says_so():
    summary = summary_of("word " * 100)
    assert len(summary) == SUMMARY_CHARS
    assert summary.endswith("…")


def test_json_of_a_record_can_be_sent(interactions, record):
    [id_] = record(FULL)
    assert json.loads(json.dumps(interactions.get(id_))) == interactions.get(id_)


# ---- quality


def test_a_rating_sets_the_quality_and_keeps_what_was_said(interactions, record):
    rated, other = record({"metadata": {"tags": ["a"]}}, {"quality_score": 0.5})
    before = interactions.get(rated)
    interactions.rate(rated, 0.25, feedback={"comment": "Nein. 🗼"})
    after = interactions.get(rated)
    assert after["quality_score"] == 0.25, "the score"
    assert after["metadata"] == {"tags": ["a"], "feedback": {"comment": "Nein. 🗼"}}, "beside what was there"
    kept = {"quality_score": None, "metadata": before["metadata"]}
    assert {**after, **kept} == before, "nothing else of the row is rewritten"
    assert interactions.get(other)["quality_score"] == 0.5, "nor any other row"


def test_a_later_rating_replaces_the_earlier_one(interactions, record):
    [id_] = record({})
    interactions.rate(id_, 0.0, feedback={"comment": "a"})
    interactions.rate(id_, 1.0, feedback={"comment": "b"})
    found = interactions.get(id_)
    assert (found["quality_score"], found["metadata"]) == (1.0, {"feedback": {"comment": "b"}}), "the later one stands"


def test_rating_what_is_not_there_or_damaged_is_no_error(database, interactions, record):
    interactions.rate("int_nobody", 1.0)
    assert interactions.list() == [], "no row comes of it"
    [id_] = record({})
    database.transact(lambda connection: connection.execute(sa.update(table).values(metadata="{")))
    interactions.rate(id_, 1.0, feedback={})
    assert interactions.get(id_)["metadata"] == {"feedback": {}}, "damaged metadata reads as empty"
