"""What earlier context engines and flow engines are known to have got wrong, as far as it can happen here."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa

from memory.extraction.model import extractor_of
from memory.memories.memory import Actor
from memory.redaction import build_redactor
from proxy.config import ExtractionSettings
from proxy.metrics import Metrics
from proxy.remembering.extractor import Extractor
from proxy.remembering.worker import Later
from store.tables import interactions
from tests.proxy.test_memory_routes import ADMIN, KEYS, A, B, candidate, ok

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Which tea does the user drink?"}]}


@pytest.fixture
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        yield client, parts


def told(parts, namespace, content):
    memory, _ = parts.remembering.memories.add(
        namespace=namespace, project="", memory_type="preference", content=content, actor=Actor("ada")
    )
    return memory


async def test_the_last_context_of_one_caller_is_nobody_elses(keyed):
    client, parts = keyed
    told(parts, "team-a", "The user drinks green tea")
    told(parts, "team-b", "The user drinks black tea")
    answers = [(await client.post("/v1/chat/completions", json=CHAT, headers=who)) for who in (A, B)]
    ids = [answer.headers["x-reprise-interaction"] for answer in answers]
    own = [(await client.get(f"/interactions/{id_}", headers=who)).json() for id_, who in zip(ids, (A, B), strict=True)]
    assert "green tea" in own[0]["context_pack"]["text"], "each sees what was put into its own call"
    assert "green tea" not in own[1]["context_pack"]["text"], "and nothing of another's"
    for id_, who in ((ids[0], B), (ids[1], A)):
        assert (await client.get(f"/interactions/{id_}", headers=who)).status_code == 404, "not even by its id"


async def test_no_path_of_this_machine_is_told_to_clients(keyed, tmp_path):
    client, parts = keyed
    root = str(parts.directory.root)
    told(parts, "team-a", "The user drinks green tea")
    for path in ("/memory", "/interactions", "/stats", "/health/readiness", "/health/liveliness", "/v1/models"):
        said = (await client.get(path, headers=A)).text
        assert root not in said, f"{path} names the data directory"
        assert str(tmp_path) not in said, f"{path} names a folder of this machine"


ROUTES = [
    ("GET", "/memory"),
    ("POST", "/memory"),
    ("GET", "/memory/mem_x"),
    ("PUT", "/memory/mem_x"),
    ("DELETE", "/memory/mem_x"),
    ("POST", "/memory/mem_x/promote"),
    ("POST", "/memory/mem_x/reject"),
    ("GET", "/memory/mem_x/audit"),
    ("GET", "/admin/audit"),
    ("GET", "/review"),
    ("POST", "/review"),
    ("POST", "/review/undo"),
    ("POST", "/interactions/int_x/extract"),
    ("POST", "/admin/extract-batch"),
    ("POST", "/admin/forget"),
    ("GET", "/admin/jobs"),
    ("POST", "/admin/jobs/retry"),
    ("GET", "/interactions/similar"),
    ("POST", "/interactions/int_x/quality"),
    ("GET", "/tools/t/stats"),
]
READS = {"/memory", "/memory/mem_x", "/memory/mem_x/audit", "/interactions/similar", "/tools/t/stats"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_of_memory_asks_who_calls(keyed, method, path):
    client, _ = keyed
    assert (await client.request(method, path)).status_code == 401, "nobody without a key"
    assert (await client.request(method, path, headers={"authorization": "Bearer wrong"})).status_code == 401, (
        "or another"
    )
    mine = path in READS or path.startswith("/interactions/") or (method == "GET" and path == "/review")
    if not mine or (path == "/memory" and method == "POST"):
        assert (await client.request(method, path, headers=A)).status_code == 403, "nor with a client's"


async def test_no_supporting_session_is_lost(run_app):
    async with run_app() as (_, parts):
        memories = parts.remembering.memories
        first = candidate(parts)
        for number in range(1, 6):
            assert candidate(parts, source=f"int_{number}") == first, "the same statement is one memory"
        assert memories.get(first).supports == 6, "and each interaction that says it counts"


async def test_the_models_limit_counts_calls_and_not_candidates():
    asked = []

    class Asks:
        async def ask(self, model, messages, **manners):
            asked.append(messages)
            message = {"role": "assistant", "content": '{"candidates": []}'}
            return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    ticking = itertools.count()
    settings = ExtractionSettings(model="small", max_per_minute=2)
    redactor = build_redactor("rules")
    extractor = Extractor(settings, Asks(), redactor, Metrics(), clock=lambda: next(ticking) * 1e-3)
    record = {"prompt": "I prefer tea in the morning.", "response": "Noted.", "request": None, "context_pack": None}
    for _ in range(2):
        assert await extractor.read(record) == [], "a reading that finds nothing"
    with pytest.raises(Later):
        await extractor.read(record)
    assert len(asked) == 2, "has used up its share all the same"
    assert extractor.name == extractor_of("small"), "under its own name"


async def test_an_admin_reads_what_a_client_may_not(keyed):
    client, parts = keyed
    memory = told(parts, "team-a", "The user drinks green tea")
    assert (await client.get(f"/memory/{memory.id}", headers=B)).status_code == 404, "another namespace's is not there"
    assert (await client.get(f"/memory/{memory.id}", headers=ADMIN)).status_code == 200, "to an admin it is"


def called(prompt, project):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    return {"json": body, "headers": {"x-reprise-project": project, "x-reprise-memory": "read"}}


async def test_rows_under_a_later_alias_do_not_vanish(run_app):
    """They are found under the project's id and under every name it goes by."""
    old, fact = "Moon Shot", {"category": "decision", "key": "language", "value": "Ada"}
    async with run_app() as (client, parts):
        memory = {"memory_type": "project", "content": "Launch is on Monday", "project": old}
        await ok(client.post("/memory", json=memory))
        await ok(client.post("/interactions", json={"prompt": "Posted", "project": old}))
        await ok(client.post("/project/state", json={**fact, "project": old}))
        await ok(client.post("/v1/chat/completions", **called("When is launch?", old)))
        done = await ok(client.post("/projects/register", json={"project_id": "apollo", "aliases": ["Moon Shot"]}))
        assert {name: done["moved"][name] for name in ("memories", "project_state", "interactions")} == {
            "memories": 1,
            "project_state": 1,
            "interactions": 2,
        }
        for name in ("apollo", "moon shot", old, " APOLLO "):
            assert (await ok(client.get("/memory", params={"project": name})))["count"] == 1, name
            assert (await ok(client.get("/interactions", params={"project": name})))["count"] == 2, name
            assert len((await ok(client.get(f"/project/state/{name}")))["entries"]) == 1, name
            assert (await ok(client.get("/stats", params={"project": name})))["requests"] == 1, name
        for name in (old, "apollo"):
            answer = await client.post("/v1/chat/completions", **called("When is the launch?", name))
            assert answer.headers["x-reprise-memories"] != "0", f"its memories are put into calls of {name}"
        asked = sa.select(interactions.c.input_hash).where(interactions.c.prompt == "When is the launch?")
        shared = {row["input_hash"] for row in parts.database.query(asked)}
        assert len(shared) == 1, "one project has one key, whatever it is called"
