"""``reprise experiment``: how experiments stand, what each arm came to, and stopping them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from proxy.cli.here import ask
from proxy.cli.options import AsJson, ConfigPath, DataDir, read_settings

app = typer.Typer(help="See how policies tried side by side fare, and keep one of them.", no_args_is_help=True)

Row = Mapping[str, Any]

WIDE = 140
"""Columns where the output is no terminal."""
INTERVALS = "In brackets: 95 % intervals. Hit rate and cost by the spread between units; error and latency by calls."


@app.command("status")
def status(
    name: Annotated[str | None, typer.Argument(help="One experiment; left out: all.")] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show each arm's calls, hit rate, error, latency and cost. Works without a server too."""
    settings = read_settings(config, data_dir)

    def one(wanted: str) -> Any:
        return ask(settings, "GET", f"/cache/experiments/{quote(wanted, safe='')}")

    if name is not None:
        shown = [one(name)]
    else:
        shown = [one(known["name"]) for known in ask(settings, "GET", "/cache/experiments")["experiments"]]
    if as_json:
        typer.echo(json.dumps(shown[0] if name else {"experiments": shown}, indent=2, ensure_ascii=False))
    elif not shown:
        typer.echo("No experiment is configured in cache.experiments, and none is in the log.")
    for experiment in shown if not as_json else ():
        _print(experiment)


@app.command("stop")
def stop(
    name: Annotated[str, typer.Argument(help="The experiment.")],
    keep: Annotated[str, typer.Option(help="The arm whose policy all calls get from now on.")],
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop an experiment: all calls that match it get the kept arm's policy from now on."""
    settings = read_settings(config, data_dir)
    stopped = ask(settings, "POST", f"/cache/experiments/{quote(name, safe='')}/stop", body={"keep": keep})
    if as_json:
        typer.echo(json.dumps(stopped, indent=2, ensure_ascii=False))
    else:
        for line in _standing(stopped):
            typer.echo(line)


def _standing(experiment: Row) -> list[str]:
    """What is to be said before the figures."""
    arms = [f"{arm}: {one['policy']}, weight {one['weight']:g}" for arm, one in experiment["arms"].items()]
    told = f"{experiment['name']}: {experiment['state']}"
    told += f", by {experiment['sticky']} ({'; '.join(arms)})" if arms else ", it is configured no more"
    lines = [told]
    times = [(name, experiment[name]) for name in ("started_at", "since", "until", "stopped_at") if experiment[name]]
    if times:
        lines.append("  " + ", ".join(f"{name.removesuffix('_at')} {at}" for name, at in times))
    if experiment["kept"]:
        lines.append(f"  kept: {experiment['kept']}. All calls that match get its policy.")
    if experiment["yaml"]:
        lines += [
            "  To make it last, take the experiment out of the file, and put this first in cache.routes:",
            f"    {experiment['yaml']}",
        ]
    return lines


def _print(experiment: Row) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    for line in _standing(experiment):
        typer.echo(line)
    if not experiment["calls"]:
        typer.echo("  no calls yet\n")
        return
    table = Table("", *experiment["results"], box=None)
    arms = experiment["results"].values()
    table.add_row("calls", *(f"{arm['calls']}  (of {arm['units']} {experiment['sticky'] or 'unit'}s)" for arm in arms))
    table.add_row("hit rate", *(_share(arm["hit_rate"]) for arm in arms))
    table.add_row("  exact, semantic", *(f"{arm['exact_hits']}, {arm['semantic_hits']}" for arm in arms))
    table.add_row("error per semantic hit", *(_error(arm["error"]) for arm in arms))
    for name in ("p50", "p95"):
        table.add_row(f"latency {name}, ms", *(_within(arm["latency_ms"][name], "value", "{:.1f}") for arm in arms))
    for name in ("spent", "saved"):
        table.add_row(
            f"{name} a call, $", *(_within(arm["cost_usd"][name]["per_call"], "mean", "{:.3g}") for arm in arms)
        )
        table.add_row(f"{name} in all, $", *(f"{arm['cost_usd'][name]['total']:.4f}" for arm in arms))
    table.add_row("failed", *(str(arm["failures"]) for arm in arms))
    console.print(table)
    for one in experiment["comparisons"]:
        more = one["difference"]
        typer.echo(
            f"{one['arm']} has a higher hit rate than {one['against']} with probability {one['higher_hit_rate']:.1%}:"
            f" {more['median']:+.1%} ({more['low']:+.1%} to {more['high']:+.1%})"
        )
    typer.echo(INTERVALS + "\n")


def _share(found: Row) -> str:
    return _within(found, "rate", "{:.1%}")


def _error(found: Row) -> str:
    if found["basis"] is None:
        return "no labels yet"
    counted = found[found["basis"]]
    said = f"{counted['wrong']} of {counted['wrong'] + counted['right']} {found['basis']}"
    return f"{_share(found)}, {said}"


def _within(found: Row, name: str, form: str) -> str:
    """A figure and its interval; a bound that is not known is a question mark."""
    if found[name] is None:
        return "-"
    low, high = ("?" if found[end] is None else form.format(found[end]) for end in ("low", "high"))
    return f"{form.format(found[name])} [{low}, {high}]"
