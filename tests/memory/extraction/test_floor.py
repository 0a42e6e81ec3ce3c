"""The seven rules that are the least every extractor finds."""

from __future__ import annotations

import pytest

from tests.memory.extraction.support import contents, found


@pytest.mark.parametrize("level", range(1, 7))
@pytest.mark.parametrize("mark", [":", " -", " —", " –"])
@pytest.mark.parametrize(
    ("word", "rule", "memory_type"),
    [
        ("Decision", "decision_heading", "adaptation"),
        ("Constraint", "constraint_heading", "project"),
        ("Requirement", "requirement_heading", "project"),
        ("Fact", "fact_heading", "knowledge"),
    ],
)
def test_headings(level: int, mark: str, word: str, rule: str, memory_type: str) -> None:
    answer = f"Here it is.\n\n{'#' * level} {word}{mark} exports run at night.\n\nBye."
    (one,) = found("Write it down.", answer)
    assert (one.rule, one.memory_type) == (rule, memory_type), "another rule or type"
    assert one.content == "exports run at night", "punctuation at the end is stripped"
    assert answer[one.start : one.end] == "exports run at night.", "the place is not that of the text"
    assert (one.role, one.confidence) == ("assistant", 0.5), "role or confidence"


def test_headings_of_the_user_count_too() -> None:
    (one,) = found("## Decision: ship on Mondays")
    assert (one.rule, one.role) == ("decision_heading", "user"), "a user's heading was passed over"


def test_a_heading_that_only_names_a_topic_gives_what_stands_below() -> None:
    answer = "## Decision: Retention\n\nLogs are kept for 90 days.\n- Backups for a year\n\n## Other\n\nNothing."
    assert contents("Note it.", answer) == ["Logs are kept for 90 days", "Backups for a year"], "not the lines below"


@pytest.mark.parametrize(
    ("prompt", "rule", "memory_type", "said"),
    [
        ("I prefer dark roast.", "preference_sentence", "preference", "The user prefers dark roast"),
        ("Honestly I really prefer dark roast!", "preference_sentence", "preference", "The user prefers dark roast"),
        ("I prefer my tea weak.", "preference_sentence", "preference", "The user says: I prefer my tea weak"),
        (
            "We decided to drop the beta channel.",
            "decided_to_sentence",
            "adaptation",
            "Decided to drop the beta channel",
        ),
        (
            "the requirement is that logs stay local",
            "requirement_sentence",
            "project",
            "The requirement is that logs stay local",
        ),
        (
            "The requirement is a nightly export.",
            "requirement_sentence",
            "project",
            "The requirement is a nightly export",
        ),
    ],
)
def test_sentences_of_the_user(prompt: str, rule: str, memory_type: str, said: str) -> None:
    (one,) = found(prompt)
    assert (one.rule, one.memory_type, one.content) == (rule, memory_type, said), "not the floor's finding"


@pytest.mark.parametrize(
    ("answer", "rule", "said"),
    [
        ("The user prefers dark roast.", "preference_sentence", "The user prefers dark roast"),
        ("You decided to drop the beta channel.", "decided_to_sentence", "Decided to drop the beta channel"),
        ("We decided to drop the beta channel.", "decided_to_sentence", "Decided to drop the beta channel"),
        ("The requirement is that logs stay local.", "requirement_sentence", "The requirement is that logs stay local"),
    ],
)
def test_sentences_of_the_answer(answer: str, rule: str, said: str) -> None:
    (one,) = found("What do we know?", answer)
    assert (one.rule, one.role, one.content) == (rule, "assistant", said), "not the floor's finding"


@pytest.mark.parametrize(
    "answer", ["I prefer dark roast.", "Personally I always prefer dark roast, and so should you."]
)
def test_an_assistants_own_preference_is_never_the_users(answer: str) -> None:
    assert contents("Which roast?", answer) == [], "the assistant's own taste was taken for the user's"


def test_an_assistants_own_decision_is_none() -> None:
    assert contents("Why a loop?", "I decided to write a loop because it reads better.") == [], (
        "not the user's decision"
    )


def test_user_turns_are_read_not_only_answers() -> None:
    (one,) = found("I prefer window seats, always.", "Noted, you prefer the window.")
    assert one.role == "user", "the user's own words were not read"


def test_a_preference_for_the_errand_at_hand_is_none() -> None:
    before = [("user", "Find me a flight to Oslo"), ("assistant", "Do you want economy or business?")]
    assert contents("I prefer economy.", before=before) == [], "a wish for one booking was kept"
    assert contents("I always prefer economy.", before=before) != [], "a lasting one was not"


@pytest.mark.parametrize(
    "prompt",
    [
        "I prefer this one.",
        "We haven't decided to move.",
        "He decided to leave.",
        "Why did they decide, and who decided to pay?",
        "If we decided to move, who would pay?",
        "Tell her that we decided to move.",
        "Do you think I prefer tea?",
        'Translate "I prefer tea" to Welsh.',
    ],
)
def test_floor_sentences_that_are_not_meant(prompt: str) -> None:
    assert contents(prompt) == [], "a question, hypothesis, quotation or another's decision was kept"


@pytest.mark.parametrize("prompt", ["Give me a template of a design note.", "What should a design note contain?"])
def test_headings_of_a_template_are_no_decisions(prompt: str) -> None:
    assert contents(prompt, "## Decision: choose an owner\n## Fact: name the budget") == [], "advice was kept"
