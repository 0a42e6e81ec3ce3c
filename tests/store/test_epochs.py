"""Epochs of namespaces."""

from __future__ import annotations

from store.epochs import Epochs
from tests.fakes import NOW


def test_a_namespace_is_in_epoch_0_until_it_is_raised(database):
    epochs = Epochs(database)
    assert (epochs.of("a"), epochs.behind()) == (0, []), "nothing was raised yet"
    assert [epochs.bump("a", NOW), epochs.bump("a", NOW + 1)] == [1, 2]
    assert (epochs.of("a"), epochs.of("b")) == (2, 0), "the other namespace is where it was"


def test_epochs_survive_a_restart_and_are_looked_at_again(database):
    Epochs(database).bump("a", NOW)
    again = Epochs(database)
    assert again.of("a") == 1
    assert again.behind() == [("a", NOW)], "whether the older one was retired is not known"


def test_what_is_retired_is_not_looked_at_again_unless_raised_meanwhile(database):
    epochs = Epochs(database)
    epochs.bump("a", NOW)
    epochs.bump("a", NOW + 1)
    epochs.caught_up("a", NOW)
    assert epochs.behind() == [("a", NOW + 1)], "raised again while the first was being retired"
    epochs.caught_up("a", NOW + 1)
    assert epochs.behind() == []


def test_a_namespace_can_begin_at_0_again(database):
    epochs = Epochs(database)
    epochs.bump("a", NOW)
    epochs.bump("b", NOW)
    epochs.forget("a")
    assert (epochs.of("a"), epochs.behind()) == (0, [("b", NOW)]), "the other one is where it was"
    assert Epochs(database).of("a") == 0, "after a restart too"
