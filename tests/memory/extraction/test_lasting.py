"""Sentences that are weighed besides the rules, with the embedder that the weights fit."""

from __future__ import annotations

import pytest

from memory.extraction import extract, fresh
from memory.extraction.lasting import FLOOR, RULE, weights
from store.embedder import EmbedderError, EmbedderSpec, load_embedder
from tests.memory.extraction.support import record


@pytest.fixture(scope="module")
def embedder(model_cache):
    return load_embedder(EmbedderSpec(), model_cache)


class Failing:
    """An embedder of the right kind that is down."""

    id = "all-minilm-l6-v2-int8-x"

    def embed(self, texts):
        raise EmbedderError("down")


class Foreign(Failing):
    """An embedder whose vectors the weights were not made for."""

    id = "another-model"


def found(prompt, embedder=None):
    return extract(fresh(record(prompt)), lambda: embedder)


LASTING = [
    "btw all of our servers are in Frankfurt and nothing may leave the EU. how do i list open ports?",
    "we are a team of four and deploy from Lyon every Thursday. how do i pin a version?",
    "my daughter has a peanut allergy, so keep that in mind. what could i bake on sunday?",
    "nous travaillons uniquement avec des logiciels libres. comment lire un fichier parquet ?",
]
PASSING = [
    "what is the difference between a list and a tuple?",
    "can you make it a bit shorter?",
    "the build failed again just now, here is the output",
    "translate this for me please",
    "peux-tu corriger cette phrase ?",
]


@pytest.mark.parametrize("prompt", LASTING)
def test_what_lasts_is_found(embedder, prompt):
    candidates = found(prompt, embedder)
    assert candidates, "somebody would want to know it next time"
    spans = [prompt[candidate.start : candidate.end] for candidate in candidates]
    assert all("?" not in span for span in spans), "the question beside it is none"


@pytest.mark.parametrize("prompt", PASSING)
def test_what_passes_is_not(embedder, prompt):
    assert found(prompt, embedder) == [], "nobody would want to know it next time"


@pytest.mark.parametrize("broken", [None, Failing(), Foreign()])
def test_without_vectors_that_fit_the_rules_stand_alone(broken):
    prompt = "I prefer tabs over spaces. " + LASTING[0]
    assert [candidate.rule for candidate in found(prompt, broken)] == [candidate.rule for candidate in found(prompt)], (
        "the rules' findings, as they are"
    )


def test_the_floor_is_not_weighed_away(embedder):
    for prompt in ("I prefer tea.", "I decided to wait.", "## Decision: keep the old name"):
        rules = {candidate.rule for candidate in found(prompt, embedder)}
        assert rules <= FLOOR, f"a rule of the floor, and nothing twice: {rules}"
        assert rules == {candidate.rule for candidate in found(prompt)}, "as without the weights"


def test_a_sentence_is_found_once(embedder):
    for prompt in LASTING:
        places = [(candidate.start, candidate.end) for candidate in found(prompt, embedder)]
        assert len(places) == len(set(places)), "one finding for each place"


def test_weights_fit_the_features(embedder):
    held = weights()
    assert held.by_type.shape == (len(held.types), len(held.keep)), "one row for each type"
    assert 0.0 < held.veto < held.cut < 1.0, "a veto is no candidate"
    assert RULE not in FLOOR, "what is weighed is no floor"
