"""``reprise export``: stored answers or the log as JSON Lines."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import stored
from proxy.config import parse_duration

if TYPE_CHECKING:
    import sqlalchemy as sa

    from proxy.moving.exporter import Line, Wanted

Shape = Literal["jsonl", "openai"]

SHOWN_EACH = 100
"""Rows between two looks at the progress."""

app = typer.Typer(
    help="Write stored answers or the log as JSON Lines: prompts and answers, never keys. A server may run meanwhile.",
    no_args_is_help=True,
)

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write (.gz packs it); - is standard output.")]
Format = Annotated[Shape, typer.Option("--format", help="jsonl: all that is known; openai: examples for fine-tuning.")]
Since = Annotated[str | None, typer.Option(help="Only what is newer: 24h, 7d, or a time such as 2026-01-31.")]
Namespace = Annotated[str | None, typer.Option(help="Only this namespace.")]
Model = Annotated[str | None, typer.Option(help="Only calls of this model.")]
Project = Annotated[str | None, typer.Option(help="Only this project.")]
MinQuality = Annotated[float | None, typer.Option(help="Only what is at least as good.", min=0.0, max=1.0)]


@app.command()
def entries(
    output: Output = Path("-"),
    config: ConfigPath = None,
    data_dir: DataDir = None,
    format_: Format = "jsonl",
    since: Since = None,
    namespace: Namespace = None,
    model: Model = None,
    project: Project = None,
    min_quality: MinQuality = None,
    status: Annotated[str | None, typer.Option(help="active (the default), blocked, ..., or all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write stored answers; `reprise import` takes them up again, keys, age and quality as they were.

    As `openai`, entries whose request the log no longer has are left out, and answers that call tools.
    """
    from proxy.moving import exporter

    now = time.time()
    wanted = _wanted(namespace, model, project, min_quality, status, since, now)
    shape = exporter.entry_line if format_ == "jsonl" else exporter.entry_example
    _export(data_dir, config, output, exporter.entries_wanted(wanted, now), shape, as_json=as_json)


@app.command()
def interactions(
    output: Output = Path("-"),
    config: ConfigPath = None,
    data_dir: DataDir = None,
    format_: Format = "jsonl",
    since: Since = None,
    namespace: Namespace = None,
    model: Model = None,
    project: Project = None,
    min_quality: MinQuality = None,
    status: Annotated[str | None, typer.Option(help="Only this cache status: hit, miss, bypass, refresh.")] = None,
    hits: Annotated[
        bool, typer.Option("--hits", help="As openai: also what was answered from memory, again and again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write round trips from the log.

    As `openai`, only successful calls to models whose answer is a text, each answer once: as the model gave it.
    """
    import dataclasses

    from proxy.moving import exporter

    wanted = _wanted(namespace, model, project, min_quality, status, since, time.time())
    wanted = dataclasses.replace(wanted, hits=hits or status == "hit")
    if format_ == "jsonl":
        query, shape = exporter.interactions_wanted(wanted), exporter.interaction_line
    else:
        query, shape = exporter.examples_wanted(wanted), exporter.interaction_example
    _export(data_dir, config, output, query, shape, as_json=as_json)


def _wanted(
    namespace: str | None,
    model: str | None,
    project: str | None,
    min_quality: float | None,
    status: str | None,
    since: str | None,
    now: float,
) -> Wanted:
    from memory.interactions import stamp_at
    from proxy.moving.exporter import Wanted

    first = _since(since, now)
    text = stamp_at(first) if first is not None else None
    return Wanted(namespace, model, project, min_quality, status, first, text)


def _since(text: str | None, now: float) -> float | None:
    """Seconds since 1970 of a time, or of so long ago. Raises ``CannotRun``."""
    from memory.interactions import InteractionError, parse_since

    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return now - parse_duration(text)
    try:
        return datetime.fromisoformat(parse_since(text)).replace(tzinfo=UTC).timestamp()
    except InteractionError as error:
        raise CannotRun(f"--since takes a duration such as 24h, or a time such as 2026-01-31: not {text!r}") from error


def _export(
    data_dir: Path | None,
    config: Path | None,
    output: Path,
    query: sa.Select[Any],
    shape: Callable[[Mapping[str, Any]], Line],
    *,
    as_json: bool,
) -> None:
    from proxy.cli.progress import bar
    from proxy.moving.exporter import written
    from proxy.moving.output import whole_file
    from store.errors import StoreError
    from store.snapshot import snapshot

    settings = read_settings(config, data_dir)
    driver = stored(settings)
    to_file = output != Path("-")
    counts = {"written": 0, "left_out": 0}
    try:
        with (
            snapshot(driver) as moment,
            whole_file(output if to_file else None) as file,
            bar("exporting", moment.count(query.order_by(None))) as show,
        ):
            for number, line in enumerate(written(moment, query, shape), 1):
                if line is not None:
                    file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                counts["written" if line is not None else "left_out"] += 1
                if number % SHOWN_EACH == 0:
                    show(number)
    except StoreError as error:
        raise CannotRun(
            f"{driver.shown} cannot be read (start the server once if it is of an older release): {error}"
        ) from error
    except OSError as error:
        raise CannotRun(f"{output} cannot be written: {error.strerror or error}") from error
    left_out = f", {counts['left_out']} left out" if counts["left_out"] else ""
    told = json.dumps(counts) if as_json else f"{counts['written']} written{left_out}"
    # What is written to standard output stays a file of lines.
    typer.echo(told, err=not to_file)
