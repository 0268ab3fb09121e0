"""Both audit trails are searched by the words of their reasons (AUD-1)."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(
        "ix_session_audit_log_words",
        "session_audit_log",
        [sa.text("to_tsvector('simple', reason_details)")],
        postgresql_using="gin",
        postgresql_where=sa.text("reason_details IS NOT NULL"),
    )
    op.create_index(
        "ix_admin_session_audit_trail_words",
        "admin_session_audit_trail",
        [sa.text("to_tsvector('simple', reason)")],
        postgresql_using="gin",
    )


def downgrade():
    op.drop_index("ix_admin_session_audit_trail_words", table_name="admin_session_audit_trail")
    op.drop_index("ix_session_audit_log_words", table_name="session_audit_log")
