"""Telling that the other side did not come (NS-1)."""

from __future__ import annotations

from uuid import UUID

from app.api.booking_answers import BookingTold
from app.api.booking_reading import done_once
from app.api.bookings import TAG
from app.api.schema import api
from app.booking.no_show import report_no_show
from app.domain.permissions import Permission


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/no-show",
    tag=TAG,
    summary="Report that the other side did not come",
    needs=Permission.OWN_SESSION_REPORT_NO_SHOW,
    answer=BookingTold,
    is_idempotent=True,
    refusals={
        409: (
            "`party_joined`: the join log shows the other side; `reporter_not_joined`: it does not show you; "
            "`not_confirmed`; `invalid_transition`: it is over; `busy`"
        ),
        422: "`policy_refused`: the grace after the start is not over",
    },
)
def report_absence(session_id: UUID) -> BookingTold:
    """It always means the other side.

    An absent mentee gets nothing back and the mentor is paid; for an absent mentor everything goes back.
    `GET …/decisions` says beforehand what would follow.
    """
    return done_once("no-show", session_id, None, lambda ctx: report_no_show(session_id, ctx=ctx))
