"""Interactions: every round trip, logged before its caller has the last byte.

A row is never rewritten, but for its quality, to forget, and to follow its project when that gets another name
(``memory.projects.merging``). ``created_at`` is text in UTC, ``YYYY-MM-DD HH:MM:SS``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from store.database import Database, Prepared
from store.ids import new_id
from store.tables import interactions
from store.writer import Statement

MAX_LISTED = 500
SUMMARY_CHARS = 280

_LOST_PLUS = re.compile(r"^(\d{4}-?\d\d-?\d\d[T ][\d:.,]+) (\d\d(?::?\d\d)?)$")


class InteractionError(ValueError):
    """Something about an interaction is wrong; ``field`` names what."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def stamp(moment: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def stamp_at(seconds: float) -> str:
    """As ``stamp``, of seconds since 1970."""
    return stamp(datetime.fromtimestamp(seconds, UTC))


_stamp_of = functools.lru_cache(maxsize=4)(stamp_at)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One round trip: an LLM call, a tool call, a command check. Times in milliseconds, money in US dollars."""

    prompt: str
    namespace: str = "default"
    response: str = ""
    response_summary: str = ""
    request: str | None = None
    project: str = ""
    client: str = ""
    session_id: str = ""
    interaction_type: str = "llm"
    tool_id: str | None = None
    tool_name: str | None = None
    model: str | None = None
    provider: str | None = None
    stream: bool = False
    collapsed: bool = False
    """Shared the upstream call of an identical one in flight."""
    success: bool = True
    status_code: int | None = None
    error: str | None = None
    quality_score: float | None = None
    latency_ms: float | None = None
    upstream_ms: float | None = None
    input_hash: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tokens_estimated: bool = False
    """The upstream named no usage; tokens are counted as four characters each."""
    cost: float | None = None
    cost_saved: float | None = None
    cache_status: str | None = None
    tier: str | None = None
    reason: str | None = None
    entry_id: str | None = None
    similarity: float | None = None
    policy: str | None = None
    experiment: str | None = None
    arm: str | None = None
    compat_key: str | None = None
    """What candidates for this call had to agree on; None where it could only match exactly."""
    cached_tokens: int | None = None
    """Tokens of the prompt that the upstream had cached; None where it did not say."""
    holdout: bool | None = None
    """Was what memory had for it kept back, to measure what it is worth? None where memory had nothing for it."""
    memories_used: Sequence[str] = ()
    chunks_used: Sequence[str] = ()
    context_pack: Any = None
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    id: str = dataclasses.field(default_factory=lambda: new_id("int"))
    created_at: str = dataclasses.field(default_factory=lambda: _stamp_of(int(time.time())))


_FLAGS = ("success", "stream", "collapsed", "tokens_estimated")
_LISTS = ("memories_used", "chunks_used")
_JSON = (*_LISTS, "context_pack", "metadata")
_INSERT = Prepared(sa.insert(interactions))
_NAMES = [column.name for column in interactions.c if column.name != "response_chars"]
_VALUES = operator.attrgetter(*_NAMES)
_LISTED = (
    "id created_at interaction_type tool_id prompt response_summary response_chars project client session_id model"
    " success cache_status tier memories_used chunks_used"
).split()


class Interactions:
    """The log of round trips."""

    def __init__(self, database: Database, resolve: Callable[[str], str] = str) -> None:
        """``resolve`` gives the id of the project that goes by a name, or the name."""
        self._database = database
        self._resolve = resolve

    def record(self, interaction: Interaction, also: Sequence[Statement] = ()) -> asyncio.Future[None]:
        """Queue an interaction; the future resolves once it survives a killed process.

        Args:
            also: what is written in the same transaction, such as a job that works on it.

        Raises:
            InteractionError: the prompt is blank, which only a call to a model may have (an image alone, say).
            DatabaseError: from the future, when it could not be written.
        """
        if interaction.interaction_type != "llm" and not interaction.prompt.strip():
            raise InteractionError("prompt", "prompt must not be blank")
        if interaction.project and (project := self._resolve(interaction.project)) != interaction.project:
            interaction = dataclasses.replace(interaction, project=project)
        return self._database.writer.commit(_INSERT, _as_row(interaction), also=also)

    def get(self, id_: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The whole record, within a namespace if one is given. Raises ``DatabaseError``."""
        statement = sa.select(interactions).where(interactions.c.id == id_)
        if namespace is not None:
            statement = statement.where(interactions.c.namespace == namespace)
        rows = self._database.query(statement)
        return _as_record(rows[0]) if rows else None

    def list(
        self,
        *,
        namespace: str | None = None,
        project: str | None = None,
        session_id: str | None = None,
        client: str | None = None,
        since: str | None = None,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """Newest first, without responses; ``limit`` <= 0 gives nothing, the cap is 500.

        Raises:
            InteractionError: ``since`` cannot be read.
            DatabaseError: the log cannot be read.
        """
        first = parse_since(since) if since is not None else ""
        if limit <= 0:
            return []
        statement = sa.select(*(interactions.c[name] for name in _LISTED))
        within = None if project is None else self._resolve(project)
        wanted = {"namespace": namespace, "project": within, "session_id": session_id, "client": client}
        for name, value in wanted.items():
            if value is not None:
                statement = statement.where(interactions.c[name] == value)
        if first:
            statement = statement.where(interactions.c.created_at >= first)
        newest = statement.order_by(interactions.c.created_at.desc(), interactions.c.id.desc())
        return [_with_lists(row) for row in self._database.query(newest.limit(min(limit, MAX_LISTED)))]

    def rate(self, id_: str, score: float, **notes: Any) -> None:
        """Set an interaction's quality, in [0, 1], and keep what was said beside it in its metadata.

        A later rating replaces an earlier one. Unknown ids are passed over. Raises ``DatabaseError``.
        """
        row = interactions.c.id == id_

        def work(connection: sa.Connection) -> None:
            known = read_json(connection.scalar(sa.select(interactions.c.metadata).where(row)), dict)
            values = {"quality_score": score, "metadata": _dump({**known, **notes})}
            connection.execute(sa.update(interactions).where(row).values(**values))

        self._database.transact(work)


def summary_of(text: str) -> str:
    """The first line's worth of a response, whitespace collapsed, at most 280 characters."""
    head = " ".join(text[: 4 * SUMMARY_CHARS].split())
    return head if len(head) <= SUMMARY_CHARS else head[: SUMMARY_CHARS - 1] + "…"


def parse_since(text: str) -> str:
    """Any ISO 8601 shape (T or space, Z, offset, fraction, date alone) in storage form; naive times are UTC.

    Raises:
        InteractionError: it is not such a time.
    """
    try:
        # A plus sign that a client forgot to escape arrives as a space.
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text.strip().upper()))
    except ValueError as error:
        raise InteractionError("since", f"since is not an ISO 8601 time: {text!r}") from error
    try:
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError) as error:
        raise InteractionError("since", f"since is out of range: {text!r}") from error


def _as_row(interaction: Interaction) -> dict[str, Any]:
    """The values by column. Drivers take truth values as they are."""
    row = dict(zip(_NAMES, _VALUES(interaction), strict=True))
    for name in _JSON:
        row[name] = _dump(row[name])
    row["response_chars"] = len(interaction.response)
    return row


def _dump(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, default=str) if value else None


def _as_record(row: dict[str, Any]) -> dict[str, Any]:
    record = _with_lists(row)
    record["metadata"] = read_json(row["metadata"], dict)
    record["context_pack"] = read_json(row["context_pack"], dict) or None
    for flag in _FLAGS:
        record[flag] = bool(row[flag])
    record["holdout"] = None if row["holdout"] is None else bool(row["holdout"])
    return record


def _with_lists(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "success": bool(row["success"]), **{name: read_json(row[name], list) for name in _LISTS}}


def read_json(text: str | None, kind: type) -> Any:
    """A JSON column; damaged JSON reads as empty."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, kind) else kind()
