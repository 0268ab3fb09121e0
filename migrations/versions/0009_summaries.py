"""A mentor's summary has action items; there is one summary a session."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "session_notes",
        sa.Column("action_items", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_index(
        "uq_session_notes_summary",
        "session_notes",
        ["session_id", "author_id"],
        unique=True,
        postgresql_where=sa.text("is_summary"),
    )


def downgrade():
    op.drop_index("uq_session_notes_summary", table_name="session_notes")
    op.drop_column("session_notes", "action_items")
