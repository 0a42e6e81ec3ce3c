"""What ``reprise stats`` says of flows and of sources, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def print_flows(found: Row) -> None:
    """Nothing, where there are no sessions and nothing that they taught."""
    sessions, flows, proposals = found["sessions"], found["flows"], found["proposals"]["by_status"]
    if not (sessions["count"] or any(flows.values()) or any(proposals.values())):
        return
    ended = _counted(sessions, ("resolved", "escalated", "abandoned", "active", "paused"))
    share = "" if found["matched"]["share"] is None else f"; {found['matched']['share']:.1%} followed a flow"
    print(f"\nsessions: {sessions['count']}{ended}{share}")
    outcomes = found["outcomes"]
    if outcomes["matched"]:
        ways = _counted(outcomes, ("resolved", "escalated", "abandoned"))
        print(f"flows helped in {outcomes['success_rate']:.1%} of {outcomes['matched']} sessions{ways}")
    analyses = found["analyses"]
    if any(analyses.values()):
        print(f"analyses: {_joined(_named(analyses, analyses)) or 'none'}")
    waiting = f", {proposals['pending']} to review (reprise review)" if proposals["pending"] else ""
    kinds = _counted(found["proposals"]["by_type"], found["proposals"]["by_type"])
    print(f"flows: {flows['published']} in use; proposals: {sum(proposals.values())}{kinds}{waiting}")
    _print_budget(found["budget"])
    _print_told(found)


def print_ingestion(found: Row) -> None:
    """Nothing, where there are no sources."""
    if not found["sources"]:
        return
    waiting = f", {found['waiting']} waiting for the index" if found["waiting"] else ""
    failed = f", {found['failed']} failed" if found["failed"] else ""
    print(f"\nsources: {found['documents']} documents, {found['chunks']} pieces{waiting}{failed}")
    if len(found["sources"]) > 1:
        for name, row in found["sources"].items():
            print(f"  {name}: {row['documents']} documents, {row['chunks']} pieces, {row['failed']} failed")
    runs = {status: count for status, count in found.get("runs", {}).items() if count}
    if runs:
        print(f"  runs: {_joined(_named(runs, runs))}")


def _print_budget(budget: Row) -> None:
    if budget["calls"]:
        spent = f"; spent in {', '.join(budget['spent'])}" if budget["spent"] else ""
        each = f"of {budget['calls_per_day']} a namespace"
        print(f"calls to the analysing model today: {budget['calls']} {each}{spent}")


def _print_told(found: Row) -> None:
    told = found["notifications"]
    if found["gaps_found"]:
        print(f"gaps found: {found['gaps_found']} (GET /gaps)")
    if told["unread"] or told["waiting"] or told["failed"]:
        sending = _counted(told, ("waiting", "failed"))
        print(f"notifications: {told['unread']} unread{sending and f'; sending{sending}'} (GET /notifications)")


def _counted(counts: Row, names: Iterable[str]) -> str:
    """`` (3 resolved, 1 escalated)``; nothing where all are zero."""
    said = _joined(_named(counts, names))
    return f" ({said})" if said else ""


def _named(counts: Row, names: Iterable[str]) -> list[str]:
    return [f"{counts[name]} {name.replace('_', ' ')}" for name in names if counts[name]]


def _joined(said: Iterable[str]) -> str:
    return ", ".join(said)
