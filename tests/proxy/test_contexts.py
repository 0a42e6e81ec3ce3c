"""State, memories and pieces of documents in calls, and what a caller can ask about them."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib

import numpy as np
import pytest

from memory.context.packs import CLOSING, NOTES_HEAD, OPENING, PIECES_HEAD, STATE_HEAD
from memory.memories.memory import Actor
from proxy import contexts
from store.errors import DatabaseError
from tests.fakes import DIMENSION
from tests.proxy.test_injection import BACKUPS, NIGHTLY, REWORDED, SERVING, ask, did, last_user, logged, remember

ME = Actor("tests")
GUIDE = "# Backups\n\nThe backups run on two disks.\n"
MENU = "# Menu\n\nSoup on Mondays.\n"
TWO_DISKS = f"{OPENING}{PIECES_HEAD}Backups:\n> The backups run on two disks.\n{CLOSING}"
KEYS = {
    "keys": [
        {"key": f"sk-{name}-0123456789", "namespace": namespace, "role": role}
        for name, namespace, role in (
            ("ann", "ours", "client"),
            ("amy", "ours", "client"),
            ("bob", "theirs", "client"),
            ("root", "ours", "admin"),
        )
    ]
}


def bearer(name):
    return {"authorization": f"Bearer sk-{name}-0123456789"}


def by_words(texts):
    """A vector of each text in which equal words point the same way: alike are texts with many in common."""
    vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        for word in text.lower().replace("?", "").replace(".", "").split():
            row[zlib.crc32(word.encode()) % 61] += 1.0
        row[63] += 0.1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def folder(tmp_path):
    """A source with two documents."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "backups.md").write_text(GUIDE)
    (docs / "menu.md").write_text(MENU)
    return docs


@pytest.fixture
def shelved(run_app, folder, monkeypatch):
    """The application with that source ingested; texts are alike that share words."""

    @contextlib.asynccontextmanager
    async def run(source=None, memory=None, cache=SERVING, **sections):
        memory = {"sources": {"docs": {"path": str(folder), **(source or {})}}, **(memory or {})}
        async with run_app(vectors={}, memory=memory, cache=cache, **sections) as (client, parts):
            parts.embedder.embed = lambda texts: (parts.embedder.asked.extend(texts), by_words(texts))[1]
            await ingest(parts)
            parts.embedder.asked.clear()
            yield client, parts

    return run


async def ingest(parts):
    """Read what is new or changed in every source."""

    def work():
        library = parts.remembering.library
        library.open()
        for source in library.sources().values():
            run = library.ingestion.run(source)
            assert run.status == "done", run
        library.mend(60)

    await asyncio.to_thread(work)


def say(parts, value, project="apollo", namespace="default", key="disks"):
    """A fact of a project."""
    place = {"namespace": namespace, "project": project, "category": "decision", "key": key}
    return parts.remembering.state.put(**place, value=value, actor=ME)[0]


# In calls


async def test_a_piece_of_a_document_reaches_the_upstream_the_headers_and_the_log(shelved, model):
    async with shelved() as (client, parts):
        got = await ask(client)
        assert last_user(model.calls[0]) == f"{BACKUPS}\n\n{TWO_DISKS}"
        assert (got.headers["x-reprise-memories"], got.headers["x-reprise-context"]) == (
            "0",
            "state=0, memories=0, chunks=1",
        )
        kept = await logged(client, got)
        assert len(kept["chunks_used"]) == 1
        assert kept["context_pack"]["chunks"][0][0] == kept["chunks_used"][0]
        assert parts.metrics.chunks_injected._value.get() == 1


