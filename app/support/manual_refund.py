"""Manual refund: staff give money back, or credit beyond it, for a session (ACT-3, MN-7, MN-9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.booking.access import load_for_change, load_session_for
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.ledger import Terms
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.refunds import RefundDecision
from app.domain.vocabulary import RefundState, RefundType
from app.domain.wording import format_money
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.money.refunds import decide_refund, request_refund
from app.money.rows import MoneyRows, lock_rows, read_rows, terms_of
from app.money.telling import tell_refund_issued
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION: Final = "ADMIN_MANUAL_REFUND"
TYPES: Final = (RefundType.FULL, RefundType.PARTIAL, RefundType.BONUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualRefundPlan:
    """What will happen, shown before and obeyed by the act.

    :param refund: the engine's decision on this amount; it may be a refusal, which the dialog shows at the amount
    :param left: what is left of the payment
    :param fingerprint: of the facts alone; what one may type in the dialog is no part of it
    """

    refund: RefundDecision
    type: RefundType
    amount: Money
    paid: Money
    left: Money
    notify_parties: bool
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    fingerprint: str

    @property
    def moves_money(self) -> bool:
        return True

    @property
    def decision(self) -> Decision:
        return self.refund

    @property
    def needs_approval(self) -> bool:
        return self.refund.needs_approval


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundIssued:
    """What was done."""

    refund_id: UUID
    session_id: UUID
    amount: Money
    type: RefundType
    awaits_approval: bool
    notifications_sent: int

    @property
    def sentence(self) -> str:
        if self.awaits_approval:
            return f"{format_money(self.amount)} wait for a second person. Nobody was told yet."
        what = "were added to the mentee's credit" if self.type is RefundType.BONUS else "are on their way back"
        told = "Those concerned are being told." if self.notifications_sent else "Nobody was told."
        return f"{format_money(self.amount)} {what}. {told}"


def preview_manual_refund(
    session_id: UUID,
    *,
    type: RefundType,  # noqa: A002 - the column's name
    amount: Money | None,
    notify_parties: bool = True,
    ctx: Context,
) -> ManualRefundPlan:
    """What a manual refund would do now; nothing is changed.

    :param amount: None proposes one: what is left of the payment
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: the type is none of ``TYPES``
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.REFUND_CREATE, ctx)
    return _plan(session, read_rows(session.id), type, amount, notify_parties=notify_parties)


