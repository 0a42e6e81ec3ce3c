"""The flow that fits a problem best."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from memory.context.terms import terms
from memory.flows import copies as module
from memory.flows.copies import RECHECK, Copies
from memory.flows.keywords import named, stems
from memory.flows.library import Flows
from memory.flows.matching import Matcher
from memory.flows.scoring import HALF_LIFE, Candidates, recencies
from memory.flows.tree import read_flow
from memory.memories.memory import Actor
from store.embedder import EmbedderSpec, load_embedder
from store.tables import flows as table
from tests.fakes import DIMENSION, FakeEmbedder, near
from tests.memory.flows.made import given

ADA = Actor("ada")
PROBLEM = "My printer is offline, the spooler hangs"
TITLE = "Printer does not print"


@pytest.fixture
def embedder():
    return FakeEmbedder({PROBLEM: near(1.0), TITLE: near(0.9)})


@pytest.fixture
def matcher(copies, embedder, clock):
    return Matcher(copies, lambda: embedder, clock=clock)


def publish(flows, namespace="default", project="", **changes):
    return flows.add(namespace, project, read_flow(given(**changes)), ADA).id


# The score


def test_the_score_is_the_sum_of_its_parts(flows, matcher):
    id_ = publish(flows)
    found = matcher.best("default", "", PROBLEM, "printing")
    assert (found.flow_id, found.version, found.title) == (id_, 1, TITLE)
    assert found.semantic == pytest.approx(0.9), "of title and whole the nearer one"
    assert found.keyword == 1.0, "printer, offline and spooler are three"
    assert found.recency == 1.0, "it was published just now"
    assert found.score == pytest.approx(0.5 * 0.9 + 0.3 + 0.2)
    assert found.by_meaning


@pytest.mark.parametrize(("count", "share"), [(0, 0.0), (1, 1 / 3), (2, 2 / 3), (3, 1.0), (9, 1.0)])
def test_three_words_are_enough(count, share):
    assert named(count) == pytest.approx(share)


def test_keywords_are_compared_by_their_stems():
    assert stems(["printing", "stuck jobs"]) & terms("the printer has a job that is stuck") == {"print", "job", "stuck"}


def test_recency_halves():
    ages = np.array([0.0, HALF_LIFE, 2 * HALF_LIFE, -5.0])
    assert recencies(ages).tolist() == [1.0, 0.5, 0.25, 1.0], "a clock that went back makes nothing more than new"


@pytest.mark.parametrize("wanted", [0.5, 0.6, 0.75, 0.8])
def test_limits_are_met_to_the_digit(wanted):
    """Sums of floats fall short of what they are written as: 0.5 x 0.7 + 0.3 x 2/3 + 0.2 is to be 0.75."""
    keyword = 2 / 3
    cosine = np.float32((wanted - 0.3 * keyword - 0.2) / 0.5)
    vectors = np.array([[cosine, np.sqrt(1 - cosine**2)], [0, 1]], np.float32)
    candidates = Candidates([stems(["printer", "offline"])], [""], [None], vectors)
    score = candidates.best(
        {"print", "offlin"} | terms("printer offline"), np.array([1, 0], np.float32), "", None, np.zeros(1)
    )
    assert score.keyword == pytest.approx(keyword)
    assert score.score == wanted, "a score at the limit is at the limit"


def test_what_is_opposed_counts_as_nothing():
    candidates = Candidates([frozenset("x")], [""], [None], np.array([[-1, 0], [-1, 0]], np.float32))
    found = candidates.best(frozenset(), np.array([1, 0], np.float32), "", None, np.full(1, 1e12))
    assert (found.score, found.semantic) == (0.0, 0.0)


def test_the_best_is_told_however_bad(flows, matcher):
    id_ = publish(flows)
    found = matcher.best("default", "", "Tell me about the moon", "printing")
    assert found.flow_id == id_
    assert found.score < 0.5


# Who is a candidate


@pytest.mark.parametrize(
    ("flow_has", "asked", "fits"),
    [
        (None, None, True),
        ("printing", "printing", True),
        ("printing", "email", False),
        ("printing", None, True),
        (None, "email", True),
    ],
    ids=["none, none", "the same", "another", "not known", "of any"],
)
def test_domains_that_differ_do_not_match(flows, matcher, flow_has, asked, fits):
    publish(flows, problem_domain=flow_has)
    assert (matcher.best("default", "", PROBLEM, asked) is not None) == fits


def test_a_flow_of_a_project_is_for_that_project(flows, matcher):
    own = publish(flows, project="apollo")
    assert matcher.best("default", "apollo", PROBLEM).flow_id == own
    assert matcher.best("default", "gemini", PROBLEM) is None
    assert matcher.best("default", "", PROBLEM) is None


def test_a_namespace_has_its_own(flows, matcher):
    publish(flows, "ann")
    assert matcher.best("bob", "", PROBLEM) is None


def test_what_is_retired_does_not_match(flows, matcher):
    id_ = publish(flows)
    assert matcher.best("default", "", PROBLEM) is not None
    flows.set_status(id_, "retired", ADA)
    assert matcher.best("default", "", PROBLEM) is None
    flows.set_status(id_, "published", ADA)
    assert matcher.best("default", "", PROBLEM) is not None


def test_nothing_asked_matches_nothing(flows, matcher):
    publish(flows)
    assert matcher.best("default", "", " \n") is None


def test_a_new_version_is_matched_by_its_own_words(flows, matcher, embedder):
    id_ = publish(flows)
    matcher.best("default", "", PROBLEM)
    flows.change(id_, read_flow(given(title="Something else altogether")), ADA)
    found = matcher.best("default", "", PROBLEM)
    assert (found.version, found.title) == (2, "Something else altogether")
    assert found.semantic < 0.9, "the earlier title's vector is gone"


# Embedders


def test_without_an_embedder_words_alone_count(flows, copies, clock):
    publish(flows)
    found = Matcher(copies, clock=clock).best("default", "", PROBLEM)
    assert (found.semantic, found.by_meaning) == (0.0, False)
    assert found.score == pytest.approx(0.5), "keywords and recency"


def test_an_embedder_that_fails_is_told_and_words_count(flows, copies, embedder, clock):
    publish(flows)
    told = []
    matcher = Matcher(copies, lambda: embedder, told.append, clock)
    embedder.broken = True
    assert not matcher.best("default", "", PROBLEM).by_meaning
    embedder.broken = False
    assert matcher.best("default", "", PROBLEM).by_meaning
    assert [type(one).__name__ for one in told] == ["EmbedderError", "NoneType"], "and that all is well again"


def test_vectors_are_kept_for_the_next_start(database, flows, matcher, embedder, clock):
    publish(flows)
    matcher.best("default", "", PROBLEM)
    (row,) = database.query(sa.select(table))
    assert (row["embedder"], len(row["vector"])) == ("fake", 2 * 4 * DIMENSION)
    embedder.asked.clear()
    library = Flows(database, clock=clock)
    again = Matcher(Copies(database, library, clock), lambda: embedder, clock=clock)
    assert again.best("default", "", PROBLEM).semantic == pytest.approx(0.9)
    assert embedder.asked == [PROBLEM], "the flow itself is not embedded again"


def test_another_embedder_reads_them_anew(database, flows, copies, matcher, clock):
    publish(flows)
    matcher.best("default", "", PROBLEM)
    other = FakeEmbedder({PROBLEM: near(1.0), TITLE: near(0.6)}, id="other")
    found = Matcher(copies, lambda: other, clock=clock).best("default", "", PROBLEM)
    assert found.semantic == pytest.approx(0.6)
    assert database.query(sa.select(table.c.embedder)) == [{"embedder": "other"}]


def test_flows_are_embedded_in_portions(flows, matcher, monkeypatch, embedder):
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    for at in range(5):
        publish(flows, title=f"Flow {at}")
    assert matcher.best("default", "", "Flow 3").by_meaning
    assert len(embedder.asked) == 11, "a title and a whole each, and the problem"


# Copies


def test_while_nothing_changes_no_sql_is_read(flows, database, matcher, monkeypatch):
    publish(flows)
    first = matcher.best("default", "", PROBLEM)
    monkeypatch.setattr(database, "read", None)
    monkeypatch.setattr(database, "query", None)
    assert matcher.best("default", "", PROBLEM) == first
    assert matcher.best("default", "", "Something else") is not None


def test_what_another_process_did_is_seen_after_a_while(database, flows, matcher, clock):
    id_ = publish(flows)
    assert matcher.best("default", "", PROBLEM) is not None
    other = Flows(database, clock=clock)
    other.set_status(id_, "retired", ADA)
    clock.advance(RECHECK)
    assert matcher.best("default", "", PROBLEM) is None


def test_a_flow_that_was_moved_to_another_project_is_seen_there(database, flows, matcher):
    publish(flows)
    assert matcher.best("default", "", PROBLEM) is not None
    database.transact(lambda connection: connection.execute(sa.update(table).values(project="apollo")))
    flows.forget()
    assert matcher.best("default", "", PROBLEM) is None
    assert matcher.best("default", "apollo", PROBLEM) is not None


def test_being_followed_makes_a_flow_recent_again(flows, outcomes, matcher, clock):
    id_ = publish(flows)
    clock.advance(HALF_LIFE)
    assert matcher.best("default", "", PROBLEM).recency == pytest.approx(0.5)
    flows.transact(lambda c: outcomes.record(c, "default", "s1", id_, 1, "resolved"))
    assert matcher.best("default", "", PROBLEM).recency == pytest.approx(1.0)


def test_of_equals_one_is_chosen_always(flows, matcher):
    ids = sorted(publish(flows) for _ in range(3))
    assert {matcher.best("default", "", PROBLEM).flow_id for _ in range(3)} == {ids[0]}


def test_namespaces_that_nobody_uses_are_dropped(flows, copies, monkeypatch):
    monkeypatch.setattr(module, "MOST_NAMESPACES", 2)
    for name in ("a", "b", "c"):
        publish(flows, name)
        copies.of(name)
    assert copies.current("a") is None
    assert copies.current("c") is not None


# The shipped embedder


@pytest.fixture(scope="module")
def shipped(model_cache):
    return load_embedder(EmbedderSpec(), model_cache)


def test_a_problem_that_plainly_fits_is_attached(flows, copies, shipped, clock):
    id_ = publish(flows)
    publish(
        flows,
        title="VPN connection fails",
        description="Remote users cannot connect to the company network.",
        match_keywords=["VPN", "remote access", "tunnel", "connect", "timeout"],
        problem_domain="networking",
    )
    matcher = Matcher(copies, lambda: shipped, clock=clock)
    found = matcher.best("default", "", "My printer says it is offline and nothing comes out when I print")
    assert found.flow_id == id_
    assert found.score >= 0.75
    for other in ("How do I reverse a list in Python?", "I was charged twice for my subscription"):
        assert matcher.best("default", "", other).score < 0.5, "and what has nothing to do with it does not"