async def test_all_of_it_in_one_block(shelved, model):
    async with shelved() as (client, parts):
        remember(parts)
        say(parts, "Two of them")
        await ask(client, headers={"x-reprise-project": "apollo"})
        assert last_user(model.calls[0]) == (
            f"{BACKUPS}\n\n{OPENING}{STATE_HEAD}- decision/disks: Two of them\n{NOTES_HEAD}- {NIGHTLY}\n"
            f"{PIECES_HEAD}Backups:\n> The backups run on two disks.\n{CLOSING}"
        )
        await ask(client)
        assert "Two of them" not in last_user(model.calls[1]), "state is of the call's own project"


async def test_an_exact_hit_costs_no_embedding(shelved, model):
    async with shelved() as (client, parts):
        assert did(await ask(client)) == ("miss", "upstream")
        await asyncio.sleep(0.05)
        assert parts.embedder.asked == [BACKUPS], "once for both, documents and stored answers"
        assert did(await ask(client)) == ("hit", "exact")
        assert parts.embedder.asked == [BACKUPS]
        long = f"{BACKUPS} {'x ' * 2000}"
        await ask(client, long)
        await asyncio.sleep(0.05)
        asked = len(parts.embedder.asked)
        assert did(await ask(client, long)) == ("hit", "exact")
        assert len(parts.embedder.asked) == asked, "nor for a long prompt"


async def test_an_answer_goes_with_the_document_it_was_made_with(shelved, model, folder):
    async with shelved() as (client, parts):
        await ask(client)
        assert did(await ask(client)) == ("hit", "exact")
        assert did(await ask(client, REWORDED)) == ("miss", "upstream")
        (folder / "backups.md").write_text(GUIDE.replace("two", "three"))
        await ingest(parts)
        assert did(await ask(client)) == ("miss", "upstream"), "the document says something else"
        assert "three disks" in last_user(model.calls[-1])
        (folder / "backups.md").unlink()
        await ingest(parts)
        assert did(await ask(client)) == ("miss", "upstream"), "the document is gone"
        assert last_user(model.calls[-1]) == BACKUPS
        (folder / "backups.md").write_text(GUIDE)
        (folder / "more.md").write_text("# Weather\n\nRain.\n")
        await ingest(parts)
        await ask(client)
        (folder / "more.md").write_text("# Weather\n\nSun.\n")
        await ingest(parts)
        assert did(await ask(client)) == ("hit", "exact"), "another document makes no difference"


async def test_while_documents_are_read_a_prompt_asked_before_costs_no_search(shelved, model, monkeypatch):
    async with shelved() as (client, parts):
        await ask(client)
        shelf, searched = parts.remembering.shelf, []
        search = shelf.search
        monkeypatch.setattr(shelf, "search", lambda *given: (searched.append(given), search(*given))[1])
        changes = parts.remembering.library.index.changes
        with changes.reading():
            changes.grown()
            changes.altered(["another piece"])
            await asyncio.to_thread(parts.remembering.library.mend, 1.0)
            assert did(await ask(client)) == ("hit", "exact"), "what was chosen holds"
            assert searched == [], "nothing is searched again"
        assert did(await ask(client)) == ("hit", "exact"), "the new ones are no better"
        assert len(searched) == 1, "but that was looked for"


async def test_a_changed_memory_costs_no_search(shelved, model, monkeypatch):
    async with shelved() as (client, parts):
        await ask(client)
        shelf, searched = parts.remembering.shelf, []
        search = shelf.search
        monkeypatch.setattr(shelf, "search", lambda *given: (searched.append(given), search(*given))[1])
        made = remember(parts)
        await ask(client)
        assert NIGHTLY in last_user(model.calls[-1]), "the new memory is there"
        assert "two disks" in last_user(model.calls[-1]), "the piece still, too"
        assert searched == [], "it was found before"
        parts.remembering.memories.update(made.id, {"status": "candidate"}, ME)
        parts.remembering.memories.reject(made.id, ME)
        assert did(await ask(client)) == ("hit", "exact"), "without the memory it is what it was"
        assert searched == [], "all the time"


