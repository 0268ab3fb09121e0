"""What each outcome of a dispute means, and the doing of it (DSP-4).

A plan is made of the case and of what was typed; the act makes it once more on locked rows and obeys it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.booking.follow_up import book_follow_up, decide_follow_up
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.money import Money
from app.domain.vocabulary import DisputeResolution, Party, RefundState, RefundType, SessionStatus
from app.domain.wording import format_money, format_when
from app.extensions import db
from app.models import MentoringSession, SessionDispute, User
from app.money.refunds import decide_refund, request_refund
from app.money.rows import MoneyRows, lock_rows, terms_of
from app.people.suspension import suspend_user
from app.support.disputes import telling
from app.support.staff_acts import PlanRow, clean_reason
from app.support.suspension import preview_suspension

_MESSAGE = "E-mail and notification"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would happen: shown before, obeyed by the act.

    :param facts: what a fingerprint is made of, beside the dispute and the session
    """

    decision: Decision
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    is_dangerous: bool = False
    needs_approval: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


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
            return _plan_follow_up(session, wish, ctx)
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
            return _follow_up(dispute, session, wish, ctx)
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
        return _why_not_follow_up(session)
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
    refund = request_refund(session, amount=amount, type=kind, reason=wish.notes, ctx=ctx, by_staff=True)
    assert refund is not None
    awaits = refund.status is RefundState.AWAITING_APPROVAL
    details = {
        "refundId": refund.id, "refundAmount": str(amount.amount), "currency": session.currency,
        "refundType": kind, "awaitingApproval": awaits,
    }  # fmt: skip
    if not awaits:
        tell_mentor_of_refund(session, amount, as_credit=wish.as_credit, ctx=ctx)
    return Performed(
        told=refund_told(dispute, session, amount, as_credit=wish.as_credit),
        details=details,
        awaiting=refund.id if awaits else None,
    )


def tell_mentor_of_refund(session: MentoringSession, amount: Money, *, as_credit: bool, ctx: Context) -> None:
    """The mentor hears what a refund leaves; a gift of the platform's takes nothing from anybody."""
    if not as_credit:
        share = terms_of(session).mentor_share(max(0, lock_rows(session).net_minor))
        telling.refunded_other(session, session.mentor, amount.minor, share, ctx)


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
            PlanRow(who=person.name, change=f"Warnings: {person.warnings_count} → {number}", message=_MESSAGE),
            _reporter_row(dispute, session),
        ],
        facts={"person": person.id, "warnings": person.warnings_count},
    )


def _warn(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    person = _person(dispute, session, wish)
    reason = clean_reason(wish.reason)
    person.warnings_count += 1
    telling.warning(session, person, reason, dispute.id, ctx)
    told = f"We looked into it and warned {person.name}."
    if person.id == dispute.reported_by:
        told = "We looked into it. You get a message of its own about what follows."
    return Performed(told=told, details={"warnedUser": person.id, "warning": reason, "warnings": person.warnings_count})


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


# Another session


def _why_not_follow_up(session: MentoringSession) -> str:
    if session.status is SessionStatus.IN_PROGRESS:
        return "The session is running. It can be made up for once it is over."
    return ""


def _plan_follow_up(session: MentoringSession, wish: Wish, ctx: Context) -> Outcome:
    refusal = _why_not_follow_up(session)
    if refusal:
        decision = Decision(allowed=False, rule="follow_up", message=refusal, refusal=Refusal.CONFLICT)
    elif wish.starts_at is None:
        message = "Choose the time at which they meet again."
        decision = Decision(
            allowed=False, rule="follow_up_time", message=message, refusal=Refusal.INVALID,
            fields={"startsAt": message},
        )  # fmt: skip
    else:
        decision = decide_follow_up(session, wish.starts_at, now=ctx.now)
    both = f"{session.mentee.name} and {session.mentor.name}"
    at = format_when(wish.starts_at, session.mentee.timezone, ctx.now) if wish.starts_at else ""
    return Outcome(
        decision=decision,
        sentence=f"{both} meet again at {at}, for nothing." if decision.allowed else decision.message,
        button="Book the new session and resolve",
        rows=[
            PlanRow(
                who=person.name,
                change=f"New session, {format_when(wish.starts_at, person.timezone, ctx.now)}"
                if wish.starts_at
                else "",
                money=Money(0, session.currency),
                message="E-mail with a calendar file",
            )
            for person in (session.mentee, session.mentor)
        ],
    )


def _follow_up(dispute: SessionDispute, session: MentoringSession, wish: Wish, ctx: Context) -> Performed:
    _plan_follow_up(session, wish, ctx).decision.require()
    assert wish.starts_at is not None
    follow_up = book_follow_up(session, starts_at=wish.starts_at, ctx=ctx)
    reporter = db.session.get_one(User, dispute.reported_by)
    at = format_when(wish.starts_at, reporter.timezone, ctx.now)
    return Performed(
        told=f"We looked into it. A new session at no cost is booked for {at}.",
        details={"followUpSession": follow_up.id, "scheduledAt": wish.starts_at},
    )


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
