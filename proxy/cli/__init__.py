"""The command ``reprise``. Exit codes: 0 done, 1 found something wrong, 2 could not run."""

from __future__ import annotations

import sys

import typer

from proxy.cli import config, demo, reindex, serve, stats
from proxy.cli.options import CannotRun

app = typer.Typer(
    name="reprise",
    help="An OpenAI-compatible proxy that remembers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("stats")(stats.stats)
app.command("reindex")(reindex.reindex)
app.add_typer(config.app, name="config")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except CannotRun as error:
        print(f"reprise: {error}", file=sys.stderr)
        sys.exit(2)
