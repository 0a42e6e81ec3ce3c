"""What the tests of the benchmarks share: small files in the data's form, and texts with known similarities."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from tests.fakes import DIMENSION, FakeEmbedder

OPEN = "How do I open an account?"
OPEN_TOO = "How can I open an account?"
OPEN_OTHER = "How do I open some account?"
FIVE = "Convert 5 miles to km"
SEVEN = "Convert 7 miles to km"
ALARM = "Please set an alarm for noon"
CEILING = "Who painted the ceiling?"


def beside(base, similarity):
    """A unit vector on the axes ``base`` and ``base + 1``, with this cosine to the first of them."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[base], vector[base + 1] = similarity, np.sqrt(1.0 - similarity**2)
    return vector


VECTORS = {
    OPEN: beside(0, 1.0),
    OPEN_TOO: beside(0, 0.97),
    OPEN_OTHER: beside(0, 0.95),
    FIVE: beside(10, 1.0),
    SEVEN: beside(10, 0.96),
    ALARM: beside(20, 1.0),
    CEILING: beside(30, 1.0),
}


@pytest.fixture
def embedder():
    """Knows the texts above; every other text is far from all."""
    return FakeEmbedder(VECTORS)


@pytest.fixture
def write_rows(tmp_path):
    """Writes rows as gzip JSON lines under a file name of the data; gives the folder."""

    def write(name, rows):
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        return folder

    return write


def turns(*texts):
    """User turns and the assistant's between them."""
    roles = ("user", "assistant")
    return [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
