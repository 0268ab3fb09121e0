"""What meeting providers tell: a session is found by its room, and one stay of one person is one row

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "session_joins",
        sa.Column("seat", sa.Text(), nullable=True, comment="the provider's name for one stay of one person"),
    )
    op.create_index(
        "uq_session_joins_seat",
        "session_joins",
        ["session_id", "seat"],
        unique=True,
        postgresql_where=sa.text("seat IS NOT NULL"),
    )
    op.create_index(
        "ix_sessions_meeting_ref",
        "sessions",
        ["meeting_ref"],
        postgresql_where=sa.text("meeting_ref IS NOT NULL"),
    )


def downgrade():
    op.drop_index("ix_sessions_meeting_ref", table_name="sessions")
    op.drop_index("uq_session_joins_seat", table_name="session_joins")
    op.drop_column("session_joins", "seat")
