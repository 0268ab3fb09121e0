"""Now and then support makes up for something: a part back, or credit for the next time (ACT-3)."""

from __future__ import annotations

from uuid import UUID

from app.domain.context import Context
from app.domain.money import Money
from app.domain.vocabulary import RefundType
from app.extensions import db
from app.models import MentoringSession
from app.support.manual_refund import manual_refund

EVERY = 23
_REASON = "The sound kept breaking up; the mentor confirms it."


def make_up_for_it(session_id: UUID, *, as_credit: bool, ctx: Context) -> bool:
    """This function will give a third of the price back, or as credit; False where there was none."""
    session = db.session.get_one(MentoringSession, session_id)
    amount = Money(session.rate_minor // 3, session.currency)
    if amount.minor == 0:
        return False
    kind = RefundType.BONUS if as_credit else RefundType.PARTIAL
    manual_refund(session_id, type=kind, amount=amount, reason=_REASON, fingerprint=None, ctx=ctx)
    return True
