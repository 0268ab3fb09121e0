"""Every write below ``/api/admin``: a world in which it acts, and what it writes into the staff trail (SM-3, ADM-2).

``test_staff_posts.py`` fails on a route that is not listed here. Another one is another line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.domain.money import Money
from app.domain.vocabulary import OverrideType, Party, RefundType
from app.foundation.policies import current_policies
from app.integrations.payments.base import GatewayRefund, GatewayRefundState
from app.models import MentoringSession
from app.money.payouts import preview_payouts, usual_minimum
from app.money.sending import record_refund_result
from app.people.suspension import suspend_user
from app.support.manual_refund import manual_refund
from app.support.mark_no_show import mark_no_show
from app.support.override_policy import grant_override, overrides_of
from tests.factories.disputes import a_dispute
from tests.factories.people import a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.sessions import START_AT, a_completed_session, a_paid_session, a_running_session, fresh
from tests.world import context

Ids = Mapping[str, Any]
LATER = timedelta(minutes=30)
CASE = "/api/admin/sessions/<uuid:session_id>"


@dataclass(frozen=True, kw_only=True)
class Post:
    """One route.

    :param action: what the row is called; None for a look that changes nothing
    :param make: brings the world there and gives the ids of the address; other names go into the body by ``@name``
    :param wrong: changes to the body with which it refuses; without any, the second time is refused
    :param has_preview: whether it takes ``?preview=true``
    :param role: who does it
    :param needs_password: whether a browser must have typed the password lately (SEC-2)
    """

    rule: str
    action: str | None
    make: Callable[[], Ids]
    body: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, Any] = field(default_factory=lambda: {"reason": "x"})
    after: timedelta = timedelta(hours=-1)
    has_preview: bool = False
    role: str = "support"
    method: str = "POST"
    needs_password: bool = False

    @property
    def name(self) -> str:
        return self.rule.removeprefix("/api/admin/")


def _session() -> Ids:
    return {"session_id": a_paid_session().id}


def _running() -> Ids:
    return {"session_id": a_running_session().id}


def _another_mentor() -> Ids:
    return {"session_id": a_paid_session().id, "mentor_id": a_mentor().id}


def _missed() -> Ids:
    return {"session_id": a_missed_session().id}


def _dispute() -> Ids:
    return {"dispute_id": a_dispute().id, "colleague_id": a_support_agent().id}


def a_missed_session() -> MentoringSession:
    """A session that support marked as missed by its mentee."""
    session = a_running_session()
    ctx = context(ctx_of(a_support_agent()).actor, START_AT + LATER)
    mark_no_show(session.id, absent=Party.MENTEE, reason="Nobody came", ctx=ctx)
    return fresh(session)


def a_waiting_refund() -> UUID:
    """A refund that support asked for and that is above the limit for one person."""
    session = a_paid_session(mentor=a_mentor(rate_minor=30_000))
    return manual_refund(
        session.id, type=RefundType.FULL, amount=Money(30_000, "EUR"), reason="A complaint", fingerprint=None,
        ctx=ctx_of(a_support_agent()),
    ).refund_id  # fmt: skip


def a_failed_refund() -> UUID:
    """A refund that the gateway refused for good."""
    agent = ctx_of(a_support_agent())
    refund_id = manual_refund(
        a_paid_session().id, type=RefundType.PARTIAL, amount=Money(1_000, "EUR"), reason="A complaint",
        fingerprint=None, ctx=agent,
    ).refund_id  # fmt: skip
    record_refund_result(refund_id, GatewayRefund(GatewayRefundState.FAILED, None, "The card was closed."), agent)
    return refund_id


def _waiting() -> Ids:
    return {"refund_id": a_waiting_refund()}


def _failed() -> Ids:
    return {"refund_id": a_failed_refund()}


def _earned() -> Ids:
    a_completed_session()
    seen = preview_payouts("EUR", minimum=usual_minimum("EUR"), ctx=ctx_of(an_admin()))
    return {"fingerprint": seen.fingerprint}


def _person() -> Ids:
    return {"user_id": a_mentor().id}


def _applicant() -> Ids:
    return {"user_id": a_mentor(is_verified=False).id}


def _suspended() -> Ids:
    user = a_mentor()
    suspend_user(user.id, reason="Abuse in the chat", ctx=ctx_of(an_admin()))
    return {"user_id": user.id}


def an_override(session: MentoringSession) -> UUID:
    """An override that counts."""
    ctx, kind = ctx_of(a_support_agent()), OverrideType.ALLOW_CANCELLATION
    grant_override(session.id, override_type=kind, reason="Goodwill", fingerprint=None, ctx=ctx)
    return overrides_of(session.id)[0].id


def _override() -> Ids:
    return {"override_id": an_override(a_paid_session())}


def _version() -> Ids:
    return {"version_id": current_policies().version_id}


_WHY = {"reason": "Both asked for it"}


def _act(slug: str, action: str, make: Callable[[], Ids] = _session, **options: Any) -> Post:
    body = {**_WHY, **options.pop("body", {})}
    return Post(rule=f"{CASE}/{slug}", action=action, make=make, body=body, has_preview=True, **options)


_REFUND = "/api/admin/refunds/<uuid:refund_id>"
_USER = "/api/admin/users/<uuid:user_id>"
_DESK = "/api/admin/disputes/<uuid:dispute_id>"

POSTS = (
    _act("cancel", "ADMIN_FORCE_CANCEL", body={"refundPercentage": 50}, needs_password=True),
    _act("complete", "ADMIN_FORCE_COMPLETE", _running, after=LATER, body={"actualDuration": 45}),
    _act("refund", "ADMIN_MANUAL_REFUND", body={"refundType": "partial", "amount": 12.50}, needs_password=True),
    _act("reassign", "ADMIN_REASSIGN_SESSION", _another_mentor, body={"newMentorId": "@mentor_id"}),
    _act(
        "clear-no-show",
        "ADMIN_CLEAR_NO_SHOW",
        _missed,
        after=LATER,
        body={"restoreStatus": "completed"},
        needs_password=True,
    ),
    _act("override-policy", "ADMIN_POLICY_OVERRIDE", body={"overrideType": "allow_cancellation"}),
    _act("move", "ADMIN_SESSION_MOVED", body={"startsAt": "2028-03-02T06:30:00Z"}),
    _act("no-show", "ADMIN_MARK_NO_SHOW", _running, after=LATER, body={"absent": "mentor"}, needs_password=True),
    _act("meeting-link", "ADMIN_MEETING_LINK_SET", body={"meetingUrl": "https://meet.example/room"}),
    Post(
        rule="/api/admin/sessions/bulk-cancel",
        needs_password=True,
        action="ADMIN_FORCE_CANCEL",
        make=_session,
        body={**_WHY, "ids": ["@session_id"]},
    ),
    Post(
        rule=f"{CASE}/notes",
        action="ADMIN_NOTE_ADDED",
        make=_session,
        body={"note": "Called the mentor."},
        wrong={"note": " "},
    ),
    Post(
        rule=f"{_REFUND}/approve",
        needs_password=True,
        action="ADMIN_REFUND_APPROVED",
        make=_waiting,
        body=_WHY,
        role="admin",
    ),
    Post(
        rule=f"{_REFUND}/decline",
        needs_password=True,
        action="ADMIN_REFUND_DECLINED",
        make=_waiting,
        body=_WHY,
        role="admin",
    ),
    Post(rule=f"{_REFUND}/retry", needs_password=True, action="ADMIN_REFUND_RETRIED", make=_failed, body=_WHY),
    Post(
        rule="/api/admin/payouts",
        needs_password=True,
        action="ADMIN_PAYOUT_RECORDED",
        make=_earned,
        role="admin",
        has_preview=True,
        after=timedelta(hours=3),
        body={**_WHY, "currency": "EUR", "fingerprint": "@fingerprint"},
        wrong={"fingerprint": None},
    ),
    Post(rule=f"{_USER}/suspend", action="ADMIN_USER_SUSPENDED", make=_person, body=_WHY, role="admin"),
    Post(rule=f"{_USER}/reinstate", action="ADMIN_USER_REINSTATED", make=_suspended, body=_WHY, role="admin"),
    Post(
        rule="/api/admin/mentors/<uuid:user_id>/verify",
        action="ADMIN_MENTOR_VERIFIED",
        make=_applicant,
        body=_WHY,
        role="admin",
    ),
    Post(
        rule="/api/admin/overrides/<uuid:override_id>/revoke",
        action="ADMIN_POLICY_OVERRIDE_REVOKED",
        make=_override,
        body=_WHY,
    ),
    Post(
        rule="/api/admin/policies",
        needs_password=True,
        method="PUT",
        action="ADMIN_POLICY_CHANGED",
        make=_version,
        role="admin",
        body={**_WHY, "values": {"lateRefundPercentage": 10}, "versionId": "@version_id"},
    ),
    Post(
        rule="/api/admin/policies/preview",
        action=None,
        make=_version,
        body={"values": {"lateRefundPercentage": 10}},
        wrong={"days": 0},
    ),
    Post(
        rule=f"{_DESK}/assign",
        action="ADMIN_DISPUTE_ASSIGNED",
        make=_dispute,
        body={**_WHY, "assigneeId": "@colleague_id"},
    ),
    Post(
        rule=f"{_DESK}/priority",
        action="ADMIN_DISPUTE_PRIORITY_CHANGED",
        make=_dispute,
        body={**_WHY, "priority": "high"},
    ),
    Post(
        rule=f"{_DESK}/comments",
        action="ADMIN_DISPUTE_COMMENTED",
        make=_dispute,
        body={"comment": "The log agrees."},
        wrong={"comment": ""},
    ),
    Post(
        rule=f"{_DESK}/resolve",
        action="ADMIN_DISPUTE_RESOLVED",
        make=_dispute,
        has_preview=True,
        body={"resolutionAction": "no_action", "notes": "Both were there."},
        wrong={"notes": ""},
    ),
)

# The same addresses, asked for what moves money and for what does not.
BESIDE = (
    _act("cancel", "", body={"refundPercentage": 0}),
    Post(
        rule=f"{_DESK}/resolve", action="", make=_dispute, needs_password=True,
        body={"resolutionAction": "refund_issued", "notes": "Nobody came."},
    ),
)  # fmt: skip
