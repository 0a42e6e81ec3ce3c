"""``reprise stats``: what the cache did and what to do next, read from the log itself, whether a server runs or not.

Only the cuts in force are asked of a running server; without one they are learned anew from the labels.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import reading
from proxy.config import Settings, parse_duration

if TYPE_CHECKING:
    from memory.statistics.calls import Calls
    from proxy.cli.remote import RunningServer
    from proxy.insights.report import Insights
    from store.database import Database

LISTED = 10
"""Rows of each list where --top does not say."""
PATIENCE = 120.0
"""Seconds that a running server has for an answer."""
LONGEST = 3650 * 86400.0
"""Seconds of the longest window."""


class Bucket(StrEnum):
    """What a trend is counted by."""

    HOUR = "hour"
    DAY = "day"


def stats(
    config: ConfigPath = None,
    data_dir: DataDir = None,
    window: Annotated[str | None, typer.Option(help="How far back: 30m, 24h, 7d; else stats.window.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Only this namespace.")] = None,
    model: Annotated[str | None, typer.Option(help="Only calls for this model.")] = None,
    project: Annotated[str | None, typer.Option(help="Only calls of this project.")] = None,
    client: Annotated[str | None, typer.Option(help="Only calls of this client.")] = None,
    session: Annotated[str | None, typer.Option(help="Only calls of this session.")] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, max=200, help="List the N prompts that saved most, those paid for again, tools; and sessions."
        ),
    ] = None,
    near_misses: Annotated[
        bool, typer.Option("--near-misses", help="What a slightly lower cut would have served.")
    ] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Failures by the pattern of their error.")] = False,
    trend: Annotated[Bucket | None, typer.Option(help="The figures by hour or day, UTC.")] = None,
    semantic: Annotated[bool, typer.Option("--semantic", help="Labels and cuts of each namespace, in full.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print hit rates with their errors, reasons, latencies, savings, and what to do next."""
    settings = read_settings(config, data_dir)
    from memory.statistics.calls import Calls
    from proxy.cli import tables

    calls = Calls(_seconds(settings, window), namespace, project, model, client, session)
    sections = {"top": top is not None, "near_misses": near_misses, "errors": errors}
    found = _found(settings, calls, {name for name, wanted in sections.items() if wanted}, trend, top or LISTED)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        tables.print_all(found, semantic=semantic, sessions=top is not None)


def _found(settings: Settings, calls: Calls, sections: set[str], trend: Bucket | None, limit: int) -> dict[str, Any]:
    from memory.projects.registry import Registry
    from memory.statistics.trend import TooManyBuckets

    try:
        # For reading alone: a server of another release may be at work on these tables.
        with reading(settings) as database:
            if calls.project:
                calls = dataclasses.replace(calls, project=Registry(database).resolve(calls.project))
            return _read(_Source(settings, database), calls, sections, trend, limit)
    except TooManyBuckets as error:
        raise CannotRun(f"--window is too long for --trend {trend}: {error}") from error


def _read(source: _Source, calls: Calls, sections: set[str], trend: Bucket | None, limit: int) -> dict[str, Any]:
    log = source.log
    found = log.summary(calls)
    found["semantic"] = source.semantic(calls)
    found["memory"] = log.memory(calls, source.holdout)
    found["flows"] = log.flows(calls, source.calls_per_day)
    found["ingestion"] = source.ingestion(calls)
    found["advice"] = source.advice(calls, found)
    if "top" in sections:
        found["prompts"] = log.prompts(calls, limit)
        found["tools"] = log.tools(calls, limit)
    if "near_misses" in sections:
        found["near_misses"] = source.near_misses(calls, limit)
    if "errors" in sections:
        found["errors"] = log.errors(calls, limit)
    if trend is not None:
        found["trend"] = log.trend(calls, trend.value)
    return found


