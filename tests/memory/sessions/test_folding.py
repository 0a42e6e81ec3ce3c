"""A session as its steps tell it."""

from __future__ import annotations

import pytest

from memory.sessions.folding import fold, problem_in
from memory.sessions.nodes import Node
from memory.sessions.reading import as_row, from_row, read
from memory.sessions.signals import Phrases
from tests.memory.sessions.talks import (
    CLEAN,
    GLAD,
    PRINTER,
    SOLVED,
    WHICH,
    WORKS,
    assistant,
    calling,
    conversation,
    record,
    result,
    user,
)

NODES = (
    Node("root", "Which printer do you have?", ("HP LaserJet", "Brother")),
    Node("clean", "Clean the print head in Settings"),
    Node("done", "Does it print?", ("Yes", "No")),
)


def folded(records, **given):
    return fold([read(one, str) for one in records], **given)


def step(records, number, **given):
    return folded(records, **given).outcomes[records[number]["id"]]


def told(*turns):
    return folded(conversation(turns))


def test_a_solved_talk_tells_its_whole_story():
    found = folded(conversation(SOLVED))
    kinds = [one.step_type for one in found.outcomes.values()]
    assert kinds == ["question", "action", "verification", "other"], "what each answer is"
    assert found.outcomes["int_000"].option_selected == "Brother", "the pick comes from the next turn"
    assert found.outcomes["int_001"].action_result == "ok, done", "so does what became of an action"
    assert found.outcomes["int_002"].action_result == "Yes, thanks!", "and of a verification"
    assert found.signal == "solved", "yes to a question whether it works"
    assert found.solution == CLEAN, "in short"
    assert not any(one.free_text for one in found.outcomes.values()), "the user said nothing but what was offered"


def test_own_words_are_free_text_where_something_was_asked():
    asked = conversation([(PRINTER, WHICH), ("it is an old one from my uncle", "Hm.")])
    assert step(asked, 0).free_text == "it is an old one from my uncle", "instead of an option"
    open_ = conversation([(PRINTER, "What do you see?"), ("a red light", "Hm.")])
    assert step(open_, 0).free_text == "a red light", "in answer to a question"
    plain = conversation([(PRINTER, "Printers are complicated."), ("a red light", "Hm.")])
    assert step(plain, 0).free_text is None, "nothing was asked"


def test_yes_and_no_answer_a_question():
    for said, answer in (("yes it is", "Yes"), ("no", "No"), ("nope", "No")):
        asked = conversation([(PRINTER, "Is it switched on?"), (said, "Hm.")])
        assert step(asked, 0).option_selected == answer, said
        assert step(asked, 0).free_text is None, "which is no free text"


@pytest.mark.parametrize("said", ["Thanks, that solved it", "thank you", "I want to talk to a human"])
def test_closing_words_are_no_free_text(said):
    assert step(conversation([(PRINTER, WHICH), (said, GLAD)]), 0).free_text is None, said


def test_a_step_that_the_user_skips_is_skipped():
    skipped = step(conversation([(PRINTER, WHICH), ("skip this one please", "Ok.")]), 0)
    assert skipped.skipped, "the user said so"
    assert skipped.free_text is None, "which is no answer"


def test_a_turn_asked_again_makes_one_pick():
    talk = conversation(SOLVED)
    again = {**talk[1], "id": "int_001b", "response": "Turn it off and on.", "created_at": "2026-03-01 10:00:15"}
    found = folded([*talk, again])
    picks = [id_ for id_, one in found.outcomes.items() if one.option_selected]
    assert picks == ["int_000"], "once"
    assert found.outcomes["int_001b"].skipped, "nobody went on from the other answer"
    assert not found.outcomes["int_001"].skipped, "but from this one, as the history shows"


