"""Evidence that moves an entry's posterior, and what a user's next turn says about an answer."""

from __future__ import annotations

import pytest

from cache import quality
from cache.answers import prior
from cache.policy import Policy
from cache.quality import (
    AUDIT_AGREED,
    AUDIT_DISAGREED,
    CORRECTED,
    REGENERATED,
    REPEATED,
    THANKED,
    WENT_ON,
    Evidence,
    feedback,
    is_unfit,
    next_turn_signal,
    reaction,
    repeats,
)
from tests.fakes import answer

FLOOR = Policy().min_quality
ASKED = "What is the capital of Australia?"


def moved(*given: Evidence) -> float:
    """Quality from the usual prior after this evidence."""
    alpha, beta = prior(answer())
    alpha += sum(one.alpha for one in given)
    beta += sum(one.beta for one in given)
    return alpha / (alpha + beta)


# ---- weights


@pytest.mark.parametrize(("score", "alpha", "beta"), [(1.0, 8.0, 0.0), (0.0, 0.0, 8.0), (0.25, 2.0, 6.0)])
def test_a_score_is_shared_between_for_and_against(score, alpha, beta):
    given = feedback(score)
    assert (given.kind, given.alpha, given.beta) == ("feedback", alpha, beta), "weight x score and the rest of it"


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_score_beyond_its_range_is_refused(score):
    with pytest.raises(ValueError, match="from 0 to 1"):
        feedback(score)


def test_one_persons_wrong_takes_an_answer_out_of_service_and_two_rights_bring_it_back():
    assert moved(feedback(0.0)) < FLOOR, "one explicit 'wrong' is enough not to serve it by default"
    assert moved(feedback(0.0), feedback(1.0), feedback(1.0)) >= FLOOR, "two that say right outweigh it"


def test_weak_signs_take_several_to_take_an_answer_out_of_service():
    for sign, least in ((CORRECTED, 1), (REPEATED, 2), (AUDIT_DISAGREED, 2), (REGENERATED, 3)):
        assert moved(*[sign] * least) < 0.9, f"{sign.kind} speaks against the answer"
        assert moved(*[sign] * (least - 1)) >= FLOOR, f"{least - 1} x {sign.kind} leave it in service"
        assert moved(*[sign] * (least + 1)) < FLOOR, f"{least + 1} x {sign.kind} do not"


def test_good_signs_raise_quality_and_going_on_says_least():
    gains = [moved(sign) - 0.9 for sign in (WENT_ON, THANKED, AUDIT_AGREED, feedback(1.0))]
    assert gains == sorted(gains), "the clearer the sign, the more it counts"
    assert gains[0] > 0, "even going on is a little good"


def test_evidence_from_another_prompt_counts_a_quarter():
    given = feedback(0.0).elsewhere()
    assert (given.kind, given.alpha, given.beta) == ("feedback", 0.0, 2.0), "the match is judged as much as the answer"
    assert moved(given) >= FLOOR, "a wrong match alone does not take the answer from its own prompt"


# ---- quarantine


@pytest.mark.parametrize(
    ("value", "gathered", "expected"),
    [
        (0.29, 2.0, True),
        (0.3, 50.0, False),  # at the floor is not below it
        (0.1, 0.0, False),  # a prior alone
        (0.1, 1.9, False),
        (0.9, 100.0, False),
    ],
)
def test_quarantine_takes_low_quality_and_some_evidence(value, gathered, expected):
    assert is_unfit(value, gathered) is expected, f"quality {value} after {gathered} pseudo-counts"


def test_three_persons_who_say_wrong_quarantine_an_answer():
    assert not is_unfit(moved(*[feedback(0.0)] * 2), 16.0), "two do not yet"
    assert is_unfit(moved(*[feedback(0.0)] * 3), 24.0), "three do"


# ---- the next turn


