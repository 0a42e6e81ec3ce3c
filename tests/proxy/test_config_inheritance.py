"""What policies take from their parents, and what is said where a parent leads nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import PRESETS, CacheSettings, ConfigError, PolicySettings, Settings, load_settings
from proxy.config.inheritance import Broken, Link, faults, inherited, lineage


def effective(**policies):
    return CacheSettings.model_validate({"policies": policies}).policies


@pytest.fixture
def problems(tmp_path):
    """What is wrong with some policies, as line, key below `cache.policies`, and message."""

    def problems_of(text):
        path = tmp_path / "config.yaml"
        path.write_text("cache:\n  policies:\n" + "".join(f"    {line}\n" for line in text.splitlines()))
        with pytest.raises(ConfigError) as caught:
            load_settings(path, {})
        return [(p.line, p.key.removeprefix("cache.policies."), p.message) for p in caught.value.problems]

    return problems_of


# What is inherited


def test_a_policy_without_a_parent_extends_balanced():
    policies = effective(mine={"ttl": "1h"}, balanced={"verified": 5})
    assert (policies["mine"].verified, policies["mine"].ttl) == (5, 3600.0), "also where the file redefines it"
    assert policies["default"].verified == 5, "the default policy as well"


def test_a_child_overrides_what_it_names_and_nothing_else():
    policies = effective(
        grown={
            "extends": "aggressive",
            "min_quality": 0.5,
            "decay": {"floor": 0.1},
            "classes": {"volatile": ["exact"]},
        },
        child={"extends": "grown", "decay": {"shape": "step"}, "classes": {"random": ["exact"]}},
    )
    child, aggressive = policies["child"], policies["aggressive"]
    assert (child.max_error_rate, child.ttl) == (0.03, aggressive.ttl), "from the preset"
    assert child.min_quality == 0.5, "from the parent"
    assert (child.decay.floor, child.decay.window) == (0.1, aggressive.decay.window), "key by key within a section"
    assert child.decay.shape == "step", "its own"
    assert (child.classes["volatile"], child.classes["random"]) == (["exact"], ["exact"]), "class by class"
    assert child.classes["action"] == [], "and what nobody names is the default"


def test_guards_are_switched_one_by_one_off_and_on_again():
    policies = effective(
        lax={"guards": {"names": False, "modal": False}}, child={"extends": "lax", "guards": {"names": True}}
    )
    assert policies["child"].guards == {"names": True, "modal": False}


def test_a_list_is_replaced_as_a_whole():
    policies = effective(closed={"tiers": [], "headers": ["tags"]}, child={"extends": "closed", "tiers": ["exact"]})
    assert (policies["child"].tiers, policies["child"].headers) == (["exact"], ["tags"])


def test_a_key_left_empty_is_not_named_and_none_takes_a_value_away():
    limits = {"max_entries": 5, "max_bytes": "1MB", "max_age": "1m", "deletion_gain": 0.08, "headers": ["tags"]}
    policies = effective(
        limited=limits,
        same={"extends": "limited", **dict.fromkeys(limits)},
        free={"extends": "limited", **dict.fromkeys(limits, "none"), "headers": "all"},
    )
    same, free = policies["same"], policies["free"]
    assert (same.max_entries, same.max_bytes, same.max_age, same.deletion_gain) == (5, 2**20, 60.0, 0.08), "inherited"
    assert same.headers == ["tags"], "inherited"
    assert (free.max_entries, free.max_bytes, free.max_age, free.deletion_gain) == (None, None, None, None), "gone"
    assert free.headers is None, "all of them again"


def test_none_of_the_headers_is_not_all_of_them():
    assert effective(mine={"headers": "none"})["mine"].headers == []


def test_budget_and_fixed_threshold_take_each_others_place():
    policies = effective(
        fixed={"similarity_threshold": 0.95},
        learned={"extends": "fixed", "max_error_rate": 0.02},
        fixed_again={"extends": "learned", "similarity_threshold": 0.85},
        same={"extends": "fixed", "ttl": "1h"},
        gone={"extends": "fixed", "similarity_threshold": "none"},
    )
    assert policies["same"].similarity_threshold == 0.95, "a child that names neither"
    assert (policies["learned"].similarity_threshold, policies["learned"].max_error_rate) == (None, 0.02)
    assert policies["fixed_again"].similarity_threshold == 0.85
    assert (policies["gone"].similarity_threshold, policies["gone"].max_error_rate) == (None, 0.01), "the budget counts"


def test_a_block_with_the_name_of_a_preset_redefines_it():
    policies = effective(conservative={"ttl": "6h"}, mine={"extends": "conservative"})
    assert (policies["mine"].ttl, policies["mine"].max_error_rate) == (6 * 3600.0, 0.005), "the rest is the preset's"
    assert policies["aggressive"] == effective()["aggressive"], "other presets stay as they are"


def test_a_preset_may_be_named_as_its_own_parent_or_given_another_one():
    assert effective(aggressive={"extends": "aggressive", "verified": 3})["aggressive"].max_error_rate == 0.03
    assert effective(aggressive={"extends": "conservative"})["aggressive"].max_error_rate == 0.005


def test_a_preset_as_it_comes_does_not_follow_a_redefined_balanced():
    assert effective(balanced={"verified": 7})["conservative"].verified == 2


def test_the_default_policy_may_be_a_parent_and_have_one():
    policies = effective(default={"extends": "conservative"}, mine={"extends": "default", "verified": 4})
    assert (policies["mine"].max_error_rate, policies["mine"].verified) == (0.005, 4)
    assert effective(mine={"extends": "default"})["mine"].max_error_rate == 0.01, "where the file has no default"


def test_what_must_fit_together_is_checked_of_the_whole_policy():
    assert (
        effective(wide={"max_candidates": 200}, child={"extends": "wide", "candidates": 90})["child"].candidates == 90
    )
    with pytest.raises(ValueError, match="must not be below candidates"):
        effective(few={"max_candidates": 10}, child={"extends": "few", "candidates": 20})


def test_complete_policies_stay_as_they_are_when_they_are_completed_again():
    once = effective(fixed={"similarity_threshold": 0.9}, child={"extends": "fixed", "max_error_rate": 0.02})
    assert inherited(once) == once


def test_a_complete_policy_still_knows_what_it_names_itself():
    policies = effective(mine={"ttl": "1h", "decay": {"floor": 0.1}})
    assert policies["mine"].model_fields_set == {"ttl", "decay"}
    assert policies["mine"].decay.model_fields_set == {"floor"}


# Any line of parents

_VALUES = {
    "verified": st.integers(1, 10),
    "min_quality": st.sampled_from([0.0, 0.5, 1.0]),
    "ttl": st.sampled_from(["1m", "2h", "3d"]),
    "shadow": st.booleans(),
    "audit_rate": st.sampled_from([0.1, 0.2]),
    "store_tool_calls": st.sampled_from(["exact", "semantic", "never"]),
    "max_entries": st.sampled_from([5, "none"]),
    "memory": st.sampled_from(["off", False, "read"]),
    "similarity_threshold": st.sampled_from([0.8, 0.9]),
}
_BLOCKS = st.fixed_dictionaries({}, optional=_VALUES)


@given(blocks=st.lists(_BLOCKS, min_size=1, max_size=5), root=st.sampled_from([None, *PRESETS]))
def test_a_value_is_that_of_the_nearest_that_names_it(blocks, root):
    parents = [root, *(f"p{index}" for index in range(len(blocks) - 1))]
    named = {
        f"p{index}": {**block, **({"extends": parent} if parent else {})}
        for index, (block, parent) in enumerate(zip(blocks, parents, strict=True))
    }
    found = effective(**named)
    last, bottom = found[f"p{len(blocks) - 1}"], found[root or "balanced"]
    for name in _VALUES:
        written = [block[name] for block in blocks if name in block]
        wanted = getattr(PolicySettings.model_validate({name: written[-1]}) if written else bottom, name)
        assert getattr(last, name) == wanted, name


@given(st.dictionaries(st.sampled_from("abcd"), st.none() | st.sampled_from("abcd"), max_size=4))
def test_every_line_of_parents_ends_with_a_preset_or_is_broken(parents):
    told = [fault.name for fault in faults(parents)]
    assert len(told) == len(set(told)), "each once"
    for name in parents:
        line = line_of(name, parents)
        if isinstance(line, Broken):
            assert line.name in told
        else:
            assert (line[0], line[-1]) == (Link(name), Link("balanced", preset=True))


def line_of(name, parents):
    try:
        return lineage(name, parents)
    except Broken as broken:
        return broken


# Parents that lead nowhere


def test_a_missing_parent_is_told_at_its_line(problems):
    ((line, key, message),) = problems("one: {ttl: 1h}\ntwo:\n  extends: onw")
    assert (line, key) == (5, "two.extends")
    assert message == 'names no policy; there are aggressive, balanced, conservative, default, one; did you mean "one"?'


def test_a_circle_is_told_once_at_one_of_its_policies(problems):
    ((line, key, message),) = problems("b: {extends: c}\nc: {extends: a}\na: {extends: b}\nchild: {extends: c}")
    assert (line, key, message) == (5, "a.extends", "is a circle: a -> b -> c -> a")


def test_a_policy_cannot_be_its_own_parent(problems):
    assert problems("mine: {extends: mine}") == [(3, "mine.extends", "is a circle: mine -> mine")]
    assert problems("balanced: {extends: default}") == [
        (3, "balanced.extends", "is a circle: balanced -> default -> balanced")
    ]


def test_all_broken_parents_are_told_at_once_beside_other_problems(problems):
    found = problems("a: {extends: x}\nb: {extends: y, ttl: 0}\nc: {extends: c}")
    assert [(line, key) for line, key, _ in found] == [
        (3, "a.extends"),
        (4, "b.extends"),
        (4, "b.ttl"),
        (5, "c.extends"),
    ]


def test_settings_built_by_hand_are_refused_too():
    with pytest.raises(ValueError, match="names no policy"):
        Settings.model_validate({"cache": {"policies": {"mine": {"extends": "nobody"}}}})
