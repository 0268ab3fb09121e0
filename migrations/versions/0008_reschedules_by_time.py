"""Reports read the reschedule requests of a range of days (AN-1)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_reschedule_requests_created_at", "reschedule_requests", ["created_at"])


def downgrade():
    op.drop_index("ix_reschedule_requests_created_at", table_name="reschedule_requests")
