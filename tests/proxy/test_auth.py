"""Who calls: a key opens its namespace with its role, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth import Authenticator
from proxy.config import AuthSettings
from proxy.errors import Forbidden, Unauthenticated
from tests.proxy.completions import examples

SECRET = b"s" * 32
CLIENT = "team-a-key-000000"
ADMIN = "admin-key-0000000"
KEYS = [
    {"key": CLIENT, "namespace": "team-a", "name": "laptop"},
    {"key": ADMIN, "namespace": "ops", "role": "admin"},
]


def authenticator(*keys, secret=SECRET):
    return Authenticator(AuthSettings.model_validate({"keys": list(keys)}), secret)


@pytest.fixture
def keyed():
    return authenticator(*KEYS)


@pytest.fixture
def keyless():
    return authenticator()


def bearer(key):
    return {"authorization": f"Bearer {key}"}


# With keys


def test_a_key_opens_its_namespace_with_its_role(keyed):
    client, admin = keyed.identify(bearer(CLIENT)), keyed.identify(bearer(ADMIN))
    assert (client.namespace, client.role, client.key_name, client.visible) == ("team-a", "client", "laptop", "team-a")
    assert (admin.namespace, admin.role, admin.key_name, admin.visible) == ("ops", "admin", None, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {CLIENT}"},
        {"authorization": f"bearer {CLIENT}"},
        {"authorization": f"BEARER   {CLIENT} "},
        {"x-api-key": CLIENT},
        {"api-key": CLIENT},
        {"authorization": "", "x-api-key": CLIENT},
        {"x-api-key": "", "api-key": CLIENT},
        {"x-api-key": CLIENT, "api-key": "another"},
    ],
)
def test_a_key_may_be_presented_as_openais_anthropics_and_azures_clients_do(keyed, headers):
    assert keyed.identify(headers).namespace == "team-a"


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"x-api-key": ""}, {"cookie": f"key={CLIENT}"}])
def test_no_key_is_no_entry(keyed, headers):
    with pytest.raises(Unauthenticated, match="No API key given") as caught:
        keyed.identify(headers)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.headers()["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        bearer("unknown-key"),
        bearer(CLIENT[:-1]),
        bearer(CLIENT + "0"),
        bearer(CLIENT.upper()),
        bearer(""),
        {"authorization": "Bearer"},
        {"authorization": f"Basic {CLIENT}"},
        {"authorization": f"Token {CLIENT}"},
        {"authorization": f"Bearer {CLIENT} {ADMIN}"},
        {"authorization": "Bearer unknown", "x-api-key": CLIENT},
        {"x-api-key": f"Bearer {CLIENT}"},
        bearer("kéy"),
    ],
)
def test_a_wrong_key_is_no_entry_and_is_not_told_back(keyed, headers):
    with pytest.raises(Unauthenticated) as caught:
        keyed.identify(headers)
    assert caught.value.message == "This API key is not known here."


@examples
@given(st.dictionaries(st.sampled_from(("authorization", "x-api-key", "api-key")), st.text(max_size=30)))
def test_no_made_up_header_opens_anything(headers):
    with pytest.raises(Unauthenticated):
        authenticator(*KEYS).identify(headers)


def test_only_an_admins_key_opens_what_is_for_admins(keyed):
    assert keyed.identify_admin(bearer(ADMIN)).role == "admin"
    with pytest.raises(Forbidden) as caught:
        keyed.identify_admin(bearer(CLIENT))
    assert (caught.value.status, caught.value.code) == (403, "forbidden")
    for headers in ({}, bearer("unknown")):
        with pytest.raises(Unauthenticated):
            keyed.identify_admin(headers)


def test_a_key_of_ours_is_never_what_goes_upstream(keyed):
    for headers in (bearer(CLIENT), bearer(ADMIN), {"x-api-key": CLIENT}):
        assert keyed.identify(headers).authorization is None


def test_two_keys_may_share_a_namespace():
    shared = authenticator(*KEYS, {"key": "another-key-00", "namespace": "team-a", "role": "admin"})
    found = [shared.identify(bearer(key)) for key in (CLIENT, "another-key-00")]
    assert [(caller.namespace, caller.role) for caller in found] == [("team-a", "client"), ("team-a", "admin")]


# Without keys


def test_without_keys_everyone_may_do_everything(keyless):
    for headers in ({}, bearer("sk-1"), {"authorization": "Basic abc"}):
        assert keyless.identify_admin(headers).visible is None


def test_without_keys_the_callers_own_authorization_goes_upstream_as_it_came(keyless):
    for text in ("Bearer sk-1", "Basic YTpi", "sk-1"):
        assert keyless.identify({"authorization": text}).authorization == text
    assert keyless.identify({}).authorization is None


@pytest.mark.parametrize("name", ["x-api-key", "api-key"])
def test_without_keys_a_key_in_another_header_goes_upstream_as_openai_takes_it(keyless, name):
    assert keyless.identify({name: "sk-1"}).authorization == "Bearer sk-1"
    assert keyless.identify({name: "sk-1", "authorization": "Bearer sk-2"}).authorization == "Bearer sk-2"


def test_without_keys_whoever_presents_nothing_is_in_the_default_namespace(keyless):
    assert keyless.identify({}).namespace == "default"
    assert keyless.identify({"authorization": "", "x-api-key": ""}).namespace == "default"


def test_without_keys_each_provider_key_has_a_namespace_of_its_own(keyless):
    namespaces = [keyless.identify(bearer(f"sk-{n}")).namespace for n in range(50)]
    assert len({*namespaces, "default"}) == 51
    assert (
        namespaces[0] == keyless.identify(bearer("sk-0")).namespace == keyless.identify({"x-api-key": "sk-0"}).namespace
    )


def test_other_credentials_of_the_same_text_are_another_namespace(keyless):
    assert keyless.identify({"authorization": "Basic sk-1"}).namespace != keyless.identify(bearer("sk-1")).namespace


def test_namespaces_of_keys_are_keyed_by_the_secret_and_do_not_show_the_key():
    first, second = (authenticator(secret=secret).identify(bearer("sk-1")).namespace for secret in (SECRET, b"t" * 32))
    assert first != second
    assert first.startswith("key-")
    assert "sk-1" not in first
    # The same after a restart: the secret is kept in the data directory.
    assert authenticator().identify(bearer("sk-1")).namespace == first


def test_namespaces_do_not_depend_on_how_many_keys_were_seen_before(keyless):
    for n in range(1100):
        keyless.identify(bearer(f"sk-{n}"))
    assert keyless.identify(bearer("sk-1099")).namespace == authenticator().identify(bearer("sk-1099")).namespace


# Pages in a browser of this machine

HERE = [
    "127.0.0.1",
    "127.0.0.1:4000",
    "localhost",
    "LOCALHOST:4000",
    "[::1]",
    "[::1]:4000",
    "127.8.9.1",
    "a.localhost:1",
]
ELSEWHERE = [
    "evil.example",
    "evil.example:4000",
    "192.168.1.5",
    "10.0.0.1:80",
    "[2001:db8::1]:80",
    "localhost.evil.example",
]
ODD = ["[", "[::1", "127.0.0.1@evil.example", ":80", "//", " ", "0x7f.1", "localhost\x00.evil.example"]


@pytest.mark.parametrize("host", HERE)
def test_without_keys_this_machine_may_call(keyless, host):
    assert keyless.identify({"host": host}).role == "admin"
    assert keyless.identify({"host": host, "origin": f"http://{host}"}).role == "admin"


@pytest.mark.parametrize("host", ELSEWHERE + ODD)
def test_without_keys_a_name_of_elsewhere_is_refused(keyless, host):
    for headers, named in (
        ({"host": host}, "Host"),
        ({"host": "127.0.0.1", "origin": f"https://{host}"}, "Origin"),
    ):
        with pytest.raises(Forbidden) as caught:
            keyless.identify(headers)
        assert (caught.value.status, caught.value.param) == (403, named)


def test_without_keys_a_page_without_an_origin_of_its_own_is_refused(keyless):
    with pytest.raises(Forbidden):
        keyless.identify({"host": "localhost", "origin": "null"})


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_with_keys_it_is_the_key_that_counts(keyed, headers):
    assert keyed.identify(headers | bearer(CLIENT)).namespace == "team-a"


# What stands in a log


def test_no_key_shows_where_a_caller_or_an_authenticator_is_printed(keyed, keyless):
    printed = repr([keyed, keyless, keyed.identify(bearer(ADMIN)), keyless.identify(bearer("sk-secret"))])
    for key in (CLIENT, ADMIN, "sk-secret"):
        assert key not in printed
