"""Sessions that are all resolved at once, with few calls a day to the analysing model; then the next days."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.flows.analyst import Analyst
from benchmarks.flows.clock import MovableClock
from benchmarks.flows.playing import Running, resolve, settings
from benchmarks.flows.upstream import ScriptedUpstream

THINGS = (
    "scanner webcam keyboard headset tablet router switch beamer modem plotter laptop dock badge kiosk phone".split()
)
FAULTS = "blinks beeps freezes overheats restarts rattles disconnects flickers smells stutters".split()
DAY = 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--days", type=int, default=6, help="days at most until every session must be analysed")
    parser.add_argument("--broken", action="store_true", help="some of the replies are broken at first")
    parser.add_argument("--json", type=Path)


def main(arguments: argparse.Namespace) -> None:
    """Run it and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), arguments.sessions, arguments.limit, arguments.days, broken=arguments.broken)
    for day in report["days"]:
        print(f"  {day['day']}: {day['calls']} calls, sessions {day['analysis']}, {day['proposals']} proposals")
    print(f"  sessions twice in proposals: {report['twice']}; analysed without any: {report['nowhere']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2), "utf-8")


def run(folder: Path, count: int, limit: int, days: int, *, broken: bool = False) -> dict[str, Any]:
    """Resolve sessions all at once, then move the clock from day to day; what each day brought."""
    clock = MovableClock(folder)
    # Noon, so that no day ends by itself.
    noon = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    offset = int(noon.timestamp() - time.time())
    clock.move(offset)
    report: dict[str, Any] = {"days": []}
    with ScriptedUpstream(lambda messages: None, Analyst(breaks=broken)) as upstream:
        server = Running(folder, settings(upstream.url, {"calls_per_day": limit}), environ=clock.environ)
        server.start()
        try:
            ids = [f"b-{at}" for at in range(count)]
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda at: _talk(server, ids[at], at), range(count)))
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda id_: resolve(server, id_, {"outcome": "resolved"}), ids))
            for day in range(days):
                clock.move(offset + day * DAY)
                before = sum(d["calls"] for d in report["days"])
                states = _rest(server, upstream, before)
                calls = len(upstream.analysed) - before
                proposals = server.got("/proposals")["proposals"]
                told = (noon + dt.timedelta(days=day)).date().isoformat()
                report["days"].append(
                    {"day": told, "calls": calls, "analysis": dict(states), "proposals": len(proposals)}
                )
                if set(states) == {"done"}:
                    break
            report |= _where(server, ids)
        finally:
            server.stop()
    return report


def _talk(server: Running, id_: str, at: int) -> None:
    thing, fault = THINGS[at % len(THINGS)], FAULTS[at // len(THINGS) % len(FAULTS)]
    room = f"room {at // (len(THINGS) * len(FAULTS)) + 1}{at % 97:02}"
    words = f"My {thing} {fault} whenever I start it in {room}."
    body = {"model": "scripted", "messages": [{"role": "user", "content": words}]}
    server.call("POST", "/v1/chat/completions", json=body, headers={"x-reprise-session": id_}).raise_for_status()


def _rest(server: Running, upstream: ScriptedUpstream, before: int, still: float = 8.0) -> Counter[str]:
    """Wait until no call has come, and no session changed, for some seconds."""
    last, since = (-1, Counter[str]()), time.monotonic()
    while time.monotonic() - since < still:
        time.sleep(0.5)
        now = (len(upstream.analysed) - before, _states(server))
        if now != last:
            last, since = now, time.monotonic()
        if set(now[1]) == {"done"}:
            break
    return last[1]


def _states(server: Running) -> Counter[str]:
    return Counter(str(s.get("analysis")) for s in server.got("/sessions", limit=500)["sessions"])


def _where(server: Running, ids: list[str]) -> dict[str, int]:
    """Sessions that support more than one proposal, and analysed ones that support none."""
    support: Counter[str] = Counter()
    for proposal in server.got("/proposals")["proposals"]:
        named: Mapping[str, Any] = proposal
        support.update(named["supporting_session_ids"])
    return {"twice": sum(n > 1 for n in support.values()), "nowhere": sum(id_ not in support for id_ in ids)}
