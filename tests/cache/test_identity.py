"""What a call is matched on: which differences make another key, and which make none."""

from __future__ import annotations

import json
import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.identity import IRRELEVANT, Scope, canonical, exact_key, fuzzy_part
from tests.fakes import TOOL_CALL, chat

SCOPE = Scope("tests")
BODY = chat({"role": "system", "content": "Be brief."}, "What is the capital of France?", temperature=0.5)

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
# Few enough leaves that two values drawn apart are often the same, or the same but for their form.
FEW_LEAVES = st.sampled_from([0, -0.0, 1, 1.0, 2**64, float(2**64), True, False, None, "1", "", "é", "e\u0301"])
FEW = st.recursive(
    FEW_LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)
AWKWARD = st.text(alphabet='ab|,:"\\[]{}\0\n/', max_size=4)
SCOPES = st.builds(Scope, AWKWARD, AWKWARD, AWKWARD, AWKWARD, AWKWARD, AWKWARD)


def key(body, scope=SCOPE):
    return exact_key(body, scope)


def compat(body, scope=SCOPE):
    found = fuzzy_part(body, scope)
    assert found is not None
    return found.compat_key


def reordered(value):
    """The same JSON with every object's keys the other way round."""
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


def meaning(value):
    """What JSON means, told independently of the code under test: two values mean the same if these are equal."""
    if isinstance(value, bool) or value is None:
        return ("constant", str(value))
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    if isinstance(value, int | float):
        return ("number", Fraction(value))
    if isinstance(value, list):
        return ("array", tuple(map(meaning, value)))
    return ("object", frozenset((name, meaning(item)) for name, item in value.items()))


# ---- golden digests: whoever changes a key on purpose raises POLICY_EPOCH and changes these


