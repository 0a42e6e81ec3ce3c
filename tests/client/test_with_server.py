"""The client before a real server: what one call logs the next one is served."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reprise_client import AsyncInteractionLogger, InteractionLogger, Refused
from tests.e2e.support import eventually

pytestmark = pytest.mark.slow

KEYS = {
    "keys": [
        {"key": "sk-e2e-team-a-0001", "namespace": "team-a"},
        {"key": "sk-e2e-team-b-0001", "namespace": "team-b"},
    ]
}


@pytest.fixture
def logger(server, fresh_key):
    with InteractionLogger(server.url, fresh_key, strict=True, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def keyed(launch_shared):
    """A server with keys."""
    return launch_shared({"auth": KEYS}, key="sk-e2e-team-a-0001")


@pytest.fixture
def http(server, fresh_key):
    """Plain requests as the same caller."""

    def get(path, **params):
        headers = {"authorization": f"Bearer {fresh_key}"}
        return server.http.get(path, params=params, headers=headers).raise_for_status().json()

    return get


def test_a_tool_runs_once_and_is_served_afterwards(logger, http):
    calls = []

    @logger.tool(tool_id="check", interaction_type="command_check", cost=0.25)
    def check(command: str) -> dict[str, object]:
        calls.append(command)
        time.sleep(0.05)
        return {"verdict": "rejected", "why": ["deletes", 1, None, 2.5]}

    first, second = check.run("rm -rf /"), check.run("rm -rf /")
    assert (first.status, second.status) == ("miss", "hit")
    assert first.value == second.value == {"verdict": "rejected", "why": ["deletes", 1, None, 2.5]}
    assert calls == ["rm -rf /"]
    assert second.source.id == first.interaction_id
    record = http(f"/interactions/{second.interaction_id}")
    assert (record["interaction_type"], record["cache_status"], record["entry_id"]) == (
        "command_check",
        "hit",
        first.interaction_id,
    )
    assert record["response"] == http(f"/interactions/{first.interaction_id}")["response"]
    found = logger.get_tool_statistics("check")
    assert (found["runs"], found["hits"], found["hit_rate"], found["success_rate"]) == (1, 1, 0.5, 1.0)
    assert found["cost_saved_usd"] == 0.25
    assert found["average_run_ms"] >= 50


def test_similar_inputs_are_found_by_meaning_and_shared_only_where_details_agree(logger):
    logger.log_interaction(tool_id="ask", input="Which files are in the folder /tmp/a?", output="x", quality_score=0.9)
    eventually(lambda: logger.find_similar_interactions("ask", "what is in /tmp/a", threshold=0.5), "embedded")
    (row,) = logger.find_similar_interactions("ask", "which files does /tmp/a hold", threshold=0.5)
    assert 0.5 < row.similarity < 1.0
    assert row.score == pytest.approx(0.9 * row.similarity, abs=1e-5)
    served = logger.get_cached_result("ask", "which files are in the folder /tmp/a")
    assert served.output == "x"
    other = "which files are in the folder /tmp/b"
    assert logger.find_similar_interactions("ask", other, threshold=0.9), "to the embedder they are much the same"
    assert logger.get_cached_result("ask", other, threshold=0.9) is None, "but these are the files of another folder"


def test_a_rating_decides_whether_a_result_is_served_again(logger):
    tool = logger.tool(lambda text: text[::-1], tool_id="reverse")
    first = tool.run("abc")
    hit = tool.run("abc")
    logger.update_interaction_quality(hit.interaction_id, 0.1)
    assert tool.run("abc").status == "miss", "the run behind the hit was rated with it"
    assert logger.get_tool_statistics("reverse")["average_quality"] == pytest.approx(0.1)
    assert first.interaction_id


def test_a_failure_is_logged_and_never_served(logger, http):
    @logger.tool(tool_id="flaky")
    def flaky(text: str) -> str:
        raise ValueError("no such thing")

    for _ in range(2):
        with pytest.raises(ValueError, match="no such thing"):
            flaky("x")
    found = logger.get_tool_statistics("flaky")
    assert (found["failures"], found["hits"], found["success_rate"]) == (2, 0, 0.0)
    assert logger.get_cached_result("flaky", "x") is None


@pytest.mark.parametrize("size", [500, 501, 5_000, 200_000])
def test_answers_and_inputs_of_any_length_come_back_whole(logger, size):
    text = "".join(chr(0x61 + n % 26) for n in range(size - 1)) + "é"
    tool = logger.tool(lambda given: given.upper(), tool_id="upper")
    assert tool(text) == text.upper()
    again = tool.run(text)
    assert (again.status, again.value) == ("hit", text.upper())


def test_sixteen_threads_share_a_logger(logger):
    tool = logger.tool(lambda text, n: f"{text} {n}", tool_id="threads")
    with ThreadPoolExecutor(16) as pool:
        first = list(pool.map(lambda n: tool("x", n), range(64)))
        second = list(pool.map(lambda n: tool.run("x", n), range(64)))
    assert first == [f"x {n}" for n in range(64)]
    assert [ran.value for ran in second] == first
    assert {ran.status for ran in second} == {"hit"}
    found = logger.get_tool_statistics("threads")
    assert (found["runs"], found["hits"]) == (64, 64)


async def test_coroutines_are_tools_like_any_other(server, fresh_key):
    async with AsyncInteractionLogger(server.url, fresh_key, strict=True, timeout=30) as logger:

        @logger.tool(tool_id="translate")
        async def translate(text: str, to: str = "fr") -> str:
            await asyncio.sleep(0)
            return f"{text} in {to}"

        first = await asyncio.gather(*(translate.run(f"word {n}") for n in range(20)))
        second = await asyncio.gather(*(translate.run(f"word {n}") for n in range(20)))
        assert {ran.status for ran in first} == {"miss"}
        assert {ran.status for ran in second} == {"hit"}
        assert [ran.value for ran in second] == [f"word {n} in fr" for n in range(20)]
        assert (await translate.run("word 1", to="de")).status == "miss"
        assert (await logger.get_tool_statistics("translate"))["hits"] == 20
        await logger.update_interaction_quality(first[0].interaction_id, 0.2)
        assert await logger.get_cached_result("translate", '{"text":"word 0","to":"fr"}') is None
        found = await logger.find_similar_interactions("translate", '{"text":"word 1","to":"fr"}', threshold=1.0)
        assert [run.id for run in found] == [first[1].interaction_id]


def test_namespaces_share_no_results(keyed):
    a, b = (InteractionLogger(keyed.url, key["key"], strict=True, timeout=30) for key in KEYS["keys"])
    with a, b:
        mine = a.log_interaction(tool_id="t", input="x", output="secret of a")
        assert a.get_cached_result("t", "x").output == "secret of a"
        assert b.get_cached_result("t", "x") is None
        assert b.get_tool_statistics("t")["total_interactions"] == 0
        with pytest.raises(Refused) as refused:
            b.update_interaction_quality(mine, 1.0)
        assert refused.value.status == 404
        with pytest.raises(Refused):
            b.log_interaction(tool_id="t", input="x", cached_from=mine)


def test_with_a_wrong_key_tools_run_and_one_warning_says_why(keyed, caplog):
    with InteractionLogger(keyed.url, "sk-e2e-nobody-0001", timeout=30) as logger:
        tool = logger.tool(lambda text: text.upper(), tool_id="t")
        assert [tool("x"), tool("x")] == ["X", "X"]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("reprise_client")]
    assert len(said) == 1, "one warning, however many calls"
    assert "not known here" in said[0], "with the reason"
    assert "sk-e2e" not in caplog.text
    assert logger.counts.failures == 4


def test_while_the_server_is_gone_tools_run_and_when_it_is_back_it_is_used(launch):
    server = launch()
    with InteractionLogger(server.url, timeout=30) as logger:
        tool = logger.tool(lambda text: text.upper(), tool_id="t")
        assert tool.run("x").status == "miss"
        server.kill()
        assert [tool.run("x").status for _ in range(3)] == ["uncached"] * 3
        assert logger.counts.failures == 1, "one found out, the others did not wait for it"
    server.start()
    with InteractionLogger(server.url, timeout=30) as logger:
        tool = logger.tool(lambda text: text.upper(), tool_id="t")
        assert tool.run("x").status == "hit", "what was logged before the kill is there"


def test_a_server_that_does_not_answer_costs_one_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with InteractionLogger(url, timeout=0.2) as logger:
            tool = logger.tool(lambda text: text.upper(), tool_id="t")
            assert [tool(f"x{n}") for n in range(5)] == [f"X{n}" for n in range(5)]
            assert (logger.counts.failures, logger.counts.passed_over) == (1, 9)


def test_what_the_server_keeps_redacted_is_not_served_as_a_result(launch):
    server = launch({"logging": {"redact": True}})
    with InteractionLogger(server.url, strict=True, timeout=30) as logger:
        tool = logger.tool(lambda name: f"write to {name}@example.org", tool_id="address")
        for _ in range(2):
            assert tool.run("jo.doe").value == "write to jo.doe@example.org"
        other = logger.tool(lambda text: text.upper(), tool_id="upper")
        assert [other.run("plain words").status for _ in range(2)] == ["miss", "hit"]


def test_in_the_background_nothing_is_lost(server, fresh_key):
    with InteractionLogger(server.url, fresh_key, background=True, timeout=30) as logger:
        threads = [
            threading.Thread(
                target=lambda start: [
                    logger.log_interaction(tool_id="many", input=f"x{n}", output=n) for n in range(start, start + 25)
                ],
                args=(first,),
            )
            for first in range(0, 200, 25)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert logger.flush(30)
        assert logger.get_tool_statistics("many")["total_interactions"] == 200
        assert logger.get_cached_result("many", "x7").output == 7
        assert logger.counts.dropped == 0
