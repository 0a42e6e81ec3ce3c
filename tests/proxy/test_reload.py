"""Edits of the configuration file in a running server: valid ones take effect at once, others not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

import httpx2
import pytest
import yaml
from structlog.testing import capture_logs

from proxy.app import create_app
from proxy.config import Settings, load_settings
from proxy.config.changes import Source, compare
from proxy.live import reload as reload_module
from proxy.live.reload import Reloader
from proxy.live.running import revision_of
from proxy.live.watch import watching

KEY, OTHER = "sk-team-aaaaaaaa", "sk-team-bbbbbbbb"
ADMIN = "sk-admin-cccccccc"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "etc" / "config.yaml"


@pytest.fixture
def quick(monkeypatch):
    """What is empty is so at once."""
    monkeypatch.setattr(reload_module, "EMPTY", 0.05)


class Edited:
    """A server in this process, and the file that it was started with."""

    def __init__(self, file, base_url, data_dir):
        self.file = file
        self._base_url = base_url
        self._data_dir = data_dir

    def write(self, how="over", **sections):
        """The file with these sections beside what every server needs."""
        entry = {"model_name": "*", "litellm_params": {"model": "openai/*", "api_base": self._base_url}}
        server = {"data_dir": str(self._data_dir), **sections.pop("server", {})}
        cache = {"verifier": {"model": "cosine"}, **sections.pop("cache", {})}
        told = {"model_list": [entry], "server": server, "cache": cache, **sections}
        self.put(yaml.safe_dump(told), how)

    def put(self, text, how="over"):
        """The file with this text."""
        if how == "rename":
            other = self.file.with_name(".config.yaml.swp")
            other.write_text(text)
            other.replace(self.file)
        else:
            self.file.write_text(text)

    @contextlib.asynccontextmanager
    async def running(self, headers=None):
        raw = self.file.read_bytes()
        settings = load_settings(self.file, {}, raw)
        app = create_app(settings)
        self.parts = app.state.services
        self.parts.health.started("embedder")
        self.reloader = app.state.reloader = Reloader(self.parts, Source(self.file, raw, {}, settings), pause=0.01)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                self.client = client
                yield self
        finally:
            await self.parts.close()

    async def look(self, **sections):
        """Write the file, and have it looked at."""
        self.write(**sections)
        return await self.reloader.look()

    @property
    def policy(self):
        """The policy that calls meet."""
        return self.parts.policies.named["default"]

    def counted(self, outcome):
        return self.parts.metrics.registry.get_sample_value("reprise_config_reloads_total", {"outcome": outcome})

    async def ready(self):
        return (await self.client.get("/health/readiness")).json()["config"]

    async def ask(self, prompt, **headers):
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.fixture
def server(file, base_url, tmp_path, model):
    file.parent.mkdir()
    return Edited(file, base_url, tmp_path / "data")


# Valid edits


async def test_a_valid_edit_takes_effect(server):
    server.write()
    async with server.running():
        before = await server.ready()
        with capture_logs() as lines:
            assert await server.look(cache={"policies": {"default": {"ttl": "1h"}}}) == "applied"
        after = await server.ready()
        assert server.policy.ttl == 3600
        assert after["revision"] != before["revision"], "what runs has another name"
        assert (after["file"], after["refused"], after["needs_restart"]) == (server.file.name, None, [])
        [line] = lines
        assert (line["revision"], line["changed"]) == (after["revision"], "cache.policies")
        assert server.counted("applied") == 1
        shown = server.parts.metrics.registry.get_sample_value("reprise_config_info", {"revision": after["revision"]})
        assert shown == 1, "the metric names the revision"


async def test_a_call_under_way_keeps_the_policy_it_began_with(server, model):
    server.write(cache={"policies": {"default": {}, "other": {"ttl": "1h"}}})
    async with server.running():
        calls = asyncio.gather(*[server.ask(f"[wait 0.3] under way {n}") for n in range(3)])
        assert await happens(lambda: len(model.calls) == 3), "all are on their way"
        routes = [{"policy": "other"}]
        await server.look(cache={"policies": {"default": {}, "other": {"ttl": "1h"}}, "routes": routes})
        assert (await server.ask("a new one")).headers["x-reprise-policy"] == "other", "new calls meet the new routes"
        assert [(c.status_code, c.headers["x-reprise-policy"]) for c in await calls] == [(200, "default")] * 3


async def test_an_edit_of_comments_changes_nothing(server):
    server.write()
    async with server.running():
        before = server.parts.live.now
        server.put("# looked through\n" + server.file.read_text())
        assert await server.reloader.look() == "unchanged"
        assert server.parts.live.now is before
        assert server.counted("unchanged") == 1


async def test_a_file_that_holds_what_it_held_is_passed_over_unless_somebody_asks(server):
    server.write()
    async with server.running():
        with capture_logs() as lines:
            assert await server.reloader.look() is None
        assert not lines, "not a word"
        assert await server.reloader.look(asked=True) == "unchanged"


async def test_what_cannot_change_now_waits_for_a_restart_and_the_rest_takes_effect(server):
    server.write()
    async with server.running():
        port = server.parts.settings.server.port
        cache = {"policies": {"default": {"ttl": "1h"}}, "probation": True}
        with capture_logs() as lines:
            assert await server.look(server={"port": 4999}, cache=cache) == "applied"
        assert server.policy.ttl == 3600
        assert (server.parts.settings.server.port, server.parts.settings.cache.probation) == (port, False)
        assert (await server.ready())["needs_restart"] == ["server.port", "cache.probation"]
        assert lines[-1]["event"] == "needs a restart: server.port, cache.probation"
        assert await server.look(cache={"policies": {"default": {"ttl": "1h"}}}) == "unchanged"
        assert (await server.ready())["needs_restart"] == [], "it was taken back"


async def test_switches_are_read_with_each_call(server):
    server.write()
    async with server.running():
        await server.ask("switched")
        assert (await server.ask("switched")).headers["x-reprise-cache"] == "hit"
        await server.look(cache={"enabled": False}, memory={"interactions": {"llm": False}}, stats={"window": "5m"})
        off = await server.ask("switched")
        assert (off.headers["x-reprise-cache"], off.headers["x-reprise-reason"]) == ("bypass", "cache_disabled")
        assert server.parts.interactions.get(off.headers["x-reprise-interaction"]) is None, "calls are logged no more"
        assert server.parts.settings.stats.window == 300
        await server.look()
        on = await server.ask("switched")
        assert on.headers["x-reprise-cache"] == "hit"
        assert server.parts.interactions.get(on.headers["x-reprise-interaction"]) is not None


async def test_the_quota_of_writes_changes_and_survives_other_edits(server):
    server.write(cache={"writes_per_minute": 1})
    async with server.running():
        await server.ask("first")
        await server.look(cache={"writes_per_minute": 1, "policies": {"default": {"ttl": "1h"}}})
        await server.ask("second")
        assert (await server.ask("second")).headers["x-reprise-cache"] == "miss", "the minute's one write is used up"
        await server.look(cache={"writes_per_minute": 100})
        await server.ask("third")
        assert (await server.ask("third")).headers["x-reprise-cache"] == "hit"


async def test_models_and_the_level_of_the_log_change(server):
    server.write()
    async with server.running():
        import logging

        root, before = logging.getLogger(), logging.getLogger().level
        try:
            one = {"model_name": "one", "litellm_params": {"model": "openai/m", "api_key": "none"}}
            assert await server.look(model_list=[one], logging={"level": "error"}) == "applied"
            assert root.level == logging.ERROR
        finally:
            root.setLevel(before)
        assert (await server.ask("elsewhere")).status_code == 404, "the model is configured no more"
        listed = (await server.client.get("/v1/models")).json()["data"]
        assert [entry["id"] for entry in listed] == ["one"]


# Keys


async def test_a_removed_key_is_refused_and_a_new_one_opens(server):
    admin = {"key": ADMIN, "namespace": "ops", "role": "admin"}
    server.write(auth={"keys": [admin, {"key": KEY, "namespace": "a"}]})
    async with server.running():
        assert (await server.ask("mine", authorization=f"Bearer {KEY}")).status_code == 200
        await server.look(auth={"keys": [admin, {"key": OTHER, "namespace": "a"}]})
        assert (await server.ask("mine", authorization=f"Bearer {KEY}")).status_code == 401
        same = await server.ask("mine", authorization=f"Bearer {OTHER}")
        assert same.headers["x-reprise-cache"] == "hit", "the namespace is the same"


async def test_keys_that_all_vanish_open_nothing(server):
    server.write(auth={"keys": [{"key": KEY, "namespace": "a"}]})
    async with server.running():
        server.write(auth={"keys": []}, cache={"policies": {"default": {"ttl": "1h"}}})
        assert await server.reloader.look() == "refused"
        assert (await server.ask("mine")).status_code == 401, "no key, no answer"
        assert (await server.ask("mine", authorization=f"Bearer {KEY}")).status_code == 200
        assert server.policy.ttl == 86400, "nothing of the edit counts"
        [problem] = (await server.ready())["refused"]["problems"]
        line = server.file.read_text().splitlines()[problem["line"] - 1]
        assert (problem["key"], line.strip()) == ("auth.keys", "keys: []"), "named by its line"


async def test_a_server_without_keys_asks_for_them_once_there_are_some(server):
    server.write()
    async with server.running():
        assert (await server.ask("open")).status_code == 200
        await server.look(auth={"keys": [{"key": KEY, "namespace": "a"}]})
        assert (await server.ask("open")).status_code == 401


# Edits that are refused


@pytest.mark.parametrize("text", ["", " \n\t\n", "# all of it\n# commented out\n", "---\n", "\ufeff\n"])
async def test_an_empty_file_is_never_an_edit(server, text, quick):
    server.write(cache={"policies": {"default": {"ttl": "1h"}}})
    async with server.running():
        server.put(text)
        with capture_logs() as lines:
            assert await server.reloader.look() == "refused"
        assert server.policy.ttl == 3600
        [line] = lines
        assert (line["message"], line["file"]) == ("is empty: the policy in force stays", str(server.file))


async def test_a_file_that_is_gone_is_no_edit_either(server, quick):
    server.write(cache={"policies": {"default": {"ttl": "1h"}}})
    async with server.running():
        server.file.unlink()
        assert await server.reloader.look() == "refused"
        assert server.policy.ttl == 3600
        [problem] = (await server.ready())["refused"]["problems"]
        assert problem["message"] == "there is no such file"


async def test_an_editor_that_empties_the_file_first_is_waited_for(server):
    server.write()
    async with server.running():
        server.put("")
        looking = asyncio.create_task(server.reloader.look())
        await asyncio.sleep(0.2)
        server.write(cache={"policies": {"default": {"ttl": "1h"}}})
        assert await looking == "applied"
        assert server.policy.ttl == 3600
        assert server.counted("refused") is None


async def test_a_file_that_is_still_being_written_is_waited_for(server):
    server.write()
    async with server.running():
        server.reloader._pause = 0.1
        server.write(cache={"policies": {"default": {"ttl": "2h"}}})
        looking = asyncio.create_task(server.reloader.look())
        for hours in (3, 4):
            await asyncio.sleep(0.05)
            server.write(cache={"policies": {"default": {"ttl": f"{hours}h"}}})
        await looking
        assert server.policy.ttl == 4 * 3600
        assert server.counted("applied") == 1, "one edit, not three"


async def test_an_invalid_edit_is_refused_by_line_and_without_its_values(server):
    server.write(cache={"policies": {"default": {"ttl": "1h"}}})
    async with server.running():
        before = await server.ready()
        server.put("cache:\n  policies:\n    default: {ttl: 0}\n    fast: {ttl: secret-value}\nsrever: {}\n")
        with capture_logs() as lines:
            assert await server.reloader.look() == "refused"
        told = [(line["line"], line["key"]) for line in lines]
        assert told == [(3, "cache.policies.default.ttl"), (4, "cache.policies.fast.ttl"), (5, "srever")]
        assert {(line["log_level"], line["file"]) for line in lines} == {("error", str(server.file))}
        assert "secret-value" not in str(lines)
        after = await server.ready()
        assert (after["revision"], server.policy.ttl) == (before["revision"], 3600), "what ran before runs on"
        problems = after["refused"]["problems"]
        assert [(problem["line"], problem["key"]) for problem in problems] == told
        assert after["refused"]["at"] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        assert (await server.client.get("/health/readiness")).status_code == 200, "visible, but ready"
        assert server.counted("refused") == 1

        assert await server.reloader.look() is None, "said once"
        assert await server.look(cache={"policies": {"default": {"ttl": "1h"}}}) == "unchanged"
        assert (await server.ready())["refused"] is None, "put right"


async def test_what_cannot_be_put_in_force_leaves_all_as_it_was(server, monkeypatch):
    server.write()
    async with server.running():
        before = server.parts.live.now

        def fail(budgets):
            raise RuntimeError("a secret value")

        monkeypatch.setattr(server.parts.learning, "adopt", fail)
        with capture_logs() as lines:
            assert await server.look(cache={"policies": {"default": {"ttl": "1h"}}}) == "refused"
        assert server.parts.live.now is before
        assert lines[0]["message"] == "could not be put in force: RuntimeError"


# Learning


async def test_a_new_budget_is_learned_for_before_anybody_meets_it(server, monkeypatch):
    server.write()
    async with server.running():
        adopted = []

        def adopt(budgets):
            adopted.append((0.07 in list(budgets), server.policy.max_error_rate))

        monkeypatch.setattr(server.parts.learning, "adopt", adopt)
        await server.look(cache={"policies": {"default": {"max_error_rate": 0.07}}})
        assert adopted == [(True, 0.01)], "the policy of before was still in force"
        assert server.policy.max_error_rate == 0.07


# Watching


async def happens(probe):
    """Does it come true within ten seconds?"""
    for _ in range(500):
        if probe():
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["over", "rename"])
async def test_an_edit_is_seen_however_it_is_written(server, how):
    server.write()
    async with server.running(), watching(server.reloader):
        server.write(how, cache={"policies": {"default": {"ttl": "1h"}}})
        assert await happens(lambda: server.policy.ttl == 3600), "the edit takes effect"
        server.write(how, cache={"policies": {"default": {"ttl": "2h"}}})
        assert await happens(lambda: server.policy.ttl == 7200), "the next one too"


async def test_a_folder_of_links_that_is_swapped_is_seen(server, tmp_path):
    # As Kubernetes mounts a ConfigMap: the file is a link through ..data, which is put in another's place.
    real, folder = server.file, tmp_path / "mounted"
    folder.mkdir()
    server.write()
    for version in ("one", "two"):
        (folder / version).mkdir()
    (folder / "one" / "config.yaml").write_text(real.read_text())
    (folder / "..data").symlink_to("one")
    server.file = folder / "config.yaml"
    server.file.symlink_to("..data/config.yaml")
    async with server.running(), watching(server.reloader):
        server.file, linked = folder / "two" / "config.yaml", server.file
        server.write(cache={"policies": {"default": {"ttl": "1h"}}})
        server.file = linked
        (folder / "..data_tmp").symlink_to("two")
        (folder / "..data_tmp").replace(folder / "..data")
        assert await happens(lambda: server.policy.ttl == 3600), "the other folder's file counts"


async def test_an_edit_made_during_the_start_is_seen(server):
    server.write()
    async with server.running():
        server.write(cache={"policies": {"default": {"ttl": "1h"}}})
        async with watching(server.reloader):
            assert await happens(lambda: server.policy.ttl == 3600), "it takes effect"


async def test_a_folder_that_cannot_be_watched_is_looked_at_now_and_then(server, monkeypatch):
    def fail(*_, **__):
        raise OSError("too many watches")

    server.write()
    monkeypatch.setattr("proxy.live.watch.awatch", fail)
    with capture_logs() as lines:
        async with server.running(), watching(server.reloader, every=0.05):
            assert await happens(lambda: lines), "it is said"
            server.write(cache={"policies": {"default": {"ttl": "1h"}}})
            assert await happens(lambda: server.policy.ttl == 3600), "the edit takes effect"


async def test_sighup_has_the_file_looked_at(server):
    server.write()
    async with server.running(), watching(server.reloader, every=60):
        os.kill(os.getpid(), signal.SIGHUP)
        assert await happens(lambda: server.counted("unchanged") == 1), "it is looked at"


async def test_without_a_file_nothing_is_watched(run_app):
    async with run_app() as (client, parts):
        reloader = Reloader(parts, None)
        async with watching(reloader):
            assert await reloader.look(asked=True) is None
        config = (await client.get("/health/readiness")).json()["config"]
        assert (config["file"], config["refused"]) == (None, None)
        assert config["revision"] == parts.live.now.revision


# Revisions, and what an edit changes


def settings(**sections):
    return Settings.model_validate(sections)


def test_a_revision_names_settings_and_lets_nobody_guess_their_keys():
    one = settings(auth={"keys": [{"key": KEY, "namespace": "a"}]})
    two = settings(auth={"keys": [{"key": OTHER, "namespace": "a"}]})
    assert revision_of(one, b"s") == revision_of(one.model_copy(), b"s")
    assert revision_of(one, b"s") != revision_of(two, b"s"), "a changed key is another revision"
    assert revision_of(one, b"s") != revision_of(one, b"t"), "keyed: nobody can try keys against it"


def test_an_edit_is_told_by_what_takes_effect_and_what_waits():
    started = settings()
    running = started.model_copy(update={"server": started.server.model_copy(update={"port": 5000})})
    edited = settings(
        server={"expose": "minimal"},
        store={"embedder": {"threads": 2}},
        stats={"window": "1h"},
        logging={"level": "error", "format": "json"},
    )
    edit = compare(running, started, edited)
    assert edit.changed == ("stats", "logging.level")
    assert edit.waiting == ("server.expose", "store.embedder.threads", "logging.format")
    assert edit.settings.server == running.server, "the command line's port is no edit"
    assert (edit.settings.logging.level, edit.settings.logging.format) == ("error", "console")


def test_the_same_file_is_no_edit():
    edit = compare(settings(), settings(), settings())
    assert (edit.changed, edit.waiting) == ((), ())
