"""The comparison of sessions: known values, bounds that always hold, and how often an interval holds the truth."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.statistics.worth import LEAST, MEASURES, Conversation, newcombe, student, wilson, worth

SHARES = st.floats(0, 1)
COUNTS = st.floats(1, 1e6)


def talk(held_out=False, calls=2, prompt=100, completion=20, corrections=0, repeats=0):
    return Conversation(held_out, calls, calls, prompt * calls, completion * calls, corrections, repeats)


@st.composite
def conversations(draw):
    calls = draw(st.integers(0, 20))
    few = st.integers(0, calls)
    tokens = st.integers(0, 10**6)
    counted = draw(few)
    prompt, completion = (draw(tokens) if counted else 0 for _ in range(2))
    return Conversation(draw(st.booleans()), calls, counted, prompt, completion, draw(few), draw(few))


@given(st.lists(conversations(), max_size=60))
def test_whatever_was_logged_gives_figures_that_fit_each_other(made):
    found = worth(made)
    assert set(found["measures"]) == set(MEASURES), "every measure is told"
    sizes = [found["arms"][arm]["sessions"] for arm in ("with_memory", "held_out")]
    assert sum(sizes) == len(made), "nobody is lost"
    assert (found["note"] is None) == (min(sizes) >= LEAST), "too little is said"
    for name, row in found["measures"].items():
        assert all(value is None or math.isfinite(value) for value in row.values()), name
        if row["low"] is None:
            continue
        assert row["low"] - 1e-6 <= row["difference"] <= row["high"] + 1e-6, f"{name} lies in its interval"
        if MEASURES[name].share:
            assert -1.000001 <= row["low"] <= row["high"] <= 1.000001, f"{name} is a difference of shares"


@given(st.lists(conversations(), max_size=60))
def test_the_other_way_round_the_difference_turns_round(made):
    turned = [dataclasses.replace(one, held_out=not one.held_out) for one in made]
    for name, row in worth(made)["measures"].items():
        mirrored = worth(turned)["measures"][name]
        if row["low"] is not None:
            assert (row["low"], row["high"]) == pytest.approx((-mirrored["high"], -mirrored["low"]), abs=2e-6), name


@given(SHARES, COUNTS, SHARES, COUNTS)
def test_newcombe_holds_the_difference_and_stays_in_range(p, n, q, m):
    low, high = newcombe((p, n), (q, m))
    assert -1 - 1e-9 <= low <= p - q <= high <= 1 + 1e-9, "a difference of shares"


def test_known_values():
    # Newcombe (1998), table II: 56/70 - 48/80 and 9/10 - 3/10.
    assert newcombe((56 / 70, 70), (48 / 80, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5), "his first example"
    assert newcombe((9 / 10, 10), (3 / 10, 10)) == pytest.approx((0.1705, 0.8090), abs=5e-5), "and his second"
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5), "none of ten"
    for degrees, quantile in ((10, 2.228139), (19, 2.093024), (60, 2.000298), (1e9, 1.959964)):
        assert student(degrees) == pytest.approx(quantile, abs=1e-3), f"the table's, for {degrees}"


def test_a_block_of_fifty_tokens_is_found():
    random = np.random.default_rng(1)
    made = [talk(n % 2 == 0, prompt=int(400 + random.integers(0, 100)) + 50 * (n % 2)) for n in range(200)]
    row = worth(made)["measures"]["prompt_tokens_per_call"]
    assert row["low"] < 50 < row["high"], "what the block costs"
    assert row["low"] > 30, "and it is no chance"


def test_too_few_sessions_give_means_without_an_interval():
    found = worth([talk(), talk(True, corrections=1)])
    row = found["measures"]["corrections_per_call"]
    assert (row["with_memory"], row["held_out"], row["difference"]) == (0.0, 0.5, -0.5), "what was seen is told"
    assert (row["low"], row["high"]) == (None, None), "not what it would mean"
    assert "1 with memories and 1 held out" in found["note"], "in words"
    assert worth([])["measures"]["calls_per_session"]["difference"] is None, "of nothing, nothing"


def test_calls_of_one_session_count_less_than_calls_of_many():
    few = [talk(held, calls=10, corrections=10 * (n % 5 == 0)) for held in (True, False) for n in range(40)]
    many = [talk(held, calls=1, corrections=int(n % 5 == 0)) for held in (True, False) for n in range(400)]
    wide, narrow = (worth(made)["measures"]["corrections_per_call"] for made in (few, many))
    assert wide["with_memory"] == narrow["with_memory"] == 0.2, "the same share of as many calls"
    assert wide["high"] - wide["low"] > 2.5 * (narrow["high"] - narrow["low"]), "known less well"


def test_the_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(3)
    held = {"corrections_per_call": 0, "prompt_tokens_per_call": 0}
    for _ in range(200):
        made = []
        for number in range(100):
            calls = int(random.integers(1, 8))
            # Some people object more than others: their calls are alike.
            bent = random.beta(0.5, 4.5)
            tokens = int(random.lognormal(6, 0.5))
            made.append(talk(number % 2 == 0, calls, tokens, corrections=int(random.binomial(calls, bent))))
        rows = worth(made)["measures"]
        for name in held:
            held[name] += rows[name]["low"] <= 0 <= rows[name]["high"]
    for name, count in held.items():
        assert 0.91 <= count / 200 <= 0.99, f"there is no difference in {name}, and 95 % of the intervals say so"
