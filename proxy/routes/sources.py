"""Sources over HTTP: what is ingested, and how it stands. For admins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from memory.projects.names import Root
from memory.sources.runs import Run
from proxy.errors import InvalidRequest, NotFound, Unavailable
from proxy.remembering.asked import Asked, asked_for
from proxy.remembering.ingesting import described
from proxy.remembering.standing import SHOWN, SourcesStanding
from proxy.routes.access import Admin, Parts
from proxy.services import Services

router = APIRouter(tags=["sources"])

LONGEST: Final = 600.0
"""Seconds that an answer waits for its runs."""
ACCEPTED: Final = 202
_GOES_ON: Final[dict[int | str, dict[str, Any]]] = {202: {"description": "Begun; `GET /sources` shows how far it is."}}

Wait = Annotated[
    bool,
    Field(strict=True, description="Answer when it has come to its end, at most ten minutes later; otherwise at once."),
]
Purge = Annotated[bool, Field(strict=True, description="Take out the documents whose files are gone.")]


class OnePath(BaseModel):
    """What to ingest."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1,
        max_length=4096,
        description="A file or folder inside a source: absolute, or NAME or NAME/path/below.",
    )
    wait: Wait = True
    purge_deleted: Purge = True


class SomeSources(BaseModel):
    """Which sources to ingest."""

    model_config = ConfigDict(extra="forbid")

    sources: list[str] | None = Field(default=None, max_length=1000, description="Their names; left out: all.")
    wait: Wait = True
    purge_deleted: Purge = True


@router.post("/ingest", operation_id="ingest", responses=_GOES_ON)
async def ingest(given: OnePath, parts: Parts, response: Response, _: Admin) -> dict[str, Any]:
    """Read what is new or changed in a file, a folder or a source; what vanished is taken out.

    Runs take turns: this one waits for those asked for before. A path inside no source is a 403, one inside a source
    that is not there a 404.
    """
    asked = await asyncio.to_thread(_asked, parts, given.path)
    task = parts.remembering.ingesting.begin(asked.source.name, asked.under, purge=given.purge_deleted)
    ended = await _ended([task], wait=given.wait)
    if ended is None:
        response.status_code = ACCEPTED
        return {"status": "running", "source": asked.source.name, "path": asked.under}
    run = ended[0]
    failures = await asyncio.to_thread(_failures, parts, run) if run.failed else []
    return {**described(run), "failures": failures}


@router.post("/ingest/sources", operation_id="ingest_sources", responses=_GOES_ON)
async def ingest_sources(
    parts: Parts, response: Response, _: Admin, given: SomeSources | None = None
) -> dict[str, Any]:
    """Read what is new or changed in sources, all of them or those named; what vanished is taken out.

    ``status`` is ``done``, ``partial`` where files or sources could not be read, ``failed`` where none could.
    """
    given = given or SomeSources()
    configured = parts.remembering.library.sources()
    names = sorted(configured) if given.sources is None else list(dict.fromkeys(given.sources))
    unknown = [name for name in names if name not in configured]
    if unknown:
        raise NotFound(f"There is no source '{unknown[0]}' in memory.sources.", param="sources")
    tasks = [parts.remembering.ingesting.begin(name, purge=given.purge_deleted) for name in names]
    ended = await _ended(tasks, wait=given.wait)
    if ended is None:
        response.status_code = ACCEPTED
        return {"status": "running", "sources": names, "runs": []}
    return {"status": _status(ended), "sources": names, "runs": [described(run) for run in ended]}


@router.get("/sources", operation_id="list_sources")
def list_sources(parts: Parts, _: Admin) -> dict[str, Any]:
    """Each source: is it there, read and found, what was made of it, which files could not be read and why, and its
    last run; then the run under way and those that wait. Sources with ``watch`` are read at the start and as files
    change, the others when asked."""
    standing = SourcesStanding(parts.remembering.library, parts.remembering.ingesting)
    return {"sources": standing.sources(), **parts.remembering.ingesting.status()}


@router.post("/projects/{name:path}/refresh", operation_id="refresh_project")
async def refresh(
    name: str,
    parts: Parts,
    _: Admin,
    purge_deleted: Annotated[bool, Query(description="Take out the documents whose files are gone.")] = False,
) -> dict[str, Any]:
    """Read what is new or changed in a project's roots; ``name`` may be an alias.

    ``status`` is ``ingested``, ``partial`` where roots were skipped or files could not be read, ``nothing_to_ingest``
    where no root could be read. Answers when all has come to its end, at most ten minutes later.
    """
    project = await asyncio.to_thread(parts.remembering.projects.known, name)
    if project is None:
        raise NotFound("There is no such project.", param="name")
    roots = [await _refreshed(parts, root, purge=purge_deleted) for root in project.roots]
    ingested = [root for root in roots if root["status"] != "skipped"]
    whole = len(ingested) == len(roots) and all(root["status"] == "done" for root in ingested)
    return {
        "project": project.id,
        "aliases": list(project.aliases),
        "description": project.description,
        "purge_deleted": purge_deleted,
        "status": "nothing_to_ingest" if not ingested else "ingested" if whole else "partial",
        "roots_ingested": len(ingested),
        "roots_skipped": len(roots) - len(ingested),
        "roots": roots,
    }


async def _refreshed(parts: Services, root: Root, *, purge: bool) -> dict[str, Any]:
    """What became of one root."""
    told: dict[str, Any] = {"source": root.source, "subpath": root.subpath, "label": root.label}
    try:
        asked = await asyncio.to_thread(_asked, parts, f"{root.source}/{root.subpath}")
    except (NotFound, InvalidRequest) as error:
        return {**told, "status": "skipped", "reason": error.message}
    except Exception as error:  # noqa: BLE001  one root that cannot be read must not keep the others waiting
        return {**told, "status": "skipped", "reason": getattr(error, "message", "It cannot be read now.")}
    ended = await _ended([parts.remembering.ingesting.begin(root.source, asked.under, purge=purge)], wait=True)
    if ended is None:
        return {**told, "status": "running"}
    run = ended[0]
    if run.status == "failed":
        return {**told, "status": "skipped", "reason": run.error}
    return {**told, **{key: value for key, value in described(run).items() if key != "source"}}


def _asked(parts: Services, path: str) -> Asked:
    library = parts.remembering.library
    asked = asked_for(library.sources(), path)
    if not asked.exists and not library.ingestion.documents.known(asked.source.name, asked.under):
        raise NotFound("There is no such file or folder in the source.", param="path")
    return asked


async def _ended(tasks: Sequence[asyncio.Task[Run]], *, wait: bool) -> list[Run] | None:
    """The runs, once all have come to their end; None where they go on."""
    if not tasks:
        return []
    if not wait:
        return None
    _, pending = await asyncio.wait(tasks, timeout=LONGEST)
    if pending:
        return None
    try:
        return [task.result() for task in tasks]
    except (LookupError, asyncio.CancelledError) as error:
        raise Unavailable("The source is configured no more, or the server ends.") from error


def _failures(parts: Services, run: Run) -> list[dict[str, str]]:
    listed = parts.remembering.library.ingestion.documents.failures(run.source, 1000)
    below = [
        row for row in listed if not run.under or row["path"] == run.under or row["path"].startswith(f"{run.under}/")
    ]
    return below[:SHOWN]


def _status(runs: Iterable[Run]) -> str:
    statuses = {run.status for run in runs}
    if statuses <= {"done"}:
        return "done"
    return "failed" if statuses == {"failed"} else "partial"
