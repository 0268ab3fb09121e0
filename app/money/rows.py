"""The money rows of one session, locked, and the facts that the rules ask for.

Lock order: the caller holds the people and the session; payments come next, then refunds, each by id; accounts are only
ever added to. Whoever keeps to it cannot deadlock with another who does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from app.domain.errors import NotFound
from app.domain.ledger import Terms
from app.domain.refunds import PaidFacts
from app.domain.vocabulary import PaymentState, PaymentStatus, ReassignmentStatus, RefundState, RefundStatus
from app.extensions import db
from app.foundation.policies import policies_for
from app.models import MentoringSession, Payment, Refund
from app.money.ledger import earner_of

# Why a captured payment does not count for its session and goes back whole.
PAID_TWICE = "paid_twice"
CREDIT_GONE = "credit_gone"
UNWANTED = frozenset({PAID_TWICE, CREDIT_GONE})

# Decided: the money is on its way, has arrived, or is still owed because the gateway failed.
DECIDED = frozenset({RefundState.PENDING, RefundState.PROCESSED, RefundState.FAILED})


@dataclass(frozen=True, slots=True)
class MoneyRows:
    """All payments and refunds of one session, oldest first."""

    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]

    @property
    def paid_by(self) -> Payment | None:
        """The captured payment that counts; there is at most one."""
        return next((payment for payment in self.payments if counts(payment)), None)

    @property
    def open_payment(self) -> Payment | None:
        return next((payment for payment in self.payments if payment.status is PaymentState.INITIATED), None)

    @property
    def waits_for_approval(self) -> bool:
        return any(refund.status is RefundState.AWAITING_APPROVAL for refund in self._shared())

    @property
    def paid_minor(self) -> int:
        return self.paid_by.amount_minor + self.paid_by.credit_minor if self.paid_by else 0

    @property
    def net_minor(self) -> int:
        """What was paid less every refund that is decided: what the two shares are made of (MN-5)."""
        return self.paid_minor - sum(refund.amount_minor for refund in self.decided())

    def decided(self) -> list[Refund]:
        """Refunds of the payment that counts which nobody has to agree to any more."""
        return [refund for refund in self._shared() if refund.status in DECIDED]

    def _shared(self) -> list[Refund]:
        payment = self.paid_by
        return [refund for refund in self.refunds if payment is not None and refund.payment_id == payment.id]

    def facts(self, currency: str) -> PaidFacts:
        """The facts of the refund rules (MN-6, MN-7, MN-9)."""
        payment = self.paid_by
        # A failed refund is still owed and is retried under its own key; not to count it would allow to pay it twice.
        live = [refund for refund in self._shared() if refund.status is not RefundState.DECLINED]
        by_staff = [r for r in self.refunds if r.by_staff and r.status is not RefundState.DECLINED]
        return PaidFacts(
            currency=currency,
            paid_gateway_minor=payment.amount_minor if payment else 0,
            paid_credit_minor=payment.credit_minor if payment else 0,
            refunded_gateway_minor=sum(refund.amount_minor - refund.credit_minor for refund in live),
            refunded_credit_minor=sum(refund.credit_minor for refund in live),
            staff_decided_minor=sum(refund.amount_minor for refund in by_staff),
        )


def counts(payment: Payment) -> bool:
    """Whether a payment is captured and stays with its session."""
    return payment.status is PaymentState.SUCCEEDED and payment.flagged_reason not in UNWANTED


_READ = (
    select(Payment)
    .where(Payment.session_id == bindparam("session_id"))
    .order_by(Payment.id)
    .execution_options(populate_existing=True),
    select(Refund)
    .where(Refund.session_id == bindparam("session_id"))
    .order_by(Refund.id)
    .execution_options(populate_existing=True),
)
_LOCKED = (_READ[0].with_for_update(), _READ[1].with_for_update())


def lock_rows(session: MentoringSession) -> MoneyRows:
    """This function will lock and read a locked session's payments and refunds as they are now."""
    db.session.flush()
    return _read(session.id, lock=True)


def read_rows(session_id: UUID) -> MoneyRows:
    """The payments and refunds of a session, for a page."""
    return _read(session_id, lock=False)


