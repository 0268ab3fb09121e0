"""Who is told about money, in the transaction that moves it. The mentee hears only what is true (MN-8)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.money import Money
from app.domain.vocabulary import NotificationType, RefundType, Role
from app.domain.wording import format_money
from app.extensions import db
from app.messaging.links import session_page
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, Refund, User


def tell_support(
    kind: NotificationType,
    *,
    title: str,
    body: str,
    session_id: UUID,
    ctx: Context,
    roles: tuple[Role, ...] = (Role.SUPPORT, Role.ADMIN),
    apart_from: UUID | None = None,
) -> None:
    """This function will put an entry into the notification centre of everybody in ``roles`` who can sign in."""
    staff = db.session.scalars(
        select(User.id).where(User.role.in_(roles), User.is_active, User.suspended_at.is_(None)).order_by(User.id)
    )
    for user_id in staff:
        if user_id != apart_from:
            notify(user_id, kind, title=title, body=body, session_id=session_id, ctx=ctx)


def tell_refund_arrived(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will tell the mentee that money went back, where to, unless the parties are not to be told."""
    if not refund.notify_parties:
        return
    amount = _money(refund)
    bonus = refund.type is RefundType.BONUS
    notify(
        session.mentee_id,
        NotificationType.REFUND_PROCESSED,
        title="Credit Added" if bonus else "Refund Processed",
        body=f"{amount} was added to your credit." if bonus else f"Your refund of {amount} {_where(refund)}.",
        action_url=session_page(session.id),
        session_id=session.id,
        ctx=ctx,
    )
    mentee = db.session.get(User, session.mentee_id)
    if mentee is not None and not bonus:
        send_mail(
            "refund_processed",
            mentee,
            facts={"refund_minor": refund.amount_minor},
            session=session,
            ctx=ctx,
            cause=f"refund:{refund.id}",
        )


def tell_refund_failed(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will tell support that a refund failed for good, with the gateway's words (MN-8)."""
    tell_support(
        NotificationType.REFUND_FAILED,
        title="A refund failed",
        body=f"{_money(refund)} for “{session.title}” did not go back. The gateway says: {refund.error}",
        session_id=session.id,
        ctx=ctx,
    )


def tell_refund_awaits(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will ask the other admins to approve a refund (MN-9)."""
    tell_support(
        NotificationType.REFUND_AWAITING_APPROVAL,
        title="A refund awaits approval",
        body=f"{_money(refund)} for “{session.title}”. Reason: {refund.reason}",
        session_id=session.id,
        ctx=ctx,
        roles=(Role.ADMIN,),
        apart_from=refund.requested_by,
    )


def tell_paid_twice(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will tell the mentee that a payment was not needed and is going back whole (MN-1)."""
    notify(
        session.mentee_id,
        NotificationType.PAYMENT_RECEIVED,
        title="Payment Returned",
        body=f"We received {_money(refund)} that this session did not need. All of it is on its way back to you.",
        action_url=session_page(session.id),
        session_id=session.id,
        ctx=ctx,
    )


def _where(refund: Refund) -> str:
    if refund.credit_minor == 0:
        return "went back to your means of payment"
    if refund.credit_minor == refund.amount_minor:
        return "was added to your credit"
    credit = format_money(Money(refund.credit_minor, refund.currency))
    return f"went back to your means of payment, {credit} of it to your credit"


def _money(refund: Refund) -> str:
    return format_money(Money(refund.amount_minor, refund.currency))
