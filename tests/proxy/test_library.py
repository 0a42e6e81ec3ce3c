"""When the sources' index is open, as the server's readiness tells it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.fakes import near
from tests.proxy.conftest import open_fake_tier

PATIENCE = 20.0


@contextlib.asynccontextmanager
async def starting(library):
    """The library, as the application starts it."""
    task = asyncio.create_task(library.start())
    try:
        yield
    finally:
        library.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def up(health):
    """Waits until nothing starts any more."""
    async with asyncio.timeout(PATIENCE):
        while health.starting:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)


@pytest.fixture
def memory(tmp_path):
    (tmp_path / "docs").mkdir()
    return {"sources": {"docs": str(tmp_path / "docs")}}


async def test_the_server_is_starting_until_documents_can_be_found(run_app, memory):
    async with run_app(memory=memory) as (_, parts):
        parts.health.starting.add("embedder")
        async with starting(parts.remembering.library):
            await asyncio.sleep(0.05)
            assert "sources" in parts.health.starting, "there is no embedder yet"
            open_fake_tier(parts, {"what": near(1.0)})
            parts.health.started("embedder")
            await up(parts.health)
            assert parts.remembering.library.index.is_open


async def test_a_server_without_an_embedder_has_started_all_the_same(run_app, memory):
    async with run_app(memory=memory) as (_, parts), starting(parts.remembering.library):
        await up(parts.health)
        assert not parts.remembering.library.index.is_open, "there is none"


async def test_without_sources_nothing_is_waited_for(run_app):
    async with run_app() as (_, parts), starting(parts.remembering.library):
        assert "sources" not in parts.health.starting
