"""Fit the weights of ``memory/echo/weights/echo.json``: four logistic regressions, and their predictions out of fold.

    python -m benchmarks.memory.weighing [--out FILE]

Data: the open half of ``tests/data/echo_*.jsonl`` and nothing else: its pairs; for echoes the same pairs without their
prompt, at half weight; the pairs with their answer inside a longer text, at half weight; and every memory with answers
to other prompts ("strangers"), at a tenth. Features were chosen by cross-validation grouped by triple: what did not
help was left out. ``echo`` and ``usage`` see the nearness of embeddings (all-MiniLM-L6-v2, int8), ``echo_words`` and
``usage_words`` do not. Thresholds: the one with the best F1 out of fold at which at most 0.1 % of strangers pass for
echoes (0.2 % without vectors), 2 % for uses, half of them in texts six answers long.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmarks.decisions.embedding import KeptEmbedder, default_cache
from benchmarks.memory.pairs import Pair, diluted, echo_values, load, pairs_of, strangers, usage_values
from memory.echo.judging import NEAR
from store.embedder import Embedder, EmbedderSpec, load_embedder

OUT = Path(__file__).parents[2] / "memory" / "echo" / "weights" / "echo.json"
FOLDS = 10
ROUNDS = 3
"""Cross-validations with other folds; a pair's prediction is their mean."""
PENALTY = 0.3
STRANGERS = 8
STRANGE = 0.1
"""Weight of a stranger."""
PROMPTLESS = 0.5
DILUTED = 0.5

ECHO = "cover joint new_share rare denies text_denies polarity name_missing number_missing".split()
USAGE = "cover given new_share own_new name_missing number_missing length manner".split()

LEAST = {"joint": 0.4}
"""An echo says at least so much of a memory, together with what the prompt asks: nearness alone is the same topic."""

Matrix = Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One model: what it is asked, and what it sees."""

    name: str
    features: Sequence[str]
    values: Callable[[Pair, Embedder], dict[str, float]]
    label: Callable[[Pair], bool]
    promptless: bool
    most_strange: float
    """Share of strangers that may pass."""
    least: Mapping[str, float] = field(default_factory=dict)
    """What features must at least be, whatever the weights say."""


def _echoed(pair: Pair) -> bool:
    return pair.echoed


def _used(pair: Pair) -> bool:
    return pair.used


KINDS = (
    Kind("echo", [*ECHO, NEAR], echo_values, _echoed, True, 0.001, LEAST),
    Kind("echo_words", ECHO, echo_values, _echoed, True, 0.002, LEAST),
    Kind("usage", [*USAGE, NEAR], usage_values, _used, False, 0.02),
    Kind("usage_words", USAGE, usage_values, _used, False, 0.02),
)


@dataclass(slots=True)
class Samples:
    """Rows to fit on, with what they weigh; ``plain`` marks the pairs as they stand in the file."""

    x: Matrix
    y: Matrix
    weight: Matrix
    group: Matrix
    plain: Matrix
    strange: Matrix
    possible: Matrix
    """Where every feature has the least that it must."""


def samples(kind: Kind, rows: Sequence[dict[str, Any]], embedder: Embedder) -> Samples:
    """Pairs, promptless pairs and strangers."""
    pairs, far = pairs_of(rows), strangers(rows, STRANGERS)
    parts = [(pairs, 1.0), (far, STRANGE), (diluted(rows), DILUTED)]
    if kind.promptless:
        parts.append(([replace(pair, prompt="") for pair in pairs], PROMPTLESS))
    listed = [(pair, weight) for part, weight in parts for pair in part]
    values = [kind.values(pair, embedder) for pair, _ in listed]
    number = np.arange(len(listed))
    possible = [all(one[name] >= bound for name, bound in kind.least.items()) for one in values]
    return Samples(
        np.array([[one[name] for name in kind.features] for one in values]),
        np.array([kind.label(pair) for pair, _ in listed]),
        np.array([weight for _, weight in listed]),
        np.array([pair.group for pair, _ in listed]),
        number < len(pairs),
        (number >= len(pairs)) & (number < len(pairs) + len(far)),
        np.array(possible),
    )


def fit(seen: Samples, rows: Matrix) -> tuple[float, Matrix]:
    """Intercept and weights on the features as they are."""
    scaler = StandardScaler().fit(seen.x[rows])
    fitted = LogisticRegression(C=PENALTY, max_iter=3000).fit(
        scaler.transform(seen.x[rows]), seen.y[rows], sample_weight=seen.weight[rows]
    )
    weights = fitted.coef_[0] / scaler.scale_
    return float(fitted.intercept_[0] - weights @ scaler.mean_), weights


def out_of_fold(seen: Samples) -> Matrix:
    """The probability of every row by models that have not seen its triple."""
    total = np.zeros(len(seen.y))
    for seed in range(ROUNDS):
        fold = np.random.default_rng(seed).permutation(seen.group.max() + 1)[seen.group] % FOLDS
        for number in range(FOLDS):
            intercept, weights = fit(seen, fold != number)
            held = fold == number
            total[held] += 1 / (1 + np.exp(-(intercept + seen.x[held] @ weights)))
    return np.where(seen.possible, total / ROUNDS, 0.0)


def threshold(seen: Samples, probability: Matrix, most_strange: float) -> float:
    """Where F1 over the pairs is best, not below what strangers pass."""
    strange = np.quantile(probability[seen.strange], 1 - most_strange)
    tried = [t for t in np.arange(0.3, 0.9, 0.01) if t >= strange]
    # The middle of the best ones: single pairs move the best.
    scores = np.array([f1(seen.y[seen.plain], probability[seen.plain] >= t) for t in tried])
    best = [t for t, score in zip(tried, scores, strict=True) if score >= scores.max() - 0.004]
    return round(float(np.median(best)), 2)


def f1(label: Matrix, said: Matrix) -> float:
    """Harmonic mean of precision and recall, in [0, 1]."""
    both = int((label & said).sum())
    return 2 * both / max(1, int(label.sum()) + int(said.sum()))


def kept_embedder() -> Embedder:
    """The default embedder over vectors kept between runs."""
    return KeptEmbedder(load_embedder(EmbedderSpec()), default_cache())


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description="Fit the weights of memory/echo/weights/echo.json.")
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    rows, embedder = load("open"), kept_embedder()
    models = {}
    for kind in KINDS:
        seen = samples(kind, rows, embedder)
        probability = out_of_fold(seen)
        cut = threshold(seen, probability, kind.most_strange)
        intercept, weights = fit(seen, np.ones(len(seen.y), dtype=bool))
        models[kind.name] = {
            "intercept": round(intercept, 4),
            "threshold": cut,
            "least": dict(kind.least),
            "weights": {name: round(float(w), 4) for name, w in zip(kind.features, weights, strict=True)},
        }
        plain = seen.plain
        said = probability[plain] >= cut
        print(
            f"{kind.name:12s} threshold {cut:.2f}  F1 out of fold {f1(seen.y[plain], said):.3f}"
            f"  recall {said[seen.y[plain]].mean():.3f}  strangers {(probability[seen.strange] >= cut).mean():.4f}"
        )
    told = {
        "version": 1,
        "trained_on": "tests/data/echo_open.jsonl (Apache-2.0) by benchmarks/memory/weighing.py; nothing else",
        "embedder": "all-MiniLM-L6-v2, int8",
        "models": models,
    }
    out.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
