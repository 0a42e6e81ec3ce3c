"""The command ``reprise``. Exit codes: 0 done, 1 found something wrong, 2 could not run."""

from __future__ import annotations

import sys

import typer

from proxy.cli import (
    backup,
    config,
    demo,
    entries,
    experiment,
    explain,
    export,
    forget,
    import_,
    reindex,
    replay,
    review,
    serve,
    stats,
    tune,
)
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
app.command("explain")(explain.explain)
app.command("replay")(replay.replay)
app.command("tune")(tune.tune)
app.command("reindex")(reindex.reindex)
app.command("forget")(forget.forget)
app.command("review")(review.review)
app.command("import", help=import_.HELP)(import_.import_)
app.add_typer(backup.app, name="backup")
app.add_typer(export.app, name="export")
app.add_typer(config.app, name="config")
app.add_typer(entries.app, name="entries")
app.add_typer(experiment.app, name="experiment")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except CannotRun as error:
        print(f"reprise: {error}", file=sys.stderr)
        sys.exit(2)
