"""Which upstream answers a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth import Caller
from proxy.config import ModelEntry, ServerSettings
from proxy.errors import NotFound
from proxy.upstreams.router import Router, is_direct
from tests.proxy.completions import examples
from tests.proxy.fakes import target

ANYONE = Caller("default", "admin")
OWN = Caller("default", "admin", authorization="Bearer sk-own")


def router(*entries, **server):
    """A router over (name, model) or (name, model, further parameters)."""
    made = [
        ModelEntry.model_validate({"model_name": name, "litellm_params": {"model": model, **(more[0] if more else {})}})
        for name, model, *more in entries
    ]
    return Router(made, ServerSettings.model_validate(server))


def resolved(name, *entries):
    found = router(*entries).resolve(name, ANYONE)
    return found.provider, found.model


# Names and patterns


def test_a_name_goes_where_its_entry_says():
    assert resolved("small", ("small", "openai/gpt-4o-mini"), ("big", "openai/gpt-4o")) == ("openai", "gpt-4o-mini")


def test_a_name_comes_before_every_pattern():
    entries = (("*", "openai/*"), ("gpt-*", "azure/*"), ("gpt-4o", "anthropic/claude"))
    assert resolved("gpt-4o", *entries) == ("anthropic", "claude")
    assert resolved("gpt-4", *entries) == ("azure", "4")
    assert resolved("o3", *entries) == ("openai", "o3")


@pytest.mark.parametrize("order", [1, -1])
def test_the_longest_pattern_that_matches_answers_whatever_the_order(order):
    entries = [("*", "openai/a-*"), ("gpt-*", "openai/b-*"), ("gpt-4*", "openai/c-*"), ("*-mini", "openai/d-*")]
    where = {"o3": "a-o3", "gpt-5": "b-5", "gpt-4o": "c-o", "o4-mini": "d-o4", "gpt-4o-mini": "c-o-mini"}
    assert {name: resolved(name, *entries[::order])[1] for name in where} == (
        where if order == 1 else where | {"gpt-4o-mini": "d-gpt-4o"}
    )


def test_of_several_entries_of_one_name_the_first_answers():
    assert resolved("m", ("m", "openai/first"), ("m", "openai/second")) == ("openai", "first")
    assert resolved("x", ("*", "openai/first"), ("*", "openai/second")) == ("openai", "first")


@pytest.mark.parametrize(
    ("pattern", "model", "asked", "expected"),
    [
        ("*", "openai/*", "gpt-4o", ("openai", "gpt-4o")),
        ("*", "openai/*", "meta-llama/Llama-3", ("openai", "meta-llama/Llama-3")),
        ("openai/*", "openai/*", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("openai/*", "openai/*", "openai/", ("openai", "")),
        ("*", "*", "anthropic/claude", ("anthropic", "claude")),
        ("*", "*", "gpt-4o", ("openai", "gpt-4o")),
        ("ft-*-eu", "azure/eu-*-v2", "ft-x-eu", ("azure", "eu-x-v2")),
        ("any-*", "openai/gpt-4o", "any-thing", ("openai", "gpt-4o")),
        ("*", "openai/*", "a*b", ("openai", "a*b")),
    ],
)
def test_a_star_stands_for_the_same_on_both_sides(pattern, model, asked, expected):
    assert resolved(asked, (pattern, model)) == expected


@pytest.mark.parametrize("asked", ["gpt", "gpt4", "agpt-4", "GPT-4", "", "gpt-"])
def test_a_name_that_matches_nothing_is_not_found(asked):
    found = router(("gpt-4", "openai/gpt-4"), ("gpt-4-*-x", "openai/*"), ("gpt-*x", "openai/*"))
    with pytest.raises(NotFound) as caught:
        found.resolve(asked, ANYONE)
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    assert repr(asked) in caught.value.message


def test_head_and_tail_of_a_pattern_do_not_share_letters():
    assert resolved("aba", ("ab*a", "openai/*"))[1] == ""
    with pytest.raises(NotFound):
        resolved("aba", ("ab*ba", "openai/*"))


@examples
@given(st.text("ab-/", max_size=6), st.text("ab-/", max_size=4), st.text("ab-/", max_size=4))
def test_a_pattern_matches_whatever_lies_between_its_head_and_tail(star, head, tail):
    assert resolved(f"{head}{star}{tail}", (f"{head}*{tail}", "p/x*y")) == ("p", f"x{star}y")


def test_the_names_and_patterns_that_are_configured_can_be_listed():
    found = router(("b", "openai/b"), ("*", "openai/*"), ("a", "openai/a"), ("b", "openai/c"), ("a-*", "openai/*"))
    assert found.names == ["b", "a"]
    assert [entry.model_name for entry in found.patterns] == ["a-*", "*"]


# Providers


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai/gpt-4o", ("openai", "gpt-4o")),
        ("gpt-4o", ("openai", "gpt-4o")),
        ("openai/org/model:free", ("openai", "org/model:free")),
        ("bedrock/converse/anthropic.claude-v2:1", ("bedrock", "converse/anthropic.claude-v2:1")),
    ],
)
def test_what_stands_before_the_first_slash_is_the_provider(model, expected):
    assert resolved("m", ("m", model)) == expected


@pytest.mark.parametrize("provider", ["openai", "custom_openai", "openai_like", "hosted_vllm"])
def test_openai_compatible_providers_are_spoken_to_directly(provider):
    assert is_direct(target(provider=provider))


@pytest.mark.parametrize("provider", ["anthropic", "azure", "bedrock", "ollama_chat", "OpenAI", ""])
def test_other_providers_go_through_litellm(provider):
    assert not is_direct(target(provider=provider))


# Keys and parameters


def test_a_configured_key_is_used_and_the_callers_own_is_not():
    found = router(("m", "openai/m", {"api_key": "sk-ours"})).resolve("m", OWN)
    assert (found.api_key, found.own_key) == ("sk-ours", False)


def test_without_a_configured_key_the_callers_own_is_used():
    found = router(("m", "openai/m")).resolve("m", OWN)
    assert (found.api_key, found.own_key) == ("Bearer sk-own", True)


def test_without_any_key_none_is_used():
    assert router(("m", "openai/m")).resolve("m", ANYONE).api_key is None


def test_parameters_of_the_entry_are_kept():
    more = {
        "api_base": "http://127.0.0.1:8000/v1",
        "extra_headers": {"X-Team": "a"},
        "timeout": "1m",
        "stream_timeout": 30,
        "aws_region_name": "eu",
    }
    found = router(("m", "openai/m", more)).resolve("m", ANYONE)
    assert (found.api_base, found.extra_headers) == ("http://127.0.0.1:8000/v1", {"X-Team": "a"})
    assert (found.timeout, found.stream_timeout, found.params) == (60.0, 30.0, {"aws_region_name": "eu"})


def test_timeouts_are_the_servers_where_the_entry_names_none():
    found = router(("m", "openai/m"), request_timeout="20s", stream_timeout="10s").resolve("m", ANYONE)
    assert (found.timeout, found.stream_timeout, found.params) == (20.0, 10.0, {})


# Identity


def test_the_identity_of_a_target_is_what_can_change_the_answer_and_never_the_key():
    base = target()
    for changes in ({"provider": "azure"}, {"model": "gpt-y"}, {"api_base": "http://127.0.0.1/v1"}, {"settings": "x"}):
        assert target(**changes).identity != base.identity
    for changes in ({"api_key": "sk-1"}, {"own_key": True}, {"timeout": 1.0}, {"stream_timeout": 1.0}):
        assert target(**changes).identity == base.identity


def test_other_settings_of_an_entry_make_another_target_and_its_key_and_timeouts_do_not():
    def identity(**params):
        return router(("m", "openai/m", params)).resolve("m", ANYONE).identity

    assert identity() == identity(api_key="sk-1") == identity(timeout="5s", stream_timeout="1s")
    different = [identity(), identity(temperature=0.1), identity(temperature=0.2), identity(extra_headers={"X-A": "b"})]
    assert len(set(different)) == 4
    assert identity(a=1, b=2) == identity(b=2, a=1)
    assert "sk-2" not in identity(extra_headers={"X-Key": "sk-2"})


@pytest.mark.parametrize("name", ["http://evil.example/v1", "x/https://evil.example"])
def test_an_address_is_no_name_of_a_model(name):
    with pytest.raises(NotFound):
        router(("*", "openai/*")).resolve(name, ANYONE)


def test_a_target_does_not_show_its_keys():
    shown = repr(target(api_key="sk-1", extra_headers={"X-Key": "sk-2"}, params={"aws_secret": "sk-3"}))
    assert not [key for key in ("sk-1", "sk-2", "sk-3") if key in shown]
