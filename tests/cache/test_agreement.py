"""Do two answers say the same? What each rule decides, and what holds for any two answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from benchmarks.agreement import EXAMPLES, body_of, half_of
from cache.agreement import FALSE_DIFFERENT, FALSE_SAME, UNTOLD_DIFFERENT, UNTOLD_SAME, compare
from cache.agreement.code import outline
from cache.agreement.facts import conflict, facts_of, polarity
from cache.agreement.reading import plain
from store.embedder import EmbedderSpec, load_embedder

DIMENSION = 4096
LARGER = "func Larger(x, y int) int {\n if x > y { return x }\n return y\n}"
JSON_VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)


def words_embed(texts):
    """A bag of words: enough of an embedder to tell the same words from other words."""
    rows = np.full((len(texts), DIMENSION), 1e-6)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().split():
            row[sum(map(ord, word.strip(".,"))) * 31 % DIMENSION] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def no_embed(texts):
    raise AssertionError("nothing needs to be embedded here")


def said(a, b, embed=words_embed):
    """The verdict on two texts or messages."""
    return compare(body_of(a), body_of(b), embed)


def calls(*functions):
    """A message that calls tools, given as (name, arguments)."""
    made = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(functions)
    ]
    return {"content": None, "tool_calls": made}


# Equality


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Paris.", "paris"),
        ("**Paris**", "Paris."),
        ("- red\n- blue", "* red\n* blue"),
        ("1. Open it.\n2. Close it.", "Open it.\nClose it."),
        ("It’s “fine”", 'It\'s "fine"'),
    ],
)
def test_markup_case_and_a_closing_stop_are_no_difference(a, b):
    verdict = said(a, b, no_embed)
    assert (verdict.same, verdict.method) == (True, "exact"), "only the marks differ"


def test_code_is_equal_with_its_case_and_signs_only():
    assert said("Run `ls -A`", "Run `ls -a`").same is not True, "case means something in code"


@pytest.mark.parametrize("reason", ["length", "content_filter", None])
def test_an_unfinished_answer_tells_nothing(reason):
    broken = {"choices": [{"message": {"content": "The capital of"}, "finish_reason": reason}]}
    assert compare(broken, body_of("Paris."), no_embed).same is None, "an unfinished answer is no evidence"
    assert compare(body_of("Paris."), broken, no_embed).same is None, "nor is it on the other side"


def test_text_that_breaks_off_tells_nothing():
    whole = "Put the eggs in a pot and cover them with cold water. Bring to a boil and wait."
    assert said(whole, whole[:60]).same is None, "the beginning of an answer is neither the same nor another"


def test_only_the_first_choice_is_compared():
    one, two = body_of("Paris."), body_of("Paris.")
    two["choices"].append({"index": 1, "message": {"content": "Lyon."}, "finish_reason": "stop"})
    assert compare(one, two, no_embed).same is True, "a second choice is not looked at"


def blind_embed(texts):
    """An embedder that reads nothing: all texts are alike to it."""
    return np.full((len(texts), 1), 1.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("北京是中国的首都。它是一座很大的城市。", "东京是日本的首都。它是一座很古老的城市。"),
        ("Москва - столица России, большой город.", "Киев - столица Украины, древний город."),
        ("word " * 3000 + "one", "word " * 3000 + "other"),
        (("a sentence here. " * 80 + "\n") * 2, ("a sentence there. " * 80 + "\n") * 2),
    ],
)
def test_what_the_embedder_does_not_read_whole_is_never_the_same(a, b):
    assert said(a, b, blind_embed).same is not True, "a similarity of what was not read says nothing"


# Tools, JSON, code


def test_tool_calls_are_equal_by_name_and_arguments():
    one = calls(("weather", '{"city": "Oslo", "days": 2}'), ("time", "{}"))
    two = calls(("time", ""), ("weather", '{"days": 2.0, "city": "Oslo"}'))
    assert said(one, two, no_embed).same is True, "key order, ids and the order of parallel calls mean nothing"


@pytest.mark.parametrize(
    "other",
    [
        calls(("weather", '{"city": "Bergen"}')),
        calls(("forecast", '{"city": "Oslo"}')),
        calls(("weather", '{"city": "Oslo"}'), ("weather", '{"city": "Oslo"}')),
        calls(("weather", '{"city": "Oslo"')),
        "It is sunny in Oslo.",
    ],
)
def test_other_tool_calls_differ(other):
    assert said(calls(("weather", '{"city": "Oslo"}')), other, no_embed).same is False, "another call was made"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ('{"a": 1, "b": [1, 2]}', '```json\n{"b": [1, 2.0],\n "a": 1}\n```', True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": true}', '{"a": 1}', False),
        ('{"a": "Yes"}', '{"a": "yes."}', True),
        ('{"a": "red"}', '{"a": "blue"}', False),
        ('{"a": 1}', '{"a": 1, "b": 2}', None),
        ('{"a": 1}', '{"a": 2, "b": 2}', False),
        ('["x", "y"]', '["y", "x"]', None),
        ('["x", "y"]', '["x", "z"]', False),
        ('{"label": "spam", "confidence": 0.91}', '{"label": "spam", "confidence": 0.88}', True),
        ('{"label": "spam"}', "It is spam, I am afraid to say.", False),
    ],
)
def test_json_is_compared_as_json(a, b, same):
    assert said(a, b).same is same, "keys have no order, values and the order of a list do"


@pytest.mark.parametrize(
    ("language", "a", "b"),
    [
        ("python", "def f(a):\n    return a + 1", 'def up(n: int) -> int:\n    """Add."""\n    return n + 1  # one'),
        (
            "js",
            "const sum = (xs) => xs.reduce((a, b) => a + b, 0);",
            "const f = (list) => list.reduce((x, y) => x + y, 0)",
        ),
        ("go", "func Max(a, b int) int { if a > b { return a }; return b }", LARGER),
        ("sql", "SELECT * FROM t LIMIT 3;", "select *\nfrom t\nlimit 3"),
        ("bash", "wc -l *.log", "wc  -l  *.log  # count"),
    ],
)
def test_code_is_the_same_under_other_names(language, a, b):
    assert outline(a, language) == outline(b, language), "names, layout and comments change nothing"
    assert said(f"```{language}\n{a}\n```", f"Here:\n\n```{language}\n{b}\n```", no_embed).same is True, (
        "nor do they here"
    )


@pytest.mark.parametrize(
    ("language", "a", "b"),
    [
        ("python", "def f(a, b):\n    return a - b", "def f(a, b):\n    return b - a"),
        ("python", "x = load(path)\nsave(x)", "x = load(path)\ndrop(x)"),
        ("js", "const f = (a, b) => a - b;", "const f = (a, b) => b - a;"),
        ("go", "func f(a, b int) bool { return a > b }", "func f(a, b int) bool { return a < b }"),
        ("sql", "SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a ASC"),
        ("bash", "docker stop app", "docker start app"),
        ("", "git fetch origin", "git push origin"),
    ],
)
def test_code_that_does_another_thing_is_never_the_same(language, a, b):
    assert outline(a, language) != outline(b, language), "an operator, an order or a name from elsewhere differs"
    assert said(f"```{language}\n{a}\n```", f"```{language}\n{b}\n```").same is not True, "the answers differ"


# Refusals and short answers


@pytest.mark.parametrize(
    "refusal",
    [
        "I'm sorry, but I can't help with that.",
        "As an AI, I cannot do this.",
        "Sorry, something went wrong. Please try again later.",
        "Je suis désolé, je ne peux pas vous aider.",
        {"content": None, "refusal": "No."},
    ],
)
def test_a_refusal_is_not_an_answer(refusal):
    assert said(refusal, "Turn the plug slightly and lift each pin.", no_embed).same is False, (
        "one answers, one does not"
    )


def test_sympathy_is_no_refusal():
    one = "I'm sorry to hear that your parcel is late. You can claim a refund in your account."
    two = "You can claim a refund in your account. I'm sorry to hear that your parcel is late."
    assert said(one, two).same is not False, "to be sorry is not to refuse"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("36", "15% of 240 is **36**.", True),
        ("Canberra", "The capital of Australia is Canberra.", True),
        ("Emily Brontë", "Emily Brontë wrote it.", True),
        ("28 July 1914", "July 28, 1914", True),
        ("1,250", "1250", True),
        ("Yes", "Yes, we ship to Canada.", True),
        ("Yes", "No, we do not.", False),
        ("Oui.", "Non, pas le dimanche.", False),
        ("Au", "Ag", False),
        ("36", "38", False),
        ("1914", "1918", False),
        ("5 km", "5 miles", False),
        ("Spain", "Madrid is the capital of Spain.", None),
        ("John Adams", "John Quincy Adams", None),
        ("Madrid", "The capital is not Madrid.", None),
    ],
)
def test_short_answers(a, b, same):
    assert said(a, b, no_embed if same is not None else words_embed).same is same, f"{a!r} and {b!r}"


# Facts


@pytest.mark.parametrize(
    ("a", "b", "clash"),
    [
        ("It takes 3 to 5 business days.", "It takes 3-5 working days.", None),
        ("It takes 3 to 5 days.", "It takes 5 to 7 days.", "numbers"),
        ("Wait twelve minutes.", "Wait 12 minutes.", None),
        ("Wait twelve minutes.", "Wait six minutes.", "numbers"),
        ("It costs $1,250.00.", "It costs 1250 dollars.", None),
        ("It costs $49.", "It costs €49.", "units"),
        ("Bake at 180 °C.", "Bake at 180 degrees Fahrenheit.", "units"),
        ("5 mg per kilogram", "5 mg per pound", "units"),
        ("Paid every month.", "Paid every year.", "units"),
        ("From 9:00 to 18:00.", "From 9 am to 6 pm.", None),
        ("On Mondays we open.", "On Saturdays we open.", "dates"),
        ("28 July 1914", "July 28, 1914", None),
        ("It has 206 bones.", "It has bones.", None),
        ("Version 2.10.0 has it.", "v2.10.0 has it.", None),
        ("Version 2.10.0 has it.", "v2.11.0 has it.", "numbers"),
    ],
)
def test_facts(a, b, clash):
    assert conflict(facts_of(a), facts_of(b)) == clash, "numbers with their units, dates, periods"
    assert conflict(facts_of(b), facts_of(a)) == clash, "either way round"


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Yes, you can.", True),
        ("No.", False),
        ("Oui, bien sûr.", True),
        ("No information is given.", None),
        ("Norway", None),
        ("Yesterday", None),
    ],
)
def test_yes_or_no(text, lead):
    assert polarity(text) is lead, "only a word that answers is yes or no"


def test_markdown_is_taken_out():
    text = "## Title\n\n1. **Open** [this](http://x.y/z)\n\n| a | b |\n|---|---|\n| `c` | d |"
    assert plain(text).split() == ["Title", "Open", "this", "a", ",", "b", "c", ",", "d"], "the words are left"


# Any two answers

_WORDS = st.sampled_from([*"the of a not yes no Paris Berlin 3 5 days open close 12 km `x` ** # | . , !".split(), "\n"])
_TEXTS = st.one_of(
    st.text(min_size=1, max_size=60).filter(str.strip),
    st.lists(_WORDS, min_size=1, max_size=30).map(" ".join).filter(str.strip),
    st.recursive(
        JSON_VALUES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ).map(json.dumps),
)


@example_settings(max_examples=300)
@given(_TEXTS, _TEXTS)
def test_it_is_symmetric_and_never_fails(a, b):
    one, two = said(a, b), said(b, a)
    assert (one.same, one.method, one.reason) == (two.same, two.method, two.reason), "no side is special"
    assert 0 <= one.confidence <= 1, "a share"


@given(_TEXTS)
def test_an_answer_agrees_with_itself(text):
    assert said(text, text, no_embed).same is True, "the same text says the same"


@given(
    st.recursive(JSON_VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=9)
)
def test_any_body_is_compared(body):
    answer = {"choices": [{"message": {"content": body, "tool_calls": body}, "finish_reason": "stop"}]}
    assert compare(answer, body_of("Paris."), words_embed).same is not True, "what cannot be read is not the same"


# The examples


@pytest.fixture(scope="module")
def embedder(model_cache):
    return load_embedder(EmbedderSpec(), model_cache)


def test_the_measured_error_is_that_of_the_held_half(embedder):
    rows = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    counts = dict.fromkeys([(same, told) for same in (True, False) for told in (True, False, None)], 0)
    for row in rows:
        if half_of(row) == "held":
            counts[row["same"], compare(body_of(row["a"]), body_of(row["b"]), embedder.embed).same] += 1
    told = {same: counts[same, True] + counts[same, False] for same in (True, False)}
    every = {same: told[same] + counts[same, None] for same in (True, False)}
    rates = {
        "false same": (counts[False, True] / told[False], FALSE_SAME),
        "false different": (counts[True, False] / told[True], FALSE_DIFFERENT),
        "untold same": (counts[True, None] / every[True], UNTOLD_SAME),
        "untold different": (counts[False, None] / every[False], UNTOLD_DIFFERENT),
    }
    # An int8 model differs a little from one processor to another: a pair at a threshold may fall to either side.
    for name, (share, rate) in rates.items():
        assert rate.lower <= share <= rate.upper, f"{name}: {share:.3f} is not what is shipped"
