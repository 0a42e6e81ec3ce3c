"""Streams of requests: hits and wrong hits of the real cache, beside static thresholds and cuts set in hindsight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.decisions.data import NOISY, Request
from benchmarks.decisions.product import START, Rules, chat, fixed_cut, product
from benchmarks.decisions.scorers import Scorer
from benchmarks.decisions.sweep import CUTS, Point, best, near_before, ruled, static
from benchmarks.decisions.tables import Fine, Percent, show
from benchmarks.decisions.tally import Tally, ceiling
from benchmarks.decisions.workers import Tools, Workers
from cache.policy import Policy
from store.embedder import Embedder

BUDGET = Policy().max_error_rate
"""Wrong per semantic hit that a new user's policy allows."""
ERRORS = (0.005, 0.01, 0.02, 0.05)
"""Wrong per hit, for which the best cut in hindsight is looked for."""


@dataclass(frozen=True)
class Selection:
    """A stream, the rows of it that count, and the error per hit that is aimed at."""

    name: str
    stream: str
    counts: Callable[[Request], bool]
    error: float = 0.02
    whole: bool = False
    """Replayed whole whatever ``--rows`` says?"""


SELECTIONS = (
    Selection("replay_mixed, every row", "replay_mixed", lambda row: True, whole=True),
    Selection(
        "replay_mixed, faq without Quora",
        "replay_mixed",
        lambda row: row.share == "faq" and row.source != NOISY,
        0.005,
        whole=True,
    ),
    Selection("stream_banking77, faq", "stream_banking77", lambda row: row.share == "faq"),
    Selection("stream_bitext without mixed", "stream_bitext", lambda row: row.share != "mixed"),
    Selection("stream_clinc150 without param", "stream_clinc150", lambda row: row.share != "param"),
    Selection("stream_disflqa", "stream_disflqa", lambda row: True),
    Selection("stream_qqp", "stream_qqp", lambda row: True),
)


@dataclass(frozen=True)
class Served:
    """One semantic hit, for reading."""

    new: str
    stored: str
    similarity: float
    score: float | None
    wrong: bool


@dataclass
class Replay:
    """What a replay through the real cache came to."""

    scorer: str
    setting: str
    tally: Tally = field(default_factory=Tally)
    shares: dict[str, Tally] = field(default_factory=dict)
    served: list[Served] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Measured:
    """What one selection came to: points by way of deciding, and the replays."""

    curves: dict[str, list[Point]]
    replays: list[Replay]


def select(selection: Selection, streams: dict[str, list[Request]], rows: int | None) -> list[Request]:
    """The rows of a selection in their order; the first ``rows`` of them unless it is replayed whole."""
    chosen = [row for row in streams.get(selection.stream, ()) if selection.counts(row)]
    return chosen if selection.whole else chosen[:rows]


def replay(requests: Sequence[Request], embedder: Embedder, rules: Rules, scorer: str, setting: str) -> Replay:
    """Put requests through the real cache one after another: insert on miss, serve on hit."""
    found = Replay(scorer, setting)
    began = time.perf_counter()

    async def drive() -> None:
        for number, request in enumerate(requests):
            cache.now = START + (number if request.at is None else request.at)
            body = chat([{"role": "user", "content": request.prompt}])
            reply = await cache.ask(body, request.answer_id)
            served = reply.text if reply.outcome in ("exact", "semantic") else None
            wrong = found.tally.add(request, reply.outcome, served)
            found.shares.setdefault(request.share, Tally()).add(request, reply.outcome, served)
            if reply.outcome == "semantic" and reply.stored_prompt is not None and reply.similarity is not None:
                found.served.append(Served(request.prompt, reply.stored_prompt, reply.similarity, reply.score, wrong))

    with product(embedder, rules) as cache:
        asyncio.run(drive())
    found.seconds = time.perf_counter() - began
    return found


def report(streams: dict[str, list[Request]], workers: Workers, rows: int | None) -> dict[str, Any]:
    """Print the tables of every selection; gives the same as data."""
    chosen = {one.name: select(one, streams, rows) for one in SELECTIONS}
    tasks = [(one.error, chosen[one.name]) for one in SELECTIONS if chosen[one.name]]
    names = [name for name, requests in chosen.items() if requests]
    found = {}
    for name, (_, requests), came in zip(names, tasks, workers.map(measure, tasks), strict=True):
        _show(name, requests, came)
        found[name] = _as_data(requests, came)
    return found


