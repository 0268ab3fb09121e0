"""Rating a completed session: the mentee's review, which others read, and the mentor's, which is private (RV-1)."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Select, func, select, update

from app.booking import announce
from app.booking.access import load_for_change
from app.booking.cancel import party_of
from app.domain.context import Context
from app.domain.permissions import Permission, require
from app.domain.reviewing import decide_review_texts, decide_review_window
from app.domain.vocabulary import Party
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentorProfile, SessionReview

_log = structlog.get_logger(__name__)

_BATCH: Final = 500
# Whose stars make the average: visible ones by mentees.
_COUNTS: Final = (SessionReview.author_id == SessionReview.mentee_id, SessionReview.hidden_at.is_(None))
_PERMISSION = {Party.MENTEE: Permission.OWN_REVIEW_WRITE, Party.MENTOR: Permission.OWN_RATING_GIVE}


def review_session(session_id: UUID, *, rating: int, comment: str, ctx: Context) -> SessionReview:
    """This function will store the signed-in party's review, or change it while the window is open (RV-1).

    :param rating: stars, 1 to 5
    :raises NotFound: for those who may not know of the session
    :raises Conflict: it is not completed
    :raises Refused: the window has closed
    :raises Invalid: naming the field
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        party = party_of(session, ctx)
        require(ctx.actor, _PERMISSION[party])
        decide_review_window(
            status=session.status, ended_at=session.ended_at, policies=policies_for(session).values, now=ctx.now
        ).require()
        decide_review_texts(rating, comment).require()
        review = _stored(session_id, ctx.actor.user_id)
        is_new = review is None
        if review is None:
            review = SessionReview(
                id=uuid4(),
                session_id=session.id,
                mentor_id=session.mentor_id,
                mentee_id=session.mentee_id,
                author_id=ctx.actor.user_id,
                created_at=ctx.now,
            )
            db.session.add(review)
        review.rating, review.comment, review.updated_at = rating, comment.strip(), ctx.now
        audit.record(
            session,
            action="review_written" if is_new else "review_changed",
            ctx=ctx,
            details={"by": party.value} | ({"rating": rating} if party is Party.MENTEE else {}),
        )
        if party is Party.MENTEE:
            refresh_rating(session.mentor_id)
            if is_new:
                announce.reviewed(session, rating=rating, ctx=ctx)
    return review


def refresh_rating(mentor_id: UUID) -> None:
    """This function will compute a mentor's average anew: visible reviews by mentees only; hidden ones leave it."""
    db.session.flush()
    average, count = db.session.execute(
        select(func.avg(SessionReview.rating), func.count()).where(SessionReview.mentor_id == mentor_id, *_COUNTS)
    ).one()
    db.session.execute(
        update(MentorProfile)
        .where(MentorProfile.user_id == mentor_id)
        .values(rating_average=float(average) if average is not None else None, rating_count=count)
    )


def refresh_ratings(*, ctx: Context) -> int:
    """This function will mend each kept average that is not what the reviews say, and give how many that were (OPS-4).

    Averages are kept with each review, so that there is nothing to mend unless something else went wrong. Mentors are
    looked at batch by batch, a transaction each; only one that has drifted is locked.
    """
    mended, after = 0, None
    while True:
        with transaction():
            batch, drifted = _drifted(after)
            for mentor_id, kept in drifted.items():
                # A review that is being written now waits, and then counts itself.
                db.session.execute(_profile(mentor_id).with_for_update())
                refresh_rating(mentor_id)
                _log.warning("rating_drifted", mentor_id=str(mentor_id), kept=kept, request_id=ctx.request_id)
        mended += len(drifted)
        if len(batch) < _BATCH:
            return mended
        after = batch[-1]


def _drifted(after: UUID | None) -> tuple[list[UUID], dict[UUID, tuple[float | None, int]]]:
    """The next mentors by id, and what is kept of those of them where it is wrong."""
    wanted = select(MentorProfile.user_id, MentorProfile.rating_average, MentorProfile.rating_count)
    if after is not None:
        wanted = wanted.where(MentorProfile.user_id > after)
    rows = db.session.execute(wanted.order_by(MentorProfile.user_id).limit(_BATCH)).all()
    kept = {mentor_id: (average, count) for mentor_id, average, count in rows}
    written = db.session.execute(
        select(SessionReview.mentor_id, func.avg(SessionReview.rating), func.count())
        .where(SessionReview.mentor_id.in_(kept), *_COUNTS)
        .group_by(SessionReview.mentor_id)
    )
    real = {mentor_id: (float(average), count) for mentor_id, average, count in written}
    return list(kept), {each: told for each, told in kept.items() if told != real.get(each, (None, 0))}


def _profile(mentor_id: UUID) -> Select[UUID]:
    return select(MentorProfile.user_id).where(MentorProfile.user_id == mentor_id)


def _stored(session_id: UUID, author_id: UUID | None) -> SessionReview | None:
    return db.session.scalars(
        select(SessionReview)
        .where(SessionReview.session_id == session_id, SessionReview.author_id == author_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