def read_rows_of(session_ids: Sequence[UUID]) -> dict[UUID, MoneyRows]:
    """The same of many sessions, in two statements."""
    payments: dict[UUID, list[Payment]] = {session_id: [] for session_id in session_ids}
    refunds: dict[UUID, list[Refund]] = {session_id: [] for session_id in session_ids}
    for payment in db.session.scalars(select(Payment).where(Payment.session_id.in_(session_ids))):
        payments[payment.session_id].append(payment)
    for refund in db.session.scalars(select(Refund).where(Refund.session_id.in_(session_ids))):
        refunds[refund.session_id].append(refund)
    return {session_id: _in_order(payments[session_id], refunds[session_id]) for session_id in session_ids}


def _in_order(payments: Iterable[Payment], refunds: Iterable[Refund]) -> MoneyRows:
    return MoneyRows(
        tuple(sorted(payments, key=lambda payment: (payment.created_at, payment.id))),
        tuple(sorted(refunds, key=lambda refund: (refund.created_at, refund.id))),
    )


def _read(session_id: UUID, *, lock: bool) -> MoneyRows:
    payments, refunds = _LOCKED if lock else _READ
    found_payments = db.session.scalars(payments, {"session_id": session_id})
    found_refunds = db.session.scalars(refunds, {"session_id": session_id})
    return _in_order(found_payments, found_refunds)


def lock_session(session_id: UUID) -> MentoringSession:
    """This function will lock one session, for work that no person's calendar has a part in.

    :raises NotFound: there is none
    """
    session = db.session.scalars(
        select(MentoringSession)
        .where(MentoringSession.id == session_id)
        .with_for_update(of=MentoringSession)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if session is None:
        raise NotFound
    return session


def terms_of(session: MentoringSession) -> Terms:
    """What a session's money depends on; the share is the one promised when it was booked (POL-5).

    The mentor is the one who has the earnings: a new one has them from the mentee's acceptance on (MN-14). Where the
    mentee never accepted anybody nobody earns: the mentor who gave the session up is paid nothing (CX-4).
    """
    return Terms(
        mentor_id=earner_of(session),
        mentee_id=session.mentee_id,
        currency=session.currency,
        mentor_percentage=0 if is_nobodys(session) else policies_for(session).values.mentor_share_percentage,
    )


def is_nobodys(session: MentoringSession) -> bool:
    """Whether the session ended between two mentors, so that neither earns of it."""
    return session.reassignment_status is ReassignmentStatus.REJECTED


def keep_summary(session: MentoringSession, rows: MoneyRows) -> None:
    """This function will write what the rows say into the session's own columns: refunds, and paid or not.

    A session counts as refunded once the money has gone back, not when that was decided.
    """
    decided = rows.decided()
    session.refund_amount_minor = sum(refund.amount_minor for refund in decided)
    session.refund_status = _refund_status({refund.status for refund in decided})
    if decided:
        session.refund_percentage = _percentage(decided, rows.paid_minor)
    if rows.paid_by is not None:
        gone = sum(refund.amount_minor for refund in decided if refund.status is RefundState.PROCESSED)
        session.payment_status = _payment_status(gone, rows.paid_minor)


def _refund_status(states: set[RefundState]) -> RefundStatus:
    for state, summary in (
        (RefundState.FAILED, RefundStatus.FAILED),
        (RefundState.PENDING, RefundStatus.PENDING),
        (RefundState.PROCESSED, RefundStatus.PROCESSED),
    ):
        if state in states:
            return summary
    return RefundStatus.NONE


def _payment_status(gone_minor: int, paid_minor: int) -> PaymentStatus:
    if gone_minor == 0:
        return PaymentStatus.PAID
    return PaymentStatus.REFUNDED if gone_minor >= paid_minor else PaymentStatus.PARTIALLY_REFUNDED


def _percentage(decided: list[Refund], paid_minor: int) -> int:
    targets = [refund.percentage for refund in decided if refund.percentage is not None]
    if len(targets) == len(decided):
        return max(targets)  # each is a target for the whole, and only a higher one makes a new refund
    total = sum(refund.amount_minor for refund in decided)
    return (total * 200 + paid_minor) // (paid_minor * 2)
