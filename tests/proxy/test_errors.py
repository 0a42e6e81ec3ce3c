"""Errors in OpenAI's shape: each knows its status, type and code."""

from __future__ import annotations

import json

import pytest

from proxy import errors
from proxy.app import error_response
from proxy.errors import ProxyError

ALL = {
    "ProxyError": (500, "server_error", None),
    "InvalidRequest": (400, "invalid_request_error", None),
    "Unauthenticated": (401, "invalid_request_error", "invalid_api_key"),
    "Forbidden": (403, "permission_error", "forbidden"),
    "NotFound": (404, "invalid_request_error", "not_found"),
    "Conflict": (409, "invalid_request_error", "conflict"),
    "BodyTooLarge": (413, "invalid_request_error", "body_too_large"),
    "NotCached": (504, "invalid_request_error", "only_if_cached"),
    "Unavailable": (503, "server_error", "unavailable"),
    "UpstreamError": (502, "upstream_error", "upstream_unavailable"),
    "UpstreamTimeout": (504, "upstream_error", "upstream_timeout"),
}


def test_every_error_is_listed_here_and_in_the_tree_of_its_module():
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ProxyError)}
    assert found == set(ALL)
    assert all(name in errors.__doc__ for name in found)


@pytest.mark.parametrize(("name", "expected"), ALL.items())
def test_each_error_has_its_status_type_and_code(name, expected):
    error = getattr(errors, name)("what went wrong")
    assert (error.status, error.type, error.code) == expected


@pytest.mark.parametrize("name", ALL)
def test_each_error_has_openais_shape(name):
    error = getattr(errors, name)("what went wrong", param="p", code="c")
    assert error.body() == {
        "error": {"message": "what went wrong", "type": error.type, "param": "p", "code": "c"},
    }
    assert str(error) == "what went wrong"


@pytest.mark.parametrize("name", ALL)
def test_a_code_given_to_one_error_is_not_given_to_the_next(name):
    made = getattr(errors, name)
    made("x", code="special")
    assert made("x").code == ALL[name][2]


@pytest.mark.parametrize("name", ALL)
def test_each_error_becomes_a_response_with_its_headers(name):
    error = getattr(errors, name)("what went wrong")
    error.told = {"x-reprise-cache": "miss"}
    response = error_response(error)
    assert response.status_code == error.status
    assert json.loads(response.body) == error.body()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-reprise-cache"] == "miss"


def test_what_one_error_tells_is_not_told_by_another():
    errors.NotFound("x").told["x-reprise-cache"] = "miss"
    assert errors.NotFound("x").headers() == {}


def test_a_missing_key_is_answered_with_the_scheme_to_use():
    assert errors.Unauthenticated("x").headers() == {"www-authenticate": "Bearer"}


def test_clients_are_told_not_to_ask_again_for_what_is_not_cached():
    assert errors.NotCached("x").headers() == {"x-should-retry": "false"}


def test_a_timeout_is_an_error_of_the_upstream():
    assert issubclass(errors.UpstreamTimeout, errors.UpstreamError)
