"""``reprise import``: answers that came from elsewhere, into the cache."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.template import headers_in, namespace_meant, only_namespace, seconds_in, template_body
from proxy.config import Settings

if TYPE_CHECKING:
    from proxy.cli.remote import RunningServer
    from proxy.moving.checkpoint import Checkpoint
    from proxy.moving.importer import Sink, Tally
    from proxy.moving.item import Item, Result
    from proxy.moving.source import Source
    from proxy.moving.template import Template

HELP = """Store prompts and answers from a file, as if they had come through the proxy.

FILE is JSON Lines (.gz too) or a GPTCache's SQLite file. A line may be a pair (prompt and answer, question and answer,
instruction and output, ...), a conversation that ends with the answer (fine-tuning), a logged request and response, a
line of a batch's output, or what `reprise export` wrote.

A stored answer is served only to a call that is equal in all but the last user text: model, system prompt, tools,
sampling parameters, namespace, upstream. So say what your clients really send: --model, --system, or --like-request
with a whole chat body, in which each prompt takes the place of the last user text. Without these, a pair answers
{"model": M, "messages": [{"role": "user", "content": PROMPT}]}. Without auth.keys, clients that present an
Authorization have a namespace of their own: name the variable that holds their key with --caller-key.

The rules of storing are those of live calls: only complete answers, none of a class that policy keeps from all tiers.
Answers are found by exact match at once; by meaning once the server has embedded them, within a minute or at its next
start. A file that is imported twice adds nothing.

Exit codes: 0 done, 1 some lines could not be read, 2 could not run.
"""


def import_(
    file: Annotated[Path, typer.Argument(help="The file to read.")],
    config: ConfigPath = None,
    data_dir: DataDir = None,
    format_: Annotated[
        str, typer.Option("--format", help="auto, jsonl, openai, gptcache, entries or interactions.")
    ] = "auto",
    namespace: Annotated[str | None, typer.Option(help="Whose calls the answers are for; else default.")] = None,
    caller_key: Annotated[
        str | None, typer.Option(help="Environment variable with the key those clients send: its namespace is meant.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model those calls name, whatever the file says.")] = None,
    system: Annotated[str | None, typer.Option(help="The system prompt of calls for which the file has none.")] = None,
    like_request: Annotated[
        Path | None, typer.Option(help="A chat body as clients send it, whose last user text each prompt takes.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME: VALUE that clients send and that can change the answer.")
    ] = None,
    requests: Annotated[Path | None, typer.Option(help="The requests of a batch whose output FILE is.")] = None,
    project: Annotated[str, typer.Option(help="The project of those calls.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag for each entry, beside 'imported'.")] = None,
    ttl: Annotated[str | None, typer.Option(help="How long they are kept, such as 7d; else as policy says.")] = None,
    policy: Annotated[str | None, typer.Option(help="Stored under this policy; else that of their calls.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Count the age of exported answers from now.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Store also what policy keeps from all tiers.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an import of FILE was cut off.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; say what would become of it.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Write every bad line's number and fault to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Store prompts and answers from a file."""
    settings = read_settings(config, data_dir)
    from proxy.moving.item import BadRecord, clean_tags
    from proxy.moving.lines import Unreadable
    from proxy.moving.source import FORMATS, open_source
    from proxy.moving.template import Template
    from store.errors import StoreError

    if format_ not in FORMATS:
        raise CannotRun(f"--format takes one of: {', '.join(FORMATS)}")
    try:
        template = Template(
            body=template_body(like_request),
            namespace=namespace_meant(settings, namespace, caller_key),
            otherwise=only_namespace(settings),
            model=model,
            system=system,
            project=project,
            policy=policy,
            tags=clean_tags(tag or []),
            ttl=seconds_in(ttl),
            headers=headers_in(header or []),
            renew=renew,
        )
        with (
            open_source(file, format_, template, requests) as source,
            _open_sink(settings, force=force, dry=dry_run) as sink,
        ):
            _try_out(sink, template)
            said = {"format": format_, "force": force, "template": dataclasses.asdict(template)}
            checkpoint = _checkpoint(settings, file, said)
            tally = _run(source, sink, None if dry_run else checkpoint, resume=resume, errors=errors)
    except (Unreadable, BadRecord, StoreError) as error:
        raise CannotRun(str(error)) from error
    _report(tally, source.unit, file, dry=dry_run, as_json=as_json)
    if tally.bad:
        raise typer.Exit(1)


class _ServerSink:
    """Sends batches to the server that holds the data directory."""

    def __init__(self, server: RunningServer, *, force: bool, dry: bool) -> None:
        self._server = server
        self._said = {"force": force, "dry_run": dry}

    def store(self, items: Sequence[Item]) -> list[Result]:
        """See ``proxy.moving.importer.Sink``. Raises ``CannotRun``."""
        from proxy.cli.remote import Refused
        from proxy.moving.item import Result
        from proxy.moving.sinks import as_json

        try:
            answer = self._server.post("/cache/warm", {"entries": [as_json(item) for item in items], **self._said})
        except Refused as refused:
            # One item that the server cannot take must not keep the others out.
            if refused.status not in (400, 413):
                raise CannotRun(f"the running server refused: {refused}") from refused
            if len(items) == 1:
                return [Result("refused", reason="invalid", message=str(refused))]
            half = len(items) // 2
            return [*self.store(items[:half]), *self.store(items[half:])]
        return [Result(**result) for result in answer["results"]]


