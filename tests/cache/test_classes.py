"""To which classes a call belongs, and which tiers they leave it."""

from __future__ import annotations

import json

import pytest

from cache.classes import allowed_tiers, classes_of, last_user_text
from cache.policy import BOTH, DEFAULT_CLASSES, EXACT, NONE, Policy
from tests.fakes import TOOL_CALL, chat

POLICY = Policy()
TEXT = {"type": "text", "text": "What is this?"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL_TURNS = [
    {"role": "user", "content": "Look it up"},
    {"role": "assistant", "tool_calls": [TOOL_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "42"},
]


def asked(text):
    return classes_of(chat(text), POLICY)


# ---- what the shape of a call makes certain


def test_an_ordinary_question_belongs_to_no_class():
    assert asked("What is the capital of France?") == []


def test_tool_results_after_the_last_user_turn_are_a_tool_loop():
    assert classes_of(chat(*TOOL_TURNS), POLICY) == ["tool-loop"]


def test_a_user_turn_after_the_tool_results_ends_the_tool_loop():
    assert classes_of(chat(*TOOL_TURNS, "And now?"), POLICY) == []


def test_a_prefilled_answer_counts_as_a_tool_loop():
    assert classes_of(chat("Count", {"role": "assistant", "content": "One,"}), POLICY) == ["tool-loop"]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_an_instruction_in_the_last_place_is_no_tool_loop(role):
    assert classes_of(chat("Hi", {"role": role, "content": "Be brief."}), POLICY) == []


def test_no_messages_at_all_are_a_tool_loop():
    assert classes_of({"model": "gpt-x"}, POLICY) == ["tool-loop"]


@pytest.mark.parametrize(("n", "found"), [(None, []), (1, []), (2, ["several-choices"]), (10, ["several-choices"])])
def test_more_than_one_choice_is_several_choices(n, found):
    assert classes_of(chat("Hi", n=n), POLICY) == found


@pytest.mark.parametrize(
    "content",
    [[TEXT, IMAGE], [IMAGE], [{"type": "input_audio", "input_audio": {}}], [{"type": "file"}], ["text"], [{}]],
    ids=json.dumps,
)
def test_anything_but_text_parts_is_multimodal(content):
    assert "multimodal" in classes_of(chat({"role": "user", "content": content}), POLICY)


def test_an_image_anywhere_in_the_history_is_multimodal():
    body = chat({"role": "user", "content": [TEXT, IMAGE]}, {"role": "assistant", "content": "A cat."}, "What breed?")
    assert classes_of(body, POLICY) == ["multimodal"]


def test_text_parts_alone_are_not_multimodal():
    assert classes_of(chat({"role": "user", "content": [TEXT, TEXT]}), POLICY) == []


def test_a_spoken_answer_is_multimodal():
    assert classes_of(chat("Hi", modalities=["text", "audio"]), POLICY) == ["multimodal"]
    assert classes_of(chat("Hi", modalities=["text"]), POLICY) == []


@pytest.mark.parametrize(("temperature", "high"), [(None, False), (0, False), (1.0, False), (1.01, True), (2, True)])
def test_a_temperature_above_the_policys_limit_is_high(temperature, high):
    assert classes_of(chat("Hi", temperature=temperature), POLICY) == (["high-temperature"] if high else [])


def test_the_limit_of_the_temperature_is_the_policys():
    assert classes_of(chat("Hi", temperature=0.3), Policy(max_temperature=0.2)) == ["high-temperature"]


def test_certain_classes_stand_before_those_told_from_words():
    body = chat({"role": "user", "content": [{"type": "text", "text": "Flip a coin"}, IMAGE]}, n=2, temperature=2)
    assert classes_of(body, POLICY) == ["several-choices", "multimodal", "high-temperature", "random"]


# ---- what the words of the last user text suggest

ASKS = {
    "random": [
        "Roll a die",
        "Can you flip a coin for me?",
        "Pick a random number between one and ten",
        "Generate a strong password",
        "Give me a UUID",
        "Heads or tails?",
        "Surprise me",
    ],
    "volatile": [
        "What time is it?",
        "What's the date?",
        "What is the weather in Oslo?",
        "Latest news about the election",
        "Who is the current president of France?",
        "What's the exchange rate for the euro?",
        "What happened this week?",
        "Is the shop open right now?",
        "today's horoscope",
    ],
    "action": [
        "Set an alarm for 7",
        "Please turn off the lights",
        "Hey, can you send an email to Ann",
        "Remind me to water the plants",
        "Could you please book a table for two?",
        "add milk to my shopping list",
        "Play some jazz",
        "Transfer 100 dollars to Bob",
        "call mom",
        "Cancel my subscription",
        "schedule a meeting with Tom",
    ],
    "own-data": [
        "What's my account balance?",
        "Where is my package?",
        "How many points are in my account?",
        "Show me my latest orders",
        "What did I order last time?",
        "when is my next appointment",
        "Do I have any meetings?",
        "Where am I?",
        "What is my name?",
        "Read my messages",
    ],
    "creative": [
        "Write a poem about autumn",
        "Compose a haiku",
        "Tell me a joke",
        "Make up a bedtime story",
        "Write me a short story about a dog",
        "Invent a slogan for a bakery",
        "Let's brainstorm",
    ],
    "personal-data": [
        "Write to ann.lee+shop@example.co.uk about it",
        "My number is +44 20 7946 0958",
        "Call me at (212) 555-0142",
        "Pay into GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
    ],
    "secrets": [
        "Use sk-abcdefghijklmnop1234 for this",
        "AKIAABCDEFGHIJKLMNOP",
        "My token is ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-1234567890-abc",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
        "Decode eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "password: hunter22",
        "The API key = abcdef123",
        "My SSN is 078-05-1120",
        "Charge 4111 1111 1111 1111",
        "card 4111111111111111",
    ],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ASKS.items() for text in texts])
def test_words_that_ask_for_it_put_a_call_in_the_class(name, text):
    assert name in asked(text)


OTHERWISE = {
    "random": [
        "What is a coin flip circuit?",
        "How do I roll out an update?",
        "Explain the dice coefficient",
        "How do I reset my password?",
        "Define entropy",
    ],
    "volatile": [
        "What is the capital of France?",
        "How do I format a date in Python?",
        "What is alternating current?",
        "Explain time complexity",
        "How do newspapers make money?",
        "Which news agencies existed in 1920?",
        "Write a function that returns the current time",
        "My phone was stolen today, what should I do?",
        "Is a college education important in today's age?",
    ],
    "action": [
        "How do I set an alarm on Android?",
        "How do I turn off the lights with Python?",
        "What is a playlist?",
        "How are flights booked?",
        "What does the order of operations mean?",
        "Explain how to send an email with smtplib",
        "Playwright or Selenium?",
        "How do I cancel my subscription?",
        "help me cancel my order",
        "What role does calcium play in the body?",
        "Write a function that sends an email",
    ],
    "own-data": [
        "How do I reset my password?",
        "How do I close an account?",
        "What is an account balance?",
        "What is a good name for a function?",
        "Tell me about orders of magnitude",
        "Why is my code slow?",
        "How can I improve my credit?",
        "How do I check my balance?",
        "What happens when my card expires?",
        "Where can I see my invoices?",
    ],
    "creative": [
        "Rewrite this: Dear team, the storyboard is late.",
        "Rewrite this story in plain words",
        "What is a haiku?",
        "Write a function that reverses a list",
        "Who wrote the novel Emma?",
        "Write a unit test",
    ],
    "secrets": [
        "How do I reset my password?",
        "What is an API key?",
        "What is a secret?",
        "Is 1152921504606846976 a power of two?",
        "Call 555-0100",
        "What does sk-learn mean?",
        "What does eyJ mean at the start of a token?",
        "What is the risk-adjusted-return-on-capital?",
        "Where is order 4111 1111 1111 1112?",
        "Tracking number 1234567890123456",
        "Is 0000000000000000 a card?",
        "Invoice 900-12-3456",
        "The secret: always preheat the oven",
    ],
    "personal-data": [
        "What does @property do?",
        "Is 3.14159 rational?",
        "Where is order 85632?",
        "GB82 WEST 1234 5698 7654 33",
        "The file has 1,234,567 rows from 2020-01-31",
        "What is 192.168.0.1?",
    ],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in OTHERWISE.items() for text in texts])
