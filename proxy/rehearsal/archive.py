"""What a rehearsal needs of a data directory: the log, labels, stored vectors and scores. Read, never written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from cache.calibration import Calibrations
from cache.judges import Judges, LearnedJudges
from cache.policy import Policy
from cache.verifier import Verifier, VerifierError, load_verifier, priors_of
from proxy.config import Settings
from proxy.labels.learning import LABEL_ERROR, RESTORED, restore
from proxy.rehearsal.log import Log, Logged
from proxy.rehearsal.run import Known
from proxy.rehearsal.stage import RememberedEmbedder, RememberedVerifier
from proxy.semantic import embedder_spec
from store.database import Database
from store.dialects import members
from store.embedder import Embedder, load_embedder
from store.entry import COLUMNS, FIELDS, from_row
from store.labels import Label, Labels
from store.tables import entries
from store.vectors import Vector

LISTED: Final = 5000
"""Keys in one question to SQL."""
SERVABLE: Final = ("active", "expired", "superseded")
"""Statuses of entries that may have been in use when the log began."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The log, and all that decisions on it need."""

    log: Log
    labels: tuple[Label, ...]
    """On the scale of the configured verifier and embedder, oldest first."""
    embedder: Embedder
    verifier: Verifier | None
    """None where it cannot be made ready; then only fixed thresholds serve by meaning."""
    judges: Judges | None
    """With the cuts in force now."""
    served: Mapping[str, str]
    """exact_key by id of the entries that the log names."""

    def wrong(self) -> dict[tuple[str, str], float]:
        """Pairs judged wrong, and since when; a person may have taken it back."""
        found: dict[tuple[str, str], float] = {}
        for label in self.labels:
            pair = (label.prompt_key, label.entry_key)
            if not label.correct:
                found.setdefault(pair, label.at)
            elif label.method == "person":
                found.pop(pair, None)
        return found


def open_archive(settings: Settings, database: Database, log: Log, budgets: Iterable[float]) -> Archive:
    """Load the models, and from the database what they need not do again.

    Args:
        budgets: error budgets that will be asked about.

    Raises:
        EmbedderError, DatabaseError.
    """
    embedder, verifier = load_configured(settings)
    labels = _labels(database, log, verifier.id if verifier else "", embedder.id)
    served = _served(database, log)
    keys = {id_: key for id_, (key, _) in served.items()}
    remembered = RememberedEmbedder(embedder, _vectors(database, log, embedder.id))
    if verifier is None:
        return Archive(log, labels, remembered, None, None, keys)
    scored = RememberedVerifier(verifier, _signals(log, labels, served, verifier.id, embedder.id))
    judges = in_force(settings, database, embedder.id, scored, budgets)
    return Archive(log, labels, remembered, scored, judges, keys)


def load_configured(settings: Settings) -> tuple[Embedder, Verifier | None]:
    """The configured models; no verifier where it cannot be made ready. Raises ``EmbedderError``."""
    embedder = load_embedder(embedder_spec(settings.store), settings.store.embedder.cache_dir)
    try:
        return embedder, load_verifier(settings.cache.verifier.model, settings.cache.verifier.threads)
    except VerifierError:
        return embedder, None


def in_force(
    settings: Settings, database: Database, embedder: str, verifier: Verifier, budgets: Iterable[float]
) -> Judges:
    """The judges that a server starting now would have. Raises ``DatabaseError``."""
    priors = priors_of(settings.cache.verifier.model, embedder)
    known = Calibrations(verifier, priors, LABEL_ERROR, sorted(set(budgets)), probation=settings.cache.probation)
    restore(known, Labels(database), verifier.id, embedder)
    return LearnedJudges(verifier, embedder, known)