def manual_refund(
    session_id: UUID,
    *,
    type: RefundType,  # noqa: A002 - the column's name
    amount: Money,
    reason: str,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
) -> RefundIssued:
    """This function will give the mentee money back (``full``, ``partial``) or credit beyond it (``bonus``) (ACT-3).

    Above the threshold for the sum of what staff gave back it waits for a second person, and nobody is told (MN-9).

    :param amount: in the session's currency; a ``full`` refund is exactly what is left
    :param fingerprint: the preview's; None acts without one, for callers that show none (the API)
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or amount cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.REFUND_CREATE, ctx)
        plan = _plan(session, lock_rows(session), type, amount, notify_parties=notify_parties)
        require_seen(fingerprint, plan.fingerprint)
        plan.refund.require()
        text = clean_reason(reason)
        done = issue_refund(session, type=type, amount=amount, reason=text, notify_parties=notify_parties, ctx=ctx)
        record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            details={
                "refundAmount": str(amount.amount),
                "refundType": type,
                "originalRate": str(Money(session.rate_minor, session.currency).amount),
                "currency": session.currency,
                "refundId": done.refund_id,
                "awaitingApproval": done.awaits_approval,
                "notifyParties": notify_parties,
                "notificationsSent": done.notifications_sent,
            },
        )
    return done


def issue_refund(
    session: MentoringSession,
    *,
    type: RefundType,  # noqa: A002 - the column's name
    amount: Money,
    reason: str,
    notify_parties: bool,
    ctx: Context,
) -> RefundIssued:
    """This function will do what a manual refund does to a locked session, inside a larger act that is audited itself.

    :raises Invalid: the amount does not fit its type or what is left
    """
    refund = request_refund(
        session, amount=amount, type=type, reason=reason, ctx=ctx, by_staff=True, notify_parties=notify_parties
    )
    assert refund is not None  # an amount above zero is a row, or was refused
    awaits = refund.status is RefundState.AWAITING_APPROVAL
    return RefundIssued(
        refund_id=refund.id,
        session_id=session.id,
        amount=amount,
        type=type,
        awaits_approval=awaits,
        notifications_sent=0 if awaits else tell_refund_issued(session, refund, ctx),
    )


def _plan(
    session: MentoringSession,
    rows: MoneyRows,
    type: RefundType,  # noqa: A002 - the column's name
    amount: Money | None,
    *,
    notify_parties: bool,
) -> ManualRefundPlan:
    _require_type(type)
    currency = session.currency
    left = Money(rows.facts(currency).left.total_minor, currency)
    amount = left if amount is None else amount
    refund = decide_refund(session, rows, amount=amount, type=type, by_staff=True)
    falls = _share_falls(terms_of(session), rows, refund, type)
    return ManualRefundPlan(
        refund=refund,
        type=type,
        amount=amount,
        paid=Money(rows.paid_minor, currency),
        left=left,
        notify_parties=notify_parties,
        sentence=_sentence(session, refund, type, falls),
        button=_button(refund, type),
        rows=_rows(session, refund, type, falls, notify_parties=notify_parties),
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "session": session.id,
                "version": session.version,
                "left": left.minor,
                "net": rows.net_minor,
                "by_staff": rows.facts(currency).staff_decided_minor,
            }
        ),
    )


def _require_type(kind: RefundType) -> None:
    if kind not in TYPES:
        message = "Choose full, partial or bonus."
        Decision(
            allowed=False, rule="manual_refund", message=message, refusal=Refusal.INVALID,
            fields={"refundType": message},
        ).require()  # fmt: skip


def _share_falls(terms: Terms, rows: MoneyRows, refund: RefundDecision, kind: RefundType) -> Money:
    """By how much the mentor's share falls; a bonus is the platform's own."""
    if kind is RefundType.BONUS or not refund.allowed:
        return Money(0, terms.currency)
    net = rows.net_minor
    return Money(terms.mentor_share(net) - terms.mentor_share(max(0, net - refund.amount.minor)), terms.currency)


def _sentence(session: MentoringSession, refund: RefundDecision, kind: RefundType, falls: Money) -> str:
    if not refund.allowed:
        return refund.message
    mentee, amount = session.mentee.name, format_money(refund.amount)
    if refund.needs_approval:
        return f"{amount} for {mentee} wait for a second person to approve them."
    if kind is RefundType.BONUS:
        return f"{mentee} gets {amount} of credit at the platform's cost, used by itself at the next booking."
    credit = f", {format_money(Money(refund.split.credit_minor, session.currency))} of it as credit"
    part = credit if refund.split.credit_minor else ""
    share = f" {session.mentor.name}'s share falls by {format_money(falls)}." if falls.minor else ""
    return f"{mentee} gets {amount} back{part}.{share}"


def _button(refund: RefundDecision, kind: RefundType) -> str:
    amount = format_money(refund.amount)
    if refund.needs_approval:
        return f"Ask to give {amount} of credit" if kind is RefundType.BONUS else f"Ask to refund {amount}"
    return f"Give {amount} of credit" if kind is RefundType.BONUS else f"Refund {amount}"


def _rows(
    session: MentoringSession, refund: RefundDecision, kind: RefundType, falls: Money, *, notify_parties: bool
) -> list[PlanRow]:
    if not refund.allowed:
        return []
    told = "E-mail and notification" if notify_parties else "Is not told"
    waiting = " (waits for approval)" if refund.needs_approval else ""
    later = "Is told once it is approved" if refund.needs_approval and notify_parties else told
    bonus = kind is RefundType.BONUS
    found = [
        PlanRow(
            who=session.mentee.name,
            change=f"{'Credit' if bonus else 'Refund'}{waiting}",
            money=refund.amount,
            message=later,
        )
    ]
    if falls.minor:
        quiet = "Is not told" if not notify_parties else "Notification"
        found.append(PlanRow(who=session.mentor.name, change="Share falls", money=-falls, message=quiet))
    platform = refund.amount if bonus else refund.amount - falls
    if platform.minor:
        found.append(PlanRow(who="Platform", change="Bears it" if bonus else "Share falls", money=-platform))
    return found
