"""Who may ask for what: permission by role (ADM-2), and the rule that nobody decides a case of their own.

A permission answers 403; whether the session's state and the policies allow it is another question, answered by the
``decide_…`` functions with 409 or 422.

Naming rule: ``scope.verb``, the scope being the thing, the verb being what is done to it; grouped by scope and kept in
alphabetical order, so that a missing one is seen. Scopes that begin with ``own_`` are what the parties do with what is
theirs; all others are staff's.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.domain.context import Actor
from app.domain.errors import Forbidden, SignInRequired
from app.domain.vocabulary import ActorKind, Role

# One sentence wherever it is said: where it is refused, and where it is announced.
OWN_CASE: Final = "You are a party in this case, so a colleague has to decide it."


class Permission(StrEnum):
    """Everything that can be asked for. The value travels in API token scopes and the role matrix."""

    ANALYTICS_VIEW = "analytics.view"

    AUDIT_EXPORT = "audit.export"
    AUDIT_VERIFY = "audit.verify"
    AUDIT_VIEW = "audit.view"

    CHAT_READ = "chat.read"

    CONSOLE_ENTER = "console.enter"

    DISPUTE_ASSIGN = "dispute.assign"
    DISPUTE_COMMENT = "dispute.comment"
    DISPUTE_EDIT_SLA = "dispute.edit_sla"
    DISPUTE_RESOLVE = "dispute.resolve"
    DISPUTE_VIEW = "dispute.view"

    EVIDENCE_EXPORT = "evidence.export"
    EVIDENCE_VIEW = "evidence.view"

    HEALTH_VIEW = "health.view"

    JOB_RETRY = "job.retry"
    JOB_VIEW = "job.view"

    KILL_SWITCH_FLIP = "kill_switch.flip"
    KILL_SWITCH_VIEW = "kill_switch.view"

    LEDGER_VIEW = "ledger.view"

    MAIL_RESEND = "mail.resend"
    MAIL_VIEW = "mail.view"

    MENTOR_VERIFY = "mentor.verify"
    MENTOR_VIEW = "mentor.view"

    NOTE_ADD = "note.add"
    NOTE_VIEW = "note.view"

    NOTIFICATION_VIEW = "notification.view"

    OVERRIDE_GRANT = "override.grant"
    OVERRIDE_REVOKE = "override.revoke"
    OVERRIDE_VIEW = "override.view"

    OVERVIEW_VIEW = "overview.view"

    OWN_BOOKING_CREATE = "own_booking.create"
    OWN_BOOKING_PAY = "own_booking.pay"
    OWN_CHAT_WRITE = "own_chat.write"
    OWN_DISPUTE_OPEN = "own_dispute.open"
    OWN_NOTE_WRITE = "own_note.write"
    OWN_NOTIFICATION_READ = "own_notification.read"
    OWN_OFFERING_EDIT = "own_offering.edit"
    OWN_PROFILE_EDIT = "own_profile.edit"
    OWN_RATING_GIVE = "own_rating.give"
    OWN_REASSIGNMENT_ANSWER = "own_reassignment.answer"
    OWN_REASSIGNMENT_DECLINE = "own_reassignment.decline"
    OWN_REQUEST_REVIEW = "own_request.review"
    OWN_RESCHEDULE_NEGOTIATE = "own_reschedule.negotiate"
    OWN_REVIEW_WRITE = "own_review.write"
    OWN_SCHEDULE_EDIT = "own_schedule.edit"
    OWN_SESSION_CANCEL = "own_session.cancel"
    OWN_SESSION_COMPLETE = "own_session.complete"
    OWN_SESSION_EDIT = "own_session.edit"
    OWN_SESSION_JOIN = "own_session.join"
    OWN_SESSION_REPORT_NO_SHOW = "own_session.report_no_show"
    OWN_SESSION_SET_MEETING_LINK = "own_session.set_meeting_link"
    OWN_SESSION_VIEW = "own_session.view"
    OWN_TOKEN_MANAGE = "own_token.manage"  # noqa: S105 - the name of a permission
    OWN_WALLET_VIEW = "own_wallet.view"

    PAYMENT_VIEW = "payment.view"

    PAYOUT_RECORD = "payout.record"
    PAYOUT_VIEW = "payout.view"

    POLICY_EDIT = "policy.edit"
    POLICY_PREVIEW = "policy.preview"
    POLICY_VIEW = "policy.view"

    PRECEDENT_MARK = "precedent.mark"

    RECONCILIATION_RUN = "reconciliation.run"
    RECONCILIATION_VIEW = "reconciliation.view"

    REFUND_APPROVE = "refund.approve"
    REFUND_CREATE = "refund.create"
    REFUND_RETRY = "refund.retry"
    REFUND_SETTLE_OUTSIDE = "refund.settle_outside"
    REFUND_VIEW = "refund.view"

    REVIEW_HIDE = "review.hide"
    REVIEW_VIEW = "review.view"

    SAVED_VIEW_EDIT = "saved_view.edit"

    SEARCH_USE = "search.use"

    SESSION_BULK_CANCEL = "session.bulk_cancel"
    SESSION_CLEAR_NO_SHOW = "session.clear_no_show"
    SESSION_EXPORT = "session.export"
    SESSION_FORCE_CANCEL = "session.force_cancel"
    SESSION_FORCE_COMPLETE = "session.force_complete"
    SESSION_MARK_NO_SHOW = "session.mark_no_show"
    SESSION_MOVE = "session.move"
    SESSION_REASSIGN = "session.reassign"
    SESSION_SET_MEETING_LINK = "session.set_meeting_link"
    SESSION_UNDO = "session.undo"
    SESSION_VIEW = "session.view"

    SNIPPET_EDIT = "snippet.edit"

    STRIKE_DECIDE = "strike.decide"
    STRIKE_VIEW = "strike.view"

    USER_GRANT_ROLE = "user.grant_role"
    USER_SUSPEND = "user.suspend"
    USER_VIEW = "user.view"
    USER_VIEW_AS = "user.view_as"
    USER_WARN = "user.warn"


_P = Permission

# What anybody signed in does with what is theirs; staff too, who have a profile, a bell and tokens for the API.
_EVERYBODY: Final = frozenset({_P.OWN_NOTIFICATION_READ, _P.OWN_PROFILE_EDIT, _P.OWN_TOKEN_MANAGE})

_EITHER_PARTY: Final = _EVERYBODY | {
    _P.OWN_CHAT_WRITE,
    _P.OWN_DISPUTE_OPEN,
    _P.OWN_NOTE_WRITE,
    _P.OWN_RESCHEDULE_NEGOTIATE,
    _P.OWN_SESSION_CANCEL,
    _P.OWN_SESSION_EDIT,
    _P.OWN_SESSION_JOIN,
    _P.OWN_SESSION_REPORT_NO_SHOW,
    _P.OWN_SESSION_VIEW,
}

_MENTEE: Final = _EITHER_PARTY | {
    _P.OWN_BOOKING_CREATE,
    _P.OWN_BOOKING_PAY,
    _P.OWN_REASSIGNMENT_ANSWER,
    _P.OWN_REVIEW_WRITE,
}

_MENTOR: Final = _EITHER_PARTY | {
    _P.OWN_OFFERING_EDIT,
    _P.OWN_RATING_GIVE,
    _P.OWN_REASSIGNMENT_DECLINE,
    _P.OWN_REQUEST_REVIEW,
    _P.OWN_SCHEDULE_EDIT,
    _P.OWN_SESSION_COMPLETE,
    _P.OWN_SESSION_SET_MEETING_LINK,
    _P.OWN_WALLET_VIEW,
}

# ops reads sessions with their money, because reconciliation is theirs, but neither chat nor evidence (ADM-2).
_ANY_STAFF: Final = _EVERYBODY | {
    _P.AUDIT_VERIFY,
    _P.CONSOLE_ENTER,
    _P.HEALTH_VIEW,
    _P.JOB_VIEW,
    _P.KILL_SWITCH_VIEW,
    _P.LEDGER_VIEW,
    _P.MAIL_RESEND,
    _P.MAIL_VIEW,
    _P.NOTIFICATION_VIEW,
    _P.OVERVIEW_VIEW,
    _P.PAYMENT_VIEW,
    _P.RECONCILIATION_VIEW,
    _P.REFUND_VIEW,
    _P.SAVED_VIEW_EDIT,
    _P.SEARCH_USE,
    _P.SESSION_VIEW,
}

_OPS: Final = _ANY_STAFF | {_P.JOB_RETRY, _P.KILL_SWITCH_FLIP, _P.RECONCILIATION_RUN}

_SUPPORT: Final = _ANY_STAFF | {
    _P.ANALYTICS_VIEW,
    _P.AUDIT_VIEW,
    _P.CHAT_READ,
    _P.DISPUTE_ASSIGN,
    _P.DISPUTE_COMMENT,
    _P.DISPUTE_RESOLVE,
    _P.DISPUTE_VIEW,
    _P.EVIDENCE_EXPORT,
    _P.EVIDENCE_VIEW,
    _P.MENTOR_VIEW,
    _P.NOTE_ADD,
    _P.NOTE_VIEW,
    _P.OVERRIDE_GRANT,
    _P.OVERRIDE_REVOKE,
    _P.OVERRIDE_VIEW,
    _P.PAYOUT_VIEW,
    _P.POLICY_PREVIEW,
    _P.POLICY_VIEW,
    _P.PRECEDENT_MARK,
    _P.REFUND_CREATE,
    _P.REFUND_RETRY,
    _P.REVIEW_HIDE,
    _P.REVIEW_VIEW,
    _P.SESSION_BULK_CANCEL,
    _P.SESSION_CLEAR_NO_SHOW,
    _P.SESSION_EXPORT,
    _P.SESSION_FORCE_CANCEL,
    _P.SESSION_FORCE_COMPLETE,
    _P.SESSION_MARK_NO_SHOW,
    _P.SESSION_MOVE,
    _P.SESSION_REASSIGN,
    _P.SESSION_SET_MEETING_LINK,
    _P.SESSION_UNDO,
    _P.SNIPPET_EDIT,
    _P.STRIKE_VIEW,
    _P.USER_VIEW,
    _P.USER_VIEW_AS,
    _P.USER_WARN,
}

_ADMIN: Final = (
    _SUPPORT
    | _OPS
    | {
        _P.AUDIT_EXPORT,
        _P.DISPUTE_EDIT_SLA,
        _P.MENTOR_VERIFY,
        _P.PAYOUT_RECORD,
        _P.POLICY_EDIT,
        _P.REFUND_APPROVE,
        _P.REFUND_SETTLE_OUTSIDE,
        _P.STRIKE_DECIDE,
        _P.USER_GRANT_ROLE,
        _P.USER_SUSPEND,
    }
)

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.MENTEE: frozenset(_MENTEE),
    Role.MENTOR: frozenset(_MENTOR),
    Role.SUPPORT: frozenset(_SUPPORT),
    Role.ADMIN: frozenset(_ADMIN),
    Role.OPS: frozenset(_OPS),
}


def may(role: Role | None, permission: Permission) -> bool:
    """Whether users of ``role`` may ask for ``permission``; None is nobody signed in, who may ask for nothing."""
    return role is not None and permission in PERMISSIONS[role]


def require(actor: Actor, permission: Permission) -> None:
    """Raise unless ``actor`` may ask for ``permission`` (ADM-2).

    The system, which is the command line, may everything: whoever has it has the database as well (ID-1). The clock
    and payments never ask; their own actions name what they do.

    :raises SignInRequired: when nobody is signed in
    :raises Forbidden: when the role does not have it; ``details["permission"]`` names it
    """
    if actor.kind is ActorKind.SYSTEM:
        return
    if actor.kind is ActorKind.ANONYMOUS:
        message = "Please sign in first."
        raise SignInRequired(message)
    if not may(actor.role, permission):
        message = "Your role does not allow this. Ask an admin if you need it."
        raise Forbidden(message, details={"permission": permission.value})


def is_party(actor: Actor, parties: Iterable[UUID | None]) -> bool:
    """Whether ``actor`` is one of ``parties``: mentee, mentor, and former mentors of a session or dispute."""
    return actor.user_id is not None and actor.user_id in parties


def require_no_party(actor: Actor, parties: Iterable[UUID | None]) -> None:
    """Raise when staff would decide a case in which they are a party (ADM-2).

    :raises Forbidden: with code ``own_case``
    """
    if is_party(actor, parties):
        raise Forbidden(OWN_CASE, code="own_case")
