"""Refunds, a payout and a finding that wait for somebody, for the pages on which staff decide about money."""

from __future__ import annotations

from app.domain.money import Money
from app.domain.vocabulary import RefundType
from app.extensions import db
from app.integrations.payments.base import GatewayRefund, GatewayRefundState
from app.models import MentoringSession, Payment, ReconciliationFinding, User
from app.money.outside import book_returns
from app.money.payouts import preview_payouts, record_payouts
from app.money.sending import record_refund_result
from app.support.manual_refund import manual_refund
from tests.factories.people import a_mentor, ctx_of
from tests.factories.sessions import a_completed_session, a_paid_session, sandbox


def money_to_decide(completed: MentoringSession, people: dict[str, User]) -> dict[str, object]:
    """A refund above the limit, a failed one, one made at the gateway by hand, a batch and the next one."""
    support, admin = ctx_of(people["support"]), ctx_of(people["admin"])
    dear = a_paid_session(mentor=a_mentor(rate_minor=90_000, name="Dora Dear"), at=_later(completed, 14))
    reason = "Half of the hour was lost to a fire drill, and the rest to finding the room again."

    def give(session: MentoringSession, minor: int, kind: RefundType) -> object:
        return manual_refund(
            session.id, type=kind, amount=Money(minor, session.currency), reason=reason, fingerprint=None, ctx=support
        ).refund_id

    waiting = give(dear, 90_000, RefundType.FULL)
    lost = a_paid_session(at=_later(completed, 15))
    failed = give(lost, 1_250, RefundType.PARTIAL)
    record_refund_result(failed, GatewayRefund(GatewayRefundState.FAILED, None, "The card was closed."), support)  # type: ignore[arg-type]
    reference = db.session.scalars(db.select(Payment.reference).where(Payment.session_id == lost.id)).one()
    sandbox().give_back(reference, 700)
    book_returns(reference, sandbox().returns_of(reference), support)
    give(completed, 4_000, RefundType.BONUS)
    none = Money(0, "EUR")
    seen = preview_payouts("EUR", minimum=none, ctx=admin).fingerprint
    record_payouts("EUR", minimum=none, reference="March", fingerprint=seen, reason="Monthly", ctx=admin)
    a_completed_session(at=_later(completed, 10))
    return {
        "waiting_refund": waiting,
        "failed_refund": failed,
        "finding": db.session.scalars(db.select(ReconciliationFinding.id)).one(),
    }


def _later(session: MentoringSession, hour: int) -> object:
    """A later workday at that hour."""
    assert session.scheduled_at is not None
    return session.scheduled_at.replace(day=15, hour=hour, minute=0)
