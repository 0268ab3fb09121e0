"""Staff let one session pass one policy for a limited time, and take that back (ACT-6, RS-6, POL)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select

from app.booking.access import load_for_change, load_session_for
from app.booking.announce import tell
from app.booking.engine import touch
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission
from app.domain.times import utc
from app.domain.vocabulary import NotificationType, OverrideType, SessionStatus
from app.domain.wording import format_when
from app.extensions import db
from app.foundation import audit
from app.foundation.audit import record_staff_act
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentoringSession, PolicyOverride, User
from app.support.act_plan import ActDone, ActPlan, decided
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, require_seen, require_staff_for

ACTION: Final = "ADMIN_POLICY_OVERRIDE"
REVOKED: Final = "ADMIN_POLICY_OVERRIDE_REVOKED"
WORDS: Final = {
    OverrideType.ALLOW_RESCHEDULE: "May be moved once more, past the limit and the cut-off",
    OverrideType.ALLOW_CANCELLATION: "May be cancelled with everything back",
    OverrideType.EXTEND_TIME: "Cut-offs do not count until it ends",
}


def decide_override(session: MentoringSession, ctx: Context) -> Decision:
    """Whether a policy can be overridden for this session: one that is still to come."""
    numbers = {"status": session.status, "start": session.scheduled_at, "now": ctx.now}
    message = ""
    if session.status is not SessionStatus.SCHEDULED:
        message = f"This session is {session.status.value.replace('_', ' ')}; only one to come can be let pass a rule."
    elif session.scheduled_at is None or session.scheduled_at <= ctx.now:
        message = "The session has begun, so there is no rule left to pass."
    can = "A rule can be overridden for this session."
    return decided("override_policy", message, code="not_scheduled", can=can, numbers=numbers)


def overrides_of(session_id: UUID) -> Sequence[PolicyOverride]:
    """Every grant for a session, newest first."""
    return db.session.scalars(
        select(PolicyOverride)
        .where(PolicyOverride.session_id == session_id)
        .order_by(PolicyOverride.created_at.desc(), PolicyOverride.id)
    ).all()


def read_override(override_id: UUID, *, ctx: Context) -> PolicyOverride:
    """One grant, for whoever may revoke it.

    :raises NotFound: there is none
    :raises Forbidden: the role may not, or it is one's own case
    """
    found = db.session.get(PolicyOverride, override_id, populate_existing=True)
    if found is None:
        raise NotFound
    require_staff_for(load_session_for(ctx, found.session_id), Permission.OVERRIDE_REVOKE, ctx)
    return found


def preview_override(
    session_id: UUID,
    *,
    override_type: OverrideType,
    expires_at: datetime | None = None,
    notify_parties: bool = True,
    ctx: Context,
) -> ActPlan:
    """What the override would allow; nothing is changed.

    :param expires_at: aware; None is the session's start
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: the end lies in the past or behind the start
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.OVERRIDE_GRANT, ctx)
    return _plan(session, override_type, expires_at, notify_parties, ctx)


