"""Who is told about money, in the transaction that moves it. The mentee hears only what is true (MN-8)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.money import Money
from app.domain.vocabulary import NotificationType, RefundType, Role
from app.domain.wording import format_money
from app.extensions import db
from app.integrations.payments.base import ReturnKind
from app.messaging.links import REFUND_QUEUE, case_page, session_page
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, Refund, User


def tell_support(
    kind: NotificationType,
    *,
    title: str,
    body: str,
    session_id: UUID | None,
    ctx: Context,
    action_url: str | None = None,
    roles: tuple[Role, ...] = (Role.SUPPORT, Role.ADMIN),
    apart_from: UUID | None = None,
) -> None:
    """This function will put an entry into the notification centre of everybody in ``roles`` who can sign in."""
    for person in _staff(roles):
        if person.id != apart_from:
            notify(
                person.id, kind, title=title, body=body, action_url=action_url, session_id=session_id, ctx=ctx
            )  # fmt: skip


def _staff(roles: tuple[Role, ...]) -> Sequence[User]:
    wanted = (User.role.in_(roles), User.is_active, User.suspended_at.is_(None))
    return db.session.scalars(select(User).where(*wanted).order_by(User.id)).all()


def tell_refund_arrived(session: MentoringSession, refund: Refund, ctx: Context, *, by_bank: bool = False) -> None:
    """This function will tell the mentee that money went back, where to, unless the parties are not to be told.

    :param by_bank: whether we transferred it ourselves, because the gateway could not (MN-8)
    """
    if not refund.notify_parties:
        return
    amount = _money(refund)
    bonus = refund.type is RefundType.BONUS
    notify(
        session.mentee_id,
        NotificationType.REFUND_PROCESSED,
        title="Credit Added" if bonus else "Refund Processed",
        body=f"{amount} was added to your credit."
        if bonus
        else f"Your refund of {amount} {_where(refund, by_bank=by_bank)}.",
        action_url=session_page(session.id),
        session_id=session.id,
        ctx=ctx,
    )
    mentee = db.session.get(User, session.mentee_id)
    if mentee is not None and not bonus:
        send_mail(
            "refund_processed",
            mentee,
            facts={
                "refund_minor": refund.amount_minor,
                "credit_minor": refund.credit_minor or None,
                "by_bank": by_bank or None,
            },
            session=session,
            ctx=ctx,
            cause=f"refund:{refund.id}",
        )


def tell_refund_issued(session: MentoringSession, refund: Refund, ctx: Context) -> int:
    """This function will tell the mentee that staff gave money back, and the mentor that the share falls with it.

    Nobody is told of a refund that waits for a second person (MN-9), or when the parties are not to be told.

    :returns: how many messages were written
    """
    if not refund.notify_parties:
        return 0
    bonus = refund.type is RefundType.BONUS
    mentee = db.session.get_one(User, session.mentee_id)
    facts = {"refund_minor": refund.amount_minor, "reason": refund.reason, "is_credit": bonus or None}
    send_mail(
        "admin_refund_issued", mentee, facts=facts, session=session, ctx=ctx, cause=f"refund_issued:{refund.id}"
    )  # fmt: skip
    if bonus:
        return 2  # that credit was added is told by tell_refund_arrived, in the same moment
    _notify_of_refund(session.mentee_id, f"You get {_money(refund)} back for “{session.title}”.", session, ctx)
    _notify_of_refund(
        session.mentor_id,
        f"Support refunded {_money(refund)} for “{session.title}”. Your share of it falls in proportion.",
        session,
        ctx,
    )
    return 3


def _notify_of_refund(user_id: UUID, body: str, session: MentoringSession, ctx: Context) -> None:
    notify(
        user_id,
        NotificationType.ADMIN_REFUND,
        title="Refund Issued",
        body=body,
        action_url=session_page(session.id),
        session_id=session.id,
        ctx=ctx,
    )


def tell_share_fell(session: MentoringSession, share: Money, kind: ReturnKind, ctx: Context) -> None:
    """This function will tell the mentor that money was taken back which nobody here had decided about (MN-14)."""
    if share.minor <= 0:
        return
    what = "The payer's bank took back" if kind is ReturnKind.CHARGEBACK else "The payment company gave back"
    body = f"{what} what was paid for “{session.title}”. Your share falls by {format_money(share)}."
    _notify_of_refund(session.mentor_id, f"{body} Support is looking at it.", session, ctx)


def tell_refund_failed(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will tell support that a refund failed for good, with the gateway's words (MN-8)."""
    tell_support(
        NotificationType.REFUND_FAILED,
        title="A refund failed",
        body=f"{_money(refund)} for “{session.title}” did not go back. The gateway says: {refund.error}",
        session_id=session.id,
        action_url=f"{REFUND_QUEUE}?tab=failed",
        ctx=ctx,
    )
    facts = {"refund_minor": refund.amount_minor, "error": refund.error, "url": case_page(session.id)}
    for person in _staff((Role.SUPPORT, Role.ADMIN)):
        send_mail(
            "refund_failed", person, facts=facts, session=session, ctx=ctx,
            cause=f"refund_failed:{refund.id}:{refund.attempts}",
        )  # fmt: skip


def tell_refund_awaits(session: MentoringSession, refund: Refund, ctx: Context) -> None:
    """This function will ask the other admins to approve a refund (MN-9)."""
    tell_support(
        NotificationType.REFUND_AWAITING_APPROVAL,
        title="A refund awaits approval",
        body=f"{_money(refund)} for “{session.title}”. Reason: {refund.reason}",
        session_id=session.id,
        action_url=REFUND_QUEUE,
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


def _where(refund: Refund, *, by_bank: bool) -> str:
    way = "was transferred to your bank account" if by_bank else "went back to your means of payment"
    if refund.credit_minor == 0:
        return way
    if refund.credit_minor == refund.amount_minor:
        return "was added to your credit"
    credit = format_money(Money(refund.credit_minor, refund.currency))
    return f"{way}, {credit} of it to your credit"


def _money(refund: Refund) -> str:
    return format_money(Money(refund.amount_minor, refund.currency))
