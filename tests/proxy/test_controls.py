"""What a caller may ask of the cache: less reuse always, more only where the policy lets it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.policy import Policy
from proxy.controls import HEADERS, Controls, apply_controls, read_controls
from proxy.errors import InvalidRequest
from tests.proxy.completions import ANYTHING, examples

BASE = Policy(similarity_threshold=0.9, ttl=3600.0)
FREE = dataclasses.replace(BASE, allow_loosening=True)
STRICT = Policy(name="strict", similarity_threshold=0.97, ttl=60.0)
LOOSE = Policy(name="loose", similarity_threshold=0.5, ttl=3600.0)
POLICIES = {policy.name: policy for policy in (BASE, STRICT, LOOSE)}


def refused(headers=None, field=None):
    """The error that a call with these controls gets."""
    with pytest.raises(InvalidRequest) as caught:
        read_controls(headers or {}, field)
    return caught.value


# Reading


def test_a_call_that_asks_for_nothing_gets_the_defaults():
    assert read_controls({"user-agent": "x", "x-other": "y"}, None) == Controls()
    assert read_controls({"cache-control": ""}, {}) == Controls()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("no-cache", {"no_cache": True}),
        ("no-store", {"no_store": True}),
        ("only-if-cached", {"only_if_cached": True}),
        ("max-age=60", {"max_age": 60.0}),
        ("max-age=0", {"max_age": 0.0}),
        ('Max-Age="60"', {"max_age": 60.0}),
        ("NO-CACHE,No-Store ,  only-if-cached", {"no_cache": True, "no_store": True, "only_if_cached": True}),
        # The stricter of two wins, in either order.
        ("max-age=60, max-age=5", {"max_age": 5.0}),
        ("max-age=5, max-age=60", {"max_age": 5.0}),
        ('no-cache="x-field"', {"no_cache": True}),
        # What means nothing here is passed over: RFC 9111, 5.2.3.
        ("max-stale=100, min-fresh=1, no-transform, private, x=y, ,", {}),
        ("max-stale", {}),
    ],
)
def test_cache_control_is_read_as_rfc_9111_says(text, asked):
    assert read_controls({"cache-control": text}, None) == Controls(**asked)


@pytest.mark.parametrize("value", ["", "=", "=-1", "=1.5", "=abc", "=²", "=1s", '=""', "=1 2"])
def test_a_max_age_that_is_no_whole_seconds_is_refused(value):
    error = refused({"cache-control": f"no-store, max-age{value}"})
    assert (error.status, error.param) == (400, "Cache-Control")


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"x-reprise-policy": "strict"}, {"policy": "strict"}),
        ({"x-reprise-threshold": "0.95"}, {"threshold": 0.95}),
        ({"x-reprise-threshold": "0"}, {"threshold": 0.0}),
        ({"x-reprise-threshold": "1"}, {"threshold": 1.0}),
        ({"x-reprise-session": " s-1 "}, {"session": "s-1"}),
        ({"x-reprise-project": "apollo", "x-reprise-client": "cli"}, {"project": "apollo", "client": "cli"}),
        ({"x-reprise-tags": "b, a,,a ,"}, {"tags": ("a", "b")}),
        ({"x-reprise-tags": ""}, {"tags": ()}),
        ({"x-reprise-memory": "off"}, {"memory": "off"}),
    ],
)
def test_headers_of_reprise_are_read(headers, asked):
    assert read_controls(headers, None) == Controls(**asked)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("threshold", value) for value in ("", "high", "-0.1", "1.01", "nan", "inf", "0,9", "0.9 0.9")],
        *[("memory", value) for value in ("", "on", "Off", "full,read")],
        *[
            (name, value)
            for name in ("policy", "session", "project", "client")
            for value in ("", "  ", "a\tb", "x" * 201)
        ],
        ("tags", "a, " + "x" * 201),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_header(name, value):
    error = refused({f"x-reprise-{name}": value})
    assert (error.status, error.type, error.param) == (400, "invalid_request_error", f"x-reprise-{name}")
    assert f"x-reprise-{name}" in error.message


@pytest.mark.parametrize("name", ["session", "project", "client"])
def test_a_name_may_have_two_hundred_characters(name):
    assert getattr(read_controls({f"x-reprise-{name}": "x" * 200}, None), name) == "x" * 200


@pytest.mark.parametrize(
    ("given_name", "meant"),
    [("treshold", "threshold"), ("polcy", "policy"), ("tag", "tags"), ("sessions", "session"), ("projekt", "project")],
)
def test_an_unknown_header_is_refused_with_the_one_that_was_meant(given_name, meant):
    error = refused({f"x-reprise-{given_name}": "1"})
    assert error.param == f"x-reprise-{given_name}"
    assert error.message.endswith(f"Did you mean x-reprise-{meant}?")


@pytest.mark.parametrize("name", ["", "zzz", "entry"])
def test_an_unknown_header_that_is_like_no_other_is_refused_without_a_guess(name):
    error = refused({f"x-reprise-{name}": "1"})
    assert error.param == f"x-reprise-{name}"
    assert "Did you mean" not in error.message


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ({"no-cache": True}, {"no_cache": True}),
        ({"no-store": True}, {"no_store": True}),
        ({"no-cache": False, "no-store": False}, {}),
        ({"ttl": 60}, {"ttl": 60.0}),
        ({"ttl": "10m"}, {"ttl": 600.0}),
        ({"s-maxage": 600}, {"max_age": 600.0}),
        ({"s-maxage": 0.5}, {"max_age": 0.5}),
        ({"s-maxage": 0}, {"max_age": 0.0}),
        ({"namespace": "team-a"}, {"part": "team-a"}),
        ({}, {}),
    ],
)
def test_litellms_field_in_the_body_is_read(field, asked):
    assert read_controls({}, field) == Controls(**asked)


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("no-cache", "cache"),
        ([], "cache"),
        (True, "cache"),
        ({"no-cache": "yes"}, "cache.no-cache"),
        ({"no-store": 1}, "cache.no-store"),
        *[({"ttl": value}, "cache.ttl") for value in (0, -1, "", "soon", True, [], {}, 10**400, 1e300, "1e3")],
        *[({"s-maxage": value}, "cache.s-maxage") for value in (-1, -5, False, "x")],
        *[({"namespace": value}, "cache.namespace") for value in ("", " ", 7, None, "a\nb", "x" * 201)],
        ({"max-age": 5}, "cache.max-age"),
        ({"ttll": 5}, "cache.ttll"),
    ],
)
def test_a_wrong_field_in_the_body_is_refused_by_name(field, param):
    error = refused(field=field)
    assert (error.status, error.param) == (400, param)
    assert f"'{param}'" in error.message


@pytest.mark.parametrize(("directive", "field", "expected"), [("5", 60, 5.0), ("60", 5, 5.0)])
def test_where_header_and_body_both_name_an_age_the_stricter_wins(directive, field, expected):
    found = read_controls({"cache-control": f"max-age={directive}"}, {"s-maxage": field})
    assert found.max_age == expected


def test_neither_header_nor_body_takes_back_what_the_other_asked_for():
    found = read_controls({"cache-control": "no-store"}, {"no-cache": True, "no-store": False})
    assert (found.no_store, found.no_cache) == (True, True)


HEADER_VALUES = st.text(st.characters(max_codepoint=255), max_size=20)
DIRECTIVES = st.lists(
    st.sampled_from(("no-cache", "max-age", "=", ",", '"', " ", "5", "only-if-cached", "²")) | HEADER_VALUES
)


@examples
@given(
    st.dictionaries(
        st.sampled_from([f"x-reprise-{name}" for name in HEADERS]) | HEADER_VALUES.map("x-reprise-{}".format),
        HEADER_VALUES | st.floats().map(str),
        max_size=3,
    ),
    st.none() | DIRECTIVES.map("".join),
    ANYTHING
    | st.dictionaries(st.sampled_from(("no-cache", "no-store", "ttl", "s-maxage", "namespace", "x")), ANYTHING),
)
def test_whatever_is_asked_is_read_or_refused_as_the_callers_mistake(headers, directives, field):
    if directives is not None:
        headers["cache-control"] = directives
    found = Controls()
    try:
        found = read_controls(headers, field)
    except InvalidRequest as error:
        param = error.param
    else:
        param = "none is wrong"
    assert param
    assert found.threshold is None or 0 <= found.threshold <= 1
    assert found.max_age is None or found.max_age >= 0
    assert found.ttl is None or found.ttl > 0


# Granting


def granted(base=BASE, **controls):
    found = apply_controls(Controls(**controls), POLICIES, base)
    return found.policy, found.ignored


def chosen(name, named, base):
    """What a call gets that names a policy."""
    found = apply_controls(Controls(policy=name), named, base)
    return found.policy, found.ignored


def test_without_wishes_the_policy_stays_the_very_same():
    policy, ignored = granted()
    assert policy is BASE
    assert ignored == []


@pytest.mark.parametrize("threshold", [0.9, 0.95, 1.0])
def test_a_higher_threshold_is_granted(threshold):
    policy, ignored = granted(threshold=threshold)
    assert (policy.similarity_threshold, ignored) == (threshold, [])


@pytest.mark.parametrize("threshold", [0.0, 0.89])
def test_a_lower_threshold_is_ignored_unless_the_policy_lets_it(threshold):
    policy, ignored = granted(threshold=threshold)
    assert (policy.similarity_threshold, ignored) == (0.9, ["threshold"])
    policy, ignored = granted(FREE, threshold=threshold)
    assert (policy.similarity_threshold, ignored) == (threshold, [])


LEARNED = Policy(ttl=3600.0)
"""A policy whose verifier decides."""


@pytest.mark.parametrize("threshold", [0.0, 0.89, 1.0])
def test_beside_a_verifier_any_threshold_only_tightens(threshold):
    policy, ignored = granted(LEARNED, threshold=threshold)
    assert policy.min_similarity == threshold, "a least similarity beside the cut"
    assert ignored == ([] if threshold >= 0.8 else ["threshold"]), "a low one asks for more than the cut gives"
    assert policy.similarity_threshold is None, "the verifier still decides"
    assert dataclasses.replace(policy, min_similarity=0.0) == LEARNED, "nothing else has changed"


def test_where_policy_lets_it_a_threshold_takes_the_verifiers_place():
    policy, ignored = granted(dataclasses.replace(LEARNED, allow_loosening=True), threshold=0.5)
    assert (policy.similarity_threshold, policy.min_similarity, ignored) == (0.5, 0.0, []), "similarity alone decides"


def test_a_named_policy_with_a_larger_budget_is_ignored_and_with_a_smaller_one_granted():
    named = {"small": Policy("small", max_error_rate=0.005), "large": Policy("large", max_error_rate=0.05)}
    base = Policy()
    assert chosen("small", named, base) == (named["small"], []), "fewer errors"
    assert chosen("large", named, base) == (base, ["policy"]), "more errors are more reuse"


def test_shadow_mode_may_always_be_named():
    named = {"watch": Policy("watch", shadow=True)}
    for base in (Policy(), Policy(similarity_threshold=1.0)):
        assert chosen("watch", named, base) == (named["watch"], []), "nothing is served by it"


def test_out_of_shadow_mode_no_caller_gets_by_name():
    base = Policy(shadow=True)
    named = {"live": Policy("live", max_error_rate=0.0001)}
    assert chosen("live", named, base) == (base, ["policy"]), "the operator decides that"


@pytest.mark.parametrize("ttl", [60.0, 3600.0])
def test_a_shorter_life_is_granted_to_what_is_stored_and_serves_no_less_meanwhile(ttl):
    policy, ignored = granted(ttl=ttl)
    assert (policy.store_ttl, policy.ttl, ignored) == (ttl, 3600.0, [])


def test_a_longer_life_is_ignored_unless_the_policy_lets_it():
    assert granted(ttl=3601.0) == (BASE, ["ttl"])
    policy, ignored = granted(FREE, ttl=3601.0)
    assert (policy.store_ttl, policy.ttl, ignored) == (3601.0, 3601.0, [])


@pytest.mark.parametrize("max_age", [0.0, 5.0, 1e9])
def test_a_greatest_age_only_ever_tightens_and_is_granted(max_age):
    policy, ignored = granted(max_age=max_age)
    assert (policy.max_age, ignored) == (max_age, [])
    assert dataclasses.replace(policy, max_age=None) == BASE


def test_a_greatest_age_beyond_the_policys_own_does_not_loosen_it():
    aged = dataclasses.replace(BASE, max_age=60.0)
    assert granted(aged, max_age=600.0)[0].max_age == 60.0
    assert granted(aged, max_age=6.0)[0].max_age == 6.0


def test_a_stricter_policy_may_be_named():
    assert granted(policy="strict") == (STRICT, [])


def test_a_looser_policy_is_ignored_unless_the_policy_lets_it():
    assert granted(policy="loose") == (BASE, ["policy"])
    assert granted(FREE, policy="loose") == (LOOSE, [])


def test_the_policy_that_holds_anyway_may_be_named():
    assert granted(policy="default") == (BASE, [])


def test_a_policy_nobody_configured_is_refused_with_those_there_are():
    with pytest.raises(InvalidRequest) as caught:
        granted(policy="stricter")
    assert caught.value.param == "x-reprise-policy"
    assert caught.value.message == "No policy is called 'stricter'; there are: default, loose, strict."


def test_a_threshold_is_held_against_the_policy_that_was_named():
    policy, ignored = granted(policy="strict", threshold=0.95)
    assert (policy, ignored) == (STRICT, ["threshold"])
    policy, ignored = granted(policy="strict", threshold=0.98)
    assert (policy.name, policy.similarity_threshold, ignored) == ("strict", 0.98, [])


def test_everything_that_was_not_granted_is_named():
    assert granted(policy="loose", threshold=0.1, ttl=1e6, max_age=5.0)[1] == ["policy", "threshold", "ttl"]


WISHES = st.builds(
    Controls,
    policy=st.none() | st.sampled_from(sorted(POLICIES)),
    threshold=st.none() | st.floats(0, 1),
    ttl=st.none() | st.floats(1, 1e6),
    max_age=st.none() | st.floats(0, 1e6),
)


@examples
@given(WISHES)
def test_no_wish_ever_loosens_a_policy_that_does_not_let_it(controls):
    policy, *_ = apply_controls(controls, POLICIES, BASE)
    assert policy.similarity_threshold >= BASE.similarity_threshold, "no lower threshold"
    assert policy.ttl <= BASE.ttl, "no longer life"
    assert policy.store_ttl is None or policy.store_ttl <= policy.ttl, "nor for what is stored"
    assert policy.min_quality >= BASE.min_quality, "no lower quality"


@examples
@given(WISHES)
def test_no_wish_ever_loosens_a_policy_whose_verifier_decides(controls):
    policy, *_ = apply_controls(controls, POLICIES, LEARNED)
    assert policy.similarity_threshold is None, "similarity alone never takes the verifier's place"
    assert (policy.max_error_rate, policy.audit_rate) == (LEARNED.max_error_rate, LEARNED.audit_rate), "the same budget"
    assert policy.min_similarity == (controls.threshold or 0.0), "a threshold stands beside it"


# What operators do not let callers ask for

ASKED = Controls(
    no_cache=True,
    no_store=True,
    only_if_cached=True,
    max_age=60.0,
    ttl=30.0,
    part="mine",
    policy="strict",
    threshold=0.99,
    session="s",
    project="p",
    client="c",
    tags=("t",),
    memory="off",
)
ALL = {"base": BASE, "strict": dataclasses.replace(BASE, name="strict", ttl=60.0)}


def test_headers_that_policy_does_not_hear_are_ignored_by_name():
    closed = dataclasses.replace(BASE, headers=frozenset())
    policy, controls, ignored = apply_controls(ASKED, ALL, closed)
    assert ignored == list(HEADERS), "each is named"
    assert (policy.name, policy.similarity_threshold) == (BASE.name, 0.9), "neither policy nor threshold changes"
    heard = (controls.session, controls.project, controls.client, controls.tags, controls.memory)
    assert heard == (None, "", None, (), ""), "as if they had not come"


def test_asking_for_less_reuse_is_heard_whatever_headers_are():
    closed = dataclasses.replace(BASE, headers=frozenset())
    policy, controls, _ = apply_controls(ASKED, ALL, closed)
    assert (controls.no_cache, controls.no_store, controls.only_if_cached) == (True, True, True), "Cache-Control"
    assert (policy.max_age, policy.store_ttl, controls.part) == (60.0, 30.0, "mine"), "ages and parts of a namespace"


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_listed_is_heard(name):
    open_ = dataclasses.replace(BASE, headers=frozenset({name}))
    _, controls, ignored = apply_controls(dataclasses.replace(ASKED, policy=BASE.name), ALL, open_)
    assert name not in ignored
    assert getattr(controls, name) is not getattr(Controls(), name)


def test_a_policy_named_by_the_caller_may_hear_less():
    deaf = dataclasses.replace(BASE, name="deaf", headers=frozenset({"tags"}))
    policy, controls, ignored = apply_controls(Controls(policy="deaf", project="p", tags=("t",)), {"deaf": deaf}, BASE)
    assert policy.name == "deaf"
    assert (controls.project, controls.tags, ignored) == ("", ("t",), ["project"]), "its own name is not told of"


def test_what_was_not_asked_for_is_not_ignored():
    closed = dataclasses.replace(BASE, headers=frozenset())
    assert apply_controls(Controls(no_cache=True), ALL, closed).ignored == []
