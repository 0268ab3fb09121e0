"""Every table of people, sessions, money, messages, audit and operations."""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

# revision identifiers, used by Alembic.
revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    # The exclusion constraint on calendar_entries compares people as ranges of one uuid: no extension is needed.
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.Text(), nullable=False, comment="relay, clock, job:<name>"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "review_daily_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reviews", sa.BigInteger(), nullable=False),
        sa.Column("rating_sum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_review_daily_figures")),
    )
    op.create_table(
        "session_daily_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("refund_status", sa.Text(), nullable=False),
        sa.Column("cancelled_by", sa.Text(), nullable=False, comment="empty unless cancelled"),
        sa.Column("cancellation_category", sa.Text(), nullable=False, comment="empty unless cancelled"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("sessions", sa.BigInteger(), nullable=False),
        sa.Column("rate_minor", sa.BigInteger(), nullable=False),
        sa.Column("refund_amount_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day",
            "status",
            "refund_status",
            "cancelled_by",
            "cancellation_category",
            "currency",
            name=op.f("pk_session_daily_figures"),
        ),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "avatar", sa.Text(), nullable=True, comment="file name under the uploads folder; None shows initials"
        ),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "mentee",
                "mentor",
                "support",
                "admin",
                "ops",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspension_reason", sa.Text(), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "preferences",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="sound, reminder_emails, theme (ID-6)",
        ),
        sa.Column("warnings_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("calendar_token_hash", sa.Text(), nullable=True, comment="secret of the calendar feed (DB-6)"),
        sa.CheckConstraint(
            "(suspended_at IS NULL) = (suspension_reason IS NULL)", name=op.f("ck_users_suspension_has_reason")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("calendar_token_hash", name=op.f("uq_users_calendar_token_hash")),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index("ix_users_name", ["name", "id"], unique=False)
        batch_op.create_index(
            "ix_users_name_words",
            [sa.literal_column("to_tsvector('simple', name)")],
            unique=False,
            postgresql_using="gin",
        )
        batch_op.create_index("ix_users_role_created_at", ["role", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_users_suspended_at",
            ["suspended_at"],
            unique=False,
            postgresql_where=sa.text("suspended_at IS NOT NULL"),
        )

    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_events_received_at", ["received_at"], unique=False)
        batch_op.create_index("uq_webhook_events_provider_event_key", ["provider", "event_key"], unique=True)

    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column(
            "scopes",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="empty: all that its owner may",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "availability_exceptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "type",
            sa.Enum("blocked", "extra", name="type", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_availability_exceptions_positive")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_availability_exceptions_mentor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_availability_exceptions")),
    )
    with op.batch_alter_table("availability_exceptions", schema=None) as batch_op:
        batch_op.create_index("ix_availability_exceptions_mentor_id", ["mentor_id", "starts_at"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, comment="the action it was used for"),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "key", "scope", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_keys_created_at", ["created_at"], unique=False)

    op.create_table(
        "kill_switches",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("is_off", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_kill_switches_changed_by_users")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kill_switches")),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "gateway_clearing",
                "held",
                "platform_revenue",
                "mentor_payable",
                "mentee_credit",
                "refunds_payable",
                "goodwill_expense",
                "payouts",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_ledger_accounts_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint(
            "kind",
            "owner_id",
            "currency",
            name="uq_ledger_accounts_kind_owner_id_currency",
            postgresql_nulls_not_distinct=True,
        ),
    )
    with op.batch_alter_table("ledger_accounts", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_accounts_owner_id", ["owner_id"], unique=False)

    op.create_table(
        "logins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False, comment="SHA-256 of the token in the cookie"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "reauthenticated_at", sa.DateTime(timezone=True), nullable=True, comment="password confirmed again (SEC-2)"
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_logins_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_logins_token_hash")),
    )
    with op.batch_alter_table("logins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logins_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_logins_user_id"), ["user_id"], unique=False)

    op.create_table(
        "mentor_offerings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False, comment="minutes"),
        sa.Column("rate_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "booking_mode",
            sa.Enum("instant", "request", name="booking_mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("meeting_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("location", sa.Text(), nullable=True, comment="where, for in-person meetings"),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_mentor_offerings_currency")),
        sa.CheckConstraint(
            "meeting_types <@ ARRAY['video','audio','chat','in_person'] AND cardinality(meeting_types) > 0",
            name=op.f("ck_mentor_offerings_meeting_types"),
        ),
        sa.CheckConstraint("duration BETWEEN 5 AND 1440", name=op.f("ck_mentor_offerings_duration")),
        sa.CheckConstraint("rate_minor >= 0", name=op.f("ck_mentor_offerings_rate")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_mentor_offerings_mentor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentor_offerings")),
    )
    with op.batch_alter_table("mentor_offerings", schema=None) as batch_op:
        batch_op.create_index("ix_mentor_offerings_mentor_id", ["mentor_id", "is_active"], unique=False)

    op.create_table(
        "mentor_profiles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("bio", sa.Text(), server_default="", nullable=False),
        sa.Column("expertise", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_by", sa.Uuid(), nullable=True),
        sa.Column("decline_reason", sa.Text(), nullable=True),
        sa.Column("is_accepting", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "rating_average", sa.Double(), nullable=True, comment="of visible reviews by mentees, refreshed nightly"
        ),
        sa.Column("rating_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("requested_rate_minor", sa.BigInteger(), nullable=True, comment="as wished in the application"),
        sa.Column("requested_currency", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["declined_by"], ["users.id"], name=op.f("fk_mentor_profiles_declined_by_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mentor_profiles_user_id_users")),
        sa.ForeignKeyConstraint(["verified_by"], ["users.id"], name=op.f("fk_mentor_profiles_verified_by_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_mentor_profiles")),
    )
    with op.batch_alter_table("mentor_profiles", schema=None) as batch_op:
        batch_op.create_index("ix_mentor_profiles_expertise", ["expertise"], unique=False, postgresql_using="gin")
        batch_op.create_index("ix_mentor_profiles_verified_at", ["verified_at"], unique=False)
        batch_op.create_index(
            "ix_mentor_profiles_waiting",
            ["applied_at"],
            unique=False,
            postgresql_where=sa.text("verified_at IS NULL AND declined_at IS NULL"),
        )

    op.create_table(
        "mentor_schedules",
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("buffer_minutes", sa.BigInteger(), server_default=sa.text("15"), nullable=False),
        sa.Column("min_notice_hours", sa.BigInteger(), server_default=sa.text("2"), nullable=False),
        sa.Column("max_advance_days", sa.BigInteger(), server_default=sa.text("60"), nullable=False),
        sa.Column("slot_interval_minutes", sa.BigInteger(), server_default=sa.text("30"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("buffer_minutes BETWEEN 0 AND 240", name=op.f("ck_mentor_schedules_buffer")),
        sa.CheckConstraint("max_advance_days BETWEEN 1 AND 365", name=op.f("ck_mentor_schedules_advance")),
        sa.CheckConstraint("min_notice_hours BETWEEN 0 AND 720", name=op.f("ck_mentor_schedules_notice")),
        sa.CheckConstraint("slot_interval_minutes BETWEEN 5 AND 240", name=op.f("ck_mentor_schedules_interval")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_mentor_schedules_mentor_id_users")),
        sa.PrimaryKeyConstraint("mentor_id", name=op.f("pk_mentor_schedules")),
    )
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_resets_token_hash")),
    )
    with op.batch_alter_table("password_resets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_resets_user_id"), ["user_id"], unique=False)

    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payouts_amount")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_payouts_mentor_id_users")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.id"], name=op.f("fk_payouts_recorded_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
    )
    with op.batch_alter_table("payouts", schema=None) as batch_op:
        batch_op.create_index("ix_payouts_batch_id", ["batch_id"], unique=False)
        batch_op.create_index("ix_payouts_mentor_id", ["mentor_id", "created_at"], unique=False)

    op.create_table(
        "policy_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_policy_versions_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_versions")),
    )
    with op.batch_alter_table("policy_versions", schema=None) as batch_op:
        batch_op.create_index("ix_policy_versions_number", ["number"], unique=True)

    op.create_table(
        "reason_snippets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True, comment="None: offered everywhere"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_reason_snippets_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reason_snippets")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_codes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_saved_views_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.create_index("ix_saved_views_list", ["list", "owner_id"], unique=False)

    op.create_table(
        "session_policies",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_session_policies_updated_by_users")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_session_policies")),
    )
    op.create_table(
        "weekly_patterns",
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "blocks",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment='[{"start": "09:00", "end": "12:00", "type": "AVAILABLE"}]; an end not after its start is on the next day',
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_patterns_weekday")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_weekly_patterns_mentor_id_users")),
        sa.PrimaryKeyConstraint("mentor_id", "weekday", name=op.f("pk_weekly_patterns")),
    )
    op.create_table(
        "policy_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_version_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("old_value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("new_value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_policy_history_changed_by_users")),
        sa.ForeignKeyConstraint(
            ["policy_version_id"],
            ["policy_versions.id"],
            name=op.f("fk_policy_history_policy_version_id_policy_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_history")),
    )
    with op.batch_alter_table("policy_history", schema=None) as batch_op:
        batch_op.create_index("ix_policy_history_key", ["key", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_policy_history_policy_version_id"), ["policy_version_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "pending_mentor_review",
                "scheduled",
                "in_progress",
                "completed",
                "cancelled",
                "rejected",
                "expired",
                "no_show",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "booking_mode",
            sa.Enum("instant", "request", name="booking_mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=False, comment="minutes"),
        sa.Column(
            "buffer_minutes",
            sa.BigInteger(),
            server_default=sa.text("15"),
            nullable=False,
            comment="the mentor's buffer when it was booked (AV-4)",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preferred_time_note", sa.Text(), nullable=True),
        sa.Column(
            "meeting_type",
            sa.Enum(
                "video",
                "audio",
                "chat",
                "in_person",
                name="meeting_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("meeting_provider", sa.Text(), nullable=True),
        sa.Column("meeting_url", sa.Text(), nullable=True),
        sa.Column("meeting_ref", sa.Text(), nullable=True, comment="the provider's name for the room"),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column(
            "calendar_sequence",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="iCalendar SEQUENCE, rising with each change of time",
        ),
        sa.Column("rate_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "payment_status",
            sa.Enum(
                "not_required",
                "pending",
                "paid",
                "failed",
                "refunded",
                "partially_refunded",
                name="payment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "cancelled_by",
            sa.Enum(
                "mentor",
                "mentee",
                "admin",
                "system",
                name="cancelled_by",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("cancelled_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "cancellation_category",
            sa.Enum(
                "schedule_conflict",
                "found_other",
                "no_longer_needed",
                "technical",
                "emergency",
                "illness",
                "other",
                "support",
                "unpaid",
                "mentor_unavailable",
                name="cancellation_category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("rescheduled_from", sa.Uuid(), nullable=True),
        sa.Column(
            "reschedule_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="the mentee's"
        ),
        sa.Column("mentor_reschedule_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "reschedules_total",
            sa.BigInteger(),
            sa.Computed("reschedule_count + mentor_reschedule_count", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "recording_config", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("refund_amount_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refund_percentage", sa.BigInteger(), nullable=True),
        sa.Column(
            "refund_status",
            sa.Enum(
                "none",
                "pending",
                "processed",
                "failed",
                name="refund_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="none",
            nullable=False,
        ),
        sa.Column("pending_reschedule_request_id", sa.Uuid(), nullable=True),
        sa.Column("pending_reschedule_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "pending_reschedule_by",
            sa.Enum(
                "mentor", "mentee", name="pending_reschedule_by", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("was_reassigned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reassigned_from_mentor_id", sa.Uuid(), nullable=True),
        sa.Column("reassigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reassignment_status",
            sa.Enum(
                "pending_acceptance",
                "accepted",
                "rejected",
                "awaiting_mentee_choice",
                name="reassignment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reassignment_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_mentor_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mentee_message", sa.Text(), nullable=True),
        sa.Column("approval_notes", sa.Text(), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mentor_response", sa.Text(), nullable=True),
        sa.Column(
            "hold_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="unpaid draft, or unpaid approved request",
        ),
        sa.Column(
            "no_show_party",
            sa.Enum("mentor", "mentee", name="no_show_party", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("no_show_marked_by", sa.Uuid(), nullable=True),
        sa.Column(
            "attendance_suggested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the clock suggests a no-show (NS-3)",
        ),
        sa.Column("attendance_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("policy_version_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(status = 'cancelled') <= (cancelled_at IS NOT NULL)", name=op.f("ck_sessions_cancelled_has_time")
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_sessions_currency")),
        sa.CheckConstraint(
            "scheduled_at IS NOT NULL OR status IN ('pending_mentor_review', 'rejected', 'cancelled')",
            name=op.f("ck_sessions_scheduled_at"),
        ),
        sa.CheckConstraint(
            "(pending_reschedule_request_id IS NULL) = (pending_reschedule_time IS NULL)",
            name=op.f("ck_sessions_pending_fields_agree"),
        ),
        sa.CheckConstraint("char_length(title) BETWEEN 3 AND 120", name=op.f("ck_sessions_title")),
        sa.CheckConstraint("duration BETWEEN 5 AND 1440", name=op.f("ck_sessions_duration")),
        sa.CheckConstraint("mentor_id <> mentee_id", name=op.f("ck_sessions_two_people")),
        sa.CheckConstraint("rate_minor >= 0 AND refund_amount_minor >= 0", name=op.f("ck_sessions_money")),
        sa.ForeignKeyConstraint(
            ["cancelled_by_user_id"], ["users.id"], name=op.f("fk_sessions_cancelled_by_user_id_users")
        ),
        sa.ForeignKeyConstraint(["mentee_id"], ["users.id"], name=op.f("fk_sessions_mentee_id_users")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_sessions_mentor_id_users")),
        sa.ForeignKeyConstraint(["no_show_marked_by"], ["users.id"], name=op.f("fk_sessions_no_show_marked_by_users")),
        sa.ForeignKeyConstraint(
            ["offering_id"], ["mentor_offerings.id"], name=op.f("fk_sessions_offering_id_mentor_offerings")
        ),
        sa.ForeignKeyConstraint(
            ["policy_version_id"], ["policy_versions.id"], name=op.f("fk_sessions_policy_version_id_policy_versions")
        ),
        sa.ForeignKeyConstraint(
            ["reassigned_from_mentor_id"], ["users.id"], name=op.f("fk_sessions_reassigned_from_mentor_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["rescheduled_from"], ["sessions.id"], name=op.f("fk_sessions_rescheduled_from_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sessions_approval_deadline",
            ["approval_deadline"],
            unique=False,
            postgresql_where=sa.text("status = 'pending_mentor_review'"),
        )
        batch_op.create_index(
            "ix_sessions_attendance_suggested_at",
            ["attendance_suggested_at"],
            unique=False,
            postgresql_where=sa.text("attendance_suggested_at IS NOT NULL AND attendance_decided_at IS NULL"),
        )
        batch_op.create_index(
            "ix_sessions_created_at", [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")], unique=False
        )
        batch_op.create_index(
            "ix_sessions_duration", [sa.literal_column("duration"), sa.literal_column("id DESC")], unique=False
        )
        batch_op.create_index(
            "ix_sessions_hold_expires_at",
            ["hold_expires_at"],
            unique=False,
            postgresql_where=sa.text("hold_expires_at IS NOT NULL AND status IN ('draft', 'scheduled')"),
        )
        batch_op.create_index(
            "ix_sessions_meeting_type",
            [
                sa.literal_column("meeting_type"),
                sa.literal_column("scheduled_at DESC NULLS LAST"),
                sa.literal_column("id DESC"),
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_mentee_id",
            [
                sa.literal_column("mentee_id"),
                sa.literal_column("scheduled_at DESC NULLS LAST"),
                sa.literal_column("id DESC"),
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_mentor_id",
            [
                sa.literal_column("mentor_id"),
                sa.literal_column("scheduled_at DESC NULLS LAST"),
                sa.literal_column("id DESC"),
            ],
            unique=False,
        )
        batch_op.create_index("ix_sessions_offering_id", ["offering_id"], unique=False)
        batch_op.create_index(
            "ix_sessions_pending_reschedule",
            ["scheduled_at"],
            unique=False,
            postgresql_where=sa.text("pending_reschedule_request_id IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_sessions_policy_version_id"), ["policy_version_id"], unique=False)
        batch_op.create_index(
            "ix_sessions_rate_minor", [sa.literal_column("rate_minor"), sa.literal_column("id DESC")], unique=False
        )
        batch_op.create_index(
            "ix_sessions_reassignment_deadline",
            ["reassignment_deadline"],
            unique=False,
            postgresql_where=sa.text("reassignment_status IN ('pending_acceptance', 'awaiting_mentee_choice')"),
        )
        batch_op.create_index(
            "ix_sessions_refund_status",
            [
                sa.literal_column("refund_status"),
                sa.literal_column("scheduled_at DESC NULLS LAST"),
                sa.literal_column("id DESC"),
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_reschedules",
            [sa.literal_column("reschedules_total"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_running",
            ["scheduled_at"],
            unique=False,
            postgresql_where=sa.text("status IN ('scheduled', 'in_progress')"),
        )
        batch_op.create_index(
            "ix_sessions_scheduled_at",
            [sa.literal_column("scheduled_at DESC NULLS LAST"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_status_created_at",
            [sa.literal_column("status"), sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_status_scheduled_at",
            [
                sa.literal_column("status"),
                sa.literal_column("scheduled_at DESC NULLS LAST"),
                sa.literal_column("id DESC"),
            ],
            unique=False,
        )
        batch_op.create_index(
            "ix_sessions_title", [sa.literal_column("title"), sa.literal_column("id DESC")], unique=False
        )
        batch_op.create_index(
            "ix_sessions_title_words",
            [sa.literal_column("to_tsvector('simple', title)")],
            unique=False,
            postgresql_using="gin",
        )
        batch_op.create_index(
            "ix_sessions_was_reassigned", ["scheduled_at"], unique=False, postgresql_where=sa.text("was_reassigned")
        )
        batch_op.create_index(
            "ix_sessions_without_link",
            ["scheduled_at"],
            unique=False,
            postgresql_where=sa.text("status = 'scheduled' AND meeting_url IS NULL"),
        )

    op.create_table(
        "admin_session_audit_trail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="1, 2, 3 … without a gap"),
        sa.Column("admin_id", sa.Uuid(), nullable=True, comment="None: from the command line"),
        sa.Column(
            "actor_role",
            sa.Enum(
                "mentee",
                "mentor",
                "support",
                "admin",
                "ops",
                "clock",
                "payment",
                "system",
                "anonymous",
                name="actor_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("subject_type", sa.Text(), nullable=False, comment="session, user, mentor, policy, refund, email, …"),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("previous_status", sa.Text(), nullable=True),
        sa.Column("new_status", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 over the hash before it and this row's content"),
        sa.ForeignKeyConstraint(["admin_id"], ["users.id"], name=op.f("fk_admin_session_audit_trail_admin_id_users")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_admin_session_audit_trail_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session_audit_trail")),
        sa.UniqueConstraint("seq", name="uq_admin_session_audit_trail_seq"),
    )
    with op.batch_alter_table("admin_session_audit_trail", schema=None) as batch_op:
        batch_op.create_index(
            "ix_admin_session_audit_trail_action", ["action", sa.literal_column("created_at DESC")], unique=False
        )
        batch_op.create_index(
            "ix_admin_session_audit_trail_admin_id", ["admin_id", sa.literal_column("created_at DESC")], unique=False
        )
        batch_op.create_index(
            "ix_admin_session_audit_trail_created_at",
            [sa.literal_column("created_at DESC"), sa.literal_column("seq DESC")],
            unique=False,
        )
        batch_op.create_index("ix_admin_session_audit_trail_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index("ix_admin_session_audit_trail_subject", ["subject_type", "subject_id"], unique=False)

    op.create_table(
        "admin_session_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("admin_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(note) BETWEEN 1 AND 5000", name=op.f("ck_admin_session_notes_note")),
        sa.ForeignKeyConstraint(["admin_id"], ["users.id"], name=op.f("fk_admin_session_notes_admin_id_users")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_admin_session_notes_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session_notes")),
    )
    with op.batch_alter_table("admin_session_notes", schema=None) as batch_op:
        batch_op.create_index("ix_admin_session_notes_session_id", ["session_id", "created_at"], unique=False)

    op.create_table(
        "calendar_entries",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("busy", postgresql.TSTZMULTIRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("uuidrange(user_id, user_id, '[]')"), "&&"),
            (sa.column("busy"), "&&"),
            using="gist",
            name="calendar_entries_no_overlap",
        ),
        sa.CheckConstraint("NOT isempty(busy)", name=op.f("ck_calendar_entries_not_empty")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_calendar_entries_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendar_entries_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "session_id", name=op.f("pk_calendar_entries")),
    )
    with op.batch_alter_table("calendar_entries", schema=None) as batch_op:
        batch_op.create_index("ix_calendar_entries_session_id", ["session_id"], unique=False)

    op.create_table(
        "decision_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False, comment="in plain words (WHY-2)"),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("consequences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("next_change", sa.Text(), nullable=True),
        sa.Column("policy_version_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_decision_records_actor_id_users")),
        sa.ForeignKeyConstraint(
            ["policy_version_id"],
            ["policy_versions.id"],
            name=op.f("fk_decision_records_policy_version_id_policy_versions"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_decision_records_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_records")),
    )
    with op.batch_alter_table("decision_records", schema=None) as batch_op:
        batch_op.create_index("ix_decision_records_session_id", ["session_id", "created_at"], unique=False)

    op.create_table(
        "email_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="email.booking.confirmed and its like"),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("queued", "sent", "failed", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False, comment="one e-mail per cause and recipient (INV-5)"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_email_events_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_events_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_events")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_email_events_dedupe_key")),
    )
    with op.batch_alter_table("email_events", schema=None) as batch_op:
        batch_op.create_index(
            "ix_email_events_created_at",
            [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index("ix_email_events_recipient", ["recipient", "created_at"], unique=False)
        batch_op.create_index("ix_email_events_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index("ix_email_events_status", ["status", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_email_events_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="payment_captured, refund_requested, refund_processed, settled, …",
        ),
        sa.Column(
            "source_id", sa.Text(), nullable=False, comment="the payment, refund, session or payout it stands for"
        ),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_ledger_transactions_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint("kind", "source_id", name="uq_ledger_transactions_kind_source_id"),
    )
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_transactions_created_at", ["created_at"], unique=False)
        batch_op.create_index("ix_ledger_transactions_session_id", ["session_id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(body) BETWEEN 1 AND 2000", name=op.f("ck_messages_body")),
        sa.ForeignKeyConstraint(["sender_id"], ["users.id"], name=op.f("fk_messages_sender_id_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_messages_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index("ix_messages_session_id", ["session_id", "created_at"], unique=False)

    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order for the live stream's catch-up (NT-2)",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "session_request",
                "session_accepted",
                "session_rejected",
                "request_expired",
                "payment_confirmed",
                "payment_received",
                "payment_failed",
                "booking_expired",
                "session_cancelled",
                "refund_processed",
                "refund_failed",
                "reschedule_requested",
                "reschedule_countered",
                "reschedule_accepted",
                "reschedule_rejected",
                "reschedule_withdrawn",
                "reschedule_expired",
                "session_reassigned",
                "reassignment_accepted",
                "reassignment_rejected",
                "no_mentor_found",
                "meeting_link_missing",
                "session_reminder",
                "session_completed",
                "no_show_marked",
                "no_show_cleared",
                "review_received",
                "message_received",
                "dispute_opened",
                "dispute_updated",
                "dispute_resolved",
                "dispute_urgent",
                "admin_cancelled",
                "admin_reassigned",
                "admin_refund",
                "new_booking",
                "mentor_assigned",
                "mentor_unassigned",
                "alternative_mentor_selected",
                "reassignment_expired",
                "refund_awaiting_approval",
                "dispute_info_requested",
                "mentor_verified",
                "mentor_declined",
                "policy_override_granted",
                "account_suspended",
                "account_warning",
                name="type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("action_url", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_notifications_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("number", name="uq_notifications_number"),
    )
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.create_index("ix_notifications_session_id", ["session_id"], unique=False)
        batch_op.create_index(
            "ix_notifications_unread", ["user_id"], unique=False, postgresql_where=sa.text("read_at IS NULL")
        )
        batch_op.create_index("ix_notifications_user_id", ["user_id", sa.literal_column("number DESC")], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="mail.send, refund.send, meeting.create, …"),
        sa.Column(
            "key", sa.Text(), nullable=False, comment="the same for ever: what makes a handler idempotent (OPS-3)"
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "claimed",
                "done",
                "dead",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "available_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="not before this; while claimed: the end of the claim",
        ),
        sa.Column(
            "not_after",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="pointless later (a reminder): dropped, not sent late",
        ),
        sa.Column("claim_token", sa.Uuid(), nullable=True),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True, comment="when the relay last rang RQ for it"),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_outbox_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_due", ["available_at"], unique=False, postgresql_where=sa.text("state IN ('queued', 'claimed')")
        )
        batch_op.create_index("ix_outbox_kind", ["kind", "state"], unique=False)
        batch_op.create_index("ix_outbox_session_id", ["session_id"], unique=False)
        batch_op.create_index("ix_outbox_state", ["state", "created_at"], unique=False)

    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="asked of the gateway"),
        sa.Column(
            "credit_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="taken from the mentee's credit (MN-7)",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "initiated",
                "succeeded",
                "failed",
                "abandoned",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("authorization_url", sa.Text(), nullable=True),
        sa.Column("gateway_payment_id", sa.Text(), nullable=True),
        sa.Column(
            "raw",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="what the gateway said last",
        ),
        sa.Column(
            "flagged_reason", sa.Text(), nullable=True, comment="needs a person: amount or currency differ, paid twice"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor >= 0 AND credit_minor >= 0", name=op.f("ck_payments_amount")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_payments_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("gateway_payment_id", name=op.f("uq_payments_gateway_payment_id")),
        sa.UniqueConstraint("reference", name="uq_payments_reference"),
    )
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_payments_created_at", [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")], unique=False
        )
        batch_op.create_index(
            "ix_payments_flagged", ["created_at"], unique=False, postgresql_where=sa.text("flagged_reason IS NOT NULL")
        )
        batch_op.create_index("ix_payments_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index(
            "uq_payments_one_open", ["session_id"], unique=True, postgresql_where=sa.text("status = 'initiated'")
        )

    op.create_table(
        "policy_overrides",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column(
            "override_type",
            sa.Enum(
                "allow_reschedule",
                "allow_cancellation",
                "extend_time",
                name="override_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("char_length(reason) >= 3", name=op.f("ck_policy_overrides_reason")),
        sa.ForeignKeyConstraint(["granted_by"], ["users.id"], name=op.f("fk_policy_overrides_granted_by_users")),
        sa.ForeignKeyConstraint(["revoked_by"], ["users.id"], name=op.f("fk_policy_overrides_revoked_by_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_policy_overrides_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_overrides")),
    )
    with op.batch_alter_table("policy_overrides", schema=None) as batch_op:
        batch_op.create_index(
            "ix_policy_overrides_live",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("used_at IS NULL AND revoked_at IS NULL"),
        )
        batch_op.create_index("ix_policy_overrides_session_id", ["session_id"], unique=False)

    op.create_table(
        "reconciliation_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_reconciliation_findings_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_findings")),
        sa.UniqueConstraint("key", name=op.f("uq_reconciliation_findings_key")),
    )
    with op.batch_alter_table("reconciliation_findings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reconciliation_findings_open",
            ["found_at"],
            unique=False,
            postgresql_where=sa.text("resolved_at IS NULL"),
        )

    op.create_table(
        "reschedule_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column(
            "initiated_by",
            sa.Enum("mentor", "mentee", name="initiated_by", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("initiator_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "accepted",
                "rejected",
                "counter_proposed",
                "cancelled",
                "expired",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposed_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_duration", sa.BigInteger(), nullable=False),
        sa.Column("original_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counter_proposed_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "counter_proposed_by",
            sa.Enum(
                "mentor", "mentee", name="counter_proposed_by", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("counter_proposal_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refund_percentage_when_proposed", sa.BigInteger(), nullable=True, comment="no buying time (CX-2)"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("counter_proposal_count >= 0", name=op.f("ck_reschedule_requests_counter_proposal_count")),
        sa.ForeignKeyConstraint(["initiator_id"], ["users.id"], name=op.f("fk_reschedule_requests_initiator_id_users")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_reschedule_requests_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reschedule_requests")),
    )
    with op.batch_alter_table("reschedule_requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reschedule_requests_expires_at",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("status IN ('pending', 'counter_proposed')"),
        )
        batch_op.create_index("ix_reschedule_requests_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index(
            "uq_reschedule_requests_open",
            ["session_id"],
            unique=True,
            postgresql_where=sa.text("status IN ('pending', 'counter_proposed')"),
        )

    op.create_table(
        "session_audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="order of writing"),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "actor_role",
            sa.Enum(
                "mentee",
                "mentor",
                "support",
                "admin",
                "ops",
                "clock",
                "payment",
                "system",
                "anonymous",
                name="actor_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason_category", sa.Text(), nullable=True),
        sa.Column("reason_details", sa.Text(), nullable=True),
        sa.Column("previous_status", sa.Text(), nullable=True),
        sa.Column("new_status", sa.Text(), nullable=True),
        sa.Column("previous_scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "policy_snapshot", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_audit_log_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_session_audit_log_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_audit_log")),
    )
    with op.batch_alter_table("session_audit_log", schema=None) as batch_op:
        batch_op.create_index(
            "ix_session_audit_log_action", ["action", sa.literal_column("created_at DESC")], unique=False
        )
        batch_op.create_index(
            "ix_session_audit_log_created_at",
            [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index("ix_session_audit_log_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index(
            "ix_session_audit_log_user_id", ["user_id", sa.literal_column("created_at DESC")], unique=False
        )

    op.create_table(
        "session_joins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("page", "provider", name="source", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_joins_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_session_joins_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_joins")),
    )
    with op.batch_alter_table("session_joins", schema=None) as batch_op:
        batch_op.create_index("ix_session_joins_session_id", ["session_id", "joined_at"], unique=False)

    op.create_table(
        "session_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_summary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_session_notes_author_id_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_notes_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_notes")),
    )
    with op.batch_alter_table("session_notes", schema=None) as batch_op:
        batch_op.create_index("ix_session_notes_session_id", ["session_id", "author_id"], unique=False)

    op.create_table(
        "session_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("mentor_id", sa.Uuid(), nullable=False),
        sa.Column("mentee_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_session_reviews_rating")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_session_reviews_author_id_users")),
        sa.ForeignKeyConstraint(["hidden_by"], ["users.id"], name=op.f("fk_session_reviews_hidden_by_users")),
        sa.ForeignKeyConstraint(["mentee_id"], ["users.id"], name=op.f("fk_session_reviews_mentee_id_users")),
        sa.ForeignKeyConstraint(["mentor_id"], ["users.id"], name=op.f("fk_session_reviews_mentor_id_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_reviews_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_reviews")),
        sa.UniqueConstraint("session_id", "author_id", name="uq_session_reviews_session_id_author_id"),
    )
    with op.batch_alter_table("session_reviews", schema=None) as batch_op:
        batch_op.create_index(
            "ix_session_reviews_created_at",
            [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
            unique=False,
        )
        batch_op.create_index("ix_session_reviews_mentor_id", ["mentor_id", "created_at"], unique=False)

    op.create_table(
        "strikes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["lifted_by"], ["users.id"], name=op.f("fk_strikes_lifted_by_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_strikes_session_id_sessions")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_strikes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strikes")),
    )
    with op.batch_alter_table("strikes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_strikes_session_id"), ["session_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_strikes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ledger_postings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_ledger_postings_not_zero")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_postings_account_id_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transactions.id"],
            name=op.f("fk_ledger_postings_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
    )
    with op.batch_alter_table("ledger_postings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_postings_account_id", ["account_id"], unique=False, postgresql_include=["amount_minor"]
        )
        batch_op.create_index("ix_ledger_postings_transaction_id", ["transaction_id"], unique=False)

    op.create_table(
        "note_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edited_by"], ["users.id"], name=op.f("fk_note_history_edited_by_users")),
        sa.ForeignKeyConstraint(
            ["note_id"], ["admin_session_notes.id"], name=op.f("fk_note_history_note_id_admin_session_notes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_history")),
    )
    with op.batch_alter_table("note_history", schema=None) as batch_op:
        batch_op.create_index("ix_note_history_note_id", ["note_id", "created_at"], unique=False)

    op.create_table(
        "precedents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("decision_record_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("expected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_precedents_created_by_users")),
        sa.ForeignKeyConstraint(
            ["decision_record_id"],
            ["decision_records.id"],
            name=op.f("fk_precedents_decision_record_id_decision_records"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_precedents_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_precedents")),
    )
    with op.batch_alter_table("precedents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_precedents_session_id"), ["session_id"], unique=False)

    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True, comment="None: goodwill only"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="all of it, credit included"),
        sa.Column(
            "credit_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="the part that goes to the mentee's credit, not to the gateway",
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("percentage", sa.BigInteger(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "policy", "full", "partial", "bonus", name="type", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "awaiting_approval",
                "pending",
                "processed",
                "failed",
                "declined",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("by_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="counts for MN-9"),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("gateway_refund_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="the gateway's own words"),
        sa.Column("notify_parties", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount_minor > 0 AND credit_minor >= 0 AND credit_minor <= amount_minor", name=op.f("ck_refunds_amount")
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name=op.f("ck_refunds_second_person")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_refunds_approved_by_users")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id_payments")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.id"], name=op.f("fk_refunds_requested_by_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_refunds_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("gateway_refund_id", name=op.f("uq_refunds_gateway_refund_id")),
        sa.UniqueConstraint("idempotency_key", name="uq_refunds_idempotency_key"),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index("ix_refunds_payment_id", ["payment_id"], unique=False)
        batch_op.create_index("ix_refunds_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index("ix_refunds_status", ["status", "created_at"], unique=False)

    op.create_table(
        "session_disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column(
            "reporter_role",
            sa.Enum("mentor", "mentee", name="reporter_role", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "no_show",
                "quality",
                "behavior",
                "technical",
                "refund",
                "other",
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="ids of evidence_files",
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "in_progress",
                "resolved",
                "dismissed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum(
                "low", "medium", "high", "urgent", name="priority", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("resolution_notes", sa.Text(), nullable=True),
        sa.Column(
            "resolution_action",
            sa.Enum(
                "refund_issued",
                "warning_sent",
                "account_suspended",
                "session_rescheduled",
                "no_action",
                name="resolution_action",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("awaiting_refund_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_response_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "waiting_since",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the clocks stand still while a party is asked",
        ),
        sa.Column("waited_seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalation_level", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["assigned_to"], ["users.id"], name=op.f("fk_session_disputes_assigned_to_users")),
        sa.ForeignKeyConstraint(
            ["awaiting_refund_id"], ["refunds.id"], name=op.f("fk_session_disputes_awaiting_refund_id_refunds")
        ),
        sa.ForeignKeyConstraint(["reported_by"], ["users.id"], name=op.f("fk_session_disputes_reported_by_users")),
        sa.ForeignKeyConstraint(["resolved_by"], ["users.id"], name=op.f("fk_session_disputes_resolved_by_users")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_disputes_session_id_sessions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_disputes")),
    )
    with op.batch_alter_table("session_disputes", schema=None) as batch_op:
        batch_op.create_index("ix_session_disputes_assigned_to", ["assigned_to", "status"], unique=False)
        batch_op.create_index("ix_session_disputes_queue", ["status", "priority", "resolution_due_at"], unique=False)
        batch_op.create_index("ix_session_disputes_session_id", ["session_id", "created_at"], unique=False)
        batch_op.create_index(
            "uq_session_disputes_one_open",
            ["session_id", "reported_by"],
            unique=True,
            postgresql_where=sa.text("status IN ('open', 'in_progress')"),
        )

    op.create_table(
        "dispute_comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_internal", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_dispute_comments_author_id_users")),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["session_disputes.id"], name=op.f("fk_dispute_comments_dispute_id_session_disputes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_comments")),
    )
    with op.batch_alter_table("dispute_comments", schema=None) as batch_op:
        batch_op.create_index("ix_dispute_comments_dispute_id", ["dispute_id", "created_at"], unique=False)

    op.create_table(
        "evidence_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("original_name", sa.Text(), nullable=False),
        sa.Column("stored_name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size_bytes BETWEEN 1 AND 10485760", name=op.f("ck_evidence_files_size")),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["session_disputes.id"], name=op.f("fk_evidence_files_dispute_id_session_disputes")
        ),
        sa.ForeignKeyConstraint(["uploaded_by"], ["users.id"], name=op.f("fk_evidence_files_uploaded_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_files")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_evidence_files_stored_name")),
    )
    with op.batch_alter_table("evidence_files", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_files_dispute_id", ["dispute_id"], unique=False)


def downgrade():
    with op.batch_alter_table("evidence_files", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_files_dispute_id")

    op.drop_table("evidence_files")
    with op.batch_alter_table("dispute_comments", schema=None) as batch_op:
        batch_op.drop_index("ix_dispute_comments_dispute_id")

    op.drop_table("dispute_comments")
    with op.batch_alter_table("session_disputes", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_session_disputes_one_open", postgresql_where=sa.text("status IN ('open', 'in_progress')")
        )
        batch_op.drop_index("ix_session_disputes_session_id")
        batch_op.drop_index("ix_session_disputes_queue")
        batch_op.drop_index("ix_session_disputes_assigned_to")

    op.drop_table("session_disputes")
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_index("ix_refunds_status")
        batch_op.drop_index("ix_refunds_session_id")
        batch_op.drop_index("ix_refunds_payment_id")

    op.drop_table("refunds")
    with op.batch_alter_table("precedents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_precedents_session_id"))

    op.drop_table("precedents")
    with op.batch_alter_table("note_history", schema=None) as batch_op:
        batch_op.drop_index("ix_note_history_note_id")

    op.drop_table("note_history")
    with op.batch_alter_table("ledger_postings", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_postings_transaction_id")
        batch_op.drop_index("ix_ledger_postings_account_id", postgresql_include=["amount_minor"])

    op.drop_table("ledger_postings")
    with op.batch_alter_table("strikes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_strikes_user_id"))
        batch_op.drop_index(batch_op.f("ix_strikes_session_id"))

    op.drop_table("strikes")
    with op.batch_alter_table("session_reviews", schema=None) as batch_op:
        batch_op.drop_index("ix_session_reviews_mentor_id")
        batch_op.drop_index("ix_session_reviews_created_at")

    op.drop_table("session_reviews")
    with op.batch_alter_table("session_notes", schema=None) as batch_op:
        batch_op.drop_index("ix_session_notes_session_id")

    op.drop_table("session_notes")
    with op.batch_alter_table("session_joins", schema=None) as batch_op:
        batch_op.drop_index("ix_session_joins_session_id")

    op.drop_table("session_joins")
    with op.batch_alter_table("session_audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_session_audit_log_user_id")
        batch_op.drop_index("ix_session_audit_log_session_id")
        batch_op.drop_index("ix_session_audit_log_created_at")
        batch_op.drop_index("ix_session_audit_log_action")

    op.drop_table("session_audit_log")
    with op.batch_alter_table("reschedule_requests", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_reschedule_requests_open", postgresql_where=sa.text("status IN ('pending', 'counter_proposed')")
        )
        batch_op.drop_index("ix_reschedule_requests_session_id")
        batch_op.drop_index(
            "ix_reschedule_requests_expires_at", postgresql_where=sa.text("status IN ('pending', 'counter_proposed')")
        )

    op.drop_table("reschedule_requests")
    with op.batch_alter_table("reconciliation_findings", schema=None) as batch_op:
        batch_op.drop_index("ix_reconciliation_findings_open", postgresql_where=sa.text("resolved_at IS NULL"))

    op.drop_table("reconciliation_findings")
    with op.batch_alter_table("policy_overrides", schema=None) as batch_op:
        batch_op.drop_index("ix_policy_overrides_session_id")
        batch_op.drop_index(
            "ix_policy_overrides_live", postgresql_where=sa.text("used_at IS NULL AND revoked_at IS NULL")
        )

    op.drop_table("policy_overrides")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_index("uq_payments_one_open", postgresql_where=sa.text("status = 'initiated'"))
        batch_op.drop_index("ix_payments_session_id")
        batch_op.drop_index("ix_payments_flagged", postgresql_where=sa.text("flagged_reason IS NOT NULL"))
        batch_op.drop_index("ix_payments_created_at")

    op.drop_table("payments")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_state")
        batch_op.drop_index("ix_outbox_session_id")
        batch_op.drop_index("ix_outbox_kind")
        batch_op.drop_index("ix_outbox_due", postgresql_where=sa.text("state IN ('queued', 'claimed')"))

    op.drop_table("outbox")
    with op.batch_alter_table("notifications", schema=None) as batch_op:
        batch_op.drop_index("ix_notifications_user_id")
        batch_op.drop_index("ix_notifications_unread", postgresql_where=sa.text("read_at IS NULL"))
        batch_op.drop_index("ix_notifications_session_id")

    op.drop_table("notifications")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_session_id")

    op.drop_table("messages")
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_transactions_session_id")
        batch_op.drop_index("ix_ledger_transactions_created_at")

    op.drop_table("ledger_transactions")
    with op.batch_alter_table("email_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_events_user_id"))
        batch_op.drop_index("ix_email_events_status")
        batch_op.drop_index("ix_email_events_session_id")
        batch_op.drop_index("ix_email_events_recipient")
        batch_op.drop_index("ix_email_events_created_at")

    op.drop_table("email_events")
    with op.batch_alter_table("decision_records", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_records_session_id")

    op.drop_table("decision_records")
    with op.batch_alter_table("calendar_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_calendar_entries_session_id")

    op.drop_table("calendar_entries")
    with op.batch_alter_table("admin_session_notes", schema=None) as batch_op:
        batch_op.drop_index("ix_admin_session_notes_session_id")

    op.drop_table("admin_session_notes")
    with op.batch_alter_table("admin_session_audit_trail", schema=None) as batch_op:
        batch_op.drop_index("ix_admin_session_audit_trail_subject")
        batch_op.drop_index("ix_admin_session_audit_trail_session_id")
        batch_op.drop_index("ix_admin_session_audit_trail_created_at")
        batch_op.drop_index("ix_admin_session_audit_trail_admin_id")
        batch_op.drop_index("ix_admin_session_audit_trail_action")

    op.drop_table("admin_session_audit_trail")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sessions_without_link", postgresql_where=sa.text("status = 'scheduled' AND meeting_url IS NULL")
        )
        batch_op.drop_index("ix_sessions_was_reassigned", postgresql_where=sa.text("was_reassigned"))
        batch_op.drop_index("ix_sessions_title_words", postgresql_using="gin")
        batch_op.drop_index("ix_sessions_title")
        batch_op.drop_index("ix_sessions_status_scheduled_at")
        batch_op.drop_index("ix_sessions_status_created_at")
        batch_op.drop_index("ix_sessions_scheduled_at")
        batch_op.drop_index("ix_sessions_running", postgresql_where=sa.text("status IN ('scheduled', 'in_progress')"))
        batch_op.drop_index("ix_sessions_reschedules")
        batch_op.drop_index("ix_sessions_refund_status")
        batch_op.drop_index(
            "ix_sessions_reassignment_deadline",
            postgresql_where=sa.text("reassignment_status IN ('pending_acceptance', 'awaiting_mentee_choice')"),
        )
        batch_op.drop_index("ix_sessions_rate_minor")
        batch_op.drop_index(batch_op.f("ix_sessions_policy_version_id"))
        batch_op.drop_index(
            "ix_sessions_pending_reschedule", postgresql_where=sa.text("pending_reschedule_request_id IS NOT NULL")
        )
        batch_op.drop_index("ix_sessions_offering_id")
        batch_op.drop_index("ix_sessions_mentor_id")
        batch_op.drop_index("ix_sessions_mentee_id")
        batch_op.drop_index("ix_sessions_meeting_type")
        batch_op.drop_index(
            "ix_sessions_hold_expires_at",
            postgresql_where=sa.text("hold_expires_at IS NOT NULL AND status IN ('draft', 'scheduled')"),
        )
        batch_op.drop_index("ix_sessions_duration")
        batch_op.drop_index("ix_sessions_created_at")
        batch_op.drop_index(
            "ix_sessions_attendance_suggested_at",
            postgresql_where=sa.text("attendance_suggested_at IS NOT NULL AND attendance_decided_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_sessions_approval_deadline", postgresql_where=sa.text("status = 'pending_mentor_review'")
        )

    op.drop_table("sessions")
    with op.batch_alter_table("policy_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_history_policy_version_id"))
        batch_op.drop_index("ix_policy_history_key")

    op.drop_table("policy_history")
    op.drop_table("weekly_patterns")
    op.drop_table("session_policies")
    with op.batch_alter_table("saved_views", schema=None) as batch_op:
        batch_op.drop_index("ix_saved_views_list")

    op.drop_table("saved_views")
    with op.batch_alter_table("recovery_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recovery_codes_user_id"))

    op.drop_table("recovery_codes")
    op.drop_table("reason_snippets")
    with op.batch_alter_table("policy_versions", schema=None) as batch_op:
        batch_op.drop_index("ix_policy_versions_number")

    op.drop_table("policy_versions")
    with op.batch_alter_table("payouts", schema=None) as batch_op:
        batch_op.drop_index("ix_payouts_mentor_id")
        batch_op.drop_index("ix_payouts_batch_id")

    op.drop_table("payouts")
    with op.batch_alter_table("password_resets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_resets_user_id"))

    op.drop_table("password_resets")
    op.drop_table("mentor_schedules")
    with op.batch_alter_table("mentor_profiles", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_mentor_profiles_waiting", postgresql_where=sa.text("verified_at IS NULL AND declined_at IS NULL")
        )
        batch_op.drop_index("ix_mentor_profiles_verified_at")
        batch_op.drop_index("ix_mentor_profiles_expertise", postgresql_using="gin")

    op.drop_table("mentor_profiles")
    with op.batch_alter_table("mentor_offerings", schema=None) as batch_op:
        batch_op.drop_index("ix_mentor_offerings_mentor_id")

    op.drop_table("mentor_offerings")
    with op.batch_alter_table("logins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_logins_user_id"))
        batch_op.drop_index(batch_op.f("ix_logins_expires_at"))

    op.drop_table("logins")
    with op.batch_alter_table("ledger_accounts", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_accounts_owner_id")

    op.drop_table("ledger_accounts")
    op.drop_table("kill_switches")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_idempotency_keys_created_at")

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("availability_exceptions", schema=None) as batch_op:
        batch_op.drop_index("ix_availability_exceptions_mentor_id")

    op.drop_table("availability_exceptions")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_user_id"))

    op.drop_table("api_tokens")
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index("uq_webhook_events_provider_event_key")
        batch_op.drop_index("ix_webhook_events_received_at")

    op.drop_table("webhook_events")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_suspended_at", postgresql_where=sa.text("suspended_at IS NOT NULL"))
        batch_op.drop_index("ix_users_role_created_at")
        batch_op.drop_index("ix_users_name_words", postgresql_using="gin")
        batch_op.drop_index("ix_users_name")

    op.drop_table("users")
    op.drop_table("session_daily_figures")
    op.drop_table("review_daily_figures")
    op.drop_table("heartbeats")
    op.execute("DROP TYPE uuidrange")
