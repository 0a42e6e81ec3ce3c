"""How two memories stand to each other by their words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.hygiene.contradictions import relate

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "contradictions.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize(
    ("first", "second", "by"),
    [
        ("The parcel locker has 12 boxes", "the parcel locker has 16 boxes", "number"),
        ("Tickets stay open for two weeks", "Tickets stay open for 30 days", "number"),
        ("The choir rehearses on Mondays", "The choir rehearses on Fridays", "date"),
        ("The audit is planned for 3 June", "The audit is planned for June 10", "date"),
        ("The gate opens at 7:30", "The gate opens at 8 am", "date"),
        ("The wiki is hosted in Dublin", "The wiki is hosted in Oslo", "value"),
        ("My cat is called Nell", "My cat is called Ruby", "value"),
        ("Tilda is the contact for shipping", "The contact for shipping is Bruno", "value"),
        ("Alerts are enabled at night", "Alerts are disabled at night", "polarity"),
        ("Alerts are switched on at night", "Alerts are switched off at night", "polarity"),
        ("I eat fish", "I don't eat fish", "polarity"),
        ("We always squash commits", "We never squash commits", "polarity"),
        ("I prefer trains over planes", "I prefer planes over trains", "order"),
        ("Le chat mange deux fois par jour", "Le chat mange trois fois par jour", "number"),
        ("Je bois du café", "Je ne bois pas de café", "polarity"),
        ("La facture est mensuelle", "La facture est annuelle", "date"),
    ],
)
def test_one_subject_told_in_two_ways(first, second, by):
    found = relate(first, second)
    assert (found.kind, found.by) == ("contradiction", by), "both cannot hold"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The parcel locker has 12 boxes", "The key cabinet has 16 hooks"),
        ("The parcel locker has 12 boxes", "The parcel locker was moved in 2025"),
        ("The gate opens at 7:30", "The gate is painted green"),
        ("Alerts are enabled in staging", "Alerts are disabled in production"),
        ("I like trains", "I like planes"),
        ("We visited 3 schools", "We visited 5 schools"),
        ("Release 3 needs Python 3.10", "Release 4 needs Python 3.12"),
        ("The backup takes 40 minutes", "The backup runs every 30 minutes"),
        ("I do not drink milk", "I drink oat milk"),
    ],
)
def test_two_things_may_both_hold(first, second):
    assert relate(first, second).kind not in ("contradiction", "same"), "another subject, measure, time or place"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The parcel locker has 12 boxes", "the parcel locker has twelve boxes"),
        ("Tickets stay open for two weeks", "Tickets stay open for 14 days"),
        ("The audit is planned for 3 June", "Audit planned for June 3"),
        ("Never push to main", "Do not push to main"),
        ("I prefer trains", "The user prefers trains"),
    ],
)
def test_two_wordings_of_one_thing(first, second):
    assert relate(first, second).kind == "same", "nothing is missing on either side"


def test_saying_more_is_not_saying_the_same():
    found = relate("I prefer trains", "I prefer trains at night")
    assert found.kind == "narrower", "what holds at night need not hold by day"


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row["first"][:30])
def test_no_paraphrase_of_the_set_is_a_contradiction(row):
    found = relate(row["first"], row["second"])
    if row["label"] == "same":
        assert found.kind != "contradiction", "both say one thing"
    elif row["label"] == "contradiction":
        assert found.kind != "same", "it would be merged without anybody looking"
    else:
        assert found.kind != "same", "both would be merged into one"


def test_the_set_is_told_apart():
    listed = [row for row in PAIRS if relate(row["first"], row["second"]).kind == "contradiction"]
    right = sum(row["label"] == "contradiction" for row in listed)
    wanted = sum(row["label"] == "contradiction" for row in PAIRS)
    assert right / len(listed) >= 0.95, "what is listed deserves a look"
    assert right / wanted >= 0.88, "and little is passed over"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_have_one_relation(first, second):
    assert relate(first, second) == relate(second, first), "whichever stands first"


@given(st.text(max_size=80))
def test_a_text_does_not_contradict_itself(text):
    assert relate(text, text).kind == "same", "it says what it says"
