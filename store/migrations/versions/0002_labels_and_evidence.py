"""Labels, pairs judged wrong, and the evidence behind an entry's quality.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("alpha", sa.Float, nullable=False),
        sa.Column("beta", sa.Float, nullable=False),
    )
    op.create_index("evidence_by_entry", "evidence", ["entry_id"])
    op.create_table(
        "labels",
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
    )
    op.create_index("labels_by_interaction", "labels", ["interaction_id"])
    op.create_index("labels_by_scale", "labels", ["namespace", "verifier", "at"])
    op.create_table(
        "wrong_pairs",
        sa.Column("prompt_key", sa.Text, primary_key=True),
        sa.Column("entry_key", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("wrong_pairs")
    op.drop_table("labels")
    op.drop_table("evidence")
