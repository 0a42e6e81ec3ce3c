"""Who may do what: keys, roles, namespaces; and whose key the upstream sees."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, answer, body, client_of, models, run

ANNA, ARTHUR = "sk-e2e-anna-of-team-a", "sk-e2e-arthur-of-team-a"
BEA = "sk-e2e-bea-of-team-b"
ADMIN = "sk-e2e-the-administrator"
PROVIDER = "sk-e2e-key-of-the-provider"


@pytest.fixture(scope="module")
def server(launch_shared: Launch, upstream: Upstream) -> Server:
    """Two teams and an administrator; the provider's key from the environment."""
    return launch_shared(
        {
            "model_list": [
                models(upstream.url, "bare"),
                models(upstream.url, "headed", api_key=PROVIDER, extra_headers={"x-own": "added"}),
                models(upstream.url, api_key="os.environ/E2E_PROVIDER_KEY"),
            ],
            "server": {"expose": "minimal"},
            "auth": {
                "keys": [
                    {"key": ANNA, "namespace": "team-a", "name": "Anna"},
                    {"key": ARTHUR, "namespace": "team-a"},
                    {"key": BEA, "namespace": "team-b"},
                    {"key": "os.environ/E2E_ADMIN_KEY", "namespace": "ops", "role": "admin"},
                ]
            },
        },
        E2E_PROVIDER_KEY=PROVIDER,
        E2E_ADMIN_KEY=ADMIN,
    )


@pytest.fixture(scope="module")
def open_server(launch_shared: Launch) -> Server:
    """No keys."""
    return launch_shared()


def bearer(key: str) -> dict[str, str]:
    """The header that presents a key."""
    return {"authorization": f"Bearer {key}"}


def last_headers(upstream: Upstream) -> dict[str, str]:
    """What the upstream's last call carried."""
    return upstream.model.headers[-1]


def assert_no_reprise_key(headers: dict[str, str]) -> None:
    """None of Reprise's own keys, controls or internals is in a forwarded call."""
    values = " ".join(headers.values())
    for key in (ANNA, ARTHUR, BEA, ADMIN):
        assert key not in values
    assert not [name for name in headers if name.startswith("x-reprise")]


WRONG: dict[str, dict[str, str]] = {
    "none": {},
    "unknown": bearer("sk-e2e-nobody"),
    "cut-off": bearer(ANNA[:-1]),
    "longer": bearer(ANNA + "x"),
    "another-case": bearer(ANNA.upper()),
    "empty": {"authorization": "Bearer"},
    "basic": {"authorization": f"Basic {ANNA}"},
    "wrong-x-api-key": {"x-api-key": "sk-e2e-nobody"},
}
GUARDED = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/bare"),
    ("GET", "/interactions"),
    ("GET", "/interactions/int_x"),
    ("POST", "/interactions"),
    ("GET", "/stats"),
    ("GET", "/metrics"),
    ("POST", "/cache/reindex"),
]


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_needs_a_key(server: Server, upstream: Upstream, method: str, path: str, name: str) -> None:
    before = len(upstream.model.headers)
    sent = body("Who goes there?") if path.endswith("completions") else {"prompt": "x"}
    response = server.http.request(method, path, headers=WRONG[name], json=sent if method == "POST" else None)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    error = response.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, "invalid_api_key")
    assert len(upstream.model.headers) == before


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness", "/healthz", "/health/readiness", "/readyz"])
def test_health_needs_none(server: Server, path: str) -> None:
    assert server.http.get(path).status_code == 200


def test_the_openai_client_raises_authentication_error(server: Server) -> None:
    with client_of(server.url, "sk-e2e-nobody") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(**body("Let me in."))
    assert caught.value.code == "invalid_api_key"


CLIENT_MAY = [
    ("GET", "/v1/models", 200),
    ("GET", "/v1/models/bare", 200),
    ("GET", "/interactions", 200),
    ("GET", "/interactions/int_nobody", 404),
    ("GET", "/stats", 200),
    ("GET", "/metrics", 403),
    ("POST", "/cache/reindex", 403),
]


@pytest.mark.parametrize(("method", "path", "status"), CLIENT_MAY)
def test_what_a_client_may(server: Server, method: str, path: str, status: int) -> None:
    response = server.http.request(method, path, headers=bearer(ANNA))
    assert response.status_code == status
    if status == 403:
        error = response.json()["error"]
        assert (error["type"], error["code"]) == ("permission_error", "forbidden")


