"""What was chosen holds until a piece of it is altered, or until what is new counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.sources import changes as module
from memory.sources.changes import PATIENCE, Changes


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_an_altered_piece_counts_at_once_for_those_who_have_it():
    changes = Changes()
    before = changes.version()
    changes.altered(["b"])
    assert changes.version() > before, "whoever remembers must ask"
    assert changes.hold(before, ["a"]), "it is not in this choice"
    assert not changes.hold(before, ["a", "b"]), "it is in this one"
    assert changes.hold(changes.version(), ["a", "b"]), "chosen anew it holds"


def test_what_is_new_counts_once_its_reading_has_ended():
    changes = Changes()
    before = changes.version()
    with changes.reading():
        changes.grown()
        with changes.reading():
            changes.grown()
        assert changes.version() == before, "more is to come"
    assert not changes.hold(before, []), "any choice may be another now"
    after = changes.version()
    with changes.reading():
        pass
    assert changes.version() == after, "nothing has come since"
    changes.grown()
    assert not changes.hold(after, []), "outside a reading it counts at once"


def test_a_reading_that_fails_has_ended():
    changes = Changes()
    before = changes.version()

    def read():
        with changes.reading():
            changes.grown()
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        read()
    assert changes.version() > before, "what it read counts"


def test_reading_that_does_not_end_is_not_waited_for():
    clock = Clock()
    changes = Changes(clock)
    before = changes.version()
    with changes.reading():
        changes.grown()
        clock.now = PATIENCE - 1
        changes.grown()
        assert changes.version() == before, "not yet"
        clock.now = PATIENCE
        assert changes.version() > before, "counted from the first that was new"
        assert not changes.hold(before, []), "for everybody"


def test_more_than_can_be_known_one_by_one_counts_for_everybody(monkeypatch):
    monkeypatch.setattr(module, "MOST_KNOWN", 3)
    changes = Changes()
    before = changes.version()
    changes.altered(["a", "b", "c"])
    assert changes.hold(before, ["d"]), "known one by one"
    changes.altered(["e"])
    assert not changes.hold(before, ["d"]), "no longer"
    assert changes.hold(changes.version(), ["d"]), "but from now on"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("altered"), st.sets(st.sampled_from("abcd"))),
        st.tuples(st.sampled_from(["grown", "anything", "begin", "end"]), st.just(None)),
        st.tuples(st.just("choose"), st.sets(st.sampled_from("abcd"))),
    ),
    max_size=40,
)


@given(STEPS)
def test_nothing_that_was_altered_is_held_and_all_else_is_until_new_ones_count(steps):
    changes = Changes(Clock())
    chosen, readings, waiting = [], [], False
    for what, ids in steps:
        all_of_it = what == "anything"
        if what == "choose":
            chosen.append([changes.version(), ids, True])
        elif what == "altered":
            changes.altered(ids)
            chosen = [[version, had, holds and not (had & ids)] for version, had, holds in chosen]
        elif what == "begin":
            readings.append(changes.reading())
            readings[-1].__enter__()
        elif what == "end":
            if readings:
                readings.pop().__exit__(None, None, None)
            all_of_it = waiting and not readings
        else:
            getattr(changes, what)()
            all_of_it = all_of_it or not readings
            waiting = what == "grown"
        if all_of_it:
            chosen = [[version, had, False] for version, had, _ in chosen]
            waiting = False
        for version, had, holds in chosen:
            assert changes.hold(version, had) == holds, (version, had)
