"""Experiments: who is on which arm, what the arms came to, and stopping."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from structlog.testing import capture_logs

from memory.statistics.trials import Trials, Verdicts
from memory.statistics.trials import Unit as UnitFigures
from proxy.config import CacheSettings, ConfigError, ExperimentSettings, load_settings
from proxy.config.units import parse_moment
from proxy.experiments.arms import compare, error_of, figures_of, latency_of, per_call, ranks_of, share_of
from proxy.experiments.drawing import Experiments
from proxy.policy.policies import Chosen, Traits, Unit, build_policies
from store.database import Database
from tests.proxy.test_learning import label

EVEN = {"a": {"policy": "balanced", "weight": 50}, "b": {"policy": "aggressive", "weight": 50}}
NOW = 1_700_000_000.0
HERE = Traits(model="m", namespace="team")


def experiment(name="cuts", arms=EVEN, **fields):
    return ExperimentSettings.model_validate({"name": name, "arms": arms, **fields})


@pytest.fixture(scope="module")
def named():
    return build_policies(CacheSettings()).named


@pytest.fixture
def assign(named):
    """The choice that experiments make of the default policy."""

    def choose(*given, unit=None, traits=HERE, kept=None, now=NOW):
        trial = Experiments(given, named, kept or {}, lambda: now)
        return trial.assign(Chosen(named["default"], None), traits, unit or Unit("s-1"))

    return choose


# Drawing


def test_a_unit_stays_on_its_arm(assign):
    first = assign(experiment())
    assert (first.experiment, first.policy.name) == ("cuts", EVEN[first.arm]["policy"])
    assert assign(experiment()) == first, "the same at every start and in every process"
    assert assign(experiment(), unit=Unit("s-1", "other key", "other user")) == first, "only the session counts"


def test_a_known_draw_does_not_change(assign):
    """What is drawn is a promise to those who compare logs across versions."""
    drawn = [assign(experiment(), unit=Unit(f"s-{n}")) for n in range(8)]
    assert "".join(one.arm for one in drawn) == "abaabbba"
    assert drawn[0].unit == "25931aabe1facae2"


@pytest.mark.parametrize(("a", "b"), [(50, 50), (90, 10), (0.25, 0.75)])
def test_units_divide_by_weight(assign, a, b):
    arms = {"a": {"policy": "balanced", "weight": a}, "b": {"policy": "aggressive", "weight": b}}
    drawn = Counter(assign(experiment(arms=arms), unit=Unit(f"s-{n}")).arm for n in range(4000))
    assert drawn["a"] / 4000 == pytest.approx(a / (a + b), abs=0.03)


def test_changed_weights_move_only_the_units_between(assign):
    more = {"a": {"policy": "balanced", "weight": 60}, "b": {"policy": "aggressive", "weight": 40}}
    moved = Counter(
        (assign(experiment(), unit=Unit(f"s-{n}")).arm, assign(experiment(arms=more), unit=Unit(f"s-{n}")).arm)
        for n in range(1000)
    )
    assert moved["a", "b"] == 0, "nobody leaves the arm that grew"
    assert 60 < moved["b", "a"] < 140


def test_experiments_draw_without_regard_to_each_other(assign):
    both = Counter(
        (assign(experiment("one"), unit=Unit(f"s-{n}")).arm, assign(experiment("two"), unit=Unit(f"s-{n}")).arm)
        for n in range(2000)
    )
    assert all(count == pytest.approx(500, abs=100) for count in both.values()), both


def test_units_of_two_namespaces_are_two_units(assign):
    arms = [
        (assign(experiment(), unit=Unit(f"s-{n}")).unit, assign(experiment(), unit=Unit(f"s-{n}"), traits=OTHER).unit)
        for n in range(5)
    ]
    assert all(one != other for one, other in arms)


OTHER = Traits(model="m", namespace="another")


@pytest.mark.parametrize(
    ("sticky", "unit"), [("user", Unit("s", "k")), ("key", Unit("s", None, "u")), ("user", Unit("s", "k", ""))]
)
def test_a_call_without_the_unit_takes_no_part(assign, named, sticky, unit):
    chosen = assign(experiment(sticky=sticky), unit=unit)
    assert chosen == Chosen(named["default"], None)


@pytest.mark.parametrize("sticky", ["session", "key", "user"])
def test_what_is_sticky_decides(assign, sticky):
    arms = set()
    for n in range(20):
        values = {"session": f"s{n}", "key": f"k{n}", "user": f"u{n}", sticky: "same"}
        arms.add(assign(experiment(sticky=sticky), unit=Unit(**values)).arm)
    assert len(arms) == 1


def test_the_first_experiment_that_matches_counts(assign, named):
    first, second = experiment("first", match={"model": "gpt-*"}), experiment("second")
    assert assign(first, second, traits=Traits(model="gpt-5", namespace="n")).experiment == "first"
    assert assign(first, second).experiment == "second"
    assert assign(first).experiment is None, "what does not match keeps its policy"


@pytest.mark.parametrize(
    ("now", "runs"), [("2026-03-01T08:59:59Z", False), ("2026-03-01T09:00Z", True), ("2026-03-02", False)]
)
def test_an_experiment_runs_within_its_times(assign, now, runs):
    timed = experiment(since="2026-03-01 09:00", until="2026-03-02")
    assert (assign(timed, now=parse_moment(now)).arm is not None) is runs


def test_once_stopped_all_matching_calls_get_the_kept_arm(assign, named):
    for unit in (Unit("s-1"), Unit("s-2"), Unit("s-3")):
        chosen = assign(experiment(sticky="user"), unit=unit, kept={"cuts": "b"})
        assert chosen.policy is named["aggressive"]
        assert (chosen.experiment, chosen.arm) == (None, None), "and count in it no more"
    over = experiment(until="2020-01-01")
    assert assign(over, kept={"cuts": "b"}).policy is named["aggressive"], "after its time too"


def test_a_kept_arm_that_is_configured_no_more_changes_nothing(assign, named):
    assert assign(experiment(), kept={"cuts": "gone"}) == Chosen(named["default"], None)


# What is wrong with a configuration


def problems(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_settings(path, {})
    return [
        (problem.line, problem.key.removeprefix("cache.experiments."), problem.message)
        for problem in refused.value.problems
    ]


def test_weights_must_add_up(tmp_path):
    text = """
