"""Does an answer echo a memory, and did it use it? Against labels, against easy pairs of public text, and the time.

    python -m benchmarks.memory.echo [--half open|held] [--data PATH] [--time] [--misses] [--json]

Reads ``tests/data/echo_*.jsonl`` (see the README there). Weights are fitted on the open half, so on it the figures are
of models that have not seen the triple: ten folds, by triple, at the shipped thresholds. On the held half they are the
product's own answers; it is run once, for the final figures. Intervals are 95 %, by resampling whole triples.
``strangers`` are memories held against answers to other prompts. Baselines: the share of the memory's stems (0.7) or of
their weight in the best two sentences (0.4) for echoes; for uses the share of the memory's words in the answer (0.3),
and of those that the prompt lacks (0.3).

``--data PATH``: a folder with ``pairs_gptcache_mock`` (paraphrases) and ``conv_sgd`` (task dialogues), or a JSON file
of conversations with observations in the shape of LoCoMo. ``--time``: what learning from an interaction takes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory.easy import Case, cases_in
from benchmarks.memory.learning_time import learning_times
from benchmarks.memory.pairs import Pair, load, pairs_of, strangers
from benchmarks.memory.weighing import KINDS, STRANGERS, kept_embedder, out_of_fold, samples
from memory.echo.common import Common
from memory.echo.echo import Echoes
from memory.echo.evidence import Places, gather
from memory.echo.judging import model
from memory.echo.reading import prose, read
from memory.echo.usage import used
from store.embedder import Embedder, EmbedderSpec, load_embedder

RESAMPLED = 1000
STEMS_AT = 0.7
WEIGHT_AT = 0.4
WORDS_AT = 0.3

Said = Sequence[bool]


class Stored:
    """A memory as the product has it."""

    def __init__(self, pair: Pair) -> None:
        self.id, self.memory_type, self.content = pair.id, pair.memory_type, pair.memory


class Memo:
    """An embedder that embeds each text once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Any] = {}
        self.id, self.dimension, self.window = embedder.id, embedder.dimension, embedder.window

    def fits(self, text: str) -> bool:
        """As the embedder says."""
        return self._embedder.fits(text)

    def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors."""
        for text in texts:
            if text not in self._known:
                self._known[text] = self._embedder.embed([text])[0]
        return np.array([self._known[text] for text in texts])


def figures(label: Said, said: Said) -> dict[str, float]:
    """Precision, recall, F1 and the rate of false positives, each in [0, 1]."""
    both = sum(a and b for a, b in zip(label, said, strict=True))
    yes, wanted, no = sum(said), sum(label), len(label) - sum(label)
    return {
        "precision": both / yes if yes else 1.0,
        "recall": both / wanted if wanted else 0.0,
        "f1": 2 * both / (yes + wanted) if yes + wanted else 0.0,
        "fpr": (yes - both) / no if no else 0.0,
    }


def interval(groups: Sequence[int], label: Said, said: Said, name: str = "f1") -> tuple[float, float]:
    """95 % of a figure over resampled groups."""
    members: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    draw, keys = random.Random(1), list(members)
    seen = []
    for _ in range(RESAMPLED):
        rows = [number for key in draw.choices(keys, k=len(keys)) for number in members[key]]
        seen.append(figures([label[n] for n in rows], [said[n] for n in rows])[name])
    seen.sort()
    return seen[int(0.025 * RESAMPLED)], seen[int(0.975 * RESAMPLED) - 1]


def echoed_by_product(pairs: Sequence[Pair], embedder: Embedder | None) -> list[bool]:
    """What ``Echoes`` says of each."""
    return [Echoes(pair.answer, pair.prompt, lambda: embedder).hold(pair.memory) for pair in pairs]


def used_by_product(pairs: Sequence[Pair], embedder: Embedder | None) -> list[bool]:
    """What ``used`` says of each, its whole triple given at once."""
    found: dict[tuple[int, str], bool] = {}
    for group in sorted({pair.group for pair in pairs}):
        together = [pair for pair in pairs if pair.group == group]
        ids = used(together[0].prompt, [Stored(pair) for pair in together], together[0].answer, lambda: embedder)
        found |= {(group, pair.id): pair.id in ids for pair in together}
    return [found[pair.group, pair.id] for pair in pairs]


def stems(pair: Pair) -> bool:
    """The old rule: at least 70 % of the memory's stems stand in the answer."""
    answer = {token.stem for token in read(pair.answer).tokens}
    wanted = [token.stem for token in read(pair.memory).tokens]
    return bool(wanted) and sum(stem in answer for stem in wanted) / len(wanted) >= STEMS_AT


def weight(pair: Pair) -> bool:
    """Weighted coverage of at least 0.4 in the best two sentences."""
    evidence = gather(read(pair.memory), Places(read(prose(pair.answer))), Places(read("")))
    return evidence.values["cover"] >= WEIGHT_AT


def overlap(pair: Pair) -> bool:
    """At least 30 % of the memory's weight stands anywhere in the answer."""
    return _overlap(pair, "") >= WORDS_AT


def overlap_anew(pair: Pair) -> bool:
    """The same of what the prompt lacks."""
    return _overlap(pair, pair.prompt) >= WORDS_AT


def _overlap(pair: Pair, prompt: str) -> float:
    given = {token.stem for token in read(prompt).tokens}
    answer = {token.stem for token in read(pair.answer).tokens}
    wanted = [token for token in read(pair.memory).tokens if token.stem not in given]
    whole = sum(token.weight for token in wanted)
    return sum(token.weight for token in wanted if token.stem in answer) / whole if whole else 0.0