async def test_while_documents_are_read_nothing_that_is_gone_is_shown(shelved, model, folder):
    async with shelved() as (client, parts):
        await ask(client)
        library = parts.remembering.library
        document = library.ingestion.documents.known("docs")["backups.md"]
        with library.index.changes.reading():
            library.index.changes.grown()
            await asyncio.to_thread(library.ingestion.forget, [document.id])
            assert did(await ask(client)) == ("miss", "upstream"), "its document is gone"
        assert last_user(model.calls[-1]) == BACKUPS


async def test_a_document_that_is_called_otherwise_is_quoted_so(shelved, model, folder):
    (folder / "plan.md").write_text("---\ntitle: Plan A\n---\n\nThe backups and disks.\n")
    async with shelved() as (client, parts):
        await ask(client, "the backups and disks?")
        assert "Plan A" in last_user(model.calls[-1])
        (folder / "plan.md").write_text("---\ntitle: Plan B\n---\n\nThe backups and disks.\n")
        await ingest(parts)
        assert did(await ask(client, "the backups and disks?")) == ("miss", "upstream"), "its words are the same"
        assert "Plan B" in last_user(model.calls[-1])


async def test_an_answer_goes_with_the_state_it_was_made_with(shelved, model):
    async with shelved() as (client, parts):
        headers = {"x-reprise-project": "apollo"}
        say(parts, "Two of them")
        await ask(client, headers=headers)
        assert did(await ask(client, headers=headers)) == ("hit", "exact")
        say(parts, "Three of them")
        assert did(await ask(client, headers=headers)) == ("miss", "upstream"), "it is superseded"
        assert "Three of them" in last_user(model.calls[-1])
        place = {"namespace": "default", "project": "apollo", "category": "decision", "key": "disks"}
        parts.remembering.state.delete(**place, actor=ME)
        assert did(await ask(client, headers=headers)) == ("miss", "upstream"), "it is deleted"


async def test_an_answer_goes_with_the_memory_it_was_made_with_beside_documents(shelved, model):
    async with shelved() as (client, parts):
        made = remember(parts)
        await ask(client)
        assert did(await ask(client)) == ("hit", "exact")
        parts.remembering.memories.update(made.id, {"status": "candidate"}, ME)
        parts.remembering.memories.reject(made.id, ME)
        assert did(await ask(client)) == ("miss", "upstream"), "it is rejected"
        assert last_user(model.calls[-1]) == f"{BACKUPS}\n\n{TWO_DISKS}"


@pytest.mark.parametrize("why", ["source", "switched off", "mode", "unlike"])
async def test_what_keeps_documents_out_of_calls(shelved, model, why):
    source = {"namespaces": ["elsewhere"]} if why == "source" else None
    memory = {"context": {"sources": False}} if why == "switched off" else None
    async with shelved(source, memory) as (client, _):
        prompt = "Who wrote Faust?" if why == "unlike" else BACKUPS
        got = await ask(client, prompt, {"x-reprise-memory": "off"} if why == "mode" else None)
        assert last_user(model.calls[0]) == prompt
        assert "x-reprise-context" not in got.headers


async def test_state_and_documents_of_another_namespace_stay_there(shelved, model):
    async with shelved({"namespaces": ["ours"]}, auth=KEYS) as (client, parts):
        say(parts, "Two of them", namespace="ours")
        project = {"x-reprise-project": "apollo"}
        await ask(client, headers={**bearer("bob"), **project})
        assert last_user(model.calls[0]) == BACKUPS
        await ask(client, headers={**bearer("ann"), **project})
        assert "Two of them" in last_user(model.calls[1])
        assert "two disks" in last_user(model.calls[1])


async def test_documents_that_cannot_be_searched_are_left_out_and_that_is_told(shelved, model, monkeypatch):
    async with shelved() as (client, parts):
        remember(parts)
        made = parts.remembering.contexts

        def fail(*given):
            raise DatabaseError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(parts.remembering.shelf, "search", fail)
            assert (await ask(client)).headers["x-reprise-context"] == "state=0, memories=1, chunks=0"
            assert not parts.health.parts["memory"].ok, "it is not silent"
        assert (await ask(client)).headers["x-reprise-context"].endswith("chunks=0"), "it rests"
        made._rested = 0.0
        assert (await ask(client)).headers["x-reprise-context"].endswith("chunks=1")
        assert parts.health.parts["memory"].ok, "it works again"