@pytest.mark.parametrize(("method", "path", "_status"), CLIENT_MAY)
def test_an_admin_may_all(server: Server, method: str, path: str, _status: int) -> None:
    expected = 404 if path.endswith("int_nobody") else 200
    assert server.http.request(method, path, headers=bearer(ADMIN)).status_code == expected


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
def test_ways_to_present_a_key(server: Server, upstream: Upstream, header: str) -> None:
    value = f"Bearer {ANNA}" if header == "authorization" else ANNA
    prompt = f"By which door, {header}?"
    assert server.chat(prompt, {header: value}).status_code == 200
    assert last_headers(upstream)["authorization"] == f"Bearer {PROVIDER}"
    assert_no_reprise_key(last_headers(upstream))


def test_namespaces_share_no_answers(server: Server, upstream: Upstream) -> None:
    exact, reworded = "What is the capital of France?", "What's the capital of France?"
    assert server.chat(exact, bearer(ANNA)).headers["x-reprise-cache"] == "miss"
    for key in (ANNA, ARTHUR):
        assert server.chat(exact, bearer(key)).headers["x-reprise-tier"] == "exact"
        assert server.chat(reworded, bearer(key)).headers["x-reprise-tier"] == "semantic"
    for key in (BEA, ADMIN):
        assert server.chat(exact, bearer(key)).headers["x-reprise-cache"] == "miss"
        assert server.chat(reworded, bearer(key)).headers["x-reprise-tier"] == "semantic"
    assert upstream.seen[exact] == 3
    # A part that a client names lies within its own namespace, and beside the rest of it.
    for part in ("team-a", "default", "inner"):
        asked = {"cache": {"namespace": part}}
        assert server.chat(exact, bearer(BEA), **asked).headers["x-reprise-cache"] == "miss"
        assert server.chat(exact, bearer(BEA), **asked).headers["x-reprise-tier"] == "exact"
    assert server.chat(exact, bearer(ANNA), cache={"namespace": "inner"}).headers["x-reprise-cache"] == "miss"


def test_namespaces_see_only_their_own_log(server: Server) -> None:
    mine = server.chat("What does team A ask?", bearer(ANNA)).headers["x-reprise-interaction"]
    theirs = server.chat("What does team B ask?", bearer(BEA)).headers["x-reprise-interaction"]

    def ids(key: str) -> set[str]:
        listed = server.http.get("/interactions", params={"limit": 500}, headers=bearer(key)).json()
        return {row["id"] for row in listed["interactions"]}

    def status(id_: str, key: str) -> int:
        return server.http.get(f"/interactions/{id_}", headers=bearer(key)).status_code

    assert mine in ids(ANNA) & ids(ARTHUR) & ids(ADMIN)
    assert mine not in ids(BEA)
    assert theirs in ids(BEA) & ids(ADMIN)
    assert theirs not in ids(ANNA)
    assert [status(mine, key) for key in (ANNA, ARTHUR, BEA, ADMIN)] == [200, 200, 404, 200]
    assert [status(theirs, key) for key in (ANNA, ARTHUR, BEA, ADMIN)] == [404, 404, 200, 200]

    def requests(key: str) -> int:
        return server.http.get("/stats", headers=bearer(key)).json()["requests"]

    assert requests(ANNA) == requests(ARTHUR)
    assert requests(ADMIN) >= requests(ANNA) + requests(BEA)
    record = server.http.get(f"/interactions/{mine}", headers=bearer(ADMIN)).json()
    assert (record["namespace"], record["client"]) == ("team-a", "Anna")
    # What is reported is the reporter's own.
    told = server.http.post("/interactions", json={"prompt": "ls", "interaction_type": "tool"}, headers=bearer(BEA))
    assert told.json()["id"] in ids(BEA)
    assert told.json()["id"] not in ids(ANNA)


def test_the_providers_key_goes_upstream_and_no_other(server: Server, upstream: Upstream) -> None:
    extra = {"openai-organization": "org-e2e", "openai-project": "proj-e2e", "cookie": f"key={ANNA}", "x-mine": "kept"}
    for stream in (False, True):
        got = server.chat("Which key do you see?", {**bearer(ANNA), **extra, "x-reprise-tags": "one"}, stream=stream)
        assert got.status_code == 200
    sent = last_headers(upstream)
    assert sent["authorization"] == f"Bearer {PROVIDER}"
    assert sent["x-mine"] == "kept"
    # These belong to the caller's own account with the provider.
    assert not {"openai-organization", "openai-project", "cookie"} & sent.keys()
    assert_no_reprise_key(sent)

    server.chat("Which headers do you see?", bearer(BEA), model="headed")
    assert (last_headers(upstream)["authorization"], last_headers(upstream)["x-own"]) == (f"Bearer {PROVIDER}", "added")

    # An entry without a key sends none: Reprise's own is never passed on.
    server.chat("Which key is there without one?", bearer(BEA), model="bare")
    assert "authorization" not in last_headers(upstream)
    assert_no_reprise_key(last_headers(upstream))

    server.http.get("/v1/models", headers=bearer(ANNA))
    for headers in upstream.model.headers:
        assert_no_reprise_key(headers)


