"""``reprise backup``: make, list, check and put back backups of a data directory, whether a server runs or not."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import stored
from proxy.cli.remote import RunningServer
from proxy.cli.stopping import stop_server
from proxy.config import Settings
from store.backups.stamps import is_stamp
from store.directory import DataDirectory
from store.errors import StoreError

if TYPE_CHECKING:
    from store.backups.checking import Checked
    from store.backups.folder import Backups

PATIENCE: Final = 3600.0
"""Seconds to wait for a running server: a large database takes its time."""

app = typer.Typer(help="Make backups of the data directory, check them, and put one back.", no_args_is_help=True)

Stamp = Annotated[str, typer.Argument(help="The backup's stamp, such as 20261121T131500Z.")]


@app.command("create")
def create(
    include_chroma: Annotated[
        bool, typer.Option("--include-chroma", help="The vector indexes, too; else they are written again from SQL.")
    ] = False,
    keep: Annotated[int | None, typer.Option(help="Then delete all but so many of the newest.", min=1)] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a backup in the data directory; a running server makes it beside its calls."""
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    holder = directory.holder()
    body = {"include_chroma": include_chroma, "keep": keep}
    if holder:
        made = RunningServer(holder, settings, PATIENCE).post("/admin/backup", body)
    else:
        made = _create_here(directory, settings, include_chroma, keep)
    if as_json:
        _print_json(made)
        return
    typer.echo(f"{made['stamp']}  {_size(made['bytes'])}, {made['rows'].get('interactions', 0)} interactions")
    typer.echo(f"in {directory.backups / made['stamp']}, {made['seconds']:.1f} s")
    for reason in made["left_out"]:
        typer.echo(f"left out: {reason}", err=True)
    for stamp in made["deleted"]:
        typer.echo(f"deleted: {stamp}")


