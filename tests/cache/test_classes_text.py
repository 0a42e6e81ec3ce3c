"""What of a text is judged, in which words, and what the rules and the learned weights reach on examples of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cache.classes import classes_of, learned
from cache.classes.asked import END_CHARS, SENTENCES, WHOLE_CHARS, asked, judged, read
from cache.classes.private import private
from cache.policy import DEFAULT_CLASSES, Policy
from tests.fakes import chat

EXAMPLES = [
    json.loads(line)
    for line in (Path(__file__).parent / "classes_examples.jsonl").read_text(encoding="utf-8").splitlines()
]
REPORT = (
    "The harbour board met to hear the latest news of the storm. Remind me, said one member, what time is it? "
    "Nobody knew. They tossed a coin, set an alarm and asked after my account of the week. "
)
CODE = "def now():\n    # what time is it right now? show my balance\n    return clock.current_time()\n"


def bypassed(text):
    return any(not DEFAULT_CLASSES[name] for name in classes_of(chat(text), Policy()))


# ---- what is judged


def test_a_short_text_is_judged_whole():
    assert judged("Set it. Is it Tuesday?") == (["set it.", "is it tuesday?"], True), "both sentences, lower case"


def test_of_many_sentences_the_first_and_the_last_are_judged():
    sentences, whole = judged("One. Two. Three. Four. Five. Six.")
    assert sentences == ["one.", "two.", "three.", "six."], "the first three and the last"
    assert len(sentences) == SENTENCES, "as many as are promised"
    assert not whole, "two sentences were left out"


def test_of_a_long_text_the_first_and_the_last_sentence_are_judged():
    text = f"Read the report. {REPORT * 5} Who wrote it?"
    assert judged(text) == (["read the report.", "who wrote it?"], False), "nothing from between"


def test_of_a_long_text_only_what_asks_is_judged():
    assert judged(f"The latest news came in. {REPORT * 5} That was all.") == ([], False), "a document asks for nothing"


def test_a_sentence_without_end_is_not_judged():
    assert judged("word " * WHOLE_CHARS) == ([], False), f"no sentence of up to {END_CHARS} characters"


def test_after_a_request_for_work_on_a_text_its_last_sentence_is_not_judged():
    text = f"Summarize this report:\n{REPORT * 5}\nTurn the lights on."
    assert asked(text) == (), "the last line belongs to the report"


@pytest.mark.parametrize(
    "body", [REPORT * 20, CODE * 60, f"```python\n{CODE * 60}```"], ids=["prose", "code", "fenced"]
)
def test_words_in_the_middle_of_a_long_body_count_for_nothing(body):
    assert asked(f"Review this and list its faults.\n\n{body}\n\nThank you for the care.") == (), "a body of many words"


def test_a_request_after_a_long_body_counts():
    assert "own-data" in asked(f"{REPORT * 20}\n\nUnrelated: what is my savings account balance?"), "it stands last"


def test_fenced_code_is_not_read_in_a_short_text_either():
    assert asked(f"What does this print?\n```\n{CODE}```") == (), "the words stand in code"


def test_no_text_belongs_to_no_class():
    assert asked("") == (), "nothing is asked"
    assert asked("```") == (), "nothing but a fence"


# ---- rules


@pytest.mark.parametrize(
    "text",
    [
        "The volume should be turned down",
        "I no longer need the reservation",
        "help me find my phone",
        "Tell Maria I'm on my way",
        "Can I get a taxi to the airport?",
        "yes please",
        "Never mind, forget it",
        "What did you say?",
    ],
)
def test_orders_come_in_many_forms(text):
    assert "action" in asked(text), "the assistant is to do something"


@pytest.mark.parametrize(
    "text",
    [
        "How many vacation days do I have left?",
        "Why was my card declined at the shop?",
        "Is there a pharmacy near me?",
        "I want to know my credit limit",
        "status of my application",
    ],
)
def test_questions_after_the_askers_own_state_come_in_many_forms(text):
    assert "own-data" in asked(text), "only the asker's own records can tell"


@pytest.mark.parametrize(
    "text",
    [
        "Wie ist das Wetter heute?",
        "Quel est le solde de mon compte ?",
        "今何時ですか",
        "Какая сегодня погода?",
        "¿Cómo puedo cambiar mi contraseña?",
    ],
)
def test_other_languages_are_not_judged(text):
    assert asked(text) == (), "rules and weights know English"


def test_a_question_mark_and_capitals_change_nothing_for_the_weights():
    plain, marked = read("what is on my calendar for friday"), read("What is on my calendar for Friday?")
    scores = [learned.score(reading.text, reading.marks) for reading in (plain, marked)]
    assert scores[0] == scores[1], "they tell the writer, not what is asked"


# ---- learned weights


def test_features_are_words_pairs_and_signs():
    found = list(learned.features("set 2 alarms, set 2", {"told"}))
    assert found == ["set", "0", "alarms", "set 0", "0 alarms", "alarms set", "^set", "^set 0", "=told", "#1"], (
        "each counts once, numbers are alike"
    )


def test_words_that_are_mostly_unknown_are_not_judged():
    assert learned.knows("set an alarm"), "plain English"
    assert not learned.knows("zxcv qwert an"), "one known word of three"
    assert not learned.knows(""), "no words at all"


def test_the_cut_lies_above_the_score_below_which_rules_are_overruled():
    assert learned.KEEP < 0 < learned.CUT, "between them the rules decide"
    assert learned.HELP_MARGIN > 0, "where help is asked for, instructions are the likelier answer"


def test_where_no_rule_places_a_text_the_weights_name_a_class():
    assert learned.name("my balance", {"mine"}) == "own-data", "the asker's own"
    assert learned.name("turn it up", {"told"}) == "action", "an order"


# ---- private


def test_a_text_may_hold_both_secrets_and_personal_data():
    assert private("password: hunter22 of ann@example.com") == ("secrets", "personal-data"), "both, in this order"


def test_personal_data_keeps_the_exact_tier():
    assert not bypassed("Draft a reply to ann@example.com"), "the same call may be answered again"


@pytest.mark.parametrize(
    ("number", "card"),
    [
        ("4111111111111111", True),
        ("4111 1111 1111 1111", True),
        ("5500-0000-0000-0004", True),
        ("340000000000009", True),
        ("4111111111111112", False),
        ("85632", False),
        ("4444444444444444", False),
    ],
)
def test_card_numbers_pass_luhns_check(number, card):
    assert (private(f"The number {number} it is") == ("secrets",)) is card, "the last digit is a checksum"


# ---- examples written before the rules


def test_examples_that_must_bypass_mostly_do():
    must = [row["text"] for row in EXAMPLES if row["bypass"]]
    assert sum(map(bypassed, must)) >= 57, [text[:80] for text in must if not bypassed(text)]


def test_examples_that_may_be_shared_mostly_are():
    may = [row["text"] for row in EXAMPLES if not row["bypass"]]
    assert sum(map(bypassed, may)) <= 2, [text[:80] for text in may if bypassed(text)]