def test_tools_in_chat_are_steps_with_results():
    asked = [user("Is my disk full?")]
    call = calling("run_command", '{"cmd": "df"}')
    talk = [
        record("a", asked, call),
        record("b", [*asked, call, result("95 % used")], "Delete the old logs.", second=1),
        record(
            "c",
            [*asked, call, result("95 % used"), assistant("Delete the old logs."), user("that fixed it")],
            GLAD,
            second=2,
        ),
    ]
    found = folded(talk)
    assert found.outcomes["a"].step_type == "script", "a tool was run"
    assert found.outcomes["a"].action_result == "95 % used", "and gave this"
    assert found.solution == "Delete the old logs.", "what was done with it solved it"
    looked = [{**talk[0], "response": talk[0]["response"].replace("run_command", "check_disk")}]
    assert folded(looked).outcomes["a"].step_type == "verification", "a tool that only looks"


def test_a_result_tells_of_a_tool_that_the_log_does_not_name():
    """An answer with words and a call is logged by its words."""
    asked = [user("Is my disk full?")]
    call = {**calling("run_command"), "content": "Let me look."}
    talk = [record("a", asked, "Let me look."), record("b", [*asked, call, result("95 % used")], "Yes.", second=1)]
    assert step(talk, 0).step_type == "script", "the history shows the call"


def test_posted_runs_are_steps_of_their_own():
    run = {"id": "run", "created_at": "2026-03-01 10:00:05", "namespace": "default", "session_id": "s", "prompt": "v2"}
    ran = {
        **run,
        "interaction_type": "tool",
        "tool_name": "deploy",
        "response": "",
        "success": False,
        "error": "timeout",
    }
    checked = {**run, "id": "check", "interaction_type": "command_check", "response": "200 OK"}
    found = folded([*conversation([(PRINTER, WHICH), ("2", CLEAN)], session="s"), ran, checked])
    assert found.outcomes["run"].step_type == "script", "a tool"
    assert found.outcomes["run"].action_result == "failed: timeout", "how it went"
    assert found.outcomes["check"].step_type == "verification", "a check"
    assert found.outcomes["int_000"].option_selected == "Brother", "they stand in nobody's way"


def test_a_named_session_without_history_goes_by_order():
    found = folded(conversation(SOLVED, session="named", history=False))
    assert found.outcomes["int_000"].option_selected == "Brother", "the next turn answers"
    assert found.signal == "solved", "to the end"


def test_a_named_session_whose_history_is_cut_goes_by_the_answer_shown():
    talk = conversation(SOLVED, session="named")
    cut = [record("int_003", [assistant(WORKS), user("Yes, thanks!")], GLAD, second=30, session="named")]
    cut[0]["request"] = cut[0]["request"].replace(
        '[{"role": "assistant"', '[{"role": "user", "content": "ok"}, {"role": "assistant"'
    )
    assert folded([*talk[:3], *cut]).signal == "solved", "the latest answer is known by itself"


def test_an_opening_among_histories_answers_nothing():
    talk = conversation([(PRINTER, WHICH), ("2", "What do you see?")], session="named")
    other = record("z", [user("My VPN fails")], "Which system?", second=60, session="named")
    assert folded([*talk, other]).outcomes["int_001"].free_text is None, "it is another conversation's first turn"