@contextlib.contextmanager
def _open_sink(settings: Settings, *, force: bool, dry: bool) -> Iterator[Sink]:
    from proxy.cli.remote import RunningServer
    from proxy.moving.importer import rehearsal
    from proxy.moving.sinks import open_store
    from store.directory import DataDirectory

    holder = DataDirectory(settings.server.data_dir).holder()
    with contextlib.ExitStack() as stack:
        sink: Sink
        if holder is not None:
            sink = _ServerSink(RunningServer(holder, settings), force=force, dry=dry)
        else:
            sink = stack.enter_context(open_store(settings, force=force, dry=dry))
        yield stack.enter_context(rehearsal(sink)) if dry else sink


def _try_out(sink: Sink, template: Template) -> None:
    """Find out at once what would make every single record a bad one: no such model, no such policy. Stores nothing."""
    from proxy.moving.item import BadRecord

    body = template.asking("?", None, template.model)
    if not body.get("model"):
        return
    # An empty answer is never stored.
    (result,) = sink.store([template.item(body, "", {})])
    if result.reason == "invalid":
        raise BadRecord(result.message)


def _checkpoint(settings: Settings, file: Path, options: dict[str, Any]) -> Checkpoint:
    from proxy.moving.checkpoint import Checkpoint

    return Checkpoint(settings.server.data_dir / "imports", file, options)


def _run(source: Source, sink: Sink, checkpoint: Checkpoint | None, *, resume: bool, errors: Path | None) -> Tally:
    from proxy.cli.progress import bar
    from proxy.moving.importer import Importer, Tally
    from proxy.moving.lines import Unreadable
    from store.errors import StoreError

    tally = Tally()
    if checkpoint is not None and resume:
        state = checkpoint.load()
        tally = Tally.from_state(state) if state is not None else tally
    elif checkpoint is not None and checkpoint.exists():
        typer.echo("An import of this file was cut off before; --resume would go on there.", err=True)

    def saved(tally: Tally) -> None:
        if checkpoint is None:
            return
        try:
            checkpoint.save(tally.as_state())
        except OSError as error:
            raise CannotRun(f"how far it came cannot be kept in the data directory: {error}") from error

    with bar("importing", source.size, source.unit == "line") as show, _errors(errors, tally.errors_at) as written:
        importer = Importer(source, sink, tally, saved=saved, progress=lambda tally: show(source.done), errors=written)
        try:
            tally = importer.run()
        except (KeyboardInterrupt, CannotRun, StoreError, Unreadable) as stopped:
            more = "; --resume goes on there" if checkpoint is not None and tally.number else ""
            reached = f"{source.unit} {tally.number} was the last one done{more}"
            raise CannotRun(f"{str(stopped) or 'interrupted'} ({reached})") from stopped
    if checkpoint is not None:
        checkpoint.clear()
    return tally


@contextlib.contextmanager
def _errors(path: Path | None, at: int) -> Iterator[IO[bytes] | None]:
    """The file of errors, cut back to what belongs to the records that are done."""
    if path is None:
        yield None
        return
    try:
        file = path.open("r+b" if at and path.is_file() else "wb")
    except OSError as error:
        raise CannotRun(f"{path} cannot be written: {error.strerror or error}") from error
    with file:
        file.truncate(at)
        file.seek(0, os.SEEK_END)
        yield file


def _report(tally: Tally, unit: str, file: Path, *, dry: bool, as_json: bool) -> None:
    if as_json:
        summary = {
            "records": tally.records,
            "stored": tally.stored,
            "duplicates": tally.duplicates,
            "refused": {"total": sum(tally.refused.values()), **tally.refused},
            "bad": tally.bad,
            "bad_shown": [{unit: number, "problem": why} for number, why in tally.shown],
            "dry_run": dry,
        }
        typer.echo(json.dumps(summary, indent=2, ensure_ascii=False))
        return
    for number, why in tally.shown:
        typer.echo(f"{unit} {number}: {why}", err=True)
    if tally.bad > len(tally.shown):
        typer.echo(f"... and {tally.bad - len(tally.shown)} more (--errors FILE writes them all)", err=True)
    if not tally.records:
        typer.echo(f"nothing in {file}")
        return
    left_out = ", ".join(f"{reason} {n}" for reason, n in sorted(tally.refused.items(), key=lambda item: -item[1]))
    typer.echo(f"{tally.records} records: {tally.stored} {'would be stored' if dry else 'stored'}")
    typer.echo(f"  {tally.duplicates} there already")
    typer.echo(f"  {sum(tally.refused.values())} left out by rule{f' ({left_out})' if left_out else ''}")
    typer.echo(f"  {tally.bad} could not be read")
