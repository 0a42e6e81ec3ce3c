"""``reprise entries``: list, search, show, block, delete, invalidate stored answers, whether a server runs or not."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer

from proxy.cli.here import ask
from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.remote import Refused

app = typer.Typer(help="Look at stored answers, and take them out of service.", no_args_is_help=True)
epoch = typer.Typer(help="Make all that a namespace has stored unreachable at once.", no_args_is_help=True)
app.add_typer(epoch, name="epoch")

Namespace = Annotated[str | None, typer.Option(help="Only this namespace's.")]
Model = Annotated[str | None, typer.Option(help="Only answers to calls for this model.")]
Project = Annotated[str | None, typer.Option(help="Only this project's.")]
Tag = Annotated[str | None, typer.Option(help="Only those with this tag.")]
Policy = Annotated[str | None, typer.Option(help="Only those stored under this policy.")]
Status = Annotated[str | None, typer.Option(help="active, blocked, quarantined, superseded, expired, ...")]
OlderThan = Annotated[str | None, typer.Option(help="Only those stored longer ago: 30m, 24h, 7d.")]
Limit = Annotated[int, typer.Option(help="At most so many, up to 500.")]
Id = Annotated[str, typer.Argument(help="The entry's id, such as ent_...")]


@app.command("list")
def list_(
    namespace: Namespace = None,
    model: Model = None,
    project: Project = None,
    tag: Tag = None,
    policy: Policy = None,
    status: Status = None,
    older_than: OlderThan = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, typer.Option(help="The last id of the page before.")] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List stored answers, newest first."""
    query = {
        "namespace": namespace,
        "model": model,
        "project": project,
        "tag": tag,
        "policy": policy,
        "status": status,
        "older_than": older_than,
        "limit": limit,
        "cursor": cursor,
    }
    _print_page(_ask(config, data_dir, "GET", "/cache/entries", query=query), as_json)


@app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="Words that stand in prompt or answer; with --like, a prompt.")],
    like: Annotated[bool, typer.Option("--like", help="Search by meaning: the nearest prompts first.")] = False,
    namespace: Namespace = None,
    model: Model = None,
    project: Project = None,
    status: Status = None,
    limit: Limit = 20,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Search stored answers by their words or by meaning."""
    query = {"namespace": namespace, "model": model, "project": project, "status": status, "limit": limit}
    query["like" if like else "q"] = text
    _print_page(_ask(config, data_dir, "GET", "/cache/entries", query=query, by_meaning=like), as_json)


@app.command("show")
def show(id_: Id, config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one stored answer whole, and the evidence about it."""
    entry = _ask(config, data_dir, "GET", f"/cache/entries/{quote(id_, safe='')}")
    if as_json:
        typer.echo(json.dumps(entry, indent=2, ensure_ascii=False))
        return
    for name, value in entry.items():
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        typer.echo(f"{name:22} {told}")