@pytest.mark.parametrize(
    ("turns", "signal"),
    [
        ([(PRINTER, CLEAN), ("that fixed it", GLAD)], "solved"),
        ([(PRINTER, CLEAN), ("that fixed it", GLAD), ("thanks, bye", GLAD)], "solved"),
        ([(PRINTER, CLEAN), ("that fixed it", GLAD), ("but now it is slow", WHICH)], None),
        ([(PRINTER, CLEAN), ("that did not fix it", CLEAN)], "failed"),
        ([(PRINTER, CLEAN), ("not solved", CLEAN), ("it works now", GLAD)], "solved"),
        ([(PRINTER, CLEAN), ("thanks", GLAD)], "pleased"),
        ([(PRINTER, CLEAN), ("thanks", GLAD), ("and the scanner?", WHICH)], None),
        ([(PRINTER, CLEAN), ("get me a human", "Which site?"), ("Berlin", "Soon.")], "escalate"),
        ([(PRINTER, CLEAN), ("get me a human", "Wait."), ("never mind, it works now", GLAD)], "solved"),
        ([(PRINTER, "I have opened a ticket for you.")], "escalate"),
        ([(PRINTER, WORKS), ("no", CLEAN)], "failed"),
        ([(PRINTER, "Do you still see the error?"), ("no", GLAD)], "solved"),
        ([(PRINTER, "Did this solve it?\n1. Yes\n2. No\nPlease choose."), ("1", GLAD)], "solved"),
        ([(PRINTER, "Can I do anything else for you?"), ("no", GLAD)], "pleased"),
        ([(PRINTER, "Do you need any other help?"), ("yes, my VPN fails", GLAD)], None),
        ([("The build was fixed yesterday, now it fails", CLEAN)], None),
    ],
)
def test_the_last_word_on_success_that_stands_counts(turns, signal):
    assert told(*turns).signal == signal, turns[-1][0]


def test_words_that_ask_for_a_person_are_the_reason():
    found = told((PRINTER, CLEAN), ("this is useless, get me a human", "Ok."))
    assert found.escalation == "this is useless, get me a human", "in the user's words"


def test_configured_phrases_count():
    talk = conversation([(PRINTER, CLEAN), ("tutto a posto", GLAD)])
    assert folded(talk).signal is None, "a language nobody taught it"
    assert folded(talk, phrases=Phrases(resolved=("tutto a posto",))).signal == "solved", "until it is configured"


@pytest.mark.parametrize(
    ("turns", "problem"),
    [
        ([(PRINTER, WHICH)], PRINTER),
        ([("Hi", "Hello!"), (PRINTER, WHICH)], PRINTER),
        ([("Hello, can you help me?", "Sure!"), ("VPN drops", WHICH)], "VPN drops"),
        ([("Hi", "Hello!")], ""),
    ],
)
def test_the_problem_is_the_first_thing_that_is_more_than_a_greeting(turns, problem):
    assert problem_in([read(one, str) for one in conversation(turns)]) == problem, turns


def test_the_problem_is_known_from_the_history_where_the_first_turn_was_not_logged():
    assert problem_in([read(conversation(SOLVED)[2], str)]) == PRINTER, "the client sends it again"


def test_steps_stand_at_the_nodes_of_their_flow():
    talk = conversation(
        [
            (PRINTER, WHICH),
            ("2", "Clean the print head in Settings."),
            ("ok", "Does it print?"),
            ("no idea at all", "Hm."),
        ]
    )
    found = folded(talk, nodes=NODES)
    assert [one.node_id for one in found.outcomes.values()][:2] == ["root", "clean"], "by options, and by words"
    assert (found.followed, found.left) == (1, 0), "the pick follows the flow"
    strayed = folded(conversation([(PRINTER, WHICH), ("an Epson", "Hm.")]), nodes=NODES)
    assert (strayed.followed, strayed.left) == (0, 1), "own words leave it"


def test_readings_survive_their_rows():
    for one in conversation(SOLVED, client="desk", project="apollo", system="Be kind."):
        reading = read(one, str)
        assert from_row(as_row(reading)) == reading, "nothing is lost"


def test_secrets_are_taken_out_before_anything_is_kept():
    talk = conversation([("My password is hunter2, what now?", "Use hunter2?\n1. hunter2\n2. Another\nWhich one?")])
    reading = read(talk[0], lambda text: text.replace("hunter2", "[secret]"))
    assert "hunter2" not in str(as_row(reading)), "from words, answers and options alike"
    assert reading.options[0].label == "[secret]", "the option is still there"


def test_a_long_answer_is_shortened_with_the_place_shown():
    reading = read(conversation([(PRINTER, "word " * 3000)])[0], str)
    assert len(reading.said) <= 4000, "no more than this"
    assert "characters left out" in reading.said, "and it shows"
