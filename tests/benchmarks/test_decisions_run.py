"""The whole benchmark on small files, and what it keeps between runs."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from benchmarks.decisions import __main__ as run
from benchmarks.decisions import data, kept, workers
from benchmarks.decisions.embedding import KeptEmbedder, similarities
from benchmarks.decisions.kept import KeptRows, key_of
from benchmarks.decisions.plots import need_matplotlib
from benchmarks.decisions.scorers import KeptVerifier, guard_names, vetoes
from cache.verifier import Mix, Pair
from tests.benchmarks.conftest import ALARM, CEILING, FIVE, OPEN, OPEN_OTHER, OPEN_TOO, SEVEN, turns


class ToyVerifier:
    """Believes in pairs of equal length; counts how many it was asked about."""

    id = "toy"
    floor = 0.0

    def __init__(self, weight=1.0):
        self.mix = Mix((1.0, 0.0))
        self.weight = weight
        self.asked = 0

    def signals(self, pairs):
        self.asked += len(pairs)
        return np.array([[-self.weight * abs(len(pair.new) - len(pair.stored)), pair.similarity] for pair in pairs])


def row(a, b, same, source="own", kind="reworded"):
    return {"id": f"{a}{b}", "a": a, "b": b, "same": same, "source": source, "kind": kind}


@pytest.fixture
def folder(write_rows):
    """Every kind of file, a few rows each."""
    write_rows("pairs_own", [row(OPEN, OPEN_TOO, 1), row(OPEN, OPEN_OTHER, 0, kind="other"), row(OPEN, CEILING, 0)])
    write_rows("pairs_qqp", [row(OPEN_TOO, OPEN_OTHER, 1, "qqp"), row(OPEN, ALARM, 0, "qqp")])
    write_rows("adversarial_own", [row(FIVE, SEVEN, 0, kind="number")])
    asked = [(OPEN, "open"), (OPEN_TOO, "open"), (FIVE, "5"), (SEVEN, "7"), (OPEN, "open")]
    write_rows(
        "replay_mixed",
        [
            {"id": str(n), "t_ms": 1000 * n, "prompt": text, "answer_id": id_, "source": "own", "share": "faq"}
            for n, (text, id_) in enumerate(asked)
        ],
    )
    history = turns("I live in Rome.", "Nice.", OPEN)
    write_rows(
        "convpairs_own",
        [{"id": "c", "a": history, "b": history[-1:], "same": 0, "source": "own", "kind": "context-dropped"}],
    )
    return write_rows("conv_own", [{"id": "t", "messages": turns(OPEN, "So.", CEILING), "source": "own"}])


def test_the_benchmark_runs_from_files_to_tables(folder, embedder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(workers, "kept_embedder", lambda cache: KeptEmbedder(embedder, cache))
    out = tmp_path / "out.json"
    where = ["--data", str(folder), "--cache", str(tmp_path / "kept"), "--json", str(out)]

    run.main([*where, "--verifier", "cosine", "--jobs", "1"])

    found = json.loads(out.read_text())
    pooled = found["pairs"]["recall"]["pooled without Quora"]
    assert pooled["cosine"] == [1.0, 1.0, 1.0, 1.0], "cosine 0.97 lies above every pair that must not be shared"
    assert set(found["pairs"]["recall"]) == {"pooled without Quora", "pairs_own", "pairs_qqp"}, (
        "a file with negatives only has no recall of its own, but counts in the pool"
    )
    number = next(one for one in found["pairs"]["guards"] if one["kind"] == "number")
    assert number["vetoes"]["numbers"] == 1, "the guard of numbers vetoes 5 against 7 miles"
    replays = found["streams"]["replay_mixed, every row"]["replays"]
    assert [(one["exact"], one["semantic"], one["wrong_semantic"]) for one in replays] == [(1, 1, 0)], (
        "one exact repeat, one rewording, and no 5 for 7 miles"
    )
    dropped = found["conversations"]["pairs"]["no cut at all"]
    assert [(one["kind"], one["exact"] + one["semantic"]) for one in dropped] == [("context-dropped", 0)], (
        "the same words without their history are another call"
    )
    printed = capsys.readouterr().out
    assert "Recall of reusable pairs" in printed, "the tables are printed"
    assert "[streams:" in printed, "with the seconds of each part"


def test_texts_are_embedded_once_and_kept_for_the_next_run(embedder, tmp_path):
    first = KeptEmbedder(embedder, tmp_path)
    vectors = first.embed([OPEN, CEILING, OPEN])
    first.flush()

    again = KeptEmbedder(embedder, tmp_path).embed([CEILING, OPEN])

    assert sorted(embedder.asked) == sorted([OPEN, CEILING]), "each text was embedded once, in both runs together"
    assert np.array_equal(again, vectors[[1, 0]]), "and comes back unchanged"


def test_similarities_are_cosines(embedder):
    found = similarities(embedder, [(OPEN, OPEN_TOO), (OPEN, CEILING), (OPEN, OPEN)])

    assert np.allclose(found, [0.97, 0.0, 1.0], atol=1e-6), "of the two texts of each pair"
    assert similarities(embedder, []).shape == (0,), "no pairs have none"


def test_scores_are_kept_unless_the_verifier_scores_otherwise(tmp_path):
    pairs = [Pair("one", "three", 0.5), Pair("one", "two", 0.5), Pair("one", "three", 0.5)]
    verifier = ToyVerifier()
    first = KeptVerifier(verifier, tmp_path, "fake")
    signals = first.signals(pairs)
    first.flush()
    before = verifier.asked

    again = KeptVerifier(verifier, tmp_path, "fake").signals(pairs)
    probes = verifier.asked - before
    changed = KeptVerifier(ToyVerifier(weight=2.0), tmp_path, "fake").signals(pairs)

    assert signals[:, 0].tolist() == [-2.0, 0.0, -2.0], "one row for each pair, in order"
    assert np.array_equal(again, signals), "kept signals come back unchanged"
    assert probes == before - 2, "only the pairs that tell verifiers apart were scored again"
    assert changed[:, 0].tolist() == [-4.0, 0.0, -4.0], "other weights under the same id are told apart"


def test_rows_are_written_in_batches_and_by_flush(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "WRITTEN_AT_ONCE", 2)
    rows = KeptRows(tmp_path)

    rows.add([key_of("a")], [[1.0]])
    alone = len(list(tmp_path.glob("*.npz")))
    rows.add([key_of("b")], [[2.0]])
    full = len(list(tmp_path.glob("*.npz")))
    rows.add([key_of("c")], [[3.0]])
    rows.flush()
    rows.flush()

    assert (alone, full) == (0, 1), "a full batch is written, a part of one waits"
    assert len(list(tmp_path.iterdir())) == 2, "flush writes the rest, once, and leaves nothing half-written"
    assert KeptRows(tmp_path).rows([key_of("c"), key_of("a")]).tolist() == [[3.0], [1.0]], "all of it is found again"


def test_only_what_a_guard_is_sure_of_is_a_veto():
    found = vetoes([(SEVEN, FIVE), (OPEN, OPEN), (OPEN_TOO, OPEN)])

    assert found[0, guard_names().index("numbers")], "other numbers ask for another answer"
    assert not found[1].any(), "nothing speaks against the same text"
    assert not found[2].any(), "nor against this rewording"


def lengths(tools, texts):
    """A task for workers: what an embedder and the scorers of a process of its own make of texts."""
    return [scorer.name for scorer in tools.scorers], tools.embedder.embed(texts).shape, os.getpid()


def test_work_is_shared_between_processes(tmp_path, model_cache):
    tools = workers.open_tools(tmp_path, ["cosine"])

    found = list(workers.Workers(2, tmp_path, tools).map(lengths, [[OPEN], [OPEN, CEILING], [FIVE]]))

    assert [shape for _, shape, _ in found] == [(1, 384), (2, 384), (1, 384)], "results come in the order of the tasks"
    assert all(names == ["cosine", "cosine + guards"] for names, _, _ in found), "each process has the same scorers"
    assert os.getpid() not in {process for _, _, process in found}, "none of it was done here"
    tools = workers.open_tools(tmp_path, ["cosine"])
    assert tools.embedder.prepare([OPEN, CEILING, FIVE]) == 0, "what the processes embedded is kept"


def test_a_folder_without_data_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \*\.jsonl\.gz"):
        data.folder_of(tmp_path)


def test_the_data_may_lie_in_the_folder_dev(folder, tmp_path):
    (tmp_path / "above").mkdir()
    moved = folder.rename(tmp_path / "above" / "dev")

    assert data.folder_of(tmp_path / "above") == moved, "the folder above the files will do"


def test_plots_without_matplotlib_name_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(SystemExit, match=r"reprise-llm\[bench\]"):
        need_matplotlib()


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["--data", ".", "--only", "pears"])

    assert "not of pairs,streams,conversations" in capsys.readouterr().err, "the message names the parts"
