"""Labelled pairs: how many reusable ones each scorer finds at a given rate of wrong answers, and what guards veto."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.decisions.data import NOISY, PairRow
from benchmarks.decisions.embedding import similarities
from benchmarks.decisions.measures import RATES, calibration, cut_at, recall_at, share_above
from benchmarks.decisions.scorers import Flags, guard_names, vetoes
from benchmarks.decisions.tables import Cell, Percent, show
from benchmarks.decisions.workers import Tools, Workers
from cache.verifier import Array, Pair

LEFT_OUT = ("checklist", "rules", "banking77", "bitext", "clinc150", "disflqa")
"""Sources whose recall at 2 % is asked for one by one."""


@dataclass(frozen=True)
class Scored:
    """The rows, what every scorer makes of them, shape (n,) each, and which guards object, shape (n, guards)."""

    rows: Sequence[PairRow]
    same: Flags
    scores: dict[str, Array]
    vetoes: Flags

    def where(self, wanted: Callable[[PairRow], bool]) -> Scored:
        """A part of the rows."""
        chosen = np.array([wanted(row) for row in self.rows], dtype=bool)
        rows = [row for row, take in zip(self.rows, chosen, strict=True) if take]
        scores = {name: values[chosen] for name, values in self.scores.items()}
        return Scored(rows, self.same[chosen], scores, self.vetoes[chosen])


def score_all(rows: Sequence[PairRow], workers: Workers) -> Scored:
    """Score every row, shared out among the workers."""
    # Every so many rows, not one run of them: files differ in how long their texts are.
    parts = list(workers.map(score, [rows[start :: workers.jobs] for start in range(workers.jobs)]))
    ordered = [row for part in parts for row in part.rows]
    return Scored(
        ordered,
        np.concatenate([part.same for part in parts]),
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        np.concatenate([part.vetoes for part in parts]),
    )


def score(tools: Tools, rows: Sequence[PairRow]) -> Scored:
    """Score these rows: ``a`` is the stored prompt, ``b`` the new one."""
    texts = [(row.b, row.a) for row in rows]
    cosines = similarities(tools.embedder, texts)
    pairs = [Pair(new, stored, float(cosine)) for (new, stored), cosine in zip(texts, cosines, strict=True)]
    objections = vetoes(texts)
    vetoed = np.asarray(objections.any(axis=1))
    scores = {scorer.name: scorer.scores(pairs, vetoed) for scorer in tools.scorers}
    return Scored(rows, np.array([row.same for row in rows], dtype=bool), scores, objections)


def groups(scored: Scored) -> dict[str, Scored]:
    """The pools and each file, by the name they are shown under."""
    found = {
        "pooled without Quora": scored.where(lambda row: row.source != NOISY),
        "adversarial files": scored.where(lambda row: row.adversarial),
    }
    for file in sorted({row.file for row in scored.rows}):
        found[file] = scored.where(lambda row, file=file: row.file == file)  # type: ignore[misc]
    return {name: group for name, group in found.items() if group.rows}


def report(scored: Scored) -> dict[str, Any]:
    """Print all tables on pairs; gives the same as data."""
    parts = groups(scored)
    pool = parts["pooled without Quora"]
    cuts = {name: cut_at(values, pool.same, 0.01) for name, values in pool.scores.items()}
    return {
        "recall": _recall(parts),
        "left_out": _by_source(parts),
        "kinds": _kinds(scored, cuts),
        "guards": _guards(scored),
        "below_cosine": _below_cosine(scored, parts),
        "calibration": _calibration(pool),
    }


def _recall(parts: dict[str, Scored]) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    table: list[tuple[Cell, ...]] = []
    for name, part in parts.items():
        if part.same.all() or not part.same.any():
            continue
        for scorer, values in part.scores.items():
            recall = [recall_at(values, part.same, rate) for rate in RATES]
            found.setdefault(name, {})[scorer] = recall
            table.append((name, len(part.rows), int(part.same.sum()), scorer, *map(Percent, recall)))
    header = ("pairs", "n", "same", "scorer", *(f"@{100 * rate:g}%" for rate in RATES))
    show("Recall of reusable pairs (%) at so many false hits, the cut set on the same rows", header, table)
    return found


def _by_source(parts: dict[str, Scored]) -> dict[str, dict[str, float]]:
    names = {source: next((name for name in parts if name.endswith(f"_{source}")), None) for source in LEFT_OUT}
    present = {source: parts[name] for source, name in names.items() if name}
    found: dict[str, dict[str, float]] = {}
    table: list[tuple[Cell, ...]] = []
    for scorer in next(iter(parts.values())).scores:
        recall = {source: recall_at(part.scores[scorer], part.same, 0.02) for source, part in present.items()}
        ratios = [recall[source] / found["cosine"][source] for source in recall if scorer != "cosine"] or [1.0]
        found[scorer] = recall
        table.append((scorer, *map(Percent, recall.values()), f"{np.mean(ratios):.2f}"))
    show("Recall (%) at 2 % false hits, by source", ("scorer", *present, "mean x cosine"), table)
    return found


def _kinds(scored: Scored, cuts: dict[str, float]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file, kind, same in sorted({(row.file, row.kind, row.same) for row in scored.rows}):
        part = scored.where(lambda row, of=(file, kind, same): (row.file, row.kind, row.same) == of)  # type: ignore[misc]
        served = {name: share_above(values, cuts[name]) for name, values in part.scores.items()}
        found.append({"file": file, "kind": kind, "same": same, "n": len(part.rows), "served": served})
    table = [
        (one["file"], one["kind"], int(one["same"]), one["n"], *map(Percent, one["served"].values())) for one in found
    ]
    header = ("file", "kind", "same", "n", *cuts)
    show("Served (%) at the cut for 1 % false hits of the pool without Quora, by kind", header, table)
    return found


def _guards(scored: Scored) -> list[dict[str, Any]]:
    objections = np.column_stack([scored.vetoes, scored.vetoes.any(axis=1)])
    guards = [*guard_names(), "any"]
    keys = [(int(row.same), row.file, row.kind) for row in scored.rows]
    found: list[dict[str, Any]] = []
    table: list[tuple[Cell, ...]] = []
    for same, file, kind in [(0, "all", "all"), (1, "all", "all"), *sorted(set(keys))]:
        inside = np.array([key == (same, file, kind) or (file == "all" and key[0] == same) for key in keys])
        counts = dict(zip(guards, objections[inside].sum(axis=0).tolist(), strict=True))
        found.append({"file": file, "kind": kind, "same": same, "n": int(inside.sum()), "vetoes": counts})
        table.append((file, kind, same, int(inside.sum()), *counts.values()))
    header = ("file", "kind", "same", "n", *guards)
    show("Vetoes by guard: true ones where same is 0, false ones where it is 1", header, table)
    return found


def _below_cosine(scored: Scored, parts: dict[str, Scored]) -> list[dict[str, Any]]:
    """Where a scorer hurts: recall at 2 % below cosine's, on the file's own negatives."""
    found: list[dict[str, Any]] = []
    for file, part in parts.items():
        for kind in ["all", *sorted({row.kind for row in part.rows if row.same})]:
            chosen = part.where(lambda row, kind=kind: not row.same or kind in ("all", row.kind))  # type: ignore[misc]
            base = recall_at(chosen.scores["cosine"], chosen.same, 0.02)
            for name, values in chosen.scores.items():
                recall = recall_at(values, chosen.same, 0.02)
                if recall < base - 1e-12:
                    found.append(
                        {
                            "file": file,
                            "kind": kind,
                            "n": int(chosen.same.sum()),
                            "scorer": name,
                            "recall": recall,
                            "cosine": base,
                        }
                    )
    table = [
        (one["file"], one["kind"], one["n"], one["scorer"], Percent(one["recall"]), Percent(one["cosine"]))
        for one in found
    ]
    show(
        "Below cosine: recall (%) at 2 % false hits of the same file, by kind of reusable pair",
        ("pairs", "kind", "same", "scorer", "recall", "cosine"),
        table,
    )
    return found


def _calibration(pool: Scored) -> dict[str, list[Any]]:
    found = {name: calibration(values, pool.same) for name, values in pool.scores.items() if name != "cosine"}
    table = [
        (name, f"{one.low:.1f}-{one.high:.1f}", one.pairs, Percent(one.mean), Percent(one.correct))
        for name, bins in found.items()
        for one in bins
        if one.pairs
    ]
    show(
        "Calibration on the pool without Quora: mean score beside the share of pairs that may be reused (%)",
        ("scorer", "score", "n", "mean", "right"),
        table,
    )
    return {name: [one._asdict() for one in bins] for name, bins in found.items()}
