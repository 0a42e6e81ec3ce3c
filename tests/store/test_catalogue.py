"""The catalogue: lists, searches, counts, takes out of service, evicts."""

from __future__ import annotations

import dataclasses

import pytest

from cache.eviction import worth_in_sql
from store.catalogue import Catalogue
from store.entries import Entries
from store.errors import Withdrawn
from store.ids import new_id
from store.selection import Like, Selection
from tests.fakes import NOW, answer, choice, entry, near


@pytest.fixture
def catalogue(database, entries):
    return Catalogue(database, entries)


def add(entries, vector=None, **changes):
    made = entry(**{"id": new_id("ent"), "exact_key": new_id("key"), **changes})
    entries.add(made, vector, "fake", replace=False).result(60)
    return made


def ids(listed):
    return [one.entry.id for one in listed]


LIKE = Like(near(1.0), "fake", -1.0)


# ---- lists


def test_entries_are_listed_newest_first_page_by_page(catalogue, entries):
    made = [add(entries).id for _ in range(5)]
    first = catalogue.page(Selection(), 2)
    assert ids(first) == made[:2:-1]
    assert ids(catalogue.page(Selection(), 10, ids(first)[-1])) == made[2::-1]
    assert catalogue.page(Selection(), 10, made[0]) == []


def test_a_listed_entry_tells_its_hits_and_size(catalogue, entries):
    made = add(entries, prompt="è", answer=answer("né"))
    entries.touch(made.id, NOW + 5)
    entries.flush()
    entries.settle()
    [listed] = catalogue.page(Selection(), 1)
    assert (listed.entry, listed.hits, listed.last_hit_at) == (made, 1, NOW + 5)
    assert listed.size > len("è".encode()) + len("né".encode()), "bytes of the prompt and of the whole answer"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(namespace="a"), {"one"}),
        (Selection(model="m"), {"two"}),
        (Selection(project="p"), {"one", "two"}),
        (Selection(tag="x"), {"one"}),
        (Selection(tag='x"'), {"two"}),
        (Selection(policy="strict"), {"one"}),
        (Selection(status="blocked"), {"two"}),
        (Selection(created_before=NOW), {"two"}),
        (Selection(project="p", tag="y"), {"one"}),
        (Selection(namespace="a", model="m"), set()),
    ],
)
def test_a_selection_holds_what_has_all_its_properties(catalogue, entries, selection, expected):
    one = add(entries, namespace="a", project="p", tags=("x", "y"), policy="strict")
    two = add(entries, model="m", project="p", tags=('x"',), status="blocked", created_at=NOW - 1)
    names = {one.id: "one", two.id: "two"}
    assert {names[id_] for id_ in ids(catalogue.page(selection, 10))} == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [("GARLIC", 1), ("bread", 1), ("50%", 1), ("5_%", 0), ("grüne", 1), ("ΟΔΟΣ", 1), ("assistant", 0), ("x'; --", 0)],
)
def test_text_is_found_in_prompt_and_answer_whatever_its_case_and_taken_as_it_is(catalogue, entries, text, found):
    add(entries, prompt="How much garlic is 50% of it?", answer=answer("Bread first. GRÜNE Bohnen."))
    add(entries, prompt="οδος", answer=answer(choice(None)))
    assert len(catalogue.page(Selection(text=text), 10)) == found


def test_the_nearest_come_first_with_their_similarity(catalogue, entries):
    far, near_, other = add(entries, near(0.3)), add(entries, near(0.9)), add(entries, near(0.8), namespace="b")
    add(entries)
    found = catalogue.nearest(Selection(like=LIKE), 2)
    assert ids(found) == [near_.id, other.id]
    assert [round(one.similarity, 4) for one in found] == [0.9, 0.8]
    assert ids(catalogue.nearest(Selection(namespace="tests", like=LIKE), 9)) == [near_.id, far.id]


# ---- taking out of service


def test_what_is_withdrawn_is_never_served_again(database, catalogue, entries):
    gone, kept = add(entries, near(1.0), tags=("old",)), add(entries, near(1.0))
    passed = []
    assert catalogue.count(Selection(tag="old")) == 1
    assert catalogue.withdraw(Selection(tag="old"), passed=passed.append) == 1
    assert passed == [1]
    assert entries.in_memory(gone.exact_key) is None, "memory lets it go"
    assert entries.by_exact_key(gone.exact_key) == [], "SQL holds it as invalidated"
    assert entries.get(gone.id).status == "invalidated"
    assert [id_ for id_, _ in entries.compatible_vectors("compat", "fake")] == [kept.id]
    assert Entries(database, 10).by_exact_key(gone.exact_key) == [], "after a restart too"
    assert catalogue.withdraw(Selection(tag="old")) == 0, "asked again, there is nothing left"


