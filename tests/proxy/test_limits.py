"""No route reads more of a body than the server takes."""

from __future__ import annotations

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from proxy.limits import BodyLimit

MOST = 100


async def echo(scope, receive, send):
    """An application that gives back what it was sent."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(body)(scope, receive, send)


@pytest.fixture
async def client():
    transport = httpx2.ASGITransport(BodyLimit(echo, MOST, exempt=("/own",)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://reprise") as made:
        yield made


async def pieces(size):
    for _ in range(size // 10):
        yield b"x" * 10


@pytest.mark.parametrize("size", [0, 10, MOST])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_within_the_limit_reaches_the_route_whole(client, size, chunked):
    response = await client.post("/any", content=pieces(size) if chunked else b"x" * size)
    assert (response.status_code, response.text) == (200, "x" * size)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_a_413_in_openais_shape(client, method, chunked):
    response = await client.request(method, "/any", content=pieces(MOST + 10) if chunked else b"x" * (MOST + 1))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


async def test_exempt_routes_read_for_themselves(client):
    response = await client.post("/own", content=b"x" * (MOST + 1))
    assert (response.status_code, len(response.text)) == (200, MOST + 1)


async def test_calls_without_a_body_pass(client):
    assert (await client.get("/any")).status_code == 200


async def test_what_is_not_http_passes():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope["type"])

    await BodyLimit(app, MOST, exempt=())({"type": "lifespan"}, None, None)
    assert passed == ["lifespan"]


async def test_a_route_still_hears_that_its_client_left():
    given = iter([{"type": "http.request", "body": b"x", "more_body": False}, {"type": "http.disconnect"}])
    heard = []

    async def receive():
        return next(given)

    async def app(scope, receive, send):
        heard.extend([await receive(), await receive()])

    scope = {"type": "http", "method": "POST", "path": "/any", "headers": [(b"content-length", b"1")]}
    await BodyLimit(app, MOST, exempt=())(scope, receive, None)
    assert [message["type"] for message in heard] == ["http.request", "http.disconnect"]
    assert heard[0]["body"] == b"x"
