"""The one line under a mentor's name."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import MentorProfile


def headlines_of(mentor_ids: Collection[UUID]) -> dict[UUID, str]:
    """The headlines of those who have one, by person."""
    rows = db.session.execute(
        select(MentorProfile.user_id, MentorProfile.headline).where(MentorProfile.user_id.in_(list(mentor_ids)))
    )
    return {row.user_id: row.headline for row in rows}
