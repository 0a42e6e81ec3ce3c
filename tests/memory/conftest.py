"""What the tests of memory share."""

from __future__ import annotations

import asyncio

import pytest

from memory.interactions import Interaction, Interactions
from store.database import Database


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def interactions(database):
    return Interactions(database)


@pytest.fixture
def record(interactions):
    """Log interactions of these fields, in this order; gives their ids."""

    def record_all(*fields):
        made = [Interaction(**{"prompt": "Hi", **values}) for values in fields]

        async def write():
            await asyncio.gather(*map(interactions.record, made))

        asyncio.run(write())
        return [interaction.id for interaction in made]

    return record_all
