"""The walk of one call, in this process: from the cache or from the upstream, logged either way."""

from __future__ import annotations

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from cache.judges import FixedJudges
from cache.verifier import VerifierError
from proxy.errors import UpstreamError, UpstreamTimeout
from store.embedder import EmbedderError
from store.errors import DatabaseError
from tests.fakes import FakeVerifier, near
from tests.proxy.completions import assembled, chunks_in, delta, events_in, stream_of, timeless, without_nulls
from tests.proxy.fakes import JSON, FakeUpstream, answer

PROMPT = "What is the capital of France?"
FIXED = {"policies": {"default": {"similarity_threshold": 0.93}}}
"""The ``cache`` section where similarity alone decides."""
TALL = {"How tall is the Eiffel tower?": near(1.0), "What height has the Eiffel tower?": near(0.95)}


def body(prompt=PROMPT, **fields):
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}


async def ask(client, prompt=PROMPT, headers=None, **fields):
    return await client.post("/v1/chat/completions", json=body(prompt, **fields), headers=headers)


def status(response):
    return response.headers["x-reprise-cache"], response.headers["x-reprise-reason"]


async def logged(client, response):
    return (await client.get(f"/interactions/{response.headers['x-reprise-interaction']}")).json()


@pytest.fixture(scope="module")
async def app(run_app):
    """One application with a semantic tier; tests use prompts of their own."""
    async with run_app(vectors={}, cache=FIXED) as made:
        yield made


# Hits


