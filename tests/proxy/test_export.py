"""Stored answers and the log as files, and back."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
import threading
import time

import pytest

from proxy.maintenance import sweep
from proxy.moving import exporter
from proxy.moving.exporter import Wanted
from proxy.moving.importer import Importer, Tally
from proxy.moving.output import whole_file
from proxy.moving.sinks import open_store
from proxy.moving.source import open_source
from proxy.moving.template import Template
from store.database import Database
from store.errors import DatabaseError
from store.snapshot import snapshot
from store.sqlite import SQLite
from tests.fakes import near

FRANCE = "What is the capital of France?"
REWORDED = "What's the capital city of France?"
SPAIN = "What is the capital of Spain?"
VECTORS = {FRANCE: near(1.0), REWORDED: near(0.97), SPAIN: near(0.2, 2)}
UNAUDITED = {"policies": {"default": {"similarity_threshold": 0.9, "audit_rate": 1e-9}}}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}


def chat(prompt, **fields):
    return {"model": "gpt-x", "messages": [{"role": "user", "content": prompt}], **fields}


async def ask(client, body, **headers):
    got = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert got.status_code == 200, got.text
    return got


def standing(got):
    return got.headers["x-reprise-cache"], got.headers["x-reprise-tier"]


def lines_of(parts, query, shape):
    with snapshot(parts.database.driver) as moment:
        return list(exporter.written(moment, query, shape))


def entries_of(parts, shape=exporter.entry_line, **wanted):
    return lines_of(parts, exporter.entries_wanted(Wanted(**wanted), time.time()), shape)


def log_of(parts, **wanted):
    return lines_of(parts, exporter.interactions_wanted(Wanted(**wanted)), exporter.interaction_line)


def examples_of(parts, **wanted):
    return lines_of(parts, exporter.examples_wanted(Wanted(**wanted)), exporter.interaction_example)


def import_lines(tmp_path, lines, settings, template=None, format_="auto"):
    path = tmp_path / "moved.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with (
        open_source(path, format_, template or Template()) as source,
        open_store(settings, force=False, dry=False) as sink,
    ):
        return Importer(source, sink, Tally()).run()


def moved_to(parts, folder):
    server = parts.settings.server.model_copy(update={"data_dir": folder})
    return parts.settings.model_copy(update={"server": server})


# There and back


async def test_an_exported_answer_is_the_same_hit_in_another_directory(run_app, model, tmp_path):
    body, headers = chat(FRANCE, temperature=0.3), {"openai-beta": "x=1", "x-reprise-project": "p1"}
    async with run_app(vectors=VECTORS, cache=UNAUDITED) as (client, parts):
        first = await ask(client, body, **{"x-reprise-tags": "faq", **headers})
        entry = parts.entries.get(first.headers["x-reprise-entry"])
        parts.entries.reinforce(entry.id, 8.0, 0.0)
        (line,) = entries_of(parts)
        assert line["request"] == body
        assert line["hits"] == 0
        tally = import_lines(tmp_path, [line], moved_to(parts, tmp_path / "data"))
        assert (tally.stored, tally.bad) == (1, 0)
    async with run_app(vectors=VECTORS, cache=UNAUDITED, server={"data_dir": str(tmp_path / "data")}) as (
        client,
        parts,
    ):
        model.calls.clear()
        again = await ask(client, body, **headers)
        assert standing(again) == ("hit", "exact")
        assert again.json()["choices"] == first.json()["choices"]
        assert again.json()["usage"] == first.json()["usage"]
        sweep(parts, time.time())
        reworded = await ask(client, chat(REWORDED, temperature=0.3), **headers)
        assert standing(reworded) == ("hit", "semantic")
        assert standing(await ask(client, chat(FRANCE), **headers))[0] == "miss", "another temperature, another call"
        moved = parts.entries.get(again.headers["x-reprise-entry"])
        assert (moved.alpha, moved.beta, moved.created_at, moved.expires_at) == (
            entry.alpha + 8.0,
            entry.beta,
            entry.created_at,
            entry.expires_at,
        )
        assert moved.tags == ("faq", "imported")
        assert (moved.answered_by, moved.project) == (entry.answered_by, "p1")


async def test_under_another_namespace_the_keys_are_made_anew(run_app, tmp_path):
    async with run_app() as (client, parts):
        await ask(client, chat(FRANCE))
        lines = entries_of(parts)
        keys = [{"key": "team-key-1", "namespace": "team"}]
        there = moved_to(parts, tmp_path / "data")
        assert import_lines(tmp_path, lines, there, Template(namespace="team")).stored == 1
        bare = [{**line, "request": None} for line in lines]
        refused = import_lines(tmp_path, bare, there, Template(namespace="other"))
        assert refused.refused == {"no-request": 1}, "without the request nobody knows what it answers"
    async with run_app(auth={"keys": keys}, server={"data_dir": str(tmp_path / "data")}) as (client, _):
        assert standing(await ask(client, chat(FRANCE), authorization="Bearer team-key-1")) == ("hit", "exact")


async def test_without_its_request_an_entry_keeps_its_keys_where_it_belongs(run_app, tmp_path):
    async with run_app() as (client, parts):
        await ask(client, chat(FRANCE, seed=7))
        lines = [{**line, "request": None} for line in entries_of(parts)]
        assert import_lines(tmp_path, lines, moved_to(parts, tmp_path / "data")).stored == 1
    async with run_app(server={"data_dir": str(tmp_path / "data")}) as (client, _):
        assert standing(await ask(client, chat(FRANCE, seed=7))) == ("hit", "exact")


async def test_what_is_over_does_not_come_back_unless_renewed(run_app, tmp_path):
    async with run_app() as (client, parts):
        await ask(client, chat(FRANCE))
        lines = [{**line, "created_at": 1000.0, "expires_at": 2000.0} for line in entries_of(parts)]
        there = moved_to(parts, tmp_path / "data")
        assert import_lines(tmp_path, lines, there).refused == {"expired": 1}
        assert import_lines(tmp_path, lines, there, Template(renew=True)).stored == 1


async def test_what_an_epoch_made_unreachable_is_neither_exported_nor_imported(run_app, tmp_path):
    async with run_app() as (client, parts):
        await ask(client, chat(FRANCE))
        lines = entries_of(parts)
        assert (await client.post("/cache/warm", json={"entries": [_pair()]})).json()["stored"] == 1
        parts.invalidation.bump("default")
        assert entries_of(parts) == []
        path = tmp_path / "moved.jsonl"
        path.write_text(json.dumps(lines[0]))
        with open_source(path, "auto", Template()) as source:
            (record,) = source.read()
        assert parts.warmer.store([record.item])[0].reason == "invalidated"
        assert (await client.post("/cache/warm", json={"entries": [_pair()]})).json()["stored"] == 1, (
            "not the same any more"
        )


def _pair():
    return {"prompt": SPAIN, "answer": "Madrid.", "model": "gpt-x"}


async def test_of_the_log_only_what_the_cache_itself_stored_is_imported(run_app, model, tmp_path):
    async with run_app(vectors=VECTORS, cache=UNAUDITED) as (client, parts):
        await ask(client, chat(FRANCE))
        assert standing(await ask(client, chat(REWORDED))) == ("hit", "semantic")
        await ask(client, chat("Roll a dice for me"))
        await ask(client, chat(f"{SPAIN} [finish length]"))
        await client.post("/v1/chat/completions", json=chat("Fail [status 500]"))
        lines = log_of(parts)
        assert len(lines) == 5
        tally = import_lines(tmp_path, lines, moved_to(parts, tmp_path / "data"))
        assert tally.stored == 1
        assert tally.refused == {"served-by-meaning": 1, "not-stored": 2, "failed": 1}
    async with run_app(server={"data_dir": str(tmp_path / "data")}) as (client, _):
        got = await ask(client, chat(FRANCE))
        assert standing(got) == ("hit", "exact")
        assert "Paris" in got.json()["choices"][0]["message"]["content"]


async def test_tool_calls_in_the_log_come_back_as_such(run_app, tmp_path):
    body = chat("Look it up [tool look_up]", tools=[TOOL])
    async with run_app() as (client, parts):
        first = await ask(client, body)
        assert import_lines(tmp_path, log_of(parts), moved_to(parts, tmp_path / "data")).stored == 1
    async with run_app(server={"data_dir": str(tmp_path / "data")}) as (client, _):
        again = (await ask(client, body)).json()["choices"][0]
        calls = first.json()["choices"][0]["message"]["tool_calls"]
        assert again["message"]["tool_calls"] == calls
        assert again["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "change",
    [
        {"keys": None},
        {"answer": None},
        {"alpha": "x"},
        {"alpha": -1},
        {"created_at": None},
        {"expires_at": 1e300},
        {"keys": {"exact": "x"}},
    ],
)
async def test_a_damaged_export_is_a_bad_line(run_app, tmp_path, change):
    async with run_app() as (client, parts):
        await ask(client, chat(FRANCE))
        lines = [{**line, **change} for line in entries_of(parts)]
        tally = import_lines(tmp_path, lines, moved_to(parts, tmp_path / "data"))
        assert (tally.stored, tally.bad) == (0, 1)


# What is exported


async def test_examples_for_fine_tuning_are_what_the_model_said(run_app, model):
    async with run_app(vectors=VECTORS, cache=UNAUDITED) as (client, parts):
        body = chat(FRANCE, tools=[TOOL], parallel_tool_calls=False)
        body["messages"].insert(0, {"role": "system", "content": "Be brief."})
        first = await ask(client, body)
        await ask(client, body)
        await ask(client, chat("Look it up [tool look_up]", tools=[TOOL]))
        await client.post("/v1/chat/completions", json=chat("Fail [status 500]"))
        text = first.json()["choices"][0]["message"]["content"]
        example = {
            "messages": [*body["messages"], {"role": "assistant", "content": text}],
            "tools": [TOOL],
            "parallel_tool_calls": False,
        }
        assert [line for line in examples_of(parts) if line] == [example]
        assert [line for line in examples_of(parts, hits=True) if line] == [example, example]
        assert [line for line in entries_of(parts, exporter.entry_example) if line] == [example]


async def test_filters_choose_what_is_exported(run_app):
    async with run_app() as (client, parts):
        first = await ask(client, chat(FRANCE), **{"x-reprise-project": "p1"})
        second = await ask(client, {**chat(SPAIN), "model": "gpt-y"})
        ids = [got.headers["x-reprise-entry"] for got in (first, second)]
        calls = [got.headers["x-reprise-interaction"] for got in (first, second)]
        parts.entries.reinforce(ids[0], 0.0, 5.0)
        parts.interactions.rate(calls[1], 0.9)

        def found(**wanted):
            return [ids.index(line["id"]) for line in entries_of(parts, **wanted)]

        def logged(**wanted):
            return [calls.index(line["id"]) for line in log_of(parts, **wanted)]

        for pick in (found, logged):
            assert pick() == [0, 1]
            assert pick(namespace="default") == [0, 1]
            assert pick(namespace="other") == []
            assert pick(model="gpt-y") == [1]
            assert pick(project="p1") == [0]
            assert pick(min_quality=0.8) == [1]
        assert found(since=time.time() - 60) == [0, 1]
        assert found(since=time.time() + 60) == []
        assert logged(since_stamp="2000-01-01 00:00:00") == [0, 1]
        assert logged(since_stamp="2999-01-01 00:00:00") == []
        assert logged(status="miss") == [0, 1]
        assert logged(status="hit") == []
        parts.entries.block(ids[0])
        assert (found(), found(status="blocked"), found(status="all")) == ([1], [0], [0, 1])


async def test_no_export_holds_a_key(run_app):
    headers = {"authorization": "Bearer sk-very-secret-key"}
    async with run_app() as (client, parts):
        await ask(
            client, chat(FRANCE, api_key="sk-very-secret-key", extra_headers={"k": "sk-very-secret-key"}), **headers
        )
        written = json.dumps([*entries_of(parts), *log_of(parts), *examples_of(parts)])
        assert FRANCE in written
        assert "sk-very-secret" not in written


async def test_a_log_record_says_all_the_log_says(run_app):
    async with run_app() as (client, parts):
        got = await ask(client, chat(FRANCE))
        (line,) = log_of(parts)
        record = parts.interactions.get(got.headers["x-reprise-interaction"])
        assert {name: line[name] for name in record if name != "request"} == {
            name: value for name, value in record.items() if name != "request"
        }
        assert line["request"] == json.loads(record["request"])


# Snapshots and files


def test_a_snapshot_does_not_see_what_is_written_meanwhile(tmp_path):
    database = Database(tmp_path / "reprise.db")
    with contextlib.closing(database):
        _log(database, "a")
        with snapshot(SQLite(tmp_path / "reprise.db")) as moment:
            query = exporter.interactions_wanted(Wanted())
            assert moment.count(query) == 1
            _log(database, "b")
            assert [row["id"] for row in moment.rows(query)] == ["a"]
            assert moment.count(query) == 1
        with snapshot(SQLite(tmp_path / "reprise.db")) as moment:
            assert moment.count(query) == 2


def _log(database, id_):
    database.writer.submit(
        "INSERT INTO interactions (id, created_at, interaction_type, namespace, success, prompt)"
        " VALUES (?, '2026-01-01 00:00:00', 'llm', 'default', 1, 'x')",
        (id_,),
    ).result()


def test_a_snapshot_writes_nothing_and_says_what_it_cannot_read(tmp_path):
    with pytest.raises(DatabaseError), snapshot(SQLite(tmp_path / "none.db")) as moment:
        moment.count(exporter.interactions_wanted(Wanted()))
    assert not (tmp_path / "none.db").exists()
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.execute("CREATE TABLE interactions (id TEXT)")
    with pytest.raises(DatabaseError), snapshot(SQLite(tmp_path / "old.db")) as moment:
        list(moment.rows(exporter.interactions_wanted(Wanted())))


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_a_file_is_there_whole_or_not_at_all(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.write("no bytes")
    assert path.read_bytes() == b"old"
    with whole_file(path) as file:
        file.write(b"new")
    content = path.read_bytes()
    assert (gzip.decompress(content) if name.endswith("gz") else content) == b"new"
    assert path.stat().st_mode & 0o077 == 0, "prompts are nobody else's to read"
    assert [found.name for found in tmp_path.iterdir()] == [name], "nothing is left lying about"


def test_an_export_reads_row_by_row(tmp_path):
    database = Database(tmp_path / "reprise.db")
    with contextlib.closing(database):
        for number in range(250):
            _log(database, f"int_{number:04}")
        before = threading.active_count()
        with snapshot(SQLite(tmp_path / "reprise.db")) as moment:
            rows = moment.rows(exporter.interactions_wanted(Wanted()))
            assert [next(rows)["id"] for _ in range(3)] == ["int_0000", "int_0001", "int_0002"]
            rows.close()
        assert threading.active_count() == before
