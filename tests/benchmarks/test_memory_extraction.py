"""The scoring of extraction, on interactions of our own."""

from __future__ import annotations

from typing import Any

from benchmarks.memory.extraction import figures, probes, report, score


def row(prompt: str, response: str = "Fine.", memories: Any = (), junk: Any = (), **parts: Any) -> dict[str, Any]:
    before = parts.get("before", [])
    messages = [*before, {"role": "user", "content": prompt}]
    return {
        "id": "t1",
        "area": "home",
        "lang": "en",
        "messages": messages,
        "response": response,
        "injected": "",
        "memories": list(memories),
        "junk": list(junk),
    }


BARN = {"memory_type": "preference", "content": "Prefers red barns.", "span": "I prefer red barns", "role": "user"}


def test_a_find_that_covers_the_span_is_true() -> None:
    one = score(row("Hi. I prefer red barns.", memories=[BARN]))
    assert one.covered == {0}, "the span was not covered"
    assert (len(one.hits), one.false, one.doubles) == (1, [], []), "one true find"
    assert figures([one]).precision == figures([one]).recall == 1.0, "all is found and right"


def test_a_find_elsewhere_is_false_and_lowers_both() -> None:
    one = score(row("We use Vault. My barn is odd, red barns for me.", memories=[{**BARN, "span": "red barns for me"}]))
    assert (figures([one]).true, figures([one]).false) == (0, 1), "one false find"
    assert (figures([one]).precision, figures([one]).recall) == (0.0, 0.0), "nothing is right"


def test_the_answers_repetition_is_a_duplicate() -> None:
    one = score(
        row("We decided to paint red barns.", "You decided to paint red barns.", [{**BARN, "span": "paint red barns"}])
    )
    assert (len(one.hits), one.false) == (1, []), "the user's wording is the find"


def test_another_type_is_counted_apart() -> None:
    one = score(row("I prefer red barns.", memories=[{**BARN, "memory_type": "project"}]))
    assert (figures([one]).true, figures([one]).wrong_type) == (1, 1), "found, with another type"


def test_known_statements_put_everywhere_are_not_taken_again() -> None:
    asked, taken = probes([row("x", memories=[BARN])])
    assert asked == 64, "seven shapes in four places and four re-sent ones, for span and content"
    assert taken == [], "a known statement was extracted"


def test_the_report_holds_every_group() -> None:
    rows = [row("I prefer red barns.", memories=[BARN]), row("We use Vault.", junk=["We use Vault."])]
    found = report(rows)
    assert set(found["groups"]) == {"all", "area home", "lang en", "role user", "role assistant"}, "groups"
    assert found["groups"]["all"]["precision"] == 0.5, "one of two is right"
    assert found["junk"] == 1, "the false find is labelled junk"
    assert found["rules"]["preference_sentence"] == {"true": 1, "type": 0}, "figures per rule"
