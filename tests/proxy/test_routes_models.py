"""The models that callers may name, as OpenAI's clients list them."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from proxy.routes import models
from tests.proxy.fakes import served

OWN = {"authorization": "Bearer sk-own"}


def entry(name, to, **params):
    return {"model_name": name, "litellm_params": {"model": to, **params}}


@pytest.fixture(scope="module")
def listing():
    """A server that lists models; what it says can be set."""
    said = {"status": 200, "body": {"object": "list", "data": []}}

    async def answer(request):
        body = said["body"]
        return Response(
            body if isinstance(body, str) else json.dumps(body), said["status"], media_type="application/json"
        )

    with served(Starlette(routes=[Route("/v1/models", answer)])) as url:
        yield said, f"{url}/v1"


async def ids(client, **options):
    response = await client.get("/v1/models", **options)
    assert response.status_code == 200
    assert response.json()["object"] == "list"
    return [model["id"] for model in response.json()["data"]]


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
async def test_models_configured_by_name_are_listed(run_app, path):
    async with run_app(model_list=[entry("small", "openai/a"), entry("claude", "anthropic/b")]) as (client, _):
        response = await client.get(path)
    assert response.json() == {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "reprise"} for name in ("small", "claude")],
    }


async def test_behind_a_pattern_what_its_upstream_lists_is_listed(run_app, model):
    async with run_app() as (client, _):
        response = await client.get("/v1/models", headers=OWN)
    assert response.json()["data"] == [
        {"id": "scripted", "object": "model", "created": 1700000000, "owned_by": "reprise"}
    ]
    assert model.headers[0]["authorization"] == "Bearer sk-own"


async def test_without_any_key_no_upstream_is_asked(run_app, model):
    async with run_app() as (client, _):
        assert await ids(client) == []
    assert model.headers == []


async def test_models_are_listed_under_the_names_that_calls_may_use(run_app, listing):
    said, url = listing
    said["body"] = {"data": [{"id": "gpt-a", "x": 1}, {"id": "other"}, {"id": "ft-gpt-b"}]}
    entries = [
        entry("openai/*", "openai/*", api_base=url, api_key="sk"),
        entry("mine-*", "openai/gpt-*", api_base=url, api_key="sk"),
        entry("mine-a", "openai/gpt-a", api_base=url, api_key="sk"),
    ]
    async with run_app(model_list=entries) as (client, _):
        found = await ids(client)
        assert found == ["mine-a", "openai/gpt-a", "openai/other", "openai/ft-gpt-b"]
        for name in found:
            assert (await client.get(f"/v1/models/{name}")).status_code == 200
        whole = (await client.get("/v1/models")).json()["data"]
    assert whole[1]["x"] == 1


async def test_a_pattern_that_leads_to_one_model_takes_any_name(run_app, listing):
    said, url = listing
    said["body"] = {"data": [{"id": "a"}]}
    async with run_app(model_list=[entry("any-*", "openai/one", api_base=url, api_key="sk")]) as (client, _):
        assert await ids(client) == ["any-a"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html>"),
        (200, []),
        (200, {"data": 7}),
        (200, {"data": {"id": "x"}}),
        (200, {"data": ["x", None, {}, {"id": None}]}),
        (401, {"error": {"message": "no"}}),
        (500, ""),
    ],
)
async def test_an_upstream_that_lists_nothing_sensible_spoils_nothing(run_app, listing, status, body):
    said, url = listing
    said.update(status=status, body=body)
    entries = [entry("*", "openai/*", api_base=url), entry("small", "openai/a")]
    async with run_app(model_list=entries) as (client, _):
        assert await ids(client, headers=OWN) == ["small"]


async def test_an_upstream_that_cannot_be_reached_or_is_too_slow_spoils_nothing(run_app, monkeypatch):
    monkeypatch.setattr(models, "PATIENCE", 0.05)
    entries = [entry("*", "openai/*", api_base="http://127.0.0.1:1/v1"), entry("small", "openai/a")]
    async with run_app(model_list=entries) as (client, _):
        assert await ids(client, headers=OWN) == ["small"]


async def test_other_providers_are_not_asked(run_app):
    async with run_app(model_list=[entry("claude-*", "anthropic/*", api_key="sk")]) as (client, _):
        assert await ids(client, headers=OWN) == []


@pytest.mark.parametrize("name", ["small", "a/b/c", "gpt-4o", "ünï"])
async def test_a_model_that_calls_may_name_is_found(run_app, name):
    async with run_app() as (client, _):
        response = await client.get(f"/v1/models/{name}")
    assert response.status_code == 200
    assert response.json() == {"id": name, "object": "model", "created": 0, "owned_by": "reprise"}


@pytest.mark.parametrize("name", ["other", "%20"])
async def test_a_model_that_calls_may_not_name_is_not_found(run_app, name):
    async with run_app(model_list=[entry("small", "openai/a")]) as (client, _):
        response = await client.get(f"/v1/models/{name}")
    assert response.status_code == 404
    assert (response.json()["error"]["code"], response.json()["error"]["param"]) == ("model_not_found", "model")