async def test_the_same_call_again_is_a_hit_that_asks_nobody(app, model):
    client, _ = app
    first, second = [await ask(client, "the same again") for _ in range(2)]
    assert (status(first), status(second)) == (("miss", "no_entry"), ("hit", "exact_match"))
    assert len(model.calls) == 1
    assert timeless(second.json()) == timeless(first.json())
    assert second.json()["id"] != first.json()["id"]
    assert second.headers["content-type"] == "application/json"
    assert second.headers["x-reprise-entry"] == first.headers["x-reprise-entry"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
async def test_both_paths_share_their_answers(app, model, path):
    client, _ = app
    await ask(client, "What lies on either path?")
    response = await client.post(path, json=body("What lies on either path?"))
    assert status(response) == ("hit", "exact_match")


@pytest.mark.parametrize(("first", "second"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("does", ["", "[tool look_up]", "[refuse]", "[reason]"])
async def test_an_answer_serves_both_forms_whichever_it_came_in(app, model, first, second, does):
    client, _ = app
    prompt = f"{does} form {first} {second}"
    live = await ask(client, prompt, stream=first, stream_options={"include_usage": True} if first else None)
    replayed = await ask(client, prompt, stream=second, stream_options={"include_usage": True} if second else None)
    assert (status(live)[0], status(replayed)[0], len(model.calls)) == ("miss", "hit", 1)
    whole = [
        assembled(response.content) if streamed else response.json()
        for response, streamed in ((live, first), (replayed, second))
    ]
    assert without_nulls(timeless(whole[1])) == without_nulls(timeless(whole[0]))
    if second:
        assert replayed.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert events_in(replayed.content)[-1] == b"[DONE]"


async def test_a_replayed_stream_names_usage_only_where_asked(app, model):
    client, _ = app
    await ask(client, "usage in a replay")
    without = chunks_in((await ask(client, "usage in a replay", stream=True)).content)
    assert all("usage" not in chunk for chunk in without)
    options = {"include_usage": True}
    *rest, last = chunks_in((await ask(client, "usage in a replay", stream=True, stream_options=options)).content)
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == 4
    assert all(chunk["usage"] is None for chunk in rest)


async def test_a_similar_prompt_is_a_hit_by_meaning(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, _):
        assert status(await ask(client, first)) == ("miss", "no_entry"), "nothing is stored yet"
        response = await ask(client, second)
        assert status(response) == ("hit", "similar"), "0.95 is above 0.93"
        assert response.headers["x-reprise-tier"] == "semantic", "by meaning"
        assert response.headers["x-reprise-similarity"] == "0.9500", "the similarity is told"
        assert (await logged(client, response))["tier"] == "semantic", "and logged"
        tight = await ask(client, second, headers={"x-reprise-threshold": "0.96"})
        assert status(tight) == ("miss", "below_threshold"), "a caller may ask for more"
    assert len(model.calls) == 2, "the hit asked nobody"


def with_judges(parts, cut, **scores):
    """Let a fake verifier judge; it is given back."""
    verifier = FakeVerifier(**scores)
    parts.cache.judges = FixedJudges(verifier, cut, embedder="fake")
    return verifier


async def test_a_prompt_that_the_verifier_is_sure_of_is_a_hit_and_its_score_is_told_and_logged(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL) as (client, parts):
        with_judges(parts, 0.4)
        parts.cache._chance = lambda: 0.999
        await ask(client, first)
        response = await ask(client, second)
        assert status(response) == ("hit", "similar"), "0.5 is above the cut"
        assert response.headers["x-reprise-score"] == "0.5000", "the score is told"
        metadata = (await logged(client, response))["metadata"]
        assert (metadata["score"], metadata["verifier"], metadata["embedder"]) == (0.5, "fake-verifier", "fake"), "kept"
        with_judges(parts, 0.5)
        response = await ask(client, second, cache={"no-store": True})
        assert status(response) == ("miss", "below_cut: score 0.500"), "a tie is a miss that says why"
        assert response.headers["x-reprise-score"] == "0.5000", "the score of what came nearest"
    assert len(model.calls) == 2, "the hit asked nobody"


@pytest.mark.parametrize(("reason", "settings", "chance"), [("shadow", {"shadow": True}, 0.999), ("audit", {}, 0.0)])
async def test_what_would_have_been_a_hit_is_forwarded_and_its_answer_compared(
    run_app, model, reason, settings, chance
):
    first, second = TALL
    async with run_app(vectors=TALL, cache={"policies": {"default": settings}}) as (client, parts):
        with_judges(parts, 0.4)
        parts.cache._chance = lambda: chance
        parts.labelling.start()
        await ask(client, first)
        response = await ask(client, second)
        assert status(response) == ("miss", reason), "decided, not served"
        assert response.json()["choices"][0]["message"]["content"], "the caller gets the fresh answer"
        assert status(await ask(client, second)) == ("hit", "exact_match"), "which is stored as any other"
        await parts.labelling.settled()
        assert set(parts.labels.counts()) == {reason}, "and became a label that says where it comes from"
    assert len(model.calls) == 2, "each prompt was forwarded once"


async def test_a_miss_is_compared_too_and_a_call_without_a_candidate_is_not(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL) as (client, parts):
        with_judges(parts, None)
        parts.labelling.start()
        await ask(client, first)
        await parts.labelling.settled()
        assert parts.labels.counts() == {}, "there was nothing to compare with"
        assert status(await ask(client, second)) == ("miss", "no_cut"), "nothing may be served yet"
        await parts.labelling.settled()
        assert set(parts.labels.counts()) == {"miss"}, "a label for free"


async def test_a_verifier_that_fails_makes_misses_and_shows(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL) as (client, parts):
        verifier = with_judges(parts, 0.4)
        parts.cache._chance = lambda: 0.999
        await ask(client, first)
        verifier.broken = True
        with capture_logs():
            response = await ask(client, second, cache={"no-store": True})
        assert status(response) == ("miss", "tier_failed"), "what could not be judged is not served"
        assert parts.health.parts["verifier"].error == VerifierError.__name__, "the verifier shows"
        assert parts.health.status == "degraded", "in readiness"
        verifier.broken = False
        assert status(await ask(client, second)) == ("hit", "similar"), "it is asked again at once"
        assert parts.health.status == "ready", "and works again"


async def test_an_answer_rated_wrong_for_a_prompt_is_not_served_to_it_again(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL) as (client, parts):
        with_judges(parts, 0.4)
        parts.cache._chance = lambda: 0.999
        await ask(client, first)
        hit = await ask(client, second)
        given = {"interaction_id": hit.headers["x-reprise-interaction"], "correct": False}
        assert (await client.post("/v1/feedback", json=given)).status_code == 200, "a person says so"
        assert status(await ask(client, second)) == ("miss", "judged_wrong"), "once is enough"
        [label] = parts.labels.recent((await logged(client, hit))["namespace"], "fake-verifier", 10)
        assert (label.source, label.correct, label.score, label.embedder) == ("feedback", False, 0.5, "fake"), "a label"


async def test_words_that_a_guard_objects_to_are_told_on_one_line(run_app, model):
    first, second = 'What does "this\r\nset-cookie: a" mean?', 'What does "that\r\nset-cookie: b" mean?'
    async with run_app(vectors={first: near(1.0), second: near(0.99)}, cache=FIXED) as (client, _):
        await ask(client, first)
        response = await ask(client, second)
    assert response.headers["x-reprise-reason"].startswith("guard: quoted:")
    assert "set-cookie" not in response.headers


# What is not stored, or not served


@pytest.mark.parametrize(
    "does",
    [
        "[finish length]",
        "[finish content_filter]",
        "[status 500]",
        "[malformed]",
        "[unfinished]",
        "[nodone]",
        "[error]",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_only_whole_answers_are_stored(app, model, does, stream):
    if not stream and does in ("[unfinished]", "[nodone]", "[error]"):
        # Faults of a stream alone.
        stream = True
    client, _ = app
    prompt = f"{PROMPT} {does}"
    for _ in range(2):
        response = await ask(client, prompt, stream=stream)
        assert response.headers["x-reprise-cache"] == "miss"
        assert "x-reprise-entry" not in response.headers
    assert len(model.calls) == 2


@pytest.mark.parametrize(
    ("headers", "fields", "second"),
    [
        ({"cache-control": "no-store"}, {}, "miss"),
        ({"cache-control": "no-cache"}, {}, "hit"),
        ({}, {"cache": {"no-store": True}}, "miss"),
        ({}, {"cache": {"namespace": "another part"}}, "miss"),
        ({"x-reprise-project": "another"}, {}, "miss"),
        ({"openai-beta": "something"}, {}, "miss"),
    ],
)
async def test_controls_of_one_call_decide_what_the_next_plain_one_finds(app, model, headers, fields, second):
    client, _ = app
    prompt = f"controls {headers} {fields}"
    await ask(client, prompt, headers=headers, **fields)
    assert status(await ask(client, prompt))[0] == second
    assert all("cache" not in call for call in model.calls)


async def test_a_fresh_answer_asked_for_takes_the_place_of_the_stored_one(app, model):
    client, _ = app
    first = await ask(client, "a fresh one")
    fresh = await ask(client, "a fresh one", headers={"cache-control": "no-cache"})
    assert status(fresh) == ("refresh", "no_cache_asked")
    again = await ask(client, "a fresh one")
    assert again.headers["x-reprise-entry"] == fresh.headers["x-reprise-entry"] != first.headers["x-reprise-entry"]


async def test_only_a_stored_answer_is_given_where_only_that_is_asked_for(app, model):
    client, _ = app
    headers = {"cache-control": "only-if-cached"}
    response = await ask(client, "only if cached", headers=headers)
    assert response.status_code == 504
    assert response.json()["error"]["code"] == "only_if_cached"
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-reprise-cache"] == "miss"
    assert (await logged(client, response))["error"] == "only_if_cached"
    assert model.calls == []
    await ask(client, "only if cached")
    assert status(await ask(client, "only if cached", headers=headers)) == ("hit", "exact_match")


async def test_an_answer_older_than_asked_for_is_not_served(app, model):
    client, _ = app
    await ask(client, "max age")
    assert status(await ask(client, "max age", headers={"cache-control": "max-age=0"})) == ("miss", "too_old")
    assert status(await ask(client, "max age", headers={"cache-control": "max-age=60"}))[0] == "hit"


@pytest.mark.parametrize(("prompt", "reason"), [("Set a timer for six minutes.", "action"), ("Roll a die.", "random")])
async def test_calls_of_some_classes_pass_the_cache_by(app, model, prompt, reason):
    client, _ = app
    for _ in range(2):
        assert status(await ask(client, prompt)) == ("bypass", reason)
    assert len(model.calls) == 2


async def test_with_the_cache_switched_off_nothing_is_stored_or_served(run_app, model):
    async with run_app(cache={"enabled": False}) as (client, parts):
        for _ in range(2):
            assert status(await ask(client)) == ("bypass", "cache_disabled")
        assert parts.entries.count_active() == 0
    assert len(model.calls) == 2


async def test_callers_with_different_keys_share_nothing(app, model):
    client, _ = app
    for n in range(2):
        assert status(await ask(client, "shared", headers={"authorization": f"Bearer sk-{n}"}))[0] == "miss"
    assert status(await ask(client, "shared", headers={"authorization": "Bearer sk-1"}))[0] == "hit"


async def test_wishes_that_are_not_granted_are_named(app, model):
    client, _ = app
    response = await ask(client, "wishes", headers={"x-reprise-threshold": "0.1"}, cache={"ttl": "365d"})
    assert response.headers["x-reprise-ignored"] == "threshold, ttl"


async def test_with_least_exposed_similarity_and_ids_of_entries_are_hidden(run_app, model):
    async with run_app(server={"expose": "minimal"}) as (client, _):
        for _ in range(2):
            response = await ask(client)
    assert response.headers["x-reprise-cache"] == "hit"
    assert not {"x-reprise-entry", "x-reprise-similarity", "x-reprise-quality"} & response.headers.keys()


# The upstream


async def test_what_the_upstream_says_beside_its_answer_goes_on(app, model):
    client, _ = app
    response = await ask(client, "beside the answer")
    assert (response.headers["x-request-id"], response.headers["openai-processing-ms"]) == ("req-scripted", "5")
    assert "server" not in response.headers


@pytest.mark.parametrize("code", [400, 401, 429, 500, 503])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_of_the_upstream_goes_on_and_is_logged(app, model, code, stream):
    client, _ = app
    response = await ask(client, f"{PROMPT} [status {code}]", stream=stream)
    assert response.status_code == code
    assert response.json()["error"]["message"] == f"scripted {code}"
    assert response.headers["retry-after"] == "7"
    assert response.headers["cache-status"] == f"reprise; fwd=miss; fwd-status={code}"
    row = await logged(client, response)
    assert (row["success"], row["status_code"], row["error"]) == (False, code, "upstream_refused")


@pytest.mark.parametrize("error", [UpstreamError("away"), UpstreamTimeout("slow")])
async def test_an_upstream_that_fails_is_told_in_shape_and_logged(run_app, error):
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = FakeUpstream(before=[error])
        response = await ask(client)
        row = await logged(client, response)
    assert (response.status_code, response.json()) == (error.status, error.body())
    assert status(response)[0] == "miss"
    assert (row["success"], row["status_code"], row["error"]) == (False, error.status, error.code)


async def test_an_answer_that_is_no_json_is_a_502(app, model):
    client, _ = app
    response = await ask(client, "[malformed] once")
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_invalid_response"


async def test_a_stream_that_breaks_off_is_told_in_the_stream_and_logged(app, model):
    client, _ = app
    response = await ask(client, "[break 2] one two three", stream=True)
    assert response.status_code == 200
    *_, last = chunks_in(response.content)
    assert last["error"]["code"] == "upstream_connection_lost"
    row = await logged(client, response)
    assert (row["success"], row["error"]) == (False, "upstream_connection_lost")
    assert row["response"]


async def test_a_model_nobody_configured_is_a_404(run_app, model):
    entry = {"model_name": "small", "litellm_params": {"model": "openai/a"}}
    async with run_app(model_list=[entry]) as (client, _):
        response = await ask(client)
    assert response.status_code == 404
    assert (response.json()["error"]["code"], response.json()["error"]["param"]) == ("model_not_found", "model")


async def test_a_model_of_another_provider_goes_through_litellm(run_app):
    entry = {"model_name": "claude", "litellm_params": {"model": "anthropic/claude-x", "api_key": "sk"}}
    fake = FakeUpstream(json.dumps(answer()).encode(), headers=JSON)
    async with run_app(model_list=[entry]) as (client, parts):
        parts.upstreams["litellm"] = fake
        response = await client.post("/v1/chat/completions", json=body() | {"model": "claude"})
    assert response.json()["choices"][0]["message"]["content"] == "Paris."
    assert (fake.sent[0].target.provider, fake.sent[0].target.model) == ("anthropic", "claude-x")


# Calls in flight


async def until(condition):
    """Wait for what will come about by itself."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


def count_boarding(parts):
    """A list that grows with each call that boards a flight."""
    boarded, board = [], parts.pipeline.flights.board

    def counting(key, start):
        boarded.append(key)
        return board(key, start)

    parts.pipeline.flights.board = counting
    return boarded


async def test_identical_calls_at_once_share_one_upstream_call(run_app):
    hold = asyncio.Event()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        boarded = count_boarding(parts)
        calls = [asyncio.create_task(ask(client)) for _ in range(5)]
        await until(lambda: len(boarded) == 5)
        hold.set()
        responses = await asyncio.gather(*calls)
        rows = [await logged(client, response) for response in responses]
    assert len(fake.sent) == 1
    assert sorted("collapsed" in response.headers["cache-status"] for response in responses) == [False] + [True] * 4
    assert sorted(row["collapsed"] for row in rows) == [False] + [True] * 4
    assert len({response.content for response in responses}) == 1


@pytest.mark.parametrize(
    "other", [{"stream": True}, {"temperature": 0.5}, {"cache": {"no-cache": True}}, {"cache": {"no-store": True}}]
)
async def test_calls_that_differ_do_not_share(run_app, other):
    hold = asyncio.Event()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        boarded = count_boarding(parts)
        calls = [asyncio.create_task(ask(client)), asyncio.create_task(ask(client, **other))]
        await until(lambda: len(boarded) == 2)
        hold.set()
        await asyncio.gather(*calls)
    assert len(fake.sent) == 2


async def test_whoever_joined_a_call_that_fails_asks_again_alone(run_app):
    hold = asyncio.Event()

    class FirstFails(FakeUpstream):
        def send(self, call):
            self.before = [] if self.sent else [hold, UpstreamError("away")]
            return super().send(call)

    fake = FirstFails(json.dumps(answer()).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        boarded = count_boarding(parts)
        calls = [asyncio.create_task(ask(client)) for _ in range(2)]
        await until(lambda: len(boarded) == 2)
        hold.set()
        codes = sorted([response.status_code for response in await asyncio.gather(*calls)])
    assert codes == [200, 502]
    assert len(fake.sent) == 2


async def raw_call(app, body, leave=None, sent=None):
    """Drive the application as a server does; the client leaves once ``leave`` is set. Gives what was ``sent``."""
    sent, asked = (
        [] if sent is None else sent,
        iter([{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]),
    )

    async def receive():
        message = next(asked, None)
        if message is None:
            await (leave or asyncio.Event()).wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message):
        sent.append(message)

    path = "/v1/chat/completions"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"http_version": "1.1", "scheme": "http", "root_path": "", "headers": []}
    await app(scope | {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}, receive, send)
    return sent


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_upstream_call_and_is_logged(run_app, stream):
    first = event_of("Hello")
    fake = FakeUpstream(first, asyncio.Event()) if stream else FakeUpstream(asyncio.Event(), headers=JSON)
    leave = asyncio.Event()
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        call = asyncio.create_task(raw_call(client._transport.app, body(stream=stream), leave))
        await until(lambda: fake.sent)
        leave.set()
        await call
        await until(lambda: fake.left)
        (row,) = (await client.get("/interactions")).json()["interactions"]
        row = (await client.get(f"/interactions/{row['id']}")).json()
    assert (fake.left, fake.cancelled) == (1, 1)
    assert (row["success"], row["status_code"], row["error"]) == (False, 499, "client_gone")


async def test_a_client_that_leaves_does_not_disturb_another_that_joined(run_app):
    hold, leave = asyncio.Event(), asyncio.Event()
    fake = FakeUpstream(event_of("Hello"), hold, stream_of(delta(finish_reason="stop")))
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        app, boarded = client._transport.app, count_boarding(parts)
        leaver = asyncio.create_task(raw_call(app, body(stream=True), leave))
        stayer = asyncio.create_task(raw_call(app, body(stream=True)))
        await until(lambda: len(boarded) == 2)
        leave.set()
        await leaver
        hold.set()
        sent = await stayer
    text = b"".join(message.get("body", b"") for message in sent)
    assert assembled(text)["choices"][0]["message"]["content"] == "Hello"
    assert (len(fake.sent), fake.cancelled) == (1, 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_that_stops_tells_the_calls_it_cuts_off_and_logs_them(run_app, stream):
    fake = FakeUpstream(event_of("Hello"), asyncio.Event()) if stream else FakeUpstream(asyncio.Event(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        sent: list[dict] = []
        call = asyncio.create_task(raw_call(client._transport.app, body(stream=stream), sent=sent))
        await until(lambda: len(sent) >= 2 if stream else fake.sent)
        call.cancel()
        await asyncio.wait([call])
        await until(lambda: fake.left)
        (row,) = (await client.get("/interactions")).json()["interactions"]
        row = (await client.get(f"/interactions/{row['id']}")).json()
    text = b"".join(message.get("body", b"") for message in sent)
    told = chunks_in(text)[-1] if stream else json.loads(text)
    assert told["error"]["code"] == "server_stopping"
    assert sent[0]["status"] == (200 if stream else 503)
    assert (row["success"], row["error"]) == (False, "server_stopping")


def event_of(text):
    return b"data: " + json.dumps(delta(content=text)).encode() + b"\n\n"


# Parts that fail


async def test_an_embedder_that_fails_makes_misses_and_shows(run_app, model):
    async with run_app(vectors={}) as (client, parts):
        await ask(client, "one")
        parts.embedder.broken = True
        with capture_logs():
            assert status(await ask(client, "two")) == ("miss", "tier_failed")
            assert status(await ask(client, "one")) == ("hit", "exact_match")
        assert parts.health.parts["embedder"].error == EmbedderError.__name__
        assert (await client.get("/health/readiness")).json()["status"] == "degraded"


async def test_a_store_that_fails_breaks_no_call_and_shows(run_app, model):
    async with run_app() as (client, parts):

        def fail(*_, **__):
            raise DatabaseError("full")

        parts.entries.add = fail
        parts.entries.by_exact_key = fail
        with capture_logs():
            for stream in (False, True):
                response = await ask(client, stream=stream)
                assert response.status_code == 200
                assert status(response) == ("miss", "tier_failed")
                assert "stored" not in response.headers["cache-status"]
        assert not parts.health.parts["entries"].ok


async def test_a_log_that_fails_breaks_no_call_and_shows(run_app, model):
    async with run_app() as (client, parts):
        parts.database.writer.close()
        with capture_logs():
            responses = [await ask(client, stream=stream) for stream in (False, True)]
        assert [response.status_code for response in responses] == [200, 200]
        assert events_in(responses[1].content)[-1] == b"[DONE]"
        assert not parts.health.parts["log"].ok


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": -1, "total_tokens": -2},
        {"prompt_tokens": 2**63, "completion_tokens": 1, "total_tokens": 2**63},
    ],
    ids=["unknown said as -1", "beyond what SQL holds"],
)
async def test_usage_that_makes_no_sense_breaks_no_hit(run_app, usage):
    fake = FakeUpstream(json.dumps(answer(usage=usage)).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        first, second = [await ask(client) for _ in range(2)]
        assert (first.status_code, second.status_code) == (200, 200)
        assert status(second) == ("hit", "exact_match")
        assert second.json()["usage"] == usage
        assert parts.health.parts["log"].ok


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_no_store_can_hold_reaches_its_caller_and_the_log(run_app, stream):
    piece = b'{"choices": [{"index": 0, "%b": {"content": "half \\ud83d"}, "finish_reason": "stop"}], "x": NaN}'
    raw = piece % (b"delta" if stream else b"message")
    text = b"data: " + raw + b"\n\ndata: [DONE]\n\n" if stream else raw
    fake = FakeUpstream(text, **({} if stream else {"headers": JSON}))
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        for _ in range(2):
            response = await ask(client, stream=stream)
            assert (response.status_code, response.content) == (200, text)
            assert status(response)[0] == "miss"
            row = await logged(client, response)
            assert (row["success"], row["status_code"], row["prompt"]) == (True, 200, PROMPT)
        assert parts.health.parts["log"].ok


async def test_a_replay_names_a_usage_even_of_a_stream_that_named_none_and_says_that_it_is_estimated(app, model):
    client, _ = app
    await ask(client, "usage of a stream", stream=True)
    replayed = await ask(client, "usage of a stream")
    assert replayed.headers["x-reprise-usage"] == "estimated"
    usage = replayed.json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    options = {"include_usage": True}
    *_, last = chunks_in((await ask(client, "usage of a stream", stream=True, stream_options=options)).content)
    assert last["usage"] == usage or last["usage"]["completion_tokens"] == usage["completion_tokens"]
    plain = await ask(client, "usage of a stream", stream=True)
    assert "x-reprise-usage" not in plain.headers


# What the log says of the caller


@pytest.mark.parametrize(
    ("headers", "fields", "client_name", "session"),
    [
        ({"user-agent": "OpenAI/Python 2.54.0"}, {}, "OpenAI/Python", None),
        ({"user-agent": "curl/8.5"}, {}, "curl", None),
        ({"user-agent": ""}, {}, "", None),
        ({"x-reprise-client": "laptop", "x-reprise-session": "s-1"}, {}, "laptop", "s-1"),
        ({"user-agent": "a"}, {"metadata": {"session_id": "s-2"}}, "a", "s-2"),
        ({"user-agent": "a", "x-reprise-session": "s-1"}, {"metadata": {"session_id": "s-2"}}, "a", "s-1"),
        ({"user-agent": "a"}, {"metadata": {"session_id": 7}}, "a", None),
    ],
)
async def test_client_and_session_are_what_the_call_says_of_them(app, model, headers, fields, client_name, session):
    client, _ = app
    row = await logged(client, await ask(client, f"who {headers} {fields}", headers=headers, **fields))
    assert row["client"] == client_name
    assert row["session_id"] == session or (session is None and row["session_id"].startswith("ses_"))


async def test_a_named_key_is_the_client_unless_the_call_says_another(run_app, model):
    keys = {"keys": [{"key": "team-a-key-00", "namespace": "team-a", "name": "laptop"}]}
    async with run_app(auth=keys, headers={"authorization": "Bearer team-a-key-00"}) as (client, _):
        row = await logged(client, await ask(client))
        assert (row["client"], row["namespace"]) == ("laptop", "team-a")
        row = await logged(client, await ask(client, headers={"x-reprise-client": "cli"}))
        assert row["client"] == "cli"


async def test_turns_of_one_conversation_are_one_session(app, model):
    client, _ = app
    opening = {"role": "user", "content": "the opening of a conversation"}
    later = [opening, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}]
    rows = []
    for messages in ([opening], later, [{"role": "user", "content": "another opening"}]):
        response = await client.post("/v1/chat/completions", json={"model": "m", "messages": messages})
        rows.append(await logged(client, response))
    assert rows[0]["session_id"] == rows[1]["session_id"] != rows[2]["session_id"]
