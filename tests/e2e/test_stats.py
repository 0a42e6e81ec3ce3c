"""``reprise stats`` and ``GET /stats``: the same figures, with a server and without one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, eventually, run

pytestmark = pytest.mark.slow

CAPITALS = ("What is the capital of France?", "What is the capital of Spain?", "What is the capital of Peru?")
REWORDED = "What's the capital of France?"
WEATHER = "What is the weather in Paris now?"
NEAR = ("How do I reset my password?", "How do I reset my password on Windows?")


def told(server: Server, *arguments: str) -> dict[str, Any]:
    """What ``reprise stats --json`` prints."""
    done = run("stats", "--json", "--data-dir", server.data_dir, *arguments, cwd=server.folder)
    assert (done.code, done.err) == (0, ""), done
    found: dict[str, Any] = json.loads(done.out)
    return found


def without_times(found: Any) -> Any:
    """The same without what differs by the second."""
    return {name: value for name, value in found.items() if name not in ("since", "window_seconds")}


def drive(server: Server) -> None:
    """A few dozen calls: hits of both tiers, misses, bypasses, failures of two kinds."""
    for prompt in CAPITALS * 4:
        server.chat(prompt)
    server.chat(REWORDED)
    for _ in range(12):
        server.chat(WEATHER)
    for prompt in NEAR:
        server.chat(prompt)
    for number in range(2):
        server.chat(f"Trip over this, number {number}. [status 500]")
    server.chat("Say no to this. [status 429]")
    eventually(lambda: server.metric("reprise_label_queue") == 0, "what is compared behind the answers is compared")


def test_the_command_and_the_routes_agree(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    drive(server)
    found = told(server, "--top", "5", "--near-misses", "--errors", "--trend", "hour", "--window", "2h")
    sections = {
        "prompts": "prompts?limit=5&window=2h",
        "tools": "tools?limit=5&window=2h",
        "near_misses": "near-misses?limit=5&window=2h",
        "errors": "errors?limit=5&window=2h",
        "trend": "trend?bucket=hour&window=2h",
    }
    for name, path in sections.items():
        over_http = server.http.get(f"/stats/{path}").json()
        assert without_times(found.pop(name)) == without_times(over_http), name
    advice = found.pop("advice")
    assert advice == server.http.get("/stats/advice?window=2h").json()["advice"]
    over_http = server.http.get("/stats?window=2h").json()
    assert without_times(found) == without_times(over_http), "the summary, and what serving by meaning stands on"
    assert (found["requests"], found["hits"], found["failures"]) == (30, 10, 3), "what was driven through"
    assert any("12 calls were bypassed as volatile, 92% of them exact repeats" in line for line in advice)

    server.stop()
    offline = told(server, "--window", "2h")
    assert offline.pop("advice") == advice, "advice needs no server"
    assert without_times(offline) == without_times(found), "and neither do the cuts: the labels give them"


@pytest.fixture(scope="module")
def driven(launch_shared: Launch) -> Server:
    """A server with some calls behind it."""
    server = launch_shared()
    drive(server)
    return server


def test_tables_for_people(driven: Server) -> None:
    every = ("--top", "3", "--near-misses", "--errors", "--trend", "day", "--semantic")
    plain, full = (
        run("stats", "--data-dir", driven.data_dir, *arguments, cwd=driven.folder) for arguments in ((), every)
    )
    assert (plain.code, plain.err, full.code, full.err) == (0, "", 0, "")
    for words in ("hit rate", "error unknown: no audits yet", "by meaning", "What to do next", "bypassed as volatile"):
        assert words in plain.out, words
    for words in ("What saved most", CAPITALS[0], "Paid for more than once", WEATHER, "Near misses", "3 failures in"):
        assert words in full.out, words
        assert words not in plain.out, f"{words}: only where it is asked for"
    assert "ses_" not in plain.out, "sessions are as many as conversations: only with --top"
    assert "ses_" in full.out, "with --top they are listed"


def test_a_trend_begins_with_the_first_call(driven: Server) -> None:
    done = run("stats", "--trend", "hour", "--data-dir", driven.data_dir, cwd=driven.folder)
    rows = done.out[done.out.index("hour, UTC") :].splitlines()[1:]
    hours = [row for row in rows if row.lstrip().startswith("20")]
    assert 1 <= len(hours) <= 2, "the calls of this module span at most two hours of the window's 24"
    assert len(told(driven, "--trend", "hour")["trend"]["buckets"]) >= 24, "JSON has them all"


def test_statistics_are_narrowed_down(driven: Server) -> None:
    driven.chat(CAPITALS[0], {"x-reprise-project": "atlas", "x-reprise-client": "web"})
    for by in (("--project", "atlas"), ("--client", "web")):
        assert told(driven, *by)["requests"] == 1, by
    assert told(driven, "--model", "nobody", "--namespace", "default")["requests"] == 0


def test_a_trend_of_too_many_buckets_is_refused(driven: Server) -> None:
    asked = ("--trend", "hour", "--window", "365d")
    done = run("stats", *asked, "--data-dir", driven.data_dir, cwd=driven.folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("reprise: --window is too long for --trend hour: ")
