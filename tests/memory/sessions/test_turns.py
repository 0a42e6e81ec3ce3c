"""What is new in a call, and where in its conversation it stands."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.sessions.turns import MOST_PATH, read_turn
from tests.memory.sessions.talks import PRINTER, SOLVED, assistant, calling, conversation, record, result, user


def turns(records):
    return [read_turn(one) for one in records]


def test_a_turn_holds_what_is_new_in_it():
    first, second, *_ = turns(conversation(SOLVED))
    assert first.asked == PRINTER, "the user's words"
    assert first.opens, "the first turn opens the conversation"
    assert second.asked == "2", "of the history nothing"
    assert not second.opens, "a later one goes on"
    assert second.opening == PRINTER, "the first words are known all the same"


def test_each_turn_follows_the_one_before():
    read = turns(conversation(SOLVED))
    for before, after in pairwise(read):
        assert after.path[:-1] == before.path, "its path is the other's, answer included, and its own turn"


def test_spacing_and_thoughts_that_clients_take_out_make_no_difference():
    (first,) = turns([record("a", [user("Hi there")], "<think>Hm.</think>Hello!  How are you?")])
    (second,) = turns([record("b", [user("Hi  there"), assistant("Hello! How are you?"), user("Fine")], "Good")])
    assert second.path[:-1] == first.path, "the same answer"
    assert first.said == "Hello!  How are you?", "and no thoughts in what was said"


def test_another_system_prompt_changes_no_path():
    with_date = [{"role": "system", "content": "Today is Monday."}, user("Hi")]
    assert read_turn(record("a", with_date, "Hello")).path == read_turn(record("b", [user("Hi")], "Hello")).path, (
        "talk only"
    )


def test_tools_called_in_chat_are_told_with_what_they_gave_back():
    asked = [user("Is my disk full?")]
    calls, gives = turns(
        [
            record("a", asked, calling("run_command", '{"cmd": "df"}')),
            record("b", [*asked, calling("run_command", '{"cmd": "df"}'), result("95 % used")], "It is nearly full."),
        ]
    )
    assert calls.called == ("run_command",), "the answer calls a tool"
    assert calls.said == 'run_command({"cmd": "df"})', "and is told as that"
    assert gives.results == ("95 % used",), "the next call brings the result"
    assert gives.asked == "", "and no new words of the user"
    assert gives.called_before == ("run_command",), "of this tool"
    assert gives.path[:-1] == calls.path, "it follows the call"


def test_a_greeting_before_anybody_spoke_is_no_turn():
    greeted = read_turn(record("a", [assistant("How can I help?"), user(PRINTER)], "Hm."))
    assert greeted.opens, "the user opens"
    assert len(greeted.path) == 1, "with one turn"


def test_a_long_path_keeps_its_latest_turns():
    talk = [(f"question {number}", f"answer {number}") for number in range(MOST_PATH + 5)]
    *_, before, last = turns(conversation(talk))
    assert len(last.path) == MOST_PATH, "no more than these"
    assert last.path[-2] == before.path[-1], "the latest ones"


def test_without_a_history_the_words_and_the_answer_make_the_turn():
    posted = {"id": "a", "interaction_type": "llm", "prompt": "1", "response": "Next?", "request": None}
    same, other = read_turn(posted), read_turn({**posted, "response": "Done."})
    assert read_turn(posted).path == same.path, "the same again is a repetition"
    assert other.path != same.path, "the same words at another place are none"


def test_a_posted_run_is_told_with_its_tool():
    ran = {
        "interaction_type": "tool",
        "tool_name": "deploy",
        "prompt": "v2",
        "response": "",
        "success": False,
        "error": "timeout",
    }
    read = read_turn(ran)
    assert (read.kind, read.called, read.success, read.error) == ("tool", ("deploy",), False, "timeout"), "as it went"


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=50)
@given(ODD, st.text(max_size=30))
def test_any_request_can_be_read(messages, answer):
    read = read_turn({"prompt": "p", "request": json.dumps({"messages": messages}), "response": answer})
    assert read.path, "and has a path"


@pytest.mark.parametrize(
    "request_", [None, "", "{", "[]", '{"messages": []}', '{"messages": [{"role": "system", "content": "x"}]}']
)
def test_a_request_without_turns_is_read_by_its_prompt(request_):
    assert read_turn({"prompt": "p", "request": request_, "response": "r"}).path, "it has a path all the same"
