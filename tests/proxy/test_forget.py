"""Forgetting over HTTP: what goes, what stays, and the receipt."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa

from memory.forgetting import Forgetting
from memory.memories.memory import Actor, Provenance
from store import tables
from store.errors import DatabaseError
from store.words import Words
from tests.fakes import near

A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
NAME = "Zoë Quillfeather"
HERS = f"Where does {NAME} live?"
REWORDED = f"In which street does {NAME} live?"
OTHERS = "How tall is the Eiffel tower?"
FIXED = {"policies": {"default": {"similarity_threshold": 0.93}}}
VECTORS = {HERS: near(1.0), REWORDED: near(0.95), OTHERS: near(0.2)}
PERSON = Actor("ada")


async def ask(client, prompt, headers=None, **fields):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def forget(client, headers=None, /, **body):
    return await client.post("/admin/forget", json=body, headers=headers)


async def forgotten(client, headers=None, /, **body):
    response = await forget(client, headers, **body)
    assert response.status_code == 200, response.text
    return response.json()


def settle(parts):
    parts.entries.flush()
    parts.entries.settle()


def holding(parts, text):
    """Tables with the words in any column of any row."""
    words = Words(text)
    return {
        table.name
        for table in tables.metadata.sorted_tables
        for row in parts.database.query(sa.select(table))
        if any(words.stand_in(value) for value in row.values() if isinstance(value, str))
    }


def count(parts, table):
    return parts.database.query(sa.select(sa.func.count().label("n")).select_from(table))[0]["n"]


def remember(parts, content, interaction=None, *, written_by="extraction", status="candidate", namespace="default"):
    provenance = None
    if interaction is not None:
        provenance = Provenance(interaction, "user", "fact_heading", "rules/1", 0, 9, f"span of {content}")
    memory, _ = parts.remembering.memories.add(
        namespace=namespace,
        project="",
        memory_type="knowledge",
        content=content,
        actor=PERSON,
        status=status,
        written_by=written_by,
        provenance=provenance,
    )
    return memory.id


def gone(receipt):
    """Counts of a receipt; jobs may be done already, and nobody waits for them here."""
    return {name: number for name, number in receipt["counts"].items() if name != "jobs"}


def left(parts):
    return {row["id"] for row in parts.database.query(sa.select(tables.memories.c.id))}


# What may be asked


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "subject"),
        ({"subject": "Ada Quill", "session": "s"}, "session"),
        ({"session": "s", "namespace": "n"}, "namespace"),
        ({"subject": "ab"}, "subject"),
        ({"subject": " a\u200bb \n"}, "subject"),
        ({"subject": "\u200b\u200b\u200b"}, "subject"),
        ({"client": "  "}, "client"),
        ({"session": "s", "whole_words": True}, "whole_words"),
        ({"subjects": "Ada"}, "subjects"),
        ({"subject": "\ud800abc"}, "subject"),
    ],
)
async def test_a_wrong_selection_is_refused_and_named(run_app, body, param):
    async with run_app() as (client, _):
        refused = await client.post(
            "/admin/forget", content=json.dumps(body), headers={"content-type": "application/json"}
        )
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param


async def test_only_admins_forget(run_app, model):
    async with run_app(auth=KEYS) as (client, _):
        assert (await forget(client, A, subject=NAME)).status_code == 403
        assert (await forget(client, subject=NAME)).status_code == 401
        receipt = await forgotten(client, ADMIN, subject=NAME)
    assert (receipt["counts"], receipt["complete"]) == ({}, True), "nothing was there"


# A subject


async def test_everything_with_the_words_goes_and_what_was_made_from_it(run_app, model):
    async with run_app(vectors=VECTORS, cache=FIXED) as (client, parts):
        await ask(client, HERS)
        hit = await ask(client, REWORDED)
        await ask(client, OTHERS)
        settle(parts)
        assert hit.headers["x-reprise-tier"] == "semantic", "there is a semantic hit to forget"
        receipt = await forgotten(client, subject="zoë  QUILLFEATHER")
        assert holding(parts, NAME) == set(), "no table holds the words"
        assert (count(parts, tables.interactions), count(parts, tables.entries)) == (1, 1), "the other call stays"
        again, other = await ask(client, HERS), await ask(client, OTHERS)
    assert receipt["complete"], receipt["left"]
    assert gone(receipt) == {"entries": 1, "interactions": 2, "vectors": 1}
    assert again.headers["x-reprise-cache"] == "miss", "her answer is gone"
    assert other.headers["x-reprise-cache"] == "hit", "the other one is not"


async def test_a_dry_run_counts_and_changes_nothing(run_app, model):
    async with run_app(vectors=VECTORS) as (client, parts):
        await ask(client, HERS)
        await ask(client, OTHERS)
        settle(parts)
        shown = await forgotten(client, subject=NAME, dry_run=True)
        assert count(parts, tables.interactions) == 2, "all is still there"
        hit = await ask(client, HERS)
    assert shown == {"status": "dry_run", "counts": {"entries": 1, "interactions": 1}, "backups": []}
    assert hit.headers["x-reprise-cache"] == "hit", "and served"


async def test_words_are_found_wherever_a_record_holds_them(run_app, model):
    async with run_app() as (client, parts):
        for record in (
            {"prompt": "x", "response": f"it is {NAME}"},
            {"prompt": "x", "metadata": {"by": NAME}},
            {"prompt": "x", "context_pack": {"memories": [NAME]}},
            {"prompt": "x", "session_id": NAME},
            {"prompt": "x", "project": NAME},
            {"prompt": "x", "error": NAME.upper()},
            {"interaction_type": "tool", "tool_id": "t", "input": {"name": NAME}, "output": "y"},
            {"prompt": "x", "response": "nobody"},
        ):
            assert (await client.post("/interactions", json=record)).status_code == 200
        escaped = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"hi\n{NAME}"}]})
        await client.post("/v1/chat/completions", content=escaped, headers={"content-type": "application/json"})
        receipt = await forgotten(client, subject=NAME)
        assert holding(parts, NAME) == set()
        assert count(parts, tables.interactions) == 1, "nobody's record stays"
    assert receipt["counts"]["interactions"] == 8


async def test_short_names_can_be_found_as_words_of_their_own(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, "Is Max at home?")
        await ask(client, "What is the maximum?", max_tokens=50)
        settle(parts)
        whole = await forgotten(client, subject="Max", whole_words=True, dry_run=True)
        parted = await forgotten(client, subject="Max", dry_run=True)
    assert whole["counts"]["interactions"] == 1, "as a word"
    assert parted["counts"]["interactions"] == 2, "as letters"


async def test_the_receipt_is_kept_and_holds_none_of_the_words(run_app, model):
    async with run_app(auth=KEYS) as (client, parts):
        await ask(client, HERS, A)
        receipt = await forgotten(client, ADMIN, subject=NAME)
        again = await forgotten(client, ADMIN, subject=NAME.upper())
        rows = parts.database.query(sa.select(tables.audit))
    assert [row["object_id"] for row in rows] == [receipt["id"], again["id"]], "both receipts are in the audit"
    row = rows[0]
    assert (row["action"], row["object_type"], row["namespace"]) == ("forget", "receipt", "ops")
    kept = json.loads(row["after"])
    assert kept["counts"] == receipt["counts"]
    assert gone(receipt) == {"entries": 1, "interactions": 1}
    assert (kept["complete"], kept["selector"]) == (True, receipt["selector"])
    assert "quill" not in json.dumps([receipt, rows], default=str).lower()
    assert receipt["selector"]["hash"] == again["selector"]["hash"], "the same whoever spells it"
    assert receipt["files_checked"] > 0


async def test_the_words_are_in_no_file(run_app, model):
    async with run_app(vectors=VECTORS) as (client, parts):
        for number in range(30):
            await ask(client, f"{HERS} {number} " + "x" * 5000)
        await forgotten(client, subject=NAME)
        files = [path for path in parts.directory.root.rglob("*") if path.is_file()]
        raw = b"".join(path.read_bytes() for path in files)
    assert len(files) >= 3, "the database, its log, the lock"
    assert not Words(NAME).stand_in_bytes(raw), "nothing of her is left in any file"


# Memory


async def test_memories_go_with_their_words_or_their_only_sources(run_app, model):
    async with run_app() as (client, parts):
        hers = (await ask(client, HERS)).headers["x-reprise-interaction"]
        also_hers = (await ask(client, f"{HERS} Again.")).headers["x-reprise-interaction"]
        others = (await ask(client, OTHERS)).headers["x-reprise-interaction"]
        hers_alone = [
            remember(parts, f"The house belongs to {NAME}", written_by="person", status="active"),
            remember(parts, "The house stands in Elm Street", hers),
            remember(parts, "The door of it is green", hers),
        ]
        assert remember(parts, "The door of it is green", also_hers) == hers_alone[2], "supported by both of her calls"
        stay = [
            remember(parts, "The tower is of iron", others),
            remember(parts, "A person wrote that it is old", hers, written_by="person", status="active"),
            remember(parts, "Both of them said this here", hers),
        ]
        remember(parts, "Both of them said this here", others)
        shown = await forgotten(client, subject=NAME, dry_run=True)
        receipt = await forgotten(client, subject=NAME)
        assert left(parts) == set(stay)
        assert holding(parts, NAME) == set()
        memories = parts.remembering.memories
        assert memories.get(stay[0]).provenance.interaction_id == others, "untouched"
        assert memories.get(stay[1]).provenance is None, "it no longer says where it came from"
        assert memories.get(stay[2]).supports == 1, "one of its two supports is gone"
        spans = {row["span"] for row in parts.database.query(sa.select(tables.memories.c.span))}
    assert spans == {None, "span of The tower is of iron"}, "no span of hers is left"
    assert receipt["counts"]["memories"] == shown["counts"]["memories"] == len(hers_alone)


async def test_the_audit_keeps_the_fact_and_loses_the_words(run_app, model):
    async with run_app() as (client, parts):
        memories = parts.remembering.memories
        about_her = remember(parts, f"{NAME} has a key", status="active", written_by="person")
        memories.update(about_her, {"content": f"{NAME} has two keys"}, PERSON)
        renamed = remember(parts, f"{NAME} has the third key", status="active", written_by="person")
        memories.update(renamed, {"content": "Somebody has the third key"}, PERSON)
        noted = remember(parts, "The third key is lost", status="active", written_by="person")
        memories.invalidate(noted, Actor("ada", reason=f"{NAME} found it"))
        before = parts.database.query(sa.select(tables.audit.c.id, tables.audit.c.actor, tables.audit.c.action))
        receipt = await forgotten(client, subject=NAME)
        rows = parts.database.query(sa.select(tables.audit).where(tables.audit.c.object_type != "receipt"))
        assert holding(parts, NAME) == set()
        assert left(parts) == {renamed, noted}, "what no longer holds the words stays"
        version = memories.version("default")
        await forgotten(client, subject="third key")
        assert memories.version("default") > version, "who holds memories in the process hears of it"
    assert [(row["id"], row["actor"], row["action"]) for row in rows] == [
        (row["id"], row["actor"], row["action"]) for row in before
    ], "each change is still on record"
    emptied = [row for row in rows if row["reason"] == "forgotten"]
    assert len(emptied) == receipt["counts"]["audit"] == 5, "all that spoke of her"
    assert {(row["before"], row["after"]) for row in emptied} == {(None, None)}


# Labels, evidence, pairs


async def test_labels_and_pairs_go_and_others_evidence_stays_without_its_source(run_app, model):
    async with run_app(vectors=VECTORS, cache=FIXED) as (client, parts):
        await ask(client, HERS)
        hit = await ask(client, REWORDED)
        said = {"interaction_id": hit.headers["x-reprise-interaction"], "correct": False}
        assert (await client.post("/v1/feedback", json=said)).status_code == 200
        other = await ask(client, OTHERS)
        assert (
            await client.post(
                "/v1/feedback", json={"interaction_id": other.headers["x-reprise-interaction"], "correct": True}
            )
        ).status_code == 200
        receipt = await forgotten(client, subject=NAME)
        sources = parts.database.query(sa.select(tables.evidence.c.source))
        assert parts.labels.counts() == {}, "the label quoted her"
        assert count(parts, tables.wrong_pairs) == 0
    assert receipt["counts"]["labels"] == receipt["counts"]["wrong_pairs"] == 1
    assert [row["source"].split(":")[0] for row in sources] == [other.headers["x-reprise-interaction"]]


async def test_evidence_that_she_gave_about_anothers_answer_counts_on_namelessly(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, OTHERS)
        hers = await ask(client, OTHERS, {"x-reprise-client": NAME.encode("ascii", "ignore").decode()})
        hit = hers.headers["x-reprise-interaction"]
        await client.post("/v1/feedback", json={"interaction_id": hit, "correct": False})
        entry = parts.entries.get(hers.headers["x-reprise-entry"])
        await forgotten(client, client="Zo Quillfeather")
        [row] = parts.database.query(sa.select(tables.evidence))
        assert parts.entries.get(entry.id).beta == entry.beta, "what she found of it still counts"
        assert count(parts, tables.interactions) == 1, "her call is gone"
    assert hit not in row["source"], "nobody knows any more who said it"


# Sessions, clients, namespaces


@pytest.mark.parametrize("kind", ["session", "client"])
async def test_a_session_or_a_client_goes_with_what_was_made_from_it(run_app, model, kind):
    async with run_app() as (client, parts):
        first = await ask(client, HERS, {f"x-reprise-{kind}": "one"})
        remember(parts, "The house stands in Elm Street", first.headers["x-reprise-interaction"])
        await ask(client, OTHERS, {f"x-reprise-{kind}": "two"})
        receipt = await forgotten(client, **{kind: "one"})
        [row] = (await client.get("/interactions")).json()["interactions"]
        assert left(parts) == set()
        again, other = await ask(client, HERS), await ask(client, OTHERS)
    assert row["prompt"] == OTHERS
    assert (again.headers["x-reprise-cache"], other.headers["x-reprise-cache"]) == ("miss", "hit")
    assert {name: receipt["counts"][name] for name in ("interactions", "entries", "memories")} == {
        "interactions": 1,
        "entries": 1,
        "memories": 1,
    }
    assert receipt["complete"]


async def test_a_namespace_goes_whole_and_begins_anew(run_app, model):
    async with run_app(auth=KEYS, cache={"writes_per_minute": 2}) as (client, parts):
        await client.post("/cache/invalidate", json={"namespace": "team-a", "epoch": "bump"}, headers=ADMIN)
        for prompt in (HERS, REWORDED, OTHERS):
            await ask(client, prompt, A)
        await ask(client, OTHERS, B)
        remember(parts, "Written by a person of team a", namespace="team-a", written_by="person", status="active")
        kept = remember(parts, "Written by a person of team b", namespace="team-b", written_by="person")
        receipt = await forgotten(client, ADMIN, namespace="team-a")
        for table in (tables.interactions, tables.entries, tables.memories, tables.jobs, tables.epochs):
            rows = parts.database.query(sa.select(table.c.namespace))
            assert "team-a" not in {row["namespace"] for row in rows}, table.name
        assert left(parts) == {kept}
        assert (await ask(client, OTHERS, B)).headers["x-reprise-cache"] == "hit", "the other namespace has its own"
        assert (await ask(client, HERS, A)).headers["x-reprise-cache"] == "miss"
        assert (await ask(client, HERS, A)).headers["x-reprise-cache"] == "hit", "it may store anew"
    assert receipt["counts"]["interactions"] == 3
    assert receipt["complete"], receipt["left"]


# Calls under way


async def begun(model, prompt):
    async with asyncio.timeout(20):
        while not model.by_prompt[prompt]:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_under_way_is_answered_but_neither_stored_nor_logged(run_app, model, stream):
    async with run_app() as (client, parts):
        slow, other = f"{HERS} [delay 0.5]", "Who cooks? [delay 0.5]"
        calls = [asyncio.create_task(ask(client, prompt, stream=stream)) for prompt in (slow, other)]
        for prompt in (slow, other):
            await begun(model, prompt)
        receipt = await forgotten(client, subject=NAME)
        answered = [await call for call in calls]
        settle(parts)
        assert holding(parts, NAME) == set(), "nothing came after the receipt"
        [row] = (await client.get("/interactions")).json()["interactions"]
        again = await ask(client, slow)
        assert holding(parts, NAME) != set(), "what is asked from now on is kept again"
    assert [response.status_code for response in answered] == [200, 200], "both callers have their answers"
    assert row["prompt"] == other, "the other call is logged"
    assert again.headers["x-reprise-cache"] == "miss"
    assert receipt["complete"]


async def test_a_comparison_under_way_becomes_no_label(run_app, model):
    async with run_app(vectors=VECTORS, cache={"policies": {"default": {"similarity_threshold": 0.99}}}) as (
        client,
        parts,
    ):
        await ask(client, HERS)
        # The workers are not started, so that what is compared waits.
        await ask(client, REWORDED)
        await forgotten(client, subject=NAME)
        parts.labelling.start()
        await parts.labelling.settled()
        assert parts.labels.counts() == {}


async def test_what_a_killed_forgetting_left_is_found_when_asked_again(run_app, model, monkeypatch):
    async with run_app(vectors=VECTORS) as (client, parts):
        for number in range(5):
            await ask(client, f"{HERS} {number}")
        first = (await ask(client, HERS)).headers["x-reprise-interaction"]
        remember(parts, "The house stands in Elm Street", first)

        def killed(*_):
            raise DatabaseError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(Forgetting, "interactions", killed)
            assert (await forget(client, subject=NAME)).status_code == 503
        assert count(parts, tables.interactions) == 6, "not all is done"
        assert not parts.database.query(sa.select(tables.audit).where(tables.audit.c.action == "forget"))
        receipt = await forgotten(client, subject=NAME)
        assert holding(parts, NAME) == set()
        assert left(parts) == set(), "also what only the interactions led to"
    assert receipt["complete"], receipt["left"]


# logging.redact


async def test_calls_are_logged_without_personal_data_where_that_is_asked_for(run_app, model):
    async with run_app(logging={"redact": True}) as (client, _):
        asked = "Who is ada@quill.example?"
        answered = await ask(client, asked)
        await client.post("/interactions", json={"prompt": "call +49 30 901820", "response": asked})
        proxied = (await client.get(f"/interactions/{answered.headers['x-reprise-interaction']}")).json()
        posted = (await client.get("/interactions", params={"limit": 1})).json()["interactions"][0]
        hit = await ask(client, asked)
    assert proxied["prompt"] == "Who is [email]?"
    assert json.loads(proxied["request"])["messages"][0]["content"] == "Who is [email]?", "still a body of a call"
    assert "quill" not in json.dumps(proxied), "in no field"
    assert posted["prompt"] == "call [phone]"
    assert hit.headers["x-reprise-cache"] == "hit", "stored answers are found as before"


async def test_a_redactor_that_fails_keeps_the_call_out_of_the_log_and_says_so(run_app, model, monkeypatch):
    async with run_app(logging={"redact": True}) as (client, parts):
        monkeypatch.setattr(parts.redaction, "_redact", lambda text: 1 / 0)
        answered = await ask(client, OTHERS)
        assert count(parts, tables.interactions) == 0, "better no record than one with secrets in it"
        assert not parts.health.parts["log"].ok, "which is never silent"
    assert answered.status_code == 200
