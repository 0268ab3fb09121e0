"""Staff take a review out of sight, and out of the average, or put it back (RV-1)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.booking.review import refresh_rating
from app.domain.context import Context
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Permission, require, require_no_party
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import SessionReview
from app.support.staff_acts import clean_reason

HIDDEN = "ADMIN_REVIEW_HIDDEN"
SHOWN = "ADMIN_REVIEW_SHOWN"


def hide_review(review_id: UUID, *, reason: str, ctx: Context) -> SessionReview:
    """This function will hide a mentee's review; it leaves the mentor's page and average at once.

    :raises NotFound: there is no such review
    :raises Forbidden: without the permission, or for a party of the session
    :raises Conflict: it is hidden already, or is a mentor's rating, which nobody sees
    :raises Invalid: the reason is too short or too long
    """
    return _set(review_id, reason, ctx, is_hidden=True)


def show_review(review_id: UUID, *, reason: str, ctx: Context) -> SessionReview:
    """This function will put a hidden review back.

    :raises Conflict: it is not hidden; the others as ``hide_review``
    """
    return _set(review_id, reason, ctx, is_hidden=False)


def _set(review_id: UUID, reason: str, ctx: Context, *, is_hidden: bool) -> SessionReview:
    require(ctx.actor, Permission.REVIEW_HIDE)
    text = clean_reason(reason)
    with transaction():
        row = db.session.scalars(
            select(SessionReview)
            .where(SessionReview.id == review_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if row is None:
            raise NotFound
        require_no_party(ctx.actor, (row.mentor_id, row.mentee_id, row.author_id))
        if row.author_id != row.mentee_id:
            raise Conflict("A mentor's rating is private already; there is nothing to hide.", code="private_rating")
        if (row.hidden_at is not None) is is_hidden:
            state = "is hidden already" if is_hidden else "is not hidden"
            raise Conflict(f"This review {state}.", code="nothing_to_do")
        row.hidden_at, row.hidden_by = (ctx.now, ctx.actor.user_id) if is_hidden else (None, None)
        refresh_rating(row.mentor_id)
        record_staff_act(
            action=HIDDEN if is_hidden else SHOWN,
            reason=text,
            ctx=ctx,
            subject_type="review",
            subject_id=row.id,
            session_id=row.session_id,
            details={"rating": row.rating, "commentPreview": row.comment[:100]},
        )
    return row
