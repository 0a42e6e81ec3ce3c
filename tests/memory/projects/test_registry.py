"""The registry: names that lead to a project, what is kept, who is told."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from memory.memories.audit_trail import AuditTrail
from memory.memories.memory import Actor, MemoryFault, Missing
from memory.projects.registry import Registry
from store.errors import DatabaseError

ANN = Actor("ann", "because")
DOCS = {"source": "notes", "subpath": "docs"}


@pytest.fixture
def registry(database):
    return Registry(database, sources=lambda: {"notes"})


def test_a_name_leads_to_its_project_however_it_is_spelled(registry):
    assert registry.resolve(" Moon  Shot ") == "Moon Shot", "nobody registered it: as it is, without spare spaces"
    registry.register("apollo", ["Moon Shot"], actor=ANN)
    for name in ("apollo", "APOLLO ", "moon shot", "Moon\u200b Shot"):
        assert registry.resolve(name) == "apollo", name
    assert registry.names("MOON SHOT") == ("apollo", "Moon Shot"), "the id first"
    assert (registry.resolve(None), registry.resolve("  "), registry.names("")) == ("", "", ()), "none is none"
    assert registry.names("other") == ("other",)


def test_it_is_read_from_sql_once_until_it_changes(database, registry, monkeypatch):
    registry.register("apollo", actor=ANN)
    asked = []
    monkeypatch.setattr(database, "query", lambda *given: asked.append(given))
    for name in ("apollo", "other", "Apollo"):
        registry.resolve(name)
    assert registry.all()[0].id == "apollo"
    assert asked == [], "calls pay for no query"


def test_another_process_finds_what_was_registered(database, registry):
    registry.register("apollo", ["Moon Shot"], "To the moon", [DOCS], actor=ANN)
    (found,) = Registry(database).all()
    assert found == registry.known("moon shot"), "all of it is in SQL"
    assert (found.aliases, found.description, found.roots[0].subpath) == (("Moon Shot",), "To the moon", "docs")


def test_names_that_are_given_up_lead_nowhere(registry):
    registry.register("apollo", ["Moon Shot", "Old"], actor=ANN)
    registry.update("old", {"aliases": ["Moon Shot"]}, actor=ANN)
    assert registry.resolve("Old") == "Old"
    registry.register("old", actor=ANN)
    assert registry.resolve("Old") == "old", "and may become another's"


def test_only_changes_are_kept_and_audited(database, registry):
    registry.register("apollo", actor=ANN)
    assert registry.register("apollo", actor=ANN)[1] is False, "it stands so already"
    assert registry.update("apollo", {"description": ""}, actor=ANN)[1] is False
    registry.update("apollo", {"description": "Moon"}, actor=ANN)
    assert registry.version == 2
    update, made = AuditTrail(database).of("apollo")
    assert (made["action"], made["before"], made["actor"]) == ("register", None, "ann")
    assert (update["before"]["description"], update["after"]["description"]) == ("", "Moon")


def test_a_refused_change_leaves_everything_as_it_was(database, registry):
    registry.register("apollo", ["Moon Shot"], actor=ANN)
    for work in (
        lambda: registry.register("gemini", ["moon shot"], actor=ANN),
        lambda: registry.register("apollo", ["Other"], actor=ANN),
        lambda: registry.update("apollo", {"ingest_roots": [{"source": "gone"}]}, actor=ANN),
    ):
        with pytest.raises(MemoryFault):
            work()
    with pytest.raises(Missing):
        registry.update("gemini", {}, actor=ANN)
    assert [project.aliases for project in Registry(database).all()] == [("Moon Shot",)]
    assert registry.version == 1


def test_a_failed_write_is_not_in_the_copy_either(database, registry, monkeypatch):
    def fails(work):
        raise DatabaseError("full")

    monkeypatch.setattr(database, "transact", fails)
    with pytest.raises(DatabaseError):
        registry.register("apollo", ["Moon Shot"], actor=ANN)
    assert registry.resolve("Moon Shot") == "Moon Shot"
    assert registry.all() == []


def test_a_root_of_a_source_that_is_gone_does_not_stand_in_the_way(database):
    configured = {"notes"}
    registry = Registry(database, sources=lambda: configured)
    registry.register("apollo", (), "", [DOCS], actor=ANN)
    configured.clear()
    assert registry.update("apollo", {"aliases": ["Moon"]}, actor=ANN)[1], "what it says otherwise can be changed"


def test_a_document_belongs_to_the_closest_root(registry):
    registry.register("all", (), "", [{"source": "notes"}], actor=ANN)
    registry.register("docs", (), "", [DOCS], actor=ANN)
    assert registry.owner("notes", "docs/a.md") == "docs"
    assert registry.owner("notes", "a.md") == "all"
    assert registry.owner("other", "docs/a.md") == ""
    registry.register("a-later-one", (), "", [DOCS], actor=ANN)
    assert registry.owner("notes", "docs/a.md") in ("docs", "a-later-one"), "of equals one, always the same"


def test_of_many_roots_the_closest_is_looked_up(registry):
    for number in range(40):
        parts = [{"source": "notes", "subpath": f"a/{number}/{deep}"} for deep in range(5)]
        registry.register(f"p-{number}", (), "", parts, actor=ANN)
    registry.register("a", (), "", [{"source": "notes", "subpath": "a"}], actor=ANN)
    assert registry.owner("notes", "a/7/3/b/c.md") == "p-7"
    assert registry.owner("notes", "a/7/33/b.md") == "a", "no part of a name"
    assert registry.owner("notes", "a/7") == "a"
    assert registry.owner("notes", "b.md") == "", "nobody's"


def test_whoever_is_told_sees_the_new_roots_and_holds_nobody_up(registry):
    seen = []

    def told(sources):
        other = threading.Thread(target=lambda: registry.register("gemini", actor=ANN))
        other.start()
        other.join(5)
        seen.append((sources, registry.owner("notes", "docs/a.md"), other.is_alive()))

    registry.on_roots_changed = told
    registry.register("apollo", (), "", [DOCS], actor=ANN)
    assert seen == [(frozenset({"notes"}), "apollo", False)], "it is told outside the lock"


def test_many_at_once_share_no_name(registry):
    refused = []

    def register(number):
        try:
            registry.register(f"p{number}", ["Shared"], actor=ANN)
        except MemoryFault:
            refused.append(number)

    threads = [threading.Thread(target=register, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7, "one of them got the name"
    assert len(registry.all()) == 1


def test_who_moves_rows_is_queued_with_the_change(database):
    queued = []

    def queue(connection, project):
        queued.append((project, connection.scalar(sa.text("SELECT count(*) FROM projects"))))

    registry = Registry(database, queue=queue)
    registry.register("apollo", actor=ANN)
    registry.register("apollo", actor=ANN)
    assert queued == [("apollo", 1)], "in the same transaction, and only where something changed"
