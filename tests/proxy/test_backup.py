"""Backups over HTTP and by command: who may, what is refused, and what forgetting does about them."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from proxy.cli import app
from proxy.cli.options import CannotRun
from store.directory import DataDirectory
from tests.fakes import near

CLIENT, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
NAME = "Zoë Quillfeather"
HERS, OTHERS = f"Where does {NAME} live?", "How tall is the Eiffel tower?"
FIXED = {"policies": {"default": {"similarity_threshold": 0.93, "audit_rate": 1e-9}}}


async def ask(client, prompt, headers=None):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.headers["x-reprise-cache"]


async def create(client, headers=None, **body):
    response = await client.post("/admin/backup", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def stamps(client):
    return [found["stamp"] for found in (await client.get("/admin/backup")).json()["backups"]]


async def forget(client, **body):
    response = await client.post("/admin/forget", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def counted(parts):
    (metric,) = parts.metrics.backups.collect()
    return {one.labels["outcome"]: one.value for one in metric.samples if one.name.endswith("_total")}


# Over HTTP


async def test_a_backup_is_made_listed_and_checked(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, HERS)
        made = await create(client)
        listed = (await client.get("/admin/backup")).json()["backups"]
        checked = (await client.get(f"/admin/backup/{made['stamp']}/validate")).json()
        again = await client.post("/admin/backup")
    assert made["rows"]["interactions"] == 1, "what was answered is in it, though the write was queued"
    assert (made["includes"], made["left_out"], made["deleted"]) == ([], [], [])
    assert [found["stamp"] for found in listed] == [made["stamp"]]
    assert (checked["exists"], checked["valid"], checked["problems"]) == (True, True, [])
    assert again.status_code == 200, "a body is not needed"
    assert str(parts.directory.root) not in json.dumps([made, listed, checked]), "no path of the machine is told"


async def test_indexes_are_in_it_where_that_is_asked(run_app, model):
    async with run_app(vectors={HERS: near(1.0)}) as (client, parts):
        await ask(client, HERS)
        parts.directory.vectors.mkdir()
        (parts.directory.vectors / "header.bin").write_text("vectors")
        made = await create(client, include_chroma=True)
    assert made["includes"] == ["chroma"], "as the folder lies there"


async def test_the_newest_are_kept(run_app):
    async with run_app() as (client, _):
        first, second, third = [await create(client) for _ in range(3)]
        made = await create(client, keep=2)
        assert made["deleted"] == [second["stamp"], first["stamp"]]
        assert await stamps(client) == [made["stamp"], third["stamp"]]


async def test_only_admins_make_and_see_backups(run_app):
    async with run_app(auth=KEYS) as (client, _):
        for method, path in (
            ("POST", "/admin/backup"),
            ("GET", "/admin/backup"),
            ("GET", "/admin/backup/20261121T131500Z/validate"),
        ):
            assert (await client.request(method, path)).status_code == 401, path
            assert (await client.request(method, path, headers=CLIENT)).status_code == 403, path
            assert (await client.request(method, path, headers=ADMIN)).status_code == 200, path


async def test_one_that_does_not_exist_and_what_is_none(run_app):
    async with run_app() as (client, _):
        none = (await client.get("/admin/backup/20000101T000000Z/validate")).json()
        wrong = await client.get("/admin/backup/latest/validate")
        path = await client.get("/admin/backup/..%2F..%2Fetc/validate")
        bodies = [await client.post("/admin/backup", json={"keep": keep}) for keep in (0, True, 1.5, "1")]
    assert (none["exists"], none["valid"]) == (False, False)
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "stamp")
    assert path.status_code in (400, 404), "it is never taken for a path"
    assert {(body.status_code, body.json()["error"]["param"]) for body in bodies} == {(400, "keep")}


async def test_a_backup_that_cannot_be_made_is_said_and_calls_go_on(run_app, model):
    async with run_app() as (client, parts):
        parts.directory.backups.write_text("in the way")
        with capture_logs() as logs:
            refused = await client.post("/admin/backup")
        assert await ask(client, HERS) == "miss", "calls go on"
        listed = await client.get("/admin/backup")
        shown = parts.health.parts["backups"]
        assert (shown.ok, shown.error, parts.health.status) == (False, "BackupError", "degraded")
        assert counted(parts) == {"failed": 1.0}
        parts.directory.backups.unlink()
        await create(client)
        assert parts.health.parts["backups"].ok, "the next one worked"
        assert counted(parts) == {"failed": 1.0, "made": 1.0}
    assert refused.status_code == 503
    assert "File exists" in refused.json()["error"]["message"]
    assert str(parts.directory.root) not in refused.text, "no path of the machine is told"
    assert {line["log_level"] for line in logs} == {"error"}, "it is not silent"
    assert listed.json() == {"backups": []}


async def test_an_interrupted_restore_is_told_at_the_next_start(run_app, tmp_path):
    (tmp_path / "data" / "restore" / "staged").mkdir(parents=True)
    with capture_logs() as logs:
        async with run_app(server={"data_dir": str(tmp_path / "data")}) as (client, _):
            assert (await client.get("/health/liveliness")).status_code == 200
    told = [line["event"] for line in logs if line["log_level"] == "warning"]
    assert told == ["a restore was interrupted before it had changed anything: ask for it again"]


# Forgetting


async def test_a_backup_with_forgotten_words_is_deleted_unless_it_is_to_be_kept(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, OTHERS)
        before = await create(client)
        await ask(client, HERS)
        with_her = await create(client)
        shown = await forget(client, subject=NAME, dry_run=True)
        assert shown["backups"] == [with_her["stamp"]], "the dry run names what would be deleted"
        assert (await forget(client, subject=NAME, dry_run=True, keep_backups=True))["backups"] == []
        receipt = await forget(client, subject=NAME, keep_backups=True)
        assert not receipt["complete"], "her words are in a backup"
        assert [left.partition(",")[0] for left in receipt["left"]] == [f"backup {with_her['stamp']}"]
        assert receipt["backups"] == []
        assert await stamps(client) == [with_her["stamp"], before["stamp"]], "they were to be kept"
        receipt = await forget(client, subject=NAME)
        assert (receipt["complete"], receipt["counts"]) == (True, {"backups": 1}), receipt["left"]
        assert receipt["backups"] == [with_her["stamp"]], "the receipt names what was deleted"
        assert await stamps(client) == [before["stamp"]], "the other one stays"
        assert list(parts.directory.backups.iterdir()) == [parts.directory.backups / before["stamp"]]


@pytest.mark.parametrize("kind", ["session", "namespace"])
async def test_what_belongs_to_a_session_or_a_namespace_is_looked_for_in_backups_too(run_app, model, kind):
    async with run_app() as (client, parts):
        await ask(client, OTHERS, {"x-reprise-session": "s-1", "authorization": "Bearer of-hers"})
        row = (await client.get("/interactions", headers={"authorization": "Bearer of-hers"})).json()["interactions"][0]
        made = await create(client)
        value = "s-1" if kind == "session" else parts.interactions.get(row["id"])["namespace"]
        assert (await forget(client, **{kind: value}, dry_run=True))["backups"] == [made["stamp"]]
        receipt = await forget(client, **{kind: value})
        assert (receipt["complete"], receipt["backups"]) == (True, [made["stamp"]]), receipt["left"]
        assert await stamps(client) == []


async def test_a_file_beside_the_backups_is_still_named_as_a_file(run_app, model):
    async with run_app() as (client, parts):
        parts.directory.backups.mkdir()
        (parts.directory.backups / "note.txt").write_text(NAME)
        receipt = await forget(client, subject=NAME)
    assert receipt["left"] == ["file backups/note.txt"], "what is no backup is not deleted"


# By command, where no server runs


async def answered(run_app, base_url, folder):
    (folder / "config.yaml").write_text(
        f'model_list: [{{model_name: m, litellm_params: {{model: openai/m, api_base: "{base_url}"}}}}]\n'
    )
    async with run_app(server={"data_dir": str(folder / "data")}) as (client, _):
        await ask(client, HERS)
    return folder


@pytest.fixture(scope="module")
def stopped(run_app, base_url, tmp_path_factory):
    """The data directory of a server that has answered a call, and its configuration."""
    return asyncio.run(answered(run_app, base_url, tmp_path_factory.mktemp("operator")))


@pytest.fixture
def folder(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "copy")
    return tmp_path / "copy"


def run(folder, *arguments):
    where = ("--config", str(folder / "config.yaml"), "--data-dir", str(folder / "data"))
    return CliRunner().invoke(app, ["backup", *arguments, *where], catch_exceptions=False)


def told(folder, *arguments):
    done = run(folder, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_life_of_a_backup(folder):
    made = told(folder, "create")
    assert made["rows"]["interactions"] == 1
    assert [found["stamp"] for found in told(folder, "list")["backups"]] == [made["stamp"]]
    assert told(folder, "validate", made["stamp"])["valid"]
    assert "no backups" not in run(folder, "list").stdout
    (folder / "data" / "reprise.db").unlink()
    restored = told(folder, "restore", made["stamp"])
    assert (restored["status"], restored["safety"], restored["rows"]["interactions"]) == ("restored", None, 1)
    again = run(folder, "restore", made["stamp"], "--yes")
    assert (again.exit_code, "what was there before is in backup" in again.stdout) == (0, True), again.output


def test_what_restores_replaced_does_not_pile_up(folder):
    stamp = told(folder, "create")["stamp"]
    safety = [told(folder, "restore", stamp, "--yes")["safety"] for _ in range(3)]
    last = told(folder, "restore", stamp, "--yes", "--keep-safety", "2")
    assert last["deleted"] == [safety[1], safety[0]], "the newest two stay, the last one among them"
    kept = [found["stamp"] for found in told(folder, "list")["backups"]]
    assert kept == [last["safety"], safety[2], stamp], "what was asked for stays in any case"


def test_a_damaged_one_ends_with_one_and_changes_nothing(folder):
    stamp = told(folder, "create")["stamp"]
    (folder / "data" / "backups" / stamp / "secret.key").unlink()
    before = (folder / "data" / "reprise.db").read_bytes()
    for command in (["validate", stamp], ["restore", stamp, "--yes"], ["validate", "20000101T000000Z"]):
        assert run(folder, *command).exit_code == 1, command
    assert "secret.key: it is missing" in run(folder, "validate", stamp).stderr
    assert (folder / "data" / "reprise.db").read_bytes() == before, "nothing was restored"


def test_what_cannot_be_asked(folder, tmp_path):
    stamp = told(folder, "create")["stamp"]
    for arguments, why in (
        (("validate", "../x"), "is no backup's stamp"),
        (("restore", "latest", "--yes"), "is no backup's stamp"),
        (("restore", stamp), "nobody is here to say"),
    ):
        with pytest.raises(CannotRun, match=why):
            run(folder, *arguments)
    (tmp_path / "empty" / "data").mkdir(parents=True)
    shutil.copy(folder / "config.yaml", tmp_path / "empty")
    with pytest.raises(CannotRun, match="nothing is stored in"):
        run(tmp_path / "empty", "create")
    assert run(tmp_path / "empty", "list").stdout == "no backups\n"


def test_nothing_is_restored_beside_whoever_holds_the_directory(folder):
    stamp = told(folder, "create")["stamp"]
    holder = DataDirectory(folder / "data")
    # Not this process: it would be asked to end.
    holder.hold({"pid": 1, "port": 9})
    try:
        with pytest.raises(CannotRun, match=r"a server holds .* stop it first, or give --stop-server"):
            run(folder, "restore", stamp, "--yes")
        with pytest.raises(CannotRun, match="cannot tell that process 1 is the server"):
            run(folder, "restore", stamp, "--yes", "--stop-server")
    finally:
        holder.release()
    holder.hold({"pid": 1})
    try:
        with pytest.raises(CannotRun, match="another command works in"):
            run(folder, "restore", stamp, "--yes", "--stop-server")
        with pytest.raises(CannotRun, match="another command works in"):
            run(folder, "create")
        assert told(folder, "validate", stamp)["valid"], "looking is free"
    finally:
        holder.release()
    assert told(folder, "list")["backups"][0]["stamp"] == stamp, "no safety backup was made"
