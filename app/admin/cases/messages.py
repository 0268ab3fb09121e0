"""The e-mails and notifications of one case: who was told what and when, with each letter's text (SD-1, EM-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.domain.permissions import Permission, may
from app.domain.vocabulary import EmailState, NotificationType
from app.http.context import current_context
from app.messaging.kinds import KINDS
from app.messaging.letters import LETTERS
from app.support.case_messages import read_case_messages


class MessageActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @expose("/<uuid:session_id>/messages")
    def messages(self, session_id: UUID) -> ResponseReturnValue:
        """A page of its own, which the case page brings in when it is asked for."""
        ctx = current_context()
        found = read_case_messages(session_id, ctx=ctx)
        may_read, may_resend = (may(ctx.actor.role, each) for each in (Permission.MAIL_VIEW, Permission.MAIL_RESEND))
        return self.render(
            "admin/cases/messages.html",
            session=found.session,
            letters=[
                {
                    "row": row,
                    "url": url_for("console_mailbox.letter", event_id=row.id) if may_read else None,
                    "resend_url": _resend_url(row.id)
                    if may_resend and row.status is not EmailState.QUEUED and not LETTERS[row.template].secret
                    else None,
                }
                for row in found.letters
            ],
            notices=[(row, KINDS[NotificationType(row.type)].icon) for row in found.notices],
            most=found.most,
            back_url=url_for("console_sessions.case", session_id=session_id),
        )


def _resend_url(event_id: UUID) -> str:
    """The dialog that leads back to the case."""
    return f"{url_for('console_mailbox.resend', event_id=event_id)}?from=case"
