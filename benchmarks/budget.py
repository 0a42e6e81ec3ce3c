"""Does the error budget hold? A closed loop of admission, audits, labels and calibration over labelled pairs.

    python -m benchmarks.budget [--data DIR] [--runs 100] [--requests 4000] [--verifier NAME] [--only PART,PART]

Each request brings one candidate with its true verdict; what the loop learns, it learns from misses and audits alone.
The first cuts come from sources that are not simulated. A run is within budget when wrong / hits <= budget over the
whole of it, what was served before anything was known included. With few hits chance alone breaks that, so the
wrong hits beyond the budget are printed too (mean and most of any run), and the number of runs with hits at all.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.budget_loop import Candidates, Outcome, Setting, run
from benchmarks.budget_pairs import load
from benchmarks.budget_worlds import BUDGETS, World, simulated
from benchmarks.decisions.embedding import default_cache
from cache.budget import LabelError

NOISE = LabelError(0.05, 0.01)
"""Labels in the noisy runs: one wrong answer in twenty passes for right, one right one in a hundred for wrong."""

PARTS: Mapping[str, tuple[str, Setting, str, bool]] = {
    "random": ("audits on, first cut on probation, random order", Setting(0.0), "random", False),
    "at-rate": (
        "audits at the policy's rate alone until there is doubt",
        Setting(0.0, probation=False),
        "random",
        False,
    ),
    "off": ("audits off, random order", Setting(0.0, audits=False), "random", False),
    "loose": ("audits on, a first cut far too loose on probation", Setting(0.0), "random", True),
    "loose-at-rate": ("the same without probation", Setting(0.0, probation=False), "random", True),
    "loose-off": ("audits off, a first cut far too loose", Setting(0.0, audits=False), "random", True),
    "noisy": (
        "labels that err, their error known (false alarms at half their rate)",
        Setting(0.0, noise=NOISE, told_noise=LabelError(NOISE.false_same, NOISE.false_different / 2)),
        "random",
        False,
    ),
    "noisy-untold": ("labels that err, their error not known", Setting(0.0, noise=NOISE), "random", False),
    "sorted": ("audits on, one source after another", Setting(0.0), "sorted", False),
    "sorted-at-rate": ("the same without probation", Setting(0.0, probation=False), "sorted", False),
    "sorted-off": ("audits off, one source after another", Setting(0.0, audits=False, looks=False), "sorted", False),
}


def arranged(candidates: Candidates, order: str, requests: int, seed: int) -> Candidates:
    """Requests in random order, or all of one source before the next, each source's share kept."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(candidates.correct))[:requests]
    if order == "sorted":
        names = rng.permutation(np.unique(candidates.sources))
        place = {name: at for at, name in enumerate(names)}
        rows = rows[np.argsort([place[name] for name in candidates.sources[rows]], kind="stable")]
    return candidates.of(rows)


def one_run(world: World, setting: Setting, order: str, loose: bool, requests: int, seed: int) -> Outcome:
    """One seeded run."""
    priors = world.priors
    if loose:
        # Lets 45 of 100 candidates through, whatever the budget.
        priors = dict.fromkeys(BUDGETS, float(np.quantile(world.mix.score(world.candidates.signals), 0.55)))
    return run(arranged(world.candidates, order, requests, seed), world.mix, priors, setting, seed)


def show(name: str, setting: Setting, world: World, outcomes: list[Outcome]) -> None:
    """One line of the table."""
    errors = np.array([outcome.error for outcome in outcomes])
    beyond = np.array([outcome.wrong - setting.budget * outcome.hits for outcome in outcomes])
    served = [outcome for outcome in outcomes if outcome.hits]
    pooled = sum(o.wrong for o in outcomes) / max(1, sum(o.hits for o in outcomes))
    estimated = sum(o.estimated for o in outcomes) / max(1, sum(o.hits for o in outcomes))
    alarmed = [o.alarms[0] for o in outcomes if o.alarms]
    learned = [o.learned_at for o in outcomes if o.learned_at is not None]
    print(
        f"{name:14s} {100 * setting.budget:4.1f} {100 * pooled:7.2f} {100 * errors.max():7.2f} "
        f"{np.mean(errors <= setting.budget):7.2f} {len(served):5d} {beyond.mean():7.1f} {beyond.max():6.1f} "
        f"{100 * np.mean([o.hits / o.requests for o in outcomes]):6.1f} {100 * world.oracle[setting.budget]:6.1f} "
        f"{100 * estimated:7.2f} {np.mean([o.audits for o in outcomes]):7.0f} "
        f"{np.mean([o.labels for o in outcomes]):7.0f} {np.mean([len(o.alarms) for o in outcomes]):6.2f} "
        f"{100 * np.mean([o.shadow / o.requests for o in outcomes]):6.1f} "
        f"{np.mean([o.changes for o in outcomes]):6.2f} {np.median(learned) if learned else float('nan'):7.0f} "
        f"{len(learned):5d}  "
        + (
            f"{np.mean([a[1] for a in alarmed]):.0f} hits, {np.mean([a[2] for a in alarmed]):.1f} wrong"
            if alarmed
            else "-"
        ),
        flush=True,
    )


HEAD = (
    f"{'part':14s} {'bud%':>4s} {'error%':>7s} {'worst%':>7s} {'within':>7s} {'any':>5s} {'beyond':>7s} {'most':>6s} "
    f"{'hit%':>6s} {'best%':>6s} {'audit%':>7s} {'audits':>7s} {'labels':>7s} {'alarms':>6s} {'shad%':>6s} "
    f"{'change':>6s} {'learned':>7s} {'runs':>5s}  before the first alarm"
)


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the pair files; without it only simulated scores")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--budgets", type=_budgets, default=BUDGETS, help="of " + ",".join(map(str, BUDGETS)))
    parser.add_argument("--verifier", default="pair")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ", ".join(PARTS))
    parser.add_argument("--worlds", default="", help="words in the names of the worlds wanted; all by default")
    parser.add_argument("--cache", type=Path, default=default_cache())
    options = parser.parse_args(arguments)
    worlds = [world for world in simulated() if options.worlds in world.name]
    if options.data is not None:
        real = load(options.data, options.verifier, options.cache)
        worlds += [world for world in real if options.worlds in world.name]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for world in worlds:
            priors = ", ".join(f"{100 * budget:g} %: {cut:.3f}" for budget, cut in world.priors.items()) or "none"
            print(f"\n{world.name}: {len(world.candidates.correct)} candidates; first cuts {priors}\n{HEAD}")
            for name in options.only.split(","):
                _, setting, order, loose = PARTS[name]
                for budget in options.budgets:
                    made = replace(setting, budget=budget)
                    job = partial(one_run, world, made, order, loose, options.requests)
                    show(name, made, world, list(pool.map(job, range(options.runs), chunksize=4)))


def _budgets(text: str) -> tuple[float, ...]:
    return tuple(budget for budget in BUDGETS if str(budget) in text.split(","))


if __name__ == "__main__":
    main()
