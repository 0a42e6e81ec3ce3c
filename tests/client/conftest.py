"""What the client's tests share: a stand-in for the server's wire, and the real server of the end-to-end tests."""

from __future__ import annotations

import json

import httpx2
import pytest

from reprise_client import AsyncInteractionLogger, InteractionLogger
from tests.e2e.conftest import fresh_key, launch, launch_shared, server, upstream  # noqa: F401  fixtures


class Wire:
    """Answers as it is told, and notes what it was asked. ``down`` refuses connections, ``slow`` lets them time out."""

    def __init__(self):
        self.asked = []
        self.runs = []
        self.status = 200
        self.body = None
        self.error = None

    def __call__(self, request):
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        if self.body is not None or self.status != 200:
            return httpx2.Response(self.status, content=self.body or b"")
        if request.url.path == "/interactions/similar":
            return httpx2.Response(200, json={"count": len(self.runs), "interactions": self.runs})
        if request.url.path == "/interactions":
            made = {"status": "recorded", "id": f"int_{len(self.asked)}", "created_at": "2026-01-01 00:00:00"}
            return httpx2.Response(200, json=made)
        return httpx2.Response(200, json={"status": "recorded"})

    @property
    def logged(self):
        """Bodies of the interactions posted."""
        return [json.loads(request.content) for request in self.asked if request.url.path == "/interactions"]

    @property
    def lookups(self):
        """Bodies of the lookups."""
        return [json.loads(request.content) for request in self.asked if request.url.path == "/interactions/similar"]

    def down(self):
        self.error = httpx2.ConnectError("refused")

    def slow(self):
        self.error = httpx2.ReadTimeout("slow")

    def refuse(self, status, message="no", param=None):
        self.error = None
        self.status = status
        self.body = json.dumps({"error": {"message": message, "param": param, "code": "x", "type": "y"}}).encode()

    def works(self):
        self.status, self.body, self.error = 200, None, None


def listed(**fields):
    """A run as the server lists it."""
    values = {
        "id": "int_0",
        "tool_id": "t",
        "prompt": "x",
        "response": "out",
        "success": True,
        "quality": 0.7,
        "quality_score": None,
        "similarity": 1.0,
        "equal": True,
        "score": 0.7,
        "age_seconds": 1.0,
        "created_at": "2026-01-01 00:00:00",
        "latency_ms": 5.0,
        "error": None,
        "metadata": {"reprise": {"output": "text", "started_at": 1.5}},
    }
    return values | fields


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """What the machine says of a server is not for the tests."""
    for name in ("REPRISE_URL", "REPRISE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def logger(wire):
    with InteractionLogger(transport=httpx2.MockTransport(wire)) as made:
        yield made


@pytest.fixture
def strict(wire):
    with InteractionLogger(transport=httpx2.MockTransport(wire), strict=True) as made:
        yield made


@pytest.fixture
async def async_logger(wire):
    async with AsyncInteractionLogger(transport=httpx2.MockTransport(wire)) as made:
        yield made
