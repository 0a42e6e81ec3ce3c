"""Tools over HTTP: similar runs, ratings, figures, and what becomes of a run that is posted."""

from __future__ import annotations

import pytest

from store.jobs import Jobs
from tests.fakes import near
from tests.proxy.fakes import MESSAGES

A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
VECTORS = {"list files": near(1.0), "list the files": near(0.9, 1)}


@pytest.fixture(scope="module")
async def keyless(run_app):
    async with run_app(vectors=VECTORS) as running:
        yield running


@pytest.fixture(scope="module")
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, _):
        yield client


async def record(client, headers=None, /, **fields):
    values = {"interaction_type": "tool", "tool_id": "shell", "input": "ls", "output": "a b", **fields}
    response = await client.post("/interactions", json=values, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["id"]


async def read(client, id_, headers=None):
    return (await client.get(f"/interactions/{id_}", headers=headers)).raise_for_status().json()


async def similar(client, headers=None, /, **wanted):
    """By GET and by POST, which must say the same."""
    values = {"tool_id": "shell", "text": "ls", **wanted}
    got = await client.get("/interactions/similar", params=values, headers=headers)
    posted = await client.post("/interactions/similar", json=values, headers=headers)
    assert (got.status_code, posted.status_code) == (200, 200), got.text + posted.text
    rows = [[(row["id"], row["score"]) for row in answer.json()["interactions"]] for answer in (got, posted)]
    assert rows[0] == rows[1]
    assert got.json()["count"] == len(rows[0])
    return got.json()["interactions"]


async def rate(client, id_, score, headers=None):
    return await client.post(f"/interactions/{id_}/quality", json={"score": score}, headers=headers)


async def stats(client, tool, headers=None, **query):
    response = await client.get(f"/tools/{tool}/stats", params=query, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


# Similar runs


async def test_a_run_is_found_by_its_input_right_after_it_was_posted(keyless):
    client, _ = keyless
    made = await record(client, tool_id="t1", input="list files", output={"files": ["a"]})
    (row,) = await similar(client, tool_id="t1", text="list files")
    assert (row["id"], row["response"], row["similarity"]) == (made, '{"files": ["a"]}', 1.0)
    (row,) = await similar(client, tool_id="t1", text="list the files")
    assert (row["id"], row["similarity"], row["equal"]) == (made, pytest.approx(0.9, abs=1e-5), False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", "1.1"),
        ("threshold", "-0.1"),
        ("threshold", "nan"),
        ("min_quality", "2"),
        ("require_success", "perhaps"),
        ("top_k", "0"),
        ("top_k", "101"),
        ("max_age_hours", "0"),
        ("tool_id", ""),
        ("text", " "),
        ("k", "5"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(keyless, field, value):
    client, _ = keyless
    wanted = {"tool_id": "t", "text": "x", field: value}
    for response in (
        await client.get("/interactions/similar", params=wanted),
        await client.post("/interactions/similar", json=wanted),
    ):
        assert response.status_code == 400, response.text
        assert response.json()["error"]["param"] == field


@pytest.mark.parametrize("field", ["tool_id", "text"])
async def test_what_is_looked_for_must_be_named(keyless, field):
    client, _ = keyless
    wanted = {name: "x" for name in ("tool_id", "text") if name != field}
    for response in (
        await client.get("/interactions/similar", params=wanted),
        await client.post("/interactions/similar", json=wanted),
    ):
        assert (response.status_code, response.json()["error"]["param"]) == (400, field)


async def test_text_that_no_record_can_hold_is_refused(keyless):
    client, _ = keyless
    raw = b'{"tool_id": "t", "text": "\\ud83d"}'
    response = await client.post("/interactions/similar", content=raw, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "text")


async def test_each_caller_finds_runs_of_its_own_namespace_an_admin_too(keyed):
    mine, theirs, ours = [await record(keyed, headers, tool_id="own") for headers in (A, B, ADMIN)]
    for headers, id_ in ((A, mine), (B, theirs), (ADMIN, ours)):
        assert [row["id"] for row in await similar(keyed, headers, tool_id="own")] == [id_]


async def test_nobody_finds_anything_without_a_key(keyed):
    response = await keyed.get("/interactions/similar", params={"tool_id": "t", "text": "x"})
    assert response.status_code == 401


# Jobs


async def jobs_of(parts, id_):
    found = []
    for kind in ("embed", "learn"):
        waiting = [job for job in Jobs(parts.database).take(kind, 10_000) if job.key == id_]
        found += [job.kind for job in waiting]
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reinforce": False}, ["embed"]),
        ({}, ["embed", "learn"]),
        ({"output": None}, ["embed"]),
        ({"output": None, "response_summary": "said"}, ["embed", "learn"]),
        ({"tool_id": None, "interaction_type": "llm"}, ["learn"]),
        ({"tool_id": None, "interaction_type": "llm", "reinforce": False}, []),
    ],
)
async def test_what_is_posted_leaves_behind_the_jobs_it_needs(run_app, fields, expected):
    async with run_app() as (client, parts):
        assert await jobs_of(parts, await record(client, **fields)) == expected


async def test_what_is_switched_off_is_not_queued(run_app):
    memory = {"interactions": {"embed": False}, "reinforcement": {"enabled": False}}
    async with run_app(memory=memory) as (client, parts):
        id_ = await record(client)
        assert await jobs_of(parts, id_) == []
        assert [row["id"] for row in await similar(client)] == [id_], "equal inputs are found all the same"


# Hits


async def test_a_hit_names_its_run_and_takes_its_output(keyless):
    client, parts = keyless
    source = await record(client, tool_id="t2", input="x", output="y" * 5000, cost=0.5, latency_ms=100.0)
    hit = await record(client, tool_id="t2", input="x", output=None, cached_from=source, latency_ms=2.0)
    found = await read(client, hit)
    assert (found["cache_status"], found["tier"], found["similarity"]) == ("hit", "exact", 1.0)
    assert (found["entry_id"], found["response"], found["response_chars"]) == (source, "y" * 5000, 5000)
    assert found["cost_saved"] == 0.5
    near_hit = await read(client, await record(client, tool_id="t2", input="z", output="own", cached_from=source))
    assert (near_hit["tier"], near_hit["similarity"], near_hit["response"]) == ("semantic", None, "own")
    assert [row["id"] for row in await similar(client, tool_id="t2", text="x")] == [source]
    assert await jobs_of(parts, hit) == [], "a hit teaches nothing"


@pytest.mark.parametrize(
    "fields",
    [
        {"cached_from": "int_nobody"},
        {"cached_from": ""},
        {"cached_from": "{theirs}"},
        {"cached_from": "{mine}", "tool_id": "another"},
        {"cached_from": "{mine}", "tool_id": None},
        {"cached_from": "{mine}", "interaction_type": "llm"},
        {"cached_from": "{hit}"},
    ],
)
async def test_what_is_no_run_of_this_tool_can_have_no_hit(keyed, fields):
    mine, theirs = [await record(keyed, headers, tool_id="t3") for headers in (A, B)]
    hit = await record(keyed, A, tool_id="t3", cached_from=mine)
    given = {**fields, "cached_from": fields["cached_from"].format(mine=mine, theirs=theirs, hit=hit)}
    body = {"interaction_type": "tool", "tool_id": "t3", "input": "ls", **given}
    response = await keyed.post("/interactions", json=body, headers=A)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "cached_from")


# Quality


async def test_a_rating_is_read_back_from_where_it_was_written(keyless):
    client, _ = keyless
    id_ = await record(client, tool_id="t4", input="x")
    response = await rate(client, id_, 0.25)
    assert response.json() == {"status": "recorded", "id": id_, "quality_score": 0.25}
    assert (await read(client, id_))["quality_score"] == 0.25
    assert (await similar(client, tool_id="t4", text="x"))[0]["quality"] == 0.25
    assert (await stats(client, "t4"))["average_quality"] == 0.25
    assert (await rate(client, id_, 1)).json()["status"] == "replaced"
    assert (await read(client, id_))["quality_score"] == 1.0


async def test_a_rating_moves_the_cache_entry_behind_a_call(keyless, model):
    client, parts = keyless
    body = {"model": "m", "messages": [{"role": "user", "content": "What is rated here?"}]}
    miss = await client.post("/v1/chat/completions", json=body)
    hit = await client.post("/v1/chat/completions", json=body)
    assert hit.headers["x-reprise-cache"] == "hit"
    before = parts.entries.get(hit.headers["x-reprise-entry"]).quality
    told = (await rate(client, hit.headers["x-reprise-interaction"], 0.0)).json()
    after = parts.entries.get(hit.headers["x-reprise-entry"]).quality
    assert after < before
    assert told["entry"] == {
        "id": hit.headers["x-reprise-entry"],
        "quality": round(after, 4),
        "status": parts.entries.get(hit.headers["x-reprise-entry"]).status,
    }
    assert (await read(client, miss.headers["x-reprise-interaction"]))["quality_score"] is None, "another's record"


async def test_a_rating_of_an_exact_hit_is_one_of_its_run_too(keyless):
    client, _ = keyless
    source = await record(client, tool_id="t5", input="x")
    hit = await record(client, tool_id="t5", input="x", cached_from=source)
    await rate(client, hit, 0.1)
    assert [(await read(client, id_))["quality_score"] for id_ in (hit, source)] == [0.1, 0.1]
    assert await similar(client, tool_id="t5", text="x", min_quality=0.7) == []


async def test_a_rating_of_a_similar_hit_leaves_the_run_to_its_own_input(keyless):
    client, _ = keyless
    source = await record(client, tool_id="t6", input="list files")
    hit = await record(client, tool_id="t6", input="list the files", cached_from=source)
    await rate(client, hit, 0.1)
    assert (await read(client, source))["quality_score"] is None
    assert await similar(client, tool_id="t6", text="list the files") == [], "wrong for this one, and not asked again"
    assert [row["id"] for row in await similar(client, tool_id="t6", text="list files")] == [source]


@pytest.mark.parametrize(
    "body",
    [{}, {"score": 1.1}, {"score": -0.1}, {"score": "1"}, {"score": True}, {"score": None}, {"score": 1, "note": "x"}],
)
async def test_a_rating_that_is_none_is_refused_by_name(keyless, body):
    client, _ = keyless
    id_ = await record(client)
    response = await client.post(f"/interactions/{id_}/quality", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == ("note" if "note" in body else "score")


async def test_clients_rate_their_own_and_another_namespaces_is_not_there(keyed):
    theirs = await record(keyed, B)
    for id_ in (theirs, "int_nobody"):
        response = await rate(keyed, id_, 1.0, A)
        assert (response.status_code, response.json()["error"]["param"]) == (404, "id")
    assert (await read(keyed, theirs, B))["quality_score"] is None
    assert (await rate(keyed, theirs, 1.0, B)).status_code == 200
    assert (await rate(keyed, theirs, 0.5, ADMIN)).status_code == 200


# Figures


async def test_figures_of_a_tool_hold_what_its_hits_saved(keyless):
    client, _ = keyless
    source = await record(client, tool_id="t7", latency_ms=500.0, cost=0.2, quality_score=0.9)
    await record(client, tool_id="t7", success=False, error="boom", latency_ms=100.0)
    for _ in range(2):
        await record(client, tool_id="t7", cached_from=source, latency_ms=5.0)
    found = await stats(client, "t7", hours=1)
    assert (found["total_interactions"], found["runs"], found["hits"], found["hit_rate"]) == (4, 2, 2, 0.5)
    assert (found["successes"], found["failures"], found["success_rate"]) == (3, 1, 0.75)
    assert (found["average_quality"], found["average_latency_ms"]) == (0.9, 152.5)
    assert (found["time_saved_ms"], found["cost_saved_usd"]) == (990.0, 0.4)


@pytest.mark.parametrize("tool", ["a/b", "with space", "ünï", "stats", "a?b#c", "stats/stats"])
async def test_any_name_of_a_tool_can_be_asked_for(keyless, tool):
    from urllib.parse import quote

    client, _ = keyless
    await record(client, tool_id=tool)
    found = await stats(client, quote(tool, safe=""))
    assert (found["tool_id"], found["total_interactions"]) == (tool, 1)


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "soon", "1e9"])
async def test_hours_that_make_no_sense_are_refused_by_name(keyless, hours):
    client, _ = keyless
    response = await client.get("/tools/t/stats", params={"hours": hours})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "hours")


async def test_a_client_sees_figures_of_its_own_and_an_admin_of_all(keyed):
    for headers in (A, A, B):
        await record(keyed, headers, tool_id="t8")
    assert (await stats(keyed, "t8", A))["total_interactions"] == 2
    assert (await stats(keyed, "t8", ADMIN))["total_interactions"] == 3
    assert (await stats(keyed, "t8", ADMIN, namespace="team-b"))["total_interactions"] == 1
    response = await keyed.get("/tools/t8/stats", params={"namespace": "team-b"}, headers=A)
    assert (response.status_code, response.json()["error"]["param"]) == (403, "namespace")


async def test_calls_that_clients_report_are_no_lookups_of_the_cache(run_app, model):
    async with run_app() as (client, _):
        await client.post("/v1/chat/completions", json={"model": "m", "messages": MESSAGES})
        reported = {"interaction_type": "llm", "prompt": "a", "response": "b", "cost": 5.0, "tool_id": None}
        for kind in ("llm", "refresh"):
            await record(client, **{**reported, "interaction_type": kind})
        found = (await client.get("/stats")).json()
        assert (found["requests"], found["misses"]["count"]) == (1, 1)
        assert found["cost_usd"]["spent"] < 5.0, "what a client reports is not what the proxy spent"
