"""The tables. Wide text columns stand last: SQLite then reads the small ones without touching overflow pages.

Timestamps called ``created_at`` in ``interactions`` are text, ``YYYY-MM-DD HH:MM:SS`` in UTC, so that text order is
time order; the other tables keep seconds since 1970, which the decision computes with.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

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
    # Every index costs each call a page in its commit: one serves both time and namespace.
    sa.Index("interactions_by_time", "created_at", "namespace"),
    sa.Index("interactions_by_session", "session_id", "created_at"),
    sa.Index("interactions_by_arm", "experiment", "arm", sqlite_where=sa.text("experiment IS NOT NULL")),
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
        sqlite_where=sa.text("loose_key IS NOT NULL"),
    ),
    sa.Index("entries_to_index", "indexed", sqlite_where=sa.text("indexed = 0 AND vector IS NOT NULL")),
    sa.Index("entries_to_embed", "id", sqlite_where=sa.text("vector IS NULL AND compat_key IS NOT NULL")),
    sa.Index("entries_to_expire", "expires_at", sqlite_where=sa.text("status = 'active'")),
    sa.Index("entries_retired", "indexed", "expires_at", sqlite_where=sa.text("status != 'active'")),
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
