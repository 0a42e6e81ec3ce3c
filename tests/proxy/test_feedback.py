"""Feedback: it moves the answer's quality, becomes a label, is kept in the log, and says no to whom it must."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
import sqlalchemy as sa

from memory.interactions import Interaction, Interactions
from proxy.errors import InvalidRequest, NotFound
from proxy.labels.feedback import Feedback
from proxy.maintenance import sweep
from store.database import Database
from store.entries import Entries
from store.errors import DatabaseError
from store.labels import Labels
from tests.fakes import NOW, FakeClock, near
from tests.proxy.fakes import MESSAGES, entry

A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
FACTS = {"verifier": "pair-1", "embedder": "fake", "score": 0.97, "signals": [3.5, 0.95]}


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def interactions(database):
    return Interactions(database)


@pytest.fixture
def entries(database):
    return Entries(database, 10)


@pytest.fixture
def labels(database):
    return Labels(database)


@pytest.fixture
def told():
    return []


@pytest.fixture
def give(interactions, entries, labels, told):
    return Feedback(interactions, entries, labels, told.append, FakeClock()).give


@pytest.fixture
def log(interactions, entries):
    """Log an interaction of these fields beside the entry ``ent_1`` that it names; gives its id."""

    def logged(**fields):
        if entries.get("ent_1") is None:
            entries.add(entry(), None, None, replace=False).result(60)
        values = {"prompt": "New?", "entry_id": "ent_1", "input_hash": "k", "cache_status": "miss", "tier": "upstream"}
        made = Interaction(**values | fields)

        async def write():
            await interactions.record(made)

        asyncio.run(write())
        return made.id

    return logged


@pytest.fixture
def log_similar(log):
    """Log that ``ent_1`` was served to a similar prompt."""

    def logged(**fields):
        hit = {"cache_status": "hit", "tier": "semantic", "similarity": 0.95, "input_hash": "new", "metadata": FACTS}
        return log(**hit | fields)

    return logged


# What it does


@pytest.mark.parametrize(
    ("said", "quality_score", "alpha", "beta"),
    [
        ({"correct": True}, 1.0, 17.0, 1.0),
        ({"correct": False}, 0.0, 9.0, 9.0),
        ({"score": 0.25}, 0.25, 11.0, 7.0),
        ({"score": 1}, 1.0, 17.0, 1.0),
    ],
)
@pytest.mark.parametrize("served", [{}, {"cache_status": "hit", "tier": "exact"}])
def test_feedback_moves_the_record_and_the_entry_behind_it(
    give, log, interactions, entries, labels, said, quality_score, alpha, beta, served
):
    id_ = log(**served)
    done = give(id_, "default", comment="So it is.", **said)
    assert interactions.get(id_)["quality_score"] == quality_score, "the record's own score"
    assert interactions.get(id_)["metadata"]["feedback"] == {
        "score": quality_score,
        "comment": "So it is.",
        "at": "2027-01-15 08:00:00",
    }, "what was said is kept"
    assert entries.in_memory("k") == [done.entry] == [entries.get("ent_1")], "the next decision sees it"
    assert (done.entry.alpha, done.entry.beta) == (alpha, beta), "the answer to its own prompt gets the whole weight"
    assert labels.namespaces() == [], "there was no match by meaning to judge"
    assert (done.labelled, done.replaced) == (False, False), "and it says so"


def test_the_rest_of_the_record_stays_as_it_was(give, log, interactions):
    id_ = log(metadata={"tags": ["a"]}, response="Paris.")
    before = interactions.get(id_)
    give(id_, score=0.5)
    after = interactions.get(id_)
    assert after.pop("metadata") == {"tags": ["a"]} | {"feedback": after_feedback(0.5)}, "tags stay beside it"
    assert {**after, "quality_score": None, "metadata": {"tags": ["a"]}} == before, "nothing else is rewritten"


def after_feedback(score, comment=None):
    return {"score": score, "comment": comment, "at": "2027-01-15 08:00:00"}


def test_feedback_given_again_replaces_the_first(give, log, entries, interactions):
    id_ = log()
    give(id_, correct=False, comment="bad")
    done = give(id_, score=0.75)
    assert done.replaced, "there was feedback before"
    assert (done.entry.alpha, done.entry.beta) == pytest.approx((15.0, 3.0)), "the first evidence is taken back"
    assert interactions.get(id_)["metadata"]["feedback"] == after_feedback(0.75), "the later word stands"
    assert len(entries.evidence("ent_1")) == 1, "one piece of evidence of one interaction"


def test_feedback_on_several_interactions_adds_up_to_quarantine_and_back(give, log, entries):
    ids = [log() for _ in range(3)]
    statuses = [give(id_, correct=False).entry.status for id_ in ids]
    assert statuses == ["active", "active", "quarantined"], "three that say wrong are enough"
    assert entries.by_exact_key("k") == [], "it is served no more"
    assert give(ids[0], correct=True).entry.status == "active", "one who changes their mind brings it back"
    assert [found.id for found in entries.by_exact_key("k")] == ["ent_1"], "and it is served again"


def test_an_answer_without_an_entry_is_rated_in_the_log_alone(give, log, interactions):
    for entry_id in (None, "ent_gone"):
        id_ = log(entry_id=entry_id)
        assert give(id_, correct=False).entry is None, "there is nothing behind it"
        assert interactions.get(id_)["quality_score"] == 0.0, "the record is rated"


def test_an_entry_of_another_namespace_is_never_moved(give, log, entries):
    id_ = log(namespace="team-a")
    assert give(id_, "team-a", correct=False).entry is None, "the entry belongs to another namespace"
    assert entries.evidence("ent_1") == [], "and is left alone"


# Matches by meaning


@pytest.mark.parametrize(
    ("said", "correct"),
    [
        ({"correct": True}, True),
        ({"correct": False}, False),
        ({"score": 0.5}, True),
        ({"score": 0.49}, False),
    ],
)
def test_feedback_on_a_semantic_hit_becomes_a_label(give, log_similar, labels, told, said, correct):
    id_ = log_similar()
    assert give(id_, **said).labelled, "a match by meaning was judged"
    [label] = labels.recent("default", "pair-1", 10)
    assert told == [label], "who learns from labels is told"
    assert (label.correct, label.source, label.method) == (correct, "feedback", "person"), "a person said so"
    assert (label.prompt_key, label.entry_key, label.entry_id) == ("new", "k", "ent_1"), "of this pair"
    assert (label.prompt, label.stored_prompt) == ("New?", "What is the capital of France?"), "with both prompts"
    assert (label.embedder, label.similarity, label.score, label.signals) == ("fake", 0.95, 0.97, (3.5, 0.95)), "scored"
    assert (label.interaction_id, label.at) == (id_, NOW), "then and there"
    assert labels.judged_wrong("new", ["k"]) == (set() if correct else {"k"}), "a wrong pair is never served again"


def test_a_match_judged_wrong_weighs_less_on_the_answer_itself(give, log_similar):
    done = give(log_similar(), correct=False)
    assert (done.entry.alpha, done.entry.beta) == (9.0, 3.0), "it may be right for its own prompt"
    assert done.entry.quality >= 0.7, "and is still served to it"


def test_who_takes_a_wrong_verdict_back_frees_the_pair(give, log_similar, labels):
    id_ = log_similar()
    give(id_, correct=False)
    give(id_, correct=True)
    assert labels.judged_wrong("new", ["k"]) == set(), "the pair may be served again"
    assert [label.correct for label in labels.recent("default", "pair-1", 10)] == [True], "one label, the later one"


@pytest.mark.parametrize(
    ("metadata", "score", "signals"),
    [
        ({}, 0.95, (0.95,)),
        ({"score": "high", "signals": "many"}, 0.95, (0.95,)),
        ({"score": True, "signals": [1, None, "x"]}, 0.95, (1.0, 0.0, 0.0)),
        ({"score": 7.0}, 1.0, (0.95,)),
    ],
)
def test_without_a_verifiers_facts_the_pair_is_judged_but_nothing_learned_for_a_cut(
    give, log_similar, labels, metadata, score, signals
):
    give(log_similar(metadata=metadata), correct=False)
    [label] = labels.recent("default", "similarity", 10)
    assert (label.embedder, label.score, label.signals) == ("unknown", score, signals), "named as what it is"
    assert labels.judged_wrong("new", ["k"]) == {"k"}, "the pair is refused all the same"


def test_a_pair_is_refused_even_if_nothing_else_can_be_written(give, log_similar, database, labels):
    id_ = log_similar()
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE evidence")))
    with pytest.raises(DatabaseError):
        give(id_, correct=False)
    assert labels.judged_wrong("new", ["k"]) == {"k"}, "what matters most is done first"


# What it refuses


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, "score"),
        ({"score": 0.5, "correct": True}, "correct"),
        ({"score": -0.1}, "score"),
        ({"score": 1.5}, "score"),
        ({"score": float("nan")}, "score"),
    ],
)
def test_a_call_from_python_is_checked_like_one_over_http(give, log, interactions, said, param):
    id_ = log()
    with pytest.raises(InvalidRequest) as refused:
        give(id_, **said)
    assert refused.value.param == param, "the error names what is wrong"
    assert interactions.get(id_)["quality_score"] is None, "and nothing has been done"


def test_other_namespaces_interactions_are_not_found(give, log):
    id_ = log(namespace="team-a")
    for given, namespace in ((id_, "team-b"), ("int_nobody", None)):
        with pytest.raises(NotFound):
            give(given, namespace, correct=True)
    assert give(id_, "team-a", correct=True).interaction_id == id_, "its own namespace finds it"
    assert give(id_, None, correct=True).interaction_id == id_, "and so does who may see all"


# Over HTTP


@pytest.fixture(scope="module")
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        client.parts = parts
        yield client


async def chat(client, headers=None, prompt=None, **fields):
    messages = MESSAGES if prompt is None else [{"role": "user", "content": prompt}]
    response = await client.post(
        "/v1/chat/completions", json={"model": "m", "messages": messages, **fields}, headers=headers
    )
    assert response.status_code == 200, response.text
    return response


async def rate(client, headers=None, path="/v1/feedback", **body):
    return await client.post(path, json=body, headers=headers)


@pytest.mark.parametrize("path", ["/v1/feedback", "/feedback"])
async def test_a_client_rates_its_own_calls(keyed, model, path):
    asked = await chat(keyed, A, f"rate on {path}")
    id_ = asked.headers["x-reprise-interaction"]
    response = await rate(keyed, A, path, interaction_id=id_, correct=False, comment="No.")
    entry_id = asked.headers["x-reprise-entry"]
    assert (response.status_code, response.json()) == (
        200,
        {"status": "recorded", "id": id_, "entry": {"id": entry_id, "quality": 0.5, "status": "active"}},
    ), "what became of it is told"
    again = await rate(keyed, A, path, interaction_id=id_, score=1)
    assert again.json()["status"] == "replaced", "the second time it replaces the first"
    found = (await keyed.get(f"/interactions/{id_}", headers=A)).json()
    assert found["quality_score"] == 1.0, "the record carries the later score"


async def test_an_answer_rated_wrong_is_not_served_again(keyed, model):
    first = await chat(keyed, A, "rated wrong")
    await rate(keyed, A, interaction_id=first.headers["x-reprise-interaction"], correct=False)
    second = await chat(keyed, A, "rated wrong")
    assert (second.headers["x-reprise-cache"], second.headers["x-reprise-reason"]) == ("miss", "low_quality"), (
        "forwarded"
    )
    assert second.headers["x-reprise-entry"] != first.headers["x-reprise-entry"], "and the fresh answer is stored"


async def test_of_two_answers_the_one_rated_better_is_served(keyed, model):
    first = await chat(keyed, A, "two answers")
    better = keyed.parts.entries.get(first.headers["x-reprise-entry"])
    other = dataclasses.replace(better, id="ent_other", alpha=8.0, beta=2.0)
    keyed.parts.entries.add(other, None, None, replace=False).result(60)
    served = await chat(keyed, A, "two answers")
    assert served.headers["x-reprise-entry"] == better.id, "the better one is served"
    await rate(keyed, A, interaction_id=served.headers["x-reprise-interaction"], score=0.2)
    served = await chat(keyed, A, "two answers")
    assert served.headers["x-reprise-entry"] == other.id, "until it is rated worse than the other"
    assert len(model.calls) == 1, "nobody had to be asked"


async def test_a_match_rated_wrong_is_labelled(run_app, model):
    vectors = {"How tall is the Eiffel tower?": near(1.0), "What height has the Eiffel tower?": near(0.99)}
    async with run_app(vectors=vectors, cache={"policies": {"default": {"similarity_threshold": 0.9}}}) as (
        client,
        parts,
    ):
        first, second = [await chat(client, prompt=prompt) for prompt in vectors]
        assert second.headers["x-reprise-tier"] == "semantic", "the second was served by meaning"
        await rate(client, interaction_id=second.headers["x-reprise-interaction"], correct=False)
        keys = [parts.interactions.get(one.headers["x-reprise-interaction"])["input_hash"] for one in (first, second)]
        assert parts.labels.judged_wrong(keys[1], [keys[0]]) == {keys[0]}, "never again this answer for that prompt"
        assert parts.labels.counts() == {"feedback": (0, 1)}, "and it is a label"


async def test_nobody_rates_another_namespaces_calls(keyed, model):
    id_ = (await chat(keyed, A, "rated by others")).headers["x-reprise-interaction"]
    for given in (id_, "int_000000000000000000000000"):
        response = await rate(keyed, B, interaction_id=given, correct=False)
        assert (response.status_code, response.json()["error"]) == (
            404,
            {
                "message": f"No interaction {given!r}.",
                "type": "invalid_request_error",
                "param": "interaction_id",
                "code": "not_found",
            },
        ), "as if it were not there"
    assert (await rate(keyed, ADMIN, interaction_id=id_, correct=True)).status_code == 200, "an admin may"
    for headers in ({}, {"authorization": "Bearer nobody"}):
        assert (await rate(keyed, headers, interaction_id=id_, correct=True)).status_code == 401, "strangers may not"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({}, "score"),
        ({"score": None, "correct": None}, "score"),
        ({"score": 1, "correct": True}, "correct"),
        ({"score": 1.01}, "score"),
        ({"score": -1}, "score"),
        ({"score": "0.5"}, "score"),
        ({"score": True}, "score"),
        ({"correct": 1}, "correct"),
        ({"correct": "yes"}, "correct"),
        ({"correct": True, "comment": 7}, "comment"),
        ({"correct": True, "comment": "x" * 10_001}, "comment"),
        ({"correct": True, "commment": "typo"}, "commment"),
        ({"correct": True, "interaction_id": None}, "interaction_id"),
        ({"correct": True, "interaction_id": ""}, "interaction_id"),
        ({"correct": True, "interaction_id": 7}, "interaction_id"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(keyed, changes, param):
    response = await rate(keyed, A, **{"interaction_id": "int_1", **changes})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param), response.text


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"interaction_id":"int_1","score":NaN}', b'"\\ud800"'])
async def test_a_body_that_is_no_feedback_is_refused(keyed, body):
    response = await keyed.post("/v1/feedback", content=body, headers={**A, "content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error"), response.text


@pytest.mark.parametrize("comment", ["", "Falsch! 🗼 \u0000", "\ud800"])
async def test_any_text_is_a_comment_but_what_cannot_be_written(keyed, model, comment):
    id_ = (await chat(keyed, A, f"comment {len(comment)}")).headers["x-reprise-interaction"]
    raw = json.dumps({"interaction_id": id_, "correct": True, "comment": comment})
    response = await keyed.post("/v1/feedback", content=raw, headers={**A, "content-type": "application/json"})
    if comment == "\ud800":
        assert (response.status_code, response.json()["error"]["param"]) == (400, "comment"), "half a character is none"
        return
    kept = (await keyed.get(f"/interactions/{id_}", headers=A)).json()["metadata"]["feedback"]["comment"]
    assert (response.status_code, kept) == (200, comment), "kept as it was said"


async def test_entry_ids_are_hidden_where_so_configured(run_app, model):
    async with run_app(auth=KEYS, server={"expose": "minimal"}) as (client, _):
        id_ = (await chat(client, A)).headers["x-reprise-interaction"]
        mine = await rate(client, A, interaction_id=id_, correct=True)
        assert mine.json() == {"status": "recorded", "id": id_}, "a client learns nothing of the entry"
        assert "entry" in (await rate(client, ADMIN, interaction_id=id_, correct=True)).json(), "an admin does"


# Entries over HTTP


async def test_an_admin_blocks_an_answer_and_takes_it_back(keyed, model):
    entry_id = (await chat(keyed, A, "to be blocked")).headers["x-reprise-entry"]
    blocked = await keyed.post(f"/cache/entries/{entry_id}/block", headers=ADMIN)
    assert blocked.json() == {"id": entry_id, "status": "blocked", "quality": 0.9}, "blocked"
    response = await chat(keyed, A, "to be blocked", cache={"no-store": True})
    assert response.headers["x-reprise-cache"] == "miss", "its prompt is forwarded"
    found = (await keyed.get(f"/cache/entries/{entry_id}", headers=ADMIN)).json()
    assert (found["status"], found["prompt"], found["namespace"]) == ("blocked", "to be blocked", "team-a"), (
        "it is there"
    )
    unblocked = await keyed.post(f"/cache/entries/{entry_id}/unblock", headers=ADMIN)
    assert unblocked.json()["status"] == "active", "unblocked"
    response = await chat(keyed, A, "to be blocked")
    assert (response.headers["x-reprise-cache"], response.headers["x-reprise-entry"]) == ("hit", entry_id), "served"


async def test_a_blocked_answer_is_found_by_meaning_again_after_a_sweep(run_app, model):
    vectors = {"How tall is the Eiffel tower?": near(1.0), "What height has the Eiffel tower?": near(0.99)}
    first, second = vectors
    async with run_app(vectors=vectors, cache={"policies": {"default": {"similarity_threshold": 0.9}}}) as (
        client,
        parts,
    ):
        entry_id = (await chat(client, prompt=first)).headers["x-reprise-entry"]
        await client.post(f"/cache/entries/{entry_id}/block")
        sweep(parts, NOW - 1e9)
        response = await chat(client, prompt=second, cache={"no-store": True})
        assert response.headers["x-reprise-cache"] == "miss", "blocked, it is not served by meaning either"
        await client.post(f"/cache/entries/{entry_id}/unblock")
        sweep(parts, NOW - 1e9)
        assert (await chat(client, prompt=second)).headers["x-reprise-entry"] == entry_id, "unblocked, it is"


async def test_an_entry_shows_what_speaks_for_and_against_it(keyed, model):
    asked = await chat(keyed, A, "evidence shown")
    id_ = asked.headers["x-reprise-interaction"]
    await rate(keyed, A, interaction_id=id_, score=0.25)
    found = (await keyed.get(f"/cache/entries/{asked.headers['x-reprise-entry']}", headers=ADMIN)).json()
    [evidence] = found["evidence"]
    assert (evidence["source"], evidence["alpha"], evidence["beta"]) == (f"{id_}:feedback", 2.0, 6.0), "and who said it"
    assert (found["quality"], found["source_interaction_id"]) == (0.6111, id_), "beside the entry itself"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/block"), ("POST", "/unblock")])
async def test_entries_are_for_admins(keyed, model, method, path):
    entry_id = (await chat(keyed, A, "for admins")).headers["x-reprise-entry"]
    url = f"/cache/entries/{entry_id}{path}"
    assert (await keyed.request(method, url, headers=A)).status_code == 403, "a client may not"
    assert (await keyed.request(method, url)).status_code == 401, "nor a stranger"
    gone = await keyed.request(method, f"/cache/entries/ent_nobody{path}", headers=ADMIN)
    assert (gone.status_code, gone.json()["error"]["param"]) == (404, "id"), "and nobody finds what is not there"


async def test_the_document_describes_feedback_and_entries(keyed):
    paths = (await keyed.get("/openapi.json", headers=A)).json()["paths"]
    assert paths["/v1/feedback"]["post"]["operationId"] == "give_feedback", "feedback is described"
    assert {"/cache/entries/{id}", "/cache/entries/{id}/block", "/cache/entries/{id}/unblock"} <= set(paths), (
        "entries too"
    )
    assert "422" not in paths["/v1/feedback"]["post"]["responses"], "errors have OpenAI's shape"
