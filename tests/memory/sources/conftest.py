"""What the tests of sources share."""

from __future__ import annotations

import pytest

from tests.memory.sources.library import Library


@pytest.fixture
def library(database, tmp_path):
    made = Library(database, tmp_path)
    yield made
    made.index.close()
