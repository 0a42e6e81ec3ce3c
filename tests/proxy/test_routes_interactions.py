"""The log over HTTP: what clients report is recorded, and each sees its own."""

from __future__ import annotations

import json
import re

import pytest

from tests.proxy.fakes import MESSAGES

A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}


@pytest.fixture(scope="module")
async def keyless(run_app):
    async with run_app() as (client, _):
        yield client


@pytest.fixture(scope="module")
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, _):
        yield client


async def record(client, headers=None, /, **fields):
    """Record an interaction and give its id."""
    response = await client.post("/interactions", json=fields, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["id"]


async def read(client, id_, headers=None):
    response = await client.get(f"/interactions/{id_}", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def listed(client, headers=None, /, **filters):
    response = await client.get("/interactions", params=filters, headers=headers)
    assert response.status_code == 200, response.text
    assert response.json()["count"] == len(response.json()["interactions"])
    return [row["id"] for row in response.json()["interactions"]]


async def refusal(client, body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post("/interactions", content=raw, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    return response.json()["error"]


# Recording


async def test_a_round_trip_is_recorded_and_read_back_whole(keyless):
    given = {
        "prompt": "What is the capital of France?",
        "response": "Paris. 🦉",
        "response_summary": "It is Paris.",
        "project": "apollo",
        "client": "cli",
        "session_id": "s-1",
        "model": "gpt-x",
        "provider": "openai",
        "memories_used": ["m1", "m2"],
        "chunks_used": ["c1"],
        "context_pack": {"items": [1, {"a": None}]},
        "success": False,
        "quality_score": 0.5,
        "latency_ms": 12.5,
        "error": "cut off",
        "metadata": {"ünï": ["🦉", 1.5, None, {"deep": True}]},
    }
    response = await keyless.post("/interactions", json=given)
    told = response.json()
    assert set(told) == {"status", "id", "created_at"}
    assert told["status"] == "recorded"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["created_at"])
    found = await read(keyless, told["id"])
    assert {name: found[name] for name in given} == given
    assert (found["id"], found["created_at"]) == (told["id"], told["created_at"])
    assert (found["interaction_type"], found["namespace"]) == ("llm", "default")


async def test_a_prompt_is_all_that_is_needed(keyless):
    found = await read(keyless, await record(keyless, prompt="a"))
    assert (found["prompt"], found["response"], found["success"], found["metadata"]) == ("a", "", True, {})
    assert (found["memories_used"], found["context_pack"]) == ([], None)


async def test_a_response_without_a_summary_gets_one(keyless):
    found = await read(keyless, await record(keyless, prompt="a", response="one\n  two " * 100))
    assert found["response_summary"].startswith("one two one two")
    assert len(found["response_summary"]) == 280


@pytest.mark.parametrize(
    ("input_", "output", "prompt", "response"),
    [
        ("ls -l", "total 0", "ls -l", "total 0"),
        ({"city": "Zürich"}, {"degrees": 7}, '{"city": "Zürich"}', '{"degrees": 7}'),
        ([1, 2], None, "[1, 2]", ""),
        (0, False, "0", "false"),
    ],
)
async def test_of_a_tool_input_and_output_stand_for_prompt_and_response(keyless, input_, output, prompt, response):
    fields = {"tool_id": "t-1", "tool_name": "shell", "input": input_, "output": output}
    found = await read(keyless, await record(keyless, interaction_type="tool", **fields))
    assert (found["prompt"], found["response"]) == (prompt, response)
    assert (found["interaction_type"], found["tool_id"], found["tool_name"]) == ("tool", "t-1", "shell")


async def test_prompt_and_response_stand_above_input_and_output(keyless):
    found = await read(keyless, await record(keyless, prompt="p", response="r", input="i", output="o"))
    assert (found["prompt"], found["response"]) == ("p", "r")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": ""},
        {"prompt": " \n\t"},
        {"prompt": None},
        {"input": ""},
        {"input": None},
        {"prompt": "", "input": "x"},
    ],
)
async def test_a_blank_prompt_is_refused_by_name(keyless, body):
    error = await refusal(keyless, body)
    assert (error["param"], error["message"]) == ("prompt", "'prompt' must not be blank.")


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "prompt": (7, ["a"], {}),
        "response": (None, 7),
        "memories_used": ("m1", [7], None),
        "context_pack": ([], "x"),
        "interaction_type": ("", "x" * 65, None),
        "success": ("perhaps", None),
        "quality_score": (-0.1, 1.1, "good"),
        "latency_ms": (-1, "slow"),
        "metadata": ([], None),
        "promt": ("a",),
        "namespace": ("team-b",),
        "id": ("int_1",),
        "created_at": ("2020-01-01 00:00:00",),
    }.items(),
)
async def test_a_wrong_or_unknown_field_is_refused_by_name(keyless, field, values):
    for value in values:
        error = await refusal(keyless, {"prompt": "a", field: value})
        assert (error["param"] or "").split(".")[0] == field


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
@pytest.mark.parametrize("field", [b"latency_ms", b"quality_score"])
async def test_a_number_that_is_none_is_refused(keyless, number, field):
    assert (await refusal(keyless, b'{"prompt": "a", "%b": %b}' % (field, number)))["param"] == field.decode()


