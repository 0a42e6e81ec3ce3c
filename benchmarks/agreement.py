"""How often the comparison of two answers is mistaken: the labels' own error.

    python -m benchmarks.agreement [--data FILE] [--half open|held|all] [--failures]

Reads pairs of answers with a verdict (``tests/cache/agreement_examples.jsonl``, or a file of that form). They are cut
in two halves by the SHA-256 of their id: the open one was used for tuning, the held one was read once, at the end; the
constants in ``cache/agreement/measured.py`` are those of the held half. Bounds are Clopper and Pearson's, one-sided,
95 %.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from cache.agreement import Agreement, compare
from cache.budget import clopper_pearson
from store.embedder import EmbedderSpec, load_embedder

EXAMPLES = Path(__file__).parents[1] / "tests" / "cache" / "agreement_examples.jsonl"


def half_of(row: dict[str, Any]) -> str:
    """The half that an example belongs to."""
    return "held" if int(hashlib.sha256(row["id"].encode()).hexdigest(), 16) % 2 else "open"


def body_of(answer: str | dict[str, Any]) -> dict[str, Any]:
    """A chat completion that gives this text, or this message with, where it says so, its finish reason."""
    message: dict[str, Any] = {"content": answer} if isinstance(answer, str) else dict(answer)
    reason = message.pop("finish_reason", "tool_calls" if message.get("tool_calls") else "stop")
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=EXAMPLES)
    parser.add_argument("--half", choices=("open", "held", "all"), default="held")
    parser.add_argument("--failures", action="store_true", help="print each pair that was not judged rightly")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if arguments.half in ("all", half_of(row))]
    embedder = load_embedder(EmbedderSpec())
    found: list[tuple[dict[str, Any], Agreement]] = []
    for row in rows:
        verdict = compare(body_of(row["a"]), body_of(row["b"]), embedder.embed)
        found.append((row, verdict))
        if arguments.failures and verdict.same is not row["same"]:
            print(f"{row['id']:24s} said {verdict.same!s:5s} ({verdict.reason})")
    show(found)


def show(found: list[tuple[dict[str, Any], Agreement]]) -> None:
    """Print the table by kind, and the rates."""
    kinds = Counter((row["same"], row["kind"], verdict.same) for row, verdict in found)
    print(f"{'truly':10s} {'kind':12s} {'same':>5s} {'different':>9s} {'cannot tell':>11s}")
    for same, kind in sorted({(same, kind) for same, kind, _ in kinds}):
        row = [kinds[same, kind, said] for said in (True, False, None)]
        print(f"{'same' if same else 'different':10s} {kind:12s} {row[0]:5d} {row[1]:9d} {row[2]:11d}")
    for same in (True, False):
        said = Counter(verdict.same for row, verdict in found if row["same"] is same)
        told, wrong = said[True] + said[False], said[not same]
        every = told + said[None]
        truly, claimed = ("same", "different") if same else ("different", "same")
        low, high = clopper_pearson(wrong, every)
        print(
            f"P(said {claimed} | truly {truly}) = {wrong}/{every} = {wrong / every:.3f}, bounds {low:.3f} to {high:.3f}"
        )
        low, high = clopper_pearson(wrong, told)
        print(f"    of those told: {wrong}/{told} = {wrong / told:.3f}, bounds {low:.3f} to {high:.3f}")
        print(f"P(cannot tell | truly {truly}) = {said[None]}/{every} = {said[None] / every:.3f}")


if __name__ == "__main__":
    main()
