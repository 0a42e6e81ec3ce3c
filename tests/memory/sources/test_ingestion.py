"""Ingestion reads what has changed, keeps what has not, and loses nothing by what fails or is interrupted."""

from __future__ import annotations

import dataclasses
import os
import threading
import time

import pytest

from memory.sources import files as files_module
from memory.sources import ingestion as ingestion_module
from memory.sources.ingestion import Stopped
from memory.sources.source import Source
from store.tables import chunks
from tests.fakes import FakeEmbedder

GUIDE = "# Guide\n\n## Install\n\nRun the installer.\n\n## Remove\n\nRun the remover.\n"


@pytest.fixture
def read_paths(monkeypatch):
    """The paths of files whose bytes were read."""
    paths = []
    real = files_module.read_inside

    def noted(root, path, limit):
        paths.append(path)
        return real(root, path, limit)

    monkeypatch.setattr(files_module, "read_inside", noted)
    return paths


def figures(run):
    return run.status, run.found, run.read, run.unchanged, run.failed, run.purged


def test_a_folder_is_read_and_its_pieces_are_found(library):
    library.write("guide.md", GUIDE)
    library.write("sub/notes.txt", "Ships sail at noon.")
    run = library.run()
    assert figures(run) == ("done", 2, 2, 0, 0, 0), "both files are new"
    assert run.chunk_count == len(library.rows()) == library.shelf.count(), "every piece can be found"
    assert library.found("Ships sail at noon.", k=1) == ["Ships sail at noon."], "by what it says"
    last = library.ingestion.runs.latest("docs")
    assert last == run, "the run is on record"


def test_small_files_come_before_large_ones(library, read_paths):
    library.write("a.txt", "Much is said here. " * 100)
    library.write("b.txt", "Little.")
    library.run()
    assert read_paths == ["b.txt", "a.txt"], "what is quickly done waits for nobody"


def test_a_second_run_reads_nothing_and_embeds_nothing(library, read_paths):
    library.write("guide.md", GUIDE)
    library.run()
    before, asked = library.rows(), len(library.embedder.asked)
    read_paths.clear()
    run = library.run()
    assert figures(run) == ("done", 1, 0, 1, 0, 0), "the file is the same"
    assert read_paths == [], "its size and date say so"
    assert library.rows() == before, "the pieces stay"
    assert len(library.embedder.asked) == asked, "nothing is embedded again"


def test_a_new_date_alone_changes_nothing(library, read_paths):
    file = library.write("guide.md", GUIDE)
    library.run()
    before, asked = library.rows(), len(library.embedder.asked)
    os.utime(file)
    assert figures(library.run()) == ("done", 1, 0, 1, 0, 0), "its bytes are the same"
    assert (library.rows(), len(library.embedder.asked)) == (before, asked), "pieces and vectors stay"


def test_a_change_within_the_second_it_was_read_in_is_seen(library):
    now = time.time()
    library.write("a.txt", "First words.", at=now)
    library.run()
    library.write("a.txt", "Other words.", at=now)
    assert figures(library.run()) == ("done", 1, 1, 0, 0, 0), "the same size and date do not hide it"
    assert library.contents() == ["Other words."], "what is found is what the file says"


def test_pieces_that_stay_keep_their_rows_and_vectors(library):
    library.write("guide.md", GUIDE)
    library.run()
    before, asked = dict(library.rows()), len(library.embedder.asked)
    library.write("guide.md", GUIDE.replace("# Guide\n", "# Guide\n\n## Before\n\nRead this.\n"), at=1000.0)
    assert figures(library.run()) == ("done", 1, 1, 0, 0, 0), "the file has changed"
    after = dict(library.rows())
    assert before.items() <= after.items(), "the old pieces are the same rows"
    assert len(library.embedder.asked) == asked + 1, "only the new piece is embedded"
    assert next(iter(after.values())) == "Read this.", "and it stands where it does in the file"
    library.write("guide.md", "# Guide\n\n## Install\n\nRun the installer.\n", at=2000.0)
    library.run()
    assert library.contents() == ["Run the installer."], "what the file says no more is gone"
    assert library.shelf.count() == 1, "from the index, too"
    assert library.found("Guide > Remove\nRun the remover.") == ["Run the installer."], "and never found again"


def test_equal_pieces_of_one_file_are_kept_apart(library):
    library.write("a.md", "# A\n\nSame.\n\n# A\n\nSame.\n")
    library.run()
    rows = library.rows()
    library.write("a.md", "# A\n\nSame.\n\n# A\n\nSame.\n\n# A\n\nSame.\n", at=1000.0)
    library.run()
    assert library.rows()[: len(rows)] == rows, "what was there stays"
    assert len(library.rows()) == len({id_ for id_, _ in library.rows()}), "each piece has a row of its own"


