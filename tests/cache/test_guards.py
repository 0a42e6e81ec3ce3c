"""Guards: which pairs of prompts must not share an answer, and with which words that is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import guards
from cache.guards import GUARDS, Veto, check

VETOES = {
    guards.unread: [
        ("What does git branch -d do?", "What does git branch -D do?", "-D -d"),
        (r"What does \d match?", r"What does \D match?", r"\D \d"),
        ("What does == compare?", "What does === compare?", "== ==="),
        ("Explain i++ to me", "Explain ++i to me", "++i i++"),
        ("What does [a-z]+ match?", "What does [a-z]* match?", "]* ]+"),
        ("Is x > y here?", "Is x < y here?", "< >"),
        ("What does chmod u+x do?", "What does chmod u-x do?", "+"),
        ("def f():\n    a\n    b", "def f():\n    a\nb", "line 2"),
    ],
    guards.numbers: [
        ("Is 7 a prime number?", "Is 9 a prime number?", "7 9"),
        ("What happened in 1914?", "What happened in 1918?", "1914 1918"),
        ("Convert 1,000 metres", "Convert 1,001 metres", "1000 1001"),
        ("What is 7+5?", "What is 7-5?", "+5 -5"),
        ("What is 7 + 5?", "What is 7 - 5?", "+5 -5"),
        ("What is 7 * 5?", "What is 7 ÷ 5?", "*5 ÷5"),
        ("Is x > 3?", "Is x < 3?", "<3 >3"),
        ("What is 2.5 squared?", "What is 2.6 squared?", "2.5 2.6"),
        ("Is it -5 degrees?", "Is it 5 degrees?", "-5 5"),
        ("Meet at 10:30", "Meet at 10:45", "10:30 10:45"),
        ("Born 3/4/1990", "Born 4/3/1990", "3/4/1990 4/3/1990"),
        ("Fix issue 17 in 2.0", "Fix issue 17", "2.0"),
        ("Name five rivers", "Name six rivers", "5 6"),
        ("Name 5 rivers", "Name six rivers", "5 6"),
        ("Is it open on Monday?", "Is it open on Sunday?", "monday sunday"),
        ("Rain in March", "Rain in April", "april march"),
        ("Half of it", "Double of it", "double half"),
        ("Who came second?", "Who came third?", "second third"),
        ("Add 2 and 2", "Add 2", "2"),
        ("Is 10.0.0.1 private?", "Is 10.0.0.2 private?", "10.0.0.1 10.0.0.2"),
    ],
    guards.units: [
        ("How long is a marathon in km?", "How long is a marathon in miles?", "km mi"),
        ("Boil at which celsius?", "Boil at which fahrenheit?", "celsius fahrenheit"),
        ("Price in dollars", "Price in euros", "eur usd"),
        ("Ten grams of salt", "Ten ounces of salt", "g oz"),
        ("How many weeks is that?", "How many days is that?", "days weeks"),
    ],
    guards.negation: [
        ("Which birds can fly?", "Which birds cannot fly?", "cannot"),
        ("Is it legal?", "Is it not legal?", "not"),
        ("Why does it work?", "Why doesn't it work?", "doesn't"),
        ("Why does it work?", "Why doesn’t it work?", "doesn't"),
        ("Coffee with milk", "Coffee without milk", "without"),
        ("All days except one", "All days and one", "except"),
    ],
    guards.opposites: [
        ("How do I enable two-factor login?", "How do I disable two-factor login?", "disable/enable"),
        ("Turn the fan on", "Turn the fan off", "off/on"),
        ("What comes before it?", "What comes after it?", "after/before"),
        ("Which is the cheapest plan?", "Which is the most expensive plan?", "cheapest/expensive"),
        ("Its pros", "Its cons", "cons/pros"),
        ("What is ten plus two?", "What is ten minus two?", "minus/plus"),
        ("INCREASE the limit", "decrease the limit", "decrease/increase"),
    ],
    guards.quoted: [
        ('What does "flummox" mean?', 'What does "bemuse" mean?', "bemuse flummox"),
        ("What does `git add` do?", "What does `git rm` do?", "git add git rm"),
        ("Translate “hello”", "Translate “goodbye”", "goodbye hello"),
        ("Spell 'cat'", "Spell 'dog'", "cat dog"),
        ('Say "a"', "Say something", "a"),
    ],
    guards.form: [
        ("Answer in JSON", "Answer in YAML", "json yaml"),
        ("Translate it to French", "Translate it to German", "french german"),
        ("Sort a list in Python", "Sort a list in Rust", "python rust"),
        ("Explain it briefly", "Explain it", "briefly"),
        ("As a table", "As bullets", "bullets table"),
    ],
    guards.order: [
        ("A dog bites a man", "A man bites a dog", "a dog bites a man"),
        ("Flights from Paris to London", "Flights from London to Paris", "flights from paris to london"),
        ("What is 10 minus 5?", "What is 5 minus 10?", "10 5"),
        ("Divide 12 by 3", "Divide 3 by 12", "12 3"),
        ("Is 9.9 more than 9.11?", "9.11 is not as much as 9.9?", "9.9 9.11"),
    ],
    guards.names: [
        ("What is the capital of France?", "What is the capital of Spain?", "france spain"),
        ("Who directed Alien?", "Who directed Jaws?", "alien jaws"),
        ("Is the (Apple) share rising?", "Is the (Google) share rising?", "apple google"),
    ],
}


@pytest.mark.parametrize(
    ("guard", "new", "stored", "words"), [(guard, *row) for guard, rows in VETOES.items() for row in rows]
)
def test_a_guard_vetoes_and_says_which_words_made_it(guard, new, stored, words):
    assert guard(new, stored) == Veto(guard.__name__, words)


@pytest.mark.parametrize(("new", "stored"), [row[:2] for rows in VETOES.values() for row in rows])
def test_a_vetoed_pair_is_vetoed_by_the_whole_set_in_either_direction(new, stored):
    assert check(new, stored) is not None
    assert check(stored, new) is not None


def test_every_guard_is_in_the_table_above():
    assert set(GUARDS) == set(VETOES)


def test_the_first_guard_to_object_is_the_one_that_is_named():
    assert check("Enable 2 users", "Disable 3 users") == Veto("numbers", "2 3")


HARMLESS = [
    ("What is the capital of France?", "what's the capital of France"),
    ("What is the capital of France?", "Tell me, what is the capital of France please"),
    ("What is the capital of France?", "Which city is France's capital?"),
    ("What is the capital of France?", "What is France’s capital city?"),
    ("How do I reset my password?", "I forgot my password, how can I reset it?"),
    ("How do I log in?", "How do I sign in?"),
    ("Name five rivers", "Name 5 rivers"),
    ("1,000 users", "1000 users"),
    ("Is it done in 2020?", "Is it done in 2020."),
    ("What is 2+2?", "what is 2 + 2"),
    ("When did covid-19 begin?", "When did covid 19 begin?"),
    ("What can GPT-4 do?", "What can GPT 4 do?"),
    ("Ten km in miles", "Ten kilometres in mile"),
    ("Price in USD", "Price in dollars"),
    ("Why can't I log in?", "Why cannot I log in?"),
    ("Why doesn't it work", "Why does it not work"),
    ("What does 'foo' mean?", 'What does "foo" mean?'),
    ("Who directed Alien?", "who was Alien directed by"),
    ("HOW DO I BOIL AN EGG", "how do i boil an egg"),
    ("How do I boil an egg?!", "How do I boil an egg"),
    ("The dog's bowl", "The dog’s bowl"),
    ("I'm Ann and I know that", "It is what I know as Ann"),
    ("Über straße", "über straße"),
    ("", ""),
]


@pytest.mark.parametrize(("new", "stored"), HARMLESS)
def test_another_wording_of_the_same_question_is_not_vetoed(new, stored):
    assert check(new, stored) is None
    assert check(stored, new) is None


def test_a_name_at_the_start_of_a_sentence_is_not_taken_for_one():
    assert guards.names("Hello. Please go on", "Hi. Now go on") is None


def test_a_name_that_only_one_text_holds_is_no_veto():
    assert guards.names("Is the shop open?", "Is the Berlin shop open?") is None


def test_a_name_written_small_in_the_other_text_is_the_same_name():
    assert guards.names("the capital of France", "the capital of france or Spain") is None


def test_opposites_that_both_texts_hold_do_not_count():
    assert guards.opposites("Turn it on, then off", "Turn it off and later on") is None


def test_an_apostrophe_does_not_quote():
    assert guards.quoted("Ann's and Bob's dogs", "the dogs of Ann and Bob") is None


TEXTS = st.lists(
    st.sampled_from(
        "is the Paris London 5 7 -3 five not on off km miles json French 'a' \"b\" `c` “d” a b ? . ’s I'm".split(" ")
    ),
    max_size=8,
).map(" ".join) | st.text(max_size=20)


@given(text=TEXTS)
def test_a_text_is_never_vetoed_against_itself(text):
    assert check(text, text) is None


@given(new=TEXTS, stored=TEXTS)
def test_a_veto_holds_in_both_directions(new, stored):
    assert (check(new, stored) is None) is (check(stored, new) is None)


@pytest.mark.timeout(30)  # a pattern that grows with the square of the text needs a minute and more
@pytest.mark.parametrize("piece", ['"', "'", " 'a", "`", "“", "”", "1.", "1 ", "-", "a", "a'", "’s ", "\n"], ids=repr)
def test_a_hostile_text_is_judged_in_time(piece):
    text = piece * (60_000 // len(piece))
    assert check(text, text) is None
