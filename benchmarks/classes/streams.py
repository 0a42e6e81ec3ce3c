"""Labelled streams: prompts with the ``share`` field that says how far one answer serves them all."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MUST_NOT: Final = frozenset({"action", "never", "personal"})
"""Shares of prompts whose answer serves nobody else."""
SHARED: Final = frozenset({"faq", "faq-entity", "mixed"})
"""Shares of prompts whose answer serves every wording."""
TRAINED_ON: Final = ("stream_clinc150", "stream_banking77")
STREAMS: Final = (*TRAINED_ON, "stream_bitext", "stream_qqp", "stream_disflqa")
REPLAY: Final = "replay_mixed"
FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled prompt."""

    prompt: str
    source: str
    share: str
    intent: str

    @property
    def fold(self) -> int:
        """Which fifth of the intents it belongs to."""
        return int(hashlib.sha256(f"{self.source} {self.intent}".encode()).hexdigest(), 16) % FOLDS


def rows_of(folder: Path, name: str) -> list[Row]:
    """The rows of one stream, in order."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            Row(row["prompt"], row["source"], row["share"], row.get("intent") or row["answer_id"])
            for row in map(json.loads, lines)
        ]


def with_intents(replay: Iterable[Row], streams: Iterable[Row]) -> list[Row]:
    """The rows of a replay, each with the intent that its prompt has in the stream it was drawn from."""
    intents = {(row.source, row.prompt): row.intent for row in streams}
    return [Row(row.prompt, row.source, row.share, intents.get((row.source, row.prompt), "")) for row in replay]
