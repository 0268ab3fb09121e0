"""A mentee's credit: how much, and where it came from and went (MN-7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, render_template

from app.domain.ledger import LedgerEvent
from app.domain.permissions import Permission
from app.http.context import current_actor
from app.http.login import requires
from app.messaging.links import CREDIT
from app.money.credit import credit_history, credits_of
from app.web.asking import page_arg, url_with

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("credit", __name__)

_LINES: Final = 30
_WORDS: Final = {
    LedgerEvent.GOODWILL: "A gift from us",
    LedgerEvent.GOODWILL_WITHDRAWN: "Taken back",
    LedgerEvent.PAYMENT: "Paid for",
    LedgerEvent.REFUND_PROCESSED: "Refunded",
}


@bp.get(CREDIT)
@requires(Permission.OWN_BOOKING_PAY)
def page() -> ResponseReturnValue:
    mentee_id = current_actor().user_id
    assert mentee_id is not None  # `requires` has let a mentee in
    number = page_arg()
    lines = credit_history(mentee_id, limit=_LINES + 1, offset=(number - 1) * _LINES)
    return render_template(
        "mentee/credit.html",
        credits=credits_of(mentee_id),
        lines=lines[:_LINES],
        has_more=len(lines) > _LINES,
        page=number,
        words=_WORDS,
        url_with=url_with,
    )
