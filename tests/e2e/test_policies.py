"""Routes send calls to policies, and ``reprise config`` says which and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Server, environment, run

pytestmark = pytest.mark.slow

ROUTED = {
    "routes": [
        {"match": {"model": "scripted", "tag": "exam"}, "policy": "conservative", "name": "exams"},
        {"match": {"header": {"X-Job": "night*"}}, "policy": "frozen"},
        {"match": {"project": "open"}, "policy": "deaf"},
        {"match": {"client": "streamer"}, "policy": "live"},
    ],
    "policies": {
        "frozen": {"extends": "aggressive", "tiers": []},
        "deaf": {"headers": ["project"]},
        "live": {"streams": {"serve": False}},
    },
}


@pytest.fixture(scope="module")
def routed(launch_shared: Launch) -> Server:
    """A server with routes."""
    return launch_shared({"cache": ROUTED})


def policy_of(server: Server, prompt: str, **headers: str) -> str:
    response = server.chat(prompt, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return response.raise_for_status().headers["x-reprise-policy"]


def test_calls_meet_the_policy_of_their_route(routed: Server) -> None:
    assert policy_of(routed, "Name the largest moon.") == "default", "no route matches"
    assert policy_of(routed, "Name the largest moon.", x_reprise_tags="math, exam") == "conservative", "by tag"
    assert policy_of(routed, "Name the largest moon.", x_job="nightly") == "frozen", "by header"
    assert policy_of(routed, "Name the largest moon.", x_reprise_project="open") == "deaf", "by project"


def test_a_preset_works_without_being_declared(routed: Server) -> None:
    prompt = "Which metal melts in the hand?"
    tags = {"x-reprise-tags": "exam"}
    first, again = routed.chat(prompt, headers=tags), routed.chat(prompt, headers=tags)
    assert (first.headers["x-reprise-cache"], again.headers["x-reprise-cache"]) == ("miss", "hit")
    assert again.headers["x-reprise-tier"] == "exact", "the exact tier serves"
    named = routed.chat(prompt, headers={"x-reprise-policy": "conservative"})
    assert (named.headers["x-reprise-policy"], named.headers["x-reprise-cache"]) == ("conservative", "hit")
    ignored = routed.chat(prompt, headers={"x-reprise-policy": "aggressive"}).headers
    assert (ignored["x-reprise-policy"], ignored["x-reprise-ignored"]) == ("default", "policy"), "a looser one"


def test_a_policy_without_tiers_forwards_every_call(routed: Server) -> None:
    job = {"x-job": "nightly"}
    for _ in range(2):
        headers = routed.chat("Count the moons of Mars.", headers=job).headers
        assert (headers["x-reprise-cache"], headers["x-reprise-reason"]) == ("bypass", "no_tier_in_policy")


def test_headers_that_policy_does_not_hear_are_named(routed: Server) -> None:
    asked = {"x-reprise-project": "open", "x-reprise-session": "mine", "x-reprise-tags": "a", "x-reprise-client": "me"}
    response = routed.chat("Count the moons of Venus.", headers=asked)
    assert set(response.headers["x-reprise-ignored"].split(", ")) == {"session", "tags", "client"}
    record = routed.interaction(response.headers["x-reprise-interaction"])
    assert (record["project"], record["session_id"] == "mine", record["client"] == "me") == ("open", False, False)
    refreshed = routed.chat("Count the moons of Venus.", headers={**asked, "cache-control": "no-cache"})
    assert refreshed.headers["x-reprise-cache"] == "refresh", "less reuse may always be asked for"


def test_streams_may_be_always_forwarded(routed: Server) -> None:
    asked = {"x-reprise-client": "streamer"}
    prompt = "Count the moons of Neptune."
    assert routed.chat(prompt, headers=asked).headers["x-reprise-cache"] == "miss"
    assert routed.chat(prompt, headers=asked).headers["x-reprise-cache"] == "hit"
    for _ in range(2):
        streamed = routed.chat(prompt, headers=asked, stream=True)
        assert (streamed.headers["x-reprise-cache"], streamed.headers["x-reprise-reason"]) == ("miss", "stream")


# The command line

FILE = f"""\
auth:
  keys:
    - {{key: {KEY_MARK}-in-the-file, namespace: team, name: Team}}
