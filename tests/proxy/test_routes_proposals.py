"""Proposals over HTTP: listed, filtered, shown, decided in either way, and undone."""

from __future__ import annotations

import asyncio
import json

import pytest

from memory.proposals.deferring import ANALYSE, key_of
from proxy.scripted import Said
from store.jobs import Job
from tests.memory.proposals.house import addition, flow, write_session

pytestmark = pytest.mark.anyio

FLOWS = {"memory": {"flows": {"model": "analyst"}}}


@pytest.fixture
def replies(model, monkeypatch):
    """What the analysing model says, in turn; the last one again and again."""
    said = [flow()]

    def says(body):
        if body["model"] != "analyst":
            return None
        return Said(json.dumps(said.pop(0) if len(said) > 1 else said[0]))

    monkeypatch.setattr(model, "says", says)
    return said


async def analysed(parts, id_, *turns, **values):
    """A session that was analysed; gives its proposal's id."""
    namespace = values.pop("namespace", "team")
    write_session(parts.database, id_, *turns, namespace=namespace, **values)
    await parts.remembering.teaching.analysing.analyse(Job(1, ANALYSE, key_of(namespace, id_), namespace, 1, 0.0))
    session = await asyncio.to_thread(parts.remembering.sessions.get, namespace, id_)
    assert session.analysis == "done", "it was analysed"
    return session.proposal_id


async def test_proposals_are_listed_and_filtered(run_app, replies):
    replies[:] = [flow(), flow("Switch is dead", problem_domain="networking")]
    async with run_app(**FLOWS) as (client, parts):
        first = await analysed(parts, "s1", "one")
        second = await analysed(parts, "s2", "two", problem_domain="networking", namespace="other")

        async def ids(**query):
            found = (await client.get("/proposals", params=query)).raise_for_status().json()
            assert found["count"] == len(found["proposals"]), "counted"
            return [one["id"] for one in found["proposals"]]

        assert await ids() == [second, first], "newest first"
        assert await ids(domain="networking") == [second], "by domain"
        assert await ids(domain="") == [], "those without one"
        assert await ids(namespace="team") == [first], "by namespace"
        assert await ids(status="approved") == [], "by status"
        assert await ids(type="enhancement") == [], "by type"
        assert await ids(project="apollo") == [], "by project"
        assert await ids(limit=1) == [second], "as many as are asked for"
        assert await ids(limit=0) == [], "or none"


async def test_one_proposal_shows_all_that_is_known_of_it(run_app, replies):
    async with run_app(**FLOWS) as (client, parts):
        id_ = await analysed(parts, "s1")
        one = (await client.get(f"/proposals/{id_}")).raise_for_status().json()
        told = {"proposal_type", "title", "description", "status", "target_flow_id", "confidence_score"}
        told |= {
            "supporting_session_count",
            "supporting_session_ids",
            "problem_domain",
            "content",
            "problem",
            "analyst",
        }
        assert told - one.keys() == set(), "every field"
        assert one["analyst"] == "model/analyst/new_flow.v1", "what made it"
        assert one["preview"]["title"] == "Printer is offline", "the flow that would come of it"
        assert one["mermaid"].startswith("flowchart TD"), "drawn"
        assert [entry["action"] for entry in one["history"]] == ["add"], "and what became of it so far"
        assert (await client.get("/proposals/pro_none")).status_code == 404, "no such proposal"


@pytest.mark.parametrize(
    "body",
    [
        flow("Anew"),
        {"flow": flow("Anew")},
        {"content": flow("Anew"), "reason": "better words"},
        {"title": "Anew"},
        {"flow": flow("Old"), "title": "Anew"},
    ],
)
async def test_a_flow_may_be_given_whole_or_in_part(run_app, replies, body):
    async with run_app(**FLOWS) as (client, parts):
        id_ = await analysed(parts, "s1")
        done = (await client.post(f"/proposals/{id_}/modify", json=body)).raise_for_status().json()
        assert done["status"] == "modified", "and it is published"
        published = (await client.get(f"/flows/{done['flow_id']}")).raise_for_status().json()
        assert published["title"] == "Anew", "as given"


@pytest.mark.parametrize("body", [{}, {"reason": "why not"}, {"flow": {}}, {"tree_structure": None}, {"odd": 1}])
async def test_what_changes_nothing_or_is_unknown_is_refused(run_app, replies, body):
    async with run_app(**FLOWS) as (client, parts):
        id_ = await analysed(parts, "s1")
        assert (await client.post(f"/proposals/{id_}/modify", json=body)).status_code == 400, "and said so"
        assert (await client.get(f"/proposals/{id_}")).json()["status"] == "pending", "it waits still"


@pytest.mark.parametrize(("action", "status"), [("reject", "rejected"), ("dismiss", "dismissed")])
async def test_a_no_is_told_with_its_reason_and_undone(run_app, replies, action, status):
    async with run_app(**FLOWS) as (client, parts):
        id_ = await analysed(parts, "s1")
        done = (await client.post(f"/proposals/{id_}/{action}", json={"reason": "not ours"})).raise_for_status().json()
        assert done["status"] == status, "it is said"
        audited = (await client.get("/admin/audit", params={"action": action})).json()
        assert "not ours" in json.dumps(audited), "with its reason"
        assert (await client.post(f"/proposals/{id_}/approve")).status_code == 404, "it does not wait any more"
        (await client.post("/review/undo")).raise_for_status()
        assert (await client.get(f"/proposals/{id_}")).json()["status"] == "pending", "undone, it does"


async def test_the_queue_shows_and_decides_proposals(run_app, replies):
    replies[:] = [addition()]
    async with run_app(**FLOWS) as (client, parts):
        target = (await client.post("/flows", json={**flow(), "namespace": "team"})).raise_for_status().json()["id"]
        words = {"asked": "It is offline", "said": "Does it show a light?", "free_text": "It blinks red"}
        followed = {"matched_flow": target, "matched_version": 1, "match_state": "attached", "match_score": 0.9}
        id_ = await analysed(parts, "s1", words, **followed)
        found = (await client.get("/review")).raise_for_status().json()
        assert found["waiting"]["enhancement"] == 1, "counted"
        (card,) = found["cards"]
        assert (card["kind"], card["memory_id"], card["proposal"]["target_flow_id"]) == ("enhancement", None, target)
        decisions = [{"id": id_, "action": "approve"}, {"id": id_, "action": "approve"}]
        done = (await client.post("/review", json={"decisions": decisions})).raise_for_status().json()
        assert (done["done"], done["failed"]) == (1, 1), "the first counts"
        assert done["results"][0]["flow_id"] == target, "of the flow that it adds to"
        assert done["results"][1]["error"]["code"] == "not_found", "the second finds nothing"
        assert (await client.get(f"/flows/{target}")).json()["version"] == 2, "a new version"
