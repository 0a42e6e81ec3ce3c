"""What holds for every text."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from memory.extraction import extract, fresh
from memory.extraction.masks import mask
from memory.extraction.restated import Known
from memory.extraction.sentences import sentences
from memory.extraction.statements import RULES
from memory.memories.memory import LEAST_CHARS, MOST_CHARS
from tests.memory.extraction.support import record

PIECES = (
    "we use I prefer never always our barn the deadline is 3 May decided to requirement on a décidé je préfère if"
    " forget that my wife , . ? ! : - # ## > * ** ` ``` ' \" « » ( ) \n \n\n 1. Decision: Fact - \u200b \ud800"
    " translate Dear x, é 🙂"
).split(" ")
texts = some.lists(some.sampled_from(PIECES), max_size=60).map(" ".join) | some.text(max_size=300)


@settings(max_examples=60, deadline=None)
@given(prompt=texts, response=texts, earlier=texts)
def test_places_limits_and_no_error(prompt: str, response: str, earlier: str) -> None:
    before = [("system", earlier), ("assistant", earlier)]
    once = extract(fresh(record(prompt, response, before=before, injected=earlier)))
    for one in once:
        text = prompt if one.role == "user" else response
        assert 0 <= one.start < one.end <= len(text), "the place is outside the text"
        assert LEAST_CHARS <= len(one.content) <= MOST_CHARS, "the content is too short or too long"
    again = extract(fresh(record(prompt, response, before=before, injected=earlier)))
    assert again == once, "a second pass finds something else"


@settings(max_examples=60, deadline=None)
@given(texts)
def test_sentences_stand_where_they_say(text: str) -> None:
    end = 0
    for line in sentences(text):
        assert text[line.start : line.end] == line.text, "the text is not that of the place"
        assert len(line.plain) == len(line.text), "the blotted text has another length"
        assert line.start >= end, "sentences overlap"
        end = line.end


@settings(max_examples=60, deadline=None)
@given(texts)
def test_blotting_moves_nothing(text: str) -> None:
    assert len(mask(text)) == len(text), "the length changed"


@settings(max_examples=60, deadline=None)
@given(texts)
def test_a_sentence_is_known_from_its_own_text(text: str) -> None:
    known = Known([text])
    worded = [line.text for line in sentences(text) if re.search(r"[^\W_]", line.text)]
    assert all(known.holds(line, 1.0) for line in worded), "not recognised"


def calls_during(work: Callable[[], object]) -> int:
    """Python calls made by some work: a count that no machine's speed changes."""
    count = 0

    def see(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "piece", ['"a ', "« ", "we use it, ", "I prefer a.\n", "# Decision: b\n", "<memory>", "- always x\n"]
)
def test_work_grows_with_the_length(piece: str) -> None:
    def work(times: int) -> int:
        text = piece * times
        return calls_during(lambda: extract(fresh(record(text, text))))

    short, long = work(100), work(400)
    assert long <= 6 * short + 2000, "four times the text took more than six times the steps"


def test_a_megabyte_costs_no_more_than_what_is_read() -> None:
    text = "We use Vault, and our barn is red. " * 30_000
    assert len(text) > 1_000_000, "the text is long"
    whole = calls_during(lambda: extract(fresh({"prompt": text})))
    head = calls_during(lambda: extract(fresh({"prompt": text[:20_000]})))
    assert whole <= head + 1000, "what is beyond the limit was read"


def test_rules_have_names_and_types() -> None:
    assert len(RULES) > 50, "both languages are there"
    assert all(re.fullmatch(r"[a-z_]{3,24}", rule.name) for rule in RULES), "a name is odd"