cache:
  routes:
    - match: {{model: "gpt-*", header: {{x-job: nightly}}}}
      policy: strict
  policies:
    strict: {{extends: conservative, ttl: 1h}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(FILE)
    return path


def test_explain_says_which_policy_a_call_gets_and_why(config: Path) -> None:
    call = ("--model", "gpt-4o", "--key", "Team", "--header", "X-Job: nightly")
    done = run("config", "explain", "--config", config, *call, cwd=config.parent)
    assert (done.code, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == "policy strict"
    assert f"ttl 1h {config}:9 (strict)" in lines
    assert "max_error_rate 0.005 preset conservative" in lines
    as_json = run("config", "explain", "--config", config, *call, "--json", cwd=config.parent)
    told = json.loads(as_json.out)
    assert (told["policy"], told["route"]["line"], told["call"]["namespace"]) == ("strict", 6, "team")
    other = run("config", "explain", "--config", config, "--model", "o1", "--key", "Team", cwd=config.parent)
    assert other.out.splitlines()[0].split() == ["policy", "default"]


def test_explain_says_why_it_cannot(config: Path) -> None:
    for arguments, said in [
        (("--model", "a", "--key", "Nobody"), "No key in auth.keys has the name 'Nobody'"),
        (("--model", "a", "--key", "Team", "--header", "x-reprise-threshold: 7"), "takes a number from 0 to 1"),
    ]:
        done = run("config", "explain", "--config", config, *arguments, cwd=config.parent)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_show_prints_what_is_in_force_without_secrets(config: Path) -> None:
    env = environment(REPRISE_CACHE__POLICIES__STRICT__TTL="2h")
    done = run("config", "show", "--config", config, "--data-dir", "elsewhere", "--json", cwd=config.parent, env=env)
    told = json.loads(done.out)
    assert (done.code, told["cache"]["policies"]["strict"]["ttl"]) == (0, "2h"), "the environment stands above"
    assert (told["server"]["data_dir"], told["auth"]["keys"][0]["key"]) == ("elsewhere", "**********")
    text = run("config", "show", "--config", config, cwd=config.parent)
    assert (text.code, KEY_MARK in text.out) == (0, False)
    assert "max_error_rate: 0.005" in text.out, "presets and inherited values too"


def test_check_refuses_what_cannot_work_by_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "cache:\n  routes:\n    - {policy: balanced}\n    - {match: {tag: a}, policy: nobody}\n"
        "  policies:\n    a: {extends: b}\n    b: {extends: a, ttl: 0}\n"
    )
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert done.code == 2
    assert done.err.splitlines() == [
        f"{path}:6: cache.policies.a.extends: is a circle: a -> b -> a",
        f"{path}:7: cache.policies.b.ttl: must be more than 0",
    ]
    path.write_text(path.read_text().replace("{extends: b}", "").replace(", ttl: 0", ""))
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert [line.split(": ")[0] for line in done.err.splitlines()] == [f"{path}:4", f"{path}:4"]
    assert "names no policy" in done.err
    assert "can never match: cache.routes.0 before it takes all such calls" in done.err


def test_check_warns_of_what_is_legal_but_hardly_meant(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("cache:\n  policies:\n    week:\n      ttl: 7d\n")
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert (done.code, done.out) == (0, f"{path} is fine\n")
    assert done.err.startswith(
        f"warning: {path}:4: cache.policies.week.ttl: an answer that nothing speaks for is served"
    )
    told = json.loads(run("config", "check", "--json", "--config", path, cwd=tmp_path).out)
    assert (told["ok"], [one["line"] for one in told["warnings"]]) == (True, [4])
