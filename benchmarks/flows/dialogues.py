"""Public dialogues as traffic: sessions, steps and matching as they fall out."""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.flows import script
from benchmarks.flows.analyst import Analyst
from benchmarks.flows.playing import Running, play_all, publish, running, settings, settled
from benchmarks.flows.script import Exchange, Scripted, StepWanted
from benchmarks.flows.upstream import ScriptedUpstream, by_script


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public data")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=40, help="played before the proposals are approved")
    parser.add_argument("--json", type=Path)


def main(arguments: argparse.Namespace) -> None:
    """Play them and print the figures; never their words."""
    sessions = load(arguments.data, arguments.count)
    with tempfile.TemporaryDirectory() as folder:
        report = run(sessions, arguments.first, Path(folder))
    for name, value in report.items():
        print(f"  {name}: {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), "utf-8")


def load(data: Path, count: int) -> list[Scripted]:
    """So many dialogues, each with an opening of its own."""
    path = next(p for p in (data / "dev" / "conv_sgd.jsonl.gz", data / "conv_sgd.jsonl.gz") if p.exists())
    chosen: dict[str, Scripted] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            opening = row["messages"][0]["content"]
            # An opening that begins another could not be told from it.
            if not any(opening.startswith(known) or known.startswith(opening) for known in chosen):
                chosen[opening] = _session(row, len(chosen))
            if len(chosen) == count:
                break
    return list(chosen.values())


def _session(row: Mapping[str, Any], number: int) -> Scripted:
    messages = row["messages"]
    pairs = [(messages[at], messages[at + 1]) for at in range(0, len(messages) - 1, 2)]
    exchanges = [Exchange([asked], said, StepWanted()) for asked, said in pairs]
    way: Any = "derived" if number % 2 else "header"
    return Scripted(
        row["id"], "dialogue", way, number % 3 == 0, exchanges, {"by": "silence"}, {}, opening=messages[0]["content"]
    )


def run(sessions: Sequence[Scripted], first: int, folder: Path) -> dict[str, Any]:
    """Play some, approve what they led to, and play the rest."""
    known = {session.opening: session.answers for session in sessions}
    with ScriptedUpstream(by_script(known), Analyst()) as upstream, running(folder, settings(upstream.url)) as server:
        publish(server, script.published())
        found = settled(server, list(play_all(server, sessions[:first]).values()))
        learned = _approve(server)
        later = settled(server, list(play_all(server, sessions[first:]).values()))
        exchanges = sum(len(session.exchanges) for session in sessions)
        return {
            "exchanges": exchanges,
            **figures([*found.values(), *later.values()]),
            "flows published of proposals": learned,
            "matching before": dict(Counter(s.get("match_state") for s in found.values())),
            "matching after": dict(Counter(s.get("match_state") for s in later.values())),
            "match scores after": sorted(round(s.get("match_score") or 0, 2) for s in later.values()),
            "proposals": dict(Counter(p["proposal_type"] for p in server.got("/proposals")["proposals"])),
            "calls to the analysing model": len(upstream.analysed),
        }


def _approve(server: Running) -> int:
    """Approve every proposal that can be published; how many were."""
    pending = server.got("/proposals", status="pending")["proposals"]
    answers = [server.call("POST", f"/proposals/{proposal['id']}/approve", json={}) for proposal in pending]
    return sum(answer.status_code < 300 for answer in answers)


def figures(sessions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over sessions and their steps."""
    steps = list(_steps(sessions))
    return {
        "sessions": len(sessions),
        "steps": len(steps),
        "step types": dict(Counter(step.get("step_type") for step in steps)),
        "steps with options": sum(bool(step.get("options")) for step in steps),
        "options": sum(len(step.get("options") or []) for step in steps),
        "picks": sum(bool(step.get("option_selected")) for step in steps),
        "free text": sum(bool(step.get("free_text")) for step in steps),
        "results of actions": sum(bool(step.get("action_result")) for step in steps),
        "skipped": sum(bool(step.get("skipped")) for step in steps),
        "status": dict(Counter(s["status"] for s in sessions)),
        "ended by": dict(Counter(str(s.get("ended_by")) for s in sessions)),
        "domains": dict(Counter(str(s.get("problem_domain")) for s in sessions)),
        "outcomes": dict(Counter(str(s.get("outcome")) for s in sessions)),
    }


def _steps(sessions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for session in sessions:
        yield from session["steps"]