def test_vanished_files_are_purged(library):
    library.write("a.txt", "About apples.")
    library.write("b.txt", "About pears.").unlink()
    gone = library.write("b.txt", "About pears.")
    library.run()
    gone.unlink()
    assert figures(library.run(purge=False))[-1] == 0, "not where that is not wanted"
    assert figures(library.run()) == ("done", 1, 0, 1, 0, 1), "the deleted file's document goes"
    assert library.contents() == ["About apples."], "with its pieces"
    assert library.found("About pears.") == ["About apples."], "which are not found any more"


def test_the_last_file_of_a_folder_is_purged_as_well(library):
    library.write("a.txt", "About apples.").unlink()
    file = library.write("a.txt", "About apples.")
    library.run()
    file.unlink()
    assert figures(library.run()) == ("done", 0, 0, 0, 0, 1), "a folder that was emptied is an empty folder"


def test_a_folder_that_is_not_mounted_purges_nothing(library):
    library.write("a.txt", "About apples.")
    library.run()
    library.root.rename(library.folder / "elsewhere")
    run = library.run()
    assert (run.status, run.error) == ("failed", "the folder does not exist"), "it is not there"
    library.root.mkdir()
    os.utime(library.root, (1000.0, 1000.0))
    run = library.run()
    assert run.status == "failed", "an empty folder older than the last run is what is left without a mount"
    assert library.contents() == ["About apples."], "nothing was purged"


def test_a_part_of_a_source_is_read_alone(library):
    library.write("a/one.txt", "One.")
    library.write("a0.txt", "Nil.")
    library.write("b/two.txt", "Two.")
    assert figures(library.run(under="a")) == ("done", 1, 1, 0, 0, 0), "the folder"
    assert figures(library.run(under="b/two.txt")) == ("done", 1, 1, 0, 0, 0), "the file"
    library.run()
    (library.root / "a/one.txt").unlink()
    (library.root / "b/two.txt").unlink()
    assert figures(library.run(under="a")) == ("done", 0, 0, 0, 0, 1), "only what lies below it is purged"
    assert library.contents() == ["Nil.", "Two."], "a name that begins alike is another"


def test_files_that_cannot_be_read_are_counted_and_cost_nobody_else(library):
    library.write("good.txt", "Good.")
    library.write("bad.pdf", b"not a PDF at all")
    library.sources["docs"] = dataclasses.replace(library.sources["docs"], max_file=1000)
    library.write("large.txt", "x" * 1001)
    run = library.run()
    assert figures(run) == ("partial", 3, 1, 0, 2, 0), "the others are read"
    reasons = {row["path"]: row["error"] for row in library.ingestion.documents.failures("docs", 10)}
    assert set(reasons) == {"bad.pdf", "large.txt"}, "each is named"
    assert "max_file" in reasons["large.txt"], "with what is to be done about it"
    assert str(library.root) not in str(reasons), "and without this machine's paths"
    assert figures(library.run()) == ("partial", 3, 0, 1, 2, 0), "they stay failed"
    library.write("bad.pdf", "").unlink()
    library.write("large.txt", "Small now.")
    assert figures(library.run()) == ("done", 2, 1, 1, 0, 1), "until they can be read, or go"


def test_a_reader_that_breaks_fails_its_file_alone(library, monkeypatch):
    library.write("good.txt", "Good.")
    library.write("odd.txt", "Odd.")
    real = files_module.read_document

    def breaks(data, path):
        if path == "odd.txt":
            raise RecursionError
        return real(data, path)

    monkeypatch.setattr(files_module, "read_document", breaks)
    assert figures(library.run()) == ("partial", 2, 1, 0, 1, 0), "the other is read"


def test_a_newer_reader_reads_everything_again(library, monkeypatch):
    library.write("a.txt", "About apples.")
    library.run()
    before = library.rows()
    for module in (files_module, ingestion_module):
        monkeypatch.setattr(module, "READER", "reader/next")
    assert figures(library.run()) == ("done", 1, 1, 0, 0, 0), "the file is cut anew"
    assert library.rows() == before, "pieces that come out the same are the same"
    assert figures(library.run()) == ("done", 1, 0, 1, 0, 0), "once"