def test_words_that_only_look_like_it_do_not(name, text):
    assert name not in asked(text)


def test_case_does_not_matter():
    assert asked("WRITE A POEM") == asked("write a poem") == ["creative"]


def test_only_the_last_user_text_is_read():
    history = [{"role": "system", "content": "What time is it?"}, "Write a poem", {"role": "assistant", "content": "x"}]
    assert classes_of(chat(*history, "What is a prime number?"), POLICY) == []
    assert classes_of(chat("What is a prime number?", *history[:2]), POLICY) == ["creative"]


def test_text_in_parts_is_read():
    parts = [{"type": "text", "text": "Please"}, {"type": "text", "text": "write a poem"}]
    assert classes_of(chat({"role": "user", "content": parts}), POLICY) == ["creative"]


def test_a_call_may_belong_to_several_classes():
    assert asked("Tell me a joke about the weather in Oslo") == ["random", "volatile", "creative"], "all three hold"


def test_a_long_text_is_read_like_a_short_one():
    filler = "All that follows is filler. " * 200
    assert asked(filler) == []
    assert asked(f"{filler} Tell me a joke.") == ["random", "creative"], "what is asked stands at the end"


HOSTILE = [
    "eyJ-",
    "eyJaaaaaaaaaa.eyJ-",
    "sk-",
    "tell my ",
    "what is my account that my ",
    "show my ",
    "send ",
    "add to ",
    "hey ",
    "please can you ",
    "write me ",
    "password ",
    "password:      ",
    "-----BEGIN ",
    "1 ",
    "1",
    "-",
    " ",
    "!",
    "a",
    "generate ",
    "\n",
    "“",
]


