"""What each outcome of a dispute means, and the doing of it (DSP-4).

A plan is made of the case and of what was typed; the act makes it once more on locked rows and obeys it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.money import Money
from app.domain.vocabulary import DisputeResolution, Party, RefundType
from app.domain.wording import format_money, format_when
from app.extensions import db
from app.models import MentoringSession, SessionDispute, User
from app.money.refunds import decide_refund
from app.money.rows import MoneyRows, lock_rows, terms_of
from app.people.strikes import STRIKE_LASTS
from app.people.suspension import suspend_user
from app.support.disputes.new_time import give_new_time, plan_new_time, why_no_new_time
from app.support.disputes.plans import Outcome
from app.support.manual_refund import issue_refund
from app.support.staff_acts import PlanRow, clean_reason
from app.support.suspension import preview_suspension
from app.support.warn_user import warn_about_session

_MESSAGE = "E-mail and notification"
# What the parties read as the reason where nobody wrote one for them.
PUBLIC_REASON = "A problem with this session was reported, and we looked into it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What whoever resolves has chosen and typed.

    :param notes: for colleagues and the record; required
    :param message: added to what the reporter reads of the outcome; may be empty
    :param reason: what somebody reads who is warned or suspended
    :param person: who is warned or suspended; None means the other party
    :param amount_minor: to be refunded; None means all that is left
    :param as_credit: a gift of the platform's (a bonus), instead of money that was paid
    :param starts_at: of the session that makes up for it, or the new time of this one
    :param dismisses: with ``no_action``: there was nothing in it
    """

    outcome: DisputeResolution
    notes: str = ""
    message: str = ""
    reason: str = ""
    person: Party | None = None
    amount_minor: int | None = None
    as_credit: bool = False
    starts_at: datetime | None = None
    dismisses: bool = False

    @property
    def moves_money(self) -> bool:
        """Whether a browser has to have typed the password lately (SEC-2)."""
        return self.outcome is DisputeResolution.REFUND_ISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What was done.

    :param told: the outcome in the reporter's words
    :param awaiting: the refund that waits for a second person, if it does
    """

    told: str
    details: dict[str, Any] = field(default_factory=dict)
    awaiting: UUID | None = None


def plan_outcome(
    dispute: SessionDispute, session: MentoringSession, rows: MoneyRows, wish: Wish, ctx: Context
) -> Outcome:
    """What this outcome would do to this case now."""
    match wish.outcome:
        case DisputeResolution.REFUND_ISSUED:
            return _plan_refund(dispute, session, rows, wish)
        case DisputeResolution.WARNING_SENT:
            return _plan_warning(dispute, session, wish)
        case DisputeResolution.ACCOUNT_SUSPENDED:
            return _plan_suspension(dispute, session, wish, ctx)
        case DisputeResolution.SESSION_RESCHEDULED:
            return plan_new_time(session, wish.starts_at, ctx)
        case DisputeResolution.NO_ACTION:
            return _plan_nothing(dispute, session, wish)


def perform_outcome(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    """This function will do what the outcome says, inside the open transaction, on locked rows.

    :raises Invalid: what was typed cannot be used
    :raises Conflict: the case does not allow it any more
    """
    match wish.outcome:
        case DisputeResolution.REFUND_ISSUED:
            return _refund(dispute, session, wish, ctx)
        case DisputeResolution.WARNING_SENT:
            return _warn(dispute, session, wish, ctx)
        case DisputeResolution.ACCOUNT_SUSPENDED:
            return _suspend(dispute, session, wish, ctx)
        case DisputeResolution.SESSION_RESCHEDULED:
            return _give_new_time(dispute, session, wish, ctx)
        case DisputeResolution.NO_ACTION:
            told = (
                "We looked into it and see nothing to do." if wish.dismisses else "We looked into it. No step follows."
            )
            return Performed(told=told)


def refund_told(dispute: SessionDispute, session: MentoringSession, amount: Money, *, as_credit: bool) -> str:
    """A refund in the reporter's words."""
    is_mentee = dispute.reported_by == session.mentee_id
    who = "you" if is_mentee else session.mentee.name
    way = f"as credit to {who}" if as_credit else f"to {who}"
    return f"We looked into it and gave {format_money(amount)} back {way}."


