"""``reprise replay``: the logged calls through another policy, and what that would have changed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import Limit, Namespace, ProgressLine, Since, beginning, reading

EMPTY = "The log holds no calls that could be replayed."


def replay(
    policy: Annotated[
        str | None,
        typer.Option(help="A policy or preset by name, or a YAML file; else the configured policies, as a check."),
    ] = None,
    since: Since = None,
    namespace: Namespace = None,
    limit: Limit = 20_000,
    worst: Annotated[int, typer.Option(help="How many of the worst disagreements are shown.", min=0)] = 5,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Run logged calls through another policy and print what would have changed. Nothing is written or forwarded."""
    settings, begin = read_settings(config, data_dir), beginning(since)
    from proxy.rehearsal.choice import NoSuchPolicy, choose, configured
    from proxy.rehearsal.log import read_log
    from proxy.rehearsal.replaying import replay_log

    try:
        choice = configured(settings) if policy is None else choose(policy, settings)
    except NoSuchPolicy as error:
        raise CannotRun(f"--policy: {error}") from error
    line = ProgressLine()
    with reading(settings) as database:
        log = read_log(database, since=begin, namespace=namespace, limit=limit)
        if not log.calls:
            empty = {"policy": choice.name, "calls": 0, "left_out": log.left_out, "note": EMPTY}
            typer.echo(json.dumps(empty, indent=2) if as_json else EMPTY)
            return
        told = replay_log(settings, database, log, choice, worst, line)
    line.clear()
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show(told)


def show(told: dict[str, Any]) -> None:
    """The report for people."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    left_out = f" ({told['left_out']} left out: their request is not in the log)" if told["left_out"] else ""
    console.print(f"{told['calls']} calls through {escape(told['policy'])}{left_out}\n")
    console.print(_rates(told))
    for tier, error in told["wrong"].items():
        if error["known"] or (tier == "semantic" and error["hits"]):
            console.print(_error(tier, error), soft_wrap=True)
    _saved(console, told["saved"])
    _changes(console, told)
    for one in told["worst"]:
        console.print(_side_by_side(one))
    for note in told["notes"]:
        console.print(f"[dim]{escape(note)}[/dim]", soft_wrap=True)


def _rates(told: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table("hit rate", "logged", "replayed", box=None)
    for name in ("all", "exact", "semantic"):
        row = [name]
        for run in ("logged", "replayed"):
            figures = told[run] if name == "all" else told[run]["tiers"][name]
            row.append(f"{figures['hit_rate']:.1%}  ({figures['hits']})")
        table.add_row(*row)
    return table


def _error(tier: str, error: dict[str, Any]) -> str:
    unknown = f"; of {error['unknown']} it is not known"
    if not error["known"]:
        return f"\nwrong {tier} hits: not known of any of {error['hits']}"
    return (
        f"\nwrong {tier} hits: {error['wrong']} of {error['known']} known, {error['error']:.1%}"
        f" (between {error['low']:.1%} and {error['high']:.1%}, each bound 95 % sure){unknown}"
    )


def _saved(console: Any, saved: dict[str, Any]) -> None:
    cost, latency = saved["cost_usd"], saved["mean_latency_ms"]
    console.print(f"\nmoney saved: ${cost['logged']:.4f} logged, ${cost['replayed']:.4f} replayed")
    if cost["calls_without_price"]:
        console.print(f"  ({cost['calls_without_price']} calls have no known price)")
    if latency["logged"] is not None:
        console.print(f"mean latency: {latency['logged']:.1f} ms logged, about {latency['replayed']:.1f} ms replayed")


def _changes(console: Any, told: dict[str, Any]) -> None:
    from rich.table import Table

    same, changes = told["same_outcome"], told["changes"]
    what = "reproduces the log for" if told["current"] else "decides as logged on"
    console.print(f"\nThe replay {what} {same['share']:.1%} of the calls ({same['calls']} of {told['calls']}).")
    if not changes["by_reason"]:
        return
    console.print(f"{changes['newly_hit']} newly hit, {changes['no_longer_hit']} no longer hit:")
    table = Table("logged", "replayed", "calls", box=None)
    for row in changes["by_reason"][:12]:
        names = [f"{row[run]['outcome']} ({row[run]['reason']})" for run in ("logged", "replayed")]
        table.add_row(*names, str(row["calls"]))
    console.print(table)


def _side_by_side(one: dict[str, Any]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    score = "" if one["score"] is None else f", score {one['score']:.3f}"
    title = f"wrong: similarity {one['similarity']:.3f}{score} ({one['why']}; {one['interaction']})"
    table = Table("", "asked", "stored", title=escape(title), title_justify="left", show_lines=True)
    table.add_row("prompt", escape(one["prompt"]), escape(one["stored_prompt"] or ""))
    table.add_row("answer", escape(one["right"] or "not known"), escape(one["served"]))
    return table
