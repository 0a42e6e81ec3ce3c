"""Labels beside the calls they belong to: audits, what people said, and misses that came near."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.statistics.audits import checked
from memory.statistics.calls import Calls
from memory.statistics.nearby import nearest_misses, pairs
from store.tables import entries, labels
from tests.memory.statistics.test_prompts import entry_row, label_row

HOUR = 3600.0
AUDITED = {"cache_status": "miss", "reason": "audit", "model": "m", "client": "c", "project": "p", "policy": "strict"}
JUDGED = {
    "cache_status": "miss",
    "reason": "below_cut",
    "policy": "default",
    "similarity": 0.9,
    "prompt": "New?",
    "metadata": {"score": 0.8, "signals": [1.5, 0.9], "verifier": "v", "candidate": "ent_1"},
}


@pytest.fixture
def add(database):
    def put(table, row):
        database.transact(lambda connection: connection.execute(sa.insert(table).values(**row)))

    return put


def test_labels_are_counted_by_what_their_calls_have_in_common(database, record, add):
    right, wrong, old, said, miss = record(
        AUDITED,
        {**AUDITED, "experiment": "cuts", "arm": "low"},
        {**AUDITED, "created_at": "2020-01-01 00:00:00"},
        {"cache_status": "hit", "tier": "semantic"},
        JUDGED,
    )
    add(labels, label_row("l1", right, source="audit"))
    add(labels, label_row("l2", wrong, source="audit", correct=0))
    add(labels, label_row("l3", old, source="audit", correct=0))
    add(labels, label_row("l4", said, source="feedback", correct=0))
    add(labels, label_row("l5", miss, source="miss", correct=0))
    add(labels, label_row("l6", None, source="audit", correct=0))
    found = checked(database, Calls(HOUR))
    audits = [one for one in found if one.source == "audit"]
    assert sum(one.right for one in audits) == sum(one.wrong for one in audits) == 1, "by the time of the call"
    assert {one.groups["arm"]: one.wrong for one in audits} == {"": 0, "cuts/low": 1}
    assert audits[0].groups["policy"] == "strict"
    assert [(one.right, one.wrong) for one in found if one.source == "feedback"] == [(0, 1)]
    assert {one.source for one in found} == {"audit", "feedback"}, "labels of misses are another matter"


def test_labels_of_another_namespace_or_model_are_left_out(database, record, add):
    (audited,) = record({**AUDITED, "namespace": "a"})
    add(labels, label_row("l1", audited, source="audit"))
    seen = [Calls(HOUR, "a"), Calls(HOUR, "b"), Calls(HOUR, model="m"), Calls(HOUR, model="n")]
    assert [len(checked(database, calls)) for calls in seen] == [1, 0, 1, 0]


def test_a_judged_miss_comes_with_its_signals_and_the_verdict_of_the_comparison(database, record, add):
    right, unknown = record(JUDGED, {**JUDGED, "metadata": {**JUDGED["metadata"], "signals": ["x"]}})
    add(labels, label_row("l1", right, correct=1))
    first, second = sorted(nearest_misses(database, Calls(HOUR)), key=lambda near: near.id)
    assert (first.id, first.score, first.signals, first.verifier) == (right, 0.8, (1.5, 0.9), "v")
    assert (first.entry_id, first.policy, first.right) == ("ent_1", "default", True)
    assert (second.id, second.right, second.signals) == (unknown, None, ()), "not compared; damaged signals are none"


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "audit"},
        {"reason": "shadow"},
        {"reason": "no_entry", "similarity": None},
        {"reason": "guard", "metadata": {}},
        {"cache_status": "hit", "tier": "semantic", "reason": "similar"},
        {"created_at": "2020-01-01 00:00:00"},
    ],
)
def test_what_was_no_miss_for_its_score_is_left_out(database, record, other):
    record({**JUDGED, **other})
    assert nearest_misses(database, Calls(HOUR)) == []


def test_a_miss_below_a_fixed_threshold_needs_no_score(database, record):
    record({"cache_status": "miss", "reason": "below_threshold", "similarity": 0.93})
    (near,) = nearest_misses(database, Calls(HOUR))
    assert (near.similarity, near.score, near.entry_id) == (0.93, None, None)


def test_the_pair_is_read_from_the_label_or_else_from_the_entry(database, record, add):
    labelled, logged = record(JUDGED, {**JUDGED, "prompt": "Newer?"})
    add(labels, label_row("l1", labelled, stored_prompt="Stored?"))
    add(entries, entry_row("ent_1", "Stored as an entry?"))
    asked, stored = pairs(database, [labelled, logged], ["ent_1"])
    assert (asked[labelled]["prompt"], asked[labelled]["stored_prompt"]) == ("New?", "Stored?")
    assert (asked[logged]["prompt"], asked[logged]["stored_prompt"]) == ("Newer?", None)
    assert stored == {"ent_1": "Stored as an entry?"}