def shipped(half: str, embedder: Embedder) -> dict[str, tuple[list[bool], list[bool]]]:
    """What each model says of each pair of a half and of each stranger: out of fold, or the product's own way."""
    rows = load(half)
    pairs, far = pairs_of(rows), strangers(rows, STRANGERS)
    if half == "open":
        found = {}
        for kind in KINDS:
            seen = samples(kind, rows, embedder)
            said = out_of_fold(seen) >= model(kind.name).threshold
            found[kind.name] = said[seen.plain].tolist(), said[seen.strange].tolist()
        return found
    return {
        "echo": (echoed_by_product(pairs, embedder), echoed_by_product(far, embedder)),
        "echo_words": (echoed_by_product(pairs, None), echoed_by_product(far, None)),
        "usage": (used_by_product(pairs, embedder), []),
        "usage_words": (used_by_product(pairs, None), []),
    }


def labelled(half: str, embedder: Embedder) -> dict[str, dict[str, Any]]:
    """The table over the pairs of a half, and how many strangers pass."""
    rows = load(half)
    pairs, far = pairs_of(rows), strangers(rows, STRANGERS)
    baselines: dict[str, Callable[[Pair], bool]] = {
        "echo: 70 % of stems": stems,
        "echo: weight >= 0.4": weight,
        "usage: overlap": overlap,
        "usage: overlap - prompt": overlap_anew,
    }
    listed = shipped(half, embedder) | {
        name: ([rule(pair) for pair in pairs], [rule(pair) for pair in far]) for name, rule in baselines.items()
    }
    table = {}
    for name, (answers, strange) in sorted(listed.items()):
        label = [pair.echoed if name.startswith("echo") else pair.used for pair in pairs]
        line: dict[str, Any] = figures(label, answers)
        line["f1_interval"] = interval([pair.group for pair in pairs], label, answers)
        if strange:
            line["strangers_passed"], line["strangers"] = sum(strange), len(strange)
        table[name] = line
    return table


def easy(path: Path, embedder: Embedder) -> dict[str, dict[str, Any]]:
    """The table over public text."""
    table = {}
    for name, cases in cases_in(path).items():
        pool = Common({case.memory for case in cases})
        rules: dict[str, Callable[[Case], bool]] = {
            "echo": lambda case, pool=pool: Echoes(case.text, case.question, lambda: embedder, pool).hold(case.memory),
            "echo, words alone": lambda case, pool=pool: Echoes(case.text, case.question, pool=pool).hold(case.memory),
            "echo, no pool": lambda case: Echoes(case.text, case.question, lambda: embedder).hold(case.memory),
            "weight >= 0.4": lambda case: weight(_as_pair(case)),
            "70 % of stems": lambda case: stems(_as_pair(case)),
        }
        label = [case.echoed for case in cases]
        for rule, holds in rules.items():
            answers = [holds(case) for case in cases]
            groups = [case.group for case in cases]
            table[f"{name}: {rule}"] = {
                **figures(label, answers),
                "f1_interval": interval(groups, label, answers),
                "fpr_interval": interval(groups, label, answers, "fpr"),
                "echoes": sum(label),
                "others": len(label) - sum(label),
            }
    return table


def _as_pair(case: Case) -> Pair:
    return Pair(case.group, "", case.question, case.text, case.memory, "knowledge", ())


def misses(half: str, embedder: Embedder) -> list[str]:
    """Where the models are wrong."""
    pairs, said = pairs_of(load(half)), shipped(half, embedder)
    return [
        f"{name} {'false' if yes else 'missed'} {pair.group} {pair.memory!r} <- {pair.answer[:120]!r}"
        for name, label in (("echo", "echoed"), ("usage", "used"))
        for pair, yes in zip(pairs, said[name][0], strict=True)
        if yes != getattr(pair, label)
    ]


def show(title: str, table: dict[str, dict[str, Any]]) -> None:
    """Print one table."""
    print(f"\n{title}\n{'':34s} {'P':>6s} {'R':>6s} {'F1':>6s}  {'95 %':13s} {'FPR':>7s}")
    for name, line in table.items():
        low, high = line["f1_interval"]
        rest = ""
        if "strangers" in line:
            rest = f"  strangers {line['strangers_passed']}/{line['strangers']}"
        if "echoes" in line:
            rest = "  of {others}, 95 % {0:.2%}-{1:.2%}; {echoes} echoes".format(*line["fpr_interval"], **line)
        print(
            f"{name:34s} {line['precision']:6.3f} {line['recall']:6.3f} {line['f1']:6.3f}  {low:.3f}-{high:.3f}"
            f"  {line['fpr']:7.2%}{rest}"
        )


def main() -> None:
    """Score, time, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=["open", "held"], default="open")
    parser.add_argument("--data", type=Path, help="public text for easy pairs")
    parser.add_argument("--time", action="store_true", help="time learning with 100 and 1,000 memories")
    parser.add_argument("--misses", action="store_true", help="print what is judged wrongly")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    embedder = kept_embedder()
    found: dict[str, Any] = {"half": asked.half, "labelled": labelled(asked.half, embedder)}
    if asked.data is not None:
        found["easy"] = easy(asked.data, Memo(load_embedder(EmbedderSpec())))
    if asked.time:
        found["learning_ms"] = learning_times()
    if asked.misses:
        found["misses"] = misses(asked.half, embedder)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    show(f"{asked.half} half" + (", out of fold" if asked.half == "open" else ""), found["labelled"])
    if "easy" in found:
        show("public text", found["easy"])
    for line in found.get("misses", []):
        print(line)
    for name, line in found.get("learning_ms", {}).items():
        print(f"learn, {name}: p50 {line['p50']:.1f} ms, p95 {line['p95']:.1f} ms")


if __name__ == "__main__":
    main()
