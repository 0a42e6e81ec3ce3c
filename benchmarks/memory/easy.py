"""Easy pairs from public text: statements, texts that restate them, and texts that are about something else.

Nothing is kept: the text is read where it lies. Three sources, each where it is found:

- ``pairs_gptcache_mock`` (GPTCache's statements and their paraphrases, MIT): a text is one between three others.
- ``conv_sgd`` (Schema-Guided Dialogue, CC BY-SA 4.0): a user's turn with at least two numbers or names; the assistant's
  later turns that hold all of them restate it. That rule knows nothing of weights, stems or sentences, but it finds
  literal restatements only, so recall there is that of the easiest kind.
- a JSON file of conversations with observations (the shape of LoCoMo): an observation and the turn it was made from;
  others are turns of the same two people in other sessions.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OTHERS = 10
"""Texts about something else for each statement."""
MOST_STATEMENTS = 300
_SPECIFIC = re.compile(r"\d[\d:.,]*\d|\d|(?<=[a-z,] )[A-Z][\w'&-]*")


@dataclass(frozen=True, slots=True)
class Case:
    """A statement and a text; ``group``: whose statement it is."""

    group: int
    memory: str
    text: str
    question: str
    echoed: bool


def cases_in(path: Path) -> dict[str, list[Case]]:
    """The cases of each source found at a path."""
    if path.is_file():
        return {"observations": list(_observations(json.loads(path.read_text("utf-8"))))}
    found = {}
    if (path / "pairs_gptcache_mock.jsonl.gz").exists():
        found["paraphrases"] = list(_paraphrases(_lines(path / "pairs_gptcache_mock.jsonl.gz")))
    if (path / "conv_sgd.jsonl.gz").exists():
        found["dialogues"] = list(_dialogues(_lines(path / "conv_sgd.jsonl.gz")))
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _paraphrases(rows: list[dict[str, Any]]) -> Iterator[Case]:
    draw = random.Random(3)
    same = [row for row in rows if row["same"]][:MOST_STATEMENTS]
    for number, row in enumerate(same):
        around = [other["b"] for other in draw.sample(same, 3) if other is not row]
        yield Case(number, row["a"], "\n".join([*around[:2], row["b"], *around[2:]]), "", True)
        for _ in range(OTHERS):
            others = [other["b"] for other in draw.sample(same, 4) if other is not row]
            yield Case(number, row["a"], "\n".join(others), "", False)


def _dialogues(rows: list[dict[str, Any]]) -> Iterator[Case]:
    draw = random.Random(4)
    answers = [
        (number, turns[at]["content"], turns[at - 1]["content"])
        for number, row in enumerate(rows)
        for turns in [row["messages"]]
        for at in range(1, len(turns))
        if turns[at]["role"] == "assistant"
    ]
    told = 0
    for number, row in enumerate(rows):
        for at, turn in enumerate(row["messages"]):
            specifics = set(_SPECIFIC.findall(turn["content"]))
            if turn["role"] != "user" or len(specifics) < 2 or told >= MOST_STATEMENTS:
                continue
            told += 1
            for later in range(at + 3, len(row["messages"]), 2):
                text, question = row["messages"][later]["content"], row["messages"][later - 1]["content"]
                if specifics <= set(_SPECIFIC.findall(f"x {text}")):
                    yield Case(number, turn["content"], text, question, True)
            for other, text, question in draw.sample(answers, OTHERS):
                if other != number:
                    yield Case(number, turn["content"], text, question, False)


def _observations(samples: list[dict[str, Any]]) -> Iterator[Case]:
    draw = random.Random(5)
    group = 0
    for sample in samples:
        talk = sample["conversation"]
        sessions = {name: turns for name, turns in talk.items() if isinstance(turns, list)}
        for name, turns in sessions.items():
            place = {turn["dia_id"]: at for at, turn in enumerate(turns)}
            elsewhere = [(other, at) for other in sessions if other != name for at in range(len(sessions[other]))]
            for fact, ids in _facts(sample["observation"].get(f"{name}_observation") or {}):
                spots = [(name, place[id_]) for id_ in ids if id_ in place]
                if not spots:
                    continue
                group += 1
                listed = [
                    (spots[0], True),
                    *((spot, False) for spot in draw.sample(elsewhere, min(OTHERS, len(elsewhere)))),
                ]
                for (session, at), echoed in listed:
                    said = sessions[session]
                    yield Case(group, fact, said[at]["text"], said[at - 1]["text"] if at else "", echoed)


def _facts(by_speaker: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for facts in by_speaker.values():
        for fact, ids in facts:
            yield fact, ids if isinstance(ids, list) else [part.strip() for part in str(ids).split(",")]
