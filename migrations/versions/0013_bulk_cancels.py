"""Many sessions cancelled at once: the frozen list, and what became of each (SL-3)

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STATUSES = (
    "draft", "pending_mentor_review", "scheduled", "in_progress", "completed", "cancelled", "no_show", "rejected",
    "expired",
)  # fmt: skip


def word(name, *values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade():
    op.create_table(
        "bulk_cancels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column(
            "filter",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the list's arguments; none where sessions were ticked one by one",
        ),
        sa.Column("state", word("state", "preview", "running", "stopped", "done"), nullable=False),
        sa.Column("refund_percentage", sa.BigInteger(), nullable=False),
        sa.Column("notify_parties", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("refund_percentage BETWEEN 0 AND 100", name=op.f("ck_bulk_cancels_refund_percentage")),
        sa.CheckConstraint("state = 'preview' OR reason IS NOT NULL", name=op.f("ck_bulk_cancels_reason")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_bulk_cancels_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_cancels")),
    )
    op.create_index("ix_bulk_cancels_created_at", "bulk_cancels", [sa.text("created_at DESC")])
    op.create_table(
        "bulk_cancel_items",
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", word("state", "pending", "done", "refused", "changed", "failed"), nullable=False),
        sa.Column("status_seen", word("status_seen", *STATUSES), nullable=False),
        sa.Column(
            "fingerprint",
            sa.Text(),
            nullable=False,
            comment="of the preview: another one now means that the case changed",
        ),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False, comment="as shown; once it is done, as decided"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("awaits_approval", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True, comment="why not, or what was done, in a sentence"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulk_id"], ["bulk_cancels.id"], name=op.f("fk_bulk_cancel_items_bulk_id_bulk_cancels")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_bulk_cancel_items_session_id_sessions")),
        sa.PrimaryKeyConstraint("bulk_id", "session_id", name=op.f("pk_bulk_cancel_items")),
    )
    op.create_index("ix_bulk_cancel_items_state", "bulk_cancel_items", ["bulk_id", "state", "position"])
    op.create_index("ix_bulk_cancel_items_session_id", "bulk_cancel_items", ["session_id"])


def downgrade():
    op.drop_table("bulk_cancel_items")
    op.drop_table("bulk_cancels")