class _Source:
    """The log, and the cuts in force: a running server's, else those that the labels give."""

    def __init__(self, settings: Settings, database: Database) -> None:
        from proxy.insights.report import Insights
        from proxy.policy.policies import build_policies

        self._settings = settings
        self._database = database
        self._policies = build_policies(settings.cache).named
        self._server = _running(settings)
        self.log = Insights(database, self._policies, None, None)
        """Reads what needs no cuts."""
        self.holdout = settings.memory.context.holdout
        """Share of sessions that get nothing out of memory."""
        self.calls_per_day = settings.memory.flows.calls_per_day
        """What a namespace may ask of the analysing model."""

    def semantic(self, calls: Calls) -> dict[str, Any]:
        """What serving by meaning stands on, by namespace."""
        asked = self._ask("semantic", _query(calls))
        if asked is not None:
            return dict(asked["semantic"])
        _, standing = self._at_rest
        return standing(calls.namespace)

    def ingestion(self, calls: Calls) -> dict[str, Any]:
        """What the sources hold and how they were read."""
        from proxy.insights.ingestion import ingestion
        from proxy.remembering.in_force import sources_in

        return ingestion(self._database, sources_in(self._settings), calls, runs=True)

    def near_misses(self, calls: Calls, limit: int) -> dict[str, Any]:
        """What a slightly lower cut would have served."""
        asked = self._ask("near-misses", {**_query(calls), "limit": limit})
        return self._at_rest[0].near_misses(calls, limit) if asked is None else asked

    def advice(self, calls: Calls, summary: dict[str, Any]) -> list[str]:
        """What to do next."""
        asked = self._ask("advice", _query(calls))
        return self._at_rest[0].advice(calls, summary, summary["semantic"]) if asked is None else asked["advice"]

    def _ask(self, section: str, query: dict[str, Any]) -> dict[str, Any] | None:
        """A section from the server; None where there is none, or it does not answer."""
        if self._server is None:
            return None
        try:
            answer: dict[str, Any] = self._server.ask("GET", f"/stats/{section}?{urlencode(query)}")
        except CannotRun as error:
            typer.echo(f"reprise: {error}; cuts are those that the labels give", err=True)
            self._server = None
            return None
        return answer

    @functools.cached_property
    def _at_rest(self) -> tuple[Insights, Callable[[str | None], dict[str, Any]]]:
        """Reads the log beside the cuts that the labels give; and what serving by meaning stands on by them."""
        from cache.verifier import VerifierError
        from proxy.insights.report import Insights
        from proxy.labels.learning import at_rest, standing
        from proxy.policy.policies import error_budgets
        from store.labels import Labels

        verifying = self._settings.cache.verifier
        budgets = error_budgets(self._settings.cache)
        labels = Labels(self._database, most=0)
        try:
            probation = self._settings.cache.probation
            learned, verifier = at_rest(verifying, budgets, labels, _embedder(self._database), probation=probation)
        except VerifierError:
            return self.log, lambda namespace: {}
        return (
            Insights(self._database, self._policies, learned, verifier),
            lambda namespace: standing(labels, learned, verifier, budgets, namespace),
        )


def _running(settings: Settings) -> RunningServer | None:
    from proxy.cli.remote import RunningServer
    from store.directory import DataDirectory

    holder = DataDirectory(settings.server.data_dir).holder()
    # Another command that works in the directory has no port.
    if not holder or not isinstance(holder.get("port"), int):
        return None
    return RunningServer(holder, settings, PATIENCE)


def _embedder(database: Database) -> str:
    """The id of the embedder that the newest entry was embedded with."""
    import sqlalchemy as sa

    from store.tables import entries

    newest = sa.select(entries.c.embedder).where(entries.c.embedder.is_not(None)).order_by(entries.c.id.desc()).limit(1)
    rows = database.query(newest)
    return str(rows[0]["embedder"]) if rows else ""


def _seconds(settings: Settings, window: str | None) -> float:
    if window is None:
        return settings.stats.window
    try:
        seconds = parse_duration(window)
    except ValueError as error:
        raise CannotRun(f"--window: {error}") from error
    if not 0 < seconds <= LONGEST:
        raise CannotRun("--window takes more than nothing and at most 3650d")
    return seconds


def _query(calls: Calls) -> dict[str, Any]:
    names = ("namespace", "project", "model", "client", "session")
    given = {name: getattr(calls, name) for name in names if getattr(calls, name) is not None}
    return {"window": f"{calls.window:.0f}" if calls.window >= 1 else "1s", **given}
