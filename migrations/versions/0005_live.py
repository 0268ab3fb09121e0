"""What changed can be followed by number: each line of a chat and each row of a session's log has its place."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "messages",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order for the live stream's catch-up (NT-2)",
        ),
    )
    op.create_unique_constraint("uq_messages_number", "messages", ["number"])
    op.create_index("uq_session_audit_log_number", "session_audit_log", ["number"], unique=True)


def downgrade():
    op.drop_index("uq_session_audit_log_number", table_name="session_audit_log")
    op.drop_constraint("uq_messages_number", "messages")
    op.drop_column("messages", "number")