def test_the_keys_of_a_known_call_are_the_ones_they_have_always_been():
    scope = Scope("acme", "drafts", "atlas", "read:3", "openai/gpt-x", "assistants=v2|api-version=1")
    body = chat(
        {"role": "system", "content": "Café, naïve."},
        {"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]},
        temperature=1.0,
        seed=2**70,
        stream=True,
        logit_bias={"50256": -100},
        tools=None,
        vendor_option=True,
    )
    assert key(body, scope) == "a03c5b76382e3f43a71b26f8f6fdd4c0972583564ee83fd9184f322f7c0b848d"
    assert compat(body, scope) == "59a9e4dc5013b073bb4175406d95c36c34d7917b2fcf4512ede26f278f953e88"
    assert scope.partition == "ed44e9fe76fee0aba9f26d47839c26e1"


def test_the_keys_of_the_least_call_are_the_ones_they_have_always_been():
    assert key(chat("Hi")) == "705318ea42ea8418f26e6dfe6bd12367689255b962865d52ed55186310bf6907"
    assert compat(chat("Hi")) == "af287ee68a0c7d3e9b42f98ee826636edc5679e8a87c8f3499ed31c15854cb17"
    assert SCOPE.partition == "6820fb0a0a80d46c06b87c45a18a5fe7"


# ---- the exact key


@given(extra=JSON)
def test_the_order_of_keys_does_not_matter(extra):
    body = {**BODY, "extra": extra}
    assert key(reordered(body)) == key(body)


@given(number=st.integers(-(2**53), 2**53))
def test_an_integer_is_the_same_in_either_form(number):
    assert key({**BODY, "seed": number}) == key({**BODY, "seed": float(number)})


def test_zero_has_no_sign():
    assert key({**BODY, "top_p": -0.0}) == key({**BODY, "top_p": 0.0}) == key({**BODY, "top_p": 0})


@given(first=st.integers(-(10**40), 10**40), second=st.integers(-(10**40), 10**40))
def test_two_integers_of_any_size_have_two_keys(first, second):
    assert (key({**BODY, "seed": first}) == key({**BODY, "seed": second})) is (first == second)


@given(number=st.integers(2**64, 2**80))
def test_neighbouring_integers_beyond_64_bits_differ(number):
    assert key({**BODY, "seed": number}) != key({**BODY, "seed": number + 1})


def test_a_large_integral_float_is_that_integer():
    assert key({**BODY, "seed": 1e22}) == key({**BODY, "seed": 10**22})


@given(first=st.floats(allow_nan=False), second=st.floats(allow_nan=False))
def test_two_floats_have_two_keys(first, second):
    assert (key({**BODY, "top_p": first}) == key({**BODY, "top_p": second})) is (first == second)


@given(text=st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_composed_and_decomposed_text_is_the_same(text):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert key(chat(composed)) == key(chat(decomposed))


def test_compatible_characters_are_not_the_same():
    assert key(chat("ﬁle ²")) != key(chat("file 2"))


def test_case_and_white_space_matter():
    assert len({key(chat(text)) for text in ("Hi", "hi", "Hi ", " Hi", "Hi\n")}) == 5


def test_half_a_surrogate_pair_has_a_key_of_its_own():
    assert len({key(chat(text)) for text in ("\ud800", "\ud801", "?", "")}) == 4


@given(first=FEW, second=FEW)
def test_keys_are_equal_exactly_when_the_calls_mean_the_same(first, second):
    same = meaning(first) == meaning(second)
    assert (key({**BODY, "extra": first}) == key({**BODY, "extra": second})) is same


@given(value=JSON)
def test_canonical_text_is_json_that_means_the_same(value):
    assert meaning(json.loads(canonical(value))) == meaning(value)


def test_the_fields_that_do_not_change_the_answer_are_these():
    assert sorted(IRRELEVANT) == [
        "cache",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    ]


@given(name=st.sampled_from(sorted(IRRELEVANT)), value=JSON)
def test_an_irrelevant_field_does_not_matter(name, value):
    body = {**BODY, name: value}
    assert key(body) == key(BODY)
    assert compat(body) == compat(BODY)


@pytest.mark.parametrize("name", sorted(IRRELEVANT))
def test_an_irrelevant_name_matters_anywhere_but_at_the_top(name):
    body = chat({"role": "user", "content": "Hi", name: "x"})
    assert key(body) != key(chat("Hi"))
    assert compat(body) != compat(chat("Hi"))


@given(name=st.text(min_size=1).filter(lambda name: name not in IRRELEVANT and name not in BODY), value=JSON)
def test_a_field_nobody_knows_matters(name, value):
    body = {**BODY, name: value}
    assert key(body) != key(BODY)
    assert compat(body) != compat(BODY)


@pytest.mark.parametrize(
    "name",
    [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "response_format",
        "temperature",
        "top_p",
        "n",
        "stop",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "modalities",
        "audio",
        "prediction",
        "reasoning_effort",
        "verbosity",
        "web_search_options",
    ],
)
def test_what_can_change_the_answer_matters(name):
    assert key({**BODY, name: "x"}) != key({**BODY, name: "y"})


@pytest.mark.parametrize(
    "values",
    [
        (True, 1, "1", "true"),
        (False, 0, "0", None, "", [], {}),
        ([1], 1, [[1]], {"0": 1}),
        ([1, 2], [2, 1], [1, 2, None]),
        ({"a": None}, {}, {"a": {}}),
        (1.5, "1.5", 1),
    ],
    ids=repr,
)
def test_values_of_different_kinds_differ(values):
    assert len({key({**BODY, "extra": value}) for value in values}) == len(values)


def test_null_is_not_the_same_as_absent():
    assert key({**BODY, "seed": None}) != key(BODY)


# ---- scopes


def test_a_key_is_64_hex_digits_and_a_partition_32():
    assert len(bytes.fromhex(key(BODY))) == len(bytes.fromhex(compat(BODY))) == 32
    assert len(bytes.fromhex(SCOPE.partition)) == 16


@given(first=SCOPES, second=SCOPES)
def test_keys_agree_only_within_one_scope(first, second):
    same = first == second
    assert (key(BODY, first) == key(BODY, second)) is same
    assert (compat(BODY, first) == compat(BODY, second)) is same


@given(first=SCOPES, second=SCOPES)
def test_a_partition_is_one_part_of_one_namespace(first, second):
    same = (first.namespace, first.part) == (second.namespace, second.part)
    assert (first.partition == second.partition) is same


@pytest.mark.parametrize("field", ["namespace", "part", "project", "memory", "target", "headers"])
def test_every_field_of_a_scope_keeps_calls_apart(field):
    plain = {"namespace": "a", "part": "a", "project": "a", "memory": "a", "target": "a", "headers": "a"}
    one, other = Scope(**plain), Scope(**plain | {field: "b"})
    assert key(BODY, one) != key(BODY, other)
    assert compat(BODY, one) != compat(BODY, other)


def test_the_same_value_in_another_field_is_another_scope():
    fields = ("part", "project", "memory", "target", "headers")
    assert len({key(BODY, Scope("a", **{field: "x"})) for field in fields}) == len(fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Scope("ab", "c"), Scope("a", "bc")),
        (Scope('a","b'), Scope("a", "b")),
        (Scope("a\0", "b"), Scope("a", "\0b")),
        (Scope('a",1]'), Scope("a", "1")),
        (Scope("a", "b/c"), Scope("a/b", "c")),
        (Scope("a\\", '"'), Scope('a\\"', "")),
    ],
    ids=repr,
)
def test_a_name_cannot_reach_into_another_namespace(one, other):
    assert one.partition != other.partition
    assert key(BODY, one) != key(BODY, other)


