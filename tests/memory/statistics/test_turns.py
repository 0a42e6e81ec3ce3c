"""What turns say of the answers before them, in a session as it is logged."""

from __future__ import annotations

import itertools
import json

from memory.statistics.turns import reactions

QUESTION, OTHER = "When do the backups run on Sunday?", "Where does the log of the night live?"


def reacts(asked, said):
    if said.startswith("No"):
        return "corrected"
    return "repeated" if asked == said else None


def turn(*texts, answer="At two.", session="mine", **fields):
    """A call whose messages are these texts, user and assistant in turn."""
    messages = [
        {"role": role, "content": text}
        for role, text in zip(itertools.cycle(("user", "assistant")), texts, strict=False)
    ]
    request = json.dumps({"model": "m", "messages": messages})
    return {
        "id": str(len(texts)),
        "session_id": session,
        "prompt": texts[-1],
        "request": request,
        "response": answer,
        **fields,
    }


def said(*rows):
    return list(reactions(rows, reacts))


def test_a_correction_is_tied_to_the_answer_that_its_history_shows():
    first = turn(QUESTION)
    assert said(first, turn(QUESTION, "At two.", "No, at three.")) == ["corrected"], "it follows"
    assert said(first, turn(QUESTION, "At four.", "No, at three.")) == [], "that answer was never given here"
    derived = [turn(QUESTION, session="ses_1"), turn(QUESTION, "At two.", "No, at three.", session="ses_1")]
    assert said(*derived) == ["corrected"], "a session that nobody named will do, where the history shows it"


def test_without_a_history_a_named_session_tells():
    assert said(turn(QUESTION), turn("No, at three.")) == ["corrected"], "the turn before is the last of the session"
    alike = [turn(QUESTION, session="ses_1"), turn("No, at three.", session="ses_1")]
    assert said(*alike) == [], "two people who open alike are not one"


def test_the_very_same_call_again_is_a_retry():
    assert said(turn(QUESTION), turn(QUESTION)) == [], "a program's, as likely as not"


def test_a_question_is_asked_again_right_away_or_later():
    right_away = turn(QUESTION, "At two.", QUESTION)
    assert said(turn(QUESTION), right_away) == ["repeated"], "the next turn"
    second = turn(QUESTION, "At two.", OTHER, answer="In /var/log.")
    later = turn(QUESTION, "At two.", OTHER, "In /var/log.", QUESTION)
    assert said(turn(QUESTION), second, later) == ["repeated"], "two turns later"
    elsewhere = turn("Hello there you", "At two.", OTHER, "In /var/log.", QUESTION, session="ses_1")
    rows = [
        turn(QUESTION, session="ses_1"),
        turn("Hello there you", "At two.", OTHER, answer="In /var/log."),
        elsewhere,
    ]
    assert said(*rows) == [], "asked by somebody else, whose words are not in this history"


def test_a_tool_loop_repeats_nothing():
    loop = json.dumps(
        {
            "messages": [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": "At two."},
                {"role": "tool", "content": "found"},
            ]
        }
    )
    assert said(turn(QUESTION), turn(QUESTION, request=loop)) == [], "it is the same turn of the user"


def test_short_words_may_come_again():
    rows = [
        turn("Go on", answer="one"),
        turn("Go on", "one", OTHER, answer="two"),
        turn("Go on", "one", OTHER, "two", "Go on"),
    ]
    assert said(*rows) == [], "they ask for more, each time"


def test_what_is_damaged_says_nothing():
    assert said(turn(QUESTION), turn("No, at three.", request="{"), turn("No", request=None)) == ["corrected"] * 2, (
        "without a readable history the named session still tells"
    )
    assert said(turn(QUESTION, session="ses_1"), turn("No", request="[1", session="ses_1")) == [], "a derived one not"
