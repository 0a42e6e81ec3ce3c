"""Which route a call takes."""

from __future__ import annotations

import dataclasses

import pytest

from proxy.config import MatchSettings, RouteSettings
from proxy.policy.routing import Routes, Traits

CALL = Traits(
    model="gpt-4o-mini",
    namespace="team-a",
    key="Team A",
    client="OpenAI/Python",
    project="demo-1",
    headers={"x-job": "nightly", "x-empty": ""},
    tags=("exam", "math"),
)


def admits(call=CALL, **match):
    routes = Routes([RouteSettings.model_validate({"match": match, "policy": "balanced"})])
    return routes.first(call) is not None


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"model": "gpt-4o-mini"},
        {"model": "gpt-4o*"},
        {"model": "gpt-?o-mini"},
        {"model": "gpt-[34]o-mini"},
        {"model": ["claude-*", "gpt-*"]},
        {"namespace": "team-*"},
        {"key": "Team ?"},
        {"client": "OpenAI/*"},
        {"project": "demo-*"},
        {"path": "/v1/chat/*"},
        {"header": {"X-Job": "night*"}},
        {"tag": "math"},
        {"tag": ["history", "ex*"]},
        {"model": "*", "namespace": "*", "key": "*", "client": "*", "project": "*", "path": "*", "tag": "*"},
    ],
)
def test_what_matches(match):
    assert admits(**match)


@pytest.mark.parametrize(
    "match",
    [
        {"model": "GPT-4o-mini"},
        {"model": "gpt-4o"},
        {"model": "4o-mini"},
        {"model": "gpt-[!4]o-mini"},
        {"model": ["claude-*", "o1"]},
        {"namespace": "team"},
        {"header": {"x-job": "weekly"}},
        {"header": {"x-other": "*"}},
        {"header": {"x-job": "*", "x-other": "*"}},
        {"tag": "history"},
        {"model": "gpt-*", "tag": "history"},
        {"model": "gpt-4o-mini\n*"},
    ],
)
def test_what_does_not_match(match):
    assert not admits(**match)


@pytest.mark.parametrize("match", [{"key": "*"}, {"client": "*"}, {"project": "*"}, {"tag": "*"}])
def test_what_a_call_lacks_no_pattern_matches(match):
    assert not admits(Traits("m", "n", key=None, client="", project=""), **match)


def test_an_empty_header_is_like_none():
    assert not admits(header={"x-empty": "*"})


def test_a_line_break_does_not_end_a_name():
    assert not admits(dataclasses.replace(CALL, model="gpt-4o-mini\nx"), model="gpt-4o-mini")
    assert admits(dataclasses.replace(CALL, model="gpt-4o-mini\nx"), model="gpt-4o-mini*")


def test_the_first_route_that_matches_counts():
    routes = Routes(
        [
            RouteSettings(match=MatchSettings(model=["claude-*"]), policy="balanced"),
            RouteSettings(match=MatchSettings(tag=["math"]), policy="conservative"),
            RouteSettings(name="rest", policy="aggressive"),
        ]
    )
    first = routes.first(CALL)
    assert first is not None
    assert (first.name, first.policy) == ("route-2", "conservative"), "its place is its name"
    other = routes.first(dataclasses.replace(CALL, tags=()))
    assert other is not None
    assert other.name == "rest"


def test_a_route_says_which_condition_is_not_fulfilled():
    def unmet(**match):
        (route,) = Routes([RouteSettings.model_validate({"match": match, "policy": "balanced"})]).all
        return route.unmet(CALL)

    assert unmet(model="gpt-*", project="x") == "project"
    assert unmet(header={"X-Job": "x"}) == "header x-job"
    assert unmet(tag="x") == "tag"
    assert unmet(model="gpt-*") is None


def test_only_what_routes_look_at_tells_calls_apart():
    routes = Routes([RouteSettings.model_validate({"match": {"model": "a", "header": {"X-Job": "b"}}, "policy": "p"})])
    same = dataclasses.replace(CALL, project="other", tags=(), headers={"x-job": "nightly", "x-else": "c"})
    assert routes.looked_at(CALL) == routes.looked_at(same)
    assert routes.looked_at(CALL) != routes.looked_at(dataclasses.replace(CALL, headers={}))