HALF = b'"\\ud83d"'


@pytest.mark.parametrize(
    "body",
    [
        b'{"prompt": %b}' % HALF,
        b'{"input": %b}' % HALF,
        b'{"input": {"a": [%b]}}' % HALF,
        b'{"prompt": "a", "output": %b}' % HALF,
        b'{"prompt": "a", "project": %b}' % HALF,
        b'{"prompt": "a", "memories_used": [%b]}' % HALF,
        b'{"prompt": "a", "metadata": {"x": %b}}' % HALF,
        b'{"prompt": "a", "metadata": {%b: 1}}' % HALF,
        b'{"prompt": "a", "context_pack": {"x": [%b]}}' % HALF,
    ],
)
async def test_text_that_no_record_can_hold_is_refused(keyless, body):
    error = await refusal(keyless, body)
    assert (error["param"], error["code"]) == ("body", "invalid_json")


@pytest.mark.parametrize("depth", [150, 195, 198, 199, 200, 201, 250, 300, 900])
@pytest.mark.parametrize("field", [b"metadata", b"context_pack", b"input"])
async def test_what_is_recorded_can_be_read_however_deep_it_is(keyless, depth, field):
    body = b'{"prompt": "a", "%b": {"x": %b}}' % (field, b"[" * depth + b"]" * depth)
    response = await keyless.post("/interactions", content=body, headers={"content-type": "application/json"})
    assert response.status_code == (200 if depth <= 198 else 400)
    if response.status_code == 200:
        await read(keyless, response.json()["id"])


@pytest.mark.parametrize(
    "text", ["a\0b", "\x1b[31m", "a\u2028b", "e\u0301", "🦉" * 1000, "'; DROP TABLE interactions; --"]
)
async def test_any_text_comes_back_as_it_was(keyless, text):
    found = await read(keyless, await record(keyless, prompt=text, response=text, metadata={text: text}))
    assert (found["prompt"], found["response"], found["metadata"]) == (text, text, {text: text})


@pytest.mark.parametrize("kind", ["llm", "tool", "command_check"])
async def test_a_kind_whose_logging_is_switched_off_is_refused(run_app, kind):
    async with run_app(memory={"interactions": {kind: False}}) as (client, _):
        response = await client.post("/interactions", json={"prompt": "a", "interaction_type": kind})
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "interaction_type"
        assert await record(client, prompt="a", interaction_type="another")


async def test_calls_through_the_proxy_are_in_the_log(keyed, model):
    response = await keyed.post("/v1/chat/completions", json={"model": "m", "messages": MESSAGES}, headers=A)
    found = await read(keyed, response.headers["x-reprise-interaction"], A)
    assert (found["prompt"], found["response"]) == (MESSAGES[0]["content"], "The capital of France is Paris.")
    assert (found["namespace"], found["cache_status"], found["status_code"]) == ("team-a", "miss", 200)


