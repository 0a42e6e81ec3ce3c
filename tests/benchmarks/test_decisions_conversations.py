"""Conversations through the real cache: other histories miss, equal ones hit, and each pair stands alone."""

from __future__ import annotations

from benchmarks.decisions.conversations import ask_pairs, drive_traffic
from benchmarks.decisions.data import Conversation, ConversationPair
from benchmarks.decisions.product import fixed_threshold
from tests.benchmarks.conftest import CEILING, OPEN, OPEN_OTHER, OPEN_TOO, turns

RULES = fixed_threshold(0.93)


def pair(id, a, b, same):
    return ConversationPair(id, "convpairs_own", a, b, same, "own", "any")


def test_an_answer_serves_only_under_an_equal_history(embedder):
    rome, paris = turns("I live in Rome.", "Nice.", OPEN), turns("I live in Paris.", "Nice.", OPEN)
    rows = [
        pair("other", rome, paris, same=False),
        pair("dropped", rome, turns(OPEN), same=False),
        pair("reworded", rome, turns("I live in Rome.", "Nice.", OPEN_TOO), same=True),
        pair("verbatim", rome, rome, same=True),
        pair("apart", turns(CEILING), turns("I live in Rome.", "Nice.", OPEN), same=False),
    ]

    found = ask_pairs(rows, embedder, RULES)

    assert found == {
        "other": "miss",
        "dropped": "miss",
        "reworded": "semantic",
        "verbatim": "exact",
        "apart": "miss",
    }, "only the last turn may differ, and no pair sees what another one stored"


def test_traffic_counts_hits_by_turn_and_lists_those_by_meaning(embedder):
    talks = [
        Conversation("one", "conv_own", turns(OPEN, "In an hour.", CEILING, "Nobody."), (OPEN_TOO, CEILING)),
        Conversation("two", "conv_own", turns(OPEN, "Never.", CEILING, "Somebody.")),
        Conversation("three", "conv_own", turns(OPEN_OTHER)),
    ]

    found = drive_traffic(talks, embedder, RULES)

    counted = {key[1:]: count for key, count in found.outcomes.items()}
    assert counted == {
        ("recorded", "first turn", "miss"): 1,
        ("recorded", "first turn", "exact"): 1,
        ("recorded", "first turn", "semantic"): 1,
        ("recorded", "later turns", "miss"): 1,
        ("recorded", "later turns", "exact"): 1,
        ("reworded", "first turn", "semantic"): 1,
        ("reworded", "later turns", "miss"): 1,
    }, "the second talk follows the first, as its caller gets the first one's answers"
    assert found.exact_elsewhere == 2, "both its hits are on the first talk's answers"
    assert [(hit.new, hit.stored, hit.same_turn) for hit in found.semantic] == [
        (OPEN_OTHER, OPEN, False),
        (OPEN_TOO, OPEN, True),
    ], "a hit on the same turn in other words is told from one to be read"