def stored_before(
    database: Database,
    calls: Sequence[Logged],
    embedder: str,
    policies: Mapping[str, Policy],
    now: Mapping[str, Policy],
) -> list[Known]:
    """The answers that were stored before the first of these calls, with the lifetime that the policies would give.

    Args:
        policies: those rehearsed. now: the configured ones, by name: an entry whose life is shorter than theirs was
            given it by its caller, and keeps it.
    """
    if not calls:
        return []
    first, longest = calls[0].at, max(policy.ttl + policy.serve_stale_for for policy in policies.values())
    wanted = (
        sa.select(*COLUMNS, entries.c.vector, entries.c.embedder)
        .where(entries.c.created_at < first, entries.c.created_at > first - longest)
        .where(entries.c.status.in_(SERVABLE), entries.c.namespace.in_({call.namespace for call in calls}))
        .order_by(entries.c.created_at, entries.c.id)
    )
    ttl = max(policy.ttl for policy in policies.values())
    latest: dict[str, list[Known]] = {}
    for row in database.query(wanted):
        entry = from_row(tuple(row[name] for name in FIELDS))
        own = now.get(entry.policy or "")
        if own is None or entry.expires_at - entry.created_at >= own.ttl:
            entry = dataclasses.replace(entry, expires_at=entry.created_at + ttl)
        vector = None
        if row["vector"] is not None and row["embedder"] == embedder:
            vector = np.frombuffer(row["vector"], dtype=np.float32)
        kept = latest.setdefault(entry.exact_key, [])
        if row["status"] == "superseded" or not kept or kept[-1].entry.status == "superseded":
            # Which of several was in use then is not known; the last one was.
            kept.clear()
        kept.append(Known(entry, vector))
    return [_revived(known) for kept in latest.values() for known in kept]


def _revived(known: Known) -> Known:
    return Known(dataclasses.replace(known.entry, status="active"), known.vector)


def _labels(database: Database, log: Log, verifier: str, embedder: str) -> tuple[Label, ...]:
    kept = Labels(database)
    found: list[Label] = []
    for namespace in sorted({call.namespace for call in log.calls}):
        found += kept.recent(namespace, verifier, RESTORED, embedder)
    return tuple(sorted(found, key=lambda label: (label.at, label.id)))


def _served(database: Database, log: Log) -> dict[str, tuple[str, str | None]]:
    """(exact_key, prompt) by id of every entry that a logged call names."""
    ids = {call.entry_id for call in log.calls} | {call.metadata.get("candidate") for call in log.calls}
    columns = sa.select(entries.c.id, entries.c.exact_key, entries.c.prompt)
    return {
        row["id"]: (row["exact_key"], row["prompt"])
        for part in _parts(sorted(id_ for id_ in ids if id_))
        for row in database.query(columns.where(entries.c.id.in_(_listed("ids"))), ids=json.dumps(part))
    }


def _vectors(database: Database, log: Log, embedder: str) -> dict[str, Vector]:
    """Vectors of the log's prompts that were embedded before."""
    ids = sorted({call.entry_id for call in log.calls if call.entry_id})
    wanted = sa.select(entries.c.prompt, entries.c.vector).where(
        entries.c.embedder == embedder, entries.c.vector.is_not(None), entries.c.id.in_(_listed("ids"))
    )
    return {
        row["prompt"]: np.frombuffer(row["vector"], dtype=np.float32)
        for part in _parts(ids)
        for row in database.query(wanted, ids=json.dumps(part))
        if row["prompt"] is not None
    }


def _signals(
    log: Log, labels: Sequence[Label], served: Mapping[str, tuple[str, str | None]], verifier: str, embedder: str
) -> dict[tuple[str, str], tuple[float, ...]]:
    """What the verifier said of pairs before, from the log and the labels."""
    found: dict[tuple[str, str], tuple[float, ...]] = {}
    for call in log.calls:
        noted = call.metadata
        id_ = noted.get("candidate") or (call.entry_id if call.hit else None)
        _, stored = served.get(id_ or "", ("", None))
        signals = tuple(noted.get("signals", ()))
        own = noted.get("verifier") == verifier and noted.get("embedder") == embedder
        if own and stored is not None and _of_last_texts(signals, call.similarity):
            found[call.prompt, stored] = signals
    for label in labels:
        if _of_last_texts(label.signals, label.similarity):
            # Here they are not rounded.
            found[label.prompt, label.stored_prompt] = label.signals
    return found


def _of_last_texts(signals: Sequence[float], similarity: float | None) -> bool:
    """Do these signals speak of the last texts? Of histories that differ, those of the weakest turn are kept."""
    return similarity is not None and len(signals) > 1 and abs(signals[1] - similarity) < 1e-4


def _listed(name: str) -> Any:
    return members(name)


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + LISTED] for start in range(0, len(ids), LISTED))
