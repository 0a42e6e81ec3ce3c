"""Fixtures of the end-to-end tests: a scripted upstream, and real servers in processes of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.e2e.support import KEY_MARK, Server, Upstream, environment, models


class Launch(Protocol):
    """Starts a server; the fixture stops it and checks what it logged."""

    def __call__(
        self,
        config: dict[str, Any] | None = None,
        *,
        data_dir: Path | None = None,
        key: str | None = None,
        start: bool = True,
        **env: str,
    ) -> Server: ...


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The scripted upstream."""
    with Upstream() as running:
        yield running


def unaudited(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with audits out of the way, unless it says otherwise: they would be hits missed by chance."""
    cache = dict(config.get("cache") or {})
    policies = {"default": {}, **(cache.get("policies") or {})}
    cache["policies"] = {name: {"audit_rate": 1e-9, **(policy or {})} for name, policy in policies.items()}
    return {**config, "cache": cache}


def _launcher(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launch]:
    servers: list[Server] = []

    def launch(
        config: dict[str, Any] | None = None,
        *,
        data_dir: Path | None = None,
        key: str | None = None,
        start: bool = True,
        **env: str,
    ) -> Server:
        folder = tmp_path_factory.mktemp("server")
        complete = unaudited({"model_list": [models(upstream.url)], **(config or {})})
        server = Server(folder, complete, data_dir or folder / "data", environment(**env), key)
        servers.append(server)
        return server.start() if start else server

    yield launch
    for server in servers:
        if server.running:
            server.stop()
    for server in servers:
        if server.log:
            server.check_log(upstream)


@pytest.fixture
def launch(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Launch]:
    """Starts servers for one test."""
    yield from _launcher(upstream, tmp_path_factory)


@pytest.fixture(scope="module")
def launch_shared(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Launch]:
    """Starts servers that a module's tests share."""
    yield from _launcher(upstream, tmp_path_factory)


@pytest.fixture(scope="session")
def server(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Server]:
    """A server with no keys and every model at the scripted upstream.

    Tests share it and keep apart by keys, projects or prompts of their own.
    """
    for launch in _launcher(upstream, tmp_path_factory):
        yield launch()


@pytest.fixture
def fresh_key() -> str:
    """A provider key of the test's own: where the server has no keys, a namespace of its own with it."""
    return KEY_MARK + secrets.token_hex(12)
