"""Which turns a model is asked about at all."""

from __future__ import annotations

import pytest

from memory.extraction import fresh
from memory.extraction.prefilter import may_hold


def look(prompt, response=""):
    return may_hold(fresh({"prompt": prompt, "response": response}))


@pytest.mark.parametrize(
    ("prompt", "response"),
    [
        ("I prefer short answers.", ""),
        ("The build has to run on Alpine. How do I start?", ""),
        ("Explain closures to me, I never use classes.", ""),
        ("Je préfère des réponses courtes.", ""),
        ("What did we say?", "## Decision: the launch is in May"),
    ],
)
def test_statements_are_read(prompt, response):
    assert look(prompt, response), "something may be worth keeping"


@pytest.mark.parametrize(
    "prompt",
    [
        "What is the capital of France?",
        "Thanks a lot!",
        "Write a haiku about rain in autumn.",
        "Traduis ce texte en anglais pour demain.",
        "```\nif we always decide then must = never\n```",
        "",
    ],
)
def test_questions_and_requests_spare_the_model(prompt):
    assert not look(prompt, "Here it is."), "there is nothing to be kept"