def measure(tools: Tools, task: tuple[float, Sequence[Request]]) -> Measured:
    """Sweep one selection in memory, and replay it through the real cache."""
    error, requests = task
    ahead = near_before(requests, tools.embedder)
    curves = {"static cosine": static(requests, ahead)}
    # Without the guards nothing is shown that the product would do.
    guarded = [scorer for scorer in tools.scorers if scorer.guarded]
    for scorer in guarded:
        shipped = scorer.shipped_cut(BUDGET)
        cuts = [*CUTS, *([] if shipped is None else [shipped])]
        curves[scorer.name] = ruled(requests, ahead, scorer, tools.embedder, cuts)
    last = guarded[-1]
    replays = [
        replay(requests, tools.embedder, rules, last.name, setting)
        for setting, rules in _settings(last, curves[last.name], error)
    ]
    return Measured(curves, replays)


def _as_data(requests: Sequence[Request], came: Measured) -> dict[str, Any]:
    return {
        "requests": len(requests),
        "ceiling": ceiling(requests),
        "curves": {
            name: [{"cut": point.cut, **point.tally.as_dict()} for point in points]
            for name, points in came.curves.items()
        },
        "replays": [
            {
                "scorer": one.scorer,
                "setting": one.setting,
                **one.tally.as_dict(),
                "seconds": one.seconds,
                "shares": {share: tally.as_dict() for share, tally in one.shares.items()},
                "served": [vars(hit) for hit in one.served],
            }
            for one in came.replays
        ],
    }


def _settings(scorer: Scorer, points: Sequence[Point], error: float) -> list[tuple[str, Rules]]:
    """What the real cache is replayed at: the shipped cut; where there is none, the best one in hindsight."""
    shipped = scorer.shipped_cut(BUDGET)
    if shipped is not None:
        return [(f"shipped for {100 * BUDGET:g}%: {shipped:.3f}", fixed_cut(scorer.verifier, shipped))]
    hindsight = best(points, error)
    if hindsight is None:
        return []
    setting = f"hindsight <= {100 * error:g}%: {hindsight.cut:.3f}"
    return [(setting, fixed_cut(scorer.verifier, hindsight.cut))]


def _show(name: str, requests: Sequence[Request], came: Measured) -> None:
    title = f"{name}: {len(requests)} requests, ceiling {100 * ceiling(requests):.1f}% hits"
    header = ("scorer", "cut", "hits", "exact", "wrong/hit", "wrong/semantic", "wrong/request", "forbidden/request")
    real = [(one.scorer, one.setting, *_cells(one.tally)) for one in came.replays]
    show(f"{title}; through the real cache (%)", header, real)
    shown = [point for point in came.curves["static cosine"] if round(100 * point.cut) % 5 == 0 or point.cut > 0.9]
    show(
        "Static cosine thresholds, no classes, no guards (%)",
        header[1:],
        [(f"{point.cut:.3f}" if point.cut <= 1 else "exact only", *_cells(point.tally)) for point in shown],
    )
    rows = []
    for name, points in came.curves.items():
        for error in ERRORS:
            point = best(points, error)
            cells = (None, *[None] * 6) if point is None else (point.cut, *_cells(point.tally))
            rows.append((name, f"{100 * error:g}%", *cells))
    show(
        "The best cut in hindsight at so many wrong per hit, in memory (%)", ("scorer", "wrong/hit", *header[1:]), rows
    )
    for one in came.replays:
        show(
            f"By share: {one.scorer}, {one.setting}",
            ("share", "requests", "bypassed", "exact", "semantic", "wrong exact", "wrong semantic"),
            [
                (share, t.requests, t.bypassed, t.exact, t.semantic, t.wrong_exact, t.wrong_semantic)
                for share, t in sorted(one.shares.items())
            ],
        )


def _cells(tally: Tally) -> tuple[Percent | Fine, ...]:
    return (
        Percent(tally.hit_rate),
        Percent(tally.exact_share),
        Fine(tally.wrong_per_hit),
        Fine(tally.wrong_per_semantic_hit),
        Fine(tally.wrong_per_request),
        Fine(tally.forbidden_per_request),
    )
