"""The evaluation rows: gzip JSON lines in one folder, read by the beginning of their names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = Mapping[str, Any]

NOISY = "qqp"
"""Quora's labels: half of its top-scoring negatives are duplicates, so its rows are counted apart."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """May the answer stored for ``a`` serve ``b``?"""

    id: str
    file: str
    a: str
    b: str
    same: bool
    source: str
    kind: str

    @property
    def adversarial(self) -> bool:
        """Is it from a file of near misses?"""
        return self.file.startswith("adversarial_")


@dataclass(frozen=True, slots=True)
class Request:
    """One row of a stream; rows with equal ``answer_id`` may share an answer, as far as ``share`` allows it."""

    id: str
    prompt: str
    answer_id: str
    source: str
    share: str
    at: float | None = None
    """Seconds since the stream began, where the row has a clock."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in order; assistant turns only where the source has them."""

    id: str
    file: str
    messages: Sequence[Message]
    rewordings: Sequence[str] = ()
    """Another wording of each user turn, where the source has them."""


@dataclass(frozen=True, slots=True)
class ConversationPair:
    """May the answer at the end of ``a`` answer the last turn of ``b``?"""

    id: str
    file: str
    a: Sequence[Message]
    b: Sequence[Message]
    same: bool
    source: str
    kind: str


def folder_of(data: Path) -> Path:
    """Where the files lie: ``data`` itself or its ``dev`` folder. Raises ``FileNotFoundError``."""
    for folder in (data, data / "dev"):
        if any(folder.glob("*.jsonl.gz")):
            return folder
    raise FileNotFoundError(f"no *.jsonl.gz in {data} nor in its folder dev")


def pairs(folder: Path) -> list[PairRow]:
    """Every ``pairs_*`` and ``adversarial_*`` row."""
    return [
        PairRow(row["id"], name, row["a"], row["b"], bool(row["same"]), row["source"], row["kind"])
        for name, row in _rows(folder, "pairs_", "adversarial_")
    ]


def streams(folder: Path) -> dict[str, list[Request]]:
    """The rows of ``replay_mixed`` and of each ``stream_*``, by name, in their order."""
    found: dict[str, list[Request]] = {}
    for name, row in _rows(folder, "replay_", "stream_"):
        at = row["t_ms"] / 1000 if "t_ms" in row else None
        request = Request(row["id"], row["prompt"], row["answer_id"], row["source"], row["share"], at)
        found.setdefault(name, []).append(request)
    return found


def conversations(folder: Path) -> list[Conversation]:
    """Every ``conv_*`` row."""
    return [
        Conversation(row["id"], name, row["messages"], row.get("rewrites") or row.get("duplicate_turns") or ())
        for name, row in _rows(folder, "conv_")
    ]


def conversation_pairs(folder: Path) -> list[ConversationPair]:
    """Every ``convpairs_*`` row."""
    return [
        ConversationPair(row["id"], name, row["a"], row["b"], bool(row["same"]), row["source"], row["kind"])
        for name, row in _rows(folder, "convpairs_")
    ]


def user_texts(messages: Iterable[Message]) -> Iterator[str]:
    """What the user said, turn by turn."""
    return (message["content"] for message in messages if message["role"] == "user")


def _rows(folder: Path, *beginnings: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the file, row) of all files whose names begin so."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        if name.startswith(beginnings):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    yield name, json.loads(line)
