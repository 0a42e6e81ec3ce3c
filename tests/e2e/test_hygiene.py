"""Hygiene in a running server: what has expired goes, what is idle fades once a day, what repeats is proposed."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3

import pytest

from tests.e2e.support import eventually

pytestmark = pytest.mark.slow

HYGIENE = {"memory": {"hygiene": {"every": "200ms"}}}


def stamp(**ago):
    """A time before now, as it is stored."""
    return (dt.datetime.now(dt.UTC) - dt.timedelta(**ago)).strftime("%Y-%m-%d %H:%M:%S")


def execute(server, statement, *values):
    """Change what lies in the data directory: no route sets the past."""
    with contextlib.closing(sqlite3.connect(server.data_dir / "reprise.db", timeout=10)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def remember(server, content, **fields):
    """Write a memory; gives its id."""
    body = {"memory_type": "knowledge", "content": content, **fields}
    return server.http.post("/memory", json=body).raise_for_status().json()["id"]


def memory(server, id_):
    """A memory's row."""
    names = ("status", "confidence", "decayed_on", "vector IS NOT NULL")
    return dict(
        zip(names, execute(server, f"SELECT {', '.join(names)} FROM memories WHERE id = ?", id_)[0], strict=True)
    )


def cards(server, kind):
    """What waits for a person."""
    return server.http.get("/review", params={"kind": kind}).raise_for_status().json()["cards"]


def audit(server, id_, action):
    """What was done to a memory, newest first."""
    rows = server.http.get(f"/memory/{id_}/audit").raise_for_status().json()["audit"]
    return [row for row in rows if row["action"] == action]


@pytest.fixture(scope="module")
def tidy(launch_shared):
    """A server whose hygiene comes round all the time."""
    return launch_shared(HYGIENE)


def test_what_has_expired_goes(tidy):
    id_ = remember(tidy, "the visitor badge is 4471", valid_until="2020-01-01")
    eventually(lambda: memory(tidy, id_)["status"] == "superseded", "it expires")
    row = audit(tidy, id_, "expire")[0]
    assert (row["actor"], row["reason"]) == ("hygiene", "expired"), "the audit says why"


def test_idle_memories_fade_once_a_day_over_restarts(tidy):
    idle = "UPDATE memories SET written_by = 'extraction', updated_at = ? WHERE id = ?"
    key = remember(tidy, "the spare key hangs in the shed", confidence=0.8)
    execute(tidy, idle, stamp(days=31), key)
    eventually(lambda: memory(tidy, key)["decayed_on"], "it fades")
    assert memory(tidy, key)["confidence"] == pytest.approx(0.8 * 0.97), "one day's share"
    ladder = remember(tidy, "the ladder is at the neighbour's", confidence=0.33)
    tidy.kill()
    last = (dt.datetime.now(dt.UTC) - dt.timedelta(days=4)).date().isoformat()
    execute(tidy, idle, stamp(days=40), ladder)
    execute(tidy, "UPDATE memories SET decayed_on = ? WHERE id = ?", last, ladder)
    tidy.start()
    eventually(lambda: memory(tidy, ladder)["status"] == "superseded", "four missed days are made up for")
    assert audit(tidy, ladder, "decay")[0]["reason"] == "decay", "the audit says why it faded away"
    assert memory(tidy, key)["confidence"] == pytest.approx(0.8 * 0.97), "the restart took nothing twice"
    assert len(audit(tidy, key, "decay")) == 1, "nor said so twice"


def test_a_near_duplicate_is_proposed_and_merged_by_a_person(tidy):
    one = remember(tidy, "Never commit directly to the main branch")
    other = remember(tidy, "Do not commit directly to the main branch")
    card = eventually(lambda: cards(tidy, "merge"), "the pair is in the queue")[0]
    assert {one, other} == set(card["id"].split(":")[1:]), "these two"
    decision = {"id": card["id"], "action": "merge", "keep": one}
    tidy.http.post("/review", json={"decisions": [decision]}).raise_for_status()
    assert memory(tidy, other)["status"] == "superseded", "the person decided"
    assert cards(tidy, "merge") == [], "nothing is left to decide"


def test_a_contradiction_is_listed_and_not_resolved(tidy):
    one = remember(tidy, "The boathouse opens at 9:00")
    other = remember(tidy, "The boathouse opens at 7:30")
    card = eventually(lambda: cards(tidy, "contradiction"), "the pair is in the queue")[0]
    assert {one, other} == set(card["id"].split(":")[1:]), "these two"
    assert {memory(tidy, one)["status"], memory(tidy, other)["status"]} == {"active"}, (
        "both stay until a person decides"
    )
    tidy.http.post("/review", json={"decisions": [{"id": card["id"], "action": "dismiss"}]}).raise_for_status()
    execute(tidy, "UPDATE memories SET embedder = NULL, vector = NULL")
    eventually(lambda: memory(tidy, one)["vector IS NOT NULL"], "they are compared anew")
    eventually(lambda: memory(tidy, other)["vector IS NOT NULL"], "both of them")
    assert cards(tidy, "contradiction") == [], "what was dismissed is not raised again"


def test_merging_alone_must_be_switched_on(launch):
    server = launch({"memory": {"hygiene": {"every": "200ms", "merge_alone": 0.92}}})
    one = remember(server, "the archive is kept in room 12 of the cellar", project="house")
    other = remember(server, "The archive is kept in room 12 of the cellar, too", project="house")
    # As if it had been extracted, and not been compared yet.
    server.stop()
    execute(server, "UPDATE memories SET written_by = 'extraction', embedder = NULL, vector = NULL WHERE id = ?", other)
    execute(server, "DELETE FROM memory_pairs")
    server.start()
    eventually(lambda: memory(server, other)["status"] == "superseded", "it is merged")
    assert memory(server, one)["status"] == "active", "into what a person wrote"
    assert audit(server, other, "merge")[0]["actor"] == "hygiene", "the audit says who"