def test_an_interrupted_run_goes_on_with_the_next(library, monkeypatch):
    for number in range(10):
        library.write(f"{number}.txt", f"Number {number}.")
    monkeypatch.setattr(ingestion_module, "EMBEDDED_AT_ONCE", 2)
    real, count = library.ingestion.documents.put, []

    def killed(*args, **options):
        if len(count) == 5:
            raise KeyboardInterrupt
        count.append(1)
        real(*args, **options)

    monkeypatch.setattr(library.ingestion.documents, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        library.run()
    library.begin()
    assert figures(library.run()) == ("done", 10, 5, 5, 0, 0), "what was read is not read again"
    assert sorted(library.contents()) == [f"Number {number}." for number in range(10)], "nothing twice, nothing lost"
    assert library.shelf.count() == 10, "all of it can be found"


def test_a_server_that_ends_stops_the_run(library):
    library.write("a.txt", "About apples.")
    library.ingestion.stop()
    run = library.run()
    assert (run.status, run.read) == ("stopped", 0), "it ends before the next file"
    assert issubclass(Stopped, Exception), "by an exception of its own"


def test_runs_of_a_killed_process_count_as_stopped(library):
    library.ingestion.runs.begin("docs", "")
    assert library.ingestion.runs.end_killed() == 1, "one was under way"
    assert library.ingestion.runs.latest("docs").status == "stopped", "and is no more"


def test_without_an_embedder_pieces_wait_and_are_embedded_behind(database, library):
    library.begin(open_=False)
    library.write("a.txt", "About apples.")
    run = library.run()
    assert (run.status, library.shelf.count(), library.notes.waiting()) == ("done", 0, {"docs": 1}), "it is stored"
    library.index.open(library.embedder)
    assert library.index.mend() == 1, "once there is one, it is embedded"
    assert (library.found("About apples."), library.notes.waiting()) == (["About apples."], {}), "and found"


def test_an_embedder_that_fails_fails_no_run(library):
    library.write("a.txt", "About apples.")
    library.embedder.broken = True
    assert library.run().status == "done", "the file is read"
    assert library.failures, "the failure is told"
    library.embedder.broken = False
    assert figures(library.run())[:4] == ("done", 1, 0, 1), "the file need not be read again"
    assert library.found("About apples.") == ["About apples."], "to be found"


def test_pieces_of_another_embedder_are_embedded_anew(library):
    library.write("a.txt", "About apples.")
    library.run()
    library.index.close()
    library.embedder = FakeEmbedder(id="other")
    library.begin()
    assert library.shelf.count() == 0, "vectors of another embedder are compared with nothing"
    assert library.index.mend() == 1, "behind, the piece gets one of this"
    assert library.found("About apples.") == ["About apples."], "and is found again"


def test_documents_follow_the_projects_whose_roots_cover_them(library):
    library.write("a.txt", "About apples.")
    for number in range(8):
        library.write(f"{number}.txt", f"Number {number}.")
    library.run()
    library.owners["a.txt"] = "apollo"
    version = library.shelf.version()
    assert library.ingestion.follow_projects() == 1, "one document is the project's now"
    assert library.shelf.version() > version, "what can be found has changed"
    assert "About apples." in library.found("Number 3.", project="apollo", k=1), "its own piece is found in any case"
    assert "About apples." not in library.found("Number 3.", k=1), "but not by others"
    library.owners.clear()
    library.run()
    assert library.found("Number 3.", project="apollo", k=1) == ["Number 3."], "until the root goes"


def test_documents_of_a_source_that_was_removed_are_purged(library):
    library.write("a.txt", "About apples.")
    library.run()
    other = library.folder / "other"
    other.mkdir()
    library.sources = {"other": Source("other", other)}
    assert library.found("About apples.") == [], "they are out of reach at once"
    library.run("other")
    assert library.contents() == [], "and go with the next run"


def test_one_run_at_a_time(library, monkeypatch):
    library.write("a.txt", "About apples.")
    inside, most = [], []
    real = files_module.read_inside

    def noted(*args):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.05)
        inside.pop()
        return real(*args)

    monkeypatch.setattr(files_module, "read_inside", noted)
    threads = [threading.Thread(target=library.run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1, "never two"
    assert library.contents() == ["About apples."], "nothing twice"


def test_links_and_hidden_files_bring_nothing_in(library, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("The secret.")
    (library.root / "link.txt").symlink_to(secret)
    (library.root / "folder").symlink_to(tmp_path)
    library.write(".hidden/a.txt", "Hidden.")
    library.write("a.txt", "About apples.")
    library.run()
    for under in ("link.txt", "folder/secret.txt", "../secret.txt"):
        library.run(under=under)
    assert library.contents() == ["About apples."], "only what is inside"


def test_what_is_forgotten_while_a_run_reads_it_stays_away(library, monkeypatch):
    library.write("a.md", GUIDE)
    library.write("b.txt", "About bananas.")
    library.run()
    library.write("a.md", GUIDE + "\n## More\n\nMore words.\n", at=1000.0)
    forgotten = library.ingestion.documents.known("docs")["a.md"].id
    real = library.ingestion.documents.put

    def forgets(*args, **options):
        assert library.ingestion.forget([forgotten]) == 2, "it waits for no run"
        return real(*args, **options)

    monkeypatch.setattr(library.ingestion.documents, "put", forgets)
    library.run()
    assert library.database.query(chunks.select().where(chunks.c.document_id == forgotten)) == [], "no piece is left"
    assert library.contents() == ["About bananas."], "the run brings nothing back"
    assert library.shelf.count() == 1, "neither in the index"
