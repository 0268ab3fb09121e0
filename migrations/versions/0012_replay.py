"""Replay: the latest decisions of a kind, and the overrides of a range, are found by an index

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("ix_decision_records_kind", "decision_records", ["kind", sa.text("created_at DESC")])
    op.create_index(
        "ix_policy_overrides_created_at", "policy_overrides", [sa.text("created_at DESC"), sa.text("id DESC")]
    )


def downgrade():
    op.drop_index("ix_policy_overrides_created_at", table_name="policy_overrides")
    op.drop_index("ix_decision_records_kind", table_name="decision_records")
