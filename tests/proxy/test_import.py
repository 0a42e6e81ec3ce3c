"""Files of prompts and answers: read in every shape, stored once, taken up where they stopped."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3

import pytest
from typer.testing import CliRunner

from proxy.auth import Caller
from proxy.cli import app
from proxy.cli.options import CannotRun
from proxy.config import Settings
from proxy.controls import Controls
from proxy.errors import NotFound
from proxy.moving import lines as lines_module
from proxy.moving.checkpoint import Checkpoint
from proxy.moving.importer import BATCH, SHOWN, Importer, Tally, rehearsal
from proxy.moving.item import BadRecord, completion
from proxy.moving.lines import Lines, Unreadable
from proxy.moving.sinks import StoreSink, as_json, open_store
from proxy.moving.source import open_source
from proxy.moving.template import Template, check_template
from proxy.placing import place
from proxy.policy.policies import build_policies
from proxy.routes.warm import WarmEntry
from proxy.upstreams.router import Router
from proxy.wire import ChatRequest
from store.database import Database
from store.entries import Entries
from store.errors import StoreError
from tests.proxy.fakes import answer

FRANCE = "What is the capital of France?"
ASKED = {"model": "gpt-x", "messages": [{"role": "user", "content": FRANCE}]}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}


def settings(folder, **cache):
    entry = {"model_name": "gpt-*", "litellm_params": {"model": "openai/gpt-*"}}
    return Settings.model_validate({"model_list": [entry], "server": {"data_dir": str(folder)}, "cache": cache})


def write(folder, *records, name="pairs.jsonl"):
    path = folder / name
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records))
    return path


def read(path, template=None, format_="auto", requests=None):
    with open_source(path, format_, template or Template(model="gpt-x"), requests) as source:
        return list(source.read())


def one(tmp_path, record, template=None, **given):
    (found,) = read(write(tmp_path, record), template, **given)
    assert found.bad is None, found.bad
    return found.item


def stored(folder):
    """(prompt, text, tags) of what a data directory holds, oldest first."""
    with contextlib.closing(sqlite3.connect(folder / "reprise.db")) as connection:
        rows = connection.execute("SELECT prompt, answer, tags FROM entries ORDER BY id").fetchall()
    return [(p, json.loads(a)["choices"][0]["message"]["content"], json.loads(t)) for p, a, t in rows]


def run(path, folder, template=None, *, dry=False, force=False, tally=None, **given):
    with (
        open_source(path, "auto", template or Template(model="gpt-x")) as source,
        open_store(settings(folder), force=force, dry=dry) as sink,
        contextlib.ExitStack() as stack,
    ):
        used = stack.enter_context(rehearsal(sink)) if dry else sink
        return Importer(source, used, tally or Tally(), **given).run()


# Shapes


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": FRANCE, "answer": "Paris."},
        {"question": FRANCE, "answer": "Paris."},
        {"prompt": FRANCE, "completion": "Paris."},
        {"input": FRANCE, "output": "Paris."},
        {"instruction": FRANCE, "output": "Paris."},
        {"instruction": FRANCE, "input": "", "output": "Paris."},
        {"query": FRANCE, "response": "Paris."},
        {"prompt": FRANCE, "chosen": "Paris.", "rejected": "Lyon.", "id": 7},
        {"prompt": [{"role": "user", "content": FRANCE}], "completion": [{"role": "assistant", "content": "Paris."}]},
        {"messages": [{"role": "user", "content": FRANCE}], "answer": "Paris."},
        {"messages": [*ASKED["messages"], {"role": "assistant", "content": "Paris.", "weight": 1}]},
        {"request": ASKED, "response": answer()},
        {"request": json.dumps(ASKED), "response": json.dumps(answer())},
        {
            "request": {"method": "POST", "url": "/v1", "body": ASKED},
            "response": {"status_code": 200, "body": answer()},
        },
        {"messages": ASKED["messages"], "model": "gpt-x", "response": answer()},
    ],
)
def test_every_usual_shape_is_the_same_call_and_the_same_answer(tmp_path, record):
    item = one(tmp_path, record)
    assert item.request == ASKED
    message = item.response["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", "Paris.")
    assert item.response["choices"][0]["finish_reason"] == "stop"
    assert "weight" not in message


def test_an_instruction_with_an_input_is_asked_as_one(tmp_path):
    item = one(tmp_path, {"instruction": "Translate.", "input": "cat", "output": "Katze"})
    assert item.request["messages"][-1]["content"] == "Translate.\n\ncat"


def test_a_record_says_its_model_and_the_operator_says_it_louder(tmp_path):
    record = {"prompt": FRANCE, "answer": "Paris.", "model": "gpt-own"}
    assert one(tmp_path, record, Template()).request["model"] == "gpt-own"
    assert one(tmp_path, record, Template(model="gpt-x")).request["model"] == "gpt-x"
    assert one(tmp_path, {"request": ASKED, "response": answer()}, Template()).request["model"] == "gpt-x"


def test_a_system_prompt_comes_from_the_record_before_the_operator(tmp_path):
    template = Template(model="gpt-x", system="Be kind.")
    said = {"prompt": FRANCE, "answer": "Paris.", "system": "Be brief."}
    for record, system in ((said, "Be brief."), ({"prompt": FRANCE, "answer": "Paris."}, "Be kind.")):
        messages = one(tmp_path, record, template).request["messages"]
        assert messages == [{"role": "system", "content": system}, *ASKED["messages"]]
    conversation = [
        {"role": "system", "content": "Be brief."},
        *ASKED["messages"],
        {"role": "assistant", "content": "P"},
    ]
    assert one(tmp_path, {"messages": conversation}, template).request["messages"] == conversation[:-1]
    bare = one(tmp_path, {"messages": conversation[1:]}, template).request["messages"]
    assert bare == [{"role": "system", "content": "Be kind."}, *ASKED["messages"]]


def test_a_template_lends_all_but_the_last_user_text(tmp_path):
    parts = [{"type": "text", "text": "Hello"}]
    body = {
        "model": "gpt-y",
        "temperature": 0.2,
        "tools": [TOOL],
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}],
    }
    item = one(tmp_path, {"prompt": FRANCE, "answer": "Paris."}, Template(body=check_template(body)))
    wanted = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{**parts[0], "text": FRANCE}]},
    ]
    assert item.request == {**body, "messages": wanted}
    assert body["messages"][1]["content"] == parts, "the template itself stays as it is"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"messages": []},
        {"messages": [7]},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
    ],
)
def test_a_template_without_one_last_user_text_is_refused(body):
    with pytest.raises(BadRecord):
        check_template(body)


def test_tools_of_a_conversation_are_part_of_its_call(tmp_path):
    record = {
        "messages": [*ASKED["messages"], {"role": "assistant", "tool_calls": [CALL]}],
        "tools": [TOOL],
        "parallel_tool_calls": False,
    }
    item = one(tmp_path, record)
    assert item.request == {**ASKED, "tools": [TOOL], "parallel_tool_calls": False}
    assert item.response["choices"][0]["finish_reason"] == "tool_calls"


def test_a_batchs_output_is_put_together_with_its_requests(tmp_path):
    asked = [{"custom_id": f"r{n}", "method": "POST", "url": "/v1", "body": {**ASKED, "seed": n}} for n in range(3)]
    requests = write(tmp_path, *asked, name="requests.jsonl")
    out = [
        {"id": "b", "custom_id": "r1", "response": {"status_code": 200, "body": answer("One.")}, "error": None},
        {"id": "b", "custom_id": "r0", "response": {"status_code": 400, "body": {"error": {}}}, "error": None},
        {"id": "b", "custom_id": "r2", "response": None, "error": {"code": "batch_expired"}},
        {"id": "b", "custom_id": "r9", "response": {"status_code": 200, "body": answer()}, "error": None},
    ]
    path = write(tmp_path, *out, name="out.jsonl")
    first, *others = read(path, Template(), requests=requests)
    assert first.item.request == {**ASKED, "seed": 1}
    assert [(record.unfit, bool(record.bad)) for record in others] == [
        ("failed", False),
        ("failed", False),
        (None, True),
    ]
    assert "--requests" in read(path, Template())[0].bad


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"not json", "not valid JSON"),
        (b'{"prompt": "a", "answer": "b"', "not valid JSON"),
        (b"[1, 2]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"prompt": "\\ud800", "answer": "b"}', "not valid JSON"),
        (b'{"prompt": "\xff", "answer": "b"}', "not valid JSON"),
        (b'{"prompt": "a", "answer": "b"}\x00\x00', "NUL"),
        (b"[" * 5000 + b"]" * 5000, "JSON"),
        ({"answer": "b"}, "no prompt"),
        ({"prompt": "a"}, "no answer"),
        ({"prompt": "  ", "answer": "b"}, "blank"),
        ({"prompt": 7, "answer": "b"}, "no text"),
        ({"prompt": "a", "answer": 7}, "neither a text"),
        ({"prompt": "a", "answer": {"role": "user", "content": "b"}}, "neither a text"),
        ({"prompt": "a", "answer": "b", "tags": 7}, "tags"),
        ({"prompt": "a", "answer": "b", "tags": ["x\ny"]}, "tag"),
        ({"prompt": "a", "answer": "b", "system": 7}, "system"),
        ({"messages": ASKED["messages"]}, "do not end with an assistant"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "do not end with an assistant"),
        ({"messages": "hello"}, "not a list"),
        ({"messages": [7]}, "not a list of objects"),
        ({"request": 7, "response": answer()}, "no chat body"),
        ({"custom_id": 7, "response": {"body": answer()}}, "--requests"),
    ],
)
def test_what_is_no_pair_is_told_by_line_and_repeats_nothing(tmp_path, record, why):
    fine = {"prompt": FRANCE, "answer": "Paris."}
    path = write(tmp_path, fine, b"", record, fine)
    _, bad, good = read(path)
    assert bad.number == 3
    assert why in bad.bad
    assert good.item.request == ASKED, "the next line is read all the same"


def test_a_text_that_looks_like_json_is_a_text(tmp_path):
    for text in ("42", "true", "[1]", '"quoted"', "{broken"):
        item = one(tmp_path, {"request": ASKED, "response": text})
        assert item.response["choices"][0]["message"]["content"] == text


def test_an_answer_that_is_nothing_at_all_is_bad():
    for nothing in (None, [], {}, 3.5, {"text": "x"}):
        with pytest.raises(BadRecord):
            completion(nothing, "gpt-x")


# Files


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_lines_come_with_their_numbers_whatever_their_ends(tmp_path, pack, end, monkeypatch):
    monkeypatch.setattr(lines_module, "MOST_BYTES", 1000)
    texts = [b'{"a":1}', b"", b"  ", b'{"b":2}', b"x" * 5000, b'{"c":"\xc3\xa9"}']
    path = tmp_path / "lines"
    path.write_bytes(pack(b"\xef\xbb\xbf" + end.join(texts)))
    with Lines(path) as lines:
        found = list(lines.read())
    assert [(line.number, line.raw) for line in found] == [(1, texts[0]), (4, texts[3]), (5, None), (6, texts[5])]
    for at, line in enumerate(found):
        with Lines(path) as lines:
            rest = list(lines.read(line.number, line.end))
        assert rest == found[at + 1 :], "any line is a place to go on from"


def test_an_empty_file_has_no_records(tmp_path):
    for content in (b"", b"\n\n", b"\xef\xbb\xbf"):
        path = tmp_path / "empty"
        path.write_bytes(content)
        assert read(path) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"prompt": "a"}'.encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "zip"),
        (b"PAR1rest", "Parquet"),
        (b'[{"prompt": "a", "answer": "b"}]', "jq"),
        (b"\xef\xbb\xbf\n [\n{}]", "jq"),
        (b"SQLite format 3\x00" + b"x" * 200, "SQLite"),
        (gzip.compress(b'{"prompt": "a", "answer": "b"}\n' * 9, mtime=0)[:-12], "to its end"),
        (b"\x1f\x8bnonsense", "to its end"),
    ],
)
def test_a_file_of_another_kind_says_what_it_is(tmp_path, content, why):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=why):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        read(tmp_path / "nothing")
    with pytest.raises(Unreadable, match="Is a directory"):
        read(tmp_path)


def gptcache(path, rows, prefix="gptcache", extra=""):
    """A GPTCache of rows: question, deleted, [(answer, type)]."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            f"""
            CREATE TABLE {prefix}_question (id INTEGER PRIMARY KEY, question VARCHAR(3000) NOT NULL,
                create_on DATETIME, last_access DATETIME, embedding_data BLOB, deleted INTEGER);
            CREATE TABLE {prefix}_answer (id INTEGER PRIMARY KEY, question_id INTEGER NOT NULL,
                answer VARCHAR(3000) NOT NULL, answer_type INTEGER NOT NULL);
            CREATE TABLE {prefix}_session (id INTEGER PRIMARY KEY, question_id INTEGER, session_id VARCHAR(1000),
                session_question VARCHAR(3000));
            {extra}
            """
        )
        for id_, (question, deleted, answers) in enumerate(rows, 1):
            connection.execute(
                f"INSERT INTO {prefix}_question (id, question, deleted) VALUES (?, ?, ?)", (id_, question, deleted)
            )
            connection.executemany(
                f"INSERT INTO {prefix}_answer (question_id, answer, answer_type) VALUES (?, ?, ?)",
                [(id_, text, kind) for text, kind in answers],
            )
    return path


def test_a_gptcache_is_read_without_what_it_deleted(tmp_path):
    path = gptcache(
        tmp_path / "sqlite.db",
        [
            (FRANCE, 0, [("Paris.", 0), ("Lyon.", 0)]),
            ("Gone?", -1, [("Yes.", 0)]),
            ("Draw a cat", 0, [("aGVsbG8=", 1)]),
            ("And this?", 0, [("http://x/y.png", 2), ("A text.", 0)]),
            (b"\xff\xfe", 0, [("x", 0)]),
        ],
        prefix="my_cache",
    )
    found = read(path)
    assert [(record.number, bool(record.bad)) for record in found] == [(1, False), (3, True), (4, False), (5, True)]
    assert found[0].item.request == ASKED
    assert [f.item.response["choices"][0]["message"]["content"] for f in found if f.item] == ["Paris.", "A text."]
    with open_source(path, "gptcache", Template(model="gpt-x")) as source:
        assert (source.size, source.unit) == (4, "row")
        assert [record.number for record in source.read(3, 3)] == [4, 5]


def test_an_sqlite_file_that_is_no_gptcache(tmp_path):
    Database(tmp_path / "reprise.db").close()
    with pytest.raises(Unreadable, match="no GPTCache tables"):
        read(tmp_path / "reprise.db")
    two = gptcache(
        tmp_path / "two.db",
        [],
        extra="CREATE TABLE b_question (id, question, deleted);"
        "CREATE TABLE b_answer (id, question_id, answer, answer_type);",
    )
    with pytest.raises(Unreadable, match="several"):
        read(two)
    with pytest.raises(Unreadable, match="no SQLite file"):
        read(write(tmp_path, {}), format_="gptcache")


# Storing


def test_an_import_run_twice_adds_nothing(tmp_path):
    records = [{"prompt": f"Question {n}, please?", "answer": f"Answer {n}."} for n in range(3 * BATCH // 2)]
    path = write(tmp_path, *records, records[0])
    tally = run(path, tmp_path / "data", Template(model="gpt-x", tags=("faq",)))
    assert (tally.records, tally.stored, tally.duplicates, tally.bad) == (len(records) + 1, len(records), 1, 0)
    again = run(path, tmp_path / "data")
    assert (again.stored, again.duplicates) == (0, len(records) + 1)
    held = stored(tmp_path / "data")
    assert len(held) == len(records)
    assert held[0] == ("Question 0, please?", "Answer 0.", ["faq", "imported"])


def test_bad_lines_and_refusals_are_counted_apart(tmp_path):
    weather = {"prompt": "What is the weather in Paris today?", "answer": "Sunny."}
    records = [{"prompt": FRANCE, "answer": "Paris."}, weather, {"prompt": "Empty?", "answer": ""}, b"broken"]
    path = write(tmp_path, *records, *[b"{}"] * 30)
    with (tmp_path / "errors").open("wb") as errors:
        tally = run(path, tmp_path / "data", errors=errors)
    assert (tally.records, tally.stored, tally.bad) == (34, 1, 31)
    assert tally.refused == {"volatile": 1, "incomplete": 1}
    assert [number for number, _ in tally.shown] == list(range(4, 4 + SHOWN))
    written = (tmp_path / "errors").read_text().splitlines()
    assert len(written) == 31
    assert written[0].startswith("line 4: it is not valid JSON")
    assert run(path, tmp_path / "forced", force=True).refused == {"incomplete": 1}


def test_a_dry_run_counts_the_same_and_touches_nothing(tmp_path):
    same = {"prompt": FRANCE, "answer": "Paris."}
    records = [same, {"prompt": "And Spain, then?", "answer": "Madrid."}, *[{**same, "n": n} for n in range(BATCH)]]
    path = write(tmp_path, *records, b"broken")
    dry = run(path, tmp_path / "data", dry=True)
    assert not (tmp_path / "data").exists()
    wet = run(path, tmp_path / "data")
    assert dry.as_state() == wet.as_state()
    assert (dry.stored, dry.duplicates, dry.bad) == (2, BATCH, 1)
    assert run(path, tmp_path / "data", dry=True).duplicates == BATCH + 2, "what is there already counts too"


def test_a_directory_that_a_server_holds_is_not_written_to(tmp_path):
    with (
        open_store(settings(tmp_path), force=False, dry=False),
        pytest.raises(StoreError, match="held"),
        open_store(settings(tmp_path), force=False, dry=False),
    ):
        pass
    with open_store(settings(tmp_path), force=False, dry=False):
        pass


def test_a_model_that_is_not_configured_is_a_bad_line(tmp_path):
    tally = run(write(tmp_path, {"prompt": FRANCE, "answer": "Paris."}), tmp_path / "data", Template(model="other"))
    assert tally.bad == 1
    assert "not configured" in tally.shown[0][1]
    assert NotFound.__name__ not in tally.shown[0][1]


def test_an_import_goes_on_where_it_stopped(tmp_path):
    records = [{"prompt": f"Question {n}, please?", "answer": f"Answer {n}."} for n in range(2 * BATCH + 7)]
    records[3] = records[BATCH + 3] = b"broken"
    path = write(tmp_path, *records)
    whole = run(path, tmp_path / "whole")

    class Killed(Exception):
        pass

    states = []

    def killed(tally):
        states.append(json.dumps(tally.as_state()))
        raise Killed

    tally = Tally()
    for _ in range(3):
        with pytest.raises(Killed):
            run(path, tmp_path / "data", tally=tally, saved=killed)
        tally = Tally.from_state(json.loads(states[-1]))
    # The last batch is saved too, and then nothing is left.
    final = run(path, tmp_path / "data", tally=tally, saved=killed)
    assert final.as_state() == whole.as_state()
    assert stored(tmp_path / "data") == stored(tmp_path / "whole")


def test_a_checkpoint_knows_its_file_and_its_options(tmp_path):
    path = write(tmp_path, {"prompt": FRANCE, "answer": "Paris."})
    checkpoint = Checkpoint(tmp_path / "imports", path, {"model": "a"})
    assert checkpoint.load() is None
    tally = Tally(records=3, refused={"random": 1}, shown=[(2, "it is bad")], number=3, end=99, errors_at=4)
    checkpoint.save(tally.as_state())
    assert Tally.from_state(checkpoint.load()) == tally
    with pytest.raises(Unreadable, match="other options"):
        Checkpoint(tmp_path / "imports", path, {"model": "b"}).load()
    with path.open("ab") as file:
        file.write(b"{}\n")
    assert checkpoint.load() is not None, "a file that has grown is still the same"
    path.write_bytes(b"{}")
    with pytest.raises(Unreadable, match="not the file"):
        checkpoint.load()
    checkpoint.clear()
    assert not checkpoint.exists()
    assert checkpoint.load() is None


def test_what_is_sent_to_a_server_says_all_there_is(tmp_path):
    template = Template(model="gpt-x", tags=("b", "a"), ttl=60.0, headers={"openai-beta": "x"}, project="p", policy="q")
    item = one(tmp_path, {"prompt": FRANCE, "answer": "Paris."}, template)
    given = WarmEntry.model_validate(json.loads(json.dumps(as_json(item))))
    assert (given.request, given.response, given.made) == (item.request, item.response, True)
    assert (given.project, given.policy, given.ttl, given.headers) == ("p", "q", 60.0, {"openai-beta": "x"})
    assert given.tags == ["a", "b"]


def test_a_store_that_fails_stops_the_import(tmp_path):
    class Broken:
        def store(self, items):
            raise StoreError("full")

    path = write(tmp_path, {"prompt": FRANCE, "answer": "Paris."})
    with open_source(path, "auto", Template(model="gpt-x")) as source:
        tally = Tally()
        with pytest.raises(StoreError):
            Importer(source, Broken(), tally).run()
    assert (tally.records, tally.number) == (0, 0), "what was not stored is not counted"


def test_batches_end_at_a_size_too(tmp_path):
    sizes: list[int] = []

    class Counting(StoreSink):
        def store(self, items):
            sizes.append(len(items))
            return super().store(items)

    path = write(tmp_path, *[{"prompt": f"Q{n}?", "answer": "x" * 900_000} for n in range(5)])
    with (
        open_store(settings(tmp_path / "data"), force=False, dry=False) as sink,
        open_source(path, "auto", Template(model="gpt-x")) as source,
    ):
        counting = Counting(sink._warmer, force=False, dry=False)
        assert Importer(source, counting, Tally()).run().stored == 5
    assert sizes == [3, 2]


# The command


@pytest.fixture
def command(tmp_path):
    """Runs ``reprise import`` in this process; gives what it wrote, and fails where it cannot run."""
    config = tmp_path / "config.yaml"
    config.write_text('{"model_list": [{"model_name": "gpt-*", "litellm_params": {"model": "openai/gpt-*"}}]}')

    def command(*arguments):
        where = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
        return CliRunner().invoke(app, ["import", *map(str, arguments), *where], catch_exceptions=False)

    return command


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--model", "other"], "not configured"),
        (["--model", "gpt-x", "--policy", "nobody"], "No policy is called"),
        (["--format", "csv"], "--format takes"),
        (["--ttl", "0"], "--ttl"),
        (["--ttl", "soon"], "--ttl"),
        (["--tag", "a\nb"], "a tag takes"),
        (["--header", "nonsense"], "--header takes"),
        (["--model", "gpt-x", "--header", "x-reprise-nonsense: 1"], "Unknown header"),
        (["--caller-key", "NO_SUCH_VARIABLE"], "is not set"),
        (["--caller-key", "PATH", "--namespace", "x"], "in place of"),
        (["--like-request", "{nowhere}"], "cannot be read"),
        (["--like-request", "{broken}"], "is no JSON"),
        (["--like-request", "{pairs}"], "is no chat body"),
        (["--requests", "{nowhere}"], "cannot be read"),
        (["--errors", "{nowhere}/errors"], "cannot be written"),
        (["--format", "gptcache"], "no SQLite file"),
    ],
)
def test_what_cannot_run_says_why_and_stores_nothing(tmp_path, command, arguments, why):
    path = write(tmp_path, {"prompt": FRANCE, "answer": "Paris."})
    (tmp_path / "broken").write_text("{")
    places = {"nowhere": tmp_path / "nowhere", "broken": tmp_path / "broken", "pairs": path}
    with pytest.raises(CannotRun, match=why):
        command(path, *[argument.format(**places) for argument in arguments])
    assert not (tmp_path / "data" / "reprise.db").exists() or stored(tmp_path / "data") == []


def test_an_empty_file_says_so(tmp_path, command):
    path = write(tmp_path)
    done = command(path, "--model", "gpt-x")
    assert (done.exit_code, done.stdout) == (0, f"nothing in {path}\n")


def test_the_command_makes_calls_as_clients_send_them(tmp_path, command):
    body = {"model": "gpt-y", "temperature": 0.2, "messages": [{"role": "user", "content": "Hello"}]}
    like = tmp_path / "like.json"
    like.write_text(json.dumps(body))
    path = write(tmp_path, {"prompt": FRANCE, "answer": "Paris."})
    given = ["--like-request", like, "--project", "p", "--header", "OpenAI-Beta: x", "--tag", "a", "--ttl", "1h"]
    assert command(path, *given).exit_code == 0
    live = {**body, "messages": [{"role": "user", "content": FRANCE}]}
    keys = settings(tmp_path / "data")
    request = ChatRequest(b"", live, {"openai-beta": "x"}, "", Controls(project="p"))
    placed = place(
        request, Caller("default", "client"), Router(keys.model_list, keys.server), build_policies(keys.cache)
    )
    with contextlib.closing(Database(tmp_path / "data" / "reprise.db")) as database:
        (entry,) = Entries(database, 10).by_exact_key(placed.call.exact_key)
    assert entry.compat_key == placed.call.fuzzy.compat_key
    assert entry.tags == ("a", "imported")
    assert entry.expires_at - entry.created_at == pytest.approx(3600)


def test_the_command_tells_what_became_of_the_file(tmp_path, command):
    records = [{"prompt": FRANCE, "answer": "Paris."}, {"prompt": "Roll a dice for me", "answer": "4"}]
    path = write(tmp_path, *records, *[b"broken"] * 25)
    done = command(path, "--model", "gpt-x")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "27 records: 1 stored",
        "  0 there already",
        "  1 left out by rule (random 1)",
        "  25 could not be read",
    ]
    assert len(done.stderr.splitlines()) == SHOWN + 1
    assert "and 5 more" in done.stderr
    told = json.loads(command(path, "--model", "gpt-x", "--json").stdout)
    assert (told["duplicates"], told["bad"], told["refused"]) == (1, 25, {"total": 1, "random": 1})
    assert len(told["bad_shown"]) == SHOWN
