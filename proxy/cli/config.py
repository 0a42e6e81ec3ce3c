"""``reprise config``: check the file, print its schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from proxy.cli.options import AsJson, ConfigPath, find_config
from proxy.config import ConfigError, json_schema, load_settings

app = typer.Typer(help="Check the configuration; print its JSON Schema.", no_args_is_help=True)


@app.command()
def check(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Read the configuration and name everything wrong with it, by file, line and key. Exit code 2 if anything is."""
    path = find_config(config)
    try:
        load_settings(path, os.environ)
        problems = []
    except ConfigError as error:
        problems = error.problems
    if as_json:
        listed = [{"file": p.file, "line": p.line, "key": p.key, "message": p.message} for p in problems]
        typer.echo(json.dumps({"ok": not problems, "problems": listed}, indent=2))
    else:
        for problem in problems:
            typer.echo(str(problem), err=True)
        if not problems:
            typer.echo(f"{path or 'the built-in configuration'} is fine")
    if problems:
        raise typer.Exit(2)


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead.")] = None,
) -> None:
    """Print the JSON Schema that editors complete the file with."""
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
