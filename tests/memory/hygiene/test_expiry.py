"""Expiry: what holds until a day is out of use after it."""

from __future__ import annotations

import pytest

from memory.hygiene.expiry import Expiry
from memory.memories.memory import Actor


@pytest.fixture
def expiry(kept, clock):
    return Expiry(kept.database, kept.memories, clock, kept.pace)


def test_what_has_expired_goes(kept, clock, expiry):
    id_ = kept.add("the visitor badge is 4471", valid_until="2027-03-12")
    clock.advance(days=3)
    assert expiry.run() == {"expired": 1}, "its day has passed"
    assert kept.get(id_).status == "superseded", "out of use"
    row = kept.history(id_, "expire")[0]
    assert (row["actor"], row["reason"]) == ("hygiene", "expired"), "the audit says why"


def test_it_goes_at_the_very_second(kept, clock, expiry):
    id_ = kept.add("the visitor badge is 4471", valid_until="2027-03-10 12:00:10")
    clock.advance(seconds=9)
    expiry.run()
    assert kept.get(id_).status == "active", "a second before"
    clock.advance(seconds=1)
    expiry.run()
    assert kept.get(id_).status == "superseded", "and then"


@pytest.mark.parametrize(
    "fields", [{"written_by": "person"}, {"status": "candidate"}], ids=["a person's", "a candidate"]
)
def test_everything_with_an_end_ends(kept, clock, expiry, fields):
    id_ = kept.add("the visitor badge is 4471", valid_until="2027-03-12", **fields)
    clock.advance(days=3)
    expiry.run()
    assert kept.get(id_).status == "superseded", "who gave it an end meant it"


def test_what_has_no_end_stays(kept, clock, expiry):
    id_ = kept.add("the visitor badge is 4471")
    clock.advance(days=3000)
    assert expiry.run() == {"expired": 0}, "nothing to do"
    assert kept.get(id_).status == "active", "it holds"


def test_expiry_can_be_undone(kept, clock, expiry):
    id_ = kept.add("the visitor badge is 4471", valid_until="2027-03-12")
    clock.advance(days=3)
    expiry.run()
    kept.memories.undo(kept.history(id_, "expire")[0]["id"], Actor("ada"))
    assert kept.get(id_).status == "active", "back until the next run, or a later end"


def test_more_than_one_transaction_holds(kept, clock, expiry):
    for number in range(45):
        kept.add(f"badge {number} is out with a visitor", valid_until="2027-03-12")
    clock.advance(days=3)
    assert expiry.run() == {"expired": 45}, "all of them"
