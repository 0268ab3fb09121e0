"""How each address of the console that takes a POST is made to act: the table behind ``test_one_audit_row.py`` (SM-3).

The test fails on every such address that is neither here nor in ``NO_ACTS``. To add one, put it into ``ACTS``:

* ``rule``: the address as it stands in the map of addresses;
* ``ids``: what its parts stand for, by names of ``World`` (``tests/architecture/world_of_roles.py``; ``=x`` is ``x``
  itself), or a function that makes what is needed; what is no part of the address is typed;
* ``typed``: what a person types and chooses. Whatever the page itself puts into its form (key, fingerprint, what was
  previewed) is read from the page, which is opened first with the same values;
* ``rows``: the actions that it leaves in the staff audit trail. One. More than one needs a reason beside it;
* ``has_page``: False where nothing is opened first; ``keeps_a_plan``: a preview lies in the database;
* ``after``: how long after the start of ``running`` it happens, where that matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from app.domain.vocabulary import EmailState, Party
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import EmailEvent
from app.people.suspension import suspend_user
from app.support.bulk_cancel import confirm_bulk_cancel
from app.support.hide_review import hide_review
from app.support.mark_no_show import mark_no_show
from app.support.policies.precedents import decisions_to_mark
from tests.architecture.world_of_roles import World
from tests.factories import disputes, people, sessions
from tests.world import context

HALF_AN_HOUR: Final = timedelta(minutes=30)
Ids = Mapping[str, str] | Callable[[World], Mapping[str, Any]]


@dataclass(frozen=True)
class Acting:
    """One way to act through one address."""

    rule: str
    rows: tuple[str, ...]
    ids: Ids = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    who: str = "admin"
    after: timedelta | None = None
    has_page: bool = True
    # A preview that is kept for its maker is written anew by a form that lacks something.
    keeps_a_plan: bool = False

    @property
    def name(self) -> str:
        how = self.ids.get("how") if isinstance(self.ids, Mapping) else None
        return f"{self.rule} {how}" if how else self.rule


_CASE = "/admin/sessions/<uuid:session_id>"
_DISPUTE = "/admin/disputes/<uuid:dispute_id>"
_REFUND = "/admin/refund-queue/<uuid:refund_id>"
_SESSION = {"session_id": "session"}
_RUNNING = {"session_id": "running"}
_REPORTED = {"dispute_id": "dispute"}
_WHY = {"reason": "A complaint by telephone", "notifyParties": "1"}
_NOTES = {"notes": "The log says that both were there."}


def _missed(world: World) -> Mapping[str, Any]:
    ctx = context(people.actor_of(world.support), sessions.START_AT + HALF_AN_HOUR)
    mark_no_show(world.running.id, absent=Party.MENTEE, reason="Nobody came", ctx=ctx)
    return {"session_id": world.running.id}


def _flagged(world: World) -> Mapping[str, Any]:
    ahead = world.running
    with transaction():
        ahead.attendance_suggested_at = ahead.scheduled_at
    return {"session_id": ahead.id}


def _decided(world: World) -> Mapping[str, Any]:
    cancelled = sessions.a_cancelled_session()
    (found,) = decisions_to_mark(cancelled.id, ctx=people.ctx_of(world.support))
    return {"session_id": cancelled.id, "decision": found.record_id}


def _reassignable(world: World) -> Mapping[str, Any]:
    return {"session_id": world.session.id, "newMentorId": people.a_mentor().id}


def _suspended(world: World) -> Mapping[str, Any]:
    victim = people.a_mentee()
    suspend_user(victim.id, reason="Abuse", ctx=people.ctx_of(people.an_admin()))
    return {"user_id": victim.id}


def _hidden(world: World) -> Mapping[str, Any]:
    hide_review(world.review.id, reason="Rude", ctx=people.ctx_of(world.support))
    return {"review_id": world.review.id}


def _sent(world: World) -> Mapping[str, Any]:
    db.session.execute(db.update(EmailEvent).where(EmailEvent.id == world.letter).values(status=EmailState.FAILED))
    db.session.commit()
    return {"event_id": world.letter}


def _reported_ahead(world: World) -> Mapping[str, Any]:
    return {"dispute_id": disputes.a_dispute(world.session).id, "how": "session_rescheduled"}


def _bulk_running(world: World) -> Mapping[str, Any]:
    ctx = people.ctx_of(world.support)
    confirm_bulk_cancel(
        world.bulk_cancel, reason="Illness", typed="1", refund_percentage=100, notify_parties=True, ctx=ctx
    )
    return {"bulk_id": world.bulk_cancel}


def _resolve(how: str, rows: tuple[str, ...], **typed: str) -> Acting:
    return Acting(f"{_DISPUTE}/resolve/<how>", rows, {**_REPORTED, "how": f"={how}"}, {**_NOTES, **typed})


_RESOLVED = "ADMIN_DISPUTE_RESOLVED"

ACTS: Final = (
    Acting(f"{_CASE}/cancel", ("ADMIN_FORCE_CANCEL",), _SESSION, {**_WHY, "refundPercentage": "100"}),
    Acting(f"{_CASE}/chat", ("ADMIN_CHAT_VIEWED",), _SESSION, {"reason": "A party reported a problem."}),
    Acting(
        f"{_CASE}/complete", ("ADMIN_FORCE_COMPLETE",), _RUNNING, {**_WHY, "actualDuration": "45"}, after=HALF_AN_HOUR
    ),
    Acting(f"{_CASE}/no-show", ("ADMIN_MARK_NO_SHOW",), _RUNNING, {**_WHY, "absent": "mentor"}, after=HALF_AN_HOUR),
    Acting(
        f"{_CASE}/clear-no-show", ("ADMIN_CLEAR_NO_SHOW",), _missed,
        {**_WHY, "restoreStatus": "completed", "refundPercentage": "100"}, after=timedelta(hours=2),
    ),
    Acting(
        f"{_CASE}/dismiss-suggestion", ("ADMIN_NO_SHOW_SUGGESTION_DISMISSED",), _flagged, _WHY,
        after=timedelta(hours=2),
    ),
    Acting(f"{_CASE}/move", ("ADMIN_SESSION_MOVED",), _SESSION, {**_WHY, "startsAt": "2028-03-02T10:00"}),
    Acting(f"{_CASE}/reassign", ("ADMIN_REASSIGN_SESSION",), _reassignable, _WHY),
    Acting(f"{_CASE}/override", ("ADMIN_POLICY_OVERRIDE",), _SESSION, {**_WHY, "overrideType": "allow_cancellation"}),
    Acting(
        f"{_CASE}/meeting-link", ("ADMIN_MEETING_LINK_SET",), _SESSION,
        {**_WHY, "meetingUrl": "https://meet.example/room"},
    ),
    Acting(f"{_CASE}/refund", ("ADMIN_MANUAL_REFUND",), _SESSION, {**_WHY, "refundType": "full", "amount": "50.00"}),
    Acting(f"{_CASE}/precedent", ("ADMIN_PRECEDENT_MARKED",), _decided, {"title": "Early enough", "reason": "A rule"}),
    Acting(f"{_CASE}/notes", ("ADMIN_NOTE_ADDED",), _SESSION, {"note": "Called the mentor."}),
    Acting(
        f"{_CASE}/notes/<uuid:note_id>", ("ADMIN_NOTE_EDITED",), {"session_id": "session", "note_id": "note"},
        {"note": "Called him twice."}, who="support",
    ),
    Acting(f"{_DISPUTE}/take", ("ADMIN_DISPUTE_TAKEN",), _REPORTED, has_page=False),
    Acting(
        f"{_DISPUTE}/assign", ("ADMIN_DISPUTE_ASSIGNED",),
        lambda world: {"dispute_id": world.dispute, "assignee": world.support.id}, {"reason": "Knows the mentor"},
    ),
    Acting(
        f"{_DISPUTE}/priority", ("ADMIN_DISPUTE_PRIORITY_CHANGED",), _REPORTED,
        {"priority": "urgent", "reason": "It goes on"},
    ),
    Acting(
        f"{_DISPUTE}/write", ("ADMIN_DISPUTE_REPORTER_WRITTEN",), _REPORTED,
        {"message": "When did it begin?", "awaitsAnswer": "1"},
    ),
    Acting(f"{_DISPUTE}/comments", ("ADMIN_DISPUTE_COMMENTED",), _REPORTED, {"comment": "I would give it back."}),
    _resolve("no_action", (_RESOLVED,)),
    _resolve("dismiss", (_RESOLVED,)),
    _resolve("warning_sent", (_RESOLVED,), person="mentee", reason="Please be kind."),
    _resolve("refund_issued", (_RESOLVED,), amount="10.00"),
    # By decision: suspending, and moving a session that lies ahead, are acts of their own beside the dispute's, found
    # under the person and the session.
    _resolve("account_suspended", (_RESOLVED, "ADMIN_USER_SUSPENDED"), person="mentor", reason="Abuse in the call"),
    _resolve("session_rescheduled", (_RESOLVED,), startsAt="2028-03-08T10:00"),
    Acting(
        f"{_DISPUTE}/resolve/<how>", (_RESOLVED, "ADMIN_SESSION_MOVED"), _reported_ahead,
        {**_NOTES, "startsAt": "2028-03-08T10:00"},
    ),
    Acting("/admin/applications/<uuid:user_id>/verify", ("ADMIN_MENTOR_VERIFIED",), {"user_id": "applicant"}, _WHY),
    Acting("/admin/applications/<uuid:user_id>/decline", ("ADMIN_MENTOR_DECLINED",), {"user_id": "applicant"}, _WHY),
    Acting("/admin/suspension/<uuid:user_id>/suspend", ("ADMIN_USER_SUSPENDED",), {"user_id": "mentee"}, _WHY),
    Acting("/admin/suspension/<uuid:user_id>/reinstate", ("ADMIN_USER_REINSTATED",), _suspended, _WHY),
    Acting(f"{_REFUND}/approve", ("ADMIN_REFUND_APPROVED",), {"refund_id": "waiting_refund"}, _WHY),
    Acting(f"{_REFUND}/decline", ("ADMIN_REFUND_DECLINED",), {"refund_id": "waiting_refund"}, _WHY),
    Acting(f"{_REFUND}/retry", ("ADMIN_REFUND_RETRIED",), {"refund_id": "failed_refund"}, _WHY),
    Acting(f"{_REFUND}/settle", ("ADMIN_REFUND_SETTLED_OUTSIDE",), {"refund_id": "failed_refund"}, _WHY),
    Acting(
        "/admin/pay-out/next/<currency>", ("ADMIN_PAYOUT_RECORDED",), {"currency": "currency"},
        {"minimum": "10.00", "reason": "Monthly payout", "reference": "March", "typed": "1"},
    ),
    Acting(
        "/admin/reconciliation/<uuid:finding_id>/close", ("ADMIN_FINDING_CLOSED",), {"finding_id": "finding"}, _WHY
    ),
    Acting(
        "/admin/policies/change", ("ADMIN_POLICY_CHANGED",), {},
        {"key": "late_refund_percentage", "late_refund_percentage": "10", "reason": "A trial"},
    ),
    Acting(
        "/admin/policies/precedents/<uuid:precedent_id>/retire", ("ADMIN_PRECEDENT_RETIRED",),
        {"precedent_id": "precedent"}, _WHY,
    ),
    Acting(
        "/admin/overrides/<uuid:override_id>/revoke", ("ADMIN_POLICY_OVERRIDE_REVOKED",), {"override_id": "override"},
        _WHY,
    ),
    Acting("/admin/people/<uuid:user_id>/warn", ("ADMIN_USER_WARNED",), {"user_id": "mentee"}, _WHY),
    Acting("/admin/mailbox/<uuid:event_id>/resend", ("ADMIN_EMAIL_RESENT",), _sent, _WHY),
    Acting(
        "/admin/overrides/<uuid:override_id>/revoke", ("ADMIN_POLICY_OVERRIDE_REVOKED",), {"override_id": "override"},
        _WHY,
    ),
    Acting("/admin/review-acts/<uuid:review_id>/hide", ("ADMIN_REVIEW_HIDDEN",), {"review_id": "review"}, _WHY),
    Acting("/admin/review-acts/<uuid:review_id>/show", ("ADMIN_REVIEW_SHOWN",), _hidden, _WHY),
    Acting("/admin/operations/jobs/<uuid:row_id>/retry", ("ADMIN_JOB_RETRIED",), {"row_id": "dead_job"}, _WHY),
    Acting("/admin/views/new", ("ADMIN_VIEW_SAVED",), {}, {"name": "Mine", "list": "status=cancelled"}),
    Acting("/admin/views/<uuid:view_id>/edit", ("ADMIN_VIEW_CHANGED",), {"view_id": "shared_view"}, {"name": "Ours"}),
    Acting("/admin/views/<uuid:view_id>/delete", ("ADMIN_VIEW_DELETED",), {"view_id": "shared_view"}, has_page=False),
    Acting(
        "/admin/bulk-cancels/<uuid:bulk_id>", ("ADMIN_BULK_CANCEL",), {"bulk_id": "bulk_cancel"},
        {**_WHY, "refundPercentage": "100", "typed": "1"}, who="support", keeps_a_plan=True,
    ),
    Acting(
        "/admin/bulk-cancels/<uuid:bulk_id>/stop", ("ADMIN_BULK_CANCEL_STOPPED",), _bulk_running, who="support",
        has_page=False,
    ),
)  # fmt: skip

# Addresses that take a POST and change nothing of anybody's: no row, by decision.
NO_ACTS: Final[Mapping[str, str]] = {
    "/admin/bulk-cancels/": "writes down what would be cancelled, for its maker to see; confirming is the act",
    "/admin/audit/verify/": "reads the chain, and is a POST because it takes long",
    "/admin/reconciliation/run": "compares books, as the clock does each night; what staff do about findings is an act",
}
