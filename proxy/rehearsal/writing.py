"""A proposal as a file: YAML that ``reprise config check`` accepts, or a plot of the curve."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from proxy.config import CacheSettings, PolicySettings

SUFFIXES: Final = (".png", ".svg")
"""What a plot can be."""


class CannotWrite(Exception):
    """A file cannot be written; the text says why."""


def as_yaml(told: Mapping[str, Any], present: PolicySettings) -> str:
    """The named policy with the proposed changes, as a configuration of its own. Raises ``ValueError``."""
    block = present.model_dump(mode="json", exclude_defaults=True, exclude={"extends"})
    changes = dict(told["proposed"])
    if "max_error_rate" in changes:
        block.pop("similarity_threshold", None)
    else:
        block.pop("max_error_rate", None)
    config = {"cache": {"policies": {told["policy"]: {**block, **changes}}}}
    CacheSettings.model_validate(config["cache"])
    today = time.strftime("%Y-%m-%d", time.gmtime())
    lines = [
        f"Proposed on {today} from {told['calls']} calls and {told['labels']['all']} labels, for an error of at most"
    ]
    lines[0] += f" {told['max_error']:.2%}."
    comment = "".join(f"# {line}\n" for line in [*lines, *told["reasons"]])
    return comment + yaml.safe_dump(config, sort_keys=False, allow_unicode=True, default_flow_style=False)


def write_new(path: Path, text: str) -> None:
    """Write a file that was not there. Raises ``CannotWrite``."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CannotWrite(f"{path} exists: name a new file, and copy what you want of it") from None
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from error


def refuse_plot(path: Path) -> None:
    """Find out early that a plot cannot be drawn. Raises ``CannotWrite``."""
    if path.suffix.lower() not in SUFFIXES:
        raise CannotWrite(f"{path} must end in {' or '.join(SUFFIXES)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise CannotWrite("drawing needs matplotlib: pip install 'reprise-llm[plot]'") from None


def plot(told: Mapping[str, Any], path: Path) -> None:
    """Draw hit rate against error for cuts and thresholds. Raises ``CannotWrite``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for kind, name, marker in (("score", "verifier's score", "o"), ("similarity", "similarity", "s")):
        points = [one for one in told["curve"] if one["kind"] == kind and one["error"] is not None]
        points.sort(key=lambda one: one["hit_rate"])
        rates = [one["hit_rate"] for one in points]
        (line,) = axes.plot(rates, [one["error"] for one in points], marker=marker, label=f"cut by {name}")
        bounds = [one["at_most"] for one in points]
        axes.fill_between(rates, [one["error"] for one in points], bounds, alpha=0.15, color=line.get_color())
        for one in points:
            axes.annotate(f"{one['value']:.2f}", (one["hit_rate"], one["error"]), fontsize=7)
    axes.axhline(told["max_error"], color="black", linestyle="--", linewidth=1, label="asked for at most")
    predicted = told["predicted"]
    if predicted is not None and predicted["error"] is not None:
        axes.plot(predicted["hit_rate"], predicted["error"], "r*", markersize=14, label="proposed")
    axes.set(xlabel="hit rate", ylabel="wrong answers per hit by meaning (shaded: up to the 95 % bound)")
    axes.set_title(f"Policy {told['policy']}: {told['held_out']['calls']} calls held out")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from error
