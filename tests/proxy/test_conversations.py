"""Which calls leave a step behind, what derives it, and sessions over HTTP."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from proxy.config.flows import FlowSettings
from proxy.remembering.conversations import STEP, rules_of
from proxy.scripted import Said, last_text
from store.tables import notifications
from tests.memory.sessions.talks import CLEAN, GLAD, PRINTER, WHICH, assistant, user
from tests.proxy.test_memory_routes import ADMIN, KEYS, A, B, ok, refused

SAYS = {PRINTER: WHICH, "2": CLEAN, "that fixed it": GLAD}
TREE = {
    "title": "Blank pages",
    "description": "A printer that prints blank pages.",
    "match_keywords": ["printer", "blank pages", "prints blank", "empty pages", "toner"],
    "problem_domain": "printing",
    "tree_structure": {
        "id": "root",
        "type": "decision",
        "question": "Which printer is it?",
        "options": [
            {"id": "a", "label": "HP LaserJet", "next_node_id": "toner"},
            {"id": "b", "label": "Brother", "next_node_id": "clean"},
        ],
        "children": [
            {"id": "toner", "type": "solution", "title": "Toner", "description": "Put in new toner."},
            {"id": "clean", "type": "solution", "title": "Clean", "description": "Clean the print head in Settings."},
        ],
    },
}


@pytest.fixture
def says(model, monkeypatch):
    """The scripted model answers by the last words of the user."""

    def reply(body):
        # A flow may stand behind the user's words.
        said = next((said for asked, said in SAYS.items() if last_text(body).startswith(asked)), None)
        return Said(said) if said else None

    monkeypatch.setattr(model, "says", reply)


async def talk(client, *said, headers=None, **fields):
    """One conversation whose client sends its history again."""
    messages = []
    for words in said:
        messages.append(user(words))
        sent = {"model": "m", "messages": messages, **fields}
        answered = await client.post("/v1/chat/completions", json=sent, headers=headers)
        assert answered.status_code == 200, answered.text
        messages.append(assistant(answered.json()["choices"][0]["message"]["content"]))


def work(parts):
    """Do what waits in the lane."""
    lane = parts.remembering.worker._lanes[STEP]
    while taken := parts.remembering.jobs.take(STEP, lane.batch):
        for job in taken:
            lane.work(job)
        parts.remembering.jobs.done(taken)


def waiting(parts):
    return parts.remembering.jobs.counts().get(STEP, {}).get("waiting", 0)


async def until(probe):
    """Wait for something that is done behind the answer."""
    async with asyncio.timeout(10):
        while not probe():  # noqa: ASYNC110  SQL wakes nobody
            await asyncio.sleep(0.01)


async def sessions(client, **params):
    return (await ok(client.get("/sessions", params=params)))["sessions"]


async def test_every_call_of_a_conversation_leaves_a_step(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, "2", "that fixed it")
        assert waiting(parts) == 3, "written with the interaction"
        work(parts)
        (listed,) = await sessions(client)
        shown = await ok(client.get(f"/sessions/{listed['id']}"))
        assert shown["status"] == "resolved", "the user said so"
        assert shown["tier"] == "discovery", "no flow is known"
        picks = [step["option_selected"] for step in shown["steps"]]
        assert picks == ["Brother", None, None], "the pick"
        assert shown["steps"][0]["options"][1] == {"id": "2", "label": "Brother"}, "of what was offered"
        assert "steps" not in listed, "a list holds no steps"


@pytest.mark.parametrize("given", ["s", None], ids=["named", "derived"])
async def test_whoever_has_the_answer_may_end_its_session_at_once(run_app, says, given):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, "neither, it is a plotter", headers={"x-reprise-session": given} if given else None)
        (session,) = {row["session_id"] for row in parts.interactions.list(limit=9)}
        shown = await ok(client.post(f"/sessions/{session}/resolve"))
        assert shown["status"] == "resolved", "nothing has been derived before"
        assert [step["free_text"] for step in shown["steps"]] == ["neither, it is a plotter", None], "now all of it is"
        assert waiting(parts) == 2, "the jobs are the lane's"
        work(parts)
        again = await ok(client.get(f"/sessions/{session}"))
        assert again["steps"] == shown["steps"], "and done twice they are the same"


async def test_what_the_cache_answers_is_a_step_too(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, "2")
        await talk(client, PRINTER, "2", headers={"x-reprise-session": "other"})
        work(parts)
        found = await sessions(client)
        assert {one["id"] for one in found} >= {"other"}, "the second talk came out of the cache"
        assert len((await ok(client.get("/sessions/other")))["steps"]) == 2, "with both of its turns"


@pytest.mark.parametrize("mode", ["off", "read"])
async def test_a_call_that_asks_for_nothing_to_be_learned_leaves_none(run_app, mode):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, headers={"x-reprise-memory": mode})
        assert waiting(parts) == 0, "no step"


async def test_a_call_that_fails_leaves_none(run_app):
    async with run_app() as (client, parts):
        failed = await client.post("/v1/chat/completions", json={"model": "m", "messages": [user("Hi [status 500]")]})
        assert failed.status_code == 500, "the upstream refuses"
        assert waiting(parts) == 0, "no step"


async def test_switched_off_there_are_no_sessions(run_app):
    async with run_app(memory={"flows": {"enabled": False}}) as (client, parts):
        await talk(client, PRINTER)
        posted = {"prompt": "df", "session_id": "s", "interaction_type": "tool"}
        await ok(client.post("/interactions", json=posted))
        assert waiting(parts) == 0, "no job"
        assert parts.remembering.conversations.round() == {}, "and no round"


async def test_posted_interactions_of_a_session_are_steps(run_app):
    async with run_app() as (client, parts):
        ran = {"session_id": "s", "interaction_type": "tool", "tool_id": "deploy", "tool_name": "deploy"}
        await ok(client.post("/interactions", json={**ran, "input": "v2", "output": "done"}))
        checked = {"session_id": "s", "interaction_type": "command_check", "prompt": "curl", "response": "200"}
        await ok(client.post("/interactions", json=checked))
        await ok(client.post("/interactions", json={"prompt": "alone", "response": "no session"}))
        assert waiting(parts) == 2, "those that name a session"
        work(parts)
        steps = (await ok(client.get("/sessions/s")))["steps"]
        assert [step["step_type"] for step in steps] == ["script", "verification"], "by what they are"
        assert [step["action_result"] for step in steps] == ["done", "200"], "with what they gave"


async def test_tool_calls_in_chat_are_steps(run_app):
    async with run_app() as (client, parts):
        asked = [user("Is my disk full? [tool run_command]")]
        answered = (await ok(client.post("/v1/chat/completions", json={"model": "m", "messages": asked})))["choices"][0]
        call = answered["message"]
        given = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": "95 % used"}
        await client.post(
            "/v1/chat/completions", json={"model": "m", "messages": [*asked, call, given, user("And now?")]}
        )
        work(parts)
        (listed,) = await sessions(client)
        first = (await ok(client.get(f"/sessions/{listed['id']}")))["steps"][0]
        assert first["step_type"] == "script", "a tool was called"
        assert first["action_result"] == "95 % used", "and this came back"


async def test_a_flow_is_attached_at_the_start(run_app, says):
    async with run_app(memory={"flows": {"suggest_at": 0.1, "attach_at": 0.2}}) as (client, parts):
        flow = await ok(client.post("/flows", json=TREE))
        await talk(client, PRINTER, "2")
        work(parts)
        (listed,) = await sessions(client)
        assert (listed["match_state"], listed["matched_flow"]) == ("attached", flow["id"]), "the one that fits"
        shown = await ok(client.get(f"/sessions/{listed['id']}"))
        assert shown["steps"][0]["node_id"] == "root", "its steps stand at the flow's nodes"
        assert shown["confidence"] > listed["match_score"], "and the pick follows it"
        declined = await ok(client.post(f"/sessions/{listed['id']}/decline"))
        assert (declined["match_state"], declined["matched_flow"]) == ("declined", None), "unless a person says no"


async def test_resolving_is_idempotent(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, headers={"x-reprise-session": "s"})
        work(parts)
        first = await ok(client.post("/sessions/s/resolve", json={"resolution_summary": "New toner."}))
        assert (first["status"], first["ended_by"], first["resolution_summary"]) == (
            "resolved",
            "person",
            "New toner.",
        ), "so"
        again = await ok(client.post("/sessions/s/resolve"))
        assert again["audit_id"] is None, "nothing is left to be changed"
        assert parts.remembering.jobs.counts()["analyse"]["waiting"] == 1, "one analysis"
        unknown = await refused(client.post("/sessions/none/resolve"), 404)
        assert unknown["param"] == "id", "a session that nobody knows"


async def test_an_escalation_is_told(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, headers={"x-reprise-session": "s"})
        work(parts)
        given = {"outcome": "escalated", "escalation_reason": "A broken drum."}
        shown = await ok(client.post("/sessions/s/resolve", json=given))
        assert shown["escalation_reason"] == "A broken drum.", "it is kept"
        await until(lambda: parts.database.query(sa.select(notifications)))
        (told,) = (await ok(client.get("/notifications")))["notifications"]
        assert (told["event"], told["object"]["id"]) == ("session.escalated", "s"), "people know of it"


async def test_corrections_can_be_undone(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, "2", headers={"x-reprise-session": "s"})
        work(parts)
        done = await ok(client.put("/sessions/s", json={"problem_domain": "hardware", "reason": "I saw it"}))
        assert done["problem_domain"] == "hardware", "put right"
        (row,) = (await ok(client.get("/admin/audit", params={"object_id": "s"})))["audit"]
        assert (row["action"], row["reason"]) == ("correct", "I saw it"), "audited"
        await ok(client.post("/review/undo", json={"audit_id": done["audit_id"]}))
        assert (await ok(client.get("/sessions/s")))["problem_domain"] == "printing", "and back"
        step = (await ok(client.get("/sessions/s")))["steps"][0]["interaction_id"]
        shown = await ok(client.put(f"/sessions/s/steps/{step}", json={"option_selected": "HP LaserJet"}))
        assert shown["steps"][0]["option_selected"] == "HP LaserJet", "a step likewise"
        reopened = await ok(client.post("/sessions/s/reopen"))
        assert reopened["status"] == "active", "it goes on already"


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/sessions/s", {"status": "gone"}, "status"),
        ("/sessions/s", {"problem_domain": "cooking"}, "problem_domain"),
        ("/sessions/s", {"confidence": 1}, "confidence"),
        ("/sessions/s", {}, "body"),
        ("/sessions/s", {"reason": "a typing error"}, "body"),
        ("/sessions/s", {"problem_summary": None}, "problem_summary"),
        ("/sessions/s", {"matched_flow": "flo_none"}, "matched_flow"),
        ("/sessions/s/steps/none", {"step_type": "dance"}, "step_type"),
    ],
)
async def test_bad_corrections_are_refused_by_name(run_app, says, path, body, param):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, headers={"x-reprise-session": "s"})
        work(parts)
        assert (await refused(client.put(path, json=body), 400))["param"] == param, "the field is named"


async def test_sessions_are_listed_by_filters(run_app, says):
    async with run_app() as (client, parts):
        await talk(client, PRINTER, headers={"x-reprise-session": "a", "x-reprise-project": "apollo"})
        await talk(
            client, PRINTER, "2", "that fixed it", headers={"x-reprise-session": "b", "x-reprise-client": "desk"}
        )
        work(parts)
        assert {one["id"] for one in await sessions(client)} == {"a", "b"}, "all"
        assert [one["id"] for one in await sessions(client, status="resolved")] == ["b"], "by status"
        assert [one["id"] for one in await sessions(client, project="apollo")] == ["a"], "by project"
        assert [one["id"] for one in (await ok(client.get("/sessions?client=desk")))["sessions"]] == ["b"], "by client"
        assert await sessions(client, since="2999-01-01") == [], "by time"
        assert await sessions(client, limit=0) == [], "none wanted"
        assert (await refused(client.get("/sessions?status=gone"), 400))["param"] == "status", "no such status"
        assert (await refused(client.get("/sessions?since=never"), 400))["param"] == "since", "no such time"


async def test_clients_see_and_end_their_own_sessions_only(run_app, says):
    async with run_app(auth=KEYS) as (client, parts):
        await talk(client, PRINTER, headers={**A, "x-reprise-session": "s"})
        work(parts)
        assert len((await ok(client.get("/sessions", headers=A)))["sessions"]) == 1, "its own"
        assert (await client.get("/sessions/s", headers=A)).status_code == 200, "may be read"
        assert (await client.post("/sessions/s/resolve", headers=A)).status_code == 200, "and ended"
        assert (await client.put("/sessions/s", headers=A, json={"status": "active"})).status_code == 403, (
            "not corrected"
        )
        assert (await client.post("/sessions/s/reopen", headers=A)).status_code == 403, "nor reopened"
        assert (await client.get("/sessions/s", headers=ADMIN)).status_code == 200, "an admin sees all"
        assert (await client.get("/sessions/s")).status_code == 401, "nobody else"
        assert (await client.get("/sessions/s", headers=B)).status_code == 404, "nor another namespace"
        assert (await client.post("/sessions/s/resolve", headers=B)).status_code == 404, "which cannot end it"
        assert (await ok(client.get("/sessions", headers=B)))["count"] == 0, "and does not see it"


def test_the_settings_in_force_are_the_rules():
    rules = rules_of(FlowSettings(idle=60, abandon_after=600, resolved_phrases=["va bene"], domains=["a"]))
    assert (rules.idle, rules.abandon_after, rules.domains) == (60, 600, ("a",)), "times and domains"
    assert rules.phrases.resolved == ("va bene",), "and words"
