"""Kills between an analysis' answer and its commit: neither loss nor duplicates."""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.flows.analyst import Analyst
from benchmarks.flows.budget import FAULTS, THINGS
from benchmarks.flows.playing import Running, resolve, settings
from benchmarks.flows.upstream import ScriptedUpstream


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=3, help="sessions resolved in each round")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)


def main(arguments: argparse.Namespace) -> None:
    """Run it and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), arguments.rounds, arguments.each, arguments.seed)
    print("\n".join(f"  {name}: {value}" for name, value in report.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), "utf-8")


def run(folder: Path, rounds: int, each: int, seed: int) -> dict[str, Any]:
    """Kill the server at a random moment behind an answer of the analysing model, and start it again; what is left."""
    chance = random.Random(seed)
    answered = threading.Event()
    ids: list[str] = []
    with ScriptedUpstream(lambda messages: None, Analyst(breaks=False)) as upstream:
        upstream.answered = answered.set
        server = Running(folder, settings(upstream.url)).start()
        try:
            for number in range(rounds):
                fresh = [f"c-{number}-{at}" for at in range(each)]
                for id_ in fresh:
                    _talk(server, id_, len(ids))
                    ids.append(id_)
                answered.clear()
                for id_ in fresh:
                    resolve(server, id_, {"outcome": "resolved"})
                answered.wait(30)
                # From before the answer is read to well behind the commit.
                time.sleep(chance.choice([0.0, chance.random() * 0.02, chance.random() * 0.2]))
                server.kill()
                server.start()
            _wait(server, ids)
            report = _report(server, ids)
        finally:
            server.stop()
    return {**report, "calls": len(upstream.analysed), **_tables(folder / "data" / "reprise.db")}


def _talk(server: Running, id_: str, at: int) -> None:
    words = f"The {THINGS[at % len(THINGS)]} {FAULTS[at // len(THINGS) % len(FAULTS)]} in hall {at}."
    for text in (words, f"{words} It works again, thanks."):
        body = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
        server.call("POST", "/v1/chat/completions", json=body, headers={"x-reprise-session": id_}).raise_for_status()


def _wait(server: Running, ids: list[str]) -> None:
    def over() -> bool:
        listed = server.got("/sessions", limit=500)["sessions"]
        return {s["id"] for s in listed if s.get("analysis") == "done"} >= set(ids)

    try:
        server.wait(over, "every session is analysed", 90)
    except TimeoutError as error:
        print(f"  not reached: {error}")


def _report(server: Running, ids: list[str]) -> dict[str, Any]:
    support: Counter[str] = Counter()
    counted = 0
    proposals = server.got("/proposals")["proposals"]
    for proposal in proposals:
        support.update(proposal["supporting_session_ids"])
        counted += proposal["supporting_session_count"]
    states = Counter(str(server.got(f"/sessions/{id_}").get("analysis")) for id_ in ids)
    return {
        "sessions": len(ids),
        "analysis": dict(states),
        "proposals": len(proposals),
        "in no proposal": sum(id_ not in support for id_ in ids),
        "in two proposals": sum(n > 1 for n in support.values()),
        "support counted": counted,
    }


def _tables(database: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(database)) as connection:
        calls = connection.execute("SELECT sum(calls) FROM model_calls").fetchone()[0]
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        jobs = connection.execute("SELECT count(*) FROM jobs WHERE kind = 'analyse' AND state <> 'done'").fetchone()[0]
    return {"calls counted": calls, "integrity": check, "analysis jobs left": jobs}
