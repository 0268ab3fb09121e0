"""Users, mentors with their applications, and what mentors offer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.suspension import acts_of
from app.domain.permissions import Permission, may
from app.domain.vocabulary import STAFF_ROLES, Role
from app.http.context import current_actor
from app.models import ApiToken, MentorOffering, MentorProfile, MentorSchedule, Strike, User, WeeklyPattern
from app.models import AvailabilityException as Exceptional
from app.support.person_search import person_matches


class UsersView(ConsoleView):
    permission = Permission.USER_VIEW
    section, icon = "People", "people"
    details_template = "admin/tables/user.html"
    acts_of = staticmethod(acts_of)
    tabs = {
        "all": ("All", None),
        "mentees": ("Mentees", lambda: User.role == Role.MENTEE),
        "mentors": ("Mentors", lambda: User.role == Role.MENTOR),
        "staff": ("Staff", lambda: User.role.in_(STAFF_ROLES)),
        "suspended": ("Suspended", lambda: User.suspended_at.is_not(None)),
    }
    column_list = ("name", "email", "role", "timezone", "is_active", "suspended_at", "last_login_at", "created_at")
    column_formatters = {
        "name": lambda view, context, row, name: Markup('<a class="clip" href="{}">{}</a>').format(
            _history_url(row.id), row.name
        )
    }
    column_formatters_detail = {"name": lambda view, context, row, name: row.name}
    column_details_list = (
        "id", "name", "email", "role", "timezone", "is_active", "suspended_at", "suspension_reason", "warnings_count",
        "last_login_at", "created_at",
    )  # fmt: skip
    column_labels = {"email": "E-mail", "timezone": "Time zone", "is_active": "Active", "last_login_at": "Last sign-in"}
    column_sortable_list = ("name", "email", "created_at")
    column_filters = ("role", "is_active", "suspended_at", "created_at")
    search_exact = ("email",)
    search_ids = ("id",)
    search_hint = "Name, e-mail or id"

    def _found_by(self, text: str) -> ColumnElement[bool]:
        return super()._found_by(text) | person_matches(text)

    def title_of(self, row: User) -> str:
        return row.name

    def details_buttons(self, row: User) -> Markup:
        past = Markup('<a class="btn btn-secondary" href="{}">History</a>').format(_history_url(row.id))
        if row.role not in {Role.MENTOR, Role.MENTEE}:
            return past
        return past + Markup(' <a class="btn btn-secondary" href="{}?{}={}">Sessions</a>').format(
            url_for("console_sessions.index"), row.role.value, row.id
        )


def _history_url(user_id: UUID) -> str:
    return url_for("console_people.history", user_id=user_id)


def _user(view: Any, context: Any, row: MentorProfile, name: str) -> Markup:
    return cells.macro("data", "person")(row.user.name, str(row.user_id), None, None, row.user.email)


class MentorsView(ConsoleView):
    permission = Permission.MENTOR_VIEW
    section, icon = "People", "person-badge"
    tabs = {
        "waiting": ("Applications", lambda: MentorProfile.verified_at.is_(None) & MentorProfile.declined_at.is_(None)),
        "verified": ("Verified", lambda: MentorProfile.verified_at.is_not(None)),
        "declined": ("Declined", lambda: MentorProfile.declined_at.is_not(None)),
        "all": ("All", None),
    }
    column_list = (
        "user_id", "headline", "expertise", "applied_at", "verified_at", "is_accepting", "rating_average",
        "rating_count",
    )  # fmt: skip
    column_details_list = (
        "user_id", "headline", "bio", "expertise", "requested_rate_minor", "applied_at", "verified_at", "verified_by",
        "declined_at", "declined_by", "decline_reason", "is_accepting", "rating_average", "rating_count",
    )  # fmt: skip
    column_labels = {
        "user_id": "Mentor", "is_accepting": "Accepting", "rating_average": "Rating", "rating_count": "Reviews",
        "requested_rate_minor": "Wished rate",
    }  # fmt: skip
    column_formatters = {
        "user_id": _user,
        "headline": cells.text,
        "requested_rate_minor": cells.money("requested_currency"),
    }
    column_classes = {"rating_average": "num", "rating_count": "num"}
    column_default_sort = [("applied_at", True)]
    column_sortable_list = ("applied_at", "verified_at")
    column_filters = ("is_accepting", "applied_at", "verified_at")
    people = ("verified_by", "declined_by")
    empty_title, empty_text = "Nobody waits here", "New applications appear as mentors apply."

    def init_search(self) -> bool:
        return True

    def search_placeholder(self) -> str:
        return "Name or e-mail"

    def _found_by(self, text: str) -> ColumnElement[bool]:
        return MentorProfile.user_id.in_(User.__table__.select().with_only_columns(User.id).where(person_matches(text)))

    def row_options(self) -> tuple[Any, ...]:
        return (joinedload(MentorProfile.user),)

    def title_of(self, row: MentorProfile) -> str:
        return row.user.name

    def details_buttons(self, row: MentorProfile) -> Markup:
        if row.verified_at or row.declined_at or not may(current_actor().role, Permission.MENTOR_VERIFY):
            return Markup()
        return Markup(
            '<a class="btn btn-secondary" href="{}" data-dialog>Decline</a> '
            '<a class="btn btn-primary" href="{}" data-dialog>Verify</a>'
        ).format(
            url_for("console_applications.decline", user_id=row.user_id),
            url_for("console_applications.verify", user_id=row.user_id),
        )


class OfferingsView(ConsoleView):
    permission = Permission.MENTOR_VIEW
    section, icon = "People", "bag"
    column_list = (
        "title", "mentor_id", "duration", "rate_minor", "booking_mode", "meeting_types", "is_active", "created_at",
    )  # fmt: skip
    column_details_list = (
        "id", "mentor_id", "title", "description", "duration", "rate_minor", "currency", "booking_mode",
        "meeting_types",
        "location", "is_active", "created_at", "updated_at",
    )  # fmt: skip
    column_labels = {"mentor_id": "Mentor", "rate_minor": "Rate", "duration": "Minutes", "is_active": "Active"}
    column_formatters = {"rate_minor": cells.money()}
    column_classes = {"rate_minor": "num", "duration": "num"}
    column_sortable_list = ()
    column_filters = ("booking_mode", "is_active", "mentor_id")
    people = ("mentor_id",)
    search_ids = ("id",)


class SchedulesView(ConsoleView):
    permission = Permission.MENTOR_VIEW
    icon = "calendar-week"
    column_list = (
        "mentor_id", "timezone", "is_active", "buffer_minutes", "min_notice_hours", "max_advance_days",
        "slot_interval_minutes", "updated_at",
    )  # fmt: skip
    column_labels = {
        "mentor_id": "Mentor", "timezone": "Time zone", "is_active": "Active", "buffer_minutes": "Buffer, min",
        "min_notice_hours": "Notice, h", "max_advance_days": "Ahead, days", "slot_interval_minutes": "Every, min",
    }  # fmt: skip
    column_default_sort = [("updated_at", True)]
    column_sortable_list = ()
    column_filters = ("is_active", "timezone")
    people = ("mentor_id",)


class WeeklyPatternsView(ConsoleView):
    permission = Permission.MENTOR_VIEW
    column_list = ("mentor_id", "weekday", "is_enabled", "blocks")
    column_labels = {"mentor_id": "Mentor", "is_enabled": "Enabled"}
    column_default_sort: Any = []
    column_sortable_list = ()
    column_filters = ("mentor_id", "weekday")
    people = ("mentor_id",)


class ExceptionsView(ConsoleView):
    permission = Permission.MENTOR_VIEW
    column_list = ("mentor_id", "type", "starts_at", "ends_at", "reason", "created_at")
    column_labels = {"mentor_id": "Mentor"}
    column_sortable_list = ()
    column_filters = ("mentor_id", "type", "starts_at")
    people = ("mentor_id",)
    empty_title, empty_text = "No exceptions yet", "Days off and extra hours of mentors are listed here."


class StrikesView(ConsoleView):
    permission = Permission.STRIKE_VIEW
    icon = "exclamation-diamond"
    column_list = ("user_id", "kind", "session_id", "created_at", "expires_at", "appealed_at", "lifted_at")
    column_labels = {"user_id": "Person", "session_id": "Session"}
    column_sortable_list = ()
    column_filters = ("kind", "created_at")
    people, sessions = ("user_id", "lifted_by"), ("session_id",)
    empty_title, empty_text = "No strikes", "Marks for late cancellations and no-shows are listed here."


class TokensView(ConsoleView):
    """Which tokens exist and when they were used; never the token or its hash."""

    permission = Permission.USER_SUSPEND
    icon = "key"
    column_list = ("name", "user_id", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    column_details_list = ("id", *column_list)
    column_labels = {"user_id": "Owner"}
    column_sortable_list = ()
    column_filters = ("user_id",)
    empty_title, empty_text = "No tokens yet", "People make them on their account page, for programs of theirs."
    people = ("user_id",)


VIEWS = (
    (UsersView, User, "Users"),
    (MentorsView, MentorProfile, "Mentors"),
    (OfferingsView, MentorOffering, "Offerings"),
    (SchedulesView, MentorSchedule, "Schedules"),
    (WeeklyPatternsView, WeeklyPattern, "Weekly patterns"),
    (ExceptionsView, Exceptional, "Exceptions"),
    (StrikesView, Strike, "Strikes"),
    (TokensView, ApiToken, "API tokens"),
)
