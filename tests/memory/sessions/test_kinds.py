"""What kind of step an answer is, and what its problem is filed under."""

from __future__ import annotations

import pytest

from memory.sessions.confidence import confidence, tier
from memory.sessions.domains import domain_of
from memory.sessions.kinds import asks_yes_or_no, checks_success, kind_of, options_of, question_in, yes_or_no
from memory.sessions.turns import Turn, is_check
from proxy.config.flows import FlowSettings

DOMAINS = FlowSettings().domains
KINDS = {
    "question": [
        "Which printer is it?",
        "Is the light green?",
        "Which one?\n1. A thing\n2. B thing",
        "What error do you see?",
    ],
    "verification": ["Does it print now?", "Did that help?", "I see. Is it working again?", "Can you connect now?"],
    "action": [
        "Restart the print spooler.",
        "Please restart the computer and try again.",
        "To fix it:\n1. Open Settings\n2. Click Network\n3. Restart\n\nDid that help?",
        "Could you unplug the cable for ten seconds?",
        "You should clear the queue. Let me know.",
    ],
    "other": ["Glad to hear it!", "A spooler is a queue of documents.", "Paris.", ""],
}
PROBLEMS = {
    "My printer shows a paper jam": "printing",
    "VPN drops every ten minutes": "networking",
    "The build fails with exit code 1": "software",
    "I was charged twice this month": "billing",
    "My Outlook rule does not move mails": "email",
    "The database is down": "software",
    "l'imprimante ne marche pas": "printing",
    "My account was locked out": "active_directory",
    "We restored the wrong backup": "backup",
    "I got a phishing message": "security",
    "The plotters make a grinding noise": "printing",
    "My assistant cannot see my calendar": "email",
    "Hello": None,
    "I want a table for two": None,
    "something else entirely": None,
}


def turn(said, **fields):
    return Turn(**{"kind": "llm", "path": (), "opens": True, "asked": "", "said": said, **fields})


@pytest.mark.parametrize(("kind", "said"), [(kind, said) for kind, listed in KINDS.items() for said in listed])
def test_an_answer_is_a_kind_of_step(kind, said):
    assert kind_of(turn(said), options_of(turn(said))) == kind, said


def test_tools_are_scripts_and_checks_verifications():
    assert kind_of(turn("df", called=("run_command",)), ()) == "script", "a call of a tool"
    assert kind_of(turn("ok", called=("check_disk", "ping")), ()) == "verification", "calls of tools that only look"
    assert kind_of(turn("ok", called=("check_disk", "mount")), ()) == "script", "unless one of them does more"
    assert kind_of(turn("done", kind="tool", called=("deploy",)), ()) == "script", "a run that was posted"
    assert kind_of(turn("200", kind="tool", called=("healthCheck",)), ()) == "verification", "one that looks"
    assert kind_of(turn("ok", kind="command_check"), ()) == "verification", "a command check"
    assert options_of(turn("Which?\n1. A\n2. B", kind="tool")) == (), "what a tool prints offers nothing"


@pytest.mark.parametrize(
    ("name", "checks"),
    [("verifyLogin", True), ("run-tests", True), ("contest_entry", False), ("get_test_history", False), ("", False)],
)
def test_a_tools_name_says_whether_it_looks(name, checks):
    assert is_check(name) == checks, name


def test_questions_are_told_apart():
    assert checks_success("Does it print now?"), "whether it works"
    assert not checks_success("Does the printer have paper?"), "whether something is so"
    assert asks_yes_or_no("Is the light green?"), "yes or no"
    assert asks_yes_or_no("Thanks, and is the light green?"), "behind a word or two"
    assert not asks_yes_or_no("Which light is on?"), "anything else"
    assert question_in("Is it on? I ask because it matters. So does this.") is None, "not what is long past"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("yes", "Yes"),
        ("Yes it does", "Yes"),
        ("nope, still blank", "No"),
        ("It is", "Yes"),
        ("it is not", "No"),
        ("Oui", "Yes"),
        ("not yet", "No"),
        ("the light is red", None),
        ("", None),
    ],
)
def test_a_reply_says_yes_or_no(reply, answer):
    assert yes_or_no(reply) == answer, reply


@pytest.mark.parametrize(("problem", "domain"), PROBLEMS.items(), ids=list(PROBLEMS))
def test_a_problem_is_filed_under_its_domain(problem, domain):
    assert domain_of(problem, DOMAINS) == domain, problem


def test_only_configured_domains_are_given():
    assert domain_of("My printer shows a paper jam", ["billing", "other"]) is None, "one that is not configured"
    assert domain_of("Our payroll system is late", ["payroll_system"]) == "payroll_system", "one of the operator's own"
    assert domain_of("anything other than that", ["other"]) is None, "other is what a person says"


@pytest.mark.parametrize(
    ("score", "followed", "left", "sure"),
    [
        (None, 3, 0, 0.0),
        (0.8, 0, 0, 0.8),
        (0.8, 1, 0, 0.9),
        (0.8, 0, 1, 0.4),
        (0.8, 1, 1, 0.6),
        (0.0, 0, 0, 0.0),
        (1.0, 9, 0, 1.0),
    ],
)
def test_confidence_is_the_mean_of_score_and_picks(score, followed, left, sure):
    assert confidence(score, followed, left) == pytest.approx(sure), (
        "score, then 1 for each that follows, 0 for each that does not"
    )


def test_a_flow_that_is_declined_leaves_no_confidence():
    assert confidence(0.9, 2, 0, declined=True) == 0.0, "it does not fit"


@pytest.mark.parametrize(
    ("sure", "name"),
    [
        (0.0, "discovery"),
        (0.39999, "discovery"),
        (0.4, "exploring"),
        (0.79999, "exploring"),
        (0.8, "guided"),
        (1, "guided"),
    ],
)
def test_tiers_begin_at_their_bounds(sure, name):
    assert tier(sure) == name, sure
