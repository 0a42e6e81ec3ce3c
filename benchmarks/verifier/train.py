"""Train the pair encoder: ``python -m benchmarks.verifier.train --data DIR --out FILE [--leave-out SOURCE ...]``."""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.verifier.model import SPLIT, PairEncoder, pretrained
from benchmarks.verifier.sources import Example, examples
from cache.verifier.reading import Reader, Tokens, arrays
from store.embedder.models import bundled_folder

BATCH = 48
LONGEST = 64
"""Tokens of one prompt in training; longer ones are cut."""


def batches(found: Sequence[Example], reader: Reader, rng: random.Random) -> Iterator[list[Example]]:
    """Batches of pairs of like length, in random order."""
    order = sorted(found, key=lambda one: max(len(reader.tokens(text).ids) for text in one[:2]) + rng.random())
    cut = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(cut)
    return iter(cut)


def train(found: Sequence[Example], passes: float, seed: int) -> PairEncoder:
    """A trained encoder; lower layers and word vectors stay as they were."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    folder = bundled_folder()
    model = pretrained(folder)
    reader = Reader((folder / "tokenizer.json").read_bytes(), kept=1_000_000)
    new = [p for part in (model.side, model.kind, model.head) for p in part.parameters()]
    old = [p for layer in model.layers[SPLIT:] for p in layer.parameters()]
    optimiser = torch.optim.AdamW([{"params": new, "lr": 8e-4}, {"params": old, "lr": 1.6e-4}], weight_decay=0.01)
    steps = math.ceil(len(found) * passes / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1.0, (s + 1) / 100) * max(0.02, 1 - s / steps)
    )
    began, losses, step = time.time(), [], 0
    while step < steps:
        for batch in batches(found, reader, rng):
            ids, kinds = arrays([_cut(reader, one.a) for one in batch], [_cut(reader, one.b) for one in batch])
            logits = model(torch.from_numpy(ids), torch.from_numpy(kinds), drop=0.05)
            # Labels are not certain: intents are coarse and rules are blind.
            target = torch.tensor([0.97 if one.same else 0.02 for one in batch])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.trainable(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            step += 1
            if step % 50 == 0:
                rate = step * BATCH / (time.time() - began)
                print(f"step {step}/{steps} loss {np.mean(losses[-50:]):.3f} {rate:.0f} pairs/s", flush=True)
            if step >= steps:
                break
    return model


def _cut(reader: Reader, text: str) -> Tokens:
    ids, words = reader.tokens(text)
    return (
        Tokens((*ids[: LONGEST - 1], ids[-1]), (*words[: LONGEST - 1], ""))
        if len(ids) > LONGEST
        else Tokens(ids, words)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--leave-out", nargs="*", default=[])
    parser.add_argument("--made", type=int, default=40000)
    parser.add_argument("--passes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found = examples(given.data, frozenset(given.leave_out), given.made, given.seed)
    print(f"{len(found)} pairs", flush=True)
    torch.save(train(found, given.passes, given.seed).state_dict(), given.out)


if __name__ == "__main__":
    main()
