"""Replays a stream in memory at many cuts at once: insert on miss, serve the nearest stored prompt that is admitted.

Two ways of deciding. *Static*: what a cache with nothing but a cosine threshold does. *Ruled*: what the product does,
with its classes and guards before a score; the real package replays only the cuts that are chosen in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.decisions.data import Request
from benchmarks.decisions.product import LASTING, chat
from benchmarks.decisions.scorers import NEVER, Flags, Scorer
from benchmarks.decisions.tally import Outcome, Tally
from cache import guards
from cache.call import Call
from cache.classes import allowed_tiers
from cache.identity import Scope
from cache.policy import Policy, Tier
from cache.verifier import Pair
from store.embedder import Embedder

STATIC = (*(round(0.60 + 0.01 * step, 2) for step in range(40)), 0.995, 1.01)
"""Cosine thresholds, loose to strict; the last one admits nothing but exact repeats."""
CUTS = (
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.92,
    0.94,
    0.95,
    0.96,
    0.97,
    0.98,
    0.985,
    0.99,
    0.995,
    0.998,
    1.0,
)
"""Cuts of a verifier's score; nothing lies above the last one."""
NEAREST = 256
"""Of so many earlier requests, the nearest ones, candidates are looked for among those stored."""
BLOCK = 512


class Ahead(NamedTuple):
    """Earlier requests near each request: positions, nearest first, and their cosines."""

    places: list[np.ndarray]
    cosines: list[np.ndarray]


class Point(NamedTuple):
    """A cut and what a replay at it came to."""

    cut: float
    tally: Tally


def near_before(requests: Sequence[Request], embedder: Embedder) -> Ahead:
    """The nearest earlier requests of each."""
    vectors = embedder.embed([request.prompt for request in requests])
    places, cosines = [], []
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK] @ vectors[: start + BLOCK].T
        for offset, row in enumerate(block):
            row = np.minimum(row[: start + offset], 1.0)
            near = np.argpartition(-row, NEAREST)[:NEAREST] if len(row) > NEAREST else np.arange(len(row))
            near = near[np.argsort(-row[near], kind="stable")]
            places.append(near)
            cosines.append(row[near])
    return Ahead(places, cosines)


def static(requests: Sequence[Request], ahead: Ahead, thresholds: Sequence[float] = STATIC) -> list[Point]:
    """Exact repeats and whatever is as near as the threshold; no classes, no guards."""
    always = [frozenset[Tier](("exact", "semantic"))] * len(requests)

    def admitted(new: int, near: np.ndarray, cosines: np.ndarray, cut: float) -> int | None:
        return int(near[0]) if len(near) and cosines[0] >= cut else None

    return [Point(cut, _replay(requests, ahead, always, admitted, cut)) for cut in thresholds]


def ruled(
    requests: Sequence[Request], ahead: Ahead, scorer: Scorer, embedder: Embedder, cuts: Sequence[float] = CUTS
) -> list[Point]:
    """The product's rules with a scorer: classes, guards, then a few candidates asked for a score above the cut."""
    policy = Policy(ttl=LASTING)
    tiers = [_tiers(request, policy, embedder) for request in requests]
    known: dict[tuple[int, int], float] = {}
    _score_ahead(requests, ahead, tiers, scorer, known, policy)

    def score(new: int, stored: int, cosine: float) -> float | None:
        """None where a guard objects."""
        if (new, stored) not in known:
            pair = Pair(requests[new].prompt, requests[stored].prompt, cosine)
            vetoed = guards.check(pair.new, pair.stored) is not None
            known[new, stored] = float(scorer.scores([pair], np.array([vetoed]))[0])
        return known[new, stored] if np.isfinite(known[new, stored]) else None

    def admitted(new: int, near: np.ndarray, cosines: np.ndarray, cut: float) -> int | None:
        asked = 0
        for stored, cosine in zip(map(int, near[: policy.candidates]), map(float, cosines), strict=False):
            value = score(new, stored, cosine) if cosine >= scorer.verifier.floor else None
            if value is not None and value > cut:
                return stored
            asked += value is not None
            if asked == policy.verified:
                return None
        return None

    return [Point(cut, _replay(requests, ahead, tiers, admitted, cut)) for cut in cuts]


def best(points: Sequence[Point], wrong_per_hit: float) -> Point | None:
    """The point with most hits among those within an error, in hindsight; None where none is."""
    within = [point for point in points if point.tally.wrong_per_hit <= wrong_per_hit]
    return max(within, key=lambda point: point.tally.hits, default=None)


Admitted = Callable[[int, np.ndarray, np.ndarray, float], int | None]


def _replay(
    requests: Sequence[Request], ahead: Ahead, tiers: Sequence[frozenset[Tier]], admitted: Admitted, cut: float
) -> Tally:
    tally = Tally()
    by_text: dict[str, int] = {}
    by_meaning: Flags = np.zeros(len(requests), dtype=bool)
    for new, request in enumerate(requests):
        outcome: Outcome = "miss" if tiers[new] else "bypass"
        served = by_text.get(request.prompt) if "exact" in tiers[new] else None
        if served is not None:
            outcome = "exact"
        elif "semantic" in tiers[new]:
            stored = by_meaning[ahead.places[new]]
            served = admitted(new, ahead.places[new][stored], ahead.cosines[new][stored], cut)
            outcome = "miss" if served is None else "semantic"
        tally.add(request, outcome, None if served is None else requests[served].answer_id)
        if outcome == "miss":
            by_text[request.prompt] = new
            by_meaning[new] = "semantic" in tiers[new]
    return tally


def _score_ahead(
    requests: Sequence[Request],
    ahead: Ahead,
    tiers: Sequence[frozenset[Tier]],
    scorer: Scorer,
    known: dict[tuple[int, int], float],
    policy: Policy,
) -> None:
    """Score what a replay without hits would ask about: many pairs at once take half the time of one by one."""
    wanted: list[tuple[int, int, float]] = []
    # A prompt that came before is an exact hit.
    first = {request.prompt: number for number, request in reversed(list(enumerate(requests)))}
    by_meaning = np.array(
        ["semantic" in tiers[number] and first[request.prompt] == number for number, request in enumerate(requests)],
        dtype=np.bool_,
    )
    for new in np.flatnonzero(by_meaning).tolist():
        stored = by_meaning[ahead.places[new]] & (ahead.cosines[new] >= scorer.verifier.floor)
        near = zip(ahead.places[new][stored][: policy.candidates], ahead.cosines[new][stored], strict=False)
        asked = 0
        for place, cosine in near:
            if asked == policy.verified:
                break
            if guards.check(requests[new].prompt, requests[place].prompt) is None:
                wanted.append((new, int(place), float(cosine)))
                asked += 1
            else:
                known[new, int(place)] = NEVER
    pairs = [Pair(requests[new].prompt, requests[stored].prompt, cosine) for new, stored, cosine in wanted]
    scores = scorer.scores(pairs, np.zeros(len(pairs), dtype=np.bool_))
    known.update({(new, stored): float(value) for (new, stored, _), value in zip(wanted, scores, strict=True)})


def _tiers(request: Request, policy: Policy, embedder: Embedder) -> frozenset[Tier]:
    call = Call(chat([{"role": "user", "content": request.prompt}]), Scope("sweep"), policy)
    tiers, _ = allowed_tiers(call.classes, policy)
    # What the embedder does not read whole is not matched by meaning.
    return tiers if embedder.fits(request.prompt) else tiers - {"semantic"}
