"""``reprise explain``: why a call would be a hit, a miss or a bypass now."""

from __future__ import annotations

import json
import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.config import Settings
from store.directory import DataDirectory


def explain(
    prompt: Annotated[str | None, typer.Argument(help="The last user text.")] = None,
    model: Annotated[str | None, typer.Option(help="The model called; else the first one of model_list.")] = None,
    system: Annotated[str | None, typer.Option(help="A system prompt.")] = None,
    body: Annotated[
        Path | None, typer.Option(help="A whole chat body as JSON, - for standard input; PROMPT is asked last in it.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="A header of the call, as 'name: value'; several may be given."),
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="Whose call it is.")] = None,
    config: ConfigPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say why a call would be a hit, a miss or a bypass. Nothing is forwarded, stored or counted."""
    settings = read_settings(config, data_dir)
    called = _body(settings, prompt, model, system, body)
    headers = dict(map(_header, header or ()))
    holder = DataDirectory(settings.server.data_dir).holder()
    if holder:
        told = _through(holder, settings, called, headers, namespace)
    else:
        told = _here(settings, called, headers, namespace)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    show(told)
    if told["memory"].get("left_out"):
        typer.echo(f"\nno server runs: {', '.join(told['memory']['left_out'])} are left out, and may change this")
    if told["reason"] == "no_entry" and namespace is None and not headers and not settings.auth.keys:
        # The commonest reason why nothing is found though the same call was a hit a moment ago.
        typer.echo(
            "\nClients that send a key have a namespace of their own: "
            "-H 'authorization: Bearer KEY', or --namespace as `reprise entries list --json` shows it."
        )


def _here(settings: Settings, body: Any, headers: Mapping[str, str], namespace: str | None) -> dict[str, Any]:
    """Read the store, where no server holds it."""
    from proxy.cli.reading import reading
    from proxy.errors import ProxyError
    from proxy.rehearsal.explaining import explain_here

    with reading(settings) as database:
        try:
            return explain_here(settings, database, body, headers, namespace)
        except ProxyError as error:
            raise CannotRun(error.message) from error


def _through(
    holder: Mapping[str, Any], settings: Settings, body: Any, headers: Mapping[str, str], namespace: str | None
) -> dict[str, Any]:
    """Ask the server that holds the directory."""
    from proxy.cli.remote import Refused, RunningServer

    query = "" if namespace is None else f"?namespace={urllib.parse.quote(namespace, safe='')}"
    try:
        told: dict[str, Any] = RunningServer(holder, settings).ask("POST", f"/cache/explain{query}", body, headers)
    except Refused as error:
        raise CannotRun(f"the server refused: {error}") from error
    return told


def _body(
    settings: Settings, prompt: str | None, model: str | None, system: str | None, path: Path | None
) -> dict[str, Any]:
    """The chat body that the options amount to. Raises ``CannotRun``."""
    called = _read(path) if path is not None else {}
    messages = list(called.get("messages") or [])
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    if prompt is not None:
        messages.append({"role": "user", "content": prompt})
    if not messages:
        raise CannotRun('say what is asked: reprise explain "PROMPT", or --body FILE')
    named = (
        model
        or called.get("model")
        or next((m.model_name for m in settings.model_list if "*" not in m.model_name), None)
    )
    if named is None:
        raise CannotRun("name the model of the call: --model NAME")
    return {**called, "model": named, "messages": messages}


def _read(path: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        read = json.loads(text)
    except (OSError, ValueError) as error:
        raise CannotRun(f"--body: {path} cannot be read: {error}") from error
    if not isinstance(read, dict) or not isinstance(read.get("messages", []), list):
        raise CannotRun(f"--body: {path} holds no chat body")
    return read


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not value.strip().isprintable():
        raise CannotRun(f"--header takes 'name: value', not {text!r}")
    return name.strip().lower(), value.strip()


def show(told: dict[str, Any]) -> None:
    """The explanation for people."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    console.print(f"[bold]{escape(told['sentence'])}[/bold]\n", soft_wrap=True)
    policy = told["policy"]
    route = f", by route {policy['route']}" if policy["route"] else ""
    arm = f", arm {policy['arm']} of {policy['experiment']}" if policy["experiment"] else ""
    ignored = f"; not granted: {', '.join(policy['ignored'])}" if policy["ignored"] else ""
    console.print(f"policy     {escape(policy['name'] + route + arm + ignored)}", soft_wrap=True)
    console.print(f"namespace  {escape(told['namespace'])}")
    console.print(f"classes    {', '.join(told['classes']) or 'none'}")
    console.print(f"tiers      {', '.join(told['tiers']) or 'none'}")
    console.print(f"reason     {told['reason']}")
    if "semantic" not in told:
        return
    for failure in told["failures"]:
        console.print(f"failed     {escape(failure)}")
    semantic = told["semantic"]
    console.print(f"cut        {escape(_cut(semantic))}", soft_wrap=True)
    for title, found in (("stored for this very call", told["exact"]), ("near by meaning", semantic["candidates"])):
        if found:
            console.print(f"\n[bold]{title}[/bold]")
        for one in found:
            console.print("\n".join(_candidate(one)), soft_wrap=True, markup=False)
    for one in semantic["elsewhere"]:
        console.print(
            f"\nnear, but of another call ({one['similarity']:.3f}, model {escape(str(one['model']))}):"
            f" {escape(one['prompt'] or '')}",
            soft_wrap=True,
        )


def _cut(semantic: dict[str, Any]) -> str:
    cut, source = semantic["cut"], semantic["source"]
    if cut is None:
        known = "none in force"
    elif source == "fixed" and semantic["max_error_rate"] is None:
        known = f"similarity from {cut:.3f} on, fixed by policy"
    else:
        known = f"score above {cut:.4f} ({source}, for an error of at most {semantic['max_error_rate']:.2%})"
    if semantic["labels_above"]:
        known += f"; {semantic['labels_above']} labels above it, error at most {semantic['error_at_most']:.1%}"
    if semantic["shadow"]:
        known += f"; shadow mode{': ' + semantic['alarm'] if semantic['alarm'] else ''}"
    return known


def _candidate(one: dict[str, Any]) -> list[str]:
    """One stored answer in a few lines."""
    numbers = [
        f"similarity {one['similarity']:.3f}",
        f"quality {one['quality']:.2f} x decay {one['decay']:.2f}",
        f"rank {one['rank']:.3f}",
        f"age {_age(one['age'])}",
    ]
    if one.get("score") is not None:
        numbers.append(f"score {one['score']:.3f}{'' if one['asked'] else ' (not asked for)'}")
    detail = f": {one['detail']}" if one["detail"] else ""
    verdict = "admitted" if one["admitted"] else f"refused: {one['reason']}{detail}"
    prompt = " ".join((one["prompt"] or "an answer without a prompt").split())
    lines = [
        f"  {prompt[:200]}  ({one['entry']}, {one['status']})",
        f"    {', '.join(numbers)}",
        f"    {verdict}",
    ]
    for turn in one.get("earlier_turns", ()):
        lines.append(f"    earlier turn {turn['similarity']:.3f}: {turn['new'][:80]!r} for {turn['stored'][:80]!r}")
    for veto, what in ((True, "vetoes"), (False, "doubts")):
        said = [f"{guard['guard']} ({guard['words']})" for guard in one.get("guards", ()) if guard["veto"] is veto]
        if said:
            lines.append(f"    {what}: {', '.join(said)}")
    return lines


def _age(seconds: float) -> str:
    from cache.sentences import duration

    return duration(seconds)
