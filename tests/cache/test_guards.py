"""Guards: which pairs of prompts must not share an answer, and with which words that is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import guards
from cache.guards import GUARDS, Finding, Pair, Veto, check

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
        ("Is WHO in Geneva?", "Is who in Geneva?", "WHO who"),
        ("How fast is 1 MB?", "How fast is 1 Mb?", "MB Mb"),
        ("What does pêché mean?", "What does pèche mean?", "pèche pêché"),
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
        ("is there rain on march 3rd", "is there rain on may 3rd", "march may"),
        ("Half of it", "Double of it", "double half"),
        ("Who came second?", "Who came third?", "2 3"),
        ("Add 2 and 2", "Add 2", "2"),
        ("Is 10.0.0.1 private?", "Is 10.0.0.2 private?", "10.0.0.1 10.0.0.2"),
        ("What is new in v2 of it?", "What is new in v3 of it?", "2 3"),
        ("Where do I enter form w-4?", "Where do I enter form w-2?", "w2 w4"),
    ],
    guards.units: [
        ("How long is a marathon in kilometres?", "How long is a marathon in miles?", "km mi"),
        ("Boil at which celsius?", "Boil at which fahrenheit?", "celsius fahrenheit"),
        ("Price in dollars", "Price in euros", "eur usd"),
        ("Ten grams of salt", "Ten ounces of salt", "g oz"),
        ("How many weeks is that?", "How many days is that?", "days weeks"),
        ("May a child of 5 months eat eggs?", "May a child of 5 years eat eggs?", "months years"),
        ("Is $5 too much for it?", "Is €5 too much for it?", "eur usd"),
    ],
    guards.negation: [
        ("Which birds can fly?", "Which birds cannot fly?", "not"),
        ("Is it legal to park here?", "Is it legal not to park here?", "not"),
        ("Which metals rust?", "Which metals don't rust?", "not"),
        ("Which metals rust?", "Which metals don’t rust?", "not"),
        ("Coffee with milk", "Coffee without milk", "without"),
        ("How do I become a person who is brave?", "How do I become a person who is not brave?", "not"),
    ],
    guards.opposites: [
        ("How do I enable two-factor login?", "How do I disable two-factor login?", "disable enable"),
        ("Turn the fan on", "Turn the fan off", "off on"),
        ("Do I eat before running?", "Do I eat after running?", "after before"),
        ("Which is the cheapest plan?", "Which is the most expensive plan?", "cheapest expensive"),
        ("Its pros", "Its cons", "cons pros"),
        ("What is ten plus two?", "What is ten minus two?", "minus plus"),
        ("INCREASE the limit", "decrease the limit", "decrease increase"),
        ("What does a creditor owe?", "What does a debtor owe?", "creditor debtor"),
        ("Which metal is heavier?", "Which metal is lighter?", "heavier lighter"),
        ("How to block a contact", "How to unblock a contact", "block unblock"),
        ("How to be a careful driver", "How to be a careless driver", "careful careless"),
        ("How can I become more patient?", "How can I become less patient?", "less more"),
    ],
    guards.quoted: [
        ('What does "flummox" mean?', 'What does "bemuse" mean?', "bemuse flummox"),
        ("What does `git add` do?", "What does `git rm` do?", "git add git rm"),
        ("Translate “hello”", "Translate “goodbye”", "goodbye hello"),
        ("Spell 'cat'", "Spell 'dog'", "cat dog"),
    ],
    guards.form: [
        ("Answer in JSON", "Answer in YAML", "json yaml"),
        ("Translate it to French", "Translate it to German", "french german"),
        ("Sort a list in Python", "Sort a list in Rust", "python rust"),
        ("In Java, what is an interface?", "In Go, what is an interface?", "go java"),
        ("Explain it briefly", "Explain it", "brief"),
        ("Explain it as a table", "Explain it with bullets", "bullets table"),
        ("Explain recursion", "Explain recursion like I'm five", "simple"),
        ("Describe rain. Use a formal tone.", "Describe rain. Use a casual tone.", "casual formal"),
        ("Write a haiku about rain", "Write a limerick about rain", "haiku limerick"),
        ("Is 91 prime? Only yes or no.", "Is 91 prime? Show every step.", "yes or no"),
        ("What is rust? One sentence, please.", "What is rust? A detailed answer, please.", "detailed sentences"),
    ],
    guards.order: [
        ("A dog bites a man", "A man bites a dog", "dog man"),
        ("Is the road from A to B open?", "Is the road from B to A open?", "A b"),
        ("Can a lawyer be a judge?", "Can a judge be a lawyer?", "lawyer judg"),
        ("What is 10 minus 5?", "What is 5 minus 10?", "10 5"),
        ("Divide 12 by 3", "Divide 3 by 12", "12 3"),
        ("Is 9.9 more than 9.11?", "9.11 is not as much as 9.9?", "9.9 9.11"),
        ("Is my aunt richer than my boss?", "Is my boss richer than my aunt?", "aunt boss"),
    ],
    guards.roles: [
        ("Did Ada admire Grace?", "Was Ada admired by Grace?", "grac admir ada"),
        ("Did the dog bite the man?", "Was the dog bitten by the man?", "man bit dog"),
        ("Is it cheap to go from Oslo to Lima?", "What is cheap for going to Oslo from Lima?", "lima oslo"),
        ("My friend owes me money, what can I do?", "I owe my friend money, what can I do?", "i me owe"),
    ],
    guards.names: [
        ("Who was Mary Okafor's teacher?", "Who was Mary Lindqvist's teacher?", "lindqvist okafor"),
        ("Who directed Alien?", "Who directed Jaws?", "alien jaws"),
        ("Is the Alder shelf sold out?", "Is the Alden shelf sold out?", "alden alder"),
        ("When did Ursula Stone sing?", "When did Ursula North Stone sing?", "north stone ursula"),
    ],
    guards.language: [
        ("Who wrote Hamlet?", "Кто написал Гамлета?", "cyrillic latin"),
        ("Who is the author of it?", "¿Quién es el autor de la obra?", "English Spanish"),
        ("Wer ist der Autor?", "Qui est l'auteur de la pièce?", "French German"),
        ("ハムレットを書いたのは誰ですか", "哈姆雷特是谁写的", "han kana"),
    ],
    guards.members: [
        ("how is the weather in oslo", "how is the weather in lima", "lima oslo"),
        ("Can I feed my cat rice?", "Can I feed my goat rice?", "cat goat"),
        ("I hurt my knee, may I run?", "I hurt my wrist, may I run?", "knee wrist"),
        ("hotels in new york", "hotels in new orleans", "new orleans new york"),
        ("which plug do I need in peru", "which plug do I need in grimsby", "peru"),
    ],
    guards.logic: [
        ("Is Ann a nurse or a pilot?", "Is Ann both a nurse and a pilot?", "and or"),
    ],
    guards.correction: [
        ("When did the Boer war no wait the Crimean war end?", "When did the Boer war end?", "crimean"),
        ("How big is Oslo er no Bergen?", "How big is Oslo?", "bergen"),
    ],
}
ROWS = [(guard, *row) for guard, rows in VETOES.items() for row in rows]


def named(guard):
    return getattr(guard, "__name__", None)


@pytest.mark.parametrize(("guard", "new", "stored", "words"), ROWS, ids=named)
def test_a_guard_vetoes_and_says_which_words_made_it(guard, new, stored, words):
    found = guard(Pair(new, stored))
    assert found is not None, "the guard sees the difference"
    assert " ".join(found.words) == words, "and names it"
    assert found.sure, "and is sure enough for a veto"


@pytest.mark.parametrize(("guard", "new", "stored", "words"), ROWS, ids=named)
def test_a_vetoed_pair_is_vetoed_by_the_whole_set_in_either_direction(guard, new, stored, words):
    assert check(new, stored) is not None, "some guard objects"
    assert check(stored, new) is not None, "whichever was stored first"


DOUBTED = {
    guards.question: [("Where was Bach born?", "When was Bach born?", "when where")],
    guards.temporal: [("How do I become a citizen again?", "How do I become a citizen?", "again")],
    guards.modal: [("Can I drink before a scan?", "Should I drink before a scan?", "can should")],
    guards.person: [("How old is my passport?", "How old is your passport?", "my your")],
    guards.negation: [("I can't find my card, what now?", "Where do I find my card now?", "not")],
    guards.quoted: [('What is in "Help"?', "What is in there?", "Help")],
    guards.order: [("Is Ann married to Ben?", "Is Ben married to Ann?", "ann ben")],
    guards.opposites: [("How do I get more brave?", "How do I get less cowardly?", "brave cowardly less more")],
    guards.numbers: [("Can I have one as a gift?", "Can I have one gift?", "1")],
    guards.names: [("Is the shop open?", "Is the Grimsby shop open?", "grimsby")],
    guards.members: [("Is the shop in Oslo open?", "Is the shop open?", "oslo")],
    guards.units: [("What weighs most in grams?", "What weighs most?", "g")],
    guards.logic: [("Do all birds sing?", "Do some birds sing?", "all some")],
}


@pytest.mark.parametrize(
    ("guard", "new", "stored", "words"), [(g, *row) for g, rows in DOUBTED.items() for row in rows], ids=named
)
def test_a_guard_that_is_not_sure_only_doubts(guard, new, stored, words):
    assert guard(Pair(new, stored)) == Finding(tuple(words.split()), sure=False), "found, but no veto"


def test_every_guard_is_in_one_of_the_tables_above():
    assert set(GUARDS) == set(VETOES) | set(DOUBTED), "a guard without an example is untested"


def test_the_first_guard_to_object_is_the_one_that_is_named():
    assert check("Enable 2 users", "Disable 3 users") == Veto("numbers", "2 3"), "the order of the guards is fixed"


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
    ("When did covid-19 begin?", "When did the coronavirus begin?"),
    ("What can GPT-4 do?", "What can GPT4 do?"),
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
    # What politeness, hedges and complaints add.
    ("How do I reset my router?", "I don't know how to reset my router"),
    ("How do I reset my router?", "Hello! Quick question: how do I reset my router? Thanks in advance."),
    ("How do I find the top-up code?", "I can't find the top-up code."),
    ("Could you explain tides, if you don't mind?", "Explain tides"),
    # Corrections in mid-sentence.
    ("When did the Boer war no wait the Crimean war end?", "When did the Crimean war end?"),
    ("What is the capital of Peru, no sorry, Chile?", "What is the capital of Chile?"),
    ("Who painted um I mean who sculpted David?", "Who sculpted David?"),
    ("In what year, no, in which city was Mozart born?", "In which city was Mozart born?"),
    ("When did the army of 5000 or no 6000 men yield?", "When did the army of 6000 men yield?"),
    ("How do I reset uh my router?", "How do I reset my router?"),
    # Roles kept.
    ("Did Ridley Scott direct Alien?", "Was Alien directed by Ridley Scott?"),
    ("Does Ada admire Grace?", "Is Grace admired by Ada?"),
    ("Is Anna older than Ben?", "Is Ben younger than Anna?"),
    ("Is Ann married to Ben?", "Is Ben married to Ann?"),
    ("Is Ann a nurse or a pilot?", "Is Ann a pilot or a nurse?"),
    ("Germany is how big?", "How big is Germany?"),
    ("Who owns it, and where is it?", "Where is it, and who owns it?"),
    # Typos.
    ("Is it open on Wednesday?", "Is it open on Wendesday?"),
    ("Answer in German", "Answer in Greman"),
    ("Can my rabbit eat rice?", "Can my rabbit eat rcie?"),
    ("Who was Marie Curie?", "Who was Mraie Curie?"),
    # Words with two lives.
    ("Which one is the tallest tree?", "Which is the tallest tree?"),
    ("How long does it take to learn Go?", "How much time does it take to learn Go?"),
    ("Where do I go to renew a passport?", "How do I renew a passport?"),
    ("Wait a second, who is he?", "Who is he?"),
    ("Can I change my PIN?", "can i change my pin"),
    ("What is my first name?", "what's my given name"),
    ("How can I become more brave?", "How can I become less cowardly?"),
    ("Is it legal in the US?", "Is it legal in the United States?"),
    ("Use bullet points. What is rust?", "What is rust? Give a bulleted list."),
    ("What is rust? Write at least 300 words.", "What is rust? Give a detailed answer of 300 words or more."),
    ("How do I add a shadow to a div?", "How do I add a shadow to a <div>?"),
]


@pytest.mark.parametrize(("new", "stored"), HARMLESS)
def test_another_wording_of_the_same_question_is_not_vetoed(new, stored):
    assert check(new, stored) is None, "a veto here costs a hit"
    assert check(stored, new) is None, "whichever was stored first"


def test_a_name_at_the_start_of_a_sentence_is_not_taken_for_one():
    assert guards.names(Pair("Hello. Please go on", "Hi. Now go on")) is None, "every sentence begins with a capital"


def test_a_name_written_small_in_the_other_text_is_the_same_name():
    found = guards.names(Pair("the capital of France", "the capital of france or Spain"))
    assert found is None or not found.sure, "many do not write capitals"


def test_capitals_in_a_title_name_nothing():
    found = guards.names(Pair("What Is The Best Way To Cook Rice", "What Is The Easiest Method For Rice"))
    assert found is None, "where function words are capitalised, capitals say nothing"


def test_opposites_that_both_texts_hold_do_not_count():
    assert guards.opposites(Pair("Turn it on, then off", "Turn it off and later on")) is None, "both hold both"


def test_an_apostrophe_does_not_quote():
    assert guards.quoted(Pair("Ann's and Bob's dogs", "the dogs of Ann and Bob")) is None, "possessives quote nothing"


def test_a_small_difference_between_texts_that_differ_anyway_is_no_veto():
    new, stored = "Why is my old card not accepted abroad?", "Which fees apply to a card used in shops at home?"
    assert check(new, stored) is None, "the guards judge near misses; the rest is the verifier's"
    assert guards.negation(Pair(new, stored)) is not None, "but the doubt is told"


def doubts_of(new, stored):
    return dict(zip(guards.DOUBTS, guards.doubts(new, stored), strict=True))


def test_doubts_have_the_names_of_the_guards_and_of_four_measures():
    names = [guard.__name__ for guard in GUARDS]
    assert list(guards.DOUBTS) == [*names, "substituted", "inserted", "repaired", "apart"], "the verifier knows these"


def test_doubts_count_what_differs():
    found = doubts_of("Can a red kettle boil milk?", "Can a red kettle boil soup?")
    assert found["substituted"] == 1, "one content word stands for another"
    assert found["inserted"] == 0, "none is added"
    assert found["apart"] == pytest.approx(1 / 4), "one of four content words is not shared"


def test_doubts_see_an_added_restriction():
    found = doubts_of("Is the shop open?", "Is the small shop open at night?")
    assert (found["substituted"], found["inserted"]) == (0, 2), "small and night are added"


def test_doubts_tell_that_a_writer_corrects_himself():
    assert doubts_of("Who painted no wait who sculpted David?", "Who sculpted David?")["repaired"] == 1, "no wait"
    assert doubts_of("Who painted David?", "Who sculpted David?")["repaired"] == 0, "nothing is taken back here"


def test_doubts_about_equal_texts_are_all_zero():
    assert not any(guards.doubts("Is it 7?", "Is it 7?")), "nothing speaks against a text's own answer"


def test_a_long_list_of_differences_weighs_no_more_than_four():
    found = doubts_of("Add 1 2 3 4 5 6 7", "Add 11 12 13 14 15 16 17")
    assert found["numbers"] == 4, "a count is cut off, so that no long text outweighs all"


TEXTS = st.lists(
    st.sampled_from(
        "is the Paris London 5 7 -3 five not on off km miles json French 'a' \"b\" `c` “d” a b ? . ’s I'm no wait"
        " oslo lima cat dog by from to before after who when A owes me i".split(" ")
    ),
    max_size=8,
).map(" ".join) | st.text(max_size=20)


@given(text=TEXTS)
def test_a_text_is_never_vetoed_against_itself(text):
    pair = Pair(text, text)
    assert [guard.__name__ for guard in GUARDS if guard(pair) is not None] == [], "equal texts have nothing to tell"


@given(new=TEXTS, stored=TEXTS)
def test_a_veto_holds_in_both_directions(new, stored):
    assert (check(new, stored) is None) is (check(stored, new) is None), "which was first is an accident"


@given(new=TEXTS, stored=TEXTS)
def test_doubts_do_not_depend_on_what_was_seen_before(new, stored):
    first = guards.doubts(new, stored)
    guards.forget()
    assert guards.doubts(new, stored) == first, "kept analyses change nothing"
    assert all(0 <= value <= 4 for value in first), "every doubt is a small number"


@pytest.mark.timeout(30)  # a pattern that grows with the square of the text needs a minute and more
@pytest.mark.parametrize(
    "piece",
    ['"', "'", " 'a", "`", "“", "”", "1.", "1 ", "-", "a", "a'", "’s ", "\n", "no ", "um a ", "A ", "by a ", "cat "],
    ids=repr,
)
def test_a_hostile_text_is_judged_in_time(piece):
    text = piece * (60_000 // len(piece))
    assert check(text, text) is None, "equal texts share an answer"
    guards.doubts(text, text[:-1] + "z")


def test_a_guard_that_is_off_is_not_asked():
    new, stored = "Set it to 5.", "Set it to 6."
    assert check(new, stored) == Veto("numbers", "5 6"), "it would veto"
    assert check(new, stored, frozenset({"numbers"})) is None
    assert check(new, stored, frozenset({"names"})) is not None, "others are off"
