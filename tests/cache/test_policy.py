"""Policies: decay, and which of two policies a caller may choose freely."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.policy import BOTH, DEFAULT_CLASSES, EXACT, NONE, Decay, Policy, is_no_looser

SEMANTIC = frozenset({"semantic"})
TIERS = st.sampled_from([NONE, EXACT, SEMANTIC, BOTH])
SHARES = st.sampled_from([0.0, 0.5, 1.0])
SHAPES = st.sampled_from(["linear", "exponential", "step"])
POLICIES = st.builds(
    Policy,
    name=st.sampled_from(["a", "b"]),
    tiers=TIERS,
    similarity_threshold=st.none() | SHARES,
    max_error_rate=st.sampled_from([0.01, 0.05]),
    audit_rate=st.sampled_from([0.02, 0.1]),
    shadow=st.booleans(),
    deletion_gain=st.sampled_from([None, 0.08, 0.5]),
    min_quality=SHARES,
    ttl=st.sampled_from([60.0, 3600.0]),
    max_age=st.sampled_from([None, 60.0, 3600.0]),
    serve_stale_for=st.sampled_from([0.0, 60.0]),
    negative_ttl=st.sampled_from([0.0, 5.0]),
    max_entries=st.sampled_from([None, 10, 20]),
    max_bytes=st.sampled_from([None, 10, 20]),
    guards_off=st.sampled_from([frozenset(), frozenset({"modal"}), frozenset({"modal", "names"})]),
    serve_streams=st.booleans(),
    store_streams=st.booleans(),
    headers=st.sampled_from([None, frozenset(), frozenset({"tags"})]),
    match_history=st.sampled_from(["equal", "meaning"]),
    decay=st.builds(Decay, floor=SHARES, window=st.sampled_from([60.0, 3600.0]), shape=SHAPES),
    max_temperature=st.sampled_from([0.0, 1.0]),
    store_tool_calls=st.sampled_from(["never", "exact", "semantic"]),
    allow_loosening=st.booleans(),
    classes=st.dictionaries(st.sampled_from(["creative", "volatile"]), TIERS),
)

STRICT = Policy(
    name="strict",
    tiers=NONE,
    max_error_rate=0.01,
    audit_rate=0.5,
    deletion_gain=0.08,
    min_quality=1.0,
    ttl=60.0,
    max_age=60.0,
    max_entries=10,
    max_bytes=10,
    serve_streams=False,
    store_streams=False,
    headers=frozenset(),
    decay=Decay(floor=0.0, window=60.0),
    max_temperature=0.0,
    store_tool_calls="never",
    allow_loosening=False,
    memory="off",
    classes=dict.fromkeys(DEFAULT_CLASSES, NONE),
)
FIXED = dataclasses.replace(STRICT, similarity_threshold=1.0)
SHADOW = dataclasses.replace(STRICT, shadow=True)
LOOSENED = [
    (STRICT, "tiers", EXACT),
    (STRICT, "tiers", BOTH),
    (STRICT, "max_error_rate", 0.011),
    (STRICT, "audit_rate", 0.49),
    (SHADOW, "shadow", False),
    (FIXED, "similarity_threshold", 0.99),
    (STRICT, "deletion_gain", 0.09),
    (STRICT, "deletion_gain", None),
    (STRICT, "min_quality", 0.99),
    (STRICT, "ttl", 61.0),
    (STRICT, "max_age", 61.0),
    (STRICT, "max_age", None),
    (STRICT, "decay", Decay(floor=0.1, window=60.0)),
    (STRICT, "decay", Decay(floor=0.0, window=61.0)),
    (STRICT, "decay", Decay(floor=0.0, window=60.0, shape="exponential")),
    (STRICT, "decay", Decay(floor=0.0, window=60.0, shape="step")),
    (STRICT, "serve_stale_for", 1.0),
    (STRICT, "negative_ttl", 1.0),
    (STRICT, "max_entries", 11),
    (STRICT, "max_entries", None),
    (STRICT, "max_bytes", 11),
    (STRICT, "max_bytes", None),
    (STRICT, "guards_off", frozenset({"modal"})),
    (STRICT, "serve_streams", True),
    (STRICT, "store_streams", True),
    (STRICT, "headers", frozenset({"tags"})),
    (STRICT, "headers", None),
    (STRICT, "match_history", "meaning"),
    (STRICT, "memory", "read"),
    (STRICT, "memory", "full"),
    (STRICT, "max_temperature", 0.1),
    (STRICT, "store_tool_calls", "exact"),
    (STRICT, "store_tool_calls", "semantic"),
    (STRICT, "allow_loosening", True),
    (STRICT, "classes", {**STRICT.classes, "secrets": EXACT}),
    (STRICT, "classes", {name: NONE for name in DEFAULT_CLASSES if name != "secrets"}),
    (STRICT, "classes", {}),
]


@pytest.mark.parametrize(("strict", "knob", "value"), LOOSENED)
def test_every_loosened_knob_alone_makes_a_policy_looser(strict, knob, value):
    looser = dataclasses.replace(strict, **{knob: value})
    assert not is_no_looser(looser, strict), f"{knob}={value} gives more"
    assert is_no_looser(strict, looser), "what it was before gives less"


def test_every_knob_is_in_the_table_above():
    # How hard the cache looks, and what a call sets for itself.
    plain = {"name", "candidates", "max_candidates", "verified", "store_ttl", "min_similarity"}
    fields = {field.name for field in dataclasses.fields(Policy)}
    assert {knob for _, knob, _ in LOOSENED} | plain == fields, "a new knob loosens or does not"


def test_a_lower_threshold_is_looser():
    policies = [Policy(similarity_threshold=threshold) for threshold in (1.0, 0.9, 0.0)]
    for strict, loose in itertools.pairwise(policies):
        assert is_no_looser(strict, loose), "a higher threshold serves no more"
        assert not is_no_looser(loose, strict), "a lower one may serve more"


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("budget", [0.0, 0.5])
def test_a_fixed_threshold_and_a_budget_cannot_be_compared(threshold, budget):
    fixed, learned = Policy(similarity_threshold=threshold), Policy(max_error_rate=budget)
    assert not is_no_looser(fixed, learned), "similarity says nothing about the verifier's score"
    assert not is_no_looser(learned, fixed), "nor the score about similarity"


def test_a_smaller_budget_and_more_audits_are_no_looser():
    base = Policy(max_error_rate=0.02, audit_rate=0.05)
    assert is_no_looser(Policy(max_error_rate=0.01, audit_rate=0.05), base), "fewer errors"
    assert is_no_looser(Policy(max_error_rate=0.02, audit_rate=0.1), base), "more audits"
    assert not is_no_looser(Policy(max_error_rate=0.01, audit_rate=0.01), base), "fewer audits serve more"
    assert not is_no_looser(Policy(max_error_rate=0.03, audit_rate=0.1), base), "more errors serve more"


def test_budget_and_audits_do_not_count_beside_a_fixed_threshold():
    one = Policy(similarity_threshold=0.9, max_error_rate=0.5, audit_rate=0.0)
    assert is_no_looser(one, Policy(similarity_threshold=0.9)), "they are not in force"


@pytest.mark.parametrize("base", [Policy(), Policy(similarity_threshold=1.0), Policy(max_error_rate=0.0)])
def test_shadow_mode_serves_nothing_by_meaning_and_may_always_be_chosen(base):
    shadow = Policy(similarity_threshold=0.0, shadow=True)
    assert is_no_looser(shadow, base), "its threshold is not in force"
    assert not is_no_looser(base, shadow), "what serves by meaning gives more"
    assert is_no_looser(shadow, dataclasses.replace(base, shadow=True)), "two in shadow mode serve alike"


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
        max_error_rate=policy.max_error_rate / 2,
        audit_rate=max(policy.audit_rate, data.draw(SHARES)),
        shadow=policy.shadow or data.draw(st.booleans()),
        min_quality=max(policy.min_quality, data.draw(SHARES)),
        guards_off=frozenset(),
        serve_streams=policy.serve_streams and data.draw(st.booleans()),
        headers=policy.headers and frozenset(),
        ttl=min(policy.ttl, data.draw(st.sampled_from([30.0, 60.0, 3600.0]))),
        decay=Decay(min(policy.decay.floor, data.draw(SHARES)), policy.decay.window / 2, policy.decay.shape),
        classes={**policy.classes, "action": data.draw(TIERS)},
    )
    assert is_no_looser(tightened, policy)


@given(a=POLICIES, b=POLICIES)
def test_two_policies_that_are_no_looser_than_each_other_differ_in_nothing_that_counts(a, b):
    if is_no_looser(a, b) and is_no_looser(b, a):
        names = a.classes.keys() | b.classes.keys()
        assert all(a.classes.get(name, BOTH) == b.classes.get(name, BOTH) for name in names), "classes are equal"
        assert in_force(a) == in_force(b), "so is all else that is in force"


def in_force(policy):
    """A policy without its name and classes, and without what something else keeps from having an effect."""
    idle = {"name": "", "classes": {}}
    if policy.shadow:
        idle["similarity_threshold"] = None
    if policy.shadow or policy.similarity_threshold is not None:
        idle |= {"max_error_rate": 0.0, "audit_rate": 0.0}
    if policy.min_quality == 0.0 or policy.decay.at(policy.ttl + policy.serve_stale_for) == 1.0:
        # No age takes an answer below the floor.
        idle["decay"] = Decay()
    return dataclasses.replace(policy, **idle)


# ---- decay


@pytest.mark.parametrize(
    ("age", "factor"), [(-60.0, 1.0), (0.0, 1.0), (42 * 3600.0, 0.75), (84 * 3600.0, 0.5), (1e9, 0.5)]
)
def test_decay_falls_with_age_to_its_floor(age, factor):
    assert Decay().at(age) == pytest.approx(factor)


def test_without_a_floor_nothing_is_left_at_the_end_of_the_window():
    assert Decay(floor=0.0, window=100.0).at(100.0) == Decay(floor=0.0, window=100.0).at(1e9) == 0.0


@pytest.mark.parametrize(("shape", "half", "window", "twice"), [("linear", 0.5, 0.0, 0.0), ("step", 1.0, 0.0, 0.0)])
def test_what_each_shape_leaves_at_half_the_window_at_the_window_and_at_twice_it(shape, half, window, twice):
    decay = Decay(floor=0.0, window=100.0, shape=shape)
    assert (decay.at(50.0), decay.at(100.0), decay.at(200.0)) == (half, window, twice)


def test_a_window_is_the_half_life_of_exponential_decay():
    decay = Decay(floor=0.1, window=100.0, shape="exponential")
    assert (decay.at(0.0), decay.at(100.0), decay.at(200.0)) == (1.0, 0.5, 0.25)
    assert decay.at(1e12) == 0.1, "the floor"


def test_a_step_comes_with_the_window_itself():
    decay = Decay(floor=0.3, window=100.0, shape="step")
    assert (decay.at(99.999), decay.at(100.0)) == (1.0, 0.3)


@given(
    floor=st.floats(0, 1),
    window=st.floats(1, 1e9),
    shape=SHAPES,
    ages=st.tuples(st.floats(-1e9, 1e12), st.floats(-1e9, 1e12)),
)
def test_decay_lies_between_floor_and_one_and_never_rises(floor, window, shape, ages):
    younger, older = sorted(ages)
    decay = Decay(floor, window, shape)
    assert floor <= decay.at(older) <= decay.at(younger) <= 1.0


@given(a=POLICIES, b=POLICIES, quality=st.floats(0, 1), age=st.floats(0, 3700))
def test_no_answer_has_the_quality_for_a_policy_but_not_for_a_looser_one(a, b, quality, age):
    if is_no_looser(a, b) and age < a.ttl + a.serve_stale_for and quality * a.decay.at(age) >= a.min_quality:
        assert quality * b.decay.at(age) >= b.min_quality - 1e-12, "whatever their shapes"


def test_a_higher_floor_makes_up_for_slower_decay():
    strict = Policy(min_quality=0.9, ttl=3600.0, decay=Decay(shape="step"))
    assert is_no_looser(strict, Policy(min_quality=0.7)), "0.9 undecayed is above 0.7 decayed for an hour"
    assert not is_no_looser(strict, Policy(min_quality=0.899)), "but not above 0.899"


def test_the_defaults_are_what_the_documentation_says():
    policy = Policy()
    assert policy.tiers == BOTH
    assert policy.similarity_threshold is None
    assert (policy.max_error_rate, policy.audit_rate, policy.shadow) == (0.01, 0.02, False), "one hit in a hundred"
    assert (policy.verified, policy.min_similarity) == (2, 0.0), "the best two are asked about"
    assert (policy.min_quality, policy.ttl, policy.max_age) == (0.70, 24 * 3600.0, None)
    assert (policy.decay.floor, policy.decay.window) == (0.5, 168 * 3600.0)
    assert policy.store_tool_calls == "exact"
    assert not policy.allow_loosening, "a caller may ask for less only"
