"""What was sent for one session: e-mails and notifications, newest first (SD-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.permissions import Permission, require
from app.extensions import db
from app.models import EmailEvent, MentoringSession, Notification, User

# Of either; a case with more is read in the tables.
MOST: Final = 300


@dataclass(frozen=True, slots=True)
class CaseMessages:
    """A session's messages, of each kind at most ``most``."""

    session: MentoringSession
    letters: Sequence[Any]
    notices: Sequence[Any]
    most: int = MOST


def read_case_messages(session_id: UUID, *, ctx: Context) -> CaseMessages:
    """This function will gather what was sent for a session, in two statements behind the session's own.

    :raises NotFound: there is no such session
    :raises Forbidden: the reader's role may not look
    """
    require(ctx.actor, Permission.SESSION_VIEW)
    session = load_session_for(ctx, session_id)
    letters = db.session.execute(
        select(
            EmailEvent.id, EmailEvent.template, EmailEvent.recipient, EmailEvent.subject, EmailEvent.status,
            EmailEvent.error, EmailEvent.created_at, EmailEvent.sent_at, User.name,
        )
        .outerjoin(User, User.id == EmailEvent.user_id)
        .where(EmailEvent.session_id == session_id)
        .order_by(EmailEvent.created_at.desc(), EmailEvent.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    notices = db.session.execute(
        select(
            Notification.id, Notification.type, Notification.title, Notification.body, Notification.read_at,
            Notification.created_at, User.name,
        )
        .join(User, User.id == Notification.user_id)
        .where(Notification.session_id == session_id)
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    return CaseMessages(session, letters, notices)
