"""Fixtures that every part of the tests shares."""

from pathlib import Path

import pytest
from hypothesis import settings as examples

from store.embedder import EmbedderSpec, default_cache_dir, load_embedder

# A shared machine may be slow; what an example gives does not depend on how long it takes.
examples.register_profile("tests", deadline=None)
examples.load_profile("tests")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The folder of exported models, with the default model in it.

    REPRISE_MODEL_CACHE or the user's cache folder, so that runs share one export; pass it to `load_embedder`.
    """
    folder = default_cache_dir()
    load_embedder(EmbedderSpec(), folder)
    return folder
