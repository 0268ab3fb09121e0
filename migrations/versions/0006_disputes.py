"""Disputes: what is promised per priority as policies, and indexes for the closed ones and for those that wait

Revision ID: 0006
Revises: 0005
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HOURS = [
    ("dispute_urgent_answer_hours", 1, "Hours until an urgent dispute has its first answer."),
    ("dispute_urgent_resolution_hours", 8, "Hours until an urgent dispute is resolved."),
    ("dispute_high_answer_hours", 4, "Hours until a dispute of high priority has its first answer."),
    ("dispute_high_resolution_hours", 24, "Hours until a dispute of high priority is resolved."),
    ("dispute_medium_answer_hours", 24, "Hours until a dispute of medium priority has its first answer."),
    ("dispute_medium_resolution_hours", 72, "Hours until a dispute of medium priority is resolved."),
    ("dispute_low_answer_hours", 48, "Hours until a dispute of low priority has its first answer."),
    ("dispute_low_resolution_hours", 168, "Hours until a dispute of low priority is resolved."),
]


def upgrade():
    connection = op.get_bind()
    for key, value, description in HOURS:
        connection.execute(
            sa.text(
                'INSERT INTO session_policies (key, value, type, description, "group", updated_at) '
                "VALUES (:key, cast(:value AS jsonb), 'integer', :description, 'support', now()) "
                "ON CONFLICT (key) DO NOTHING"
            ),
            {"key": key, "value": json.dumps(value), "description": description},
        )
    op.create_index(
        "ix_session_disputes_closed",
        "session_disputes",
        [sa.text("resolved_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("status NOT IN ('open', 'in_progress')"),
    )
    op.create_index(
        "ix_session_disputes_awaiting",
        "session_disputes",
        ["awaiting_refund_id"],
        postgresql_where=sa.text("awaiting_refund_id IS NOT NULL"),
    )


def downgrade():
    op.drop_index("ix_session_disputes_awaiting", table_name="session_disputes")
    op.drop_index("ix_session_disputes_closed", table_name="session_disputes")
    op.get_bind().execute(
        sa.text("DELETE FROM session_policies WHERE key = ANY(:keys)"), {"keys": [key for key, *_ in HOURS]}
    )
