"""``reprise stats``: what the cache did, read from the log itself, whether a server runs or not."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.config import parse_duration


def stats(
    config: ConfigPath = None,
    data_dir: DataDir = None,
    window: Annotated[str | None, typer.Option(help="How far back: 30m, 24h, 7d; else stats.window.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print hit rates, misses and bypasses by reason, latencies and savings."""
    settings = read_settings(config, data_dir)
    try:
        seconds = settings.stats.window if window is None else parse_duration(window)
    except ValueError as error:
        raise CannotRun(f"--window: {error}") from error
    from memory.statistics import Statistics
    from store.database import Database
    from store.directory import DataDirectory

    path = DataDirectory(settings.server.data_dir).database
    if not path.is_file():
        raise CannotRun(f"no log in {settings.server.data_dir}: no server has run there yet")
    database = Database(path)
    try:
        summary = Statistics(database).summary(seconds, namespace)
    finally:
        database.close()
    if as_json:
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        print_summary(summary)


def print_summary(summary: dict[str, Any], *, groups: bool = True) -> None:
    """The summary as tables, with one for each group if asked for."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("", "", show_header=False, box=None)
    tiers, latency, tokens, cost = (summary[name] for name in ("tiers", "latency_ms", "tokens", "cost_usd"))
    table.add_row("requests", f"{summary['requests']}  ({summary['failures']} failed, {summary['collapsed']} joined)")
    table.add_row("hit rate", f"{summary['hit_rate']:.1%}  ({summary['hits']} hits)")
    for tier, figures in tiers.items():
        table.add_row(f"  {tier}", f"{figures['hit_rate']:.1%}  ({figures['hits']})")
    table.add_row("misses", _reasons(summary["misses"]))
    table.add_row("bypasses", _reasons(summary["bypasses"]))
    for kind in ("hit", "miss"):
        p50, p95 = latency[kind]["p50"], latency[kind]["p95"]
        table.add_row(f"{kind} latency", "-" if p50 is None else f"p50 {p50:.2f} ms, p95 {p95:.2f} ms")
    estimated = f"  ({tokens['estimated_calls']} calls estimated)" if tokens["estimated_calls"] else ""
    table.add_row(
        "tokens saved", f"{tokens['saved']} of {tokens['saved'] + tokens['prompt'] + tokens['completion']}{estimated}"
    )
    table.add_row("money saved", f"${cost['saved']:.4f}  (spent ${cost['spent']:.4f})")
    console.print(table)
    for group, rows in summary["by"].items() if groups else ():
        if len(rows) > 1 or (rows and rows[0][group]):
            console.print(_group_table(group, rows))


def _group_table(group: str, rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(group, "requests", "hits", "hit rate", "tokens saved", "money saved", box=None)
    for row in rows[:10]:
        money = f"${row['cost_saved_usd']:.4f}"
        figures = (row["requests"], row["hits"], f"{row['hit_rate']:.1%}", row["tokens_saved"], money)
        table.add_row(row[group] or "-", *map(str, figures))
    return table


def _reasons(counted: dict[str, Any]) -> str:
    reasons = ", ".join(f"{reason} {n}" for reason, n in counted["reasons"].items())
    return f"{counted['count']}  ({reasons})" if reasons else str(counted["count"])
