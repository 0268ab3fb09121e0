"""Numbers that get a text message before a session (SMS-1)

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "phone_numbers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False, comment="E.164"),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("code_tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="when a code was last asked for"),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("number ~ '^[+][1-9][0-9]{7,14}$'", name=op.f("ck_phone_numbers_number")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_phone_numbers_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_phone_numbers")),
    )


def downgrade():
    op.drop_table("phone_numbers")
