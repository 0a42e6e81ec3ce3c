"""What the verifier is trained on: labelled pairs of the sources whose licences and purpose allow it, and rule-made ones."""

# ruff: noqa: E501  word lists and sentence patterns read best in long lines

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.verifier import templates
from benchmarks.verifier.rules import Maker

ALLOWED_BASES = ("banking", "clinc", "covidfaq", "cast", "mtbench")
REAL_QUESTIONS = ("Change ", "add one typo", "contrations", "(q, paraphrase(q))")
"""Checklist templates over Quora's questions: for evaluation only."""


class Example(NamedTuple):
    a: str
    b: str
    same: int
    source: str


def rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def labelled(data: Path) -> list[Example]:
    """The labelled pairs that training may use."""
    found = []
    for source, name in (
        ("banking77", "pairs_banking77"),
        ("clinc150", "pairs_clinc150"),
        ("covidfaq", "pairs_covidfaq"),
        ("gptcache_mock", "pairs_gptcache_mock"),
        ("svamp", "adversarial_svamp"),
        ("paws", "adversarial_paws"),
        ("clinc150", "adversarial_clinc_params"),
    ):
        found += [Example(row["a"], row["b"], row["same"], source) for row in rows(data, name)]
    for row in rows(data, "adversarial_checklist"):
        if not row["template"].startswith(REAL_QUESTIONS):
            found.append(Example(row["a"], row["b"], row["same"], "checklist"))
    for row in rows(data, "adversarial_rules"):
        if row["source"].removeprefix("rule:") in ALLOWED_BASES:
            found.append(Example(row["a"], row["b"], row["same"], "rules"))
    return found


def prompts(data: Path) -> dict[str, list[str]]:
    """Prompts that the rules may change, by source."""
    found: dict[str, list[str]] = {}
    for source, name in (("banking77", "stream_banking77"), ("clinc150", "stream_clinc150")):
        found[source] = [row["prompt"] for row in rows(data, name)]
    for source, name in (
        ("covidfaq", "pairs_covidfaq"),
        ("gptcache_mock", "pairs_gptcache_mock"),
        ("svamp", "adversarial_svamp"),
    ):
        found[source] = [text for row in rows(data, name) for text in (row["a"], row["b"])]
    found["cast"] = [text for row in rows(data, "conv_cast") for text in row.get("rewrites") or ()]
    for source in ("meancache", "mtbench"):
        turns = [m["content"] for row in rows(data, f"conv_{source}") for m in row["messages"] if m["role"] == "user"]
        found[source] = [text for text in turns if len(text) < 400]
    return {source: sorted(set(texts)) for source, texts in found.items()}


RULE_SHARE = {
    "banking77": 4,
    "clinc150": 5,
    "covidfaq": 1.5,
    "gptcache_mock": 1.5,
    "svamp": 0.8,
    "cast": 3.5,
    "meancache": 2,
    "mtbench": 0.7,
}
"""Of the rule-made pairs, so many parts over each source's prompts."""


def examples(data: Path, leave_out: frozenset[str], made: int, seed: int) -> list[Example]:
    """All labelled pairs that are not left out, and ``made`` rule-made ones.

    Leaving out ``rules`` also leaves out every rule-made pair over the prompts that its rows were made from, other than
    banking77's and clinc150's.
    """
    rng = random.Random(seed)
    found = [one for one in labelled(data) if one.source not in leave_out]
    skipped = set(leave_out) | ({"cast", "covidfaq", "mtbench"} if "rules" in leave_out else set())
    bases = {source: texts for source, texts in prompts(data).items() if source not in skipped}
    makers = {source: Maker(texts, rng) for source, texts in bases.items()}
    sources = list(bases)
    weights = [RULE_SHARE[source] for source in sources]
    count = 0
    while count < made:
        if rng.random() < 0.2:
            pair = templates.make(rng)
            source = "templates"
        else:
            source = rng.choices(sources, weights)[0]
            pair = makers[source].pair(rng.choice(bases[source]))
        if pair is not None:
            a, b, same = pair
            if rng.random() < 0.3:
                a, b = b, a
            found.append(Example(a, b, same, f"made:{source}"))
            count += 1
    rng.shuffle(found)
    return found
