"""What the guards veto: by guard, by source and kind, true and false; and microseconds a pair.

    python -m benchmarks.guards --data DIR [--near 0.6] [--failures GUARD]

A veto is true where the pair must not share an answer (``same`` 0), false where it may. Counted are all pairs, and
those whose prompts are near enough in the embedder's eyes for a veto to matter. A doubt is what a guard finds without
being sure: it vetoes nothing, and is given to the verifier.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.decisions.data import NOISY, PairRow, folder_of, pairs
from benchmarks.decisions.embedding import kept_embedder, similarities
from cache import guards

SHORT = 200
"""Characters of two prompts together up to which they count as short in the timing."""


class Judged(NamedTuple):
    """A labelled pair, its cosine, and what each guard found."""

    row: PairRow
    similarity: float
    found: tuple[guards.Finding | None, ...]

    @property
    def vetoed(self) -> bool:
        """Is any guard sure?"""
        return any(finding is not None and finding.sure for finding in self.found)


def judge(rows: Sequence[PairRow], similar: Sequence[float]) -> list[Judged]:
    """What every guard says of every pair, ``b`` being the new prompt."""
    judged = []
    for row, similarity in zip(rows, similar, strict=True):
        pair = guards.Pair(row.b, row.a)
        judged.append(Judged(row, float(similarity), tuple(guard(pair) for guard in guards.GUARDS)))
    return judged


def by_guard(judged: Sequence[Judged]) -> None:
    """Print true and false vetoes and doubts of each guard."""
    print(f"{'guard':12s} {'true':>6s} {'false':>6s} {'right':>7s}   {'doubts true':>11s} {'false':>6s} {'right':>7s}")
    for number, guard in enumerate(guards.GUARDS):
        counts: Counter[tuple[bool, bool]] = Counter()
        for one in judged:
            finding = one.found[number]
            if finding is not None:
                counts[finding.sure, one.row.same] += 1
        shares = [_share(counts[sure, False], counts[sure, True]) for sure in (True, False)]
        print(
            f"{guard.__name__:12s} {counts[True, False]:6d} {counts[True, True]:6d} {shares[0]:>7s}"
            f"   {counts[False, False]:11d} {counts[False, True]:6d} {shares[1]:>7s}"
        )
    vetoes = Counter(one.row.same for one in judged if one.vetoed)
    print(f"{'any':12s} {vetoes[False]:6d} {vetoes[True]:6d} {_share(vetoes[False], vetoes[True]):>7s}")


def by_kind(judged: Sequence[Judged]) -> None:
    """Print how many pairs of each source and kind are vetoed: of ``same`` 0 all should be, of ``same`` 1 none."""
    counts: Counter[tuple[str, str, bool]] = Counter((one.row.source, one.row.kind, one.row.same) for one in judged)
    vetoed = Counter((one.row.source, one.row.kind, one.row.same) for one in judged if one.vetoed)
    print(f"{'source':18s} {'kind':24s} {'same':>4s} {'pairs':>6s} {'vetoed':>7s}")
    for key in sorted(counts):
        source, kind, same = key
        print(f"{source:18s} {kind:24s} {same:4d} {counts[key]:6d} {vetoed[key] / counts[key]:7.1%}")


def timing(rows: Sequence[PairRow]) -> None:
    """Print the cost of a check, each text new to the guards, and with both seen before."""
    short = [row for row in rows if len(row.a) + len(row.b) <= SHORT]
    chosen = random.Random(1).sample(short, min(1000, len(short)))
    for name, run in (("check", guards.check), ("doubts", guards.doubts)):
        guards.forget()
        first = _microseconds(chosen, run)
        again = min(_microseconds([row] * 3, run) for row in chosen[:200])
        print(f"{name:7s} {first:5.0f} us a pair of new short texts, {again:5.0f} us at least with both seen before")


def failures(judged: Sequence[Judged], name: str, count: int = 20) -> None:
    """Print some false vetoes of one guard."""
    number = [guard.__name__ for guard in guards.GUARDS].index(name)
    wrong = [one for one in judged if one.row.same and (found := one.found[number]) is not None and found.sure]
    for one in random.Random(1).sample(wrong, min(count, len(wrong))):
        found = one.found[number]
        words = " ".join(found.words) if found else ""
        print(f"  {one.row.source} {one.similarity:.2f} [{words}] {one.row.a[-120:]!r} | {one.row.b[-120:]!r}")


def _share(true: int, false: int) -> str:
    return f"{true / (true + false):.1%}" if true + false else "-"


def _microseconds(rows: Sequence[PairRow], run) -> float:
    begin = time.process_time()
    for row in rows:
        run(row.b, row.a)
    return (time.process_time() - begin) / len(rows) * 1e6


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--near", type=float, default=0.6, help="cosine from which a veto matters")
    parser.add_argument("--failures", metavar="GUARD", help="print some of its false vetoes")
    arguments = parser.parse_args()
    rows = pairs(folder_of(arguments.data))
    embedder = kept_embedder()
    judged = judge(rows, similarities(embedder, [(row.a, row.b) for row in rows]).tolist())
    embedder.flush()
    near = [one for one in judged if one.similarity >= arguments.near]
    quiet = [one for one in near if NOISY not in one.row.file]
    for title, chosen in (
        (f"without Quora, cosine from {arguments.near}", quiet),
        ("without Quora, all", [one for one in judged if NOISY not in one.row.file]),
        (f"Quora (noisy labels), cosine from {arguments.near}", [one for one in near if NOISY in one.row.file]),
    ):
        same = sum(one.row.same for one in chosen)
        print(f"\n{title}: {len(chosen) - same} pairs to be kept apart, {same} that may share")
        by_guard(chosen)
    print(f"\nvetoed by source and kind, cosine from {arguments.near}")
    by_kind(near)
    print()
    timing(rows)
    if arguments.failures:
        failures(near, arguments.failures)


if __name__ == "__main__":
    main()
