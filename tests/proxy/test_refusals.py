"""What an upstream says of a call it refuses."""

from __future__ import annotations

import json

import pytest

from proxy.refusals import MOST, refusal_in


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "Rate limit reached", "type": "x"}}, "Rate limit reached"),
        ({"error": "model not found"}, "model not found"),
        ({"message": "bad request"}, "bad request"),
        ({"detail": "Not authenticated"}, "Not authenticated"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        ({"error": {"code": 1}}, None),
        ({"error": {"message": "Incorrect API key provided: sk-abc***9f."}}, "Incorrect API key provided: <key>."),
        ({"error": {"message": "half \ud800 a pair"}}, "half ? a pair"),
        ({}, None),
        (3, None),
    ],
)
def test_the_message_is_found_in_the_usual_shapes(body, said):
    assert refusal_in(json.dumps(body).encode()) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"no healthy upstream", "no healthy upstream"), (b"<html>Bad gateway</html>", None), (b"", None)],
)
def test_text_that_is_no_json_speaks_for_itself_and_pages_do_not(body, said):
    assert refusal_in(body) == said


def test_a_long_body_is_cut():
    assert len(refusal_in(b"x" * 10_000_000) or "") == MOST
