"""Which option a reply picks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.sessions.picks import pick
from memory.sessions.session import Option


def numbered(*labels):
    return tuple(Option(str(place), label) for place, label in enumerate(labels, 1))


def lettered(*labels):
    return tuple(Option("abcdefgh"[place], label) for place, label in enumerate(labels))


PRINTERS = numbered("HP LaserJet", "Brother HL-L2350", "Something else")
PLANS = lettered("Monthly billing", "Yearly billing")
LINES = numbered("Wi-Fi", "Cable", "VPN")
SYSTEMS = numbered("Windows", "Windows 10", "macOS")
STATES = numbered("It prints", "It does not print", "None of these")

PICKED = [
    (PRINTERS, "2", 2),
    (PRINTERS, "2.", 2),
    (PRINTERS, "(2)", 2),
    (PRINTERS, "#2", 2),
    (PRINTERS, "option 2 please", 2),
    (PRINTERS, "number two", 2),
    (PRINTERS, "the second one", 2),
    (PRINTERS, "2nd", 2),
    (PRINTERS, "the last one", 3),
    (PRINTERS, "I'd go with 2", 2),
    (PRINTERS, "b", 2),
    (PRINTERS, "٢", 2),
    (PRINTERS, "２", 2),
    (PRINTERS, "②", 2),
    (PRINTERS, "२", 2),
    (PRINTERS, "la deuxième", 2),
    (PRINTERS, "das zweite bitte", 2),
    (PRINTERS, "la segunda por favor", 2),
    (PRINTERS, "opción 2", 2),
    (PRINTERS, "HP LaserJet", 1),
    (PRINTERS, "hp laserjet, thanks", 1),
    (PRINTERS, "my HP Laser Jet", 1),
    (PRINTERS, "It's the brother", 2),
    (PRINTERS, "the HP one", 1),
    (PLANS, "b", 2),
    (PLANS, "B)", 2),
    (PLANS, "option b", 2),
    (PLANS, "A", 1),
    (PLANS, "option a please", 1),
    (PLANS, "2", 2),
    (PLANS, "the yearly one please", 2),
    (PLANS, "A, nearly all of them", 1),
    (LINES, "2, the cable", 2),
    (LINES, "The cable. It is called eth0.", 2),
    (LINES, "1: wifi", 1),
    (LINES, "wifi", 1),
    (LINES, "I'm on VPN", 3),
    (LINES, "I use the cable in the office, at home it fails too", 2),
    (LINES, "the second one, the cable", 2),
    (LINES, "let's go with the first option", 1),
    (SYSTEMS, "windows 10", 2),
    (SYSTEMS, "windows", 1),
    (SYSTEMS, "Mac OS", 3),
    (STATES, "it does not print", 2),
    (STATES, "none of these", 3),
    (STATES, "It prints fine", 1),
]

NONE_PICKED = [
    (PRINTERS, "I have 2 printers"),
    (PRINTERS, "4"),
    (PRINTERS, "none"),
    (PRINTERS, "both 1 and 2"),
    (PRINTERS, "1 and 2"),
    (PRINTERS, "1, 2 and 3"),
    (PRINTERS, "not 2"),
    (PRINTERS, "What is option 2?"),
    (PRINTERS, "the second time it worked"),
    (PRINTERS, "I don't know"),
    (PRINTERS, "my printer shows a red light"),
    (PLANS, "a problem"),
    (PLANS, "billing"),
    (LINES, "it says error 2"),
    (LINES, "First, I restarted it"),
    (LINES, ""),
    ((), "1"),
]


@pytest.mark.parametrize(("options", "reply", "place"), PICKED, ids=[reply for _, reply, _ in PICKED])
def test_a_reply_picks(options, reply, place):
    found = pick(options, reply)
    assert found == options[place - 1], f"{reply!r} picks {found}"


@pytest.mark.parametrize(("options", "reply"), NONE_PICKED, ids=[reply or "nothing" for _, reply in NONE_PICKED])
def test_words_of_the_users_own_pick_nothing(options, reply):
    assert pick(options, reply) is None, reply


def test_a_number_means_the_mark_before_the_place():
    options = (Option("3", "Three lines"), Option("4", "Four lines"))
    assert pick(options, "3") == options[0], "the option that bears the number"
    assert pick(options, "1") is None, "and no other, where they are numbered otherwise"


@given(st.text(max_size=80), st.integers(1, 6))
def test_whatever_is_said_one_option_or_none_is_picked(reply, count):
    options = numbered(*(f"Choice {word}" for word in "alpha beta gamma delta epsilon zeta".split()[:count]))
    found = pick(options, reply)
    assert found is None or found in options, "nothing that was not offered"


@given(
    st.integers(1, 9),
    st.sampled_from(["{}", "{}.", "({})", "option {}", "Option {} please", "#{}", "number {}", "{}!"]),
)
def test_every_number_in_every_shape_picks_its_option(number, shape):
    options = numbered(*"alpha beta gamma delta epsilon zeta eta theta iota".split())
    assert pick(options, shape.format(number)) == options[number - 1], shape
