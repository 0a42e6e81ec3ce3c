"""Fixtures that every part of the tests shares."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as examples

from store.database import Database
from store.embedder import EmbedderSpec, default_cache_dir, load_embedder

# A shared machine may be slow; what an example gives does not depend on how long it takes.
examples.register_profile("tests", deadline=None)
examples.load_profile("tests")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """New databases are copies of one that the migrations made: to make each anew would take most of the tests' time.

    What starts in a process of its own migrates for itself.
    """
    made = tmp_path_factory.mktemp("migrated") / "made.db"
    Database(made).close()
    migrate = Database._migrate

    def copied(self: Database) -> None:
        if not self.path.exists() and self.path.parent.is_dir():
            shutil.copyfile(made, self.path)
        migrate(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_migrate", copied)
        yield


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The folder of exported models, with the default model in it.

    REPRISE_MODEL_CACHE or the user's cache folder, so that runs share one export; pass it to `load_embedder`.
    """
    folder = default_cache_dir()
    load_embedder(EmbedderSpec(), folder)
    return folder