def test_without_keys_the_callers_own_goes_upstream(open_server: Server, upstream: Upstream) -> None:
    one, two = "sk-e2e-own-key-one", "sk-e2e-own-key-two"
    prompt = "Whose key is it now?"
    extra = {"openai-organization": "org-e2e"}
    seen: list[Any] = []
    for headers in (bearer(one), bearer(two), {}, {**bearer(one), **extra}):
        before = len(upstream.model.headers)
        got = open_server.chat(prompt, headers)
        assert got.json()["choices"][0]["message"]["content"] == answer(prompt)
        if len(upstream.model.headers) > before:
            seen.append(last_headers(upstream).get("authorization"))
    # Each key, and none, has answers of its own, and so has an account that the caller names.
    assert seen == [f"Bearer {one}", f"Bearer {two}", None, f"Bearer {one}"]
    assert last_headers(upstream)["openai-organization"] == "org-e2e"

    assert open_server.chat(prompt, bearer(two)).headers["x-reprise-cache"] == "hit"
    open_server.chat("And in an older header?", {"api-key": one})
    assert "api-key" not in last_headers(upstream)


def test_without_keys_every_route_is_open(open_server: Server) -> None:
    for method, path, _ in CLIENT_MAY:
        assert open_server.http.request(method, path).status_code in (200, 404)


FOREIGN = [
    {"host": "evil.example"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "203.0.113.7:4000"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: next(iter(headers.values())))
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_keys_pages_from_elsewhere_are_refused(
    open_server: Server, upstream: Upstream, method: str, path: str, headers: dict[str, str]
) -> None:
    before = len(upstream.model.headers)
    sent = body("May a page ask this?") if path.endswith("completions") else {"prompt": "x"}
    response = open_server.http.request(method, path, headers=headers, json=sent if method == "POST" else None)
    assert response.status_code == 403
    assert (response.json()["error"]["type"], response.json()["error"]["code"]) == ("permission_error", "forbidden")
    assert len(upstream.model.headers) == before


def test_where_callers_show_keys_names_do_not_matter(server: Server) -> None:
    for headers in FOREIGN:
        assert server.http.get("/stats", headers={**bearer(ANNA), **headers}).status_code == 200


def test_names_of_this_machine(open_server: Server) -> None:
    for name in ("localhost", "localhost:4000", "127.0.0.1", "[::1]:4000", "app.localhost"):
        assert open_server.http.get("/stats", headers={"host": name}).status_code == 200
        assert open_server.http.get("/stats", headers={"origin": f"http://{name}"}).status_code == 200


def test_namespaces_of_unknown_callers_do_not_show_their_keys(open_server: Server) -> None:
    id_ = open_server.chat("What am I called here?", bearer("sk-e2e-hide-me")).headers["x-reprise-interaction"]
    record = open_server.interaction(id_)
    assert record["namespace"].startswith("key-")
    assert "hide-me" not in str(record)


def test_the_reindex_command_shows_an_admins_key(server: Server) -> None:
    """It goes through the server that holds the directory, which asks for a key."""
    exact, reworded = "How do cranes sleep?", "How do the cranes sleep?"
    server.chat(exact, bearer(BEA))
    config = ("--config", server.folder / "config.yaml", "--data-dir", server.data_dir)
    done = run("reindex", "--json", *config, cwd=server.folder, env=server.env)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["vectors"] >= 1
    assert server.chat(reworded, bearer(BEA)).headers["x-reprise-tier"] == "semantic"
    # Without the configuration there is no key to show.
    refused = run("reindex", "--data-dir", server.data_dir, cwd=server.data_dir)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("reprise: ")
    assert len(refused.err.strip().splitlines()) == 1


def test_minimal_exposure(server: Server, open_server: Server) -> None:
    part = {"cache": {"namespace": "exposure"}}
    hidden = {"x-reprise-similarity", "x-reprise-entry", "x-reprise-quality"}
    asked = (
        ("What is the capital of France?", "upstream"),
        ("What is the capital of France?", "exact"),
        ("What's the capital of France?", "semantic"),
        ("What is the capital of Spain?", "upstream"),
    )
    for prompt, tier in asked:
        headers = server.chat(prompt, bearer(ANNA), **part).headers
        assert headers["x-reprise-tier"] == tier
        assert headers["x-reprise-interaction"]
        assert not hidden & headers.keys()
        full = open_server.chat(prompt, **part).headers
        assert full["x-reprise-entry"]
        assert tier != "semantic" or hidden <= full.keys()
