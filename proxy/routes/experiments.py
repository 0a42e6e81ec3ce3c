"""Experiments over HTTP, for operators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from proxy.routes.access import Admin, Parts

router = APIRouter(prefix="/cache/experiments", tags=["experiments"])


class Stop(BaseModel):
    """Which arm stays."""

    model_config = ConfigDict(extra="forbid")

    keep: Annotated[str, Field(min_length=1, max_length=64, description="All calls get this arm's policy from now on.")]


@router.get("", operation_id="list_experiments")
def list_experiments(parts: Parts, _: Admin) -> dict[str, Any]:
    """How each experiment stands, those of the log that are configured no more among them."""
    return {"experiments": parts.trials.list()}


@router.get("/{name}", operation_id="get_experiment")
def get_experiment(name: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """What each arm came to: hit rate, error, latency and cost, with 95 % intervals, and how the arms compare."""
    return parts.trials.show(name)


@router.post("/{name}/stop", operation_id="stop_experiment")
def stop_experiment(name: str, given: Stop, parts: Parts, _: Admin) -> dict[str, Any]:
    """End an experiment: all calls that match it get the kept arm's policy from now on, after a restart too."""
    return parts.trials.stop(name, given.keep)
