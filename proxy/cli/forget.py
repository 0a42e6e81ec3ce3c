"""``reprise forget``: forget somebody, a session, a client or a namespace, whether a server runs or not."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from proxy.cli.here import ask
from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.config import Settings


def forget(
    subject: Annotated[
        str | None, typer.Option(help="A name, an e-mail address: all that holds these words goes.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="This session's interactions, and what they led to.")] = None,
    client: Annotated[str | None, typer.Option(help="This client's interactions, and what they led to.")] = None,
    namespace: Annotated[str | None, typer.Option(help="All that this namespace has.")] = None,
    whole_words: Annotated[
        bool, typer.Option("--whole-words", help="With --subject: 'Ann', but not 'planning'.")
    ] = False,
    keep_backups: Annotated[
        bool, typer.Option("--keep-backups", help="Keep the backups that hold it; they are named as left.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many rows would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Forget for good: in the log, in memory, in the cache, in every file; prints the receipt.

    Backups in the data directory that hold it are deleted, for nothing can be cut out of one. Exports, logs and backups
    that were taken elsewhere are not reached. Ends with 1 where something is left.
    """
    if yes and dry_run:
        raise CannotRun("--yes and --dry-run exclude each other")
    named = {"subject": subject, "session": session, "client": client, "namespace": namespace}
    body: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if len(body) != 1:
        raise CannotRun("give exactly one of --subject, --session, --client and --namespace")
    if whole_words:
        body["whole_words"] = True
    if keep_backups:
        body["keep_backups"] = True
    settings = read_settings(config, data_dir)
    if not yes:
        told = _ask(settings, {**body, "dry_run": True})
        if dry_run:
            _print_preview(told, as_json)
            return
        _confirm(told)
    receipt = _ask(settings, body)
    _print_receipt(receipt, as_json)
    if not receipt["complete"]:
        raise typer.Exit(1)


def _ask(settings: Settings, body: dict[str, Any]) -> Any:
    return ask(settings, "POST", "/admin/forget", body=body, by_meaning=not body.get("dry_run"))


def _confirm(told: dict[str, Any]) -> None:
    if not sys.stdin.isatty():
        raise CannotRun("nobody is here to say whether this is meant: --yes does it, --dry-run counts")
    typer.echo(_previewed(told), err=True)
    typer.confirm("Forget it for good?", abort=True, err=True)


def _print_preview(told: dict[str, Any], as_json: bool) -> None:
    shown = {name: told[name] for name in ("counts", "backups")}
    typer.echo(json.dumps(shown) if as_json else f"{_previewed(told)}; --yes forgets it")


def _previewed(told: dict[str, Any]) -> str:
    going = told["backups"]
    return _told(told["counts"]) + (f"; and the backups that hold it, whole: {', '.join(going)}" if going else "")


def _print_receipt(receipt: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(receipt, indent=2, ensure_ascii=False))
        return
    typer.echo(f"forgotten: {_told(receipt['counts'])}")
    typer.echo(f"receipt {receipt['id']}, {receipt['files_checked']} files searched, {receipt['seconds']:.1f} s")
    if receipt["backups"]:
        typer.echo(f"backups deleted: {', '.join(receipt['backups'])}; make a new one: reprise backup create")
    for left in receipt["left"]:
        typer.echo(f"left: {left}", err=True)


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items()) or "nothing"
