"""The scripted sessions through a real server."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.flows import scoring, script
from benchmarks.flows.analyst import Analyst
from benchmarks.flows.playing import Running, play_all, publish, running, settings, settled
from benchmarks.flows.upstream import ScriptedUpstream, by_script


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--half", choices=["open", "held", "both"], default="open")
    parser.add_argument("--folder", type=Path, help="kept; left out: a folder of its own that goes")
    parser.add_argument("--json", type=Path)


def main(arguments: argparse.Namespace) -> None:
    """Play one half or both, and print the figures."""
    halves: list[script.Half] = ["open", "held"] if arguments.half == "both" else [arguments.half]
    sessions = [session for half in halves for session in script.sessions(half)]
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        report = run(sessions, folder)
    print(f"{len(sessions)} sessions ({', '.join(halves)}), {report['seconds']:.0f} s")
    print("\n".join(report.pop("lines")))
    for proposal in report["proposals"]:
        print(f"  {proposal['proposal_type']:12} x{proposal['supporting_session_count']} {proposal['title']}")
    print(f"  calls to the analysing model: {report['calls']}; proposals: {report['by_kind']}")
    print(f"  resolved too early, and again later: {report['early']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False, default=str), "utf-8")


def run(sessions: Sequence[script.Scripted], folder: Path) -> dict[str, Any]:
    """Play sessions on a fresh server in a folder; all figures."""
    began = time.monotonic()
    known = {session.opening: session.answers for session in sessions}
    with ScriptedUpstream(by_script(known), Analyst()) as upstream, running(folder, settings(upstream.url)) as server:
        flows = publish(server, script.published())
        ids = play_all(server, sessions)
        ended = settled(server, list(ids.values()))
        found = {name: ended[id_] for name, id_ in ids.items()}
        proposals = everything(server)
        result = scoring.score(sessions, found, flows)
        (folder / "analysed.json").write_text(json.dumps([body for _, body in upstream.analysed], indent=1), "utf-8")
        return {
            "seconds": time.monotonic() - began,
            "lines": scoring.lines(result),
            "counts": {name: asdict(count) for name, count in result.counts.items()},
            "table": {f"{want} -> {got}": count for (want, got), count in result.table.items()},
            "sessions": found,
            "flows": server.got("/flows"),
            "proposals": proposals,
            "by_kind": dict(Counter(p["proposal_type"] for p in proposals)),
            "calls": len(upstream.analysed),
            "early": server.early,
        }


def everything(server: Running) -> list[Mapping[str, Any]]:
    """All proposals, whatever became of them."""
    return list(server.got("/proposals")["proposals"])
