"""The tables. Wide text columns stand last: SQLite then reads the small ones without touching overflow pages.

Times of ``interactions`` and of the tables of memory are text, ``YYYY-MM-DD HH:MM:SS`` in UTC, so that text order is
time order; the tables of the cache, and ``jobs``, keep seconds since 1970, which they compute with.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _where(condition: str) -> dict[str, Any]:
    """Has an index hold only the rows for which this is so."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("interaction_type", sa.Text, nullable=False, default="llm"),
    sa.Column("tool_id", sa.Text),
    sa.Column("tool_name", sa.Text),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text),
    sa.Column("client", sa.Text),
    sa.Column("session_id", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("stream", sa.Integer),
    sa.Column("collapsed", sa.Integer),
    sa.Column("success", sa.Integer, nullable=False),
    sa.Column("status_code", sa.Integer),
    sa.Column("quality_score", sa.Float),
    sa.Column("latency_ms", sa.Float),
    sa.Column("upstream_ms", sa.Float),
    sa.Column("input_hash", sa.Text),
    sa.Column("prompt_tokens", sa.Integer),
    sa.Column("completion_tokens", sa.Integer),
    sa.Column("tokens_estimated", sa.Integer),
    sa.Column("cost", sa.Float),
    sa.Column("cost_saved", sa.Float),
    sa.Column("cache_status", sa.Text),
    sa.Column("tier", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("entry_id", sa.Text),
    sa.Column("similarity", sa.Float),
    sa.Column("policy", sa.Text),
    sa.Column("memories_used", sa.Text),
    sa.Column("chunks_used", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("metadata", sa.Text),
    sa.Column("response_summary", sa.Text),
    sa.Column("response_chars", sa.Integer),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("context_pack", sa.Text),
    sa.Column("request", sa.Text),
    sa.Column("response", sa.Text),
    # Added later, so behind the wide ones.
    sa.Column("experiment", sa.Text),
    sa.Column("arm", sa.Text),
    sa.Column("compat_key", sa.Text),
    sa.Column("cached_tokens", sa.Integer),
    sa.Column("holdout", sa.Integer),
    # Every index costs each call a page in its commit: one serves both time and namespace.
    sa.Index("interactions_by_time", "created_at", "namespace"),
    sa.Index("interactions_by_session", "session_id", "created_at"),
    sa.Index("interactions_by_arm", "experiment", "arm", **_where("experiment IS NOT NULL")),
    sa.Index("interactions_by_tool", "tool_id", "created_at", **_where("tool_id IS NOT NULL")),
)

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("exact_key", sa.Text, nullable=False),
    sa.Column("compat_key", sa.Text),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("alpha", sa.Float, nullable=False),
    sa.Column("beta", sa.Float, nullable=False),
    sa.Column("hits", sa.Integer, nullable=False, default=0),
    sa.Column("last_hit_at", sa.Float),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("source_interaction_id", sa.Text),
    sa.Column("tags", sa.Text),
    sa.Column("has_tool_calls", sa.Integer, nullable=False, default=0),
    sa.Column("embedder", sa.Text),
    sa.Column("indexed", sa.Integer, nullable=False, default=0),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("prompt", sa.Text),
    sa.Column("answer", sa.Text, nullable=False),
    # Added later, so behind the wide ones.
    sa.Column("policy", sa.Text),
    sa.Column("project", sa.Text),
    sa.Column("answered_by", sa.Text),
    sa.Column("target", sa.Text),
    sa.Column("cost", sa.Float),
    sa.Column("size", sa.Integer),
    sa.Column("loose_key", sa.Text),
    sa.Column("earlier", sa.Text),
    sa.Index("entries_by_exact_key", "exact_key"),
    sa.Index("entries_by_compat_key", "compat_key", "embedder", "status"),
    sa.Index(
        "entries_by_loose_key",
        "loose_key",
        "embedder",
        "status",
        **_where("loose_key IS NOT NULL"),
    ),
    sa.Index("entries_to_index", "indexed", **_where("indexed = 0 AND vector IS NOT NULL")),
    sa.Index("entries_to_embed", "id", **_where("vector IS NULL AND compat_key IS NOT NULL")),
    sa.Index("entries_to_expire", "expires_at", **_where("status = 'active'")),
    sa.Index("entries_retired", "indexed", "expires_at", **_where("status != 'active'")),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("alpha", sa.Float, nullable=False),
    sa.Column("beta", sa.Float, nullable=False),
    sa.Index("evidence_by_entry", "entry_id"),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("embedder", sa.Text, nullable=False),
    sa.Column("prompt_key", sa.Text, nullable=False),
    sa.Column("entry_key", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("similarity", sa.Float, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("signals", sa.Text, nullable=False),
    sa.Column("correct", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("propensity", sa.Float, nullable=False),
    sa.Column("interaction_id", sa.Text),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("stored_prompt", sa.Text, nullable=False),
    sa.Index("labels_by_scale", "namespace", "verifier", "at"),
    sa.Index("labels_by_interaction", "interaction_id"),
)

wrong_pairs = sa.Table(
    "wrong_pairs",
    metadata,
    sa.Column("prompt_key", sa.Text, primary_key=True),
    sa.Column("entry_key", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("stopped_at", sa.Float),
    sa.Column("kept", sa.Text),
)

epochs = sa.Table(
    "epochs",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

memories = sa.Table(
    "memories",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False, default=""),
    sa.Column("memory_type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("content_key", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("pinned", sa.Integer, nullable=False, default=0),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("reference_count", sa.Integer, nullable=False, default=0),
    sa.Column("last_referenced_at", sa.Text),
    sa.Column("injected_count", sa.Integer, nullable=False, default=0),
    sa.Column("last_injected_at", sa.Text),
    sa.Column("valid_until", sa.Text),
    sa.Column("decayed_on", sa.Text),
    sa.Column("review", sa.Text),
    sa.Column("superseded_by", sa.Text),
    sa.Column("interaction_id", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("rule", sa.Text),
    sa.Column("extractor", sa.Text),
    sa.Column("span_start", sa.Integer),
    sa.Column("span_end", sa.Integer),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("embedder", sa.Text),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("tags", sa.Text),
    sa.Column("span", sa.Text),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index(
        "memories_said_once",
        "namespace",
        "project",
        "memory_type",
        "content_key",
        "status",
        unique=True,
        **_where("status IN ('candidate', 'active')"),
    ),
    sa.Index("memories_by_status", "namespace", "status", "project"),
    sa.Index("memories_by_text", "namespace", "content_key"),
    sa.Index("memories_by_interaction", "interaction_id"),
)
"""``content_key``: SHA-256 of the content, normalised. ``version`` rises with each change of content or status."""

memory_support = sa.Table(
    "memory_support",
    metadata,
    sa.Column("memory_id", sa.Text, primary_key=True),
    sa.Column("interaction_id", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("memory_support_by_interaction", "interaction_id"),
    sqlite_with_rowid=False,
)
"""The interactions that say what a memory says."""

memory_references = sa.Table(
    "memory_references",
    metadata,
    sa.Column("memory_id", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("interaction_id", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("delta", sa.Float, nullable=False),
    sa.Index("memory_references_by_interaction", "interaction_id"),
    sqlite_with_rowid=False,
)
"""What moved a memory's confidence: ``used`` or ``contradicted``, each once per session."""

memory_pairs = sa.Table(
    "memory_pairs",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("first", sa.Text, primary_key=True),
    sa.Column("second", sa.Text, primary_key=True),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("memory_pairs_by_status", "status", "kind"),
    sqlite_with_rowid=False,
)
"""Two memories that a person should look at together: ``merge`` or ``contradiction``; ``first`` < ``second``."""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object_type", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text),
    sa.Column("interaction_id", sa.Text),
    sa.Column("undoes", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Index("audit_by_object", "object_id", "at"),
    sa.Index("audit_by_time", "at"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, default="waiting"),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("run_after", sa.Float, nullable=False, default=0),
    sa.Column("queued_at", sa.Float, nullable=False),
    sa.Column("error", sa.Text),
    sa.Index("jobs_once", "kind", "key", unique=True),
    sa.Index("jobs_due", "kind", "state", "id"),
    sqlite_autoincrement=True,
)
"""Work behind the responses. ``key`` is the id of what is worked on; a job that is done has no row."""

extractions = sa.Table(
    "extractions",
    metadata,
    sa.Column("interaction_id", sa.Text, primary_key=True),
    sa.Column("extractor", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("found", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Which version of which extractor has read an interaction, and how many candidates it found."""

interaction_vectors = sa.Table(
    "interaction_vectors",
    metadata,
    sa.Column("interaction_id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("tool_id", sa.Text, nullable=False),
    sa.Column("embedder", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Index("interaction_vectors_by_tool", "namespace", "tool_id", "embedder"),
)
"""Vectors of what tools were given, never of what they gave."""


projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("ingest_roots", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)
"""The registry, one for the whole server. ``ingest_roots``: JSON, a list of ``{source, subpath, label}``."""

project_names = sa.Table(
    "project_names",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("project_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Index("project_names_by_project", "project_id"),
)
"""What a project goes by: its id, ``position`` 0, and its aliases. ``name``: folded, ``shown``: as it was written."""

project_state = sa.Table(
    "project_state",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("superseded_by", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index(
        "project_state_once",
        "namespace",
        "project",
        "category",
        "key",
        unique=True,
        **_where("status = 'active'"),
    ),
    sa.Index("project_state_by_project", "project", "namespace"),
)
"""What people say of a project. ``status``: active, superseded by a later value, or deleted."""

project_moves = sa.Table(
    "project_moves",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("audit_id", sa.Text, primary_key=True),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("row_key", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Index("project_moves_by_row", "row_key"),
    sqlite_with_rowid=False,
)
"""Rows that stand with a project since the change ``audit_id``, and the name that they stood under before: what is
to be put back where that change is undone. ``row_key``: the primary key, JSON where it has several columns."""

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("modified_at", sa.Float, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("encoding", sa.Text),
    sa.Column("reader", sa.Text, nullable=False),
    sa.Column("chunk_count", sa.Integer, nullable=False),
    sa.Column("ingested_at", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("tags", sa.Text),
    sa.Column("error", sa.Text),
    sa.Index("documents_by_path", "source", "path", unique=True),
    sa.Index("documents_by_project", "project"),
)
"""Files of sources, as they were read last. ``path``: below the source, with ``/``; ``digest``: SHA-256 of the bytes;
``status``: ready or failed, with ``error``; ``reader``: the version of what read and cut it."""

chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("indexed", sa.Integer, nullable=False, default=0),
    sa.Column("embedder", sa.Text),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("heading_path", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("chunks_by_document", "document_id", "position"),
    sa.Index("chunks_to_index", "indexed", **_where("indexed = 0")),
)
"""Pieces of documents. ``heading_path``: JSON, the headings above it, the outermost first; ``digest``: SHA-256 of
heading path and content; ``indexed``: 1 once its vector is in the index."""

ingestions = sa.Table(
    "ingestions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("under", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("seconds", sa.Float),
    sa.Column("found", sa.Integer, nullable=False),
    sa.Column("read", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("purged", sa.Integer, nullable=False),
    sa.Column("chunk_count", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Index("ingestions_by_source", "source", "started_at"),
)
"""Runs over sources, or over a part ``under`` one, and how far each came. ``status``: running, done, partial (some
files could not be read), failed, or stopped (ended with the server; the next goes on)."""

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False, default=""),
    sa.Column("client", sa.Text),
    sa.Column("status", sa.Text, nullable=False, default="active"),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("last_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
    sa.Column("ended_by", sa.Text),
    sa.Column("problem_domain", sa.Text),
    sa.Column("confidence", sa.Float, nullable=False, default=0.0),
    sa.Column("matched_flow", sa.Text),
    sa.Column("matched_version", sa.Integer),
    sa.Column("match_score", sa.Float),
    sa.Column("suggested_flow", sa.Text),
    sa.Column("match_state", sa.Text, nullable=False, default="none"),
    sa.Column("analysis", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("proposal_id", sa.Text),
    sa.Column("analysed_at", sa.Text),
    sa.Column("analysis_tries", sa.Integer, nullable=False, default=0),
    sa.Column("analysis_after", sa.Float),
    sa.Column("corrected", sa.Text),
    sa.Column("escalation_reason", sa.Text),
    sa.Column("resolution_summary", sa.Text),
    sa.Column("problem_summary", sa.Text, nullable=False, default=""),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("signal", sa.Text),
    sa.Index("sessions_by_id", "id"),
    sa.Index("sessions_latest", "last_at"),
    sa.Index("sessions_by_time", "namespace", "last_at"),
    sa.Index("sessions_by_status", "status", "last_at"),
    sa.Index("sessions_by_flow", "matched_flow"),
    sa.Index("sessions_to_analyse", "analysis", "analysis_after"),
)
"""Conversations. ``ended_by``: person, signal, phrase or idle. ``match_state``: none, suggested, attached, accepted or
declined. ``analysis``: null until it is due, then waiting, deferred or done, with its ``outcome``; one that failed so
many ``analysis_tries`` is not tried before ``analysis_after``, seconds since 1970. ``corrected``: JSON list, the fields
that a person set and derivation leaves alone. ``root``: the session id that its interactions carry; ``signal``: what
the user's last words say of success."""

session_steps = sa.Table(
    "session_steps",
    metadata,
    sa.Column("interaction_id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("step_type", sa.Text, nullable=False),
    sa.Column("skipped", sa.Integer, nullable=False, default=0),
    sa.Column("node_id", sa.Text),
    sa.Column("corrected", sa.Text),
    sa.Column("options", sa.Text),
    sa.Column("option_selected", sa.Text),
    sa.Column("action_result", sa.Text),
    sa.Column("free_text", sa.Text),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("reading", sa.Text),
    sa.Index("session_steps_by_session", "namespace", "session_id", "at", "interaction_id"),
    sa.Index("session_steps_by_root", "namespace", "root", "at", "interaction_id"),
)
"""Each an interaction of a session. ``asked``: what the user or the tool's caller said, ``said``: the answer;
``options``: JSON list of what the answer offered; the pick, or the user's own words, come from the next turn. ``root``:
the session id of the interaction; ``reading``: JSON, what the interaction alone tells, from which all else follows."""

flows = sa.Table(
    "flows",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False, default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("problem_domain", sa.Text),
    sa.Column("matched", sa.Integer, nullable=False, default=0),
    sa.Column("resolved", sa.Integer, nullable=False, default=0),
    sa.Column("escalated", sa.Integer, nullable=False, default=0),
    sa.Column("abandoned", sa.Integer, nullable=False, default=0),
    sa.Column("moving_rate", sa.Float),
    sa.Column("last_matched_at", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("embedder", sa.Text),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("keywords", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Index("flows_by_status", "namespace", "status"),
)
"""Flows in use, or ``retired``, each as its newest version says; what it holds stands in ``flow_versions``. The counts
and ``moving_rate`` follow ``flow_outcomes`` and have one writer."""

flow_versions = sa.Table(
    "flow_versions",
    metadata,
    sa.Column("flow_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("proposal_id", sa.Text),
    sa.Column("diff_description", sa.Text),
    sa.Column("content", sa.Text, nullable=False),
)
"""``content``: JSON, the whole flow as it was published."""

flow_outcomes = sa.Table(
    "flow_outcomes",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("flow_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("flow_outcomes_by_flow", "flow_id", "at"),
)
"""How each session that followed a flow ended, once: resolved, escalated or abandoned."""

proposals = sa.Table(
    "proposals",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False, default=""),
    sa.Column("proposal_type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("problem_domain", sa.Text),
    sa.Column("target_flow_id", sa.Text),
    sa.Column("target_version", sa.Integer),
    sa.Column("confidence_score", sa.Float, nullable=False),
    sa.Column("analyst", sa.Text, nullable=False),
    sa.Column("flow_id", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("embedder", sa.Text),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("problem", sa.Text),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("proposals_by_status", "namespace", "status", "problem_domain"),
    sa.Index("proposals_by_flow", "target_flow_id", "status"),
)
"""What sessions taught, for a person to decide on. ``analyst``: the model and the prompt's version; ``flow_id``: what
approving it published; ``problem``: why it cannot be published as it is; ``content``: JSON."""

proposal_sessions = sa.Table(
    "proposal_sessions",
    metadata,
    sa.Column("proposal_id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Index("proposal_sessions_by_session", "namespace", "session_id"),
)
"""The sessions that support a proposal."""

model_calls = sa.Table(
    "model_calls",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("calls", sa.Integer, nullable=False),
)
"""Calls to models by UTC day, counted before they are made."""

notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("object_type", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("occasion", sa.Text, nullable=False, default=""),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("read_at", sa.Text),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("notifications_once", "namespace", "event", "object_id", "occasion", unique=True),
    sa.Index("notifications_by_time", "namespace", "at"),
)
"""What people are told, each once. ``occasion``: tells what happens to one object more than once apart, such as the
versions of a flow; ``body``: JSON."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("notification_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("delivered_at", sa.Float),
    sa.Column("error", sa.Text),
    sa.Index("deliveries_due", "state", "due_at"),
)
"""A notification on its way through one channel: waiting, delivered or failed."""