cache:
  experiments:
    - name: cuts
      arms:
        a: {policy: balanced, weight: 50}
        b: {policy: aggressive, weight: 40}
"""
    assert problems(tmp_path, text) == [(5, "0.arms", "has weights that add up to 90, not 100")]


@pytest.mark.parametrize(
    ("experiments", "line", "key", "message"),
    [
        ("- {name: x, arms: {a: {policy: balanced, weight: 100}}}", 3, "0.arms", "needs two arms at least"),
        (
            "- name: x\n  arms:\n    a: {policy: balanced, weight: 1}\n    b: {policy: aggresive, weight: 99}",
            6,
            "0.arms.b.policy",
            'names no policy; there are aggressive, balanced, conservative, default; did you mean "aggressive"?',
        ),
        ("- {name: x, arms: {a: {policy: balanced, weight: 0}, b: {}}}", 3, "0.arms.a.weight", "must be more than 0"),
        ("- {name: x, sticky: client, arms: {}}", 3, "0.sticky", "must be one of session, key, user"),
        ("- {name: x, since: soon, arms: %s}", 3, "0.since", "must be a date or a time"),
        ("- {name: x, since: 2026-02-01, until: 2026-01-01, arms: %s}", 3, "0.until", "must be after since"),
        ("- {name: x, arms: %s, match: {path: /v2}}", 3, "0.match.path", "can never match"),
        ("- {name: x, arms: %s}\n- {name: y, arms: %s}", 4, "1.match", "the experiment x before it takes all"),
        (
            "- {name: x, arms: %s, match: {model: a}}\n- {name: x, arms: %s, match: {model: b}}",
            4,
            "1.name",
            "is the name of an earlier experiment too",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_line(tmp_path, experiments, line, key, message):
    even = "{a: {policy: balanced, weight: 0.5}, b: {policy: aggressive, weight: 0.5}}"
    listed = experiments.replace("%s", even).replace("\n", "\n    ")
    found = problems(tmp_path, f"cache:\n  experiments:\n    {listed}\n")
    first = found[0]
    assert (first[0], first[1]) == (line, key), found
    assert message in first[2]


def test_experiments_that_follow_each_other_are_fine(tmp_path):
    path = tmp_path / "config.yaml"
    text = "cache: {experiments: [{name: x, until: 2026-02-01, arms: %s}, {name: y, since: 2026-02-01, arms: %s}]}"
    path.write_text(text.replace("%s", json.dumps(EVEN)))
    assert [one.name for one in load_settings(path, {}).cache.experiments] == ["x", "y"]


# Figures


def unit(calls, hits=0, arm="a", **fields):
    values = {"exact": 0, "semantic": hits, "failures": 0, "spent": 0.0, "saved": 0.0, **fields}
    return UnitFigures(arm, calls, hits, **values)


def test_a_hit_rate_lies_in_its_interval():
    rate = figures_of([unit(10, 4) for _ in range(50)], [])["hit_rate"]
    assert rate["rate"] == 0.4
    assert rate["low"] == pytest.approx(0.358, abs=0.002), "500 calls, Jeffreys"
    assert rate["high"] == pytest.approx(0.443, abs=0.002)


def test_calls_of_few_units_say_less_than_those_of_many():
    alike = figures_of([unit(100, 90), unit(100, 10), unit(100, 80), unit(100, 20)], [])["hit_rate"]
    many = figures_of([unit(1, n % 2) for n in range(400)], [])["hit_rate"]
    assert alike["rate"] == many["rate"] == 0.5
    assert alike["high"] - alike["low"] > 5 * (many["high"] - many["low"])


def test_one_unit_says_as_much_as_one_call():
    assert sum(share_of_units(unit(1000, 400))) == pytest.approx(2.0)


def share_of_units(*units):
    return share_of(np.array([u.hits for u in units], float), np.array([u.calls for u in units], float))


def test_without_calls_nothing_is_claimed():
    figures = figures_of([], [])
    assert figures["hit_rate"] == {"rate": None, "low": None, "high": None}
    assert figures["error"]["basis"] is None
    assert figures["cost_usd"]["spent"]["per_call"]["mean"] is None


def verdict(correct, count, source="audit", propensity=0.02):
    return Verdicts("a", source, propensity, correct, count)


def test_the_error_is_that_of_the_sample_and_feedback_stands_beside():
    error = error_of([verdict(True, 97), verdict(False, 3), verdict(False, 5, "feedback", 1.0)])
    assert (error["rate"], error["basis"]) == (0.03, "audits")
    assert error["low"] == pytest.approx(0.0086, abs=0.001)
    assert error["high"] == pytest.approx(0.078, abs=0.002)
    assert (error["audits"], error["feedback"]) == ({"right": 97, "wrong": 3}, {"right": 0, "wrong": 5})


def test_an_audit_that_is_drawn_rarely_stands_for_more_hits():
    error = error_of([verdict(True, 100, propensity=1.0), verdict(False, 1, propensity=0.01)])
    assert error["rate"] == 0.5, "one of those drawn one in a hundred is as much as a hundred that are all drawn"
    assert error["high"] - error["low"] > 0.5, "and says little"


def test_where_there_are_no_audits_feedback_is_what_is_known():
    error = error_of([verdict(True, 3, "feedback", 1.0), verdict(False, 1, "feedback", 1.0)])
    assert (error["rate"], error["basis"]) == (0.25, "feedback")


def test_cost_per_call_lies_in_its_interval():
    cost = per_call([unit(10, spent=0.1 + 0.01 * (n % 3)) for n in range(30)], "spent")
    assert cost["mean"] == pytest.approx(0.011)
    assert cost["low"] < 0.011 < cost["high"] < 0.0115
    assert per_call([unit(10, spent=1.0)], "spent")["low"] is None, "one unit shows no spread"


@pytest.mark.parametrize(
    ("n", "share", "ranks"),
    [
        (100, 0.5, (50, 40, 61)),  # Conover, Practical Nonparametric Statistics, section 3.2
        (10, 0.5, (5, 2, 9)),
        (5, 0.5, (3, None, None)),
        (20, 0.95, (19, 17, None)),
        (1, 0.95, (1, None, None)),
    ],
)
def test_ranks_of_a_quantile_are_those_of_the_binomial(n, share, ranks):
    assert ranks_of(n, share) == ranks


def test_latency_is_read_at_its_ranks():
    found = latency_of(100, lambda ranks: {rank: float(rank) for rank in ranks})
    assert found["p50"] == {"value": 50.0, "low": 40.0, "high": 61.0}
    assert found["p95"]["value"] == 95.0


def test_arms_are_compared_with_the_first():
    arms = {
        "a": [unit(10, 3 + n % 2) for n in range(40)],
        "b": [unit(10, 5 + n % 2, "b") for n in range(40)],
        "c": [unit(10, 3 + n % 2, "c") for n in range(40)],
    }
    better, same = compare(arms)
    assert (better["arm"], better["against"]) == ("b", "a")
    assert better["higher_hit_rate"] > 0.999
    assert better["difference"]["low"] < 0.2 < better["difference"]["high"]
    assert same["higher_hit_rate"] == pytest.approx(0.5, abs=0.02)
    assert compare(arms) == [better, same], "the same log gives the same figures"


# In the application

TRIED = {
    "policies": {"default": {"audit_rate": 1e-9}, "exact": {"tiers": ["exact"]}},
    "experiments": [
        {
            "name": "tiers",
            "sticky": "user",
            "arms": {"a": {"policy": "default", "weight": 50}, "b": {"policy": "exact", "weight": 50}},
        }
    ],
}


async def ask(client, prompt, headers=None, **fields):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def test_the_arm_is_shown_and_recorded(run_app):
    async with run_app(cache=TRIED) as (client, parts):
        arms = {}
        for n in range(12):
            got = await ask(client, f"arm of {n}", user=f"u{n}")
            name, _, arm = got.headers["x-reprise-experiment"].partition("=")
            arms[f"u{n}"] = arm
            assert name == "tiers"
            assert got.headers["x-reprise-policy"] == {"a": "default", "b": "exact"}[arm]
            row = parts.interactions.get(got.headers["x-reprise-interaction"])
            assert (row["experiment"], row["arm"]) == ("tiers", arm)
            assert len(row["metadata"]["unit"]) == 16
        assert set(arms.values()) == {"a", "b"}
        again = await ask(client, "another", user="u0")
        assert again.headers["x-reprise-experiment"] == f"tiers={arms['u0']}"


async def test_callers_who_choose_for_themselves_take_no_part(run_app):
    async with run_app(cache=TRIED) as (client, parts):
        on_a = next(user for user in map(str, range(50)) if arm_of(parts, user) == "a")
        got = await ask(client, "chosen", {"x-reprise-policy": "exact"}, user=on_a)
        assert "x-reprise-experiment" not in got.headers
        row = parts.interactions.get(got.headers["x-reprise-interaction"])
        assert (row["experiment"], row["arm"], row["policy"]) == (None, None, "exact")
        assert "unit" not in row["metadata"]

        got = await ask(client, "stricter", {"x-reprise-threshold": "0.99"}, user=on_a)
        assert got.headers["x-reprise-experiment"] == "tiers=a", "other wishes are granted within the arm"
        got = await ask(client, "nobody")
        assert "x-reprise-experiment" not in got.headers, "a call without the unit"


def arm_of(parts, user):
    return parts.policies.choose(Traits(model="m", namespace="default"), Unit("s", None, user)).arm


async def test_arms_are_told_only_where_all_is_exposed(run_app):
    async with run_app(cache=TRIED, server={"expose": "minimal"}) as (client, parts):
        got = await ask(client, "hidden", user="u1")
        assert "x-reprise-experiment" not in got.headers
        assert parts.interactions.get(got.headers["x-reprise-interaction"])["arm"] in "ab"


async def test_results_are_told_by_arm(run_app):
    async with run_app(cache=TRIED) as (client, _):
        for n in range(10):
            for _ in range(2):
                await ask(client, f"result {n}", user=f"u{n}")
        [listed] = (await client.get("/cache/experiments")).json()["experiments"]
        assert (listed["name"], listed["state"], listed["calls"]) == ("tiers", "running", 20)
        found = (await client.get("/cache/experiments/tiers")).json()
        a, b = found["results"]["a"], found["results"]["b"]
        assert (a["calls"] + b["calls"], a["units"] + b["units"]) == (20, 10)
        assert a["hit_rate"]["rate"] == b["hit_rate"]["rate"] == 0.5, "each prompt's second call"
        assert a["exact_hits"] == a["hits"] == a["calls"] / 2
        assert a["latency_ms"]["p50"]["value"] > 0
        assert a["error"]["basis"] is None
        [comparison] = found["comparisons"]
        assert (comparison["arm"], comparison["against"]) == ("b", "a")
        assert found["arms"] == {"a": {"policy": "default", "weight": 50}, "b": {"policy": "exact", "weight": 50}}


async def test_labels_of_an_arms_calls_are_its_error(run_app):
    async with run_app(cache=TRIED) as (client, parts):
        got = await ask(client, "labelled", user="u1")
        arm = got.headers["x-reprise-experiment"].partition("=")[2]
        id_ = got.headers["x-reprise-interaction"]
        for n, correct in enumerate((True, True, False)):
            parts.labels.add(label(f"lab_{n}", correct=correct, source="audit", interaction_id=id_)).result(10)
        parts.labels.add(label("lab_9", correct=False, source="miss", interaction_id=id_)).result(10)
        error = (await client.get("/cache/experiments/tiers")).json()["results"][arm]["error"]
        assert (error["audits"], error["basis"]) == ({"right": 2, "wrong": 1}, "audits"), "a miss is no hit"


async def test_a_stopped_experiment_keeps_one_arm(run_app):
    async with run_app(cache=TRIED) as (client, _):
        await ask(client, "before", user="u1")
        with capture_logs() as lines:
            stopped = (await client.post("/cache/experiments/tiers/stop", json={"keep": "b"})).json()
        assert (stopped["state"], stopped["kept"]) == ("stopped", "b")
        assert stopped["yaml"] == "- {policy: exact}"
        assert [(line["event"], line["kept"]) for line in lines] == [("experiment stopped", "b")]
        for n in range(6):
            got = await ask(client, "after", user=f"u{n}")
            assert got.headers["x-reprise-policy"] == "exact"
            assert "x-reprise-experiment" not in got.headers
        assert (await ask(client, "after")).headers["x-reprise-policy"] == "exact", "without the unit too"
        shown = (await client.get("/cache/experiments/tiers")).json()
        assert (shown["state"], shown["calls"]) == ("stopped", 1), "its figures stay"


async def test_what_cannot_be_stopped_is_said(run_app):
    async with run_app(cache=TRIED) as (client, _):
        gone = await client.post("/cache/experiments/nope/stop", json={"keep": "a"})
        assert (gone.status_code, gone.json()["error"]["message"]) == (404, "No experiment 'nope': there are tiers.")
        wrong = await client.post("/cache/experiments/tiers/stop", json={"keep": "c"})
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "keep")
        assert wrong.json()["error"]["message"] == "The experiment 'tiers' has no arm 'c', but a, b."
        assert (await client.post("/cache/experiments/tiers/stop", json={})).status_code == 400
        assert (await client.get("/cache/experiments/nope")).status_code == 404


async def test_experiments_are_for_admins(run_app):
    keys = [{"key": "sk-client-1", "namespace": "a"}, {"key": "sk-admin-11", "namespace": "o", "role": "admin"}]
    async with run_app(cache=TRIED, auth={"keys": keys}) as (client, _):
        headers = {"authorization": "Bearer sk-client-1"}
        for method, path in (("GET", ""), ("GET", "/tiers"), ("POST", "/tiers/stop")):
            response = await client.request(method, f"/cache/experiments{path}", json={"keep": "a"}, headers=headers)
            assert response.status_code == 403
        headers = {"authorization": "Bearer sk-admin-11"}
        assert (await client.get("/cache/experiments", headers=headers)).status_code == 200


async def test_an_experiment_that_is_configured_no_more_still_shows_its_figures(run_app):
    async with run_app(cache=TRIED) as (client, parts):
        await ask(client, "gone", user="u1")
        settings = parts.settings
        parts.live.adopt(settings.model_copy(update={"cache": settings.cache.model_copy(update={"experiments": []})}))
        shown = (await client.get("/cache/experiments/tiers")).json()
        assert (shown["state"], shown["calls"], shown["arms"]) == ("removed", 1, {})
        assert len(shown["results"]) == 1


def test_an_empty_log_has_no_figures(tmp_path):
    database = Database(tmp_path / "reprise.db")
    try:
        assert Trials(database).verdicts("cuts") == []
        assert Trials(database).units("cuts") == []
        assert Trials(database).timed("cuts", "a") == 0
    finally:
        database.close()
