"""Policies: decay, and which of two policies a caller may choose freely."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.policy import BOTH, CALIBRATED, DEFAULT_CLASSES, EXACT, NONE, Decay, Policy, is_no_looser

SEMANTIC = frozenset({"semantic"})
TIERS = st.sampled_from([NONE, EXACT, SEMANTIC, BOTH])
SHARES = st.sampled_from([0.0, 0.5, 1.0])
POLICIES = st.builds(
    Policy,
    name=st.sampled_from(["a", "b"]),
    tiers=TIERS,
    similarity_threshold=st.none() | SHARES,
    min_quality=SHARES,
    ttl=st.sampled_from([60.0, 3600.0]),
    max_age=st.sampled_from([None, 60.0, 3600.0]),
    decay=st.builds(Decay, floor=SHARES, window=st.sampled_from([60.0, 3600.0])),
    max_temperature=st.sampled_from([0.0, 1.0]),
    store_tool_calls=st.sampled_from(["never", "exact", "semantic"]),
    allow_loosening=st.booleans(),
    classes=st.dictionaries(st.sampled_from(["creative", "volatile"]), TIERS),
)

STRICT = Policy(
    name="strict",
    tiers=NONE,
    similarity_threshold=None,
    min_quality=1.0,
    ttl=60.0,
    max_age=60.0,
    decay=Decay(floor=0.0, window=60.0),
    max_temperature=0.0,
    store_tool_calls="never",
    allow_loosening=False,
    classes=dict.fromkeys(DEFAULT_CLASSES, NONE),
)
LOOSENED = [
    ("tiers", EXACT),
    ("tiers", BOTH),
    ("similarity_threshold", 0.99),
    ("min_quality", 0.99),
    ("ttl", 61.0),
    ("max_age", 61.0),
    ("max_age", None),
    ("decay", Decay(floor=0.1, window=60.0)),
    ("decay", Decay(floor=0.0, window=61.0)),
    ("max_temperature", 0.1),
    ("store_tool_calls", "exact"),
    ("store_tool_calls", "semantic"),
    ("allow_loosening", True),
    ("classes", {**STRICT.classes, "secrets": EXACT}),
    ("classes", {name: NONE for name in DEFAULT_CLASSES if name != "secrets"}),
    ("classes", {}),
]


@pytest.mark.parametrize(("knob", "value"), LOOSENED)
def test_every_loosened_knob_alone_makes_a_policy_looser(knob, value):
    looser = dataclasses.replace(STRICT, **{knob: value})
    assert not is_no_looser(looser, STRICT)
    assert is_no_looser(STRICT, looser)


def test_every_knob_is_in_the_table_above():
    plain = {"name", "candidates", "max_candidates", "store_ttl"}
    assert {knob for knob, _ in LOOSENED} | plain == {field.name for field in dataclasses.fields(Policy)}


def test_a_lower_threshold_is_looser_and_none_is_the_strictest():
    thresholds = [None, 1.0, 0.9, 0.0]
    policies = [Policy(similarity_threshold=threshold) for threshold in thresholds]
    assert all(is_no_looser(strict, loose) for strict, loose in itertools.pairwise(policies))
    assert not any(is_no_looser(loose, strict) for strict, loose in itertools.pairwise(policies))


def test_a_class_left_out_is_an_open_class():
    open_, closed = Policy(classes={}), Policy(classes={"volatile": NONE})
    assert not is_no_looser(open_, closed)
    assert is_no_looser(closed, open_)
    assert is_no_looser(Policy(classes={"volatile": BOTH}), open_)


def test_stricter_in_one_knob_and_looser_in_another_is_looser():
    assert not is_no_looser(Policy(similarity_threshold=0.99, ttl=7200.0), Policy(similarity_threshold=0.9, ttl=3600.0))


def test_the_name_does_not_matter():
    assert is_no_looser(Policy(name="a"), Policy(name="b"))


@given(policy=POLICIES)
def test_no_policy_is_looser_than_itself(policy):
    assert is_no_looser(policy, policy)


@given(a=POLICIES, b=POLICIES, c=POLICIES)
def test_no_looser_is_transitive(a, b, c):
    if is_no_looser(a, b) and is_no_looser(b, c):
        assert is_no_looser(a, c)


@given(policy=POLICIES, data=st.data())
def test_a_chain_of_tightened_knobs_stays_no_looser(policy, data):
    tightened = dataclasses.replace(
        policy,
        tiers=policy.tiers & data.draw(TIERS),
        min_quality=max(policy.min_quality, data.draw(SHARES)),
        ttl=min(policy.ttl, data.draw(st.sampled_from([30.0, 60.0, 3600.0]))),
        decay=Decay(min(policy.decay.floor, data.draw(SHARES)), policy.decay.window / 2),
        classes={**policy.classes, "action": data.draw(TIERS)},
    )
    assert is_no_looser(tightened, policy)


@given(a=POLICIES, b=POLICIES)
def test_two_policies_that_are_no_looser_than_each_other_differ_in_nothing_that_counts(a, b):
    if is_no_looser(a, b) and is_no_looser(b, a):
        names = a.classes.keys() | b.classes.keys()
        assert all(a.classes.get(name, BOTH) == b.classes.get(name, BOTH) for name in names)
        assert dataclasses.replace(a, name="", classes={}) == dataclasses.replace(b, name="", classes={})


# ---- decay


@pytest.mark.parametrize(
    ("age", "factor"), [(-60.0, 1.0), (0.0, 1.0), (42 * 3600.0, 0.75), (84 * 3600.0, 0.5), (1e9, 0.5)]
)
def test_decay_falls_with_age_to_its_floor(age, factor):
    assert Decay().at(age) == pytest.approx(factor)


def test_without_a_floor_nothing_is_left_at_the_end_of_the_window():
    assert Decay(floor=0.0, window=100.0).at(100.0) == Decay(floor=0.0, window=100.0).at(1e9) == 0.0


@given(floor=st.floats(0, 1), window=st.floats(1, 1e9), ages=st.tuples(st.floats(-1e9, 1e12), st.floats(-1e9, 1e12)))
def test_decay_lies_between_floor_and_one_and_never_rises(floor, window, ages):
    younger, older = sorted(ages)
    decay = Decay(floor, window)
    assert floor <= decay.at(older) <= decay.at(younger) <= 1.0


def test_the_defaults_are_what_the_documentation_says():
    policy = Policy()
    assert policy.tiers == BOTH
    assert policy.similarity_threshold is None
    assert (policy.min_quality, policy.ttl, policy.max_age) == (0.70, 24 * 3600.0, None)
    assert (policy.decay.floor, policy.decay.window) == (0.5, 168 * 3600.0)
    assert policy.store_tool_calls == "exact"
    assert not policy.allow_loosening
    assert set(CALIBRATED) == {"all-MiniLM-L6-v2"}
