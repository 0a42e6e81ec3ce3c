"""Stored answers over HTTP, for operators: list, search, show, block, delete."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query

from memory.interactions import summary_of
from proxy.config import parse_duration
from proxy.errors import InvalidRequest, NotFound, Unavailable
from proxy.maintenance import clear
from proxy.routes.access import Admin, Parts
from proxy.services import Services
from proxy.usage import response_text
from store.catalogue import Listed
from store.embedder import EmbedderError
from store.entries import Entry
from store.errors import StoreError
from store.selection import Like, Selection

router = APIRouter(prefix="/cache/entries", tags=["entries"])

MOST_LISTED: Final = 500
SHOWN: Final = 280
"""Characters of a prompt in a list."""

Status = Literal["active", "blocked", "quarantined", "superseded", "expired", "invalidated", "evicted"]


@router.get("", operation_id="list_entries")
def list_entries(
    parts: Parts,
    _: Admin,
    q: Annotated[str | None, Query(description="Words that stand in the prompt or the answer.")] = None,
    like: Annotated[str | None, Query(description="A prompt; entries are ranked by how near theirs is.")] = None,
    namespace: str | None = None,
    model: str | None = None,
    project: str | None = None,
    tag: str | None = None,
    status: Status | None = None,
    policy: str | None = None,
    older_than: Annotated[str | None, Query(description="Stored longer ago than this: 30m, 24h, 7d.")] = None,
    limit: Annotated[int, Query(description="At most 500; 0 or less gives nothing.")] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before; not with `like`.")] = None,
) -> dict[str, Any]:
    """Stored answers without their bodies, newest first; with `like`, the nearest first and with their similarity."""
    if like is not None and cursor is not None:
        raise InvalidRequest("A search by `like` has one page: raise `limit` for more.", param="cursor")
    selection = Selection(
        namespace=namespace,
        model=model,
        project=parts.remembering.projects.resolve(project) if project else project,
        tag=tag,
        policy=policy,
        status=status,
        created_before=None if older_than is None else time.time() - seconds_of(older_than, "older_than"),
        text=q or None,
        like=None if like is None else likeness(parts, like, -1.0, "like"),
    )
    limit = max(0, min(limit, MOST_LISTED))
    if like is not None:
        found = parts.catalogue.nearest(selection, limit)
    else:
        found = parts.catalogue.page(selection, limit, cursor)
    more = like is None and 0 < len(found) == limit
    return {
        "count": len(found),
        "entries": [summary(one, time.time()) for one in found],
        "next_cursor": found[-1].entry.id if more else None,
    }


@router.get("/{id}", operation_id="get_entry")
def get_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """One stored answer, whatever its status, and the evidence for and against it."""
    found = parts.catalogue.one(id)
    if found is None:
        raise _unknown(id)
    entry = {**dataclasses.asdict(found.entry), "quality": round(found.entry.quality, 4)}
    kept = {name: value for name, value in summary(found, time.time()).items() if name not in ("summary", "prompt")}
    return {**kept, **entry, "evidence": parts.entries.evidence(id)}


@router.delete("/{id}", operation_id="delete_entry")
def delete_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Delete this answer: its words and the evidence about it are gone at once, from disk too.

    Its vector goes with them; where the vector index is not open yet, within a minute after it is. The log keeps the
    round trip that brought the answer, and labels keep the prompts that were compared.
    """
    if not parts.entries.wipe(id):
        raise _unknown(id)
    try:
        clear(parts, time.time())
        parts.database.erase()
    except StoreError as error:
        # Its words are gone; the next sweep does the rest.
        parts.health.failed(error)
    return {"id": id, "status": "deleted"}


@router.post("/{id}/block", operation_id="block_entry")
def block_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Serve this answer no more; its prompt is forwarded again, and that answer may be stored."""
    return _changed(id, parts.entries.block)


@router.post("/{id}/unblock", operation_id="unblock_entry")
def unblock_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Serve a blocked or quarantined answer again, if it has not expired; by meaning within a minute."""
    return _changed(id, parts.entries.unblock)


def summary(listed: Listed, now: float) -> dict[str, Any]:
    """An entry without its answer's body. Ages in seconds, cost in US dollars, size in bytes."""
    entry = listed.entry
    found = {
        "id": entry.id,
        "status": entry.status,
        "prompt": entry.prompt[:SHOWN] if entry.prompt else None,
        "summary": summary_of(response_text(entry.answer)),
        "namespace": entry.namespace,
        "model": entry.model,
        "answered_by": entry.answered_by,
        "project": entry.project,
        "policy": entry.policy,
        "tags": list(entry.tags),
        "by_meaning": entry.compat_key is not None,
        "quality": round(entry.quality, 4),
        "hits": listed.hits,
        "last_hit_at": listed.last_hit_at,
        "created_at": entry.created_at,
        "age": round(max(0.0, now - entry.created_at), 1),
        "expires_at": entry.expires_at,
        "expires_in": round(entry.expires_at - now, 1),
        "size": listed.size,
        "cost": entry.cost,
    }
    return found if listed.similarity is None else {**found, "similarity": round(listed.similarity, 4)}


def likeness(parts: Services, prompt: str, similarity: float, param: str) -> Like:
    """Prompts like one. Raises ``InvalidRequest``, ``Unavailable``."""
    embedder = parts.semantic.embedder()
    if embedder is None:
        raise Unavailable("The embedder is not ready.")
    if not prompt.strip():
        raise InvalidRequest(f"'{param}' must not be blank.", param=param)
    try:
        if not embedder.fits(prompt):
            raise InvalidRequest(f"'{param}' is longer than the embedder reads.", param=param)
        return Like(embedder.embed([prompt])[0], embedder.id, similarity)
    except EmbedderError as error:
        parts.health.failed(error)
        raise Unavailable("The embedder does not work now.") from error


def embed_missing(parts: Services) -> None:
    """Give every entry that may be found by meaning its vector. Raises ``StoreError``, ``Unavailable``."""
    try:
        parts.semantic.mend()
    except EmbedderError as error:
        parts.health.failed(error)
        raise Unavailable("The embedder does not work now.") from error


def seconds_of(text: Any, param: str) -> float:
    """Seconds of a duration. Raises ``InvalidRequest``."""
    try:
        return parse_duration(text)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"'{param}' takes a duration such as 30m, 24h or 7d.", param=param) from error


def _unknown(id_: str) -> NotFound:
    return NotFound(f"No entry {id_!r}.", param="id")


def _changed(id_: str, change: Callable[[str], Entry | None]) -> dict[str, Any]:
    entry = change(id_)
    if entry is None or entry.status == "deleted":
        raise _unknown(id_)
    return {"id": entry.id, "status": entry.status, "quality": round(entry.quality, 4)}
