"""Earlier runs of a tool: which are found, in which order, and what is never taken for equal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa

from memory.interactions import Interaction
from memory.tools import runs as toolruns
from memory.tools import shelf as toolshelf
from memory.tools.runs import NEUTRAL_QUALITY, ToolRuns, Wanted
from memory.tools.shelf import input_key
from memory.tools.vectors import ToolVectors
from store.tables import interaction_vectors
from store.tables import interactions as log
from tests.fakes import FakeEmbedder, near

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
AT = "2026-03-01 11:{:02d}:00".format


class Bench:
    """A log with runs in it, and what finds them again."""

    def __init__(self, database, interactions):
        self.database = database
        self.interactions = interactions
        self.embedder = FakeEmbedder()
        self.told = []
        self.at = 0
        self.enabled = True
        self.vectors = ToolVectors(database, lambda: self.embedder, lambda: self.enabled)
        self.runs = ToolRuns(database, self.vectors, self.told.append, NOW.timestamp)

    def run(self, text, **fields):
        """Log a run a minute after the one before; gives its id."""
        self.at += 1
        values = {"interaction_type": "tool", "tool_id": "t", "created_at": AT(self.at), "input_hash": input_key(text)}
        made = Interaction(text, **values | fields)

        async def write():
            await self.interactions.record(made)

        asyncio.run(write())
        return made.id

    def found(self, text, namespace="default", **fields):
        return self.runs.similar(namespace, Wanted(**{"tool_id": "t", "text": text} | fields))

    def ids(self, text, namespace="default", **fields):
        return [row["id"] for row in self.found(text, namespace, **fields)]


@pytest.fixture
def bench(database, interactions):
    return Bench(database, interactions)


def test_an_equal_input_is_found_whole_and_with_figures_beside_it(bench):
    made = bench.run("ls -l", response="total 0", latency_ms=5.0, quality_score=0.5, metadata={"a": [1]})
    (row,) = bench.found("ls -l")
    assert (row["id"], row["prompt"], row["response"], row["success"]) == (made, "ls -l", "total 0", True)
    assert (row["similarity"], row["equal"], row["quality"], row["score"]) == (1.0, True, 0.5, 0.5)
    assert (row["age_seconds"], row["metadata"]) == (59 * 60.0, {"a": [1]})


def test_equal_inputs_are_found_without_an_embedder(bench):
    made = bench.run("ls -l")
    bench.embedder = None
    assert bench.ids("ls -l") == [made], "no embedder"
    assert bench.ids("ls -la") == []


def test_with_embedding_switched_off_only_equal_inputs_are_found_and_nothing_is_embedded(bench):
    bench.embedder.vectors = {"ask": near(1.0), "asks": near(0.99)}
    made = bench.run("ask")
    bench.enabled = False
    assert bench.ids("ask") == [made]
    assert bench.ids("asks") == []
    assert bench.vectors.embed(made) is True
    assert bench.embedder.asked == []


@pytest.mark.parametrize("other", ["ls -A", "LS -a", "ls  -a", "ls -a ", "ls -a\n", "ls -a\u200b", "ls \u2011a"])
def test_what_an_embedder_takes_for_equal_is_similar_at_most(bench, other):
    bench.embedder.vectors = {"ls -a": near(1.0), other: near(1.0)}
    made = bench.run("ls -a")
    (row,) = bench.found(other)
    assert (row["id"], row["equal"]) == (made, False)
    assert row["similarity"] < 1.0
    assert bench.ids(other, threshold=1.0) == [], "1.0 is equality"


def test_similar_inputs_are_ranked_by_quality_times_similarity(bench):
    bench.embedder.vectors = {"q": near(1.0), "a": near(0.9, 1), "b": near(0.95, 2), "c": near(0.99, 3)}
    first = bench.run("a", quality_score=1.0)
    second = bench.run("b", quality_score=0.9)
    unrated = bench.run("c")
    found = bench.found("q")
    assert [row["id"] for row in found] == [first, second, unrated]
    assert [row["score"] for row in found] == pytest.approx([0.9, 0.855, 0.99 * NEUTRAL_QUALITY], abs=1e-5)


def test_on_ties_the_newest_comes_first(bench):
    best = bench.run("a", quality_score=0.9)
    older, newer = bench.run("a"), bench.run("a")
    same_second = bench.run("a", created_at=AT(bench.at))
    assert bench.ids("a") == [best, same_second, newer, older], "ties alone"


@pytest.mark.parametrize(("threshold", "expected"), [(0.8, 2), (0.9, 1), (0.951, 0), (0.0, 2)])
def test_the_threshold_is_the_least_similarity(bench, threshold, expected):
    bench.embedder.vectors = {"q": near(1.0), "a": near(0.85, 1), "b": near(0.95, 2)}
    bench.run("a")
    bench.run("b")
    assert len(bench.found("q", threshold=threshold)) == expected


def test_the_least_quality_takes_the_neutral_for_what_nobody_rated(bench):
    unrated, good = bench.run("a"), bench.run("a", quality_score=0.71)
    bench.run("a", quality_score=0.69)
    assert bench.ids("a", min_quality=0.7) == [good, unrated]
    assert bench.ids("a", min_quality=0.701) == [good]


def test_failures_are_listed_unless_success_is_required(bench):
    failed, worked = bench.run("a", success=False, error="boom"), bench.run("a")
    assert bench.ids("a") == [worked, failed]
    assert bench.ids("a", require_success=True) == [worked]


def test_what_is_too_old_is_left_out_before_the_best_are_taken(bench):
    for _ in range(6):
        bench.run("a", quality_score=1.0, created_at="2026-02-01 00:00:00")
    fresh = bench.run("a")
    assert bench.ids("a", top_k=1, max_age=3600.0) == [fresh]
    assert fresh not in bench.ids("a", top_k=1)


def test_no_more_than_asked_for_are_listed(bench):
    made = [bench.run("a") for _ in range(8)]
    assert bench.ids("a", top_k=3) == made[:-4:-1]
    assert len(bench.ids("a")) == 5


def test_other_tools_and_other_namespaces_have_their_own_runs(bench):
    bench.embedder.vectors = {"a": near(1.0), "b": near(0.99)}
    bench.run("a", tool_id="other")
    bench.run("a", namespace="theirs")
    mine = bench.run("a")
    assert bench.ids("a") == [mine]
    assert bench.ids("b") == [mine]


def test_runs_of_earlier_versions_without_a_key_are_found_by_their_text(bench):
    made = bench.run("ünï", input_hash=None)
    assert bench.ids("ünï", threshold=1.0) == [made]


def test_a_run_is_found_right_after_it_was_logged_and_with_its_rating(bench, interactions):
    assert bench.found("a") == []
    made = bench.run("a")
    assert bench.found("a")[0]["quality"] == NEUTRAL_QUALITY
    interactions.rate(made, 0.25)
    assert bench.found("a")[0]["quality"] == 0.25


def test_a_run_that_was_committed_late_is_found_too(bench):
    bench.run("a", created_at="2026-03-01 11:00:10")
    assert len(bench.found("a")) == 1
    bench.run("a", created_at="2026-03-01 11:00:04")
    assert len(bench.found("a")) == 2


def test_a_forgotten_run_is_found_no_more(bench, database):
    bench.embedder.vectors = {"a": near(1.0), "b": near(0.99)}
    made = bench.run("a")
    assert bench.ids("b") == [made]
    database.transact(lambda connection: connection.execute(sa.delete(log).where(log.c.id == made)))
    assert bench.ids("b") == []
    assert bench.ids("a") == []


def test_what_was_served_again_is_no_run_of_its_own(bench):
    made = bench.run("a")
    bench.run("a", cache_status="hit", tier="exact", entry_id=made)
    assert bench.ids("a") == [made], "or a result would never grow old"


def test_an_output_that_was_wrong_for_this_input_is_not_offered_to_it_again(bench, interactions):
    bench.embedder.vectors = {"a": near(1.0), "b": near(0.99, 1), "c": near(0.99, 2)}
    made = bench.run("a")
    hit = bench.run("b", cache_status="hit", tier="semantic", entry_id=made)
    assert bench.ids("b") == [made]
    interactions.rate(hit, 0.2)
    assert bench.ids("b") == [], "rated as wrong for this one"
    assert bench.ids("c") == [made], "right for others"
    assert bench.ids("a") == [made], "and for its own"


def test_an_input_is_embedded_once_behind_the_request_or_else_at_the_query(bench, database):
    bench.embedder.vectors = {"a": near(1.0), "b": near(0.99), "c": near(0.98)}
    first, second = bench.run("a"), bench.run("b")
    assert bench.vectors.embed(first) is True
    assert set(bench.ids("c")) == {first, second}
    assert sorted(bench.embedder.asked) == ["a", "b", "c"]
    bench.runs.clear()
    assert set(bench.ids("c")) == {first, second}, "read again from SQL"
    assert sorted(bench.embedder.asked) == ["a", "b", "c", "c"]
    assert bench.vectors.embed(first) is True, "twice is once"
    assert len(database.query(sa.select(interaction_vectors))) == 2


def test_a_job_waits_for_an_embedder_and_passes_over_what_is_gone(bench):
    made = bench.run("a")
    bench.embedder, known = None, bench.embedder
    assert bench.vectors.embed(made) is False
    bench.embedder = known
    assert bench.vectors.embed("int_gone") is True
    assert known.asked == []


def test_a_run_that_is_forgotten_while_it_is_embedded_leaves_no_vector(bench, database):
    made = bench.run("a")
    embed = bench.embedder.embed

    def forgotten_meanwhile(texts):
        database.transact(lambda connection: connection.execute(sa.delete(log).where(log.c.id == made)))
        return embed(texts)

    bench.embedder.embed = forgotten_meanwhile
    bench.vectors.embed(made)
    assert database.query(sa.select(interaction_vectors)) == []


def test_a_query_embeds_the_newest_and_leaves_the_rest_to_the_queue(bench, monkeypatch):
    monkeypatch.setattr(toolshelf, "EMBEDDED_AT_QUERY", 2)
    bench.embedder.vectors = {"q": near(1.0), **{f"a{n}": near(0.99, n + 1) for n in range(5)}}
    made = [bench.run(f"a{n}") for n in range(5)]
    assert bench.ids("q") == [made[4], made[3]]
    for id_ in made:
        bench.vectors.embed(id_)
    assert bench.ids("q") == made[::-1]


def test_a_text_beyond_the_embedders_window_is_found_by_equality_alone(bench):
    bench.embedder.vectors = {"long 1": near(1.0), "long 2": near(1.0), "short": near(1.0)}
    bench.embedder.unread = frozenset({"long 1", "long 2"})
    made = bench.run("long 1")
    assert bench.ids("long 1") == [made]
    assert bench.ids("long 2") == [], "they may differ where it did not read"
    assert bench.ids("short") == []
    assert bench.ids("short") == []
    assert "long 1" not in bench.embedder.asked


def test_another_embedder_has_vectors_of_its_own(bench):
    bench.embedder.vectors = {"a": near(1.0), "b": near(0.99)}
    made = bench.run("a")
    assert bench.ids("b") == [made]
    bench.embedder = FakeEmbedder({"a": near(1.0), "b": near(0.9)}, id="second")
    assert bench.found("b")[0]["similarity"] == pytest.approx(0.9, abs=1e-5)


def test_a_broken_embedder_leaves_equal_inputs_and_is_told_of(bench):
    bench.embedder.broken = True
    made = bench.run("a")
    bench.run("b")
    assert bench.ids("a") == [made]
    assert type(bench.told[-1]).__name__ == "EmbedderError"
    bench.embedder.broken = False
    bench.found("a")
    assert bench.told[-1] is None


def test_a_long_used_tool_keeps_its_newest_runs(bench, monkeypatch):
    monkeypatch.setattr(toolshelf, "MOST_RUNS", 3)
    made = []
    for _ in range(9):
        made.append(bench.run("a"))
        assert bench.ids("a", top_k=1) == [made[-1]]
    bench.runs.clear()
    assert bench.ids("a", top_k=9) == made[:-4:-1]


def test_tools_that_are_long_not_asked_for_leave_the_memory(bench, monkeypatch):
    monkeypatch.setattr(toolruns, "MOST_KEPT", 4)
    for tool in "xyz":
        for _ in range(2):
            bench.run("a", tool_id=tool)
        assert len(bench.found("a", tool_id=tool)) == 2
    assert len(bench.runs._shelves) <= 3
    assert len(bench.found("a", tool_id="x")) == 2, "read again"


def test_many_threads_find_the_same(bench):
    from concurrent.futures import ThreadPoolExecutor

    bench.embedder.vectors = {"q": near(1.0), **{f"a{n}": near(0.99, n + 1) for n in range(20)}}
    made = {bench.run(f"a{n}") for n in range(20)}
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: set(bench.ids("q", top_k=50)), range(32)))
    assert all(ids == made for ids in found)


def test_cosines_are_what_a_hand_computes(bench):
    rng = np.random.default_rng(7)
    texts = [f"t{n}" for n in range(200)]
    matrix = rng.standard_normal((201, 64)).astype(np.float32)
    matrix[:200] += 6 * matrix[200]
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    bench.embedder.vectors = {"q": matrix[200], **{text: matrix[n] for n, text in enumerate(texts)}}
    toolshelf_runs = [bench.run(text, created_at=AT(0)) for text in texts]
    for id_ in toolshelf_runs:
        bench.vectors.embed(id_)
    expected = np.argsort(-(matrix[:200] @ matrix[200]))[:10]
    found = bench.found("q", top_k=10, threshold=0.5)
    assert [row["prompt"] for row in found] == [texts[at] for at in expected]
