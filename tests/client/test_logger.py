"""The loggers, synchronous and not: what they send, what they read, and what happens when Reprise does not work."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import math

import httpx2
import pytest

from reprise_client import AsyncInteractionLogger, InteractionLogger, Refused, RepriseError, Unavailable
from reprise_client.settings import read_settings
from reprise_client.trouble import PAUSE, Trouble
from tests.client.conftest import listed


@pytest.fixture(params=["sync", "async"])
def ask(request, wire):
    """Call a method of a logger of either kind: ``ask(strict)(name, ...)``; each asks the same wire."""
    made = []

    def make(**options):
        transport = httpx2.MockTransport(wire)
        if request.param == "sync":
            logger = InteractionLogger(transport=transport, **options)
            made.append(logger)
            return logger, lambda name, *args, **kwargs: getattr(logger, name)(*args, **kwargs)
        logger = AsyncInteractionLogger(transport=transport, **options)
        return logger, lambda name, *args, **kwargs: asyncio.run(_awaited(getattr(logger, name), args, kwargs))

    yield make
    for logger in made:
        logger.close()


async def _awaited(method, args, kwargs):
    return await method(*args, **kwargs)


# What is sent


def test_an_interaction_is_posted_as_it_was_given(ask, wire):
    logger, call = ask(project="atlas", session_id="s")
    id_ = call("log_interaction", tool_id="t", input="ls", output="a b", success=False, quality_score=0.5, error="e")
    assert id_ == "int_1"
    assert wire.logged == [
        {
            "tool_id": "t",
            "interaction_type": "tool",
            "input": "ls",
            "output": "a b",
            "success": False,
            "quality_score": 0.5,
            "error": "e",
            "project": "atlas",
            "client": "",
            "session_id": "s",
            "reinforce": False,
            "metadata": {"reprise": {"output": "text"}},
        }
    ]
    assert logger.counts.failures == 0


@pytest.mark.parametrize(
    ("output", "sent", "note"),
    [
        ("yes", "yes", "text"),
        ("", "", "text"),
        (None, "null", "json"),
        (0, "0", "json"),
        ({"a": [1.5, "é"]}, '{"a": [1.5, "é"]}', "json"),
    ],
)
def test_an_output_is_sent_so_that_it_reads_back_as_what_it_was(logger, wire, output, sent, note):
    logger.log_interaction(tool_id="t", input="x", output=output)
    assert wire.logged[0]["output"] == sent
    assert wire.logged[0]["metadata"]["reprise"] == {"output": note}
    wire.runs = [listed(response=sent, metadata=wire.logged[0]["metadata"])]
    found = logger.get_cached_result("t", "x")
    assert found.output == output
    assert type(found.output) is type(output)


def test_what_json_cannot_hold_is_logged_but_never_served(logger, wire):
    logger.log_interaction(tool_id="t", input={"a": {1}}, output=object(), metadata={"mine": 1})
    (sent,) = wire.logged
    assert (sent["input"], sent["output"]) == ('{"a": "<set>"}', '"<object>"')
    assert sent["metadata"] == {"mine": 1, "reprise": {"cacheable": False}}
    wire.runs = [listed(metadata=sent["metadata"])]
    assert logger.get_cached_result("t", "x") is None


def test_a_call_to_a_model_is_one_that_memories_learn_from(logger, wire):
    logger.log_interaction(prompt="Hi", response="Hello", model="m")
    assert (wire.logged[0]["interaction_type"], wire.logged[0]["reinforce"]) == ("llm", True)


def test_nobody_logs_a_field_that_does_not_exist(ask):
    _, call = ask()
    with pytest.raises(TypeError, match="promt"):
        call("log_interaction", promt="x")


def test_inputs_never_stand_in_an_address(ask, wire):
    _, call = ask()
    call("find_similar_interactions", "t", "secret words", top_k=3)
    call("get_cached_result", "t", "secret words")
    call("log_interaction", tool_id="t", input="secret words")
    assert not [str(request.url) for request in wire.asked if "secret" in str(request.url)]
    assert wire.lookups[0] == {
        "tool_id": "t",
        "text": "secret words",
        "threshold": 0.85,
        "min_quality": 0.0,
        "require_success": False,
        "top_k": 3,
        "max_age_hours": None,
    }
    assert wire.lookups[1]["threshold"] == 0.95
    assert (wire.lookups[1]["min_quality"], wire.lookups[1]["require_success"]) == (0.7, True)
    assert wire.lookups[1]["max_age_hours"] == 24


def test_ids_and_names_are_quoted_in_addresses(ask, wire):
    _, call = ask()
    call("update_interaction_quality", "int/1?", 1)
    call("get_tool_statistics", "a/b c", hours=1.5)
    paths = [request.url.raw_path.decode() for request in wire.asked]
    assert paths == ["/interactions/int%2F1%3F/quality", "/tools/a%2Fb%20c/stats?hours=1.5"]
    assert json.loads(wire.asked[0].content) == {"score": 1}


def test_both_loggers_take_the_same(wire):
    names = ("log_interaction find_similar_interactions get_cached_result update_interaction_quality").split()
    for name in (*names, "get_tool_statistics", "tool", "flush", "close"):
        sync, coroutine = (
            inspect.signature(getattr(kind, name)) for kind in (InteractionLogger, AsyncInteractionLogger)
        )
        assert sync.parameters == coroutine.parameters, name


# Which result may be served


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({}, True),
        ({"success": False}, False),
        ({"quality": 0.69}, False),
        ({"quality": 0.7, "quality_score": 0.7}, True),
        ({"age_seconds": 24 * 3600 + 1}, False),
        ({"prompt": "X"}, False),
        ({"equal": False, "similarity": 0.99, "prompt": "x."}, True),
        ({"equal": False, "similarity": 0.94, "prompt": "x."}, False),
        ({"equal": False, "similarity": 0.99, "prompt": "y"}, False),
        ({"response": "no", "metadata": {}}, True),
    ],
)
def test_only_a_good_young_success_for_this_input_is_served(ask, wire, fields, served):
    _, call = ask()
    wire.runs = [listed(**fields)]
    found = call("get_cached_result", "t", "x")
    assert (found is not None) is served
    if found:
        assert found.output == wire.runs[0]["response"]


def test_an_equal_input_comes_before_a_better_rated_similar_one(logger, wire):
    similar = listed(id="int_similar", equal=False, similarity=0.99, prompt="x.", quality=1.0, score=0.99)
    wire.runs = [similar, listed(id="int_equal")]
    assert logger.get_cached_result("t", "x").id == "int_equal"


def test_the_validity_of_a_result_is_decided_last(logger, wire):
    wire.runs = [listed(id="int_1"), listed(id="int_2")]
    seen = []

    def valid(entry):
        seen.append(entry.id)
        return entry.id == "int_2"

    assert logger.get_cached_result("t", "x", valid=valid).id == "int_2"
    assert seen == ["int_1", "int_2"]
    assert logger.get_cached_result("t", "x", valid=lambda entry: False) is None


def test_a_wider_or_narrower_notion_of_sameness_can_be_given(logger, wire):
    wire.runs = [listed(equal=False, similarity=0.96, prompt="y")]
    assert logger.get_cached_result("t", "x", same=None) is not None, "the embedder alone"
    assert logger.get_cached_result("t", "x", same=lambda one, other: False) is None
    assert logger.get_cached_result("t", "x", same=None, threshold=1.0) is None


@pytest.mark.parametrize(
    "wrong", [{"threshold": 1.1}, {"min_quality": -1}, {"max_age_hours": 0}, {"threshold": math.nan}]
)
def test_terms_that_make_no_sense_are_refused(ask, wrong):
    _, call = ask()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        call("get_cached_result", "t", "x", **wrong)


def test_what_a_run_took_tells_when_it_began(logger, wire):
    wire.runs = [listed(), listed(metadata={}, latency_ms=2000.0)]
    noted, unnoted = logger.find_similar_interactions("t", "x")
    assert noted.started_at == 1.5
    assert unnoted.created_at.timestamp() - unnoted.started_at == 3.0


# Reprise does not work


def test_without_reprise_nothing_is_raised_one_warning_is_given_and_all_is_counted(ask, wire, caplog):
    logger, call = ask()
    wire.down()
    with caplog.at_level(logging.INFO, "reprise_client"):
        for _ in range(3):
            assert call("log_interaction", tool_id="t", input="secret words", output="secret") is None
            assert call("get_cached_result", "t", "secret words") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be reached" in caplog.text
    assert "secret" not in caplog.text
    assert (logger.counts.failures, logger.counts.passed_over) == (1, 5)


def test_after_a_pause_it_is_tried_again_and_said_once_that_it_works(logger, wire, caplog):
    now = [100.0]
    logger.trouble = Trouble(lambda: now[0])
    wire.slow()
    with caplog.at_level(logging.INFO, "reprise_client"):
        logger.log_interaction(tool_id="t", input="x")
        wire.works()
        now[0] += PAUSE - 0.1
        assert logger.log_interaction(tool_id="t", input="x") is None
        now[0] += 0.2
        assert logger.log_interaction(tool_id="t", input="x") is not None
        assert logger.get_cached_result("t", "x") is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "did not answer within 3 s" in caplog.text


def test_a_refusal_is_a_warning_but_no_reason_to_pause(ask, wire, caplog):
    logger, call = ask()
    wire.refuse(401, "This API key is not known here.")
    for _ in range(2):
        assert call("log_interaction", tool_id="t", input="x") is None
    assert (logger.counts.failures, logger.counts.passed_over) == (2, 0)
    assert "This API key is not known here." in caplog.text


@pytest.mark.parametrize("method", ["log_interaction", "get_cached_result"])
def test_a_strict_logger_raises(ask, wire, method):
    _, call = ask(strict=True)
    given = ((), {"tool_id": "t", "input": "x"}) if method == "log_interaction" else (("t", "x"), {})
    wire.down()
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            call(method, *given[0], **given[1])
        assert raised.value.sent is False
    wire.refuse(400, "'prompt' must not be blank.", "prompt")
    with pytest.raises(Refused, match="blank") as refused:
        call(method, *given[0], **given[1])
    assert (refused.value.status, refused.value.param) == (400, "prompt")


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("find_similar_interactions", ("t", "x")),
        ("update_interaction_quality", ("int_1", 0.5)),
        ("get_tool_statistics", ("t",)),
    ],
)
def test_what_is_asked_outright_says_that_reprise_does_not_work(ask, wire, method, args):
    _, call = ask()
    wire.down()
    for _ in range(2):
        with pytest.raises(Unavailable):
            call(method, *args)
    wire.refuse(404)
    with pytest.raises(Refused):
        call(method, *args)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"interactions": 7}'),
        (200, b'{"interactions": [{}]}'),
        (200, b'{"interactions": [7]}'),
        (200, b'{"interactions": "ab"}'),
        (500, b"{}"),
        (503, b'{"error": {"message": "x"}}'),
        (429, b"{}"),
        (302, b""),
        (204, b""),
    ],
)
def test_what_is_no_answer_of_reprise_counts_as_none(ask, wire, status, body):
    logger, call = ask()
    wire.status, wire.body = status, body
    with pytest.raises(Unavailable):
        call("find_similar_interactions", "t", "x")
    assert call("get_cached_result", "t", "x") is None
    assert logger.counts.failures == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"error": "x"}', b'{"detail": []}'])
def test_a_refusal_without_reasons_is_one_all_the_same(logger, wire, body):
    wire.status, wire.body = 403, body
    with pytest.raises(Refused, match="403"):
        logger.get_tool_statistics("t")


def test_metadata_that_is_no_json_is_an_error_of_its_own(logger, strict, caplog):
    assert logger.log_interaction(tool_id="t", input="x", metadata={"a": math.nan}) is None
    assert "not JSON" in caplog.text
    with pytest.raises(RepriseError, match="not JSON"):
        strict.log_interaction(tool_id="t", input="x", metadata={"a": {1}})


@pytest.mark.parametrize("name", ["ReadError", "WriteError", "RemoteProtocolError", "PoolTimeout", "ConnectTimeout"])
def test_every_failure_of_the_connection_is_ours_to_name(logger, wire, name):
    wire.error = getattr(httpx2, name)("secret")
    with pytest.raises(Unavailable) as raised:
        logger.get_tool_statistics("t")
    assert "secret" not in str(raised.value)


# Where it is


def test_arguments_come_before_the_environment():
    env = {"REPRISE_URL": "http://elsewhere:1/v1/", "REPRISE_API_KEY": " key "}
    found = read_settings(None, None, env=env)
    assert (found.url, found.api_key, found.timeout) == ("http://elsewhere:1", "key", 3.0)
    found = read_settings("https://here/", "mine", 1.0, env)
    assert (found.url, found.api_key, found.timeout) == ("https://here", "mine", 1.0)
    assert read_settings(None, "", env=env).api_key is None
    assert read_settings(None, None, env={}).url == "http://127.0.0.1:4000"


@pytest.mark.parametrize("url", ["here:4000", "ftp://x", "http://", "/v1", "nonsense"])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="base_url"):
        InteractionLogger(url)


@pytest.mark.parametrize("key", ["ké", "a\nb", "a\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_repeated(key):
    with pytest.raises(ValueError, match="api_key") as raised:
        InteractionLogger(api_key=key)
    assert key not in str(raised.value)


@pytest.mark.parametrize("timeout", [0, -1, math.nan])
def test_a_timeout_must_leave_time(timeout):
    with pytest.raises(ValueError, match="timeout"):
        InteractionLogger(timeout=timeout)


def test_the_key_goes_with_every_request_and_is_shown_nowhere(wire):
    logger = InteractionLogger("http://h", "sk-secret", transport=httpx2.MockTransport(wire))
    logger.get_tool_statistics("t")
    assert wire.asked[0].headers["authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(read_settings("http://h", "sk-secret"))


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1:4", True), ("http://[::1]:4", True), ("http://localhost", True), ("https://a.example", False)],
)
def test_proxies_of_the_environment_are_not_for_this_machine(url, local):
    assert read_settings(url, None, env={}).is_local is local


def test_a_closed_logger_opens_again(logger, wire):
    logger.get_tool_statistics("t")
    logger.close()
    logger.close()
    assert logger.log_interaction(tool_id="t", input="x") is not None


def test_an_asynchronous_logger_outlives_its_event_loop(wire):
    logger = AsyncInteractionLogger(transport=httpx2.MockTransport(wire))
    for _ in range(2):
        asyncio.run(logger.get_tool_statistics("t"))
    assert len(wire.asked) == 2