@pytest.mark.timeout(30)  # a pattern that grows with the square of the text needs a minute and more
@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_a_hostile_text_of_200_kb_is_read_in_time(piece):
    text = piece * (200_000 // len(piece))
    assert isinstance(asked(text), list)


# ---- the tiers that classes leave


@pytest.mark.parametrize(
    ("name", "tiers"),
    [
        ("creative", EXACT),
        ("volatile", NONE),
        ("random", NONE),
        ("action", NONE),
        ("own-data", NONE),
        ("secrets", NONE),
        ("personal-data", EXACT),
        ("tool-loop", EXACT),
        ("several-choices", EXACT),
        ("multimodal", EXACT),
        ("high-temperature", EXACT),
    ],
)
def test_the_default_tiers_of_each_class(name, tiers):
    assert allowed_tiers([name], POLICY) == (tiers, None if tiers else name)


def test_every_default_class_is_in_the_table_above():
    assert set(DEFAULT_CLASSES) == {*ASKS, "tool-loop", "several-choices", "multimodal", "high-temperature"}


def test_no_class_leaves_every_tier_of_the_policy():
    assert allowed_tiers([], POLICY) == (BOTH, None)
    assert allowed_tiers([], Policy(tiers=EXACT)) == (EXACT, None)
    assert allowed_tiers([], Policy(tiers=NONE)) == (NONE, None)


def test_the_class_that_took_the_last_tier_is_named():
    assert allowed_tiers(["creative", "volatile", "secrets"], POLICY) == (NONE, "volatile")


def test_tiers_are_what_every_class_allows():
    policy = Policy(classes={"creative": EXACT, "volatile": frozenset({"semantic"})})
    assert allowed_tiers(["creative", "volatile"], policy) == (NONE, "volatile")


def test_a_class_the_policy_does_not_name_takes_nothing_away():
    assert allowed_tiers(["creative"], Policy(classes={})) == (BOTH, None)


def test_a_policy_may_open_a_class():
    assert allowed_tiers(["volatile"], Policy(classes={**DEFAULT_CLASSES, "volatile": BOTH})) == (BOTH, None)


# ---- the last user text


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], ""),
        ([{"role": "user", "content": "Hi"}], "Hi"),
        ([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], "Hi"),
        ([{"role": "user", "content": "one"}, {"role": "user", "content": "two"}], "two"),
        ([{"role": "user", "content": [TEXT, IMAGE, {"type": "text", "text": "Now?"}]}], "What is this?\nNow?"),
        ([{"role": "user", "content": [{"type": "text", "text": 3}, "x"]}], ""),
        ([{"role": "user", "content": None}], ""),
        ([{"role": "system", "content": "Hi"}], ""),
    ],
    ids=repr,
)
def test_the_last_user_text_is_its_text_parts_joined(messages, text):
    assert last_user_text(messages) == text
