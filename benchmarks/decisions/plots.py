"""The figures, as PNG and SVG. Needs matplotlib (the extra ``bench``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.decisions.measures import RATES, calibration, curve
from benchmarks.decisions.pairs import Scored


def need_matplotlib() -> None:
    """Raises ``SystemExit`` with the remedy where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install 'reprise-llm[bench]'") from None
    matplotlib.use("Agg")


def plot_pairs(parts: dict[str, Scored], folder: Path) -> None:
    """Recall against false hits per scorer, and calibration, both for the pool without Quora."""
    for name, title in (("pooled without Quora", "pooled"), ("adversarial files", "adversarial")):
        if name in parts:
            _recall(parts[name], name, folder / f"recall-{title}")
    if "pooled without Quora" in parts:
        _calibration(parts["pooled without Quora"], folder / "calibration")


def plot_streams(found: dict[str, Any], folder: Path) -> None:
    """Hit rate against wrong per hit: a curve for each way of deciding, a mark for each replay of the real cache."""
    from matplotlib import pyplot

    for name, one in found.items():
        figure, axes = pyplot.subplots(figsize=(7, 5))
        for scorer, points in one["curves"].items():
            style = "--" if scorer == "static cosine" else "-"
            line = sorted((100 * point["wrong_per_hit"], 100 * point["hit_rate"]) for point in points)
            axes.plot(*zip(*line, strict=True), style, label=scorer, marker=".", markersize=3)
        for run in one["replays"]:
            axes.plot(
                100 * run["wrong_per_hit"], 100 * run["hit_rate"], "o", label=f"{run['scorer']}, {run['setting']}"
            )
        axes.axhline(100 * one["ceiling"], color="grey", linewidth=0.8)
        axes.set(xlabel="wrong per hit (%)", ylabel="hit rate (%)", title=name, xlim=(0, 20), ylim=(0, 100))
        axes.legend(fontsize=7)
        _save(figure, folder / f"replay-{_slug(name)}")


def _recall(part: Scored, title: str, path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 5))
    for scorer, values in part.scores.items():
        false, true = curve(values, part.same)
        axes.plot(100 * false, 100 * true, label=scorer, drawstyle="steps-post")
    for rate in RATES:
        axes.axvline(100 * rate, color="lightgrey", linewidth=0.8, zorder=0)
    axes.set(
        xlabel="false hits (% of pairs that must not be shared)",
        ylabel="recall of reusable pairs (%)",
        title=title,
        xlim=(0, 10),
        ylim=(0, 100),
    )
    axes.legend(fontsize=8)
    _save(figure, path)


def _calibration(part: Scored, path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5.5, 5.5))
    axes.plot([0, 1], [0, 1], color="lightgrey")
    for scorer, values in part.scores.items():
        if not scorer.startswith("cosine"):
            bins = [one for one in calibration(values, part.same) if one.pairs]
            axes.plot([one.mean for one in bins], [one.correct for one in bins], marker="o", label=scorer)
    axes.set(
        xlabel="score",
        ylabel="share of pairs that may be reused",
        title="calibration, pooled without Quora",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    if len(axes.lines) > 1:
        axes.legend(fontsize=8)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{ending}"), dpi=130, bbox_inches="tight")
    pyplot.close(figure)


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
