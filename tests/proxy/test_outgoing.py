"""Which of a client's headers can change the answer: calls that differ there are different calls."""

from __future__ import annotations

import pytest

from proxy.upstreams.outgoing import outgoing, steering
from tests.proxy.fakes import target

HARMLESS = {
    "user-agent": "a",
    "x-stainless-lang": "python",
    "x-stainless-retry-count": "1",
    "traceparent": "00-1",
    "x-request-id": "r1",
    "x-forwarded-for": "10.0.0.1",
    "idempotency-key": "k",
    "accept": "*/*",
    "content-type": "application/json",
    "x-reprise-session": "s",
    "authorization": "Bearer a",
    "x-api-key": "a",
    "cookie": "a",
    "cache-control": "no-cache",
    "content-length": "5",
    "connection": "close",
    "host": "a",
}


def test_what_is_harmless_or_never_sent_steers_nothing():
    assert steering(HARMLESS) == []


@pytest.mark.parametrize("name", ["openai-beta", "anthropic-beta", "x-region", "helicone-cache-enabled", "x-title"])
def test_any_other_header_that_goes_on_may_steer(name):
    assert steering({**HARMLESS, name: "v"}) == [[name, "v"]]


def test_the_order_of_headers_does_not_matter():
    assert steering({"x-b": "2", "x-a": "1"}) == steering({"x-a": "1", "x-b": "2"}) == [["x-a", "1"], ["x-b", "2"]]


def test_what_steers_goes_on():
    headers = {**HARMLESS, "openai-beta": "v", "x-any": "w"}
    sent = outgoing(headers, target())
    assert all(sent[name] == value for name, value in steering(headers))
