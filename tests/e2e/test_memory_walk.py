"""The whole walk of a memory: said, found, reviewed, promoted, put into a prompt, used, contradicted."""

from __future__ import annotations

import pytest

from proxy import scripted
from tests.e2e.support import client_of, eventually, user

pytestmark = pytest.mark.slow

SAID = "I prefer oat milk in all coffee drinks. What is a cortado?"
ASKED = "Which milk should I order with my coffee drinks tomorrow?"
TOLD = "Order oat milk: that is what you prefer in coffee drinks."
DENIED = "No, that's wrong. I no longer prefer oat milk in coffee drinks, I only drink it black."


@pytest.fixture
def scripted_answers(monkeypatch):
    monkeypatch.setitem(scripted.ANSWERS, "a cortado", "A cortado is espresso with about as much warm milk.")
    monkeypatch.setitem(scripted.ANSWERS, "no longer prefer", "Understood.")
    monkeypatch.setitem(scripted.ANSWERS, "which milk should i order", TOLD)


def memories(server, status):
    return server.http.get("/memory", params={"status": status}).json()["memories"]


def ask(server, messages, session):
    """One call with the real client; its text and its headers."""
    with client_of(server.url) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="m", messages=messages, extra_headers={"x-reprise-session": session}
        )
        return raw.parse().choices[0].message.content, raw.headers


def interaction(server, headers):
    return server.http.get(f"/interactions/{headers['x-reprise-interaction']}").json()


@pytest.fixture
def server(launch, upstream, scripted_answers):
    return launch({"memory": {"reinforcement": {"cooldown": "0s"}}})


def test_what_is_said_once_is_used_later_and_given_up_when_it_is_no_longer_true(server, upstream):
    # Said: the statement is found behind the answer, and waits for a person.
    _, headers = ask(server, user(SAID), "first")
    (candidate,) = eventually(lambda: memories(server, "candidate"), "the preference is found")
    assert candidate["memory_type"] == "preference", "for what it is"
    assert "oat milk in all coffee drinks" in candidate["content"], "in the user's words"
    assert "memories" not in interaction(server, headers)["metadata"], "nothing was put into that call"

    # Not trusted yet: nothing of it reaches a prompt.
    answer, headers = ask(server, user("Which milk should I order with a tea?"), "second")
    assert "x-reprise-memories" not in headers, "a candidate enters no prompt"

    # Reviewed: the card shows where it comes from, and a person promotes it.
    (card,) = server.http.get("/review").json()["cards"]
    assert card["id"] == candidate["id"], "it is in the queue"
    assert card["span"]["text"] in SAID, "with the very words that it was taken from"
    assert server.http.post(f"/memory/{candidate['id']}/promote").json()["status"] == "promoted"
    assert server.http.post(f"/memory/{candidate['id']}/promote").status_code == 404, "only a candidate can be"

    # Used: the next prompt carries it, the model answers from it, and it gains.
    answer, headers = ask(server, user(ASKED), "third")
    assert answer == TOLD, "the model's answer comes through"
    assert headers["x-reprise-memories"].split(";")[0] == "1", "the caller is told that one memory was put in"
    sent = upstream.model.calls[-1]["messages"][-1]["content"]
    assert sent.startswith(ASKED), "the user's own words come first, unchanged"
    assert "oat milk" in sent, "the memory follows them"
    logged = interaction(server, headers)
    assert logged["prompt"] == ASKED, "the log keeps what the user said"
    assert logged["memories_used"] == [candidate["id"]], "and names what was put in"
    used = eventually(
        lambda: next((memory for memory in memories(server, "active") if memory["reference_count"]), None), "it gains"
    )
    assert used["confidence"] == pytest.approx(candidate["confidence"] + 0.02), "by one step"

    # Neither the block nor the answer that repeats it comes back as a new candidate.
    assert memories(server, "candidate") == [], "nothing is found twice"

    # Contradicted: the memory loses, and so does the stored answer.
    history = [*user(ASKED), {"role": "assistant", "content": TOLD}, *user(DENIED)]
    entry = server.http.get(f"/cache/entries/{logged['entry_id']}").json()
    ask(server, history, "third")
    lowered = eventually(
        lambda: next((memory for memory in memories(server, "active") if memory["confidence"] < 0.5), None), "it loses"
    )
    assert lowered["id"] == candidate["id"], "that memory"
    after = eventually(
        lambda: next(
            (
                found
                for found in [server.http.get(f"/cache/entries/{logged['entry_id']}").json()]
                if found["quality"] < entry["quality"]
            ),
            None,
        ),
        "the stored answer loses too",
    )
    assert after["id"] == entry["id"], "that answer"

    # Every step can be read, and the last one taken back.
    history_of = server.http.get(f"/memory/{candidate['id']}/audit").json()
    actions = [row["action"] for row in history_of["audit"]]
    assert actions[-1] == "add" or actions[0] == "add", f"from its beginning: {actions}"


def test_a_call_that_asks_for_nothing_to_be_learned_leaves_nothing_behind(server):
    with client_of(server.url) as client:
        client.chat.completions.create(
            model="m",
            messages=user("I prefer rye bread for every sandwich."),
            extra_headers={"x-reprise-memory": "read"},
        )
    ask(server, user("I prefer spelt bread for every sandwich."), "other")
    found = eventually(lambda: memories(server, "candidate"), "the second statement is found")
    assert ["spelt" in memory["content"] for memory in found] == [True], "and the first is not"


def test_a_killed_server_goes_on_learning_where_it_stopped(launch, scripted_answers):
    server = launch({"memory": {"reinforcement": {"cooldown": "0s"}}})
    stated = [f"I prefer kind {number} of green tea in the morning." for number in range(40)]
    for text in stated:
        ask(server, user(text), text)
    server.kill()
    server.start()
    eventually(lambda: not server.http.get("/admin/jobs").json()["counts"], "the queue is empty")
    found = memories(server, "candidate")
    assert len(found) == len(stated), "each statement is a candidate, once"
