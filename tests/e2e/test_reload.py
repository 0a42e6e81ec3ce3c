"""Configuration edited while a real server answers: no call fails, and what is wrong never takes effect."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import yaml

from tests.e2e.conftest import Launch, unaudited
from tests.e2e.support import KEY_MARK, Server, Upstream, body, eventually, models, write_config

pytestmark = pytest.mark.slow

ADMIN = KEY_MARK + "reload-admin"
TEAM = KEY_MARK + "reload-team"


def edit(server: Server, upstream: Upstream, config: dict[str, Any]) -> None:
    """Write the file anew, in place."""
    write_config(server.folder, unaudited({"model_list": [models(upstream.url)], **config}))


def revision(server: Server) -> str:
    return str(server.readiness()["config"]["revision"])


def routed(policy: str) -> dict[str, Any]:
    """All calls meet this policy."""
    return {"cache": {"policies": {"slow": {"ttl": "1h"}, "fast": {"ttl": "2h"}}, "routes": [{"policy": policy}]}}


class Load:
    """Threads that call without a pause, and what they got."""

    def __init__(self, server: Server, threads: int = 4) -> None:
        self.statuses: Counter[int] = Counter()
        self.policies: list[str] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(n,)) for n in range(threads)]

    def _call(self, n: int) -> None:
        with httpx2.Client(base_url=self._server.url, timeout=30, trust_env=False) as http:
            count = 0
            while not self._stop.is_set():
                count += 1
                # Every third call is new to the cache; every other one wants a stream.
                prompt = f"Load {n} number {count // 3}"
                got = http.post("/v1/chat/completions", json=body(prompt, stream=count % 2 == 0))
                self.statuses[got.status_code] += 1
                self.policies.append(got.headers.get("x-reprise-policy", "none"))

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(60)

    def meets(self, policy: str) -> None:
        """Wait until the calls meet this policy: more of them in a row than were under way when it changed."""
        row = [policy] * (2 * len(self._threads))
        eventually(lambda: self.policies[-len(row) :] == row, f"calls meet {policy}")


def test_no_call_fails_while_the_file_is_edited(launch: Launch, upstream: Upstream) -> None:
    server = launch(routed("slow"))
    path = server.folder / "config.yaml"
    with Load(server).running() as load:
        load.meets("slow")
        edit(server, upstream, routed("fast"))
        load.meets("fast")

        # As many editors do: empty first, then written, then written again.
        good = path.read_text()
        path.write_text("")
        path.write_text(good[: len(good) // 2])
        edit(server, upstream, routed("slow"))
        load.meets("slow")

        # As vim does: another file in its place.
        other = path.with_name("4913")
        other.write_text(good)
        other.replace(path)
        load.meets("fast")

        # What is wrong, and what is empty, changes nothing.
        path.write_text("cache:\n  policies:\n    fast: {ttl: 0}\n  routes: [{policy: slow}]\n")
        eventually(lambda: server.readiness()["config"]["refused"], "the edit is refused")
        path.write_text("")
        told = "is empty: the policy in force stays"
        eventually(
            lambda: server.readiness()["config"]["refused"]["problems"][0]["message"] == told,
            "an empty file is refused",
        )
        load.meets("fast")
    assert set(load.statuses) == {200}, load.statuses
    assert set(load.policies) == {"slow", "fast"}
    assert load.statuses[200] > 50
    assert server.metric("reprise_config_reloads_total", outcome="refused") == 2
    assert server.metric("reprise_config_info", revision=revision(server)) == 1
    assert "is empty: the policy in force stays" in server.log


def test_what_is_wrong_is_named_by_line_in_the_log_and_in_readiness(launch: Launch, upstream: Upstream) -> None:
    server = launch(routed("slow"))
    path = server.folder / "config.yaml"
    before = revision(server)
    assert server.readiness()["config"]["file"] == path.name
    path.write_text("server: {port: 0}\ncache:\n  policies:\n    slow: {ttl: nonsense-value}\n")
    problem = eventually(lambda: server.readiness()["config"]["refused"], "it is refused")["problems"][0]
    assert (problem["file"], problem["line"], problem["key"]) == (path.name, 4, "cache.policies.slow.ttl")
    assert server.readiness()["status"] == "ready", "visible, but no reason to take the server out"
    assert revision(server) == before
    [line] = [line for line in server.log.splitlines() if "configuration refused" in line]
    assert "cache.policies.slow.ttl" in line
    assert "line=4" in line
    assert "nonsense-value" not in server.log, "a value may be a key in the wrong place"

    edit(server, upstream, routed("fast") | {"server": {"max_body": "1MB"}})
    eventually(lambda: revision(server) != before, "the next valid edit takes effect")
    config = server.readiness()["config"]
    assert (config["refused"], config["needs_restart"]) == (None, ["server.max_body"])
    assert "needs a restart: server.max_body" in server.log
    assert "changed=cache.routes" in server.log.replace("'", "")


def test_sighup_has_the_file_read(launch: Launch) -> None:
    server = launch(routed("slow"))
    server.signal(signal.SIGHUP)
    eventually(lambda: "nothing changes" in server.log, "the file was looked at")
    assert server.chat("After a hangup").status_code == 200, "the server goes on"


def test_a_removed_key_is_refused_from_then_on(launch: Launch, upstream: Upstream) -> None:
    admin = {"key": ADMIN, "namespace": "ops", "role": "admin"}
    server = launch({"auth": {"keys": [admin, {"key": TEAM, "namespace": "team"}]}}, key=ADMIN)
    team = {"authorization": f"Bearer {TEAM}"}
    assert server.chat("With a key", team).status_code == 200
    edit(server, upstream, {"auth": {"keys": [admin]}})
    eventually(lambda: server.chat("With a key", team).status_code == 401, "the key opens nothing any more")
    edit(server, upstream, {"auth": {"keys": []}})
    eventually(lambda: server.readiness()["config"]["refused"], "an edit that would open all is refused")
    bare = httpx2.post(f"{server.url}/v1/chat/completions", json=body("Without a key"), trust_env=False)
    assert bare.status_code == 401
    assert server.chat("Still an admin").status_code == 200


def test_a_start_with_a_flag_is_no_edit(launch: Launch) -> None:
    server = launch(routed("slow"))
    # The port of the command line differs from the file's.
    path = server.folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text())) + "# looked at\n")
    eventually(lambda: "nothing changes" in server.log, "the edit was seen")
    assert server.readiness()["config"]["needs_restart"] == []
