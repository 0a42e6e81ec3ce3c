"""Pieces are found by whom they are for, as SQL has them now; the index can be lost."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time

import pytest

from memory.sources import chunk_index as chunk_index_module
from memory.sources.source import Source
from store.errors import VectorIndexError
from store.tables import chunks


def index_folder(library):
    """Chroma's own folder."""
    return (
        library.folder
        / "chroma-sources"
        / json.loads((library.folder / "chroma-sources/layout.json").read_text())["folder"]
    )


@pytest.fixture
def two(library):
    """Sources: ``docs`` for everybody, ``plans`` for team-a."""
    folder = library.folder / "plans"
    folder.mkdir()
    library.sources["plans"] = Source("plans", folder, frozenset({"team-a"}), ("secret",))
    library.write("a.txt", "About apples.")
    library.write("p.txt", "The plan for pears.", source="plans")
    library.run()
    library.run("plans")
    return library


def restarted(library):
    """The same files and SQL in a new process."""
    library.index.close()
    library.begin()
    return library.index.mend()


def test_a_source_is_found_by_its_namespaces_alone(two):
    assert set(two.found("The plan for pears.", namespace="team-a")) == {"About apples.", "The plan for pears."}, (
        "its own"
    )
    assert two.found("The plan for pears.", namespace="team-b") == ["About apples."], "others do not learn of it"


def test_another_audience_takes_effect_at_once(two):
    open_, closed = two.sources["docs"], two.sources["plans"]
    two.sources = {
        "docs": dataclasses.replace(open_, namespaces=frozenset({"team-b"})),
        "plans": dataclasses.replace(closed, namespaces=None),
    }
    assert two.found("About apples.", namespace="team-a") == [], "closed at once"
    two.index.mend()
    assert two.found("About apples.", namespace="team-b") == ["The plan for pears.", "About apples."][::-1], "moved"
    assert two.found("The plan for pears.", namespace="team-a") == ["The plan for pears."], "opened"
    assert restarted(two) == 0, "what was moved is noted with the index"


def test_pieces_tell_where_they_come_from(two):
    vector = two.embedder.embed(["The plan for pears."])[0]
    chunk = two.shelf.search("team-a", "", vector, 1)[0].chunk
    assert (chunk.source, chunk.path, chunk.content) == ("plans", "p.txt", "The plan for pears."), "source and path"
    assert chunk.tags == ("secret",), "the source's tags are its documents'"


def test_at_least_k_of_all_and_k_of_the_projects_own(library):
    for number in range(20):
        library.write(f"{number}.txt", f"Number {number}.")
    library.owners = {f"{number}.txt": "apollo" for number in (3, 4, 5, 6)}
    library.run()
    vector = library.embedder.embed(["Number 11."])[0]
    found = library.shelf.search("anybody", "apollo", vector, 3)
    assert len({one.chunk.id for one in found}) == len(found), "each once"
    assert sum(one.chunk.project == "apollo" for one in found) >= 3, "the project's own, however far"
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True), "the nearest first"
    assert found[0].chunk.content == "Number 11.", "and those of all"


def test_a_removed_source_crowds_nobody_out(two):
    for number in range(10):
        two.write(f"x{number}.txt", f"Apples of kind {number}.")
    two.run()
    folder = two.folder / "more"
    folder.mkdir()
    two.sources["more"] = Source("more", folder)
    two.write("m.txt", "Something else altogether.", source="more")
    two.run("more")
    version = two.shelf.version()
    two.sources = {"more": two.sources["more"]}
    assert two.shelf.version() > version, "what can be found is less"
    assert two.found("About apples.", k=2) == ["Something else altogether."], "it asks for more until it has enough"
    assert two.shelf.count() == 1, "the others count no more"


def test_vectors_that_sql_knows_nothing_of_never_surface(two):
    two.database.transact(lambda connection: connection.execute(chunks.delete()))
    assert two.found("About apples.", namespace="team-a") == [], "the index alone is believed nothing"


def test_the_index_can_be_lost(two):
    two.index.close()
    shutil.rmtree(two.folder / "chroma-sources")
    two.begin()
    assert (two.index.mend(), two.found("About apples.", k=1)) == (2, ["About apples."]), "it is written again from SQL"
    assert two.embedder.asked.count("About apples.") == 2, (
        "embedded for itself and for the search: no vector is made again"
    )


def test_a_damaged_index_is_written_again(two):
    two.index.close()
    (index_folder(two) / "chroma.sqlite3").write_bytes(b"no database" * 1000)
    two.begin()
    assert (two.index.mend(), two.found("About apples.", k=1)) == (2, ["About apples."]), "from SQL"


