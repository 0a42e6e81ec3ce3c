"""What the tests of the store share."""

from __future__ import annotations

import pytest

from store.database import Database
from store.entries import Entries


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def entries(database):
    return Entries(database, 10)
