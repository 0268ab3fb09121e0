"""The notification centre's rows, written in the transaction of what they tell of (NT-1)."""

from __future__ import annotations

from uuid import UUID, uuid4

from app.domain.context import Context
from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.foundation.live import something_changed
from app.models import Notification


def notify(
    user_id: UUID,
    type: NotificationType | str,  # noqa: A002 - the column's name, and every caller's
    *,
    title: str,
    body: str,
    ctx: Context,
    action_url: str | None = None,
    session_id: UUID | None = None,
) -> UUID:
    """This function will put one entry into a person's notification centre, and give its id (NT-1).

    :param action_url: a path inside the product, such as ``/sessions/…``; never an absolute address
    :raises ValueError: when ``type`` is none of the product's, or ``action_url`` leads elsewhere
    """
    if action_url is not None and (not action_url.startswith("/") or action_url.startswith("//")):
        message = f"{action_url!r} is not a path inside the product"
        raise ValueError(message)
    row = Notification(
        id=uuid4(),
        user_id=user_id,
        type=NotificationType(type),
        title=title,
        body=body,
        action_url=action_url,
        session_id=session_id,
        created_at=ctx.now,
    )
    db.session.add(row)
    something_changed()
    return row.id
