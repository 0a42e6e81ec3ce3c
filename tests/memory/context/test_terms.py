"""Words are compared by their stems, and what cannot be one of a prompt's is not stemmed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memory.context.terms import shared, terms

WORDS = "backup backups backed Décisions decision l'école user's users rock'n'roll it''s happy happily dying die skies"
PARTS = st.sampled_from(
    [*WORDS.split(), "élan", "ΣΊΣΥΦΟΣ", "東京", "v2", "11", "1", "_", "-", "’", "'", " ", "\n", "x" * 60]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=30).map("".join), st.lists(PARTS).map(" ".join))


@given(TEXTS, TEXTS)
@example("decision", "Décisions")
@example("roll rock", "rock'n'roll")
@example("ups", "backups backup's-ups")
@example("a 1 x", "a 1 x " * 900)
def test_what_is_shared_is_what_both_have(prompt, text):
    words = terms(prompt)
    assert shared(words, text) == len(words & terms(text)), "as if all of the text were stemmed"


@pytest.mark.parametrize(
    "forms",
    [
        "decision decisions",
        "version versions",
        "session sessions",
        "option options",
        "permission permissions",
        "button buttons",
        "client clients",
        "content contents",
        "document documents documented documenting",
        "generate generated generating generation",
        "apply applies applied applying",
        "buffer buffers buffered buffering",
        "utilise utilisons utiliser utilisation utilisez utilisait",
        "préfère préférons préférence préférer",
        "facture factures facturation facturons",
        "réunion réunions",
        "déploie déploiement déploiements",
    ],
)
def test_forms_of_a_word_have_one_stem(forms):
    assert len({terms(form) for form in forms.split()}) == 1, {form: set(terms(form)) for form in forms.split()}


@pytest.mark.parametrize(("one", "other"), [("content", "continue"), ("client", "climate"), ("server", "session")])
def test_other_words_have_others(one, other):
    assert terms(one).isdisjoint(terms(other)), "they are about something else"


def test_threads_do_not_spoil_each_others_stems():
    words = [f"{first}{second}ations" for first in ("plan", "gest", "form", "rel") for second in "abcdefghijklmno"]
    alone = [terms(word) for word in words]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(terms, [f"{word} {word}" for word in words * 40]))
    assert found == alone * 40, "the stemmer keeps its letters in itself"
