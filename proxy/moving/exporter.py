"""Stored answers and round trips as JSON objects, one by one, from a snapshot of the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from cache.answers import text_of
from memory.projects.names import folded
from store.snapshot import Snapshot
from store.tables import entries, epochs, interactions, project_names

VERSION: Final = 1
"""Of the exported shape."""

_SECRETS: Final = frozenset({"api_key", "api-key", "authorization", "extra_headers"})
"""Fields of a request in which a caller's credentials may stand; no export holds them."""

_ENTRY: Final = (
    "id namespace project model prompt status alpha beta hits last_hit_at created_at expires_at policy target"
    " answered_by cost has_tool_calls source_interaction_id"
).split()
_LISTS: Final = ("memories_used", "chunks_used")
_FLAGS: Final = ("success", "stream", "collapsed", "tokens_estimated")
_ASIDE: Final = ("request", "context_pack", "metadata", *_LISTS, *_FLAGS)
_INTERACTION: Final = [column.name for column in interactions.c if column.name not in _ASIDE]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported."""

    namespace: str | None = None
    model: str | None = None
    project: str | None = None
    min_quality: float | None = None
    status: str | None = None
    """Of entries their status, ``active`` where none is named; of interactions their cache_status. ``all``: any."""
    since: float | None = None
    """Seconds since 1970; of interactions ``since_stamp``, the same as text."""
    since_stamp: str | None = None
    hits: bool = False
    """For fine-tuning: also round trips that were answered from memory."""


Line = dict[str, Any] | None
"""What is written; None for a row that has no such shape."""


def entries_wanted(wanted: Wanted, now: float) -> sa.Select[Any]:
    """The query of entries, oldest first; active ones only as long as they may be served."""
    quality = entries.c.alpha / (entries.c.alpha + entries.c.beta)
    # All that a raised epoch has made unreachable is retired by and by.
    behind = sa.exists().where(epochs.c.namespace == entries.c.namespace, epochs.c.at > entries.c.created_at)
    conditions: list[sa.ColumnElement[bool]] = _equal(entries, wanted)
    if wanted.since is not None:
        conditions.append(entries.c.created_at >= wanted.since)
    if wanted.min_quality is not None:
        conditions.append(quality >= wanted.min_quality)
    status = wanted.status or "active"
    if status != "all":
        conditions.append(entries.c.status == status)
    if status == "active":
        conditions += [entries.c.expires_at > now, ~behind]
    columns = [entries.c[name] for name in (*_ENTRY, "exact_key", "compat_key", "loose_key", "partition")]
    joined = entries.outerjoin(interactions, interactions.c.id == entries.c.source_interaction_id)
    wide = [entries.c.tags, entries.c.earlier, entries.c.answer, interactions.c.request, interactions.c.memories_used]
    return sa.select(*columns, *wide).select_from(joined).where(*conditions).order_by(entries.c.id)


def interactions_wanted(wanted: Wanted) -> sa.Select[Any]:
    """The query of round trips, oldest first."""
    conditions = _equal(interactions, wanted)
    if wanted.since_stamp is not None:
        conditions.append(interactions.c.created_at >= wanted.since_stamp)
    if wanted.min_quality is not None:
        conditions.append(interactions.c.quality_score >= wanted.min_quality)
    if wanted.status not in (None, "all"):
        conditions.append(interactions.c.cache_status == wanted.status)
    return sa.select(interactions).where(*conditions).order_by(interactions.c.id)


def examples_wanted(wanted: Wanted) -> sa.Select[Any]:
    """The query of round trips from which a model can learn: answered, and by a model unless ``hits`` are wanted."""
    query = interactions_wanted(wanted).where(
        interactions.c.success == 1, interactions.c.interaction_type == "llm", interactions.c.response != ""
    )
    if wanted.hits:
        return query
    return query.where(sa.func.coalesce(interactions.c.cache_status, "") != "hit")


def written(snapshot: Snapshot, query: sa.Select[Any], shape: Callable[[Mapping[str, Any]], Line]) -> Iterator[Line]:
    """Each row in a shape. Raises ``DatabaseError``."""
    for row in snapshot.rows(query):
        yield shape(row)


def entry_line(row: Mapping[str, Any]) -> Line:
    """An entry, with the request it answered where the log still has it: what an import needs to store it again."""
    return {
        "reprise": "entry",
        "version": VERSION,
        **{name: row[name] for name in _ENTRY},
        "has_tool_calls": bool(row["has_tool_calls"]),
        "quality": round(row["alpha"] / (row["alpha"] + row["beta"]), 4),
        "tags": _json(row["tags"], list),
        "earlier": _json(row["earlier"], list),
        "keys": {
            "exact": row["exact_key"],
            "compat": row["compat_key"],
            "loose": row["loose_key"],
            "partition": row["partition"],
        },
        "request": _request(row["request"]),
        "memories_used": _json(row["memories_used"], list),
        "answer": _json(row["answer"], dict),
    }


def interaction_line(row: Mapping[str, Any]) -> Line:
    """A round trip as the log has it."""
    return {
        "reprise": "interaction",
        "version": VERSION,
        **{name: row[name] for name in _INTERACTION},
        **{name: bool(row[name]) for name in _FLAGS},
        **{name: _json(row[name], list) for name in _LISTS},
        "context_pack": _json(row["context_pack"], dict) or None,
        "metadata": _json(row["metadata"], dict),
        "request": _request(row["request"]),
    }


def entry_example(row: Mapping[str, Any]) -> Line:
    """For fine-tuning: the messages of the request and the stored answer, where that is a text."""
    return _example(_request(row["request"]), "" if row["has_tool_calls"] else text_of(_json(row["answer"], dict)))


def interaction_example(row: Mapping[str, Any]) -> Line:
    """For fine-tuning: the messages of the request and the answer, where that is a text."""
    request = _request(row["request"])
    return _example(request, "" if _calls_tools(request, row["response"]) else row["response"])


def _example(request: dict[str, Any] | None, answer: str) -> Line:
    messages = request.get("messages") if request else None
    if request is None or not isinstance(messages, list) or not answer:
        return None
    tools = {name: request[name] for name in ("tools", "functions") if request.get(name)}
    if "tools" in tools and isinstance(request.get("parallel_tool_calls"), bool):
        tools["parallel_tool_calls"] = request["parallel_tool_calls"]
    return {"messages": [*messages, {"role": "assistant", "content": answer}], **tools}


def _calls_tools(request: dict[str, Any] | None, response: str) -> bool:
    """Does the log hold the message of an answer in place of its text? It does where that called tools."""
    if not request or not (request.get("tools") or request.get("functions")):
        return False
    message = _json(response, dict)
    return bool(message.get("tool_calls") or message.get("function_call"))


def _equal(table: sa.Table, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    named = {"namespace": wanted.namespace, "model": wanted.model}
    equal = [table.c[name] == value for name, value in named.items() if value is not None]
    if wanted.project is None:
        return equal
    alias = sa.select(project_names.c.project_id).where(project_names.c.name == folded(wanted.project))
    return [*equal, sa.or_(table.c.project == wanted.project, table.c.project == alias.scalar_subquery())]


def _request(text: str | None) -> dict[str, Any] | None:
    """The chat body, without credentials; None where the log does not have it."""
    request: dict[str, Any] = _json(text, dict)
    return {name: value for name, value in request.items() if name.lower() not in _SECRETS} or None


def _json(text: str | None, kind: type) -> Any:
    """A JSON column; damaged JSON reads as empty."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, kind) else kind()
