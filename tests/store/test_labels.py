"""Labels: rows to learn the cut from, and pairs that are never served again."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from store.database import Database
from store.errors import DatabaseError
from store.labels import Label, Labels
from store.tables import labels as table
from store.tables import wrong_pairs
from tests.fakes import NOW


def label(**changes):
    """A stored answer that was wrong for another prompt, as a forwarded miss shows."""
    values = {
        "id": "lab_1",
        "at": NOW,
        "namespace": "tests",
        "verifier": "pair-1",
        "embedder": "fake",
        "prompt_key": "new",
        "entry_key": "stored",
        "entry_id": "ent_1",
        "prompt": "What is the capital of Austria?",
        "stored_prompt": "What is the capital of Australia?",
        "similarity": 0.93,
        "score": 0.4,
        "signals": (-0.4, 0.93, 1.0),
        "correct": False,
        "source": "miss",
        "method": "meaning",
        "propensity": 1.0,
        "interaction_id": "int_1",
    }
    return Label(**values | changes)


@pytest.fixture
def labels(database):
    return Labels(database)


def add(labels, *made):
    for one in made:
        labels.add(one).result(60)


# ---- rows


def test_a_label_comes_back_as_it_was_added(labels):
    made = label(prompt="Où? 🗼", signals=(0.1, -1e-300, 3.0))
    add(labels, made)
    assert labels.recent("tests", "pair-1", 10) == [made], "every field is kept"


def test_a_label_of_the_same_id_replaces_the_earlier_one(labels):
    add(labels, label(), label(correct=True, source="feedback", method="person", at=NOW + 1))
    [kept] = labels.recent("tests", "pair-1", 10)
    assert (kept.correct, kept.source) == (True, "feedback"), "the later label stands"


def test_labels_are_read_by_namespace_verifier_and_embedder(labels):
    add(
        labels,
        label(id="a"),
        label(id="b", namespace="other"),
        label(id="c", verifier="pair-2"),
        label(id="d", embedder="another"),
    )
    assert {one.id for one in labels.recent("tests", "pair-1", 10)} == {"a", "d"}, "one namespace, one scale"
    assert [one.id for one in labels.recent("tests", "pair-1", 10, "fake")] == ["a"], "and one embedder if asked"
    assert [one.id for one in labels.since("tests", "pair-1", 0, 10, "another")] == ["d"], "either way round"
    assert labels.recent("nobody", "pair-1", 10) == [], "nothing of nobody"


def test_the_newest_come_first_and_a_time_can_be_a_start(labels):
    add(labels, *[label(id=f"{number}", at=NOW + number) for number in (2, 0, 3, 1)])
    assert [one.id for one in labels.recent("tests", "pair-1", 3)] == ["3", "2", "1"], "newest first, up to the limit"
    assert [one.id for one in labels.since("tests", "pair-1", NOW + 1, 2)] == ["1", "2"], "oldest first, inclusive"
    assert labels.recent("tests", "pair-1", 0) == labels.recent("tests", "pair-1", -1) == [], "none were asked for"


def test_namespaces_and_counts_by_source(labels):
    add(
        labels,
        label(id="a"),
        label(id="b", correct=True),
        label(id="c", source="audit", correct=True),
        label(id="d", source="audit", namespace="other"),
    )
    assert labels.namespaces() == ["other", "tests"], "each once, in order"
    assert labels.counts() == {"audit": (1, 1), "miss": (1, 1)}, "right and wrong by source"
    assert labels.counts("other") == {"audit": (0, 1)}, "of one namespace"
    assert labels.counts("nobody") == {}, "of none"


def test_a_damaged_label_is_left_out(database, labels):
    add(labels, label(id="a"), label(id="b", at=NOW + 1))
    for damage in ("{", '["x"]', "7", "null"):
        damaged = sa.update(table).where(table.c.id == "b").values(signals=damage)
        database.transact(lambda connection, damaged=damaged: connection.execute(damaged))
        assert [one.id for one in labels.recent("tests", "pair-1", 10)] == ["a"], f"{damage} teaches nothing"


# ---- negative memory


def test_a_pair_judged_wrong_is_known_at_once_and_in_that_direction_only(labels):
    labels.add(label())
    assert labels.judged_wrong("new", ["stored", "another"]) == {"stored"}, "before SQL knows it"
    assert labels.judged_wrong("another", ["stored"]) == set(), "another prompt is another pair"
    assert labels.judged_wrong("stored", ["new"]) == set(), "the other way round nobody has judged"
    assert labels.judged_wrong("new", []) == set(), "nothing asked"


def test_a_pair_judged_right_is_not_refused(labels):
    add(labels, label(correct=True))
    assert labels.judged_wrong("new", ["stored"]) == set(), "a right pair may be served"


def test_wrong_pairs_survive_a_restart_and_outlive_their_labels(database, labels):
    add(labels, label())
    labels.refuse("new", "refused").result(60)
    database.transact(lambda connection: connection.execute(sa.delete(table)))
    again = Labels(database)
    assert again.judged_wrong("new", ["stored", "refused", "x"]) == {"stored", "refused"}, "read from SQL at the start"


@pytest.mark.parametrize("source", ["feedback", "review"])
def test_a_person_takes_a_wrong_verdict_back_for_good(database, labels, source):
    add(labels, label(), label(id="lab_2", correct=True, source=source, method="person"))
    assert labels.judged_wrong("new", ["stored"]) == set(), "at once"
    assert Labels(database).judged_wrong("new", ["stored"]) == set(), "and after a restart"


@pytest.mark.parametrize(
    ("source", "method"), [("miss", "exact"), ("audit", "meaning"), ("shadow", "judge"), ("feedback", "judge")]
)
def test_nobody_but_a_person_takes_a_wrong_verdict_back(database, labels, source, method):
    add(labels, label(), label(id="lab_2", correct=True, source=source, method=method))
    assert labels.judged_wrong("new", ["stored"]) == {"stored"}, "comparing answers errs"
    assert Labels(database).judged_wrong("new", ["stored"]) == {"stored"}, "after a restart, too"


def test_what_was_taken_back_can_be_judged_wrong_again(database, labels):
    person = {"source": "feedback", "method": "person"}
    add(labels, label(), label(correct=True, **person), label(correct=False, **person))
    for each in (labels, Labels(database)):
        assert each.judged_wrong("new", ["stored"]) == {"stored"}, "the last word counts"


def test_a_wrong_pair_is_refused_though_its_label_could_not_be_written(database, labels):
    told = []
    labels = Labels(database, told.append)
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE labels")))
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        labels.add(label()).result(60)
    assert labels.judged_wrong("new", ["stored"]) == {"stored"}, "when in doubt, a miss"
    assert [type(error) for error in told] == [type(None), DatabaseError], "and the failure is told"


# ---- more pairs than memory holds


def test_pairs_that_memory_does_not_hold_are_found_in_sql(database):
    small = Labels(database, most=3)
    for number in range(10):
        small.refuse("new", f"{number}").result(60)
    asked = [f"{number}" for number in range(12)]
    assert small.judged_wrong("new", asked) == set(asked[:10]), "those in memory and those in SQL"
    assert small.judged_wrong("other", asked) == set(), "of this prompt only"
    assert Labels(database, most=3).judged_wrong("new", asked) == set(asked[:10]), "after a restart, too"
    assert Labels(database, most=10).judged_wrong("new", asked) == set(asked[:10]), "all of them in memory"
    add(small, label(entry_key="0", correct=True, source="review", method="person"))
    assert small.judged_wrong("new", asked) == set(asked[1:10]), "a person's word reaches those in SQL"


def test_a_lookup_that_cannot_be_sure_raises(database):
    small = Labels(database, most=1)
    for number in range(3):
        small.refuse("new", f"{number}").result(60)
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE wrong_pairs")))
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        small.judged_wrong("new", ["0", "x"])
    assert small.judged_wrong("new", ["2"]) == {"2"}, "what memory knows needs no SQL"


def test_without_a_readable_table_at_the_start_lookups_raise_until_it_is_back(tmp_path):
    database, told = Database(tmp_path / "broken.db"), []
    Labels(database).refuse("new", "stored").result(60)
    rename = "ALTER TABLE {} RENAME TO {}".format
    database.transact(lambda connection: connection.execute(sa.text(rename("wrong_pairs", "elsewhere"))))
    labels = Labels(database, told.append)
    assert [type(error) for error in told] == [DatabaseError], "the failure is told, the start goes on"
    with pytest.raises(DatabaseError):
        labels.judged_wrong("new", ["stored"])
    database.transact(lambda connection: connection.execute(sa.text(rename("elsewhere", "wrong_pairs"))))
    assert labels.judged_wrong("new", ["stored", "x"]) == {"stored"}, "once SQL can be read, it is asked"
    database.close()


def test_a_pair_is_kept_once(database, labels):
    add(labels, label(id="a"), label(id="b"))
    assert database.query(sa.select(wrong_pairs)) == [{"prompt_key": "new", "entry_key": "stored"}], "one row a pair"


def test_labels_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        label().correct = True


def test_old_labels_go_and_what_was_refused_stays_refused(database):
    labels = Labels(database)
    add(labels, *(label(id=f"lab_{at}", at=NOW + at, prompt_key=f"new {at}") for at in range(5)))
    add(labels, label(id="lab_other", namespace="others", at=NOW - 100))
    assert labels.prune(3) == 2
    assert [one.id for one in labels.recent("tests", "pair-1", 10)] == ["lab_4", "lab_3", "lab_2"], "the newest stay"
    assert len(labels.recent("others", "pair-1", 10)) == 1, "each namespace has its own number"
    assert Labels(database).judged_wrong("new 0", ["stored"]) == {"stored"}, "a pair once refused is refused for good"
    assert labels.prune(3) == 0


def test_labels_are_wiped_with_what_they_quote(labels):
    add(labels, *(label(id=f"lab_{number}") for number in range(3)))
    labels.wipe(["lab_0", "lab_2", "lab_9"])
    assert [one.id for one in labels.recent("tests", "pair-1", 10)] == ["lab_1"]


def test_pairs_are_let_go_in_memory_and_in_sql(database, labels):
    labels.refuse("new", "stored").result(60)
    labels.refuse("new", "other").result(60)
    labels.unpair([("new", "stored"), ("unknown", "pair")])
    for reader in (labels, Labels(database)):
        assert reader.judged_wrong("new", ["stored", "other"]) == {"other"}
    labels.unpair([])
