"""Memories, what moves them, who changed what, and the work that waits.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "memories",
    "memory_support",
    "memory_references",
    "memory_pairs",
    "audit",
    "jobs",
    "extractions",
    "interaction_vectors",
)


def upgrade() -> None:
    op.create_index(
        "interactions_by_tool",
        "interactions",
        ["tool_id", "created_at"],
        sqlite_where=sa.text("tool_id IS NOT NULL"),
        postgresql_where=sa.text("tool_id IS NOT NULL"),
    )
    op.create_table(
        "memories",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("memory_type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("content_key", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("pinned", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reference_count", sa.Integer, nullable=False),
        sa.Column("last_referenced_at", sa.Text),
        sa.Column("injected_count", sa.Integer, nullable=False),
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
    )
    op.create_index(
        "memories_said_once",
        "memories",
        ["namespace", "project", "memory_type", "content_key", "status"],
        unique=True,
        sqlite_where=sa.text("status IN ('candidate', 'active')"),
        postgresql_where=sa.text("status IN ('candidate', 'active')"),
    )
    op.create_index("memories_by_status", "memories", ["namespace", "status", "project"])
    op.create_index("memories_by_text", "memories", ["namespace", "content_key"])
    op.create_index("memories_by_interaction", "memories", ["interaction_id"])
    op.create_table(
        "memory_support",
        sa.Column("memory_id", sa.Text, primary_key=True),
        sa.Column("interaction_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("memory_support_by_interaction", "memory_support", ["interaction_id"])
    op.create_table(
        "memory_references",
        sa.Column("memory_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("interaction_id", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("delta", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("memory_references_by_interaction", "memory_references", ["interaction_id"])
    op.create_table(
        "memory_pairs",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("first", sa.Text, primary_key=True),
        sa.Column("second", sa.Text, primary_key=True),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("memory_pairs_by_status", "memory_pairs", ["status", "kind"])
    op.create_table(
        "audit",
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
    )
    op.create_index("audit_by_object", "audit", ["object_id", "at"])
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("run_after", sa.Float, nullable=False),
        sa.Column("queued_at", sa.Float, nullable=False),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_once", "jobs", ["kind", "key"], unique=True)
    op.create_index("jobs_due", "jobs", ["kind", "state", "id"])
    op.create_table(
        "extractions",
        sa.Column("interaction_id", sa.Text, primary_key=True),
        sa.Column("extractor", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "interaction_vectors",
        sa.Column("interaction_id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("tool_id", sa.Text, nullable=False),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_index("interaction_vectors_by_tool", "interaction_vectors", ["namespace", "tool_id", "embedder"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("interactions_by_tool", "interactions")