@pytest.mark.parametrize("status", ["quarantined", "blocked"])
def test_what_could_come_back_is_withdrawn_too(catalogue, entries, status):
    made = add(entries, status=status)
    assert catalogue.withdraw(Selection()) == 1
    entries.unblock(made.id, NOW)
    assert entries.get(made.id).status == "invalidated", "nobody brings it back"


@pytest.mark.parametrize("status", ["expired", "superseded"])
def test_what_is_gone_already_keeps_its_status(catalogue, entries, status):
    made = add(entries, status=status)
    assert (catalogue.count(Selection()), catalogue.withdraw(Selection())) == (0, 0)
    assert entries.get(made.id).status == status


def test_what_waits_for_the_writer_is_withdrawn(catalogue, entries):
    made = [entry(id=new_id("ent"), exact_key=f"key {i}") for i in range(50)]
    for one in made:
        entries.add(one, None, None, replace=False)
    assert catalogue.withdraw(Selection()) == 50
    assert all(entries.in_memory(one.exact_key) is None for one in made)


def test_an_answer_that_was_asked_before_is_not_stored_after(catalogue, entries):
    asked = entries.mark
    catalogue.withdraw(Selection(namespace="tests"))
    with pytest.raises(Withdrawn):
        entries.add(entry(), None, None, replace=False, asked=asked)
    assert (entries.in_memory("key"), entries.count_active()) == (None, 0), "not even in memory"
    entries.add(entry(namespace="others"), None, None, replace=False, asked=asked).result(60)
    entries.add(entry(id="ent_2"), None, None, replace=False, asked=entries.mark).result(60)
    assert entries.count_active() == 2, "another namespace's, and one that was asked after"


def test_prompts_like_one_are_withdrawn(catalogue, entries):
    close, far, bare = add(entries, near(0.92)), add(entries, near(0.88)), add(entries, compat_key=None)
    selection = Selection(like=dataclasses.replace(LIKE, similarity=0.9))
    assert ids(catalogue.sample(selection, 5)) == [close.id]
    assert (catalogue.count(selection), catalogue.withdraw(selection)) == (1, 1)
    assert [entries.get(one.id).status for one in (close, far, bare)] == ["invalidated", "active", "active"]


def test_many_go_in_batches(catalogue, entries, monkeypatch):
    monkeypatch.setattr("store.catalogue.BATCH", 3)
    monkeypatch.setattr("store.catalogue.SCAN", 4)
    for number in range(10):
        add(entries, tags=("even",) if number % 2 == 0 else ())
    passed = []
    assert catalogue.withdraw(Selection(tag="even"), passed=passed.append) == 5
    assert passed == [3, 2]
    assert entries.count_active() == 5


# ---- evicting


def test_the_least_valuable_go_first_and_no_more_than_needed(catalogue, entries):
    kept = add(entries, policy="p", cost=0.5)
    gone = [add(entries, policy="p", cost=0.001 * (1 + i)) for i in range(3)]
    other = add(entries, policy="q", cost=0.0)
    assert catalogue.usage()["p"][0] == 4
    assert catalogue.evict("p", worth_in_sql(NOW), 2, 0) == 2
    assert [entries.get(one.id).status for one in (*gone, kept, other)] == [
        "evicted",
        "evicted",
        "active",
        "active",
        "active",
    ]
    assert entries.in_memory(gone[0].exact_key) is None
    entries.purge(NOW)
    assert entries.get(gone[0].id) is None, "an evicted row does not wait for its expiry"
    assert catalogue.usage()["p"][0] == 2


def test_as_many_go_as_hold_the_bytes(catalogue, entries):
    sizes = []
    for number in range(4):
        add(entries, cost=0.1 * (1 + number), answer=answer("x" * 1000))
    sizes = [one.size for one in catalogue.page(Selection(), 10)]
    assert catalogue.evict("default", worth_in_sql(NOW), 0, sizes[0] + 1) == 2
    assert catalogue.evict("default", worth_in_sql(NOW), 0, 1) == 1


# ---- versions


def test_the_newest_version_of_a_target_is_known(catalogue, entries):
    for number, version in enumerate(["v1", "v2", None, "v"]):
        add(entries, target="t", answered_by=version, created_at=NOW + number)
    assert catalogue.newest_version("t", "v", NOW + 10, 100) == "v2"
    assert catalogue.newest_version("t", "v", NOW + 1, 100) == "v1", "of those before a time"
    assert catalogue.newest_version("other", "v", NOW + 10, 100) is None
