"""A log through other policies, from the database to the report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from cache.judges import Judges
from proxy.config import Settings
from proxy.policy.policies import Policies, build_policies
from proxy.rehearsal.archive import Archive, open_archive, stored_before
from proxy.rehearsal.calls import CompatKeys
from proxy.rehearsal.choice import Choice
from proxy.rehearsal.log import Log, Logged
from proxy.rehearsal.report import judge, report
from proxy.rehearsal.run import Draws, Known, Replayed, run
from proxy.rehearsal.stage import RehearsedJudges, Stage
from proxy.rehearsal.truth import Truth
from store.database import Database

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is."""


def replay_log(
    settings: Settings, database: Database, log: Log, choice: Choice, worst: int, progress: Progress
) -> dict[str, Any]:
    """Run the log through the chosen policies and say what would have changed.

    Raises:
        EmbedderError, DatabaseError.
    """
    archive = open_archive(settings, database, log, budgets_of(choice.policies))
    known = stored_before(
        database, log.calls, archive.embedder.id, choice.policies.named, build_policies(settings.cache).named
    )
    judges = None if archive.judges is None else RehearsedJudges(archive.judges)
    replayed = rehearse(archive, choice.policies, log.calls, known, judges, progress)
    truth = Truth(log.calls, archive.labels, archive.served, archive.embedder.embed)
    judged = judge(replayed, truth, lambda done, total: progress("comparing answers", done, total))
    told = report(log, replayed, judged, worst)
    told["notes"] += sorted(_in_force(archive, choice.policies, replayed))
    return {"policy": choice.name, "current": choice.current, **told}


def rehearse(
    archive: Archive,
    policies: Policies,
    calls: Sequence[Logged],
    known: Sequence[Known],
    judges: Judges | None,
    progress: Progress = lambda what, done, total: None,
    keys: CompatKeys | None = None,
) -> list[Replayed]:
    """Decide on these calls again, on a stage of their own."""
    draws = Draws()
    with Stage(archive.embedder, judges, draws, archive.wrong()) as stage:
        return asyncio.run(
            run(
                calls,
                stage,
                draws,
                policies,
                known=known,
                keys=keys or CompatKeys(archive.log.calls),
                progress=lambda done, total: progress("replaying", done, total),
            )
        )


def budgets_of(policies: Policies) -> set[float]:
    """The error budgets of all policies."""
    return {policy.max_error_rate for policy in policies.named.values()}


def _in_force(archive: Archive, policies: Policies, replayed: Sequence[Replayed]) -> set[str]:
    """What stands between these policies and what they would serve in the long run."""
    if archive.judges is None:
        return {"The verifier cannot be made ready, so only fixed thresholds serve by meaning."}
    notes = set()
    for namespace, name in {(one.logged.namespace, one.policy) for one in replayed}:
        policy = policies.named[name]
        if policy.max_entries is not None or policy.max_bytes is not None:
            notes.add(f"Policy {name} limits what is stored; the rehearsal evicts nothing.")
        if policy.similarity_threshold is not None or "semantic" not in policy.tiers:
            continue
        judge = archive.judges.of(namespace, policy)
        if judge.cut is None or judge.shadow:
            notes.add(f"In namespace {namespace} policy {name} serves nothing by meaning now (shadow mode).")
        elif judge.audit_rate > policy.audit_rate:
            notes.add(
                f"In namespace {namespace} policy {name} would audit {judge.audit_rate:.0%} of its hits by meaning at"
                f" first, until its cut is trusted; the rehearsal audits {policy.audit_rate:.2%}."
            )
    return notes
