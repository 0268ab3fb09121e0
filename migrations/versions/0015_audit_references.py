"""Both audit trails are searched by the reference of a request (AUD-1)

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("session_audit_log", "admin_session_audit_trail")


def upgrade():
    for table in TABLES:
        op.create_index(
            f"ix_{table}_request_id", table, ["request_id"], postgresql_where=sa.text("request_id IS NOT NULL")
        )


def downgrade():
    for table in TABLES:
        op.drop_index(f"ix_{table}_request_id", table_name=table)
