"""Limits, one per text, and nothing that an active memory already says."""

from __future__ import annotations

import dataclasses

import pytest

from memory.extraction import EXTRACTOR, MOST, admit
from memory.memories.memory import LEAST_CHARS, MOST_CHARS, Candidate
from tests.memory.extraction.support import contents, found, memory


def candidate(content: str, rule: str = "habit", memory_type: str = "preference") -> Candidate:
    return Candidate(memory_type, content, rule, "user", 0, len(content))  # type: ignore[arg-type]


def test_whitespace_is_collapsed_and_punctuation_at_the_end_stripped() -> None:
    (one,) = found("## Decision:   paint   the\u00a0barn\u200b red ...!")
    assert one.content == "paint the barn red", "not as a person may see it"


@pytest.mark.parametrize(
    ("chars", "kept"), [(LEAST_CHARS - 1, 0), (LEAST_CHARS, 1), (MOST_CHARS, 1), (MOST_CHARS + 1, 0)]
)
def test_length(chars: int, kept: int) -> None:
    text = ("ab " * MOST_CHARS)[: chars - 1] + "x"
    assert len(contents(f"## Decision: {text}")) == kept, "the limits are 8 and 280 characters"


def test_one_per_type_text_and_rule() -> None:
    assert len(contents("## Decision: paint it red\n## Decision: Paint it  RED!")) == 1, "one text twice"
    assert len(contents("## Decision: paint it red\n## Fact: paint it red")) == 2, "two rules"


def test_at_most_fifty_a_pass() -> None:
    prompt = "\n".join(f"## Decision: barn number {number} is red" for number in range(80))
    assert len(found(prompt)) == MOST == 50, "the reviewer is protected"


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    (text,) = contents("We use Vault for secrets, " + ", ".join(f"and also part number {n}" for n in range(40)) + ".")
    assert len(text) <= MOST_CHARS, "too long"
    assert text.startswith("We use Vault for secrets"), "its head is lost"


@pytest.mark.parametrize(
    ("known", "said", "kept"),
    [
        ("The user prefers dark roast", "The user prefers dark roast", 0),
        ("the user prefers DARK roast.", "The user prefers dark roast", 0),
        ("The user prefers dark roast, ground coarse", "The user prefers dark roast", 0),
        ("dark roast", "The user prefers dark roast", 0),
        ("The user prefers dark roast", "The user prefers dark roast from small farms in Peru", 1),
        ("The user prefers dark chocolate", "The user prefers dark roast", 1),
        ("art is fun", "The user prefers a start", 1),
    ],
)
def test_what_an_active_memory_says_is_dropped(known: str, said: str, kept: int) -> None:
    assert len(admit([candidate(said)], [memory(known)])) == kept, "containment counts, by whole words"


def test_only_active_memories_of_the_type_and_project_count() -> None:
    one = candidate("The user prefers dark roast")
    same = memory("The user prefers dark roast", project="cafe")
    assert admit([one], [dataclasses.replace(same, status="candidate")]) == [one], "a candidate says nothing yet"
    assert admit([one], [dataclasses.replace(same, memory_type="project")]) == [one], "another type"
    assert admit([one], [same], project="barn") == [one], "another project"
    assert admit([one], [same], project="cafe") == [], "its own project"
    assert admit([one, one], []) == [one], "one per type, text and rule"


def test_the_extractor_has_a_version() -> None:
    assert EXTRACTOR == "rules/2", "a change of the rules needs another one, so that batches run again"
