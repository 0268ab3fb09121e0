"""Every endpoint: each is declared when its module is imported."""

from app.api import (
    admin_analytics,
    admin_sessions,
    attendance,
    bookings,
    decisions,
    docs,
    joining,
    live,
    mentor_desk,
    mentors,
    messages,
    notes,
    notifications,
    offerings,
    policies,
    requests,
    tokens,
)
from app.api.schema import api

__all__ = [
    "admin_analytics",
    "admin_sessions",
    "api",
    "attendance",
    "bookings",
    "decisions",
    "docs",
    "joining",
    "live",
    "mentor_desk",
    "mentors",
    "messages",
    "notes",
    "notifications",
    "offerings",
    "policies",
    "requests",
    "tokens",
]
