"""The labelled triples of ``tests/data/echo_*.jsonl`` as pairs of a memory and an answer, with what a judge sees."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from memory.echo.evidence import Places, gather
from memory.echo.judging import NEAR, Nearness
from memory.echo.reading import prose, read
from memory.echo.usage import MANNER
from store.embedder import Embedder

DATA = Path(__file__).parents[2] / "tests" / "data"
APART = 10
"""Triples nearer than this in the file may share a topic: their memories are no strangers to each other's answers."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A memory held against an answer. ``group``: the number of the triple whose memory it is."""

    group: int
    id: str
    prompt: str
    answer: str
    memory: str
    memory_type: str
    others: tuple[str, ...]
    used: bool = False
    echoed: bool = False


def load(half: str) -> list[dict[str, Any]]:
    """The triples of a half."""
    path = DATA / f"echo_{half}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs_of(rows: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """Each memory with its own answer."""
    return [pair for group, row in enumerate(rows) for pair in _pairs(group, row)]


def _pairs(group: int, row: Mapping[str, Any]) -> Iterator[Pair]:
    for memory in row["memories"]:
        yield Pair(
            group,
            memory["id"],
            row["prompt"],
            row["answer"],
            memory["content"],
            memory["type"],
            tuple(other["content"] for other in row["memories"] if other is not memory),
            memory["id"] in row["used"],
            memory["id"] in row["echoed"],
        )


def strangers(rows: Sequence[Mapping[str, Any]], each: int, seed: int = 1) -> list[Pair]:
    """Each memory with answers to other prompts, drawn at random: easy pairs, none of them an echo or a use.

    Every second one is long: six answers, one after the other.
    """
    draw = random.Random(seed)
    found = []
    for pair in pairs_of(rows):
        far = _far(rows, pair)
        for turn in range(each):
            number = draw.choice(far)
            row = rows[number]
            answers = [row["answer"], *(rows[other]["answer"] for other in draw.sample(far, 5 * (turn % 2)))]
            others = tuple(memory["content"] for memory in row["memories"])
            text = "\n\n".join(answers)
            found.append(replace(pair, prompt=row["prompt"], answer=text, others=others, used=False, echoed=False))
    return found


def diluted(rows: Sequence[Mapping[str, Any]], seed: int = 2) -> list[Pair]:
    """Each pair with its answer among three answers to other prompts, as one long text; labels stay."""
    draw = random.Random(seed)
    found = []
    for pair in pairs_of(rows):
        before, *after = (rows[number]["answer"] for number in draw.sample(_far(rows, pair), 3))
        found.append(replace(pair, answer="\n\n".join([before, pair.answer, *after])))
    return found


def _far(rows: Sequence[Mapping[str, Any]], pair: Pair) -> list[int]:
    return [number for number in range(len(rows)) if abs(number - pair.group) > APART]


def echo_values(pair: Pair, embedder: Embedder) -> dict[str, float]:
    """What the judge of echoes sees of a pair, nearness included."""
    evidence = gather(read(pair.memory), Places(read(prose(pair.answer))), Places(read(pair.prompt)))
    return {**evidence.values, NEAR: Nearness(embedder, pair.prompt).of(pair.memory, evidence.stretch)}


def usage_values(pair: Pair, embedder: Embedder) -> dict[str, float]:
    """What the judge of uses sees of a pair, nearness included."""
    others = [Places(read(other)) for other in pair.others]
    evidence = gather(read(pair.memory), Places(read(pair.answer)), Places(read(pair.prompt)), others)
    near = Nearness(embedder, pair.prompt).of(pair.memory, evidence.stretch)
    return {**evidence.values, NEAR: near, "manner": float(pair.memory_type in MANNER)}