def why_not(session: MentoringSession, outcome: DisputeResolution) -> str:
    """Why there is nothing that this outcome could do; empty when there is."""
    if outcome is DisputeResolution.SESSION_RESCHEDULED:
        return why_no_new_time(session)
    if outcome is DisputeResolution.ACCOUNT_SUSPENDED and all(
        person.suspended_at for person in (session.mentor, session.mentee)
    ):
        return "Both accounts are suspended already."
    return ""


# Refund


def _amount(session: MentoringSession, rows: MoneyRows, wish: Wish) -> Money:
    left = rows.facts(session.currency).left.total_minor
    return Money(left if wish.amount_minor is None and not wish.as_credit else wish.amount_minor or 0, session.currency)


def _kind(session: MentoringSession, rows: MoneyRows, wish: Wish) -> RefundType:
    if wish.as_credit:
        return RefundType.BONUS
    left = rows.facts(session.currency).left.total_minor
    return RefundType.FULL if _amount(session, rows, wish).minor == left else RefundType.PARTIAL


def _plan_refund(dispute: SessionDispute, session: MentoringSession, rows: MoneyRows, wish: Wish) -> Outcome:
    amount, kind = _amount(session, rows, wish), _kind(session, rows, wish)
    decision = decide_refund(session, rows, amount=amount, type=kind)
    kept = max(0, rows.net_minor - (0 if wish.as_credit else amount.minor))
    share = Money(terms_of(session).mentor_share(kept), session.currency)
    mentee, mentor = session.mentee.name, session.mentor.name
    words = format_money(amount)
    way = " as credit" if wish.as_credit else " back"
    sentence = f"{mentee} gets {words}{way}, and the dispute is resolved."
    if decision.needs_approval:
        sentence = f"{words} for {mentee} wait for a second person. The dispute stays open until they have decided."
    who_reports = mentee if dispute.reported_by == session.mentee_id else mentor
    plan = [PlanRow(who=mentee, change="Credit" if wish.as_credit else "Refund", money=amount, message=_MESSAGE)]
    if not wish.as_credit and rows.paid_minor:
        plan.append(PlanRow(who=mentor, change="Keeps of this session", money=share, message="Notification"))
    if decision.needs_approval:
        plan = [PlanRow(who=row.who, change=f"{row.change} (once approved)", money=row.money, message="Once approved")
                for row in plan]  # fmt: skip
    told = "Once approved" if decision.needs_approval else _MESSAGE
    plan.append(PlanRow(who=f"{who_reports}, who reported it", change="Learns the outcome", message=told))
    button = f"Ask to refund {words}" if decision.needs_approval else f"Refund {words} and resolve"
    return Outcome(
        decision=decision,
        sentence=sentence if decision.allowed else decision.message,
        button=button,
        rows=plan,
        needs_approval=decision.needs_approval,
        facts={"money": dict(decision.numbers) | {"amount_minor": None, "refund_type": None}, "net": rows.net_minor},
    )