def test_a_partition_says_nothing_of_project_memory_target_or_headers():
    assert Scope("a", "b", "c", "d", "e", "f").partition == Scope("a", "b").partition


# ---- the compat key

HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hello! How can I help?"},
]


@given(first=st.text(min_size=1), second=st.text(min_size=1))
def test_only_the_last_user_text_is_fuzzy(first, second):
    one, other = (fuzzy_part(chat(*HISTORY, text), SCOPE) for text in (first, second))
    assert (one is None) is (not first.strip())
    if one and other:
        assert one.compat_key == other.compat_key
        assert (one.text, other.text) == (first, second)


def test_same_last_turn_after_another_history_is_another_compat_key():
    changed = [
        [],
        HISTORY[1:],
        HISTORY[:1],
        [HISTORY[0], {**HISTORY[1], "content": "Hello."}, HISTORY[2]],
        [{**HISTORY[0], "content": "Be long."}, *HISTORY[1:]],
        [{**HISTORY[0], "role": "developer"}, *HISTORY[1:]],
        [*HISTORY, {"role": "user", "content": "And?"}],
    ]
    keys = {compat(chat(*history, "Go on")) for history in (HISTORY, *changed)}
    assert len(keys) == 1 + len(changed)


@given(name=st.sampled_from(["model", "temperature", "tools", "n", "unheard_of"]), value=JSON)
def test_whatever_else_differs_makes_another_compat_key(name, value):
    body = {**BODY, name: value}
    assert (compat(body) == compat(BODY)) is (key(body) == key(BODY))


def test_the_last_message_keeps_its_other_fields_in_the_compat_key():
    keys = {
        compat(chat({"role": "user", "content": "Hi", **fields}))
        for fields in ({}, {"name": "ann"}, {"name": "bob"}, {"weight": 0})
    }
    assert len(keys) == 4


def test_a_single_text_part_is_fuzzy_and_another_call_than_the_plain_text():
    part = {"type": "text", "text": "Hi"}
    in_a_part = fuzzy_part(chat({"role": "user", "content": [part]}), SCOPE)
    assert in_a_part is not None
    assert in_a_part.text == "Hi"
    assert in_a_part.compat_key != compat(chat("Hi"))
    other_words = chat({"role": "user", "content": [{"type": "text", "text": "Hello"}]})
    assert compat(other_words) == in_a_part.compat_key


def test_a_text_part_keeps_its_other_fields_in_the_compat_key():
    plain = {"type": "text", "text": "Hi"}
    marked = {**plain, "cache_control": {"type": "ephemeral"}}
    assert compat(chat({"role": "user", "content": [plain]})) != compat(chat({"role": "user", "content": [marked]}))


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT = {"type": "text", "text": "What is this?"}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "Be brief."}],
        [{"role": "user", "content": [TEXT, IMAGE]}],
        [{"role": "user", "content": [IMAGE]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
        [{"role": "user", "content": [TEXT, TEXT]}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": None}],
        [{"role": "user"}],
        [{"role": "user", "content": [{"type": "text", "text": 7}]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": ["Hi"]}],
        [{"role": "user", "content": {"reprise": "last user text"}}],
        [
            {"role": "user", "content": "Look it up"},
            {"role": "assistant", "tool_calls": [TOOL_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        ],
        [{"role": "user", "content": "Count to three"}, {"role": "assistant", "content": "One,"}],
        [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Answer in French."}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": " \n\t\u2003"}],
        [{"role": "user", "content": [{"type": "text", "text": "  "}]}],
        ["Hi"],
    ],
    ids=lambda messages: json.dumps(messages)[:60],
)
def test_a_text_that_cannot_be_taken_out_cleanly_leaves_the_call_exact_only(messages):
    body = {"model": "gpt-x", "messages": messages}
    assert fuzzy_part(body, SCOPE) is None
    assert key(body)


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": {}}, {"messages": "Hi"}], ids=repr)
def test_a_body_without_messages_is_exact_only(body):
    assert fuzzy_part(body, SCOPE) is None


def test_what_stands_for_the_text_cannot_be_forged():
    forged = chat({"role": "user", "content": {"reprise": "last user text"}})
    assert key(forged) != compat(chat("Hi"))
    assert compat(chat("last user text")) == compat(chat("Hi"))


def test_taking_the_text_out_leaves_the_body_as_it_was():
    body = chat({"role": "user", "content": [{"type": "text", "text": "Hi"}]})
    before = json.dumps(body)
    key(body)
    compat(body)
    assert json.dumps(body) == before
