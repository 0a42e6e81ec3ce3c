"""Fixtures of the tests of proposals."""

from __future__ import annotations

import pytest

from tests.memory.proposals.house import House


@pytest.fixture
def house(database):
    """Builds the parts around a scripted model with these replies."""

    def build(*replies, **options):
        return House(database, *replies, **options)

    return build