def _refund(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    rows = lock_rows(session)
    amount, kind = _amount(session, rows, wish), _kind(session, rows, wish)
    # The mentee reads the refund's reason; the notes are for colleagues.
    done = issue_refund(
        session, type=kind, amount=amount, reason=wish.message.strip() or PUBLIC_REASON, notify_parties=True, ctx=ctx
    )
    return Performed(
        told=refund_told(dispute, session, amount, as_credit=wish.as_credit),
        details={
            "refundId": done.refund_id, "refundAmount": str(amount.amount), "currency": session.currency,
            "refundType": kind, "awaitingApproval": done.awaits_approval,
        },
        awaiting=done.refund_id if done.awaits_approval else None,
    )  # fmt: skip


# People


def _person(dispute: SessionDispute, session: MentoringSession, wish: Wish) -> User:
    """Who is warned or suspended: the one who was chosen, else the party who did not report."""
    chosen = wish.person or (Party.MENTOR if dispute.reporter_role is Party.MENTEE else Party.MENTEE)
    return session.mentor if chosen is Party.MENTOR else session.mentee


def _plan_warning(dispute: SessionDispute, session: MentoringSession, wish: Wish) -> Outcome:
    person = _person(dispute, session, wish)
    number = person.warnings_count + 1
    ordinal = "first warning" if number == 1 else f"warning number {number}"
    return Outcome(
        decision=_fine("warning", "A warning can be sent."),
        sentence=f"{person.name} is warned, in your words, and the warning is counted. It is their {ordinal}.",
        button=f"Warn {person.name}",
        rows=[
            PlanRow(
                who=person.name,
                change=f"Warnings: {person.warnings_count} → {number}, and a strike for {STRIKE_LASTS.days} days",
                message=_MESSAGE,
            ),
            _reporter_row(dispute, session),
        ],
        facts={"person": person.id, "warnings": person.warnings_count},
    )


def _warn(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    person = _person(dispute, session, wish)
    reason = clean_reason(wish.reason)
    strike = warn_about_session(
        session, person, reason=reason, evidence={"dispute_id": dispute.id}, cause=f"warning:{dispute.id}", ctx=ctx
    )
    told = f"We looked into it and warned {person.name}."
    if person.id == dispute.reported_by:
        told = "We looked into it. You get a message of its own about what follows."
    details = {
        "warnedUser": person.id, "warning": reason, "warnings": person.warnings_count, "strike": strike.id,
        "strikeUntil": strike.expires_at,
    }  # fmt: skip
    return Performed(told=told, details=details)


def _plan_suspension(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Outcome:
    person = _person(dispute, session, wish)
    plan = preview_suspension(person.id, ctx=ctx)
    decision = _fine("suspension", "The account can be suspended.")
    if plan.is_suspended:
        decision = Decision(
            allowed=False, rule="suspension", message=f"The account of {person.name} is suspended already.",
            refusal=Refusal.CONFLICT, code="already_suspended",
        )  # fmt: skip
    stay = f"{plan.upcoming} upcoming sessions stay booked" if plan.upcoming != 1 else "1 upcoming session stays booked"
    return Outcome(
        decision=decision,
        sentence=f"{person.name} is signed out everywhere and cannot sign in until an admin reinstates the account.",
        button=f"Suspend {person.name}",
        is_dangerous=True,
        rows=[
            PlanRow(
                who=person.name, change=f"{plan.sign_ins} sign-ins and {plan.tokens} API tokens end",
                message=_MESSAGE,
            ),
            PlanRow(who="Sessions", change=stay),
            _reporter_row(dispute, session),
        ],
        facts={"person": person.id, "suspended": plan.is_suspended},
    )  # fmt: skip


def _suspend(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    person = _person(dispute, session, wish)
    suspend_user(person.id, reason=wish.reason, ctx=ctx)
    told = f"We looked into it and suspended the account of {person.name}."
    if person.id == dispute.reported_by:
        told = "We looked into it. You get a message of its own about what follows."
    return Performed(told=told, details={"suspendedUser": person.id})


# Another time


def _give_new_time(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    reason = wish.message.strip() or PUBLIC_REASON
    session_id, is_new = give_new_time(session, wish.starts_at, reason=reason, ctx=ctx)
    assert wish.starts_at is not None  # decided there
    reporter = db.session.get_one(User, dispute.reported_by)
    at = format_when(wish.starts_at, reporter.timezone, ctx.now)
    what = "A new session at no cost is booked for" if is_new else "The session was moved to"
    key = "followUpSession" if is_new else "movedSession"
    return Performed(told=f"We looked into it. {what} {at}.", details={key: session_id, "scheduledAt": wish.starts_at})


# Nothing


def _plan_nothing(dispute: SessionDispute, session: MentoringSession, wish: Wish) -> Outcome:
    how = "dismissed" if wish.dismisses else "resolved"
    return Outcome(
        decision=_fine("no_action", "The dispute can be closed."),
        sentence=f"The dispute is {how}. Nothing else changes.",
        button="Dismiss the dispute" if wish.dismisses else "Resolve without a step",
        rows=[_reporter_row(dispute, session)],
    )


def _reporter_row(dispute: SessionDispute, session: MentoringSession) -> PlanRow:
    reporter = session.mentee if dispute.reported_by == session.mentee_id else session.mentor
    return PlanRow(who=f"{reporter.name}, who reported it", change="Learns the outcome", message=_MESSAGE)


def _fine(rule: str, message: str) -> Decision:
    return Decision(allowed=True, rule=rule, message=message)
