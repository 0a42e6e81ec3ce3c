"""Hits and wrong hits on labelled scenarios, through a real server: single turns, conversations, long context, agents.

    python -m benchmarks.rightness [--half open|held|all] [--failures]

Each row sends its first call, then its second, in a namespace of its own. ``reuse`` rows should hit, ``distinct`` rows
must not: a hit there is a wrong answer served. See ``benchmarks/scenarios/README.md`` for how the labels were made.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.servers import UNAUDITED, application, free_port, models, proxy

SCENARIOS = Path(__file__).parent / "scenarios" / "scenarios.jsonl"
UPSTREAM = """
import itertools, json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
count = itertools.count()
async def chat(request):
    message = {"role": "assistant", "content": f"answer number {next(count)}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return JSONResponse({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                         "usage": usage})
app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
"""


def run(client: httpx2.Client, row: dict[str, Any]) -> tuple[str, str]:
    """(tier, reason) of the second call."""
    for name in ("first", "second"):
        sent = {"model": "m", **row[name], "cache": {"namespace": row["id"]}}
        answer = client.post("/v1/chat/completions", json=sent)
        answer.raise_for_status()
    headers = answer.headers
    served = headers["x-reprise-tier"] if headers["x-reprise-cache"] == "hit" else "none"
    return served, headers["x-reprise-reason"]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("open", "held", "all"), default="open")
    parser.add_argument("--failures", action="store_true", help="print each wrong hit and each missed reuse")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in SCENARIOS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if arguments.half in ("all", row["half"])]
    upstream_port, port = free_port(), free_port()
    counts: Counter[tuple[str, str, str]] = Counter()
    reasons: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(models(f"http://127.0.0.1:{upstream_port}") + UNAUDITED)
        with (
            application(UPSTREAM, folder, "upstream_app", upstream_port),
            proxy(folder / "config.yaml", folder / "data", port, folder / "proxy.log") as url,
            httpx2.Client(base_url=url, timeout=60) as client,
        ):
            for row in rows:
                served, reason = run(client, row)
                counts[row["kind"], row["label"], served] += 1
                if row["label"] == "reuse" and served == "none":
                    reasons[reason.split(":")[0]] += 1
                wrong = (served != "none") == (row["label"] == "distinct")
                if wrong and arguments.failures:
                    print(row["id"], row["label"], served, reason, "|", row["note"])
    show(counts, reasons)


def show(counts: Counter[tuple[str, str, str]], reasons: Counter[str]) -> None:
    """Print a row for each kind."""
    print(
        f"{'kind':8s} {'reusable':>8s} {'exact':>6s} {'semantic':>8s} {'missed':>7s}   {'distinct':>8s} {'WRONG':>6s}"
    )
    for kind in ("single", "multi", "long", "agent"):
        reuse = {tier: counts[kind, "reuse", tier] for tier in ("exact", "semantic", "none")}
        distinct = {tier: counts[kind, "distinct", tier] for tier in ("exact", "semantic", "none")}
        wrong = distinct["exact"] + distinct["semantic"]
        print(
            f"{kind:8s} {sum(reuse.values()):8d} {reuse['exact']:6d} {reuse['semantic']:8d} {reuse['none']:7d}   "
            f"{sum(distinct.values()):8d} {wrong:6d}"
        )
    print("missed for:", ", ".join(f"{reason} {n}" for reason, n in reasons.most_common()))


if __name__ == "__main__":
    main()
