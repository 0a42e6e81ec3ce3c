"""``reprise config``: check the file, show what is in force, explain what a call gets, print the schema."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, find_config, read_settings
from proxy.config import ConfigError, Problem, json_schema

app = typer.Typer(
    help="Check the configuration, show it, explain what a call gets; print its JSON Schema.", no_args_is_help=True
)


@app.command()
def check(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Read the configuration and name everything wrong with it, by file, line and key. Exit code 2 if anything is.

    What is allowed but hardly meant is a warning, and leaves the exit code at 0.
    """
    from proxy.config.loader import load
    from proxy.policy.doubts import doubts

    path = find_config(config)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    try:
        warnings = doubts(load(path, os.environ))
    except ConfigError as error:
        problems = error.problems
    if as_json:
        told = {"ok": not problems, "problems": _listed(problems), "warnings": _listed(warnings)}
        typer.echo(json.dumps(told, indent=2))
    else:
        for problem in problems:
            typer.echo(str(problem), err=True)
        for warning in warnings:
            typer.echo(f"warning: {warning}", err=True)
        if not problems:
            typer.echo(f"{path or 'the built-in configuration'} is fine")
    if problems:
        raise typer.Exit(2)


def _listed(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{"file": p.file, "line": p.line, "key": p.key, "message": p.message} for p in problems]


@app.command()
def show(config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print the configuration in force: the file, the environment and the defaults put together, secrets masked."""
    from proxy.config.shown import shown

    settings = shown(read_settings(config, data_dir))
    if as_json:
        typer.echo(json.dumps(settings, indent=2, ensure_ascii=False))
    else:
        import yaml

        typer.echo(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120), nl=False)


@app.command()
def explain(
    model: Annotated[str, typer.Option("--model", help="The model, as a caller writes it.")],
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Whose answers; else that of --key, else default.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="The name of a key in auth.keys.")] = None,
    client: Annotated[
        str | None, typer.Option("--client", help="The program; else the header's, the key's name, the user agent.")
    ] = None,
    project: Annotated[str | None, typer.Option("--project", help="As x-reprise-project.")] = None,
    path: Annotated[str, typer.Option("--path", help="The path called.")] = "/v1/chat/completions",
    header: Annotated[
        list[str] | None, typer.Option("--header", help="A header of the call, 'name: value'; may be repeated.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag of the call; may be repeated.")] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say which route a call takes, which policy it meets, and where each of its values comes from."""
    from proxy.cli.choices import as_json as for_programs
    from proxy.cli.choices import told
    from proxy.config.loader import load
    from proxy.errors import ProxyError
    from proxy.policy.choice import Asked, choose

    try:
        loaded = load(find_config(config), os.environ)
        asked = Asked(model, namespace, key, client, project, path, tuple(header or ()), tuple(tag or ()))
        choice = choose(loaded, asked)
    except ConfigError as error:
        raise CannotRun(str(error)) from error
    except ProxyError as error:
        raise CannotRun(error.message) from error
    typer.echo(json.dumps(for_programs(choice), indent=2, ensure_ascii=False) if as_json else told(choice))


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