def test_an_index_that_holds_less_is_written_again(two):
    two.index._index.remove(chunk_index_module._partition("everyone", ""), "fake", [two.rows()[0][0]])
    assert restarted(two) == 2, "its count tells"
    assert two.found("About apples.", k=1) == ["About apples."], "all is found again"
    assert restarted(two) == 0, "a whole one stays as it is"


def test_an_index_that_breaks_while_it_runs_is_written_again(two, monkeypatch):
    def broken(*args):
        raise VectorIndexError("broken")

    monkeypatch.setattr(two.index._index, "query", broken)
    with pytest.raises(VectorIndexError):
        two.found("About apples.")
    assert two.index.mend() == 2, "the next mending replaces it"
    assert two.found("About apples.", k=1) == ["About apples."], "and it serves again"


def test_what_was_written_but_not_noted_is_written_again(two, monkeypatch):
    two.write("b.txt", "About bananas.")
    monkeypatch.setattr(two.notes, "mark", lambda ids, embedder, *, indexed: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        two.run()
    assert restarted(two) == 1, "that alone, not all of it"
    assert two.shelf.count() == 3, "all of it is found"


def test_what_was_altered_before_the_index_was_open_is_made_up_for(two):
    for number in range(10):
        two.write(f"{number}.txt", f"Number {number}.")
    two.run()
    kept = index_folder(two)
    two.index.close()
    two.begin(open_=False)
    two.owners = {"3.txt": "apollo"}
    two.ingestion.follow_projects()
    gone = two.rows()[0][0]
    two.ingestion.forget([two.database.query(chunks.select().where(chunks.c.id == gone))[0]["document_id"]])
    two.index.open(two.embedder)
    assert index_folder(two) == kept, "all else stays as it is"
    assert two.index.mend() == 1, "the one that stays is written again"
    assert two.found("Number 7.", project="apollo", k=1) == ["Number 7.", "Number 3."], "for its project, too"
    assert gone not in dict(two.rows()), "the other is gone"
    assert restarted(two) == 0, "nothing is left to do"


def test_what_is_new_counts_when_the_run_ends_and_what_is_altered_at_once(two, monkeypatch):
    before = two.shelf.version()
    seen = []
    monkeypatch.setattr(
        two.index, "catch_up", lambda real=two.index.catch_up: (real(), seen.append(two.shelf.version()))
    )
    apples = two.rows()[0][0]
    two.write("new.txt", "Something new.")
    two.write("a.txt", "About pineapples.", at=time.time() - 60)
    monkeypatch.setattr("memory.sources.ingestion.EMBEDDED_AT_ONCE", 1)
    two.run()
    assert seen[0] == before, "the first file was new: more may come"
    assert seen[1] > before, "the second took something away"
    assert not two.shelf.hold(before, [apples]), "which is in this choice"
    assert two.shelf.version() > seen[-1], "the run has ended"
    assert not two.shelf.hold(seen[-1], []), "what is new counts for all"


def test_writing_rests_while_somebody_searches(two, monkeypatch):
    monkeypatch.setattr(chunk_index_module, "WRITTEN_AT_ONCE", 1)
    rests = []
    monkeypatch.setattr(two.index._stopping, "wait", lambda seconds: rests.append(seconds))
    for number in range(3):
        two.write(f"{number}.txt", f"Number {number}.")
    monkeypatch.setattr(chunk_index_module, "IN_DEMAND", 0.0)
    two.run()
    assert rests == [], "nobody searches"
    monkeypatch.setattr(chunk_index_module, "IN_DEMAND", 60.0)
    two.found("Number 1.")
    two.index.rewrite()
    assert len(rests) == 5, "after each write"
    assert all(0 <= rest <= chunk_index_module.MOST_REST for rest in rests), "as long as it took"


def test_rewriting_gives_what_sql_has(two):
    assert two.index.rewrite() == 2, "every piece"
    assert two.found("About apples.", k=1) == ["About apples."], "found as before"


def test_one_piece_that_cannot_be_embedded_keeps_no_other_waiting(library):
    library.write("a.txt", "About apples.")
    library.write("b.txt", "Not this.")
    real = library.embedder.embed

    def picky(texts):
        if "Not this." in texts:
            from store.embedder import EmbedderError

            raise EmbedderError("refused")
        return real(texts)

    library.embedder.embed = picky
    assert library.run().status == "done", "the run goes on"
    assert library.shelf.count() == 1, "the other is found"
    assert library.notes.waiting() == {"docs": 1}, "this one waits"