@app.command("list")
def list_(config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the backups, the newest first."""
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    server = _server(directory, settings)
    if server is not None:
        found = server.ask("GET", "/admin/backup")["backups"]
    else:
        with _failing():
            found = [manifest.summary() for manifest in _backups(directory, settings).all()]
    if as_json:
        _print_json({"backups": found})
        return
    for backup in found:
        beside = ", ".join(["database", *backup["includes"]])
        kind = "  (what a restore replaced)" if backup["kind"] == "safety" else ""
        typer.echo(f"{backup['stamp']:20} {_size(backup['bytes']):>10}  schema {backup['schema']}  {beside}{kind}")
    if not found:
        typer.echo("no backups")


@app.command("validate")
def validate(stamp: Stamp, config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check a backup, every byte of it. Ends with 1 where it is damaged or there is none."""
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    _require_stamp(stamp)
    server = _server(directory, settings)
    if server is not None:
        checked = server.ask("GET", f"/admin/backup/{stamp}/validate")
    else:
        with _failing():
            checked = _backups(directory, settings).check(stamp).told()
    if as_json:
        _print_json(checked)
    elif not checked["exists"]:
        typer.echo(f"there is no backup {stamp}", err=True)
    else:
        for problem in checked["problems"]:
            typer.echo(problem, err=True)
        typer.echo(f"{stamp} is {'valid' if checked['valid'] else 'damaged'}")
    if not checked["valid"]:
        raise typer.Exit(1)


@app.command("restore")
def restore(
    stamp: Stamp,
    stop: Annotated[
        bool,
        typer.Option(
            "--stop-server", help="Stop the server that holds the directory, and wait for it. Start it after."
        ),
    ] = False,
    no_safety: Annotated[
        bool,
        typer.Option("--no-safety", help="Do not back up what is there first: it is lost. For a damaged database."),
    ] = False,
    keep_safety: Annotated[
        int,
        typer.Option(min=1, help="Of what restores backed up first, this one included, keep the newest so many."),
    ] = 3,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of what the data directory holds, which is backed up first.

    Refused while a server runs. Ends with 1 where the backup is damaged or there is none. What was written, forgotten
    or invalidated after the backup was made is undone by it.
    """
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    _require_stamp(stamp)
    with _failing():
        checked = _backups(directory, settings).check(stamp)
    if not checked.valid:
        for problem in checked.problems or (f"there is no backup {stamp}",):
            typer.echo(f"reprise: {problem}", err=True)
        raise typer.Exit(1)
    _confirm(directory, settings, stamp, yes)
    holder = directory.holder()
    if holder:
        if not stop:
            raise CannotRun(
                f"a server holds {directory.root} (process {holder.get('pid')}): stop it first, or give --stop-server"
            )
        stop_server(directory, settings.server.drain_timeout)
    restored = _restore_here(directory, settings, checked, keep_safety, safety=not no_safety)
    if as_json:
        _print_json(restored)
        return
    typer.echo(f"restored {stamp}: {restored['rows'].get('interactions', 0)} interactions")
    if restored["safety"]:
        typer.echo(f"what was there before is in backup {restored['safety']}")
    if restored["deleted"]:
        typer.echo(f"deleted what earlier restores had replaced: {', '.join(restored['deleted'])}")
    if restored["forgotten_since"]:
        typer.echo(
            f"{restored['forgotten_since']} times somebody was forgotten after this backup was made: that is back now,"
            " so forget it again",
            err=True,
        )


def _create_here(
    directory: DataDirectory, settings: Settings, include_chroma: bool, keep: int | None
) -> dict[str, Any]:
    stored(settings)
    with _holding(directory):
        backups = _backups(directory, settings)
        made = backups.make(include_chroma=include_chroma)
        deleted = backups.keep(keep) if keep is not None else []
    return {**made.manifest.summary(), "seconds": made.seconds, "left_out": list(made.left_out), "deleted": deleted}


def _restore_here(
    directory: DataDirectory, settings: Settings, checked: Checked, keep: int, *, safety: bool
) -> dict[str, Any]:
    from proxy.backups import backups_of, target_of
    from proxy.databases import driver_of
    from store.backups.restoring import Restoring

    with _holding(directory):
        driver = driver_of(settings, directory)
        backups = backups_of(directory, driver)
        try:
            restored = Restoring(directory, backups, target_of(driver)).restore(checked, safety=safety)
        finally:
            driver.close()
        deleted = _thinned(backups, keep) if safety else []
    about = {"safety": restored.safety, "forgotten_since": restored.forgotten_since, "deleted": deleted}
    return {"status": "restored", **restored.manifest.summary(), **about}


def _thinned(backups: Backups, keep: int) -> list[str]:
    """Delete what old restores replaced. The restore is done: a failure here is told, and no failure of it."""
    try:
        return backups.keep(keep, "safety")
    except StoreError as error:
        typer.echo(f"reprise: {error}", err=True)
        return []


@contextlib.contextmanager
def _holding(directory: DataDirectory) -> Iterator[None]:
    """Keep servers and other commands away."""
    with _failing():
        directory.prepare()
        # Without a port: this is no server.
        directory.hold({"pid": os.getpid()})
        try:
            yield
        finally:
            directory.release()


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise CannotRun(str(error)) from error


def _server(directory: DataDirectory, settings: Settings) -> RunningServer | None:
    """The server that holds the directory; None where no one or a command does, beside which backups can be read."""
    holder = directory.holder()
    return RunningServer(holder, settings, PATIENCE) if holder and "port" in holder else None


def _backups(directory: DataDirectory, settings: Settings) -> Backups:
    from proxy.backups import backups_of
    from proxy.databases import driver_of

    return backups_of(directory, driver_of(settings, directory))


def _require_stamp(stamp: str) -> None:
    if not is_stamp(stamp):
        raise CannotRun(f"'{stamp}' is no backup's stamp: they are like 20261121T131500Z")


def _confirm(directory: DataDirectory, settings: Settings, stamp: str, yes: bool) -> None:
    from proxy.databases import driver_of

    with _failing():
        driver = driver_of(settings, directory)
        if yes or not driver.exists():
            return
    if not sys.stdin.isatty():
        raise CannotRun("nobody is here to say whether this is meant: --yes does it")
    typer.confirm(f"Put backup {stamp} in the place of what {driver.shown} holds?", abort=True, err=True)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _size(number: int) -> str:
    return f"{number / 2**20:.1f} MB"
