"""To the gateway's page and back; what the gateway says is asked of the gateway, never read from the address (BK-3)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for

from app.booking.access import load_session_for
from app.booking.pay import settle_payment, start_checkout
from app.domain.errors import Conflict, NotFound, ProviderFailed
from app.domain.permissions import Permission
from app.domain.requests import LatePayment
from app.domain.vocabulary import PaymentState, PaymentStatus, SessionStatus
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.errors import refused
from app.http.limits import limit_booking
from app.http.login import requires
from app.messaging.links import PAYMENT_RETURN
from app.money.payments import UNWANTED, PaymentOutcome, find_payment

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.models import MentoringSession

bp = Blueprint("checkout", __name__)
_log = structlog.get_logger(__name__)


class Stand(StrEnum):
    """How a payment stands, as the mentee has to know it."""

    PAID = "paid"
    REVIVED = "revived"
    WAITING = "waiting"
    DECLINED = "declined"
    LATE = "late"
    LOOKED_AT = "looked_at"


def pay_page(session_id: UUID) -> ResponseReturnValue:
    """Off to the payment page; when credit covered everything, to what follows the payment.

    :raises DomainError: as ``start_checkout``
    """
    checkout = start_checkout(
        session_id,
        gateway=adapters().gateway,
        return_url=current_app.config["PUBLIC_URL"] + PAYMENT_RETURN,
        ctx=current_context(),
    )
    return redirect(checkout.authorization_url or url_for("mentee.booked", session_id=session_id), 303)


@bp.post("/sessions/<uuid:session_id>/pay")
@requires(Permission.OWN_BOOKING_PAY)
@limit_booking
def pay(session_id: UUID) -> ResponseReturnValue:
    """Open the payment page of a booking, or the one that is open already."""
    try:
        return pay_page(session_id)
    except (Conflict, ProviderFailed) as error:
        return refused(error, url_for("sessions.page", session_id=session_id))


@bp.get(PAYMENT_RETURN)
@requires(Permission.OWN_BOOKING_PAY)
def returned() -> ResponseReturnValue:
    """Where the gateway sends the mentee back to. The address says which payment; the gateway says how it stands."""
    reference = request.args.get("reference", "")
    payment = find_payment(reference) if reference.isprintable() else None
    if payment is None:
        raise NotFound
    session_id = load_session_for(current_context(), payment.session_id).id
    try:
        settled = settle_payment(reference, gateway=adapters().gateway, ctx=current_context())
    except ProviderFailed:
        # The webhook and the clock ask again; the mentee can wait here or go away.
        _log.warning("gateway_silent_on_return", reference=reference)
        outcome, became = PaymentOutcome.PENDING, None
    else:
        outcome, became = settled.payment, settled.became
    session = load_session_for(current_context(), session_id)
    stand = _stand(session, reference, outcome, became)
    if stand in {Stand.PAID, Stand.REVIVED} and session.status is SessionStatus.SCHEDULED:
        if stand is Stand.REVIVED:
            flash("Your payment came late, but the time was still free: it is yours.", "success")
        return redirect(url_for("mentee.booked", session_id=session.id), 303)
    return render_template("mentee/returned.html", session=session, stand=stand.value, reference=reference)


def _stand(session: MentoringSession, reference: str, outcome: PaymentOutcome, became: LatePayment | None) -> Stand:
    if became is LatePayment.REVIVES:
        return Stand.REVIVED
    if became is LatePayment.REFUNDED or outcome is PaymentOutcome.DUPLICATE:
        return Stand.LATE
    payment = find_payment(reference)
    flag = payment.flagged_reason if payment else None
    if flag and flag not in UNWANTED:
        return Stand.LOOKED_AT
    if payment is None or payment.status is PaymentState.INITIATED:
        return Stand.WAITING
    if payment.status is not PaymentState.SUCCEEDED:
        return Stand.DECLINED
    is_kept = session.payment_status is PaymentStatus.PAID and session.status is not SessionStatus.EXPIRED
    return Stand.PAID if is_kept and not flag else Stand.LATE
