"""A stream of ten requests, counted by hand, through the real cache and in memory."""

from __future__ import annotations

import pytest

from benchmarks.decisions.data import Request
from benchmarks.decisions.product import fixed_cut, fixed_threshold
from benchmarks.decisions.scorers import Scorer
from benchmarks.decisions.streams import SELECTIONS, replay, select
from benchmarks.decisions.sweep import best, near_before, ruled, static
from benchmarks.decisions.tally import ceiling
from cache.verifier import load_verifier
from tests.benchmarks.conftest import ALARM, CEILING, FIVE, OPEN, OPEN_OTHER, OPEN_TOO, SEVEN

TEN = [
    Request("1", OPEN, "open", "bank", "faq"),  # miss
    Request("2", OPEN_TOO, "open", "bank", "faq"),  # served 1 by meaning: right
    Request("3", OPEN, "open", "bank", "faq"),  # served 1 word for word: right
    Request("4", FIVE, "5", "sums", "faq"),  # miss
    Request("5", SEVEN, "7", "sums", "faq"),  # a guard vetoes 4: miss
    Request("6", ALARM, "alarm", "home", "action"),  # bypassed
    Request("7", ALARM, "alarm", "home", "action"),  # bypassed again
    Request("8", OPEN_OTHER, "other", "bank", "faq"),  # served 1 by meaning: wrong
    Request("9", OPEN, "open", "bank", "personal"),  # served 1 word for word: wrong, nobody else's answer will do
    Request("10", CEILING, "art", "trivia", "faq"),  # miss
]
COSINE = Scorer("cosine + guards", load_verifier("cosine"), guarded=True)
CUT = 0.8
"""Of the cosine verifier's score: cosine 0.919."""


def counts(tally):
    """Exact and semantic hits, the wrong ones of each, bypasses."""
    return tally.exact, tally.semantic, tally.wrong_exact, tally.wrong_semantic, tally.bypassed


@pytest.mark.parametrize("rules", [fixed_threshold(0.93), fixed_cut(COSINE.verifier, CUT)])
def test_the_real_cache_is_counted_as_by_hand(embedder, rules):
    found = replay(TEN, embedder, rules, "cosine + guards", "by hand")

    assert counts(found.tally) == (2, 2, 1, 1, 2), "two hits of each tier, one of each wrong, two bypasses"
    assert found.tally.requests == 10, "every request counts"
    assert found.tally.hit_rate == 0.4, "four hits in ten requests"
    assert found.tally.wrong_per_hit == 0.5, "two of four hits are wrong"
    assert found.tally.wrong_per_request == 0.2, "that is two of ten requests"
    assert found.tally.wrong_per_semantic_hit == 0.5, "one of two hits by meaning is wrong"
    assert found.tally.forbidden == 1, "one hit was on a personal row"
    assert found.tally.exact_share == 0.5, "half of the hits are exact"
    assert [(hit.new, hit.stored, hit.wrong) for hit in found.served] == [
        (OPEN_TOO, OPEN, False),
        (OPEN_OTHER, OPEN, True),
    ], "the hits by meaning are kept for reading"
    assert found.shares["action"].bypassed == 2, "and counted by share"


def test_the_replay_in_memory_decides_as_the_real_cache(embedder):
    ahead = near_before(TEN, embedder)

    loose, strict = ruled(TEN, ahead, COSINE, embedder, [CUT, 1.0])

    assert counts(loose.tally) == (2, 2, 1, 1, 2), "as the real cache does at this cut"
    assert counts(strict.tally) == (2, 0, 1, 0, 2), "above a cut of 1 only exact repeats are served"


def test_a_static_threshold_knows_neither_classes_nor_guards(embedder):
    ahead = near_before(TEN, embedder)

    loose, middle, exact = static(TEN, ahead, [0.94, 0.96, 1.01])

    assert counts(loose.tally) == (3, 3, 2, 2, 0), "it serves the alarm again, and 5 for 7 miles"
    assert counts(middle.tally) == (3, 2, 2, 1, 0), "0.96 is as near as 0.96, 0.95 is not"
    assert counts(exact.tally) == (3, 0, 2, 0, 0), "exact repeats are served at any threshold"
    assert best([loose, middle, exact], 0.7) is loose, "all are within 7 of 10 hits wrong: most hits win"
    assert best([loose, middle, exact], 0.6) is middle, "only the middle one is within 6 of 10"
    assert best([loose, middle, exact], 0.1) is None, "none is within a tenth of hits wrong"


def test_the_ceiling_is_what_a_perfect_cache_could_serve():
    assert ceiling(TEN) == 0.2, "requests 2 and 3: not the action, not the personal row"
    assert ceiling([]) == 0.0, "nothing can be served of nothing"


def test_only_the_first_rows_of_a_stream_are_taken_and_param_is_left_out():
    clinc = next(one for one in SELECTIONS if one.stream == "stream_clinc150")
    mixed = next(one for one in SELECTIONS if one.stream == "replay_mixed")
    rows = [Request(str(n), "text", "a", "clinc150", "param" if n < 3 else "faq") for n in range(10)]
    streams = {"stream_clinc150": rows, "replay_mixed": rows}

    assert [row.id for row in select(clinc, streams, 2)] == ["3", "4"], "the first two that count"
    assert len(select(clinc, streams, None)) == 7, "all that count"
    assert len(select(mixed, streams, 2)) == 10, "the mixed replay is always whole"
    assert select(clinc, {}, 2) == [], "a stream that is not there has no rows"
