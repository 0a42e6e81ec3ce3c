"""Fit the weights of ``cache/classes/weights.json``: a logistic regression over words and the signs of the rules.

    python -m benchmarks.classes.train --data DIR [--out FILE]

Data: the development streams of CLINC150 (CC BY 3.0) and Banking77 (CC BY 4.0), nothing else. A prompt whose share is
action, never or personal is one to keep from the cache; faq and param ones are not. Out-of-scope prompts (oos) are
labelled neither way; where no rule places them they count as prompts to share, being the only general questions there.
Banking77's personal prompts, whose words its faq prompts share, are left out. Weights below two hundredths and features
seen fewer than three times are dropped. The cuts were chosen over replay_mixed as a whole, so that at most 2 % of its
faq prompts are lost, Bitext's, Quora's and Disfl-QA's among them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.classes.streams import FOLDS, MUST_NOT, TRAINED_ON, Row, rows_of
from cache.classes import learned
from cache.classes.asked import read

INVERSE_PENALTY: Final = 0.3
ROW_WEIGHTS: Final = {"param": 0.5, "oos": 2.0}
"""By share; 1 for others."""
LEAST_SEEN: Final = 3
LEAST_WEIGHT: Final = 2
"""Hundredths."""
CUT: Final = 0.7
HELP_MARGIN: Final = 1.2
KEEP: Final = -1.0
OUT: Final = Path(__file__).parents[2] / "cache" / "classes" / "weights.json"


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights in hundredths by feature, and the bias."""

    weights: dict[str, int]
    bias: float

    def score(self, present: Sequence[str]) -> float:
        """Log-odds for a text with these features."""
        return self.bias + sum(self.weights.get(feature, 0) for feature in present) / 100


def present(prompt: str) -> list[str]:
    """The features of a prompt, as the shipped code sees them."""
    reading = read(prompt)
    return list(learned.features(reading.text, reading.marks))


def usable(rows: Sequence[Row]) -> list[Row]:
    """The rows that are trained on."""
    return [
        row
        for row in rows
        if (row.source, row.share) != ("banking77", "personal")
        and not (row.share == "oos" and read(row.prompt).classes)
    ]


def fit(features: Sequence[Sequence[str]], labels: Sequence[bool], weights: Sequence[float]) -> Fitted:
    """A logistic regression, pruned and rounded as it is shipped."""
    vectorizer = DictVectorizer(dtype=np.float32)
    matrix = vectorizer.fit_transform([dict.fromkeys(found, 1.0) for found in features])
    seen = np.asarray((matrix != 0).sum(axis=0)).ravel() >= LEAST_SEEN
    names = [name for name, kept in zip(vectorizer.get_feature_names_out(), seen, strict=True) if kept]
    model = LogisticRegression(C=INVERSE_PENALTY, solver="liblinear", max_iter=300)
    model.fit(matrix[:, seen], np.asarray(labels), sample_weight=np.asarray(weights))
    hundredths = {name: round(100 * float(weight)) for name, weight in zip(names, model.coef_[0], strict=True)}
    kept = {name: weight for name, weight in hundredths.items() if abs(weight) >= LEAST_WEIGHT}
    return Fitted(kept, round(float(model.intercept_[0]), 3))


def fit_rows(rows: Sequence[Row], features: dict[str, list[str]]) -> Fitted:
    """What tells prompts to keep from the cache from others."""
    return fit(
        [features[row.prompt] for row in rows],
        [row.share in MUST_NOT for row in rows],
        [ROW_WEIGHTS.get(row.share, 1.0) for row in rows],
    )


def fit_without_each_fold(rows: Sequence[Row], features: dict[str, list[str]]) -> list[Fitted]:
    """One fit for each fifth of the intents, on the other four."""
    return [fit_rows([row for row in rows if row.fold != fold], features) for fold in range(FOLDS)]


def fit_own(rows: Sequence[Row], features: dict[str, list[str]]) -> Fitted:
    """What tells questions after the asker's own data from orders; for naming only, so single words do."""
    kept = [row for row in rows if row.share in ("action", "personal")]
    short = [[name for name in features[row.prompt] if " " not in name] for row in kept]
    return fit(short, [row.share == "personal" for row in kept], [1.0] * len(kept))


def main() -> None:
    """Fit on everything and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the streams")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    rows = usable([row for name in TRAINED_ON for row in rows_of(arguments.data, name)])
    features = {row.prompt: present(row.prompt) for row in rows}
    told, own = fit_rows(rows, features), fit_own(rows, features)
    written: dict[str, Any] = {
        "about": "Written by benchmarks/classes/train.py; see there. Weights in hundredths.",
        "trained_on": ["CLINC150 (CC BY 3.0)", "Banking77 (CC BY 4.0)"],
        "cut": CUT,
        "help_margin": HELP_MARGIN,
        "keep": KEEP,
        "bias": told.bias,
        "own_bias": own.bias,
        "weights": told.weights,
        "own_weights": own.weights,
    }
    text = json.dumps(written, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    arguments.out.write_text(text.replace(',"', ',\n"') + "\n", encoding="utf-8")
    print(f"{len(told.weights)} weights, {len(own.weights)} for naming, {arguments.out.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
