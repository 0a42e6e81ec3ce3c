"""What policies need to know of entries and calls: limits, relaxed history, experiments, epochs.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("policy", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("answered_by", sa.Text),
        sa.Column("target", sa.Text),
        sa.Column("cost", sa.Float),
        sa.Column("size", sa.Integer),
        sa.Column("loose_key", sa.Text),
        sa.Column("earlier", sa.Text),
    ):
        op.add_column("entries", column)
    op.create_index(
        "entries_by_loose_key",
        "entries",
        ["loose_key", "embedder", "status"],
        sqlite_where=sa.text("loose_key IS NOT NULL"),
        postgresql_where=sa.text("loose_key IS NOT NULL"),
    )
    for column in (sa.Column("experiment", sa.Text), sa.Column("arm", sa.Text), sa.Column("compat_key", sa.Text)):
        op.add_column("interactions", column)
    op.create_index(
        "interactions_by_arm",
        "interactions",
        ["experiment", "arm"],
        sqlite_where=sa.text("experiment IS NOT NULL"),
        postgresql_where=sa.text("experiment IS NOT NULL"),
    )
    op.create_table(
        "experiments",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("stopped_at", sa.Float),
        sa.Column("kept", sa.Text),
    )
    op.create_table(
        "epochs",
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("epochs")
    op.drop_table("experiments")
    op.drop_index("interactions_by_arm", "interactions")
    for column in ("compat_key", "arm", "experiment"):
        op.drop_column("interactions", column)
    op.drop_index("entries_by_loose_key", "entries")
    for column in ("earlier", "loose_key", "size", "cost", "target", "answered_by", "project", "policy"):
        op.drop_column("entries", column)
