"""What became of scripted sessions, against what an expert wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from benchmarks.flows.playing import plain
from benchmarks.flows.script import Scripted, StepWanted


@dataclass
class Count:
    """How many of how many are right, and what is not."""

    right: int = 0
    of: int = 0
    wrong: list[str] = field(default_factory=list)

    def take(self, right: bool, what: str) -> None:
        """Count one."""
        self.of += 1
        self.right += right
        if not right:
            self.wrong.append(what)

    def __str__(self) -> str:
        return f"{self.right}/{self.of}"


@dataclass
class Score:
    """All figures of one run."""

    counts: dict[str, Count] = field(default_factory=dict)
    table: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Outcomes: what an expert wanted, and what it came to."""

    def take(self, name: str, right: bool, what: str) -> None:
        """Count one thing of a kind."""
        self.counts.setdefault(name, Count()).take(right, what)


def score(sessions: Sequence[Scripted], found: Mapping[str, Mapping[str, Any]], flows: Mapping[str, str]) -> Score:
    """Score sessions by script id, with the ids of the published flows by name."""
    result = Score()
    for session in sessions:
        got = found[session.id]
        _steps(result, session, got)
        _whole(result, session, got, flows)
    _groups(result, sessions, found)
    return result


def _steps(result: Score, session: Scripted, got: Mapping[str, Any]) -> None:
    steps = got["steps"]
    wanted = [exchange.wanted for exchange in session.exchanges]
    result.take("step counts", len(steps) == len(wanted), f"{session.id}: {len(steps)} for {len(wanted)}")
    for at, (want, step) in enumerate(zip(wanted, steps, strict=False)):
        _step(result, f"{session.id}#{at}", want, step)


def _step(result: Score, name: str, want: StepWanted, step: Mapping[str, Any]) -> None:
    kind = step.get("step_type", step.get("type"))
    if want.types:
        result.take("step types", kind in want.types, f"{name}: {kind} for {'/'.join(want.types)}")
    options = [o.get("label") if isinstance(o, Mapping) else o for o in step.get("options") or []]
    if want.options is not None or want.types:
        expected = [plain(label) for label in want.options or []]
        result.take("options", [plain(o) for o in options] == expected, f"{name}: {options} for {want.options}")
    pick = step.get("option_selected")
    if want.pick is not None:
        result.take("picks", plain(pick) == plain(want.pick), f"{name}: {pick!r} for {want.pick!r}")
    elif want.options is not None:
        result.take("no pick", not pick, f"{name}: {pick!r}")
    if want.free is not None:
        result.take("free text", bool(step.get("free_text")) == want.free, f"{name}: {step.get('free_text')!r}")
    if want.result is not None:
        told = step.get("action_result") or step.get("free_text")
        result.take("results of actions", bool(step.get("action_result")), f"{name}: {told!r}")


def _whole(result: Score, session: Scripted, got: Mapping[str, Any], flows: Mapping[str, str]) -> None:
    expect = session.expect
    name = session.id
    result.take("status", got["status"] == expect["status"], f"{name}: {got['status']} for {expect['status']}")
    domain = got.get("problem_domain")
    result.take("domain", domain in expect["domain"], f"{name}: {domain} for {expect['domain']}")
    state, best = got.get("match_state"), got.get("matched_flow") or got.get("suggested_flow")
    shown = best if state != "none" else None
    told = f"{name}: {state} {best} {got.get('match_score')}"
    if expect["flow"]:
        result.take("flow compared with", best == flows[expect["flow"]], told)
        result.take("flow attached or suggested", shown == flows[expect["flow"]], told)
        result.take("flow attached", got.get("matched_flow") == flows[expect["flow"]], told)
    else:
        result.take("no flow attached", not got.get("matched_flow"), told)
        result.take("no flow suggested", not shown, told)
    outcome = got.get("outcome") or "none"
    result.table[expect["outcome"], outcome] += 1
    result.take("outcome", outcome == expect["outcome"], f"{name}: {outcome} for {expect['outcome']} ({told})")


def _groups(result: Score, sessions: Sequence[Scripted], found: Mapping[str, Mapping[str, Any]]) -> None:
    """Every two sessions that led to proposals: one where they should be one, two where not."""
    by_id = {s.id: s for s in sessions if s.expect.get("group")}
    for a, b in combinations(by_id, 2):
        first, second = found[a].get("proposal_id"), found[b].get("proposal_id")
        together = bool(first) and first == second
        if by_id[a].expect["group"] == by_id[b].expect["group"]:
            result.take("merged", together, f"{a} + {b}")
        elif first and second:
            result.take("kept apart", not together, f"{a} + {b}")


def lines(result: Score) -> list[str]:
    """The figures as text."""
    told = [f"  {name:20} {count}" for name, count in result.counts.items()]
    told += ["  wanted / proposed:"]
    told += [f"    {want:16} -> {got:16} {count}" for (want, got), count in sorted(result.table.items())]
    told += ["  what is not right:"]
    return told + [f"    {name}: {what}" for name, count in result.counts.items() for what in count.wrong]
