"""An A/B experiment on a real server: calls divide, stay, are counted, and one arm is kept."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import run

pytestmark = pytest.mark.slow

USERS = 60
TRIED = {
    "cache": {
        "policies": {"loose": {"ttl": "2h"}, "exact": {"tiers": ["exact"]}},
        "experiments": [
            {
                "name": "tiers",
                "sticky": "user",
                "arms": {"a": {"policy": "loose", "weight": 70}, "b": {"policy": "exact", "weight": 30}},
                "match": {"model": "scripted"},
            }
        ],
    }
}


def test_an_experiment_from_its_first_call_to_its_end(launch: Launch) -> None:
    server = launch(TRIED)
    arms = {}
    for turn in range(3):
        for n in range(USERS):
            got = server.chat(f"Tell user {n} of the tide", user=f"user-{n}")
            name, _, arm = got.headers["x-reprise-experiment"].partition("=")
            assert (name, arms.setdefault(n, arm)) == ("tiers", arm), "nobody changes sides"
            assert got.headers["x-reprise-policy"] == {"a": "loose", "b": "exact"}[arm]
            assert got.headers["x-reprise-cache"] == ("hit" if turn else "miss")
    split = Counter(arms.values())
    assert split["a"] == pytest.approx(0.7 * USERS, abs=12), split

    where = ("--config", server.folder / "config.yaml", "--data-dir", server.data_dir)
    told = json.loads(run("experiment", "status", "tiers", "--json", *where).out)
    assert (told["state"], told["calls"]) == ("running", 3 * USERS)
    for arm, figures in told["results"].items():
        assert (figures["units"], figures["calls"]) == (split[arm], 3 * split[arm])
        rate = figures["hit_rate"]
        assert rate["rate"] == pytest.approx(2 / 3, abs=1e-6)
        assert rate["low"] < rate["rate"] < rate["high"]
    shown = run("experiment", "status", *where)
    assert shown.code == 0
    assert "a: loose, weight 70; b: exact, weight 30" in shown.out
    assert "b has a higher hit rate than a with probability" in shown.out

    for name, arm, message in (("tiers", "c", "has no arm 'c', but a, b"), ("nope", "a", "there are tiers")):
        wrong = run("experiment", "stop", name, "--keep", arm, *where)
        assert (wrong.code, message in wrong.err) == (2, True), wrong.err
    stopped = run("experiment", "stop", "tiers", "--keep", "b", *where)
    assert stopped.code == 0, stopped.err
    assert "    - {match: {model: [scripted]}, policy: exact}" in stopped.out, "the line for the file"
    for n in range(10):
        got = server.chat(f"Tell user {n} of the tide", user=f"user-{n}")
        assert got.headers["x-reprise-policy"] == "exact", "everybody, from the next call on"
        assert "x-reprise-experiment" not in got.headers

    server.kill()
    server.start()
    got = server.chat("Tell user 1 of the tide", user="user-1")
    assert got.headers["x-reprise-policy"] == "exact", "after a crash too"
    server.stop()
    told = json.loads(run("experiment", "status", "tiers", "--json", *where).out)
    assert (told["state"], told["kept"], told["calls"]) == ("stopped", "b", 3 * USERS), "without a server too"


def test_without_experiments_there_is_nothing_to_show(launch: Launch) -> None:
    server = launch()
    shown = run("experiment", "status", "--data-dir", server.data_dir, cwd=server.folder)
    assert (shown.code, shown.out) == (0, "No experiment is configured in cache.experiments, and none is in the log.\n")
    unknown = run("experiment", "status", "x", "--data-dir", server.data_dir, cwd=server.folder)
    assert unknown.code == 2
    assert "none is configured in cache.experiments" in unknown.err
