"""What is made of tools' runs that clients report: which job they leave behind, and whose output a hit was."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from memory.interactions import Interaction, Interactions
from memory.tools.shelf import input_key
from memory.tools.vectors import ToolVectors
from proxy.errors import InvalidRequest
from proxy.remembering.worker import Lane, Later
from store.jobs import Job, Jobs
from store.writer import Statement

EMBED: Final = "embed"
"""Embeds what a tool was given."""
NOTES: Final = "reprise"
"""In an interaction's metadata, what clients of Reprise note there."""
BATCH: Final = 32
PATIENCE: Final = 5.0
"""Seconds between two tries while no embedder is ready."""


def embedding(vectors: ToolVectors) -> Lane:
    """The lane that embeds inputs."""

    def work(job: Job) -> None:
        if not vectors.embed(job.key):
            raise Later(PATIENCE)

    return Lane(batch=BATCH, work=work)


def embed_job(jobs: Jobs, interaction: Interaction) -> list[Statement]:
    """What queues the embedding of a run's input; of what is no tool's run, or a hit, nothing."""
    if interaction.tool_id is None or interaction.cache_status == "hit":
        return []
    return [jobs.statement(EMBED, interaction.id, interaction.namespace)]


def as_run(interaction: Interaction) -> Interaction:
    """A tool's run with the key of its input, by which equal ones are found."""
    return dataclasses.replace(interaction, input_hash=input_key(interaction.prompt))


def as_hit(interactions: Interactions, hit: Interaction, source_id: str) -> Interaction:
    """A run whose output was an earlier one's, served again: it names that one, and holds its output if it has none.

    Blocks for a query to SQL.

    Raises:
        InvalidRequest: this tool has no such run in this namespace, or that was a hit itself.
        DatabaseError: the log cannot be read.
    """
    source = (
        None if hit.tool_id is None or hit.interaction_type == "llm" else interactions.get(source_id, hit.namespace)
    )
    if source is None or source["tool_id"] != hit.tool_id or source["cache_status"] == "hit":
        raise InvalidRequest("'cached_from' names no run of this tool.", param="cached_from")
    same = source["prompt"] == hit.prompt
    given: dict[str, Any] = {"response": hit.response, "response_summary": hit.response_summary}
    if not hit.response:
        given = {name: source[name] or "" for name in given}
    return dataclasses.replace(
        hit,
        **given,
        cache_status="hit",
        tier="exact" if same else "semantic",
        similarity=1.0 if same else None,
        entry_id=source_id,
        cost_saved=source["cost"],
    )


def as_kept(given: Interaction, kept: Interaction) -> Interaction:
    """A run of which redaction left out something is no result to be served again: it says so where clients look."""
    if kept.tool_id is None or (kept.prompt, kept.response) == (given.prompt, given.response):
        return kept
    notes = kept.metadata.get(NOTES)
    marked = {**(notes if isinstance(notes, dict) else {}), "cacheable": False}
    return dataclasses.replace(kept, metadata={**kept.metadata, NOTES: marked})
