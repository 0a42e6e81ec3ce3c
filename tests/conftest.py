"""Fixtures that every part of the tests shares."""

from pathlib import Path

import pytest

from store.embedder import EmbedderSpec, default_cache_dir, load_embedder


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The folder of exported models, with the default model in it.

    REPRISE_MODEL_CACHE or the user's cache folder, so that runs share one export; pass it to `load_embedder`.
    """
    folder = default_cache_dir()
    load_embedder(EmbedderSpec(), folder)
    return folder
