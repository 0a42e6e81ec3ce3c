"""From a log and its labels to a policy: what is proposed is proven, and what is not proven is not proposed."""

from __future__ import annotations

import dataclasses
import sys

import pytest
import yaml

from cache.budget import LabelError, clopper_pearson
from cache.decision import Hit, Miss, Reason
from cache.policy import Decay, Policy
from proxy.config import PolicySettings, load_settings
from proxy.rehearsal.curve import Pick, Point, labels_needed, point, samples
from proxy.rehearsal.proposal import proposal
from proxy.rehearsal.repeats import costly_classes, refused_for_quality, suggested_ttl
from proxy.rehearsal.run import Replayed
from proxy.rehearsal.writing import CannotWrite, as_yaml, plot, refuse_plot, write_new
from tests.fakes import NOW, FakeVerifier, entry
from tests.proxy.test_rehearsal import FRANCE, REWORDED, label, logged

HOUR = 3600.0


def labels(count, wrong, *, score=2.0, similarity=0.95, source="miss", propensity=1.0):
    """So many labels of one score (as log-odds) and similarity, so many of them wrong."""
    return [
        dataclasses.replace(
            label(f"{REWORDED} {score} {number}", FRANCE, number >= wrong, source=source, propensity=propensity),
            signals=(score, similarity),
            similarity=similarity,
        )
        for number in range(count)
    ]


# ---- repeats


def repeated(*hours, text=FRANCE, **changes):
    return [logged(text, NOW + hour * HOUR, number=number, **changes) for number, hour in enumerate(hours)]


def test_a_longer_lifetime_is_named_where_it_answers_more():
    calls = repeated(*range(0, 24 * 14, 20))
    now, better = suggested_ttl(calls, Policy(ttl=6 * HOUR, min_quality=0.0))
    assert (now.ttl, now.answered) == (6 * HOUR, 0)
    assert better.ttl == 168 * HOUR, "the longest that the log is long enough to tell of"
    assert better.answered >= 0.95 * better.best


def test_no_lifetime_is_named_at_whose_end_quality_has_decayed():
    calls = repeated(*range(0, 24 * 14, 20))
    _, better = suggested_ttl(calls, Policy(ttl=6 * HOUR))
    assert better.ttl == 24 * HOUR, "with the default decay a new answer stands below 0.70 after a day and a half"
    assert 0.9 * Decay().at(better.ttl) >= 0.70


def test_a_shorter_lifetime_is_named_only_by_a_log_that_is_long_enough():
    calls = [call for day in range(4) for call in repeated(*(day * 24 + minute / 60 for minute in range(20)))]
    _, better = suggested_ttl(calls, Policy(ttl=24 * HOUR))
    assert better.ttl == HOUR
    assert suggested_ttl(calls[:20], Policy(ttl=24 * HOUR)) is None


def test_without_repeats_no_lifetime_is_better():
    assert suggested_ttl([logged(FRANCE), logged(REWORDED, NOW + HOUR)], Policy()) is None
    assert suggested_ttl([], Policy()) is None


def test_classes_are_named_by_the_repeats_they_cost():
    volatile = repeated(0, 1, 2, text="What time is it now?", status="bypass", reason="volatile")
    once = [logged("Call my mother now", status="bypass", reason="action")]
    found = costly_classes([*repeated(0, 1), *volatile, *once], Policy())
    assert [(cost.name, cost.calls, cost.repeats) for cost in found] == [("volatile", 3, 2)]


def test_answers_refused_for_their_quality_are_counted():
    assert refused_for_quality([logged(FRANCE), logged(REWORDED, reason="low_quality")]) == 1


# ---- the curve


def test_so_many_labels_prove_a_budget_and_no_fewer():
    needed = labels_needed(0.01, LabelError())
    assert clopper_pearson(0, needed).upper <= 0.01 < clopper_pearson(0, needed - 1).upper
    assert labels_needed(0.01, LabelError(false_same=0.056)) > needed, "labels that hide wrong answers prove less"


