"""Stored answers over HTTP, for operators."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from proxy.errors import NotFound
from proxy.routes.access import Admin, Parts
from store.entries import Entry

router = APIRouter(prefix="/cache/entries", tags=["entries"])


@router.get("/{id}", operation_id="get_entry")
def get_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """One stored answer, whatever its status, and the evidence for and against it."""
    return {**_described(id, parts.entries.get), "evidence": parts.entries.evidence(id)}


@router.post("/{id}/block", operation_id="block_entry")
def block_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Serve this answer no more; its prompt is forwarded again, and that answer may be stored."""
    return _changed(id, parts.entries.block)


@router.post("/{id}/unblock", operation_id="unblock_entry")
def unblock_entry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Serve a blocked or quarantined answer again, if it has not expired; by meaning within a minute."""
    return _changed(id, parts.entries.unblock)


def _described(id_: str, change: Callable[[str], Entry | None]) -> dict[str, Any]:
    entry = change(id_)
    if entry is None:
        raise NotFound(f"No entry {id_!r}.", param="id")
    return {**dataclasses.asdict(entry), "quality": round(entry.quality, 4)}


def _changed(id_: str, change: Callable[[str], Entry | None]) -> dict[str, Any]:
    entry = _described(id_, change)
    return {name: entry[name] for name in ("id", "status", "quality")}
