"""Fixtures that every part of the tests shares."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as examples

from store.database import Database
from store.embedder import EmbedderSpec, default_cache_dir, load_embedder
from store.sqlite import SQLite

if TYPE_CHECKING:
    from tests.postgres import Databases

# A shared machine may be slow; what an example gives does not depend on how long it takes.
examples.register_profile("tests", deadline=None)
examples.load_profile("tests")


def _databases() -> "Databases | None":
    url = os.environ.get("REPRISE_TEST_SQL")
    if not url:
        return None
    from tests.postgres import Databases

    return Databases(url)


DATABASES = _databases()
"""Set where the tests are to run on PostgreSQL; see ``tests.postgres``."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """New databases are copies of one that the migrations made: to make each anew would take most of the tests' time.

    What starts in a process of its own migrates for itself.
    """
    if DATABASES is not None:
        yield from _on_a_server(DATABASES)
        return
    made = tmp_path_factory.mktemp("migrated") / "made.db"
    Database(made).close()
    migrate = Database._migrate

    def copied(self: Database) -> None:
        driver = self.driver
        if isinstance(driver, SQLite) and not driver.path.exists() and driver.path.parent.is_dir():
            shutil.copyfile(made, driver.path)
        migrate(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_migrate", copied)
        yield


def _on_a_server(databases: "Databases") -> Iterator[None]:
    """What would open a file opens a database of that server."""

    def driver(path: Path, durability: str = "process") -> object:
        return databases.of(path)

    databases.prepare()
    with pytest.MonkeyPatch.context() as patch:
        for module in ("store.database", "store.reader", "proxy.databases"):
            patch.setattr(f"{module}.SQLite", driver)
        yield
    databases.close()


@pytest.fixture(autouse=True)
def drop_databases() -> Iterator[None]:
    """A server's disk holds the databases of a few tests, not of all."""
    yield
    if DATABASES is not None:
        DATABASES.drop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is about SQLite's files says nothing of a server."""
    if DATABASES is None:
        return
    items[:], left = ([item for item in items if bool(item.get_closest_marker("sqlite")) is of] for of in (False, True))
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The folder of exported models, with the default model in it.

    REPRISE_MODEL_CACHE or the user's cache folder, so that runs share one export; pass it to `load_embedder`.
    """
    folder = default_cache_dir()
    load_embedder(EmbedderSpec(), folder)
    return folder
