"""An index of the sessions that never got a time, so that figures over a range of times leave them out cheaply."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(
        "ix_sessions_untimed",
        "sessions",
        ["created_at"],
        postgresql_include=["status", "refund_status", "cancelled_by", "currency", "rate_minor", "refund_amount_minor"],
        postgresql_where=sa.text("scheduled_at IS NULL"),
    )


def downgrade():
    op.drop_index("ix_sessions_untimed", table_name="sessions")
