"""Routes that no call can take are refused, by line and with the reason."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import ConfigError, MatchSettings, RouteSettings, load_settings
from proxy.policy.routing import Routes, Traits

KEYS = "auth:\n  keys:\n    - {key: 12345678, namespace: team-a, name: Team A}\n".replace("12345678", "a-long-key")


@pytest.fixture
def check(tmp_path):
    """What is wrong with some routes, as place below `cache.routes` and message; each route is a line of its own."""

    def problems_of(*routes, before=""):
        path = tmp_path / "config.yaml"
        path.write_text(f"{before}cache:\n  routes:\n" + "".join(f"    - {route}\n" for route in routes))
        offset = before.count("\n") + 2
        try:
            load_settings(path, {})
        except ConfigError as error:
            return [((p.line or 0) - offset, p.key.removeprefix("cache.routes."), p.message) for p in error.problems]
        return []

    return problems_of


def test_routes_that_are_fine(check):
    assert (
        check(
            "{match: {model: gpt-4o}, policy: conservative}",
            "{match: {model: 'gpt-*', tag: a}, policy: aggressive}",
            "{match: {model: 'gpt-*'}, policy: default}",
            "{name: rest, policy: balanced}",
        )
        == []
    )


def test_a_route_to_no_policy(check):
    ((line, key, message),) = check("{match: {tag: a}, policy: balanced}", "{match: {tag: b}, policy: agressive}")
    assert (line, key) == (2, "1.policy")
    known = "aggressive, balanced, conservative, default"
    assert message == f'names no policy; there are {known}; did you mean "aggressive"?'


@pytest.mark.parametrize(
    ("route", "key", "message"),
    [
        ("{match: {modle: a}, policy: balanced}", "0.match.modle", 'is no known key; did you mean "model"?'),
        ("{match: {tags: a}, policy: balanced}", "0.match.tags", 'is no known key; did you mean "tag"?'),
        ("{match: {model: a}, polcy: balanced, policy: balanced}", "0.polcy", "is no known key"),
        ("{match: {model: a}}", "0.policy", "is required"),
        ("{match: {model: 4}, policy: balanced}", "0.match.model", "must be a list"),
        ("{match: {model: [4]}, policy: balanced}", "0.match.model.0", "must be text: put quotes around it"),
        ("{match: {model: ''}, policy: balanced}", "0.match.model.0", "must not be empty"),
        ("{match: {header: x-job}, policy: balanced}", "0.match.header", "must be a mapping"),
        ("{match: {header: {x-job: 5}}, policy: balanced}", "0.match.header.x-job", "must be a list"),
        ("{match: [], policy: balanced}", "0.match", "must be a mapping"),
        ("{match: {model: a}, policy: Big Name}", "0.policy", "must be at most 64 lower-case letters"),
        ("{match: {path: /v1/completions}, policy: balanced}", "0.match.path", "can never match: calls come in at"),
        ("{match: {path: /chat/completions}, policy: balanced}", "0.match.path", "can never match: calls come in at"),
        ("{match: {key: Team A}, policy: balanced}", "0.match.key", "can never match: auth.keys is empty"),
    ],
)
def test_a_wrong_route_is_told_by_line_and_key(check, route, key, message):
    ((line, found, said),) = check(route)
    assert (line, found) == (1, key)
    assert said.startswith(message)


def test_keys_and_namespaces_are_those_of_the_file(check):
    assert check("{match: {key: 'Team*', namespace: 'team-?'}, policy: balanced}", before=KEYS) == []
    found = check("{match: {key: Team B}, policy: balanced}", "{match: {namespace: b}, policy: balanced}", before=KEYS)
    assert found == [
        (1, "0.match.key", "can never match: no key in auth.keys has such a name"),
        (2, "1.match.namespace", "can never match: no key in auth.keys has such a namespace"),
    ]
    assert check("{match: {namespace: 'key-*'}, policy: balanced}") == [], "without keys callers have others"


def test_models_are_those_of_the_file_unless_it_takes_any(check):
    models = "model_list:\n  - {model_name: small, litellm_params: {model: m}}\n"
    assert check("{match: {model: 'sm*'}, policy: balanced}", before=models) == []
    ((_, key, message),) = check("{match: {model: [large, big]}, policy: balanced}", before=models)
    assert (key, message) == ("0.match.model", "can never match: no entry of model_list has such a name")
    wild = f"{models}  - {{model_name: 'gpt-*', litellm_params: {{model: 'openai/*'}}}}\n"
    assert check("{match: {model: large}, policy: balanced}", before=wild) == [], "a pattern may take it"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("", "{model: a}"),
        ("", ""),
        ("{model: '*'}", "{tag: a}"),
        ("{model: a}", "{model: a}"),
        ("{model: [a, b]}", "{model: b}"),
        ("{model: [a, b]}", "{model: [b, a], tag: c}"),
        ("{model: 'gpt-*'}", "{model: 'gpt-4*'}"),
        ("{model: 'gpt-?'}", "{model: gpt-4}"),
        ("{tag: '*'}", "{tag: [a, b]}"),
        ("{header: {X-A: '*'}}", "{header: {x-a: b}, model: c}"),
        ("{project: 'a*', model: '*'}", "{project: abc}"),
    ],
)
def test_a_route_behind_one_that_takes_all_its_calls(check, earlier, later):
    found = check(f"{{match: {earlier}, policy: balanced}}", f"{{match: {later}, policy: aggressive}}")
    assert found == [(2, "1.match", "can never match: cache.routes.0 before it takes all such calls")] or found == [
        (2, "1", "can never match: cache.routes.0 before it takes all such calls")
    ]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{model: a}", ""),
        ("{model: a}", "{model: [a, b]}"),
        ("{model: 'gpt-4*'}", "{model: 'gpt-*'}"),
        ("{model: 'gpt-?'}", "{model: 'gpt-*'}"),
        ("{model: '*b*'}", "{model: '[ab]'}"),
        ("{project: '*'}", "{model: a}"),
        ("{tag: a}", "{tag: [a, b]}"),
        ("{model: a, tag: b}", "{model: a}"),
        ("{header: {x-a: b}}", "{header: {x-a: c}}"),
        ("{header: {x-a: '*'}}", "{header: {x-b: c}}"),
    ],
)
def test_a_route_that_some_call_may_yet_take(check, earlier, later):
    assert check(f"{{match: {earlier}, policy: balanced}}", f"{{match: {later}, policy: aggressive}}") == []


def test_the_route_that_leaves_nothing_is_named(check):
    ((_, _, message),) = check("{name: all, policy: balanced}", "{match: {model: a}, policy: balanced}")
    assert message == "can never match: cache.routes.0 (all) before it takes all such calls"


def test_a_name_given_twice(check):
    found = check("{name: a, match: {tag: a}, policy: balanced}", "{name: a, match: {tag: b}, policy: balanced}")
    assert found == [(2, "1.name", "is the name of an earlier route too")]


_PATTERNS = st.text("ab*?[]", min_size=1, max_size=5)


@given(earlier=_PATTERNS, later=_PATTERNS, names=st.lists(st.text("ab[]", min_size=1, max_size=5), max_size=20))
def test_what_is_said_to_be_covered_is(earlier, later, names):
    if MatchSettings(project=[earlier]).covers(MatchSettings(project=[later])):
        for name in names:
            assert not fnmatch.fnmatchcase(name, later) or fnmatch.fnmatchcase(name, earlier), name


_MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["*", "a", "a*", "ab"]),
        "key": st.sampled_from(["*", "a"]),
        "tag": st.sampled_from(["*", "a", "b"]),
        "header": st.sampled_from([{"x": "*"}, {"X": "a"}, {"y": "a"}]),
    },
)
_CALLS = st.builds(
    Traits,
    model=st.sampled_from(["a", "ab", "b"]),
    namespace=st.just("n"),
    key=st.sampled_from([None, "a", "b"]),
    tags=st.sampled_from([(), ("a",), ("a", "b")]),
    headers=st.sampled_from([{}, {"x": "a"}, {"x": "b", "y": "a"}]),
)


@given(earlier=_MATCHES, later=_MATCHES, call=_CALLS)
def test_no_call_takes_a_route_that_is_refused(earlier, later, call):
    one, other = (MatchSettings.model_validate(match) for match in (earlier, later))
    routes = Routes([_route(one), _route(other)])
    if one.covers(other):
        first = routes.first(call)
        assert first is None or first.name == "route-1"


def _route(match):
    return RouteSettings(match=match, policy="balanced")