@pytest.mark.parametrize(
    "said",
    [
        "That's wrong.",
        "that is wrong",
        "That’s not right",
        "That's not correct, it is Canberra.",
        "No, that's wrong!",
        "No. That is incorrect.",
        "No, I meant the country in Europe",
        "I meant Austria.",
        "No I meant Austria",
        "Sorry, I meant Austria",
        "I actually meant Austria",
        "You misunderstood. I want the largest city.",
        "You misunderstood me",
        "you've misunderstood the question",
        "Sorry but you got that wrong",
        "You're wrong, it is Canberra",
        "You are mistaken.",
        "You made a mistake.",
        "You didn't answer my question.",
        "you did not read what I wrote",
        "That's not what I asked",
        "That isn't what I meant.",
        "Not what I asked for.",
        "I didn't ask for the population.",
        "I was asking about Austria.",
        "I asked for the capital, not the largest city",
        "Wrong.",
        "wrong, try again",
        "Incorrect",
        "Wrong answer!",
        "Not true.",
        "Your answer is wrong",
        "The code is not working",
        "the last answer was incorrect",
        "This doesn't work.",
        "That didn't work, I get a TypeError",
        "It does not compile",
        "Thanks, but that's not correct.",
        "Hmm, that's not quite right.",
        "I think that's wrong",
        "I'm afraid that is not true.",
        "Actually, that's false.",
        "Try again.",
        "Please check again",
        "No, I meant the river?",
        "There is a mistake in your answer",
        "That's still wrong",
        "You forgot the second part... you forgot my name",
        "What I meant was the river",
    ],
)
def test_an_objection_is_a_correction(said):
    assert reaction(ASKED, said) == CORRECTED, f"{said!r} objects to the answer"


@pytest.mark.parametrize(
    "said",
    [
        "No, thanks",
        "No thanks!",
        "No, thank you.",
        "No problem, and what about New Zealand?",
        "No worries",
        "No, that's all.",
        "No, that's fine. Now do Austria.",
        "No, I'm good",
        "What about New Zealand?",
        "And Austria?",
        "Why is that?",
        "What is wrong with my car?",
        "Is that wrong?",
        "That's wrong?",
        "What if that's wrong?",
        "My teacher says it's Sydney. That's wrong, right?",
        "What did I get wrong in my essay?",
        "You're right, that was wrong of me",
        "Oh, you're right, I meant Canberra",
        "Can you check that my sentence is not wrong?",
        "Wrong turn: what is that film about?",
        "That's not bad!",
        "That's not wrong",
        "You're not wrong.",
        "The Wrong Trousers is a film by whom?",
        "It's not raining, so can I go out?",
        "I meant to ask you about Austria, too.",
        "My car doesn't work. What should I do?",
        "No news is good news: what does that mean?",
        "How do I say 'that's wrong' in French?",
        "Translate: that's wrong",
        "No",
        "I asked my boss for a raise. How do I follow up?",
        "Correct my essay: it is wrong in places",
        "I want to try again tomorrow. What time is best?",
    ],
)
def test_what_only_looks_like_an_objection_is_none(said):
    assert reaction(ASKED, said) != CORRECTED, f"{said!r} does not object"


@pytest.mark.parametrize(
    "said",
    [
        "Thanks!",
        "Thank you very much",
        "ok thanks",
        "Great, thank you! And of Austria?",
        "Perfect.",
        "That's right.",
        "That's exactly what I needed",
        "That helps.",
        "it worked",
        "Got it",
        "You're right",
        "Good answer",
        "No, thank you",
    ],
)
def test_thanks_speak_for_the_answer(said):
    assert reaction(ASKED, said) == THANKED, f"{said!r} is pleased"


@pytest.mark.parametrize(
    "said",
    [
        "Are you sure?",
        "Really?",
        "Is that correct?",
        "huh?",
        "I don't understand",
        "No.",
        "Why is that?",
        "Thanks, but I wanted a longer text",
        "   ",
        "",
    ],
)
def test_doubt_says_nothing(said):
    assert reaction(ASKED, said) is None, f"{said!r} speaks neither for nor against"


