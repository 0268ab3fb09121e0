"""No-show suggestions: what the join log misses at a session's end, for a person to decide (NS-3).

The clock never says that somebody was absent. It flags the session, which is then completed by a person, by a report,
or by itself once nobody has looked for some days.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists

from app.booking import why
from app.booking.engine import touch
from app.booking.session_facts import attendance_facts
from app.domain.attendance import decide_suggestion, suggested_absentees
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.vocabulary import MeetingType, SessionStatus
from app.foundation import audit
from app.models import MentoringSession, SessionJoin

SUGGESTED = "no_show_suggested"
_RUNNING = (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS)


def lacks_a_join() -> tuple[ColumnElement[bool], ...]:
    """Video sessions that are not flagged yet and that one side, or neither, has joined."""
    session = MentoringSession

    def joined(person: object) -> ColumnElement[bool]:
        return exists().where(SessionJoin.session_id == session.id, SessionJoin.user_id == person)

    return (
        session.status.in_(_RUNNING),
        session.meeting_type == MeetingType.VIDEO,
        session.attendance_suggested_at.is_(None),
        session.attendance_decided_at.is_(None),
        ~(joined(session.mentor_id) & joined(session.mentee_id)),
    )


def suggest_no_show(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will flag a locked session that is over and lacks a join, and say so; None when it does not."""
    if session.status not in _RUNNING or session.scheduled_at is None or session.attendance_suggested_at is not None:
        return None
    decision = decide_suggestion(attendance_facts(session), ctx.now)
    if decision is None:
        return None
    session.attendance_suggested_at = ctx.now
    touch(session, ctx=ctx)
    audit.record(session, action=SUGGESTED, ctx=ctx, details={"missing": decision.consequences["missing"]})
    why.remember(decision, session=session, kind="attendance", ctx=ctx)
    return SUGGESTED


def reconsider_suggestion(session: MentoringSession, *, ctx: Context) -> bool:
    """This function will take a suggestion back once the join log shows both sides after all, and say whether it did.

    Providers tell late.
    """
    if session.scheduled_at is None or session.attendance_suggested_at is None:
        return False
    facts = attendance_facts(session)
    if not facts.has_suggestion or suggested_absentees(facts, ctx.now):
        return False
    session.attendance_suggested_at = None
    touch(session, ctx=ctx)
    audit.record(session, action="no_show_suggestion_withdrawn", ctx=ctx)
    decision = Decision(
        allowed=True,
        rule="both_joined",
        message="The join log shows both sides after all.",
        numbers={"joined": sorted(facts.joined)},
    )
    why.remember(decision, session=session, kind="attendance", ctx=ctx)
    return True
