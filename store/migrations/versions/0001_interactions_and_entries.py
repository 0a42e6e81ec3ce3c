"""Interactions and entries.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


READ_JSON = r"""
CREATE FUNCTION reprise_json(given text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN given::jsonb;
EXCEPTION WHEN others THEN
    BEGIN
        -- What jsonb does not hold, a NUL or half a surrogate pair, must not hide the rest.
        RETURN regexp_replace(given, '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g')::jsonb;
    EXCEPTION WHEN others THEN
        RETURN NULL;
    END;
END $$
"""
"""A text as JSON; NULL where it is none. SQLite has its own."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(READ_JSON)
    op.create_table(
        "entries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("exact_key", sa.Text, nullable=False),
        sa.Column("compat_key", sa.Text),
        sa.Column("partition", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("alpha", sa.Float, nullable=False),
        sa.Column("beta", sa.Float, nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("last_hit_at", sa.Float),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("source_interaction_id", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("has_tool_calls", sa.Integer, nullable=False),
        sa.Column("embedder", sa.Text),
        sa.Column("indexed", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary),
        sa.Column("prompt", sa.Text),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("entries_by_compat_key", "entries", ["compat_key", "embedder", "status"])
    op.create_index("entries_by_exact_key", "entries", ["exact_key"])
    op.create_index(
        "entries_retired",
        "entries",
        ["indexed", "expires_at"],
        sqlite_where=sa.text("status != 'active'"),
        postgresql_where=sa.text("status != 'active'"),
    )
    op.create_index(
        "entries_to_embed",
        "entries",
        ["id"],
        sqlite_where=sa.text("vector IS NULL AND compat_key IS NOT NULL"),
        postgresql_where=sa.text("vector IS NULL AND compat_key IS NOT NULL"),
    )
    op.create_index(
        "entries_to_expire",
        "entries",
        ["expires_at"],
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        "entries_to_index",
        "entries",
        ["indexed"],
        sqlite_where=sa.text("indexed = 0 AND vector IS NOT NULL"),
        postgresql_where=sa.text("indexed = 0 AND vector IS NOT NULL"),
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("interaction_type", sa.Text, nullable=False),
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
    )
    op.create_index("interactions_by_session", "interactions", ["session_id", "created_at"])
    op.create_index("interactions_by_time", "interactions", ["created_at", "namespace"])


def downgrade() -> None:
    op.drop_table("interactions")
    op.drop_table("entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION reprise_json")
