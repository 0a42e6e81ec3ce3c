"""Backups over HTTP. What puts one back is the command ``reprise backup restore``: no server writes under itself."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from proxy.errors import Conflict, InvalidRequest, Unavailable
from proxy.routes.access import Admin, Parts
from store.backups.folder import Backups, Busy
from store.backups.stamps import is_stamp
from store.errors import BackupError

router = APIRouter(prefix="/admin/backup", tags=["operations"])

_log = structlog.get_logger(__name__)


def _backups(request: Request) -> Backups:
    found: Backups = request.app.state.backups
    return found


Folder = Annotated[Backups, Depends(_backups)]


class Wanted(BaseModel):
    """What a backup should hold, beside the database, the registry of projects and the key of callers' hashes."""

    model_config = ConfigDict(extra="forbid")

    include_chroma: bool = Field(
        default=False,
        strict=True,
        description="The vector indexes, too, as they are: nothing is added to them meanwhile. Without them they are "
        "written again from SQL at the first start after a restore.",
    )
    keep: int | None = Field(
        default=None,
        strict=True,
        ge=1,
        le=10_000,
        description="Once it is made, delete all but so many of the newest; never those that a restore made.",
    )


@router.post("", operation_id="create_backup")
def create(backups: Folder, parts: Parts, _: Admin, given: Wanted | None = None) -> dict[str, Any]:
    """Make a backup in the data directory while calls go on; gives its stamp.

    The configuration is not in it: it may hold keys. One that fails is shown by readiness until another is made.
    """
    wanted = given or Wanted()
    try:
        made = backups.make(include_chroma=wanted.include_chroma)
        deleted = backups.keep(wanted.keep) if wanted.keep is not None else []
    except Busy as error:
        raise Conflict(_told(error)) from error
    except BackupError as error:
        _log.error("a backup failed", error=str(error))
        parts.metrics.backups.labels("failed").inc()
        parts.health.failed(error, "backups")
        raise Unavailable(_told(error)) from error
    parts.metrics.backups.labels("made").inc()
    parts.health.worked("backups")
    _log.info("a backup was made", stamp=made.manifest.stamp, bytes=made.manifest.size, seconds=made.seconds)
    return {**made.manifest.summary(), "seconds": made.seconds, "left_out": list(made.left_out), "deleted": deleted}


@router.get("", operation_id="list_backups")
def list_all(backups: Folder, _: Admin) -> dict[str, Any]:
    """The backups in the data directory, the newest first, by what they say of themselves."""
    try:
        return {"backups": [manifest.summary() for manifest in backups.all()]}
    except BackupError as error:
        raise Unavailable(_told(error)) from error


@router.get("/{stamp}/validate", operation_id="validate_backup")
def validate(stamp: str, backups: Folder, _: Admin) -> dict[str, Any]:
    """Compare every byte of a backup with what it says of itself, and have SQLite check the database."""
    if not is_stamp(stamp):
        raise InvalidRequest("'stamp' is like 20261121T131500Z.", param="stamp")
    try:
        return backups.check(stamp).told()
    except BackupError as error:
        raise Unavailable(_told(error)) from error


def _told(error: BackupError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