async def test_a_slow_embedder_is_not_waited_for(shelved, model, monkeypatch):
    monkeypatch.setattr(contexts, "PATIENCE", 0.05)
    async with shelved() as (client, parts):
        embed = parts.embedder.embed
        parts.embedder.embed = lambda texts: (time.sleep(0.3), embed(texts))[1]
        await ask(client)
        assert last_user(model.calls[0]) == BACKUPS
        assert parts.health.parts["memory"].error == "TimeoutError"


async def test_before_there_is_an_embedder_memories_go_alone(shelved, model):
    async with shelved() as (client, parts):
        remember(parts)
        embedder, parts.semantic._embedder = parts.semantic._embedder, None
        assert (await ask(client)).headers["x-reprise-context"].endswith("chunks=0")
        assert parts.health.parts["memory"].ok, "to begin is no failure"
        parts.semantic._embedder = embedder
        assert (await ask(client)).headers["x-reprise-context"].endswith("chunks=1"), "nothing else was remembered"


# What can be asked


async def post(client, path, headers=None, status=200, **body):
    got = await client.post(path, json=body, headers=headers)
    assert got.status_code == status, got.text
    return got.json()


async def test_a_query_gives_pieces_with_their_place(shelved):
    async with shelved(source={"tags": ["ops"]}) as (client, _):
        found = await post(client, "/query", prompt=BACKUPS, top_k=1)
        assert found["count"] == 1
        first = found["results"][0]
        assert first["content"] == "The backups run on two disks."
        place = {"source": "docs", "source_file": "backups.md", "heading_path": "Backups", "headings": ["Backups"]}
        assert {name: first[name] for name in place} == place
        assert first["score"] > first["similarity"] > 0, "shared words raise it"
        assert (first["title"], first["tags"], first["project"]) == ("Backups", ["ops"], None)
        assert len((await post(client, "/query", prompt=BACKUPS))["results"]) == 2, "unlike ones too, behind"


async def test_a_query_can_name_tags_and_a_project_by_any_of_its_names(shelved):
    async with shelved(source={"tags": ["ops"]}) as (client, parts):
        assert (await post(client, "/query", prompt=BACKUPS, filter_tags=["Ops"]))["count"] == 2
        assert (await post(client, "/query", prompt=BACKUPS, filter_tags=["ops", "legal"]))["results"] == []
        root = {"source": "docs", "subpath": "backups.md"}
        parts.remembering.projects.register("apollo", ["Moon Shot"], "", [root], actor=ME)
        await ingest(parts)
        plain, own = [
            await post(client, "/query", prompt=BACKUPS, top_k=1, project=name) for name in (None, "moon shot")
        ]
        assert own["project"] == own["results"][0]["project"] == "apollo"
        assert own["results"][0]["score"] == pytest.approx(2 * plain["results"][0]["score"], rel=1e-4)


async def test_what_cannot_be_asked_is_refused_with_its_field(run_app):
    asked = [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "x", "top_k": 0}, "top_k"),
        ({"prompt": "x", "top_k": 101}, "top_k"),
        ({"prompt": "x", "top_k": "7"}, "top_k"),
        ({"prompt": "x", "filter_tags": "ops"}, "filter_tags"),
        ({"prompt": "x", "project": 7}, "project"),
        ({"prompt": "x", "namespace": "theirs"}, "namespace"),
    ]
    async with run_app() as (client, _):
        for body, param in asked:
            told = await post(client, "/query", status=400, **body)
            assert told["error"]["param"] == param, body
        for budget in (0, -1, 100_001, "many", 1.5):
            told = await post(client, "/context/build", status=400, prompt="x", budget=budget)
            assert told["error"]["param"] == "budget", budget


