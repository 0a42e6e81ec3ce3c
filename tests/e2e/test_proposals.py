"""Sessions that resolve become proposals, and proposals flows: a real server, the upstream plays the model, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from proxy.scripted import Said
from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, eventually, run, write_config
from tests.memory.proposals.house import addition, flow

pytestmark = pytest.mark.slow

ANALYST = "analyst"
Reply = Callable[[dict[str, Any]], Mapping[str, Any] | str]


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """What an analysing call shows."""
    data: dict[str, Any] = json.loads(body["messages"][1]["content"].split("\n")[1])
    return data


@pytest.fixture
def asked(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Callable[[Reply], list[dict[str, Any]]]:
    """Lets the scripted model answer analyses by what it is shown; gives the bodies of these calls."""
    bodies: list[dict[str, Any]] = []

    def script(reply: Reply) -> list[dict[str, Any]]:
        def says(body: Mapping[str, Any]) -> Said | None:
            if body["model"] != ANALYST:
                return None
            bodies.append(dict(body))
            said = reply(shown(body))
            return Said(said if isinstance(said, str) else json.dumps(said))

        monkeypatch.setattr(upstream.model, "says", says)
        return bodies

    return script


def config(**flows: Any) -> dict[str, Any]:
    return {"memory": {"flows": {"model": ANALYST, "sweep": "1s", **flows}}}


def talk(server: Server, session: str, *turns: str) -> None:
    """A conversation in a session of that name."""
    for turn in turns:
        server.chat(turn, {"x-reprise-session": session}).raise_for_status()
    eventually(lambda: len(session_of(server, session).get("steps", ())) == len(turns), "its steps are there")


def session_of(server: Server, id_: str) -> dict[str, Any]:
    found = server.http.get(f"/sessions/{id_}")
    return dict(found.json()) if found.status_code == 200 else {}


def resolve(server: Server, id_: str, **more: Any) -> None:
    server.http.post(f"/sessions/{id_}/resolve", json=more).raise_for_status()


def listed(server: Server, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.http.get("/proposals", params=filters).raise_for_status().json()["proposals"]
    return found


def analysed(server: Server, id_: str) -> dict[str, Any]:
    return eventually(lambda: (one := session_of(server, id_)).get("analysis") == "done" and one, f"{id_} is analysed")


def told(server: Server, event: str) -> list[dict[str, Any]]:
    found = server.http.get("/notifications").raise_for_status().json()["notifications"]
    return [one for one in found if one["event"] == event]


def printer(server: Server, id_: str) -> None:
    """A resolved session about a printer."""
    talk(server, id_, f"Hello, {id_} here, my office printer is offline. My password is hunter2x.", "It prints again!")
    resolve(server, id_)


def test_from_a_conversation_to_a_flow(launch: Launch, asked: Any) -> None:
    bodies = asked(lambda data: f"Sure:\n```json\n{json.dumps(flow())}\n```")
    server = launch(config())
    printer(server, "first")
    assert analysed(server, "first")["outcome"] == "new_flow", "it fits no flow"
    (made,) = listed(server, status="pending")
    assert (made["proposal_type"], made["title"]) == ("new_flow", "Printer is offline"), "what it teaches"
    assert (made["supporting_session_count"], made["supporting_session_ids"]) == (1, ["first"]), "and from whom"
    assert (made["confidence_score"], made["problem"]) == (0.5, None), "as sure as one session makes it"
    assert "hunter2x" not in json.dumps(bodies), "the model saw no password"
    printer(server, "second")
    assert analysed(server, "second")["proposal_id"] == made["id"], "the second says the same"
    (made,) = listed(server, status="pending", type="new_flow")
    assert (made["supporting_session_count"], made["confidence_score"]) == (2, 0.6), "and supports it"
    assert len(eventually(lambda: told(server, "proposal.pending"), "people are told")) == 1, "once"

    (card,) = server.http.get("/review", params={"kind": "new_flow"}).json()["cards"]
    assert (card["id"], card["supports"]) == (made["id"], 2), "it waits in the one queue"
    one = server.http.get(f"/proposals/{made['id']}").raise_for_status().json()
    assert one["mermaid"].startswith("flowchart TD"), "drawn as it would be"

    done = server.http.post(f"/proposals/{made['id']}/approve", json={"reason": "right"}).raise_for_status().json()
    assert done["status"] == "approved", "a person says so"
    (published,) = server.http.get("/flows").json()["flows"]
    assert (published["id"], published["title"]) == (done["flow_id"], "Printer is offline"), "and it is in use"
    again = server.http.post(f"/proposals/{made['id']}/approve")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found"), "a second time finds nothing"

    server.http.post("/review/undo", json={"audit_id": done["audit_id"]}).raise_for_status()
    assert [one["status"] for one in server.http.get("/flows").json()["flows"]] == ["retired"], (
        "undone, it is out of use"
    )
    assert [one["id"] for one in listed(server, status="pending")] == [made["id"]], "and waits again"
    server.http.post(f"/proposals/{made['id']}/reject", json={"reason": "wrong"}).raise_for_status()
    printer(server, "third")
    assert analysed(server, "third")["outcome"] == "none", "what was rejected is not raised again"
    assert listed(server, status="pending") == [], "nothing waits"
    assert server.metric("reprise_analyses_total", outcome="refused") == 1, "but it is counted"


def test_own_words_become_a_new_version(launch: Launch, asked: Any) -> None:
    asked(lambda data: addition() if "flow" in data else flow())
    server = launch(config())
    made = server.http.post("/flows", json=flow(match_keywords=["printer", "offline", "spooler", "queue", "paper"]))
    id_ = made.raise_for_status().json()["id"]
    talk(server, "odd", "My office printer is offline and nothing in the queue or spooler moves", "It blinks red")
    corrected = {"matched_flow": id_, "reason": "it was followed"}
    server.http.put("/sessions/odd", json=corrected).raise_for_status()
    steps = session_of(server, "odd")["steps"]
    free = server.http.put(f"/sessions/odd/steps/{steps[0]['interaction_id']}", json={"free_text": "It blinks red"})
    free.raise_for_status()
    resolve(server, "odd")
    found = analysed(server, "odd")
    if found["match_score"] is None or found["match_score"] < 0.5:
        pytest.fail(f"the words fit the flow, but the score is {found['match_score']}")
    assert found["outcome"] == "enhancement", "own words beside a flow that fits"
    (proposal,) = listed(server, status="pending")
    assert proposal["target_flow_id"] == id_, "it adds to that flow"
    assert ["insert", "    It blinks red -> toner"] in proposal["diff"], "and shows what is new"
    done = server.http.post(f"/proposals/{proposal['id']}/approve").raise_for_status().json()
    assert (done["flow_id"], done["version"]) == (id_, 2), "approved, it is a new version"
    latest = server.http.get(f"/flows/{id_}").json()
    assert "toner" in [node["id"] for node in latest["tree_structure"]["children"]], "in use"


def test_a_broken_tree_waits_to_be_put_right(launch: Launch, asked: Any) -> None:
    broken = flow()
    broken["tree_structure"]["options"][0]["next_node_id"] = "nowhere"
    asked(lambda data: broken)
    server = launch(config())
    printer(server, "first")
    analysed(server, "first")
    (made,) = listed(server)
    assert "nowhere" in made["problem"], "what is wrong is named"
    refused = server.http.post(f"/proposals/{made['id']}/approve")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict"), "it is not published"
    still = server.http.post(f"/proposals/{made['id']}/modify", json={"match_keywords": ["one"]})
    assert (still.status_code, still.json()["error"]["param"]) == (400, "match_keywords"), "nor with another fault"
    done = server.http.post(f"/proposals/{made['id']}/modify", json=flow("Put right")).raise_for_status().json()
    assert done["status"] == "modified", "put right, it is"
    assert [one["title"] for one in server.http.get("/flows").json()["flows"]] == ["Put right"], "as a person wrote it"


def test_the_budget_holds_and_nothing_is_dropped(launch: Launch, asked: Any) -> None:
    bodies = asked(lambda data: flow(f"Trouble {data['problem'][:40]}"))
    server = launch(config(calls_per_day=2))
    ids = [f"s{at}" for at in range(5)]
    for at, id_ in enumerate(ids):
        talk(server, id_, f"Machine number {'one two three four five'.split()[at]} makes an odd noise today")
        resolve(server, id_)

    def settled() -> bool:
        states = [session_of(server, id_)["analysis"] for id_ in ids]
        return sorted(states) == ["deferred", "deferred", "deferred", "done", "done"]

    eventually(settled, "two are done, three are put off")
    server.stop()
    server.start()
    eventually(
        lambda: server.http.get("/admin/jobs").json()["counts"].get("analyse", {}).get("waiting", 0) == 0, "idle"
    )
    assert len(bodies) == 2, "two calls were made, before and after the restart"
    assert len(eventually(lambda: told(server, "budget.spent"), "people are told")) == 1, "once a day"


def test_a_killed_analysis_is_neither_lost_nor_doubled(launch: Launch, asked: Any, upstream: Upstream) -> None:
    bodies = asked(lambda data: flow())
    server = launch(config())
    with upstream.hold('"resolution":'):
        printer(server, "first")
        eventually(lambda: any('"resolution":' in text for text in upstream.seen), "the model is reading")
        server.kill()
    server.start()
    assert analysed(server, "first")["outcome"] == "new_flow", "nothing is lost"
    (made,) = listed(server)
    assert (made["supporting_session_count"], made["confidence_score"]) == (1, 0.5), "nothing is doubled"
    assert len(bodies) >= 1, "it was asked again"


def test_kills_at_any_moment_leave_one_proposal_for_each_session(launch: Launch, asked: Any) -> None:
    names = ("Basalt", "Copper", "Damson", "Elder")
    asked(lambda data: flow(next(f"{name} breaks" for name in names if name in data["problem"])))
    server = launch(config())
    for at, name in enumerate(names):
        talk(server, name, f"{name} is broken since this morning, what now?")
        resolve(server, name)
        if at % 2:
            server.kill()
            server.start()
    for name in names:
        analysed(server, name)
    titles = sorted(one["title"] for one in listed(server))
    assert titles == [f"{name} breaks" for name in names], "each once"
    assert {one["supporting_session_count"] for one in listed(server)} == {1}, "with one session each"


def test_the_command_reviews_proposals(launch: Launch, asked: Any) -> None:
    asked(lambda data: flow())
    server = launch(config())
    printer(server, "first")
    analysed(server, "first")
    where = ["--config", str(write_config(server.folder, server.config)), "--data-dir", str(server.data_dir)]
    typed = f"e\n{json.dumps({'title': 'Printer, by hand'})}\n"
    done = run("review", *where, "--kind", "new_flow", cwd=server.folder, typed=typed)
    assert done.code == 0, done.err
    assert "+ root (decision) Does the printer show a light?" in done.out, "the flow is shown"
    assert "taught by 1 session" in done.out, "and who taught it"
    assert "1 modified. 0 still wait." in done.out, "it is decided"
    assert [one["title"] for one in server.http.get("/flows").json()["flows"]] == ["Printer, by hand"], "as was typed"
    undone = run("review", *where, cwd=server.folder, typed="u\nq\n")
    assert "Nothing waits for review." in undone.out, "an empty queue asks nothing"


KEYS = [
    {"key": "rk-e2e-ann", "namespace": "team", "role": "client"},
    {"key": "rk-e2e-root", "namespace": "ops", "role": "admin"},
]


def test_proposals_are_for_admins(launch: Launch, asked: Any) -> None:
    asked(lambda data: flow())
    server = launch({**config(), "auth": {"keys": KEYS}}, key="rk-e2e-root")
    routes = [("GET", "/proposals"), ("GET", "/proposals/pro_x")]
    routes += [("POST", f"/proposals/pro_x/{action}") for action in ("approve", "modify", "reject", "dismiss")]
    for method, path in routes:
        body = {"title": "x"} if path.endswith("modify") else None
        refused = server.http.request(method, path, json=body, headers={"authorization": "Bearer rk-e2e-ann"})
        assert refused.status_code == 403, (method, path)
        nobody = server.http.request(method, path, json=body, headers={"authorization": "Bearer rk-none"})
        assert nobody.status_code == 401, (method, path)
        found = server.http.request(method, path, json=body)
        assert found.status_code == (200 if path == "/proposals" else 404), (method, path)
    for query, field in (({"status": "odd"}, "status"), ({"type": "odd"}, "type")):
        refused = server.http.get("/proposals", params=query)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field), "the field is named"
