"""Sessions of clients that do not name one: told from caller and opening."""

from __future__ import annotations

import re

from memory.sessions.identity import derive_session

SYSTEM = {"role": "system", "content": "Be brief."}
HELLO = {"role": "user", "content": "Hello"}
ANSWER = {"role": "assistant", "content": "Hello! How can I help?"}


def test_a_session_id_is_its_prefix_and_20_hex_digits():
    assert re.fullmatch(r"ses_[0-9a-f]{20}", derive_session("a", [HELLO]))


def test_the_session_stays_the_same_from_turn_to_turn():
    turns = [
        [SYSTEM, HELLO],
        [SYSTEM, HELLO, ANSWER, {"role": "user", "content": "And?"}],
        [SYSTEM, HELLO, ANSWER, {"role": "user", "content": "And?"}, ANSWER, {"role": "user", "content": "So?"}],
    ]
    assert len({derive_session("a", messages) for messages in turns}) == 1


def test_another_opening_is_another_session():
    openings = [
        [HELLO],
        [SYSTEM, HELLO],
        [{**SYSTEM, "content": "Be long."}, HELLO],
        [SYSTEM, {"role": "user", "content": "Hi"}],
        [SYSTEM, {**HELLO, "name": "ann"}],
        [SYSTEM, ANSWER, HELLO],
        [SYSTEM],
        [],
    ]
    assert len({derive_session("a", messages) for messages in openings}) == len(openings)


def test_another_namespace_is_another_session():
    assert derive_session("a", [HELLO]) != derive_session("b", [HELLO])


def test_the_order_of_keys_does_not_matter():
    assert derive_session("a", [{"content": "Hello", "role": "user"}]) == derive_session("a", [HELLO])


def test_any_json_has_a_session():
    odd = [None, 7, "text", [], {"role": "user", "content": [{"type": "text", "text": "\ud800"}], "seed": 2**70}]
    assert derive_session("a", odd) != derive_session("a", odd[:-1])


def test_a_known_opening_has_the_session_it_has_always_had():
    assert derive_session("a", [SYSTEM, HELLO]) == "ses_9fdc4b0b783493fcc7e8"
