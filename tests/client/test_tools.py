"""Decorated functions: what is served, what is run, what is logged, and what is never served."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from reprise_client import AsyncInteractionLogger, InteractionLogger, Unavailable, logged_tool
from tests.client.conftest import listed


def text_run(output, **fields):
    return listed(**{"response": output} | fields)


def run(tool, *args, **kwargs):
    """Call a tool of either kind by ``run``."""
    found = tool.run(*args, **kwargs)
    return asyncio.run(found) if inspect.isawaitable(found) else found


@pytest.fixture(params=["sync", "threads", "async"])
def make(request, wire, logger):
    """Make a tool of a function: synchronous, asynchronous, or asynchronous with an asynchronous logger."""

    def of(func, given=None, **options):
        if request.param == "sync":
            return (given or logger).tool(func, **options)

        @functools.wraps(func)
        async def coroutine(*args, **kwargs):
            return func(*args, **kwargs)

        if request.param == "threads":
            return (given or logger).tool(coroutine, **options)
        return AsyncInteractionLogger(transport=httpx2.MockTransport(wire)).tool(coroutine, **options)

    return of


class Counted:
    """A function that counts its calls."""

    def __init__(self, result="out"):
        self.calls = []
        self.result = result

    def of(self, command: str, times: int = 1):
        """Documented."""
        self.calls.append((command, times))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def plain(counted):
    def check(command: str, times: int = 1):
        """Checks a command."""
        return counted.of(command, times)

    return check


# Serving


def test_what_was_never_run_runs_and_is_logged(make, wire):
    counted = Counted({"verdict": "fine"})
    ran = run(make(plain(counted), tool_id="check", interaction_type="command_check"), "ls", times=2)
    assert (ran.value, ran.status, ran.interaction_id) == ({"verdict": "fine"}, "miss", "int_2")
    assert counted.calls == [("ls", 2)]
    (sent,) = wire.logged
    assert (sent["tool_id"], sent["interaction_type"]) == ("check", "command_check")
    assert (sent["input"], sent["output"]) == ('{"command":"ls","times":2}', '{"verdict": "fine"}')
    assert (sent["success"], sent["reinforce"]) == (True, False)
    assert sent["latency_ms"] >= 0
    assert sent["metadata"]["reprise"]["output"] == "json"
    assert sent["metadata"]["reprise"]["started_at"] > 1_700_000_000
    assert "quality_score" not in sent, "quality is for people to say: it has nothing to do with an output's length"


def test_an_equal_call_is_served_without_running(make, wire):
    counted = Counted()
    tool = make(plain(counted), tool_id="check")
    wire.runs = [text_run('{"verdict": "no"}', prompt='{"command":"ls","times":1}')]
    wire.runs[0]["metadata"] = {"reprise": {"output": "json"}}
    ran = run(tool, "ls")
    assert (ran.value, ran.status, ran.source.id) == ({"verdict": "no"}, "hit", "int_0")
    assert counted.calls == []
    (sent,) = wire.logged
    assert (sent["cached_from"], sent["success"], sent["input"]) == ("int_0", True, wire.runs[0]["prompt"])
    assert "output" not in sent, "the server knows it"
    assert wire.lookups[0]["threshold"] == 1.0, "by default equal calls alone"


def test_arguments_are_the_same_however_they_are_written(make, wire):
    tool = make(plain(Counted()), tool_id="check")
    for args, kwargs in ((("ls",), {}), (("ls", 1), {}), ((), {"times": 1, "command": "ls"})):
        run(tool, *args, **kwargs)
    assert len({lookup["text"] for lookup in wire.lookups}) == 1
    run(tool, "ls", 2)
    assert len({lookup["text"] for lookup in wire.lookups}) == 2


def test_the_short_answer_yes_is_served_like_any_other(make, wire):
    counted = Counted("no")
    tool = make(plain(counted), key=lambda command: command)
    wire.runs = [text_run("yes")]
    assert run(tool, "x").value == "yes"


def test_a_correct_rejection_is_a_success_and_served(make, wire):
    counted = Counted("rejected: deletes everything")
    tool = make(plain(counted), key=lambda command: command)
    run(tool, "rm -rf /")
    assert wire.logged[0]["success"] is True
    wire.runs = [text_run(wire.logged[0]["output"], prompt="rm -rf /", metadata=wire.logged[0]["metadata"])]
    assert run(tool, "rm -rf /").value == "rejected: deletes everything"
    assert len(counted.calls) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"success": False},
        {"quality": 0.6},
        {"age_seconds": 25 * 3600},
        {"prompt": "y"},
        {"equal": False, "similarity": 0.999, "prompt": "x."},
        {"metadata": {}},
        {"metadata": {"reprise": {"cacheable": False, "output": "text"}}},
        {"metadata": {"reprise": {"output": "json"}}, "response": "{"},
    ],
)
def test_what_may_be_wrong_is_not_served(make, wire, fields):
    counted = Counted()
    wire.runs = [text_run("stale", **fields)]
    ran = run(make(plain(counted), key=lambda command: command), "x")
    assert (ran.value, ran.status) == ("out", "miss")
    assert len(counted.calls) == 1


def test_similar_inputs_share_a_result_where_that_is_asked_for_and_only_trifles_differ(make, wire):
    counted = Counted()
    tool = make(plain(counted), threshold=0.95, key=lambda command: command)
    similar = {"equal": False, "similarity": 0.97}
    wire.runs = [text_run("served", prompt="what files are there", **similar)]
    assert run(tool, "What files are there?").value == "served"
    for other in ("what files were there", "What files are there in /tmp?", "what 2 files are there"):
        assert run(tool, other).value == "out", other


def test_a_source_file_that_changed_since_the_build_is_built_again(make, wire, tmp_path):
    source = tmp_path / "main.c"
    source.write_text("int main;")
    counted = Counted()
    tool = make(
        plain(counted),
        key=lambda command: command,
        valid=lambda entry: Path(entry.input).stat().st_mtime < entry.started_at,
    )
    run(tool, str(source))
    built = text_run("built", prompt=str(source), metadata=wire.logged[0]["metadata"])
    wire.runs = [built]
    import os

    os.utime(source, (1_000_000_000, 1_000_000_000))
    assert run(tool, str(source)).status == "hit"
    started = built["metadata"]["reprise"]["started_at"]
    os.utime(source, (started + 1, started + 1))
    assert run(tool, str(source)).status == "miss", "a stale build is never served"
    source.unlink()
    assert run(tool, str(source)).status == "miss", "what cannot be checked is not served"


def test_results_that_are_no_json_are_served_through_dump_and_load(make, wire):
    counted = Counted({1, 2})
    tool = make(plain(counted), key=lambda command: command, dump=sorted, load=set)
    assert run(tool, "x").value == {1, 2}
    wire.runs = [listed(response=wire.logged[0]["output"], metadata=wire.logged[0]["metadata"])]
    ran = run(tool, "x")
    assert (ran.value, ran.status) == ({1, 2}, "hit")


@pytest.mark.parametrize("result", [{1, 2}, (1, 2), object(), float("nan"), {1: 2}, b"x"])
def test_a_result_that_json_cannot_hold_is_given_back_and_not_kept_which_is_said_once(make, wire, caplog, result):
    tool = make(plain(Counted(result)), tool_id="t", key=lambda command: command)
    for _ in range(2):
        assert run(tool, "x").value is result
    assert len(caplog.records) == 1
    assert "a result of t is not kept" in caplog.text
    assert wire.logged[0]["metadata"]["reprise"]["cacheable"] is False
    wire.runs = [listed(metadata=wire.logged[0]["metadata"], response=wire.logged[0]["output"])]
    assert run(tool, "x").value is result


def test_arguments_that_json_cannot_hold_run_uncached_which_is_said_once(make, wire, caplog):
    counted = Counted()
    tool = make(plain(counted), tool_id="t")
    for _ in range(2):
        ran = run(tool, {1, 2})
        assert (ran.value, ran.status) == ("out", "uncached")
    assert len(caplog.records) == 1
    assert "run uncached" in caplog.text
    assert wire.lookups == []
    assert wire.logged[0]["metadata"]["reprise"]["cacheable"] is False
    assert len(counted.calls) == 2


# Failing


def test_an_exception_is_logged_as_a_failure_and_raised(make, wire):
    tool = make(plain(Counted(ValueError("no such thing"))))
    with pytest.raises(ValueError, match="no such thing"):
        run(tool, "x")
    (sent,) = wire.logged
    assert (sent["success"], sent["error"]) == (False, "ValueError: no such thing")
    assert "output" not in sent


def test_an_exception_that_cannot_say_what_it_is_is_raised_all_the_same(make, wire):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    with pytest.raises(Odd):
        run(make(plain(Counted(Odd()))), "x")
    assert wire.logged[0]["error"] == "Odd: "


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interruption_is_not_logged(logger, wire, error):
    @logger.tool
    def tool(x: str) -> str:
        raise error

    with pytest.raises(error):
        tool("x")
    assert wire.logged == []


def test_wrong_arguments_are_the_functions_own_error(make):
    with pytest.raises(TypeError, match="unexpected keyword"):
        run(make(plain(Counted())), "x", nonsense=1)


def test_a_tool_runs_while_reprise_is_down_and_nobody_waits_for_it_twice(make, wire, caplog):
    wire.down()
    counted = Counted()
    tool = make(plain(counted))
    for _ in range(3):
        ran = run(tool, "secret words")
        assert (ran.value, ran.status, ran.interaction_id) == ("out", "uncached", None)
    assert len(counted.calls) == 3
    assert len(wire.asked) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret" not in caplog.text


def test_a_tool_runs_whatever_reprise_says(make, wire):
    tool = make(plain(Counted()))
    for status, body in ((401, b"{}"), (500, b""), (200, b"<html>"), (200, b'{"interactions": [{}]}')):
        wire.status, wire.body = status, body
        assert run(tool, "x").value == "out"


@pytest.mark.parametrize("name", ["valid", "load", "key", "success", "cost", "dump"])
def test_what_is_asked_of_the_application_may_fail_but_never_ends_a_run(make, wire, caplog, name):
    def fails(*_):
        raise ZeroDivisionError

    wire.runs = [text_run("served")]
    options = {"key": lambda command: command, "valid": lambda entry: name in ("load", "valid"), name: fails}
    tool = make(plain(Counted()), tool_id="t", **options)
    assert run(tool, "x").value == "out"
    assert "ZeroDivisionError" in caplog.text


def test_a_result_that_is_no_success_is_logged_as_a_failure(make, wire):
    tool = make(plain(Counted("error: x")), success=lambda result: not result.startswith("error"), cost=0.5)
    assert run(tool, "x").value == "error: x"
    assert (wire.logged[0]["success"], wire.logged[0]["cost"]) == (False, 0.5)


def test_a_strict_tool_raises_before_it_runs(strict, wire):
    counted = Counted()
    tool = strict.tool(plain(counted))
    wire.down()
    with pytest.raises(Unavailable):
        tool("x")
    assert counted.calls == []


def test_a_strict_tools_own_error_comes_first(strict, wire):
    @strict.tool
    def tool(x: str) -> str:
        wire.down()
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        tool("x")


# Being a function


def test_a_tool_stays_the_function_it_was(logger):
    @logger.tool(tool_id="named")
    def check(command: str, times: int = 1) -> str:
        """Checks a command."""
        return command * times

    assert (check.__name__, check.__doc__, check.tool_id) == ("check", "Checks a command.", "named")
    assert list(inspect.signature(check).parameters) == ["command", "times"]
    assert check("a", times=2) == "aa"
    assert logger.tool(plain(Counted())).tool_id.endswith("test_tools.plain.<locals>.check")


async def test_an_asynchronous_tool_stays_a_coroutine_function(logger, async_logger):
    async def ask(text: str) -> str:
        return text

    for tool in (logger.tool(ask), async_logger.tool(tool_id="t")(ask)):
        assert inspect.iscoroutinefunction(tool)
        assert await tool("a") == "a"


def test_a_method_is_a_tool_once_it_is_said_that_its_object_does_not_matter(logger, wire):
    class Shell:
        @logger.tool(ignore=("self",))
        def check(self, command: str) -> str:
            return command

    assert Shell().check("ls") == "ls"
    assert wire.lookups[0]["text"] == "ls"


def test_functions_and_versions_are_tools_of_their_own(logger, wire):
    for version in (None, 1, 2):
        logger.tool(plain(Counted()), version=version)("x")
    assert len({lookup["text"] for lookup in wire.lookups}) == 3


@pytest.mark.parametrize("options", [{"treshold": 0.9}, {"threshold": 2}, {"tool_id": ""}, {"max_age_hours": -1}])
def test_options_that_make_no_sense_are_refused_at_once(logger, options):
    with pytest.raises((TypeError, ValueError)):
        logger.tool(plain(Counted()), **options)


async def test_generators_and_the_wrong_kind_of_function_are_refused_at_once(logger, async_logger):
    def generator():
        yield 1

    async def stream():
        yield 1

    for func in (generator, stream, 7):
        with pytest.raises(TypeError):
            logger.tool(func)
    with pytest.raises(TypeError, match="InteractionLogger"):
        async_logger.tool(plain(Counted()))


def test_a_tool_without_a_logger_takes_one_of_the_environment(monkeypatch, wire):
    from reprise_client import default

    monkeypatch.setenv("REPRISE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(default, "_environment", default.FromEnvironment())

    @logged_tool
    def check(command: str) -> str:
        return command

    assert check("ls") == "ls"
    with InteractionLogger(transport=httpx2.MockTransport(wire), project="atlas") as logger:

        @logged_tool(logger=logger, tool_id="mine")
        async def other(command: str) -> str:
            return command

        assert asyncio.run(other("ls")) == "ls"
    assert (wire.logged[0]["project"], wire.logged[0]["tool_id"]) == ("atlas", "mine")


def test_sixteen_threads_run_a_tool_at_once(logger, wire):
    tool = logger.tool(lambda command: command.upper(), tool_id="t")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(tool, [f"text {n}" for n in range(200)]))
    assert found == [f"TEXT {n}" for n in range(200)]
    assert len(wire.logged) == 200
    assert logger.counts.failures == 0


def test_log_levels_say_when_it_works_again(logger, wire, caplog):
    tool = logger.tool(plain(Counted()))
    wire.refuse(500)
    tool("x")
    wire.works()
    logger.trouble._until = 0.0
    with caplog.at_level(logging.INFO, "reprise_client"):
        tool("x")
    assert "works again" in caplog.text
