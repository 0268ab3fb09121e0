"""Give a session to another mentor (ACT-4): the ranked candidates, or any verified mentor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.admin.cases.acts import Act, Ask, Values
from app.booking.replacement import in_numbers
from app.domain.context import Context
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.models import MentoringSession
from app.support import reassign_session as reassigning

_OTHER: Final = "other"


def mentor_of(values: Values) -> UUID:
    """The candidate that was chosen, or whoever was searched for.

    :raises Invalid: on ``newMentorId``
    """
    text = values.get("newMentorId", "")
    if text == _OTHER:
        text = values.get("otherMentorId", "")
    try:
        return UUID(text)
    except ValueError:
        message = "Choose a mentor."
        raise Invalid(message, fields={"newMentorId": message}) from None


def asks_of(session: MentoringSession, ctx: Context) -> Sequence[Ask]:
    """The candidates as they are now; the best is chosen beforehand."""
    found = reassigning.candidates_for(session, ctx)
    return (
        Ask(
            name="newMentorId",
            label="Who takes it",
            kind="mentor",
            options=tuple((str(each.mentor_id), each.name, _sentence(in_numbers(each))) for each in found),
            value=str(found[0].mentor_id) if found else _OTHER,
        ),
        Ask(name="otherMentorId", label="Any verified mentor", kind="within", required=False),
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


REASSIGN: Final = Act(
    slug="reassign",
    action=reassigning.ACTION,
    label="Give it to another mentor",
    note="At its time and price; earnings, room and calendars follow",
    icon="person-lines-fill",
    key="a",
    permission=Permission.SESSION_REASSIGN,
    decide=reassigning.decide_reassign,
    preview=lambda session_id, values, notify, ctx: reassigning.preview_reassign(
        session_id, to=mentor_of(values), notify_parties=notify, ctx=ctx
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        reassigning.reassign_session(
            session_id,
            to=mentor_of(values),
            reason=reason,
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="Another mentor has it",
    asks_for=asks_of,
    reasons=("The mentor asked for it", "The mentor is ill", "Trouble on our side"),
    reason_label="Reason, which the mentee will read",
)
