"""The scripted sessions, the stand-ins that play them, and how they are scored."""

from __future__ import annotations

import json

import pytest

from benchmarks.flows import analyst, scoring, script
from benchmarks.flows.upstream import by_script
from memory.flows.enhancing import enhanced
from memory.flows.tree import problems, read_flow

HALVES = ("open", "held")


@pytest.fixture(scope="module")
def sessions():
    """Every session, both halves."""
    return [session for half in HALVES for session in script.sessions(half)]


def test_forty_sessions_of_six_kinds(sessions):
    assert len(sessions) == 40, "twenty a half"
    assert len({session.id for session in sessions}) == 40, "each with a name of its own"
    assert len({session.kind for session in sessions}) == 6, "kinds"
    assert {s.expect["outcome"] for s in sessions} == {"new_flow", "enhancement", "auto_reinforced", "none"}, "outcomes"
    assert {s.expect["status"] for s in sessions} == {"resolved", "escalated", "abandoned"}, "ends"


def test_labels_hold_together(sessions):
    flows = {flow["name"] for flow in script.published()}
    for session in sessions:
        expect = session.expect
        assert expect["flow"] is None or expect["flow"] in flows, f"{session.id}: a flow that is published"
        grouped = expect["outcome"] in ("new_flow", "enhancement")
        assert bool(expect.get("group")) == grouped, f"{session.id}: what is proposed belongs to a group"
        for exchange in session.exchanges:
            wanted = exchange.wanted
            assert wanted.pick is None or wanted.pick in (wanted.options or ()), f"{session.id}: picks what is offered"


def test_published_flows_are_valid():
    for flow in script.published():
        assert problems(flow["flow"]) == [], flow["name"]


def test_the_upstream_keeps_to_the_script(sessions):
    session = sessions[0]
    answer = by_script({session.opening: session.answers})
    messages = list(session.exchanges[0].sent)
    assert answer(messages) == session.answers[0], "the first answer"
    with_context = [{**messages[0], "content": f"{messages[0]['content']}\n\nwhat the proxy adds"}]
    assert answer(with_context) == session.answers[0], "with context behind the words"
    assert answer([*messages, session.answers[0], {"role": "user", "content": "2"}]) == session.answers[1], "the second"
    assert answer([{"role": "user", "content": "What else?"}]) is None, "words of no session"


def test_replies_depend_on_what_is_sent():
    told = {"steps": [{"asked": "The kettle leaks at its lid.", "said": "Turn the lid until it clicks."}]}
    body = {"messages": [{"role": "user", "content": f"mark\n{json.dumps(told)}\nmark"}]}
    reply = json.loads(analyst.Analyst(breaks=False).reply(body))
    assert "kettle" in reply["title"].casefold(), "the title is made of the words that were said"
    assert problems(reply) == [], "a valid flow"


def test_an_enhancement_fits_its_flow():
    target = script.published()[0]["flow"]
    step = {"options": ["Only me", "Everyone in the office"], "free_text": "Those with the new driver", "said": "Who?"}
    reply = analyst.enhancement({"steps": [step]}, target)
    assert reply["new_nodes"][0]["attach_after_node_id"] == "network", "where the user left the flow"
    assert enhanced(read_flow(target), reply).as_json() != target, "it can be applied"


def test_some_replies_are_broken_once():
    replies = analyst.Analyst()
    for number in range(64):
        body = {"messages": [{"role": "user", "content": json.dumps({"asked": f"case {number}"})}]}
        first, second = replies.reply(body), replies.reply(body)
        if first != second:
            assert second.startswith(first), "it is cut off"
            return
    raise AssertionError("none was broken")


def test_scores_count_what_is_right(sessions):
    session = sessions[0]
    steps = [
        {
            "step_type": (exchange.wanted.types or ["other"])[0],
            "options": [{"label": label} for label in exchange.wanted.options or ()],
            "option_selected": exchange.wanted.pick,
            "free_text": "words" if exchange.wanted.free else None,
            "action_result": "done" if exchange.wanted.result else None,
        }
        for exchange in session.exchanges
    ]
    got = {"status": "resolved", "problem_domain": "printing", "match_state": "attached", "matched_flow": "flo_1"}
    found = {session.id: {**got, "steps": steps, "outcome": "auto_reinforced", "match_score": 0.9}}
    score = scoring.score([session], found, {"printer-queue": "flo_1"})
    assert [name for name, count in score.counts.items() if count.wrong] == [], "all is right"
    found[session.id]["steps"][0]["option_selected"] = "USB cable"
    again = scoring.score([session], found, {"printer-queue": "flo_1"})
    assert again.counts["picks"].wrong == ["printer-follow-1#0: 'USB cable' for 'Office network'"], (
        "what is wrong, named"
    )
