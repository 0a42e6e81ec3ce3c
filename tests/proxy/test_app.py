"""The application: every error in OpenAI's shape, and who may call which route."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import httpx
import openai
import pytest
from structlog.testing import capture_logs

from proxy.app import create_app
from proxy.config import Settings
from store.errors import DatabaseError, StoreError
from tests.proxy.fakes import MESSAGES

CHAT = {"model": "m", "messages": MESSAGES}
CLIENT, ADMIN = "client-key-0000", "admin-key-00000"
KEYS = {
    "keys": [
        {"key": CLIENT, "namespace": "team-a", "name": "laptop"},
        {"key": ADMIN, "namespace": "ops", "role": "admin"},
    ]
}


def bearer(key):
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
async def keyless(run_app):
    async with run_app(vectors={}) as (client, _):
        yield client


@pytest.fixture(scope="module")
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, _):
        yield client


def error_of(response, status):
    """The error in a response, which must have OpenAI's shape."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert all(error[name] is None or isinstance(error[name], str) for name in ("param", "code"))
    return error


# Shapes


@pytest.mark.parametrize("path", ["/nope", "/", "/v1", "/v1/nope", "/interactions/a/b", "/%ff"])
async def test_a_route_nobody_knows_is_a_404_in_shape(keyless, path):
    error = error_of(await keyless.get(path), 404)
    assert error["code"] == "not_found"
    assert error["message"].startswith("No such route: GET /")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("GET", "/chat/completions", "POST"),
        ("OPTIONS", "/v1/chat/completions", "POST"),
        ("PUT", "/stats", "GET"),
        ("POST", "/metrics", "GET"),
        ("GET", "/cache/reindex", "POST"),
    ],
)
async def test_a_method_that_a_route_does_not_have_is_a_405_in_shape(keyless, method, path, allowed):
    response = await keyless.request(method, path)
    assert error_of(response, 405)["code"] == "http_405"
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("GET", "/interactions?limit=many", None, "limit"),
        ("POST", "/interactions", {"prompt": 7}, "prompt"),
        ("POST", "/interactions", {"prompt": "a", "memories_used": ["a", 7]}, "memories_used.1"),
        ("POST", "/interactions", {"prompt": "a", "quality_score": 2}, "quality_score"),
        ("POST", "/interactions", {"prompt": "a", "promt": "b"}, "promt"),
        ("POST", "/interactions", [], "body"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(keyless, method, path, body, param):
    error = error_of(await keyless.request(method, path, json=body), 400)
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert f"'{param}'" in error["message"]


UNREADABLE = {
    "cut off": b'{"prompt": "a"',
    "not JSON": b"prompt=a",
    "invalid UTF-8": b'{"prompt": "\xff"}',
    "nested beyond all limits": b"[" * 20_000 + b"]" * 20_000,
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("path", ["/interactions", "/v1/chat/completions"])
async def test_a_body_that_cannot_be_read_is_a_400_that_says_so(keyless, path, raw):
    response = await keyless.post(path, content=raw, headers={"content-type": "application/json"})
    error = error_of(response, 400)
    assert (error["param"], error["code"]) == ("body", "invalid_json")


@pytest.mark.parametrize("path", ["/interactions", "/v1/chat/completions", "/chat/completions"])
async def test_a_body_over_the_limit_is_a_413_in_shape(run_app, path):
    async with run_app(server={"max_body": 1000}) as (client, _):
        error = error_of(await client.post(path, json={**CHAT, "x": "y" * 1000}), 413)
    assert error["code"] == "body_too_large"


@pytest.mark.parametrize(("depth", "status"), [(10, 200), (195, 200), (201, 400), (400, 400), (1000, 400), (1020, 400)])
@pytest.mark.parametrize("prompt", ["How deep is this?", "Set a timer for six minutes."])
async def test_deep_nesting_is_answered_or_refused_and_never_an_error_of_ours(keyless, model, depth, status, prompt):
    nested = b"[" * depth + b"]" * depth
    message = b'{"role": "user", "content": "%b"' % prompt.encode()
    for body in (
        b'{"model": "m", "messages": [%b}], "x": %b}' % (message, nested),
        b'{"model": "m", "messages": [%b, "x": %b}]}' % (message, nested),
    ):
        response = await keyless.post("/v1/chat/completions", content=body)
        assert response.status_code == status
        if status == 400:
            assert error_of(response, 400)["param"] == "body"
    assert len(model.calls) == (2 if status == 200 else 0)


async def test_an_error_nobody_foresaw_is_a_500_in_shape_that_tells_nothing(run_app):
    async with run_app() as (client, parts):

        def fail(*_):
            raise RuntimeError("a secret detail")

        parts.statistics.summary = fail
        parts.pipeline._look_up = fail
        with capture_logs() as lines:
            responses = [await client.get("/stats"), await client.post("/v1/chat/completions", json=CHAT)]
    for response in responses:
        assert error_of(response, 500) == {
            "message": "Internal error.",
            "type": "server_error",
            "param": None,
            "code": "internal_error",
        }
        assert "secret" not in response.text
    assert [line["error"] for line in lines if line["event"] == "unexpected error"] == ["RuntimeError"] * 2


@pytest.mark.parametrize("failure", [DatabaseError("a secret detail"), StoreError("a secret detail")])
async def test_a_store_that_fails_is_a_503_in_shape_that_tells_nothing(run_app, failure):
    async with run_app() as (client, parts):

        def fail(*_, **__):
            raise failure

        parts.statistics.summary = fail
        parts.interactions.list = fail
        with capture_logs() as lines:
            responses = [await client.get(path) for path in ("/stats", "/interactions")]
    for response in responses:
        assert error_of(response, 503)["code"] == "unavailable"
        assert "secret" not in response.text
    assert "secret" not in str(lines)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/interactions"])
async def test_a_client_that_leaves_while_it_sends_is_no_error_of_ours(keyless, path):
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        assert message.get("status", 499) == 499

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-length", b"100")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    with capture_logs() as lines:
        await keyless._transport.app(scope, receive, send)
    assert lines == []


async def test_openais_client_raises_its_own_kinds_of_error(keyed):
    transport = httpx.ASGITransport(keyed._transport.app, raise_app_exceptions=False)
    http = httpx.AsyncClient(transport=transport)
    kinds = {
        ("m", CLIENT, "s"): openai.BadRequestError,
        ("m", "unknown", None): openai.AuthenticationError,
        ("", CLIENT, None): openai.BadRequestError,
    }
    for (name, key, threshold), kind in kinds.items():
        client = openai.AsyncOpenAI(api_key=key, base_url="http://127.0.0.1/v1", max_retries=0, http_client=http)
        headers = {"x-reprise-threshold": threshold} if threshold else {}
        with pytest.raises(kind) as caught:
            await client.chat.completions.create(model=name, messages=MESSAGES, extra_headers=headers)
        assert caught.value.type == "invalid_request_error"
        assert caught.value.message
    await http.aclose()


# Who may call what

OPEN = ["/health/liveliness", "/health/liveness", "/healthz", "/health/readiness", "/readyz"]
FOR_ALL = [
    ("GET", "/v1/models"),
    ("GET", "/models"),
    ("GET", "/v1/models/m"),
    ("GET", "/stats"),
    ("GET", "/openapi.json"),
    ("GET", "/interactions"),
    ("POST", "/interactions"),
    ("GET", "/interactions/int_1"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/chat/completions"),
    ("POST", "/v1/feedback"),
    ("POST", "/feedback"),
]
FOR_ADMINS = [
    ("GET", "/metrics"),
    ("POST", "/cache/reindex"),
    ("GET", "/cache/entries/ent_1"),
    ("POST", "/cache/entries/ent_1/block"),
    ("POST", "/cache/entries/ent_1/unblock"),
    ("GET", "/cache/experiments"),
    ("GET", "/cache/experiments/cuts"),
    ("POST", "/cache/experiments/cuts/stop"),
]


def body_for(method, path):
    if method == "GET":
        return None
    if "feedback" in path:
        return {"interaction_id": "int_1", "correct": True}
    return CHAT if "chat" in path else {"prompt": "a"}


@pytest.mark.parametrize("path", OPEN)
async def test_health_is_open_to_everyone(keyed, path):
    assert (await keyed.get(path)).status_code == 200


@pytest.mark.parametrize(("method", "path"), FOR_ALL + FOR_ADMINS)
@pytest.mark.parametrize("headers", [{}, bearer("unknown-key"), {"x-api-key": "unknown-key"}])
async def test_with_keys_configured_nothing_else_opens_without_one(keyed, model, method, path, headers):
    response = await keyed.request(method, path, json=body_for(method, path), headers=headers)
    assert error_of(response, 401)["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == "Bearer"
    assert model.calls == []


@pytest.mark.parametrize(("method", "path"), FOR_ALL)
@pytest.mark.parametrize("key", [CLIENT, ADMIN])
async def test_a_key_of_either_role_opens_what_is_for_all(keyed, method, path, key):
    response = await keyed.request(method, path, json=body_for(method, path), headers=bearer(key))
    unknown = path.endswith(("int_1", "feedback"))
    assert response.status_code == (404 if unknown else 200), "the key opens it, whatever is found there"


@pytest.mark.parametrize(("method", "path"), FOR_ADMINS)
async def test_what_is_for_admins_needs_an_admins_key(keyed, method, path):
    assert error_of(await keyed.request(method, path, headers=bearer(CLIENT)), 403)["code"] == "forbidden"
    assert (await keyed.request(method, path, headers=bearer(ADMIN))).status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path"), FOR_ALL + FOR_ADMINS)
async def test_without_keys_every_route_is_open(keyless, method, path):
    response = await keyless.request(method, path, json=body_for(method, path))
    assert response.status_code not in (401, 403)


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"host": "["}, {"origin": "https://evil.example"}])
@pytest.mark.parametrize(("method", "path"), FOR_ALL + FOR_ADMINS)
async def test_without_keys_no_page_of_elsewhere_may_call(keyless, model, method, path, headers):
    response = await keyless.request(method, path, json=body_for(method, path), headers=headers)
    assert error_of(response, 403)["code"] == "forbidden"
    assert model.calls == []


async def test_a_wrong_key_is_refused_before_the_body_is_looked_at(keyed):
    response = await keyed.post("/v1/chat/completions", content=b"{", headers=bearer("unknown-key"))
    assert response.status_code == 401


async def test_a_key_of_ours_never_goes_upstream(keyed, model):
    await keyed.post("/v1/chat/completions", json={**CHAT, "x": "keys"}, headers=bearer(CLIENT) | {"x-api-key": CLIENT})
    assert len(model.headers) == 1
    assert CLIENT not in json.dumps(model.headers)


# The document


async def test_the_document_tells_of_every_route_and_of_our_errors(keyless):
    document = (await keyless.get("/openapi.json")).json()
    assert {"/v1/chat/completions", "/v1/models", "/interactions", "/interactions/{id}", "/stats", "/metrics"} <= set(
        document["paths"]
    )
    assert {"/health/liveliness", "/health/readiness"} <= set(document["paths"])
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all("422" not in operation["responses"] for operation in operations)
    assert all("400" in operation["responses"] and "503" in operation["responses"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert document == (await keyless.get("/openapi.json")).json()


# Starting and ending


def test_two_servers_cannot_hold_one_data_directory(tmp_path):
    settings = Settings.model_validate({"server": {"data_dir": str(tmp_path)}})
    first = create_app(settings)
    try:
        with pytest.raises(StoreError, match=f"held by another server .process {os.getpid()}.*--data-dir"):
            create_app(settings)
    finally:
        asyncio.run(first.state.services.close())
    second = create_app(settings)
    asyncio.run(second.state.services.close())


def test_a_data_directory_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings.model_validate({"server": {"data_dir": str(tmp_path / "file" / "below")}})
    with pytest.raises(StoreError, match="not writable"):
        create_app(settings)


def test_building_the_application_changes_no_signal_handler(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    app = create_app(Settings.model_validate({"server": {"data_dir": str(tmp_path)}}))
    asyncio.run(app.state.services.close())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
