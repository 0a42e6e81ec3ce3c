"""Sessions and their steps, flows, proposals, notifications; what was moved to projects.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "sessions",
    "session_steps",
    "flows",
    "flow_versions",
    "flow_outcomes",
    "proposals",
    "proposal_sessions",
    "model_calls",
    "notifications",
    "deliveries",
    "project_moves",
)


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text),
        sa.Column("ended_by", sa.Text),
        sa.Column("problem_domain", sa.Text),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("matched_flow", sa.Text),
        sa.Column("matched_version", sa.Integer),
        sa.Column("match_score", sa.Float),
        sa.Column("suggested_flow", sa.Text),
        sa.Column("match_state", sa.Text, nullable=False),
        sa.Column("analysis", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("proposal_id", sa.Text),
        sa.Column("analysed_at", sa.Text),
        sa.Column("analysis_tries", sa.Integer, nullable=False),
        sa.Column("analysis_after", sa.Float),
        sa.Column("corrected", sa.Text),
        sa.Column("escalation_reason", sa.Text),
        sa.Column("resolution_summary", sa.Text),
        sa.Column("problem_summary", sa.Text, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("signal", sa.Text),
    )
    op.create_index("sessions_by_id", "sessions", ["id"])
    op.create_index("sessions_latest", "sessions", ["last_at"])
    op.create_index("sessions_by_time", "sessions", ["namespace", "last_at"])
    op.create_index("sessions_by_status", "sessions", ["status", "last_at"])
    op.create_index("sessions_by_flow", "sessions", ["matched_flow"])
    op.create_index("sessions_to_analyse", "sessions", ["analysis", "analysis_after"])
    op.create_table(
        "session_steps",
        sa.Column("interaction_id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("step_type", sa.Text, nullable=False),
        sa.Column("skipped", sa.Integer, nullable=False),
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
    )
    op.create_index("session_steps_by_session", "session_steps", ["namespace", "session_id", "at", "interaction_id"])
    op.create_index("session_steps_by_root", "session_steps", ["namespace", "root", "at", "interaction_id"])
    op.create_table(
        "flows",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("problem_domain", sa.Text),
        sa.Column("matched", sa.Integer, nullable=False),
        sa.Column("resolved", sa.Integer, nullable=False),
        sa.Column("escalated", sa.Integer, nullable=False),
        sa.Column("abandoned", sa.Integer, nullable=False),
        sa.Column("moving_rate", sa.Float),
        sa.Column("last_matched_at", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("embedder", sa.Text),
        sa.Column("vector", sa.LargeBinary),
        sa.Column("keywords", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
    )
    op.create_index("flows_by_status", "flows", ["namespace", "status"])
    op.create_table(
        "flow_versions",
        sa.Column("flow_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("proposal_id", sa.Text),
        sa.Column("diff_description", sa.Text),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "flow_outcomes",
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("flow_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_index("flow_outcomes_by_flow", "flow_outcomes", ["flow_id", "at"])
    op.create_table(
        "proposals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
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
    )
    op.create_index("proposals_by_status", "proposals", ["namespace", "status", "problem_domain"])
    op.create_index("proposals_by_flow", "proposals", ["target_flow_id", "status"])
    op.create_table(
        "proposal_sessions",
        sa.Column("proposal_id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_index("proposal_sessions_by_session", "proposal_sessions", ["namespace", "session_id"])
    op.create_table(
        "model_calls",
        sa.Column("namespace", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, primary_key=True),
        sa.Column("calls", sa.Integer, nullable=False),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("read_at", sa.Text),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("notifications_once", "notifications", ["namespace", "event", "object_id", "occasion"], unique=True)
    op.create_index("notifications_by_time", "notifications", ["namespace", "at"])
    op.create_table(
        "deliveries",
        sa.Column("notification_id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("delivered_at", sa.Float),
        sa.Column("error", sa.Text),
    )
    op.create_index("deliveries_due", "deliveries", ["state", "due_at"])
    op.create_table(
        "project_moves",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("audit_id", sa.Text, primary_key=True),
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("row_key", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("project_moves_by_row", "project_moves", ["row_key"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