@pytest.mark.parametrize(
    "said", ["What about New Zealand?", "How many people live there?", "Thanks for nothing", "是的"]
)
def test_anything_else_goes_on(said):
    assert reaction(ASKED, said) == WENT_ON, f"{said!r} goes on"


# ---- repetition


@pytest.mark.parametrize(
    "said",
    [
        ASKED,
        "what is the capital of australia",
        "What's the capital of Australia?!",
        "Again: what is the capital of Australia?",
        "I asked you: tell me the capital of Australia, please",
        "Please just tell me the capital of Australia.",
    ],
)
def test_the_same_question_again_is_a_repetition(said):
    assert repeats(ASKED, said), f"{said!r} asks the same"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ASKED, "What is the capital of Austria?"),
        (ASKED, "What was the first capital of Australia?"),
        ("When was Ada Lovelace born?", "Where was Ada Lovelace born?"),
        ("Flights from Paris to London", "Flights from London to Paris"),
        ("How do I turn logging on?", "How do I turn logging off?"),
        ("Is sugar healthy?", "Is sugar not healthy?"),
        ("Add 2.5 and 3", "Add 25 and 3"),
        ("Tell me a joke about cats", "Tell me another joke about cats"),
        ("Give me more names for cats", "Give me more names for cats"),
        ("continue", "continue"),
        ("Yes", "Yes"),
        ("Yes, that works fine for me", "Yes, that works fine for me!"),
        ("What is it?", "What is that?"),
        ("", ""),
        ("word " * 1000, "word " * 1000),
    ],
)
def test_another_question_is_no_repetition(asked, said):
    assert not repeats(asked, said), f"{said[:40]!r} is not {asked[:40]!r} again"


def test_a_repetition_that_objects_is_a_correction():
    assert reaction(ASKED, "That's wrong. What is the capital of Australia?") == CORRECTED, "the clearer sign counts"
    assert reaction(ASKED, ASKED) == REPEATED, "and without one the repetition"


# ---- messages


def turn(role, content):
    return {"role": role, "content": content}


HISTORY = [turn("system", "Be brief."), turn("user", ASKED), turn("assistant", "Sydney.")]


def test_the_turn_after_an_answer_is_read():
    assert next_turn_signal([*HISTORY, turn("user", "No, that's wrong.")]) == CORRECTED, "an objection"
    assert next_turn_signal([*HISTORY, turn("user", ASKED)]) == REPEATED, "the question before the answer again"
    assert next_turn_signal([*HISTORY, turn("user", "Thanks")]) == THANKED, "thanks"
    assert next_turn_signal([*HISTORY, turn("user", "And of Austria?")]) == WENT_ON, "another question"


def test_text_parts_are_read_as_text():
    parts = [{"type": "text", "text": "That's wrong"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    assert next_turn_signal([*HISTORY, turn("user", parts)]) == CORRECTED, "the text among the parts"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [turn("user", "That's wrong")],
        HISTORY,
        [*HISTORY, turn("tool", "That's wrong")],
        [*HISTORY, turn("user", "And?"), turn("user", "That's wrong")],
        [turn("user", ASKED), turn("tool", "Sydney"), turn("user", "That's wrong")],
        [*HISTORY, turn("user", None)],
        [*HISTORY, turn("user", [{"type": "image_url"}, "text", {"type": "text", "text": 7}])],
        [*HISTORY, "That's wrong"],
        ["odd", *HISTORY, turn("user", "That's wrong")],
    ],
)
def test_without_an_answer_right_before_it_a_turn_says_nothing(messages):
    assert next_turn_signal(messages) is None, "only a user's turn right after an answer is read"


def test_only_the_opening_is_read():
    far = "Here is my essay. " * 20 + "That's wrong."
    assert reaction(ASKED, far) == WENT_ON, "what a pasted text says is not said of the answer"
    assert reaction(ASKED, "That's wrong. " + "x " * quality.OPENING) == CORRECTED, "what comes first is"
