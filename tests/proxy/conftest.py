"""What the tests of the proxy share: a scripted model behind a real port, and the application in this process."""

from __future__ import annotations

import contextlib

import httpx2
import pytest

from proxy.app import create_app
from proxy.config import Settings
from proxy.scripted import ScriptedModel
from tests.proxy.fakes import open_fake_tier, served


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def scripted_server():
    model = ScriptedModel()
    with served(model.app) as url:
        yield model, url


@pytest.fixture
def model(scripted_server):
    """The scripted model, asked nothing yet."""
    found, _ = scripted_server
    for memory in (found.calls, found.headers, found.bodies, found.by_prompt):
        memory.clear()
    found.aborted = 0
    return found


@pytest.fixture(scope="session")
def base_url(scripted_server):
    """The scripted model's base for OpenAI clients."""
    return f"{scripted_server[1]}/v1"


@pytest.fixture(scope="session")
def run_app(tmp_path_factory, base_url):
    """Run the application in this process, before the scripted model: ``async with run_app(...) as (client, parts)``.

    Keyword arguments are sections of the configuration. With ``vectors`` a fake embedder is in place that knows them,
    and a verifier that needs no weights; it has no shipped cuts, so that only a fixed threshold serves by meaning.
    """

    @contextlib.asynccontextmanager
    async def run(*, vectors=None, headers=None, **sections):
        entry = {"model_name": "*", "litellm_params": {"model": "openai/*", "api_base": base_url}}
        server = {"data_dir": str(tmp_path_factory.mktemp("data")), **sections.pop("server", {})}
        cache = {"verifier": {"model": "cosine"}, **sections.pop("cache", {})}
        settings = Settings.model_validate({"model_list": [entry], "server": server, "cache": cache, **sections})
        app = create_app(settings)
        parts = app.state.services
        if vectors is not None:
            open_fake_tier(parts, vectors)
        parts.health.started("embedder")
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
                yield client, parts
        finally:
            await parts.close()

    return run
