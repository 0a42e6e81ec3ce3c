"""A library of flows on a database of the test's own."""

from __future__ import annotations

import pytest

from memory.flows.copies import Copies
from memory.flows.library import Flows
from memory.flows.outcomes import Outcomes
from memory.memories.memories import Memories
from tests.fakes import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def memories(database):
    return Memories(database)


@pytest.fixture
def flows(database, memories, clock):
    library = Flows(database, memories.trail, redact=lambda text: text.replace("hunter2", "[secret]"), clock=clock)
    memories.undoers["flow"] = library.put_back
    return library


@pytest.fixture
def outcomes(flows, clock):
    return Outcomes(flows, clock)


@pytest.fixture
def copies(database, flows, clock):
    return Copies(database, flows, clock)
