"""The settings of notifications: what is refused, and that nothing of a secret is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config import ConfigError, load_settings


def load(text, **environ):
    return load_settings(Path("config.yaml"), environ, raw=f"notifications: {text}\n".encode()).notifications


def refused(text, **environ):
    with pytest.raises(ConfigError) as caught:
        load(text, **environ)
    return str(caught.value)


@pytest.mark.parametrize("url", ["ftp://example.com/t0ken", "example.com/t0ken", "http://", "https://a b/t0ken"])
def test_an_address_that_is_none_is_refused_and_not_repeated(url):
    said = refused(f"{{webhook: {{url: '{url}'}}}}")
    assert "notifications.webhook.url" in said, "by the name of the setting"
    assert "t0ken" not in said, "it may hold a secret"


@pytest.mark.parametrize(
    "sender", ["nobody", "a@b@c", '"a@example.com\\nBcc: b@example.com"', '"x\\r\\ny@example.com"']
)
def test_a_sender_that_is_no_address_is_refused(sender):
    assert "notifications.email.sender" in refused(f"{{email: {{host: h, sender: {sender}, to: [b@example.com]}}}}"), (
        sender
    )


def test_a_name_may_stand_before_an_address():
    found = load("{email: {host: h, sender: 'Reprise <a@example.com>', to: ['Team <b@example.com>']}}")
    assert found.email.sender == "Reprise <a@example.com>", "as mail programs write it"


@pytest.mark.parametrize("events", ["[flow.burnt]", "[]x"])
def test_an_event_that_there_is_none_of_is_refused(events):
    assert refused(f"{{webhook: {{url: 'https://example.com', events: {events}}}}}"), "told"


def test_secrets_come_from_the_environment():
    found = load("{webhook: {url: os.environ/URL, secret: os.environ/SECRET}}", URL="https://example.com/x", SECRET="s")
    assert found.webhook.url.get_secret_value() == "https://example.com/x", "the address"
    assert found.webhook.secret.get_secret_value() == "s", "and the secret"
    assert "example.com" not in repr(found), "neither is shown"


def test_the_waits_are_thirty_seconds_two_minutes_and_ten():
    assert load("{}").retry == [30.0, 120.0, 600.0], "unless they are configured"
    assert load("{retry: [1s, 5m]}").retry == [1.0, 300.0], "as durations"
    assert "notifications.retry" in refused("{retry: [0s]}"), "no wait at all is none"