async def test_where_nothing_was_ingested_a_query_finds_nothing(run_app):
    async with run_app() as (client, _):
        assert (await post(client, "/query", prompt="x"))["results"] == []
        built = await post(client, "/context/build", prompt="x", budget=500)
        assert (built["formatted_context"], built["full_prompt"], built["budget_remaining"]) == ("", "x", 500)


async def test_without_an_embedder_a_query_says_so(shelved):
    async with shelved() as (client, parts):
        parts.semantic._embedder = None
        for path in ("/query", "/context/build"):
            told = await post(client, path, status=503, prompt=BACKUPS)
            assert told["error"]["code"] == "embedder"


async def test_a_context_is_built_as_a_call_would_get_it(shelved, model):
    async with shelved() as (client, parts):
        made = remember(parts)
        fact = say(parts, "Two of them")
        built = await post(client, "/context/build", prompt=BACKUPS, project="apollo")
        await ask(client, headers={"x-reprise-project": "apollo"})
        assert built["full_prompt"] == last_user(model.calls[0])
        text = built["formatted_context"]
        assert built["full_prompt"] == f"{BACKUPS}\n\n{text}"
        assert (built["total_chars"], built["budget_remaining"]) == (len(text), 3000 - len(text))
        assert (built["memories_used"], built["state_used"], built["chunks_used"]) == ([made.id], [fact.id], 1)
        assert built["chunks"][0]["source_file"] == "backups.md"
        assert built["duration_ms"] > 0
        small = await post(client, "/context/build", prompt=BACKUPS, project="apollo", budget=200)
        assert len(small["formatted_context"]) <= 200


async def last(client, name=None, **params):
    got = await client.get("/debug/context", headers=bearer(name) if name else None, params=params)
    return got.json() if got.status_code == 200 else got.status_code


async def test_a_caller_sees_its_own_last_context_and_nobody_elses(shelved):
    async with shelved(auth=KEYS) as (client, _):
        assert await last(client, "ann") == 404
        got = await ask(client, headers={**bearer("ann"), "x-reprise-session": "one"})
        seen = await last(client, "ann")
        assert seen["formatted_context"] == TWO_DISKS
        assert seen["interaction_id"] == got.headers["x-reprise-interaction"]
        assert (seen["session_id"], seen["chunks_used"], seen["budget"]) == ("one", 1, 3000)
        for other in ("amy", "bob", "root"):
            assert await last(client, other) == 404, f"{other} is another caller"
            assert await last(client, other, session="one") == 404
        await ask(client, "Soup on which days?", {**bearer("ann"), "x-reprise-session": "two"})
        assert "Soup on Mondays" in (await last(client, "ann"))["formatted_context"]
        assert (await last(client, "ann", session="one"))["formatted_context"] == TWO_DISKS
        assert await last(client, "ann", session="three") == 404
        await ask(client, headers={**bearer("ann"), "x-reprise-session": "two", "x-reprise-memory": "off"})
        assert (await last(client, "ann"))["formatted_context"] == "", "nothing was given last"
        await client.post("/admin/forget", json={"namespace": "ours"}, headers=bearer("root"))
        assert await last(client, "ann") == 404, "it is forgotten with all else"


async def test_without_keys_the_namespace_is_the_caller(shelved):
    async with shelved() as (client, _):
        built = await post(client, "/context/build", prompt=BACKUPS)
        assert (await last(client))["formatted_context"] == built["formatted_context"]
        assert await last(client, "somebody") == 404


async def test_an_explanation_is_not_what_was_given(shelved):
    async with shelved() as (client, _):
        body = {"model": "m", "messages": [{"role": "user", "content": BACKUPS}]}
        told = await post(client, "/cache/explain", **body)
        assert len(told["memory"]["chunks"]) == 1
        assert await last(client) == 404
