"""Exceptions that ran out: noted by the clock, and no longer among those that may still count

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NAME = "ix_policy_overrides_live"
LIVE = "used_at IS NULL AND revoked_at IS NULL"


def upgrade():
    op.add_column(
        "policy_overrides",
        sa.Column(
            "ended_at", sa.DateTime(timezone=True), nullable=True, comment="when the clock noted that it had run out"
        ),
    )
    op.drop_index(NAME, table_name="policy_overrides")
    op.create_index(NAME, "policy_overrides", ["expires_at"], postgresql_where=sa.text(f"{LIVE} AND ended_at IS NULL"))


def downgrade():
    op.drop_index(NAME, table_name="policy_overrides")
    op.create_index(NAME, "policy_overrides", ["expires_at"], postgresql_where=sa.text(LIVE))
    op.drop_column("policy_overrides", "ended_at")
