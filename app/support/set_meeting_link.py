"""Support gives a session its meeting link where neither provider nor mentor did (ACT-9, JN-4)."""

from __future__ import annotations

from uuid import UUID

from app.booking.access import load_for_change, load_session_for
from app.booking.announce import tell
from app.booking.meetings import checked_link, decide_link_by_hand, put_link
from app.domain.context import Context
from app.domain.permissions import Permission
from app.domain.vocabulary import NotificationType
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.support.act_plan import ActDone, ActPlan
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_MEETING_LINK_SET"


def preview_meeting_link(session_id: UUID, *, notify_parties: bool = True, ctx: Context) -> ActPlan:
    """What another link would change; nothing is changed.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_SET_MEETING_LINK, ctx)
    return _plan(session, notify_parties=notify_parties)


def set_link(
    session_id: UUID, *, url: str, reason: str, notify_parties: bool = True, fingerprint: str | None, ctx: Context
) -> ActDone:
    """This function will replace a session's meeting link; the room that was there is given up.

    The link itself stands in no message and no audit row: the parties get it on the session's page (JN-2).

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: the session is not confirmed, or needs no room
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or address cannot be used
    """
    link = checked_link(url, field="meetingUrl")
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_SET_MEETING_LINK, ctx)
        plan = _plan(session, notify_parties=notify_parties)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        had_link = session.meeting_url is not None
        put_link(session, link, ctx=ctx)
        audit.record(session, action="meeting_link_set", ctx=ctx, reason_details=text)
        if notify_parties:
            _tell(session, ctx)
        audit_id = record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            details={"hadLink": had_link, "notifyParties": notify_parties},
        )
    return ActDone(session_id=session.id, sentence="The session has its new link.", audit_id=audit_id)


def _plan(session: MentoringSession, *, notify_parties: bool) -> ActPlan:
    message = "Notification" if notify_parties else "Is not told"
    change = "The old link stops working, the new one is on the session's page"
    if session.meeting_url is None:
        change = "The link is on the session's page"
    return ActPlan(
        decision=decide_link_by_hand(session),
        sentence="Both parties find the new link on the session's page once it opens.",
        button="Set the link",
        rows=[PlanRow(who=person.name, change=change, message=message) for person in (session.mentee, session.mentor)],
        fingerprint=fingerprint_of(
            {"act": ACTION, "session": session.id, "version": session.version, "status": session.status}
        ),
    )


def _tell(session: MentoringSession, ctx: Context) -> None:
    for reader in (session.mentee, session.mentor):
        tell(
            reader, NotificationType.MEETING_LINK_MISSING, "Your session has a new link",
            f"Support set the meeting link of “{session.title}”. You find it on the session's page.",
            session=session, ctx=ctx,
        )  # fmt: skip
