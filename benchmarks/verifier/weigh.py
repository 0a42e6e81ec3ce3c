"""What the shipped weights are worth where the encoder has not seen a source, and what others would be.

    python -m benchmarks.verifier.weigh --data DIR --encoder FILE:checklist,banking77 --encoder FILE:rules,clinc150 \\
        --rest FILE

Each encoder is a file of ``benchmarks.verifier.train`` with the sources it was trained without; pairs of those sources
are scored by it, all others by ``--rest``. Prints, for each set of weights, the recall of reusable pairs pooled without
Quora, and by source at 2 % false hits, guards before it.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch

from benchmarks.decisions.embedding import kept_embedder, similarities
from benchmarks.decisions.measures import RATES, recall_at
from benchmarks.verifier.model import PairEncoder
from benchmarks.verifier.sources import rows
from cache import guards
from cache.verifier import Array
from cache.verifier.learned import MOST_DOUBTS
from cache.verifier.reading import Reader, arrays
from store.embedder.models import bundled_folder

FILES = (
    *(f"pairs_{name}" for name in ("banking77", "clinc150", "covidfaq", "gptcache_mock", "bitext", "disflqa")),
    *(f"adversarial_{name}" for name in ("svamp", "paws", "clinc_params", "checklist", "rules", "squad", "xquad")),
)
SOURCES = ("checklist", "rules", "banking77", "bitext", "clinc150", "disflqa")
TRIED = ((30.0, 2.0, 4.0), (40.0, 1.0, 4.0), (40.0, 2.0, 0.0), (20.0, 2.0, 4.0), (60.0, 1.0, 4.0))
"""Weights of cosine, doubts and words apart, beside 1 for the encoder's logit; the second is what ships, scaled."""


def logits(encoder: Path, pairs: list[tuple[str, str]]) -> Array:
    """The encoder's logits, float32 weights; of pairs that are too long to be read, a low one."""
    torch.set_num_threads(2)
    model = PairEncoder()
    model.load_state_dict(torch.load(encoder, weights_only=True))
    model.eval()
    reader = Reader((bundled_folder() / "tokenizer.json").read_bytes())
    found = np.full(len(pairs), -12.0)
    with torch.no_grad():
        for at, (new, stored) in enumerate(pairs):
            read = reader.pair(new, stored)
            if read is not None:
                ids, kinds = arrays([read[0]], [read[1]])
                found[at] = float(model(torch.from_numpy(ids), torch.from_numpy(kinds))[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", action="append", default=[], metavar="FILE:SOURCES")
    parser.add_argument("--rest", type=Path, required=True)
    parser.add_argument("--most", type=int, help="pairs of each file, drawn at random")
    given = parser.parse_args()
    pairs, same, sources = [], [], []
    for file in FILES:
        found = list(rows(given.data, file))
        for row in random.Random(1).sample(found, min(len(found), given.most or len(found))):
            pairs.append((row["b"], row["a"]))
            same.append(bool(row["same"]))
            sources.append({"clinc_params": "clinc150"}.get(name := file.partition("_")[2], name))
    chosen = {
        source: Path(one.rpartition(":")[0]) for one in given.encoder for source in one.rpartition(":")[2].split(",")
    }
    logit = np.zeros(len(pairs))
    for encoder in {given.rest, *chosen.values()}:
        at = [i for i, source in enumerate(sources) if chosen.get(source, given.rest) == encoder]
        logit[at] = logits(encoder, [pairs[i] for i in at])
    cosine = similarities(kept_embedder(), pairs).astype(np.float64)
    doubts = np.array([guards.doubts(*pair) for pair in pairs])
    vetoed = np.array([guards.check(*pair) is not None for pair in pairs])
    report(np.array(same), np.array(sources), cosine, logit, doubts, vetoed)


def report(same: Array, sources: Array, cosine: Array, logit: Array, doubts: Array, vetoed: Array) -> None:
    """Print the table."""
    suspected = np.minimum(doubts[:, : len(guards.GUARDS)].sum(axis=1), MOST_DOUBTS)
    apart = doubts[:, guards.DOUBTS.index("apart")]
    print("weights".ljust(22), *(f"{rate:.1%}".rjust(7) for rate in RATES), *(source.rjust(10) for source in SOURCES))
    scores = {"cosine": cosine}
    for weight, doubt, distance in TRIED:
        score = logit + weight * cosine - doubt * suspected - distance * apart
        scores[f"{weight:g} {doubt:g} {distance:g}"] = np.where(vetoed, -np.inf, score)
    for name, score in scores.items():
        by_source = [recall_at(score[sources == source], same[sources == source], 0.02) for source in SOURCES]
        pooled = [recall_at(score, same, rate) for rate in RATES]
        print(name.ljust(22), *(f"{r:7.3f}" for r in pooled), *(f"{r:10.3f}" for r in by_source))


if __name__ == "__main__":
    main()
