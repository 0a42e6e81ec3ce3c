"""``reprise tune``: a policy for an error budget, from what was logged and labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import Namespace, ProgressLine, Since, beginning, reading

EMPTY = "The log holds no calls to tune by."
MOST_ERROR = 0.5


def tune(
    max_error: Annotated[
        str, typer.Option(help="Wrong answers per hit by meaning that are tolerated: 1% or 0.01, up to 50%.")
    ] = "1%",
    policy: Annotated[str, typer.Option(help="The policy to tune.")] = "default",
    since: Since = None,
    namespace: Namespace = None,
    limit: Annotated[int, typer.Option(help="The most calls; of more, the newest.", min=1)] = 5000,
    plot: Annotated[Path | None, typer.Option(help="Draw the curve into this .png or .svg.")] = None,
    write: Annotated[Path | None, typer.Option(help="Write the proposed policy into this new YAML file.")] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Propose a policy for an error budget. Reads the log and its labels, replays, and changes nothing."""
    settings, begin, budget = read_settings(config, data_dir), beginning(since), _share(max_error)
    from proxy.rehearsal.log import read_log
    from proxy.rehearsal.tuning import tune as tuned
    from proxy.rehearsal.writing import CannotWrite, refuse_plot

    if policy not in settings.cache.policies:
        raise CannotRun(f"--policy: no policy is called {policy!r}; there are {', '.join(settings.cache.policies)}")
    try:
        if plot is not None:
            refuse_plot(plot)
    except CannotWrite as error:
        raise CannotRun(f"--plot: {error}") from error
    if write is not None and write.exists():
        raise CannotRun(f"--write: {write} exists: name a new file")
    line = ProgressLine()
    with reading(settings) as database:
        log = read_log(database, since=begin, namespace=namespace, limit=limit)
        if not log.calls:
            typer.echo(json.dumps({"calls": 0, "left_out": log.left_out, "note": EMPTY}) if as_json else EMPTY)
            return
        told = tuned(settings, database, log, policy, budget, begin, line)
    line.clear()
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show(told)
    _write(told, settings.cache.policies[policy], plot, write)


def _write(told: dict[str, Any], present: Any, plotted: Path | None, written: Path | None) -> None:
    from proxy.rehearsal.writing import CannotWrite, as_yaml, plot, write_new

    try:
        if plotted is not None and told["curve"]:
            plot(told, plotted)
            typer.echo(f"drawn: {plotted}", err=True)
        if written is not None and told["proposed"] is not None:
            write_new(written, as_yaml(told, present))
            typer.echo(f"written: {written}", err=True)
    except CannotWrite as error:
        raise CannotRun(str(error)) from error


def _share(text: str) -> float:
    """A share written as 1% or 0.01. Raises ``CannotRun``."""
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if rest.strip() or not 0 < share <= MOST_ERROR:
        raise CannotRun(f"--max-error takes a share above 0 and up to 50%, such as 1% or 0.01, not {text!r}")
    return share


def show(told: dict[str, Any]) -> None:
    """The curve and the proposal for people."""
    from rich.console import Console

    console = Console(highlight=False)
    labels, held_out, present = told["labels"], told["held_out"], told["present"]
    console.print(
        f"{told['calls']} calls and {labels['all']} labels; what follows was measured on the last {held_out['calls']}"
        f" calls and {held_out['labels']} labels, and chosen on those before.",
        soft_wrap=True,
    )
    console.print(
        f"Policy {told['policy']} as it is: hit rate {present['hit_rate']:.1%} ({present['hits']} hits,"
        f" {present['by_meaning']} by meaning).\n",
        soft_wrap=True,
    )
    if told["curve"]:
        console.print(_curve(told))
    if told["proposed"] is None:
        console.print(f"\n[bold]{_too_few(told)}[/bold]", soft_wrap=True)
    else:
        _propose(console, told)
    for reason in told["reasons"]:
        console.print(f"- {reason}", soft_wrap=True, markup=False)


def _curve(told: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table("served", "hit rate (95 %)", "by meaning", "labels", "wrong", "error", "at most", box=None)
    now = told["present"]["kind"], told["present"]["value"]
    for one in told["curve"]:
        known = one["error"] is not None
        marked = " (now)" if (one["kind"], one["value"]) == now else ""
        table.add_row(
            f"{'score >' if one['kind'] == 'score' else 'cosine from'} {one['value']:.3f}{marked}",
            f"{one['hit_rate']:.1%} ({100 * one['hit_rate_low']:.0f}-{100 * one['hit_rate_high']:.0f})",
            str(one["by_meaning"]),
            str(one["labels"]),
            str(one["wrong"]),
            f"{one['error']:.1%}" if known else "-",
            f"{one['at_most']:.1%}" if known else "-",
            style="bold" if one["proven"] else None,
        )
    return table


def _too_few(told: dict[str, Any]) -> str:
    labels = told["labels"]
    text = f"No cut is proven to be within {told['max_error']:.2%}"
    if labels["all"] < labels["needed"]:
        text = f"Too few labels for {told['max_error']:.2%}: there are {labels['all']}"
    text += f"; at least {labels['needed']} above a cut, all of them right, would prove it."
    if labels["provable"] is not None:
        text += f" They prove {labels['provable']:.0%}: try --max-error {labels['provable']:.0%}."
    return f"{text} Labels come with each forwarded call that had a near candidate, and with audits."


def _propose(console: Any, told: dict[str, Any]) -> None:
    changes, predicted = told["proposed"], told["predicted"]
    settings = ", ".join(f"{name}: {value}" for name, value in changes.items())
    console.print(f"\n[bold]Proposed for policy {told['policy']}: {settings}[/bold]", soft_wrap=True)
    where = "held out" if predicted["held_out"] else "not held out: chosen with these labels too"
    error = "no label tells of its error"
    if predicted["error"] is not None:
        error = f"error {predicted['error']:.2%}, at most {predicted['error_at_most']:.2%}"
    rate = f"{predicted['hit_rate']:.1%} (between {predicted['hit_rate_low']:.1%} and {predicted['hit_rate_high']:.1%})"
    by_meaning = f"{predicted['by_meaning']} of {predicted['calls']} calls by meaning"
    console.print(f"Predicted ({where}): hit rate {rate}, {by_meaning}; {error}.", soft_wrap=True)
