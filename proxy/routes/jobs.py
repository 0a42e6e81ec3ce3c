"""The work behind the answers: how much waits, and what failed too often."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from proxy.routes.access import Admin, Parts
from store.jobs import Job

router = APIRouter(tags=["memory"], prefix="/admin/jobs")


class Retry(BaseModel):
    """Which jobs to try again."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] | None = Field(default=None, max_length=1000, description="Left out: all that were set aside.")


@router.get("", operation_id="list_jobs")
def list_jobs(parts: Parts, _: Admin) -> dict[str, Any]:
    """Jobs that wait and that were set aside after five tries, by kind; of the latter the newest hundred."""
    jobs = parts.remembering.jobs
    return {"counts": jobs.counts(), "set_aside": [_shown(job) for job in jobs.set_aside()]}


@router.post("/retry", operation_id="retry_jobs")
def retry_jobs(given: Retry, parts: Parts, _: Admin) -> dict[str, int]:
    """Queue what was set aside anew."""
    return {"retried": parts.remembering.jobs.retry(given.ids)}


def _shown(job: Job) -> dict[str, Any]:
    return {"id": job.id, "kind": job.kind, "key": job.key, "tries": job.tries, "error": job.error}
