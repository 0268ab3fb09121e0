"""Proposals: whether accepting one uses up an override, and one for a request that has no time yet

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COMMENT = "none yet where a request named no time (BK-5)"


def upgrade():
    op.add_column(
        "reschedule_requests",
        sa.Column(
            "uses_override",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="accepting it uses an allow_reschedule grant up (RS-6)",
        ),
    )
    op.alter_column("reschedule_requests", "original_time", nullable=True, comment=COMMENT)


def downgrade():
    op.execute("UPDATE reschedule_requests SET original_time = proposed_time WHERE original_time IS NULL")
    op.alter_column("reschedule_requests", "original_time", nullable=False, comment=None, existing_comment=COMMENT)
    op.drop_column("reschedule_requests", "uses_override")
