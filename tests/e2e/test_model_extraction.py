"""A model reads calls for candidates, behind their answers: good, fenced, chatty, truncated and hostile replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.scripted import Said
from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, eventually

pytestmark = pytest.mark.slow

READER = "reader"
SAID = "We decided to plant {} along the garden wall. My password is hunter2x, mail ada@sea-garden.org. Any advice?"
PLANTS = ("quinces", "medlars", "hazels", "sorbs", "figs")
QUOTE = "We decided to plant {} along the garden wall"


def shown(body: dict[str, Any]) -> dict[str, str]:
    """The texts that an extraction call shows."""
    return json.loads(body["messages"][-1]["content"].split("\n")[1])


def plain(plant: str, **more: Any) -> str:
    item = {"memory_type": "project", "content": f"They plant {plant} along the garden wall", "role": "user"}
    return json.dumps({"candidates": [{**item, "quote": QUOTE.format(plant), **more}]})


def flood(plant: str) -> str:
    item = json.loads(plain(plant))["candidates"][0]
    many = (
        {**item, "content": f"They plant {plant} along the wall {'of stone ' * (at % 9)}now"} for at in range(10_000)
    )
    return json.dumps({"candidates": list(many)})


GOOD = {
    "quinces": plain,
    "medlars": lambda plant: f"```json\n{plain(plant)}\n```",
    "hazels": lambda plant: f"Sure! Here is what I noted:\n\n{plain(plant)}\n\nAnything else?",
    "sorbs": lambda plant: plain(plant, status="active", confidence=1.0, pinned=True, project="mine", namespace="x"),
    "figs": lambda plant: plain(plant).replace("They plant", "They\\u200b\\u202e plant"),
}
BAD = {
    "quinces": Said(plain("quinces"), "length"),
    "medlars": Said(plain("medlars")[:-20]),
    "hazels": Said("I found nothing."),
    "sorbs": Said('{"candidates": {}}'),
    "figs": Said("[" * 100_000),
}


@pytest.fixture
def asked(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the scripted model answer extraction by plant; gives the bodies of such calls."""
    bodies: list[dict[str, Any]] = []

    def script(replies: Any) -> list[dict[str, Any]]:
        def says(body: dict[str, Any]) -> Said | None:
            if body["model"] != READER:
                return None
            bodies.append(body)
            plant = next(plant for plant in PLANTS if plant in shown(body)["user"])
            return replies(plant)

        monkeypatch.setattr(upstream.model, "says", says)
        return bodies

    return script


def candidates(server: Server, status: str = "candidate") -> list[dict[str, Any]]:
    found = server.http.get("/memory", params={"status": status, "limit": 500}).json()["memories"]
    return [memory for memory in found if (memory["provenance"] or {}).get("rule") == "model"]


def readings(server: Server, outcome: str) -> float:
    return server.metric("reprise_memory_readings_total", outcome=outcome)


def config(**extraction: Any) -> dict[str, Any]:
    return {"memory": {"extraction": {"model": READER, **extraction}}}


def test_what_the_model_finds_waits_for_review(launch: Launch, asked: Any) -> None:
    bodies = asked(lambda plant: Said(GOOD[plant](plant)))
    server = launch(config())
    for plant in PLANTS:
        assert server.chat(SAID.format(plant)).status_code == 200, plant
    eventually(lambda: len(candidates(server)) == len(PLANTS), "every reply's candidate is stored")
    found = {memory["content"]: memory for memory in candidates(server)}
    assert set(found) == {f"They plant {plant} along the garden wall" for plant in PLANTS}, "fences and talk do no harm"
    for memory in found.values():
        assert (memory["confidence"], memory["pinned"], memory["project"]) == (0.5, False, ""), "it claims in vain"
        origin = memory["provenance"]
        record = server.interaction(origin["interaction_id"])
        assert record["prompt"][origin["start"] : origin["end"]] == origin["span"], "it leads to what was said"
        assert origin["extractor"] == "model/reader/extract.v1", "and to who found it"
    assert candidates(server, "active") == [], "nothing is trusted"
    sent = "".join(json.dumps(shown(body)) for body in bodies)
    assert "hunter2x" not in sent, "the model saw no password"
    assert "ada@sea-garden.org" not in sent, "and no address"
    assert "[secret]" in sent, "but that there was one"
    assert len(server.listed()) == len(PLANTS), "its own calls are not logged"
    assert readings(server, "found") == len(PLANTS), "all are counted"


def test_failures_are_counted_and_tried_again_and_never_nothing(launch: Launch, asked: Any) -> None:
    replies: dict[str, Said] = dict(BAD)
    asked(lambda plant: replies.get(plant) or Said(plain(plant)))
    server = launch(config())
    for plant in PLANTS:
        server.chat(SAID.format(plant))
    eventually(lambda: readings(server, "unreadable") >= len(PLANTS), "every reading failed")
    assert candidates(server) == [], "nothing came of them"
    assert readings(server, "nothing") == 0, "and none counts as read"
    told = server.http.get("/admin/jobs").json()["counts"]["read"]
    assert told["waiting"] == len(PLANTS), "they wait to be read again"
    assert server.metric("reprise_store_errors_total", part="memory") >= len(PLANTS), "and memory says that it failed"
    replies.clear()
    eventually(lambda: len(candidates(server)) == len(PLANTS), "once the model makes sense, they are read")


def test_ten_thousand_candidates_do_not_flood_the_queue(launch: Launch, asked: Any) -> None:
    asked(lambda plant: Said(flood(plant)))
    server = launch(config())
    server.chat(SAID.format("figs"))
    eventually(lambda: readings(server, "doubted") == 1, "it is told apart")
    eventually(lambda: candidates(server), "what is left of it is stored")
    found = candidates(server)
    assert len(found) <= 2, "one passage carries few statements"
    assert {memory["confidence"] for memory in found} == {0.1}, "and they are doubted"


def test_a_preview_with_the_model_fails_as_a_bad_gateway(launch: Launch, asked: Any) -> None:
    replies = {"figs": Said("no"), "sorbs": Said(plain("sorbs"))}
    asked(replies.__getitem__)
    server = launch(config(enabled=False))
    told = {}
    for plant in replies:
        id_ = server.chat(SAID.format(plant)).headers["x-reprise-interaction"]
        told[plant] = server.http.post(f"/interactions/{id_}/extract", json={"model": True, "persist": True})
    assert told["figs"].status_code == 502, "a failure is not an empty list"
    assert told["figs"].json()["error"]["code"] == "extraction_unreadable", "in OpenAI's shape"
    assert len(told["sorbs"].json()["persisted_ids"]) >= 1, "a good reply is stored"
    batch = server.http.post("/admin/extract-batch", json={"mode": "model", "persist": True}).json()
    assert [error["message"] for error in batch["errors"]] == [told["figs"].json()["error"]["message"]], "told again"
    assert (batch["interactions"], batch["remaining"]) == (0, 0), "the other was read already"


def test_a_reading_outlives_a_crash(launch: Launch, asked: Any, upstream: Upstream) -> None:
    bodies = asked(lambda plant: Said(plain(plant)))
    server = launch(config())
    with upstream.hold('"assistant":'):
        server.chat(SAID.format("figs"))
        eventually(lambda: any('"assistant":' in text for text in upstream.seen), "the model is reading")
        server.kill()
    server.start()
    (memory,) = eventually(lambda: candidates(server), "it is read again")
    assert memory["content"] == "They plant figs along the garden wall", "nothing is lost"
    assert len(bodies) >= 1, "by asking anew"