# Listing


async def test_the_newest_come_first_and_without_their_responses(keyless):
    ids = [await record(keyless, prompt=f"p{n}", response="a long response", project="newest") for n in range(3)]
    response = await keyless.get("/interactions", params={"project": "newest"})
    rows = response.json()["interactions"]
    assert [row["id"] for row in rows] == ids[::-1]
    assert all("response" not in row and row["response_chars"] == 15 for row in rows)
    assert rows[0]["response_summary"] == "a long response"


async def test_the_list_can_be_narrowed_and_each_filter_counts(keyless):
    values = {"project": "p", "session_id": "s", "client": "c"}
    all_ = [
        await record(keyless, prompt="a", **{name: f"filter-{value}{n}" for name, value in values.items()})
        for n in range(2)
    ]
    for name, value in values.items():
        assert await listed(keyless, **{name: f"filter-{value}1"}) == [all_[1]]
    assert await listed(keyless, project="filter-p1", session_id="filter-s0") == []
    assert await listed(keyless, project="filter-P1") == []
    assert await listed(keyless, project="filter-p%") == []


@pytest.mark.parametrize(("limit", "expected"), [("2", 2), ("0", 0), ("-1", 0), ("99999999999999999999", 3)])
async def test_a_limit_bounds_the_list(keyless, limit, expected):
    project = f"limit {limit}"
    for n in range(3):
        await record(keyless, prompt=f"p{n}", project=project)
    assert len(await listed(keyless, project=project, limit=limit)) == expected


async def test_the_list_can_start_at_a_time(keyless):
    id_ = await record(keyless, prompt="a", project="since")
    made = (await read(keyless, id_))["created_at"]
    for since in (made, made.replace(" ", "T") + "Z", made.replace(" ", "T") + "+00:00", "2020-01-01"):
        assert await listed(keyless, project="since", since=since) == [id_]
    assert await listed(keyless, project="since", since="2999-01-01") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("since=0000-00-00", "since"),
        ("limit=many", "limit"),
        ("limit=", "limit"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(keyless, query, param):
    response = await keyless.get(f"/interactions?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


# Namespaces


async def test_a_client_sees_its_own_namespace_and_an_admin_sees_all(keyed):
    mine, theirs = [await record(keyed, headers, prompt="a", project="spaces") for headers in (A, B)]
    assert await listed(keyed, A, project="spaces") == [mine]
    assert await listed(keyed, B, project="spaces") == [theirs]
    assert await listed(keyed, ADMIN, project="spaces") == [theirs, mine]
    assert (await read(keyed, mine, A))["namespace"] == "team-a"
    assert (await read(keyed, mine, ADMIN))["namespace"] == "team-a"


async def test_another_namespaces_record_is_not_found_as_if_it_were_not_there(keyed):
    theirs = await record(keyed, B, prompt="a secret")
    responses = [await keyed.get(f"/interactions/{id_}", headers=A) for id_ in (theirs, "int_000000000000000000000000")]
    for response, id_ in zip(responses, (theirs, "int_000000000000000000000000"), strict=True):
        assert response.status_code == 404
        assert response.json()["error"] == {
            "message": f"No interaction '{id_}'.",
            "type": "invalid_request_error",
            "param": "id",
            "code": "not_found",
        }


async def test_without_keys_namespaces_follow_the_callers_own_key(keyless):
    found = [
        await read(keyless, await record(keyless, {"authorization": f"Bearer sk-{n}"}, prompt="a")) for n in (1, 2, 1)
    ]
    first, second, again = (row["namespace"] for row in found)
    assert first == again != second
    assert "sk-1" not in json.dumps(found)


@pytest.mark.parametrize("id_", ["int_1", "..", "%00", "x" * 5000, "' OR 1=1 --"])
async def test_an_id_nobody_gave_is_not_found(keyless, id_):
    response = await keyless.get(f"/interactions/{id_}")
    assert response.status_code == 404