def grant_override(
    session_id: UUID,
    *,
    override_type: OverrideType,
    reason: str,
    expires_at: datetime | None = None,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
) -> ActDone:
    """This function will grant one override that the engine then honors (ACT-6).

    :param expires_at: aware; None is the session's start, and no later end counts
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: the session is not to come, or has the same override already
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or end cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.OVERRIDE_GRANT, ctx)
        plan = _plan(session, override_type, expires_at, notify_parties, ctx)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        override = PolicyOverride(
            id=uuid4(),
            session_id=session.id,
            override_type=override_type,
            reason=text,
            granted_by=ctx.actor.user_id,
            created_at=ctx.now,
            expires_at=_end(session, expires_at, ctx),
        )
        db.session.add(override)
        touch(session, ctx=ctx)
        audit.record(
            session,
            action="policy_override_granted",
            ctx=ctx,
            reason_details=text,
            details={"overrideType": override_type, "expiresAt": override.expires_at},
        )
        if notify_parties:
            _tell(session, override, ctx)
        audit_id = record_staff_act(
            action=ACTION,
            reason=text,
            ctx=ctx,
            subject_type="override",
            subject_id=override.id,
            session_id=session.id,
            previous_status=session.status,
            new_status=session.status,
            details={
                "overrideType": override_type,
                "previousRescheduleCount": session.reschedules_total,
                "maxReschedules": policies_for(session).values.max_reschedules_per_session,
                "expiresAt": override.expires_at,
                "notifyParties": notify_parties,
            },
        )
    return ActDone(session_id=session.id, sentence=f"{WORDS[override_type]}.", audit_id=audit_id)


def revoke_override(override_id: UUID, *, reason: str, ctx: Context) -> ActDone:
    """This function will take an override back before it is used or ends.

    :raises NotFound: there is no such override
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: it is used, revoked or over already
    :raises Invalid: the reason cannot be used
    """
    with transaction():
        found = db.session.get(PolicyOverride, override_id)
        if found is None:
            raise NotFound
        session = load_for_change(ctx, found.session_id)
        require_staff_for(session, Permission.OVERRIDE_REVOKE, ctx)
        db.session.refresh(found, with_for_update=True)
        if not is_live(found, ctx.now):
            raise Conflict("This override does not count any more.", code="override_over")
        text = clean_reason(reason)
        found.revoked_at, found.revoked_by = ctx.now, ctx.actor.user_id
        touch(session, ctx=ctx)
        audit.record(
            session,
            action="policy_override_revoked",
            ctx=ctx,
            reason_details=text,
            details={"overrideType": found.override_type},
        )
        audit_id = record_staff_act(
            action=REVOKED,
            reason=text,
            ctx=ctx,
            subject_type="override",
            subject_id=found.id,
            session_id=session.id,
            details={"overrideType": found.override_type, "expiresAt": found.expires_at},
        )
    return ActDone(session_id=session.id, sentence="The override does not count any more.", audit_id=audit_id)


def is_live(override: PolicyOverride, now: datetime) -> bool:
    """Whether it still counts."""
    return override.used_at is None and override.revoked_at is None and now < override.expires_at


def _end(session: MentoringSession, expires_at: datetime | None, ctx: Context) -> datetime:
    start = session.scheduled_at
    assert start is not None  # decided before
    if expires_at is None:
        return start
    ends = utc(expires_at)
    if not ctx.now < ends <= start:
        message = "Choose a moment between now and the session's start."
        raise Invalid(message, fields={"expiresAt": message})
    return ends


def _plan(
    session: MentoringSession,
    override_type: OverrideType,
    expires_at: datetime | None,
    notify_parties: bool,  # noqa: FBT001 - one of several plain facts
    ctx: Context,
) -> ActPlan:
    decision = decide_override(session, ctx)
    until = ""
    if decision.allowed:
        until = f" Until {format_when(_end(session, expires_at, ctx), _zone_of(ctx), ctx.now)}."
        decision = _decide_kind(session, override_type, decision, ctx)
    message = "Notification" if notify_parties else "Is not told"
    return ActPlan(
        decision=decision,
        sentence=f"{WORDS[override_type]}.{until} It can be revoked.",
        button="Grant the override",
        rows=[
            PlanRow(who=person.name, change=WORDS[override_type], message=message)
            for person in (session.mentee, session.mentor)
        ],
        fingerprint=fingerprint_of(
            {"act": ACTION, "session": session.id, "version": session.version, "status": session.status}
        ),
    )


def _zone_of(ctx: Context) -> str:
    """The zone in which whoever acts reads times."""
    agent = db.session.get(User, ctx.actor.user_id) if ctx.actor.user_id else None
    return agent.timezone if agent else "UTC"


def _decide_kind(session: MentoringSession, override_type: OverrideType, decision: Decision, ctx: Context) -> Decision:
    """The same decision, or that there is such an override already."""
    if not any(each.override_type is override_type and is_live(each, ctx.now) for each in overrides_of(session.id)):
        return decision
    return Decision(
        allowed=False,
        rule="override_policy",
        message="This session has that override already. Revoke it first.",
        numbers={"override_type": override_type},
        refusal=Refusal.CONFLICT,
        code="override_exists",
    )


def _tell(session: MentoringSession, override: PolicyOverride, ctx: Context) -> None:
    readers: tuple[User, User] = (session.mentee, session.mentor)
    for reader in readers:
        until = format_when(override.expires_at, reader.timezone, ctx.now)
        body = (
            f"Support made an exception for “{session.title}”: {WORDS[override.override_type].lower()}, until {until}."
        )
        tell(
            reader, NotificationType.POLICY_OVERRIDE_GRANTED, "An exception was made for you", body,
            session=session, ctx=ctx,
        )  # fmt: skip
