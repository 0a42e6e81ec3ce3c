"""The rule by which a model has become another version."""

from __future__ import annotations

import pytest

from cache.versions import FIRST, MOST, VersionRule


def gone(rule, text):
    """What each answer of these one-letter versions takes the place of; "-" for nothing."""
    return "".join(rule.seen(version) or "-" for version in text)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("aaaa", "----"),
        ("aabb", "----"),  # two are not enough
        ("abbb", "---a"),
        ("abbbb", "---a-"),  # once
        ("abbcccc", "-----a-"),  # three of one version, in a row
        ("abbabbabb", "---------"),  # the old one came back
        ("abbbccc", "---a--b"),  # on it goes
    ],
)
def test_three_in_a_row_make_a_change_and_none_of_the_old(seen, expected):
    assert gone(VersionRule(None), seen) == expected


def test_what_answered_before_a_restart_is_the_old_version():
    assert gone(VersionRule("a"), "bbb") == "--a"


def test_each_time_the_old_one_comes_back_it_takes_twice_as_many():
    rule = VersionRule("a")
    assert gone(rule, "ba" + "b" * (2 * FIRST)) == "--" + "-" * (2 * FIRST - 1) + "a"


def test_a_replaced_version_that_comes_back_is_believed_late():
    rule = VersionRule("a")
    assert gone(rule, "bbb") == "--a"
    assert gone(rule, "aaa") == "---", "both answer, it seems"
    assert gone(rule, "aaa") == "--b", "twice as many"


def test_an_alias_between_two_versions_settles():
    rule = VersionRule("a")
    # Any order with shorter runs than the longest one asked for changes nothing in the end.
    changes = gone(rule, ("ab" * 20 + "aabb" * 20 + "aaabbb" * 20)[:200])
    assert changes.count("-") >= 199
    assert rule._needed == MOST


def test_a_settled_rule_has_nothing_to_learn_from_its_own_version():
    rule = VersionRule("a")
    assert rule.is_settled_on("a")
    rule.seen("b")
    assert not rule.is_settled_on("a"), "that would end the run"
