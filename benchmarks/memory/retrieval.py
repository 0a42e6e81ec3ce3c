"""Does `/query` find the heading that answers a question, and does it reach the prompt? Recall, with its interval.

    python -m benchmarks.memory.retrieval --corpus DIR [--half open|held] [--no-boosts] [--data-dir DIR]

DIR is ingested whole into a scratch data directory, with the embedder that comes with Reprise. Questions, and the
heading that answers each, were written before the ranking was tuned; the held half was not looked at while it was.
``under`` counts a piece that stands under the heading at any depth, ``at`` one directly below it. Intervals are 95 %,
by resampling questions.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory.context.composing import Composer
from memory.context.grounds import Grounds
from memory.context.pool import Pool
from memory.context.ranking import PLAIN, Ranked, Weights
from memory.context.retrieval import Retriever
from memory.memories.memories import Memories
from memory.projects.state import State
from memory.sources.changes import Changes
from memory.sources.chunk_index import ChunkIndex
from memory.sources.chunk_notes import ChunkNotes
from memory.sources.ingestion import Ingestion
from memory.sources.shelf import Shelf
from memory.sources.source import Source
from store.database import Database
from store.directory import DataDirectory
from store.embedder import EmbedderSpec, load_embedder

FOLDER = Path(__file__).parent
NAMESPACE, SOURCE = "default", "corpus"
BUDGET = 3000
TIMES = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the places that answer it: path of the document, and heading."""

    question: str
    places: tuple[tuple[str, str], ...]


def questions_of(half: str) -> list[Question]:
    """The questions of one half."""
    lines = (FOLDER / f"retrieval_questions_{half}.jsonl").read_text("utf-8").splitlines()
    return [_question(json.loads(line)) for line in lines if line.strip()]


def _question(row: Mapping[str, Any]) -> Question:
    places = [row, *row.get("also", ())]
    return Question(row["question"], tuple((shown(place["source_file"]), folded(place["heading"])) for place in places))


def shown(path: str) -> str:
    """A path without the dots that hide its folders: what is hidden is not ingested."""
    return "/".join([part.lstrip(".") for part in path.split("/")])


def unhidden(corpus: Path, to: Path) -> Path:
    """A copy of the corpus in which no folder is hidden."""
    for path in sorted(corpus.rglob("*")):
        if path.is_file() and not path.is_symlink():
            copy = to / shown(path.relative_to(corpus).as_posix())
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    return to


class Parts:
    """Ingestion and retrieval over one data directory, without a server."""

    def __init__(self, corpus: Path, folder: Path, closing: ExitStack) -> None:
        directory = DataDirectory(folder)
        directory.prepare()
        self.database = Database(directory.database)
        closing.callback(self.database.close)
        self.source = Source(SOURCE, corpus)
        sources = {SOURCE: self.source}
        notes = ChunkNotes(self.database)
        changes = Changes()
        self.index = ChunkIndex(notes, lambda: sources, directory.chunk_vectors, changes)
        closing.callback(self.index.close)
        self.shelf = Shelf(self.database, lambda: sources, notes, self.index, changes)
        self.embedder = load_embedder(EmbedderSpec())
        self.index.open(self.embedder)
        self.ingestion = Ingestion(self.database, self.index, lambda: sources)

    def retriever(self, weights: Weights) -> Retriever:
        """What finds pieces, with these weights."""
        return Retriever(self.shelf, lambda: self.embedder, lambda: weights)

    def composer(self, weights: Weights) -> Composer:
        """What makes packs, with these weights; of memories and state there are none."""
        pool = Pool(self.database, Memories(self.database))
        return Composer(Grounds(pool, State(self.database)), self.retriever(weights))


def folded(text: str) -> str:
    """A heading as headings are compared: marks, case and spacing ignored."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def answers(found: Sequence[Ranked], question: Question, *, at: bool) -> bool:
    """Is one of the pieces from under the heading, or, with ``at``, directly below it?"""
    for one in found:
        headings = [folded(heading) for heading in one.chunk.heading_path]
        under = headings[-1:] if at else headings
        if any(path == one.chunk.path and heading in under for path, heading in question.places):
            return True
    return False


def interval(hits: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of the means of resampled questions."""
    draw = random.Random(7)
    means = sorted(sum(draw.choices(hits, k=len(hits))) / len(hits) for _ in range(TIMES))
    return means[int(0.025 * TIMES)], means[int(0.975 * TIMES) - 1]


def measured(parts: Parts, questions: Sequence[Question], weights: Weights) -> dict[str, list[float]]:
    """For each question, 1 where it was answered, by measure."""
    retriever, composer = parts.retriever(weights), parts.composer(weights)
    hits: dict[str, list[float]] = {}
    for question in questions:
        found = retriever.find(NAMESPACE, "", question.question, 10)
        packed = composer.compose(NAMESPACE, "", question.question, BUDGET).chunks
        looks: Mapping[str, Sequence[Ranked]] = {"recall@5": found[:5], "recall@10": found, "the pack": packed}
        for name, some in looks.items():
            for at in (False, True):
                key = f"{name} {'at' if at else 'under'}"
                hits.setdefault(key, []).append(float(answers(some, question, at=at)))
        hits.setdefault("pieces in the pack", []).append(float(len(packed)))
    return hits


def show(name: str, hits: Mapping[str, list[float]]) -> dict[str, object]:
    """Print and give the figures of one way of ranking."""
    figures: dict[str, object] = {}
    for measure, values in hits.items():
        low, high = interval(values)
        mean = sum(values) / len(values)
        print(f"{name:15s} {measure:22s} {mean:6.3f}  [{low:.3f}, {high:.3f}]  n {len(values)}")
        figures[measure] = {"mean": mean, "low": low, "high": high, "n": len(values)}
    return figures


def ingested(parts: Parts) -> dict[str, object]:
    """Ingest the corpus; print and give what came of it."""
    began = time.perf_counter()
    run = parts.ingestion.run(parts.source)
    parts.index.mend()
    seconds = time.perf_counter() - began
    pieces = parts.shelf.count()
    print(f"{run.found} files, {run.read} read, {run.failed} failed, {pieces} pieces, {seconds:.1f} s")
    return {"files": run.found, "read": run.read, "failed": run.failed, "pieces": pieces, "seconds": seconds}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--half", choices=("open", "held"), default="open", help="which questions")
    parser.add_argument("--no-boosts", action="store_true", help="measure the cosine alone only")
    parser.add_argument("--data-dir", type=Path, help="kept between runs; left out, a scratch folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    ways = {"without boosts": PLAIN} if arguments.no_boosts else {"with boosts": Weights(), "without boosts": PLAIN}
    with ExitStack() as closing:
        folder = arguments.data_dir or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="reprise-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        parts = Parts(unhidden(arguments.corpus, folder / "corpus"), folder / "data", closing)
        figures: dict[str, object] = {"corpus": ingested(parts)}
        questions = questions_of(arguments.half)
        found = {name: measured(parts, questions, weights) for name, weights in ways.items()}
        figures |= {name: show(name, hits) for name, hits in found.items()}
        if len(found) == 2:
            with_boosts, without = found.values()
            gains = {key: [a - b for a, b in zip(with_boosts[key], without[key], strict=True)] for key in without}
            figures["difference"] = show("difference", gains)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    print(f"{len(questions)} questions of the {arguments.half} half")


if __name__ == "__main__":
    main()
