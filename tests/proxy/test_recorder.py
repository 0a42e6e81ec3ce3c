"""Each round trip becomes a line of the log and moves the metrics; a log that fails breaks no call."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest

from cache.decision import Bypass, Hit, Judged, Miss, Reason
from cache.identity import Scope
from cache.policy import Policy
from memory.interactions import Interactions
from proxy import recorder as recorder_module
from proxy.controls import Controls
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.policy.policies import Chosen
from proxy.prices import Prices
from proxy.recorder import Recorder
from store.database import Database
from store.errors import DatabaseError
from tests.proxy.fakes import answer, chat_request, entry, exchange, outcome, target

HIT = Hit(entry(), "exact", 1.0, Reason.EXACT)
MISS = Miss(Reason.NO_ENTRY)
PRICES = Prices(
    {
        "gpt-x": {"input_cost_per_token": 0.01, "output_cost_per_token": 0.1},
        "gpt-real": {"input_cost_per_token": 1.0},
        "azure/deployed": {"input_cost_per_token": 2.0},
    }
)


class Log:
    """An interaction log in memory, that can fail or never answer."""

    def __init__(self):
        self.rows = []
        self.error = None
        self.hangs = False

    def record(self, interaction, also=()):
        self.rows.append(interaction)
        future = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.hangs:
            future.set_result(None)
        return future


class Reactions:
    """Remembers which outcomes it was told."""

    def __init__(self):
        self.told = []

    def answered(self, exchange, outcome):
        self.told.append((exchange, outcome))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def reactions():
    return Reactions()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def health(metrics):
    made = Health(metrics)
    made.started("embedder")
    return made


@pytest.fixture
def recorder(log, metrics, health, reactions):
    return Recorder(log, metrics, health, PRICES, reactions)


@pytest.fixture
def value(metrics):
    """The value of a metric; 0 where it was never moved."""

    def read(name, **labels):
        return metrics.registry.get_sample_value(name, labels) or 0

    return read


# The line


async def test_a_forwarded_call_is_logged_whole(recorder, log):
    request = chat_request(stream=True, controls=Controls(project="apollo"))
    given = exchange(request, to=target(provider="azure", model="gpt-x"), namespace="team-a", tags=("a", "b"))
    await recorder.record(given, outcome(MISS, 200, answer=answer(), upstream_ms=12.5, entry_id="ent_1"))
    (row,) = log.rows
    assert (row.id, row.namespace, row.project, row.client) == (given.interaction_id, "team-a", "apollo", "tests")
    assert (row.session_id, row.model, row.provider, row.stream) == ("ses_1", "gpt-x", "azure", True)
    assert (row.prompt, row.response) == ("What is the capital of France?", "Paris.")
    assert row.request == request.raw.decode()
    assert (row.success, row.status_code, row.error, row.collapsed) == (True, 200, None, False)
    assert (row.cache_status, row.tier, row.reason, row.policy) == ("miss", "upstream", "no_entry", "default")
    assert (row.entry_id, row.similarity, row.upstream_ms) == ("ent_1", None, 12.5)
    assert (row.input_hash, row.interaction_type) == (given.call.exact_key, "llm")
    assert row.metadata == {"tags": ["a", "b"]}
    assert row.latency_ms > 0


async def test_a_hit_is_logged_with_what_was_served(recorder, log):
    hit = Hit(entry(id="ent_9"), "semantic", 0.95, Reason.SIMILAR)
    await recorder.record(exchange(), outcome(hit, 200, answer=answer(), entry_id="ent_9"))
    (row,) = log.rows
    assert (row.cache_status, row.tier, row.reason) == ("hit", "semantic", "similar")
    assert (row.entry_id, row.similarity, row.upstream_ms) == ("ent_9", 0.95, None)


@pytest.mark.parametrize(
    ("status", "error", "success"),
    [
        (200, None, True),
        (302, None, True),
        (400, "upstream_refused", False),
        (429, None, False),
        (200, "broken", False),
    ],
)
async def test_a_call_is_a_success_only_without_an_error_and_below_400(recorder, log, status, error, success):
    await recorder.record(exchange(), outcome(MISS, status, error=error))
    assert (log.rows[0].success, log.rows[0].status_code, log.rows[0].error) == (success, status, error)


async def test_a_call_without_an_answer_has_no_tokens_and_no_cost(recorder, log):
    await recorder.record(exchange(), outcome(MISS, 502, error="upstream_unavailable"))
    (row,) = log.rows
    assert (row.prompt_tokens, row.completion_tokens, row.tokens_estimated) == (None, None, False)
    assert (row.cost, row.cost_saved, row.response, row.response_summary) == (None, None, "", "")


async def test_an_answer_without_text_is_logged_as_its_message(recorder, log):
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(choices=choices)))
    assert json.loads(log.rows[0].response)["tool_calls"] == calls


@pytest.mark.parametrize("choices", [None, [], {}, "x", [None], ["x"], [{}], [{"message": None}], [{"message": "x"}]])
async def test_an_answer_of_a_strange_shape_is_logged_all_the_same(recorder, log, choices):
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(choices=choices)))
    assert isinstance(log.rows[0].response, str)


async def test_a_long_answer_has_a_short_summary(recorder, log):
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer("word \n" * 500)))
    assert len(log.rows[0].response_summary) == 280
    assert "\n" not in log.rows[0].response_summary


# What the verifier made of it

JUDGED = Judged(entry(), 0.95, 0.87654321, (1.2345678, 0.95), "pair-1", "mini", 0.02)


@pytest.mark.parametrize(
    "decision",
    [Hit(entry(), "semantic", 0.95, Reason.SIMILAR, JUDGED)]
    + [Miss(reason, 0.95, judged=JUDGED) for reason in (Reason.BELOW_CUT, Reason.AUDIT, Reason.SHADOW)],
    ids=lambda decision: decision.reason,
)
async def test_what_the_verifier_made_of_the_nearest_is_logged_for_feedback_to_come(recorder, log, decision):
    await recorder.record(exchange(tags=("a",)), outcome(decision, 200, answer=answer()))
    score = {"score": 0.876543, "signals": [1.23457, 0.95], "verifier": "pair-1", "embedder": "mini"}
    expected = {"tags": ["a"], "candidate": "ent_1", **score}
    assert log.rows[0].metadata == expected, "whose answer it is, score, signals, and whose they are"
    assert log.rows[0].reason == decision.reason, "beside the reason"


@pytest.mark.parametrize(
    "decision",
    [HIT, MISS, Miss(Reason.GUARD, 0.95, "numbers: 7"), Bypass("action")],
    ids=["hit", "miss", "guard", "bypass"],
)
async def test_where_no_verifier_was_asked_nothing_is_logged_of_one(recorder, log, decision):
    await recorder.record(exchange(), outcome(decision, 200, answer=answer()))
    assert log.rows[0].metadata == {}, "there is no score"


async def test_what_a_caller_asked_of_the_cache_is_logged_for_a_replay_to_come(recorder, log):
    asked = Controls(no_store=True, max_age=0.0, threshold=0.9, session="s")
    await recorder.record(exchange(chat_request(controls=asked)), outcome(MISS, 200, answer=answer()))
    assert log.rows[0].metadata == {"controls": {"no_store": True, "max_age": 0.0, "threshold": 0.9}}


async def test_score_and_signals_survive_in_the_log(tmp_path, metrics, health, reactions):
    database = Database(tmp_path / "log.db")
    given = exchange()
    hit = Hit(entry(), "semantic", 0.95, Reason.SIMILAR, JUDGED)
    recorder = Recorder(Interactions(database), metrics, health, PRICES, reactions)
    await recorder.record(given, outcome(hit, 200, answer=answer()))
    row = Interactions(database).get(given.interaction_id)
    database.close()
    assert row["metadata"]["score"] == pytest.approx(JUDGED.score, abs=1e-6), "feedback reads it from there"
    assert row["metadata"]["signals"] == pytest.approx(JUDGED.signals, abs=1e-5), "the mix can be fitted with them"


async def test_every_outcome_is_told_to_what_learns_from_reactions(recorder, log, reactions):
    given = [(exchange(), outcome(decision, 200, answer=answer())) for decision in (HIT, MISS, Bypass("action"))]
    log.error = DatabaseError("full")
    for one, became in given:
        await recorder.record(one, became)
    assert reactions.told == given, "each once, whatever the log does"


# Tokens and money


async def test_tokens_are_those_the_upstream_names(recorder, log):
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert (log.rows[0].prompt_tokens, log.rows[0].completion_tokens, log.rows[0].tokens_estimated) == (7, 2, False)


@pytest.mark.parametrize(
    "usage", [None, {}, [], "x", {"prompt_tokens": 7}, {"prompt_tokens": "7", "completion_tokens": None}]
)
async def test_tokens_nobody_names_are_estimated_and_marked_so(recorder, log, usage):
    request = chat_request(raw=b"x" * 41)
    await recorder.record(exchange(request), outcome(MISS, 200, answer=answer("12345", usage=usage)))
    assert (log.rows[0].prompt_tokens, log.rows[0].completion_tokens, log.rows[0].tokens_estimated) == (11, 2, True)


async def test_a_forwarded_call_costs_its_price_and_a_hit_saves_it(recorder, log):
    price = pytest.approx(7 * 0.01 + 2 * 0.1)
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    await recorder.record(exchange(), outcome(HIT, 200, answer=answer()))
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(), collapsed=True))
    assert [(row.cost, row.cost_saved) for row in log.rows] == [(price, None), (None, price), (None, price)]


@pytest.mark.parametrize(
    ("answered_by", "to", "price"),
    [
        ("gpt-real", target(model="gpt-x"), 7.0),
        ("unknown", target(model="gpt-real"), 7.0),
        ("unknown", target(provider="azure", model="deployed"), 14.0),
        (None, target(model="gpt-real"), 7.0),
        ("unknown", target(model="unknown"), None),
    ],
)
async def test_the_price_is_that_of_the_model_that_answered_else_of_the_one_that_was_asked(
    recorder, log, answered_by, to, price
):
    await recorder.record(exchange(to=to), outcome(MISS, 200, answer=answer(model=answered_by)))
    assert log.rows[0].cost == price


# Metrics


async def test_every_call_is_counted_by_what_became_of_it(recorder, value):
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(), upstream_ms=1500.0))
    await recorder.record(exchange(), outcome(MISS, 500, error="upstream_refused", upstream_ms=10.0))
    await recorder.record(exchange(), outcome(HIT, 200, answer=answer()))
    await recorder.record(exchange(), outcome(Bypass("action"), 200, answer=answer(), upstream_ms=10.0))
    for status in ("miss", "miss_failed", "hit", "bypass"):
        labels = {"endpoint": "chat", "model": "gpt-x", "outcome": status}
        assert value("reprise_requests_total", **labels) == 1, status
        assert value("reprise_request_duration_seconds_count", outcome=status) == 1, status
    lookups = [("all", "miss", "no_entry", 2), ("exact", "hit", "exact_match", 1), ("none", "bypass", "action", 1)]
    for tier, result, reason, count in lookups:
        assert value("reprise_cache_lookups_total", tier=tier, result=result, reason=reason) == count
    assert value("reprise_upstream_duration_seconds_count") == 3
    assert value("reprise_upstream_duration_seconds_sum") == pytest.approx(1.52)


async def test_what_hits_save_is_counted(recorder, value):
    for _ in range(2):
        await recorder.record(exchange(), outcome(HIT, 200, answer=answer()))
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert value("reprise_tokens_saved_total", type="prompt") == 14
    assert value("reprise_tokens_saved_total", type="completion") == 4
    assert value("reprise_cost_saved_usd_total") == pytest.approx(2 * 0.27)


async def test_the_upstreams_time_is_counted_once_for_all_who_shared_it(recorder, value):
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(), upstream_ms=10.0))
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer(), upstream_ms=10.0, collapsed=True))
    assert value("reprise_upstream_duration_seconds_count") == 1
    assert value("reprise_collapsed_requests_total") == 1


async def test_similarity_is_measured_where_there_was_a_neighbour(recorder, value):
    await recorder.record(exchange(), outcome(Miss(Reason.BELOW_THRESHOLD, 0.85), 200, answer=answer()))
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert value("reprise_similarity_score_count", result="miss") == 1
    assert value("reprise_similarity_score_sum", result="miss") == pytest.approx(0.85)


# A log that fails


@pytest.mark.parametrize("error", [DatabaseError("full"), TimeoutError()])
async def test_a_log_that_fails_breaks_no_call_and_is_counted(recorder, log, health, value, error):
    log.error = error
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert (health.status, health.parts["log"].error) == ("degraded", type(error).__name__)
    assert value("reprise_store_errors_total", part="log") == 1
    assert value("reprise_requests_total", endpoint="chat", model="gpt-x", outcome="miss") == 1
    log.error = None
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert health.status == "ready"


async def test_a_log_that_never_answers_breaks_no_call_and_is_counted(recorder, log, health, monkeypatch):
    monkeypatch.setattr(recorder_module, "PATIENCE", 0.01)
    log.hangs = True
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert not health.parts["log"].ok


async def test_a_closed_database_breaks_no_call_and_is_counted(tmp_path, metrics, health, reactions, value):
    database = Database(tmp_path / "log.db")
    recorder = Recorder(Interactions(database), metrics, health, PRICES, reactions)
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert health.status == "ready"
    database.close()
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert value("reprise_store_errors_total", part="log") == 1


async def test_an_answer_that_could_not_be_stored_is_counted(recorder, health):
    recorder.store_failed(DatabaseError("x"))
    assert health.status == "degraded"


async def test_with_logging_of_calls_switched_off_they_are_measured_only(log, metrics, health, reactions, value):
    recorder = Recorder(log, metrics, health, PRICES, reactions, log_calls=lambda: False)
    await recorder.record(exchange(), outcome(HIT, 200, answer=answer()))
    assert log.rows == []
    assert value("reprise_requests_total", endpoint="chat", model="gpt-x", outcome="hit") == 1


async def test_a_line_survives_once_recording_returns(tmp_path, metrics, health, reactions):
    database = Database(tmp_path / "log.db")
    given = exchange()
    recorder = Recorder(Interactions(database), metrics, health, PRICES, reactions)
    await recorder.record(given, outcome(HIT, 200, answer=answer()))
    row = Interactions(database).get(given.interaction_id)
    database.close()
    assert (row["prompt"], row["response"], row["cache_status"]) == ("What is the capital of France?", "Paris.", "hit")


async def test_the_route_of_a_call_is_kept(recorder, log):
    routed = dataclasses.replace(exchange(), chosen=Chosen(Policy(), "nightly"))
    await recorder.record(routed, outcome(MISS, 200, answer=answer()))
    await recorder.record(exchange(), outcome(MISS, 200, answer=answer()))
    assert [row.metadata.get("route") for row in log.rows] == ["nightly", None]


async def test_a_project_that_policy_does_not_hear_is_not_recorded(recorder, log):
    given = exchange(chat_request(controls=Controls(project="apollo")))
    unheard = dataclasses.replace(given, call=dataclasses.replace(given.call, scope=Scope("default")))
    await recorder.record(unheard, outcome(MISS, 200, answer=answer()))
    assert log.rows[0].project == ""


# The arms of the holdout, and what the upstream had cached


@pytest.mark.parametrize(("holdout", "context"), [(None, "none"), (False, "injected"), (True, "held_out")])
async def test_tokens_that_the_upstream_had_cached_are_logged_and_counted(recorder, log, value, holdout, context):
    given = dataclasses.replace(exchange(), holdout=holdout)
    usage = {"prompt_tokens": 1100, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1024}}
    await recorder.record(given, outcome(MISS, answer=answer(usage=usage)))
    assert (log.rows[0].cached_tokens, log.rows[0].holdout) == (1024, holdout), "in columns of their own"
    assert value("reprise_input_cached_tokens_total", context=context) == 1024, "by what memory did"
    assert value("reprise_input_tokens_total", context=context) == 1100, "beside the whole they are part of"


async def test_calls_that_asked_no_upstream_of_their_own_had_nothing_cached(recorder, log, value):
    usage = {"prompt_tokens": 1100, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1024}}
    await recorder.record(exchange(), outcome(HIT, answer=answer(usage=usage)))
    await recorder.record(exchange(), outcome(MISS, answer=answer(usage=usage), collapsed=True))
    await recorder.record(exchange(), outcome(MISS, answer=answer()))
    assert [row.cached_tokens for row in log.rows] == [None, None, None], "replayed, joined, and not told"
    assert value("reprise_input_tokens_total", context="none") == 0, "so that the share is of what was told"