def test_only_labels_drawn_at_random_are_a_sample():
    given = [*labels(3, 1), *labels(2, 2, score=1.0, source="feedback")]
    found = samples(given, FakeVerifier())
    assert len(found) == 3
    assert found.score.scores == pytest.approx([0.8808] * 3, abs=1e-4), "scores are the shipped mix's"
    assert list(found.score.wrong) == [True, False, False]
    assert len(samples(given, None)) == 0


def hits(semantic, exact=0, misses=0):
    served = entry()
    found = [Replayed(logged(FRANCE), Hit(served, "semantic", 0.95, Reason.SIMILAR), "default")] * semantic
    found += [Replayed(logged(FRANCE), Hit(served, "exact", 1.0, Reason.EXACT), "default")] * exact
    return found + [Replayed(logged(FRANCE), Miss(Reason.NO_ENTRY), "default")] * misses


def test_a_point_holds_what_is_served_and_what_labels_say_of_it():
    given = samples([*labels(60, 1, score=3.0), *labels(40, 30, score=-1.0, similarity=0.8)], FakeVerifier())
    found = point("score", 0.9, hits(3, 2, 5), given, 0.1, LabelError())
    assert (found.calls, found.hits, found.by_meaning) == (10, 5, 3)
    assert (found.labels, found.wrong, found.error) == (60, 1, pytest.approx(1 / 60))
    assert found.at_most == pytest.approx(clopper_pearson(1, 60).upper, abs=1e-6)
    assert found.proven
    rate, low, high = found.rates()
    assert low < rate == 0.5 < high
    loose = point("score", 0.1, hits(4), given, 0.1, LabelError())
    assert (loose.labels, loose.wrong, loose.proven) == (100, 31, False)


def test_a_threshold_admits_what_equals_it():
    given = samples(labels(50, 0, similarity=0.9), FakeVerifier())
    assert point("similarity", 0.9, [], given, 0.1, LabelError()).labels == 50
    assert point("similarity", 0.91, [], given, 0.1, LabelError()).error is None


def test_audited_hits_count_for_the_traffic_they_stand_for():
    given = [*labels(50, 10, source="audit", propensity=0.02), *labels(50, 0, score=1.0)]
    found = point("score", 0.5, [], samples(given, FakeVerifier()), 0.1, LabelError())
    assert found.error == pytest.approx(0.2 * 50 / 51, abs=0.01), "an audit of 1 in 50 stands for 50 hits"


# ---- the proposal


def at(kind, value, by_meaning, **changes):
    values = {"calls": 100, "hits": by_meaning + 10, "labels": 300, "wrong": 0, "error": 0.0, "at_most": 0.01}
    return Point(kind, value, by_meaning=by_meaning, proven=True, **values | changes)


def proposed(by_score=20, by_similarity=10, picks=("score", "similarity"), held_out=True, calls=()):
    curve = [at("score", 0.9, by_score), at("similarity", 0.9512, by_similarity), at("score", 0.5, 60)]
    values = {"score": 0.9, "similarity": 0.9512}
    return proposal(calls, Policy(), 0.01, curve, [Pick(kind, values[kind], held_out) for kind in picks])


def test_a_budget_is_proposed_where_labels_prove_a_cut():
    told = proposed()
    assert told["proposed"] == {"max_error_rate": 0.01}
    assert told["predicted"]["by_meaning"] == 20
    assert told["predicted"]["held_out"]
    assert "prove a score above 0.900 to be within 1.00%" in told["reasons"][0]
    assert "similarity_threshold of 0.951" in told["reasons"][1]


def test_a_threshold_is_proposed_only_where_it_serves_clearly_more():
    assert proposed(20, 21)["proposed"] == {"max_error_rate": 0.01}
    told = proposed(20, 30)
    assert told["proposed"] == {"similarity_threshold": 0.952}, "rounded towards the stricter side"
    assert told["predicted"]["by_meaning"] == 30
    assert proposed(picks=("similarity",))["proposed"] == {"similarity_threshold": 0.952}


def test_without_proof_nothing_is_proposed():
    told = proposed(picks=())
    assert (told["proposed"], told["predicted"]) == (None, None)


def test_what_is_not_held_out_is_said_to_be_so():
    told = proposed(held_out=False)
    assert not told["predicted"]["held_out"]
    assert "all of them together" in told["reasons"][0]


