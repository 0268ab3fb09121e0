"""Staff send an e-mail again, with the words of the first time (EM-2)."""

from __future__ import annotations

from uuid import UUID

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.mail import send_again
from app.models import EmailEvent
from app.support.staff_acts import clean_reason

ACTION = "ADMIN_EMAIL_RESENT"


def resend_mail(event_id: UUID, *, reason: str, ctx: Context) -> EmailEvent:
    """This function will queue an e-mail once more, with its row in the staff audit trail.

    :raises NotFound: there is no such e-mail
    :raises Invalid: it is on its way already, held a link for one use, or the reason is too short or too long
    """
    require(ctx.actor, Permission.MAIL_RESEND)
    text = clean_reason(reason)
    with transaction():
        event = db.session.get(EmailEvent, event_id, populate_existing=True)
        if event is None:
            raise NotFound
        before = event.status
        send_again(event_id, ctx=ctx)
        record_staff_act(
            action=ACTION,
            reason=text,
            ctx=ctx,
            subject_type="email",
            subject_id=event_id,
            session_id=event.session_id,
            previous_status=before,
            new_status=event.status,
            details={"template": event.template, "recipient": event.recipient},
        )
    return event
