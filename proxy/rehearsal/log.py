"""The log as it is replayed: one record for each call to a model, with the whole answer it got."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson
import sqlalchemy as sa

from cache.classes import last_user_text
from cache.decision import Reason
from memory.interactions import stamp_at
from proxy.controls import Controls, read_controls
from proxy.errors import InvalidRequest
from proxy.wire import check_chat
from store.database import Database
from store.dialects import members
from store.errors import DatabaseError
from store.tables import entries, interactions

SAME_MOMENT: Final = 3600.0
"""Seconds by which an id's own time and ``created_at`` may differ and still speak of one moment."""

_COLUMNS: Final = (
    *("id", "created_at", "namespace", "project", "client", "session_id", "model", "collapsed", "success"),
    *("latency_ms", "upstream_ms", "input_hash", "compat_key", "cost", "cost_saved", "cache_status", "tier"),
    *("reason", "entry_id", "similarity", "policy", "quality_score", "metadata", "request", "response"),
)

Status = Literal["hit", "stale", "miss", "bypass", "refresh"]


@dataclass(frozen=True, slots=True)
class Logged:
    """One call to a model, as the log has it."""

    id: str
    at: float
    """Seconds since 1970, when the call came in."""
    namespace: str
    body: Mapping[str, Any] = field(repr=False)
    controls: Controls = field(repr=False)
    exact_key: str
    compat_key: str | None
    """None where it was not logged: an exact hit, a bypass, or a call that can only match exactly."""
    status: Status
    tier: str
    reason: str
    answer: Mapping[str, Any] | None = field(repr=False)
    """What the caller got, a chat completion; None where the call failed or the log does not hold it."""
    stored: bool
    """Is it known that the answer was stored, or was it served from the store?"""
    client: str = ""
    session: str = ""
    collapsed: bool = False
    """It shared the upstream call of an identical one in flight."""
    entry_id: str | None = None
    """The entry served, or the one stored."""
    similarity: float | None = None
    policy: str = ""
    cost: float | None = None
    """US dollars that the upstream's answer cost, or that a hit saved; None where no price is known."""
    latency: float | None = None
    """Milliseconds."""
    quality: float | None = None
    """A person's rating, in [0, 1]."""
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def hit(self) -> bool:
        """Was it answered from the cache?"""
        return self.status in ("hit", "stale")

    @property
    def memory(self) -> str:
        """Stands for what memory had put into it; empty for nothing."""
        return str(self.metadata.get("memory", ""))

    @property
    def prompt(self) -> str:
        """The last user text."""
        return last_user_text(self.body["messages"])


@dataclass(frozen=True, slots=True)
class Log:
    """Calls in order of time."""

    calls: tuple[Logged, ...]
    left_out: int = 0
    """Records of calls that cannot be decided on again: their request is missing or damaged."""


def read_log(database: Database, *, since: float | None, namespace: str | None, limit: int | None) -> Log:
    """The logged calls to models, oldest first; of more than ``limit``, the newest. Raises ``DatabaseError``.

    Args:
        since: seconds since 1970; None for all.
    """
    wanted = sa.select(*(interactions.c[name] for name in _COLUMNS)).where(
        interactions.c.interaction_type == "llm", interactions.c.cache_status.is_not(None)
    )
    if since is not None:
        wanted = wanted.where(interactions.c.created_at >= stamp_at(since))
    if namespace is not None:
        wanted = wanted.where(interactions.c.namespace == namespace)
    newest = wanted.order_by(interactions.c.created_at.desc(), interactions.c.id.desc())
    rows = database.query(newest if limit is None else newest.limit(limit))
    rows.reverse()
    whole = _whole_answers(database, rows)
    calls = [call for row in rows if (call := _logged(row, whole)) is not None]
    return Log(tuple(sorted(calls, key=lambda call: (call.at, call.id))), len(rows) - len(calls))


def _whole_answers(database: Database, rows: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By entry id, the stored answers of these calls: the log itself has only their text."""
    ids = json.dumps([row["entry_id"] for row in rows if row["entry_id"]])
    listed = members("ids")
    found = database.query(sa.select(entries.c.id, entries.c.answer).where(entries.c.id.in_(listed)), ids=ids)
    answers = {}
    for row in found:
        try:
            answers[row["id"]] = orjson.loads(row["answer"])
        except orjson.JSONDecodeError as error:
            raise DatabaseError(f"entry {row['id']} is damaged: {error}") from error
    return {id_: answer for id_, answer in answers.items() if answer.get("choices")}


def _logged(row: Mapping[str, Any], whole: Mapping[str, Mapping[str, Any]]) -> Logged | None:
    try:
        body = orjson.loads(row["request"] or b"")
        check_chat(body)
        metadata = orjson.loads(row["metadata"] or b"{}")
        controls = _controls(body, metadata, row)
    except (orjson.JSONDecodeError, InvalidRequest, TypeError, AttributeError):
        return None
    if not row["input_hash"]:
        return None
    status: Status = row["cache_status"]
    answer = whole.get(row["entry_id"]) if row["entry_id"] else None
    if answer is None and row["success"] and row["response"]:
        answer = _answer(row["response"], row["model"])
    served = status in ("hit", "stale")
    # A bypass is never stored, so nothing is known of it; what else was not stored could not be.
    stored = served or bool(row["entry_id"]) or status == "bypass"
    return Logged(
        id=row["id"],
        at=_moment(row["id"], row["created_at"]),
        namespace=row["namespace"],
        body=body,
        controls=controls,
        exact_key=row["input_hash"],
        compat_key=row["compat_key"],
        status=status,
        tier=row["tier"] or "upstream",
        reason=row["reason"] or "",
        answer=answer if row["success"] else None,
        stored=stored and bool(row["success"]),
        client=row["client"] or "",
        session=row["session_id"] or "",
        collapsed=bool(row["collapsed"]),
        entry_id=row["entry_id"],
        similarity=row["similarity"],
        policy=row["policy"] or "",
        cost=row["cost_saved"] if served or row["collapsed"] else row["cost"],
        latency=row["latency_ms"],
        quality=row["quality_score"],
        metadata=metadata,
    )


def _controls(body: Mapping[str, Any], metadata: Mapping[str, Any], row: Mapping[str, Any]) -> Controls:
    """What the caller asked of the cache; of calls logged without it, as far as body and outcome tell."""
    asked = read_controls({}, body.get("cache")).wishes() | metadata.get("controls", {})
    if row["reason"] == Reason.REFRESH:
        asked["no_cache"] = True
    return Controls(**asked, project=row["project"] or "", tags=tuple(metadata.get("tags", ())))


def _answer(text: str, model: str | None) -> Mapping[str, Any]:
    """A completion that says this text; of an answer without one the log has the message as JSON."""
    message: Any = {"role": "assistant", "content": text}
    if text.startswith("{"):
        try:
            read = orjson.loads(text)
        except orjson.JSONDecodeError:
            read = None
        if isinstance(read, dict) and read.get("role") == "assistant":
            message = read
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return {"model": model, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _moment(id_: str, created_at: str) -> float:
    """When a call came in: ids made here know it to the microsecond, ``created_at`` to the second."""
    second = float(calendar.timegm(time.strptime(created_at, "%Y-%m-%d %H:%M:%S")))
    try:
        exact = int(id_.partition("_")[2][:14], 16) / 1e6
    except ValueError:
        return second
    return exact if abs(exact - second) <= SAME_MOMENT else second
