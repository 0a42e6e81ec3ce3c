"""Lists that offer a choice, and lists that do not."""

from __future__ import annotations

import pytest

from memory.sessions.options import is_recipe, label_of, offered

LISTS = {
    "numbers": (
        "Which printer is it?\n1. HP LaserJet\n2. Brother\n3. Something else",
        ["HP LaserJet", "Brother", "Something else"],
    ),
    "a bracket behind": ("Which one?\n1) Wi-Fi\n2) Cable", ["Wi-Fi", "Cable"]),
    "brackets": ("Which one?\n(1) Wi-Fi\n(2) Cable", ["Wi-Fi", "Cable"]),
    "small letters": ("Pick one:\na) Monthly\nb) Yearly", ["Monthly", "Yearly"]),
    "capital letters, bold labels": (
        "Please choose:\nA. **Refund** - to your card\nB. **Credit** - to the account",
        ["Refund", "Credit"],
    ),
    "bullets": (
        "What happens when you print?\n\n- Nothing at all\n- Blank pages\n- An error",
        ["Nothing at all", "Blank pages", "An error"],
    ),
    "bold lines": (
        "I can do one of these:\n\n**Reset the password** – by mail\n**Unlock** – at once",
        ["Reset the password", "Unlock"],
    ),
    "keycaps": ("1\ufe0f\u20e3 Yes\n2\ufe0f\u20e3 No\nDoes this apply to you?", ["Yes", "No"]),
    "named": ("Option 1: Restart\nOption 2: Reinstall\n\nWhich do you prefer?", ["Restart", "Reinstall"]),
    "the question behind": (
        "1. Restart the router\n2. Reset the adapter\n\nWhich would you like to try?",
        ["Restart the router", "Reset the adapter"],
    ),
    "an offer": (
        "Would you like me to:\n1. Restart the service\n2. Open a case",
        ["Restart the service", "Open a case"],
    ),
    "reply with": ("1. Red\n2. Green\nReply with the number.", ["Red", "Green"]),
    "with lists inside": (
        "Which do you see?\n1. Error 0x11b\n   - with text\n   - without\n2. Access denied",
        ["Error 0x11b", "Access denied"],
    ),
    "choosing among things to do": (
        "Which of these steps have you done?\n1. Restart the router\n2. Check the cable",
        ["Restart the router", "Check the cable"],
    ),
    "French": ("Quel système utilisez-vous ?\n1) Windows\n2) macOS", ["Windows", "macOS"]),
    "German": ("Welche Variante möchten Sie?\n- A4\n- A3", ["A4", "A3"]),
    "Spanish": ("¿Cuál prefiere?\n1. Tarjeta\n2. Efectivo", ["Tarjeta", "Efectivo"]),
    "in a sentence": (
        "Is it a laser printer, an inkjet or a label printer?",
        ["laser printer", "inkjet", "label printer"],
    ),
    "marked in a sentence": (
        "Is it connected by (a) USB cable or (b) office network?",
        ["USB cable", "office network"],
    ),
    "names in a sentence": ("How about A Long Way Home, Little, or Up?", ["Long Way Home", "Little", "Up"]),
    "two in a sentence": ("Thanks. Do you use Windows or Mac?", ["Windows", "Mac"]),
    "with a comma before or": ("Are you connecting via cable, Wi-Fi, or VPN?", ["cable", "Wi-Fi", "VPN"]),
}

NOT_OFFERED = {
    "a recipe, then a question about it": "To fix it:\n1. Open Settings\n2. Click Network\n3. Restart\n\nDid it help?",
    "steps to follow": "How do I fix it? Follow these steps:\n1. Open Settings\n2. Click Network",
    "a question that asks for things to be done": "Could you try the following?\n1. Open the app\n2. Log out",
    "things to try": "Try the following:\n1. Restart\n2. Reboot\nLet me know if it works.",
    "facts": "There are two causes:\n1. The cable is broken\n2. The port is broken",
    "one item": "Which one?\n1. The only one",
    "yes or no": "Would you like to continue or not?",
    "an or that asks nothing": "It costs 5 or 6 dollars.",
    "code": "Which one?\n```\n- a\n- b\n```",
    "prose": "Paris is the capital of France.",
    "nothing": "",
}


@pytest.mark.parametrize(("answer", "labels"), LISTS.values(), ids=LISTS)
def test_a_list_to_choose_from_is_offered(answer, labels):
    assert [option.label for option in offered(answer)] == labels, answer


@pytest.mark.parametrize("answer", NOT_OFFERED.values(), ids=NOT_OFFERED)
def test_what_is_no_choice_offers_nothing(answer):
    assert offered(answer) == (), answer


def test_options_keep_the_marks_that_they_bear():
    assert [one.id for one in offered("Which one?\n3. Three\n4. Four")] == ["3", "4"], "numbers as they stand"
    assert [one.id for one in offered("Which one?\nB) Two\nC) Three")] == ["b", "c"], "letters, small"
    assert [one.id for one in offered("Which one?\n- First\n- Second")] == ["1", "2"], "places where there is no mark"


def test_the_last_list_that_asks_counts():
    answer = "Which system?\n1. Windows\n2. macOS\n\nAnd which printer?\n1. HP\n2. Brother"
    assert [option.label for option in offered(answer)] == ["HP", "Brother"], "the user answers what was asked last"


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("**Restart it** - takes a minute", "Restart it"),
        ("Restart it: takes a minute", "Restart it"),
        ("Restart it (a minute)", "Restart it"),
        ("[The manual](https://example.com)", "The manual"),
        ("`git bisect`", "git bisect"),
        ("It prints, but slowly.", "It prints, but slowly"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_a_label_is_what_an_item_is_called(item, label):
    assert label_of(item) == label, item


def test_a_recipe_is_told_from_a_choice():
    assert is_recipe("To fix it:\n1. Open Settings\n2. Click Network"), "things to do"
    assert not is_recipe("Which one?\n1. Restart the router\n2. Reset it"), "a choice among things to do"
    assert not is_recipe("Two causes:\n1. The cable\n2. The port"), "facts"
