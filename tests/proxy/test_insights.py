"""Statistics that cross the parts: the log, what audits found and the cuts in force, in Python and over HTTP."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from cache.calibration import Calibrations
from cache.policy import Policy
from memory.interactions import Interaction, Interactions
from memory.statistics.calls import Calls
from memory.statistics.worth import NO_HOLDOUT
from proxy.insights.report import Insights
from proxy.insights.worth import reacts, worth_of
from store.database import Database
from store.tables import labels
from tests.fakes import FakeVerifier
from tests.memory.statistics.test_prompts import label_row
from tests.proxy.fakes import MESSAGES

HOUR = 3600.0
POLICIES = {"default": Policy(), "fixed": Policy(name="fixed", similarity_threshold=0.95)}
A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
SECTIONS = ("prompts", "near-misses", "tools", "errors", "trend", "advice", "semantic")


def judged(score, **changes):
    facts = {"score": score, "signals": [], "verifier": "fake-verifier", "candidate": "ent_1"}
    values = {"cache_status": "miss", "reason": "below_cut", "policy": "default", "similarity": 0.9, "metadata": facts}
    return {**values, **changes}


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def record(database):
    """Log interactions of these fields; gives their ids."""

    def record_all(*fields):
        made = [Interaction(**{"prompt": "New?", **values}) for values in fields]

        async def write():
            await asyncio.gather(*map(Interactions(database).record, made))

        asyncio.run(write())
        return [interaction.id for interaction in made]

    return record_all


@pytest.fixture
def label(database):
    """Put a label into the table."""

    def put(id, interaction_id, **changes):
        row = label_row(id, interaction_id, **changes)
        database.transact(lambda connection: connection.execute(sa.insert(labels).values(**row)))

    return put


@pytest.fixture
def insights(database):
    """With a shipped cut of 0.9 at one wrong in a hundred."""
    return Insights(database, POLICIES, Calibrations(FakeVerifier(), {0.01: 0.9}), "fake-verifier")


def test_near_misses_come_with_the_pair_the_cut_and_the_verdict(insights, record, label):
    near, *_ = record(
        judged(0.893), judged(0.5), judged(0.95), judged(0.89, metadata={**judged(0)["metadata"], "verifier": "old"})
    )
    label("l1", near, stored_prompt="Stored?", entry_id="ent_9")
    found = insights.near_misses(Calls(HOUR))
    (line,) = found["lines"]
    assert (line["namespace"], line["policy"], line["cut"], line["source"]) == ("default", "default", 0.9, "prior")
    assert line["judged"] == 3, "scores of another verifier are on another scale"
    assert [step["added_hits"] for step in line["steps"]] == [0, 1, 1, 1, 1]
    assert line["steps"][1]["says"] == (
        "lowering the cut from 0.900 to 0.890 would have added 1 hits of which an estimated 0.0% wrong "
        "[0.0%, 97.5%] (1 compared)"
    )
    (shown,) = found["nearest"]
    assert shown.pop("created_at")
    assert shown == {
        "interaction_id": near,
        "namespace": "default",
        "policy": "default",
        "model": None,
        "prompt": "New?",
        "stored_prompt": "Stored?",
        "entry_id": "ent_9",
        "score": 0.893,
        "similarity": 0.9,
        "cut": 0.9,
        "distance": 0.007,
        "right": True,
    }, "what is far below the cut is counted, not shown"


def test_each_namespace_and_policy_has_a_line_of_its_own(insights, record):
    below = {"cache_status": "miss", "reason": "below_threshold", "similarity": 0.94, "policy": "fixed"}
    record(judged(0.89), judged(0.89, namespace="b"), below, judged(0.89, policy="gone"))
    lines = {(line["namespace"], line["policy"]): line for line in insights.near_misses(Calls(HOUR))["lines"]}
    assert lines.keys() == {("default", "default"), ("b", "default"), ("default", "fixed"), ("default", "gone")}
    fixed = lines["default", "fixed"]
    assert (fixed["scale"], fixed["cut"], fixed["steps"][2]["added_hits"]) == ("similarity", 0.95, 1)
    assert lines["default", "gone"]["note"] == "there is no such policy now"
    only = insights.near_misses(Calls(HOUR, "b"))
    assert {line["namespace"] for line in only["lines"]} == {row["namespace"] for row in only["nearest"]} == {"b"}


def test_without_a_verifier_near_misses_say_so(database, record):
    record(judged(0.89))
    found = Insights(database, POLICIES, None, None).near_misses(Calls(HOUR))
    assert [(line["note"], line["steps"]) for line in found["lines"]] == [("the verifier is not ready", [])]
    assert found["nearest"] == []


def test_the_summary_has_errors_beside_its_rates_and_the_budget_beside_each_policy(insights, record, label):
    hit = {"cache_status": "hit", "tier": "semantic", "model": "m", "policy": "default"}
    audited = {"cache_status": "miss", "reason": "audit", "model": "m", "policy": "default"}
    ids = record(hit, audited, audited, {**hit, "model": "n", "policy": "fixed"}, {**hit, "policy": "gone"})
    label("l1", ids[1], source="audit")
    label("l2", ids[2], source="audit", correct=0)
    label("l3", ids[0], source="feedback", correct=0)
    found = insights.summary(Calls(HOUR))
    semantic = found["tiers"]["semantic"]
    assert (semantic["hits"], semantic["semantic_error"]["rate"], semantic["feedback"]["wrong"]) == (3, 0.5, 1)
    by_model = {row["model"]: row["semantic_error"] for row in found["by"]["model"]}
    assert (by_model["m"]["rate"], by_model["n"]["note"]) == (0.5, "no audits yet")
    assert {row["policy"]: row["max_error_rate"] for row in found["by"]["policy"]} == {
        "default": 0.01,
        "fixed": None,
        "gone": None,
    }


def test_the_trend_has_errors_in_the_bucket_of_the_audited_call(insights, record, label):
    (audited,) = record({"cache_status": "miss", "reason": "audit"})
    label("l1", audited, source="audit", correct=0)
    found = insights.trend(Calls(2 * HOUR), "day")
    errors = [row["semantic_error"]["checked"] for row in found["buckets"]]
    assert (errors[-1], sum(errors), found["bucket"]) == (1, 1, "day")


def test_advice_comes_from_the_log_itself(insights, record):
    bypassed = {"cache_status": "bypass", "reason": "volatile", "policy": "default", "input_hash": "k"}
    record(*[bypassed] * 10)
    calls = Calls(HOUR)
    (line,) = insights.advice(calls, insights.summary(calls), {})
    assert line.startswith("10 calls were bypassed as volatile, 90% of them exact repeats")


# Over HTTP


async def chat(client, text, headers=None):
    body = {"model": "m", "messages": [{**MESSAGES[0], "content": text}]}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


async def told(client, section, headers=None, **query):
    response = await client.get(f"/stats/{section}", headers=headers, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_every_section_answers_on_an_empty_log(run_app):
    async with run_app() as (client, _):
        for section in SECTIONS:
            assert await told(client, section), section


async def test_sections_tell_of_calls_that_were_made(run_app, model):
    async with run_app(vectors={}) as (client, _):
        for _ in range(3):
            await chat(client, "What is the capital of France?")
        for _ in range(2):
            await chat(client, "What is the weather now?")
        await chat(client, "Trip over this. [status 500]")
        prompts, errors = await told(client, "prompts"), await told(client, "errors")
        tools, trend = await told(client, "tools"), await told(client, "trend", window="2h")
    assert [(row["prompt"], row["hits"]) for row in prompts["saved"]] == [("What is the capital of France?", 2)]
    assert [(row["prompt"], row["why"]) for row in prompts["repeated"]] == [
        ("What is the weather now?", {"volatile": 2})
    ]
    (group,) = errors["patterns"]
    assert (group["status_code"], group["error"], group["count"]) == (500, "upstream_refused", 1)
    assert group["pattern"] not in ("", "upstream_refused"), "what the upstream said is in the log"
    (potential,) = tools["by"]["model"]
    assert (potential["calls"], potential["hits"], potential["repeats"]) == (6, 2, 1)
    assert sum(row["calls"] for row in trend["buckets"]) == 6
    assert 3 <= len(trend["buckets"]) <= 4, "hours without a call are there"


async def test_a_client_never_sees_another_namespaces_prompts(run_app, model):
    async with run_app(auth=KEYS, vectors={}) as (client, _):
        for _ in range(3):
            await chat(client, "Where is the secret garden?", A)
            await chat(client, "What is the weather in the secret garden now?", A)
        await chat(client, "Trip over the secret stone. [status 500]", A)
        for section in SECTIONS:
            response = await client.get(f"/stats/{section}", headers=B)
            assert "secret" not in response.text, section
            assert "team-a" not in response.text, section
        mine = await told(client, "prompts", A)
        assert mine["saved"][0]["prompt"] == "Where is the secret garden?"
        assert mine["repeated"][0]["prompt"] == "What is the weather in the secret garden now?"
        assert (await told(client, "errors", B))["failures"] == 0


@pytest.mark.parametrize("path", ["/stats", *(f"/stats/{section}" for section in SECTIONS)])
async def test_another_namespace_is_an_admins_to_name(run_app, path):
    async with run_app(auth=KEYS) as (client, _):
        statuses = {}
        for name, headers in (("A", A), ("admin", ADMIN), ("nobody", {})):
            for namespace in ("team-a", "team-b"):
                response = await client.get(path, headers=headers, params={"namespace": namespace})
                statuses[name, namespace] = response.status_code
    assert statuses == {
        ("A", "team-a"): 200,
        ("A", "team-b"): 403,
        ("admin", "team-a"): 200,
        ("admin", "team-b"): 200,
        ("nobody", "team-a"): 401,
        ("nobody", "team-b"): 401,
    }


async def test_statistics_are_narrowed_down(run_app, model):
    async with run_app(vectors={}) as (client, _):
        await chat(client, "What is the capital of France?", {"x-reprise-project": "atlas"})
        await chat(client, "What is the capital of Spain?", {"x-reprise-client": "web"})
        found = {}
        for query in ({}, {"project": "atlas"}, {"client": "web"}, {"model": "m"}, {"model": "n"}):
            found[str(query)] = (await client.get("/stats", params=query)).json()["requests"]
    assert list(found.values()) == [2, 1, 1, 2, 0]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("trend?window=365d&bucket=hour", "window"),
        ("trend?bucket=week", "bucket"),
        ("errors?limit=0", "limit"),
        ("prompts?limit=1000", "limit"),
        ("near-misses?window=soon", "window"),
    ],
)
async def test_what_makes_no_sense_is_a_400_that_names_the_parameter(run_app, query, param):
    async with run_app() as (client, _):
        response = await client.get(f"/stats/{query}")
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_with_minimal_exposure_a_client_learns_nothing_of_stored_prompts(run_app, model):
    fixed = {"policies": {"default": {"similarity_threshold": 0.99}}}
    async with run_app(auth=KEYS, vectors={}, cache=fixed, server={"expose": "minimal"}) as (client, parts):
        row = judged(0.94, namespace="team-a", similarity=0.98, reason="below_threshold", prompt="New?")
        await parts.interactions.record(Interaction(**row))
        await chat(client, "What is the capital of France?", A)
        await chat(client, "What is the capital of France?", A)
        (mine,) = (await told(client, "near-misses", A))["nearest"]
        (admins,) = (await told(client, "near-misses", ADMIN))["nearest"]
        saved = (await told(client, "prompts", A))["saved"]
    hidden = {"stored_prompt", "entry_id", "score", "similarity", "distance"}
    assert not hidden & mine.keys()
    assert hidden <= admins.keys()
    assert [row.keys() & {"entry_id"} for row in saved] == [set()]


# What memory is worth


def test_without_a_holdout_nothing_is_compared_unless_there_was_one(database, record):
    record({"cache_status": "miss", "session_id": "a", "holdout": False})
    assert worth_of(database, Calls(HOUR), 0.0)["worth"] == {"holdout": 0.0, "note": NO_HOLDOUT}, "off says so"
    record({"cache_status": "miss", "session_id": "b", "holdout": True})
    ended = worth_of(database, Calls(HOUR), 0.0)["worth"]
    assert ended["arms"]["held_out"]["sessions"] == 1, "what was held out before it was switched off still tells"


def test_turns_are_read_as_the_quality_of_answers_reads_them():
    asked = "When do the backups of Sunday run?"
    assert reacts(asked, "No, that's wrong.") == "corrected", "an objection"
    assert reacts(asked, "When do the backups of Sunday run, please?") == "repeated", "the same again"
    assert reacts(asked, "Thanks!") is None, "a word of thanks is neither"
