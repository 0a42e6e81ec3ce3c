"""The registry of projects in a server, and the job that moves rows to them behind the answers."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from memory.memories.memory import Actor
from memory.projects.merging import Merging
from memory.projects.registry import Registry
from proxy.live.running import Live
from proxy.remembering.worker import Lane
from store.database import Database
from store.ids import new_id
from store.jobs import Job, Jobs

MERGE: Final = "merge"
"""Moves what is stored under another name of a project."""
PART: Final = "part"
"""Puts back what was moved, where the change that gave the project the name was undone."""
DELAY: Final = 30.0
"""Seconds after a project got its names: whoever gave them moves the rows at once. This is for what was being written
meanwhile, and for a process that was killed on the way."""

_ACTOR: Final = Actor("projects", "stored under another name of the project")
_PARTER: Final = Actor("projects", "the project has lost the name")


def build_registry(database: Database, jobs: Jobs, live: Live) -> Registry:
    """The registry, read once, so that no call needs SQL for it. Raises ``DatabaseError``."""

    # Keys of their own: one that is being worked on would swallow another of the same project.
    def queue(connection: sa.Connection, project: str) -> None:
        jobs.queue(connection, MERGE, f"{project}/{new_id('mrg')}", "", delay=DELAY)

    def part(connection: sa.Connection, project: str, since: str) -> None:
        jobs.queue(connection, PART, f"{project}/{since}/{new_id('prt')}", "", delay=DELAY)

    registry = Registry(database, sources=lambda: live.now.settings.memory.sources, queue=queue, part=part)
    registry.all()
    return registry


def moving(merging: Merging) -> Lane:
    """The lane that moves rows."""

    def work(job: Job) -> None:
        merging.settle(job.key.partition("/")[0], _ACTOR)

    return Lane(batch=1, work=work)


def parting(merging: Merging) -> Lane:
    """The lane that puts rows back."""

    def work(job: Job) -> None:
        project, since, _ = job.key.split("/")
        merging.parting.put_back(project, since, _PARTER)

    return Lane(batch=1, work=work)
