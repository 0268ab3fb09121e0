"""A person's notification centre, as that person reads it (NT-1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from app.domain.context import Context
from app.extensions import db, doorbell
from app.foundation.prepared import Prepared
from app.foundation.transaction import after_commit, transaction
from app.models import Notification

_COUNT = select(func.count()).select_from(Notification).where(Notification.user_id == bindparam("user_id"))
_ALL = Prepared(_COUNT)
_UNREAD = Prepared(_COUNT.where(Notification.read_at.is_(None)))


def notifications_of(
    user_id: UUID, *, limit: int, offset: int = 0, unread_only: bool = False
) -> Sequence[Notification]:
    """A page of a person's notifications, newest first."""
    question = select(Notification).where(Notification.user_id == user_id)
    if unread_only:
        question = question.where(Notification.read_at.is_(None))
    return db.session.scalars(question.order_by(Notification.number.desc()).limit(limit).offset(offset)).all()


def count_notifications(user_id: UUID, *, unread_only: bool = False) -> int:
    """How many there are."""
    return (_UNREAD if unread_only else _ALL).run(user_id=user_id).scalar() or 0


def mark_read(user_id: UUID, ids: Collection[UUID] | None, *, ctx: Context) -> int:
    """This function will mark a person's own notifications as read, and give how many that changed.

    :param ids: which; None marks all. Ids of other people's are passed over, as if they did not exist.
    """
    change = update(Notification).where(Notification.user_id == user_id, Notification.read_at.is_(None))
    if ids is not None:
        change = change.where(Notification.id.in_(list(ids)))
    with transaction():
        changed = db.session.execute(change.values(read_at=ctx.now).returning(Notification.id))
        # The person's other pages show the same count.
        after_commit(lambda: doorbell.call(str(user_id)))
        return len(changed.all())
