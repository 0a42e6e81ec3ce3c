"""Keeping what was found: redacted, admitted, capped, once, and traceable to what was said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.extraction import EXTRACTOR, MOST
from memory.extraction.backlog import UNLEARNED, Backlog
from memory.extraction.keeping import Keeping
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Candidate
from memory.redaction import build_redactor
from store.tables import extractions
from store.tables import interactions as log

PERSON = Actor("someone")


class Bench:
    def __init__(self, database, interactions, record):
        redactor = build_redactor()
        self.database = database
        self.interactions = interactions
        self.log = record
        self.memories = Memories(database, redact=redactor)
        self.keeping = Keeping(database, self.memories, redactor)
        self.backlog = Backlog(database)

    def record(self, **fields):
        (id_,) = self.log({"response": "", "policy": "default", **fields})
        return self.interactions.get(id_)

    def candidates(self, namespace="default"):
        return self.memories.list(namespace=namespace, status="candidate", limit=500)

    def keep(self, record, *candidates, extractor="model/m/extract.v1"):
        return self.keeping.store(record, self.keeping.found(record, candidates), extractor)


@pytest.fixture
def bench(database, interactions, record):
    return Bench(database, interactions, record)


def candidate(text, prompt, memory_type="preference", **changes):
    start = prompt.index(text)
    fields = {"memory_type": memory_type, "content": text, "rule": "model", "role": "user", **changes}
    return Candidate(start=start, end=start + len(text), **fields)


def test_a_candidate_leads_back_to_what_was_said(bench):
    prompt = "Hello. I prefer tea in the morning. Thanks!"
    record = bench.record(prompt=prompt, project="garden")
    (id_,) = bench.keep(record, candidate("I prefer tea in the morning", prompt))
    memory = bench.memories.get(id_)
    origin = memory.provenance
    assert (memory.status, memory.project, memory.written_by) == ("candidate", "garden", "extraction"), "not trusted"
    assert (origin.interaction_id, origin.role, origin.rule) == (record["id"], "user", "model"), "whose words"
    assert origin.extractor == "model/m/extract.v1", "who found it, in which version"
    assert prompt[origin.start : origin.end] == origin.span == "I prefer tea in the morning", "where"
    assert memory.confidence == 0.5, "as sure as what nobody has looked at"
    assert [row["action"] for row in bench.memories.trail.of(id_)] == ["add"], "and it is audited"


def test_the_interactions_project_and_namespace_win(bench):
    prompt = "I prefer tea in the morning."
    record = bench.record(prompt=prompt, project="garden", namespace="team")
    (id_,) = bench.keep(record, candidate("I prefer tea in the morning", prompt))
    memory = bench.memories.get(id_, "team")
    assert (memory.namespace, memory.project) == ("team", "garden"), "whatever an extractor makes of it"


def test_nothing_secret_is_kept_in_content_or_span(bench):
    prompt = "The staging database wants hunter2x, my password is hunter2x, mail jo@sea.org about it."
    record = bench.record(prompt=prompt)
    said = candidate("The staging database wants hunter2x", prompt, "knowledge")
    whole = candidate("my password is hunter2x, mail jo@sea.org about it", prompt, "knowledge")
    found = bench.keeping.found(record, [said, whole])
    texts = [text for one in found for text in (one.candidate.content, one.span)]
    assert texts[0] == texts[1] == "The staging database wants [secret]", "told only by what stands elsewhere"
    assert "[email]" in texts[2], "what is personal is replaced"
    bench.keeping.store(record, found, "m")
    dump = "\n".join(line for line in bench.database.engine.raw_connection().iterdump() if "interactions" not in line)
    assert "hunter2x" not in dump, "in no table but the log"
    assert "jo@sea.org" not in dump, "neither is that"


def test_a_statement_of_nothing_but_what_was_taken_out_is_dropped(bench):
    prompt = "jo@sea.org +33 6 12 34 56 78"
    assert bench.keeping.found(bench.record(prompt=prompt), [candidate(prompt, prompt)]) == [], "it says nothing"


def test_what_an_active_memory_says_is_not_raised(bench):
    prompt = "I prefer tea in the morning. I prefer walking to work."
    bench.memories.add(
        namespace="default",
        project="garden",
        memory_type="preference",
        content="I prefer tea in the morning",
        actor=PERSON,
    )
    record = bench.record(prompt=prompt, project="garden")
    said = [candidate("I prefer tea in the morning", prompt), candidate("I prefer walking to work", prompt)]
    assert [one.candidate.content for one in bench.keeping.found(record, said)] == ["I prefer walking to work"], "new"
    other = bench.record(prompt=prompt, project="kitchen")
    assert len(bench.keeping.found(other, said)) == 2, "another project does not know it"


def test_what_was_rejected_is_not_raised_again(bench):
    prompt = "I prefer tea in the morning."
    (id_,) = bench.keep(bench.record(prompt=prompt), candidate("I prefer tea in the morning", prompt))
    bench.memories.reject(id_, PERSON)
    again = bench.keep(bench.record(prompt=prompt), candidate("I prefer tea in the morning", prompt))
    assert again == [], "a person said no"
    assert bench.candidates() == [], "and is not asked again"


def test_the_same_statement_of_two_interactions_is_one_candidate(bench):
    prompt = "I prefer tea in the morning."
    for _ in range(2):
        bench.keep(bench.record(prompt=prompt), candidate("I prefer tea in the morning", prompt))
    (memory,) = bench.candidates()
    assert memory.supports == 2, "which both support"


def test_a_pass_keeps_fifty_at_most(bench):
    prompt = " ".join(f"I prefer drink number {at} to all others." for at in range(80))
    said = [candidate(f"I prefer drink number {at} to all others", prompt) for at in range(80)]
    assert len(bench.keep(bench.record(prompt=prompt), *said)) == MOST, "to protect who reviews them"


def test_keeping_twice_is_keeping_once(bench):
    prompt = "I prefer tea in the morning."
    record = bench.record(prompt=prompt)
    assert len(bench.keep(record, candidate("I prefer tea in the morning", prompt))) == 1, "new"
    assert bench.keep(record, candidate("I prefer tea in the morning", prompt)) == [], "nothing new"
    (memory,) = bench.candidates()
    assert memory.supports == 1, "one interaction says it once"


def test_what_was_forgotten_meanwhile_leaves_nothing(bench):
    prompt = "I prefer tea in the morning."
    record = bench.record(prompt=prompt)
    bench.database.transact(
        lambda connection: connection.execute(sa.delete(log).where(log.c.id == record["id"])) and None
    )
    assert bench.keep(record, candidate("I prefer tea in the morning", prompt)) == [], "the model was slower"
    assert bench.candidates() == [], "no candidate"
    assert not bench.keeping.has_read(record["id"], "model/m/extract.v1"), "and no note of it"


def test_a_version_of_the_rules_reads_once(bench):
    record = bench.record(prompt="I prefer short answers with examples.")
    assert bench.keeping.by_rules(record) == 1, "found"
    assert bench.keeping.has_read(record["id"], EXTRACTOR), "noted"
    bench.memories.invalidate(bench.candidates()[0].id, PERSON)
    assert bench.keeping.by_rules(record) == 0, "not read again"


# What is still to be read


def unread(bench, *wanted, **filters):
    return [one.id for one in bench.backlog.unread(wanted or (EXTRACTOR,), limit=100, **filters)]


def test_what_a_version_has_read_is_not_unread_to_it(bench):
    first, second = bench.record(prompt="I prefer tea."), bench.record(prompt="What is tea?")
    assert unread(bench) == [first["id"], second["id"]], "oldest first"
    bench.keeping.by_rules(first)
    assert unread(bench) == [second["id"]], "the rest"
    assert unread(bench, "rules/3") == [first["id"], second["id"]], "to another version both are new"
    assert unread(bench, EXTRACTOR, "model/m/extract.v1") == [first["id"], second["id"]], "read by one is not by all"
    assert bench.backlog.count((EXTRACTOR,)) == 1, "counted"


def test_found_nothing_is_read_all_the_same(bench):
    record = bench.record(prompt="What is tea?")
    bench.keeping.by_rules(record)
    rows = bench.database.query(sa.select(extractions.c.extractor, extractions.c.found))
    assert [tuple(row.values()) for row in rows] == [(EXTRACTOR, 0)], "with what it found"


@pytest.mark.parametrize(
    "fields",
    [
        {"interaction_type": "tool"},
        {"success": False},
        {"collapsed": True},
        {"tier": "exact"},
        {"metadata": {UNLEARNED: "read"}},
    ],
)
def test_what_says_nothing_new_or_may_not_be_learned_from_is_never_unread(bench, fields):
    bench.record(prompt="I prefer tea.", **fields)
    assert unread(bench) == [], "left alone"


def test_the_backlog_can_be_narrowed(bench):
    mine = bench.record(prompt="I prefer tea.", namespace="team", created_at="2026-01-02 00:00:00")
    bench.record(prompt="I prefer tea.", namespace="team", created_at="2026-01-01 00:00:00")
    bench.record(prompt="I prefer tea.", created_at="2026-01-03 00:00:00", policy=None)
    assert unread(bench, namespace="team", since="2026-01-02") == [mine["id"]], "by namespace and time"
    assert len(unread(bench, proxied=True)) == 2, "what clients reported waits until somebody asks"