@app.command("block")
def block(id_: Id, config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Serve this answer no more."""
    _print_change(_ask(config, data_dir, "POST", f"/cache/entries/{quote(id_, safe='')}/block"), as_json)


@app.command("unblock")
def unblock(id_: Id, config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Serve a blocked or quarantined answer again."""
    _print_change(_ask(config, data_dir, "POST", f"/cache/entries/{quote(id_, safe='')}/unblock"), as_json)


@app.command("delete")
def delete(id_: Id, config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Delete this answer: its words, the evidence about it, its vector."""
    path = f"/cache/entries/{quote(id_, safe='')}"
    _print_change(_ask(config, data_dir, "DELETE", path, by_meaning=True), as_json)


@app.command("invalidate")
def invalidate(
    namespace: Namespace = None,
    model: Model = None,
    project: Project = None,
    tag: Tag = None,
    policy: Policy = None,
    older_than: OlderThan = None,
    like: Annotated[str | None, typer.Option(help="Only those whose prompt means about this.")] = None,
    similarity: Annotated[float, typer.Option(help="With --like: least cosine of the prompts, 0 to 1.")] = 0.9,
    everything: Annotated[bool, typer.Option("--all", help="Every entry of every namespace.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go: the default.")] = False,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take stored answers out of service; without --yes, say which these would be."""
    if yes and dry_run:
        raise CannotRun("--yes and --dry-run exclude each other")
    named = {
        "namespace": namespace,
        "model": model,
        "project": project,
        "tag": tag,
        "policy": policy,
        "older_than": older_than,
        "like": None if like is None else {"prompt": like, "similarity": similarity},
    }
    body: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    body |= {"all": everything, "dry_run": not yes}
    done = _ask(config, data_dir, "POST", "/cache/invalidate", body=body, by_meaning=like is not None)
    _print_invalidation(done, as_json)


@epoch.command("bump")
def bump(
    namespace: Annotated[str, typer.Option(help="The namespace.")],
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Raise a namespace's epoch: nothing stored before is ever served again. At once, whatever its number."""
    body = {"namespace": namespace, "epoch": "bump"}
    done = _ask(config, data_dir, "POST", "/cache/invalidate", body=body)
    typer.echo(json.dumps(done) if as_json else f"namespace {done['namespace']} is in epoch {done['epoch']} now")


def _ask(config: ConfigPath, data_dir: DataDir, method: str, path: str, **given: Any) -> Any:
    """As ``ask``. What a route refuses ends the command: an unknown id with 1, anything else with 2."""
    try:
        return ask(read_settings(config, data_dir), method, path, **given)
    except Refused as refused:
        if refused.status == 404:
            typer.echo(f"reprise: {refused}", err=True)
            raise typer.Exit(1) from refused
        raise


def _print_page(page: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(page, indent=2, ensure_ascii=False))
        return
    _print_entries(page["entries"])
    if page["next_cursor"]:
        typer.echo(f"more: --cursor {page['next_cursor']}")


WIDE = 120
"""Columns of a terminal from which answers are shown beside their prompts."""


def _print_entries(entries: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    # Piped output counts as 80 columns, of which an id takes a third.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    if not entries:
        console.print("no entries")
        return
    near = any("similarity" in entry for entry in entries)
    words = ["prompt", "answer"] if console.width >= WIDE else ["prompt"]
    named = ("status", *(["similarity"] if near else []), "quality", "hits", "age")
    ids = max(len(entry["id"]) for entry in entries)
    statuses = max(len(entry["status"]) for entry in entries)
    taken = ids + max(0, statuses - len("status")) + sum(len(name) + 1 for name in named) + 4
    room = max(10, (console.width - taken) // len(words) - 1)
    table = Table(
        # An id cut short is of no use.
        Column("id", no_wrap=True, min_width=ids),
        *(Column(name, no_wrap=True) for name in named),
        *(Column(name, no_wrap=True, overflow="ellipsis", max_width=room) for name in words),
        box=None,
        padding=(0, 1, 0, 0),
    )
    for entry in entries:
        figures = [f"{entry['quality']:.2f}", str(entry["hits"]), _age(entry["age"])]
        similarity = [f"{entry['similarity']:.3f}"] if near else []
        # Prompts and answers may hold square brackets, which are no markup.
        shown = [Text(" ".join((entry["summary" if name == "answer" else name] or "-").split())) for name in words]
        table.add_row(entry["id"], entry["status"], *similarity, *figures, *shown)
    console.print(table)


def _print_change(changed: dict[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(changed) if as_json else f"{changed['id']} is {changed['status']}")


def _print_invalidation(done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(done, indent=2, ensure_ascii=False))
    elif done["status"] == "dry_run":
        _print_entries(done["sample"])
        typer.echo(f"{done['count']} entries would be taken out of service; --yes does it")
    else:
        typer.echo(f"{done['count']} entries are out of service")


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"