def test_a_lifetime_comes_with_the_proposal_and_its_reason():
    told = proposed(calls=repeated(*range(0, 200, 25)), picks=("score",))
    assert told["proposed"] == {"max_error_rate": 0.01}, "a day is as long as quality lasts"
    told = proposal(
        repeated(*range(0, 200, 5)), Policy(ttl=HOUR), 0.01, [at("score", 0.9, 9)], [Pick("score", 0.9, True)]
    )
    assert told["proposed"] == {"max_error_rate": 0.01, "ttl": "24h"}
    assert any(reason.startswith("ttl 24h: ") for reason in told["reasons"])


def test_classes_and_quality_are_told_where_they_cost_something():
    calls = repeated(0, 1, 2, text="What time is it now?", status="bypass", reason="volatile")
    told = proposed(calls=[*calls, logged(FRANCE, reason="low_quality")])
    assert any("Class volatile keeps 3 calls" in reason for reason in told["reasons"])
    assert any("min_quality 0.70 refused the stored answer of 1 calls" in reason for reason in told["reasons"])


# ---- files


TOLD = {
    **proposed(),
    "policy": "default",
    "max_error": 0.01,
    "calls": 100,
    "labels": {"all": 300},
    "held_out": {"calls": 40, "labels": 120},
    "curve": [
        {
            "kind": kind,
            "value": value,
            "hit_rate": rate,
            "error": error,
            "at_most": None if error is None else error * 2,
        }
        for kind, value, rate, error in [
            ("score", 0.9, 0.3, 0.01),
            ("score", 0.8, 0.4, 0.03),
            ("score", 0.97, 0.1, None),
            ("similarity", 0.95, 0.2, 0.02),
        ]
    ],
}


@pytest.mark.parametrize(
    ("present", "changes"),
    [
        (PolicySettings(), {"max_error_rate": 0.02, "ttl": "12h"}),
        (PolicySettings(similarity_threshold=0.97, min_quality=0.8), {"max_error_rate": 0.02}),
        (PolicySettings(max_error_rate=0.2, classes={"volatile": ["exact"]}), {"similarity_threshold": 0.95}),
    ],
)
def test_the_file_is_a_configuration_that_checks(tmp_path, present, changes):
    path = tmp_path / "tuned.yaml"
    write_new(path, as_yaml({**TOLD, "proposed": changes}, present))
    text = path.read_text("utf-8")
    assert text.startswith("# Proposed on ")
    assert "# The labels of the first part" in text
    assert set(yaml.safe_load(text)) == {"cache"}
    found = load_settings(path, {}).cache.policies["default"]
    expected = dict(changes)
    assert (found.min_quality, found.store_tool_calls) == (present.min_quality, present.store_tool_calls)
    assert present.classes.items() <= found.classes.items()
    if "max_error_rate" in expected:
        assert (found.max_error_rate, found.similarity_threshold) == (0.02, None)
    else:
        assert found.similarity_threshold == 0.95
    assert found.ttl == (12 * HOUR if "ttl" in expected else present.ttl)


def test_what_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("server: {}\n")
    with pytest.raises(CannotWrite, match="exists"):
        write_new(path, "cache: {}\n")
    assert path.read_text() == "server: {}\n"
    with pytest.raises(CannotWrite, match="cannot be written"):
        write_new(tmp_path / "no" / "folder.yaml", "")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_curve_is_drawn(tmp_path, suffix):
    path = tmp_path / f"curve{suffix}"
    refuse_plot(path)
    plot(TOLD, path)
    begins = {".png": b"\x89PNG", ".svg": b"<?xml"}[suffix]
    assert path.read_bytes().startswith(begins)


def test_another_kind_of_picture_is_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"must end in \.png or \.svg"):
        refuse_plot(tmp_path / "curve.pdf")


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CannotWrite, match=r"reprise-llm\[plot\]"):
        refuse_plot(tmp_path / "curve.png")


def test_a_file_that_would_not_check_is_not_made():
    with pytest.raises(ValueError, match="max_error_rate"):
        as_yaml({**TOLD, "proposed": {"max_error_rate": 7}}, PolicySettings())
