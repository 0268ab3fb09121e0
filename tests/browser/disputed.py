"""Disputes for the furnished product: one whose reporter is asked, one that is late, one that is closed."""

from __future__ import annotations

from datetime import timedelta

from app.domain.vocabulary import DisputeCategory
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, SessionDispute, User
from app.support.disputes.evidence import Upload
from app.support.disputes.handling import comment_on_dispute, write_to_reporter
from tests.factories.disputes import a_dispute, a_picture, a_resolved_dispute
from tests.factories.people import ctx_of

_LONG = "The mentor left after ten minutes <b>without</b> a word and did not answer any of my three messages 🚨"


def disputes_of(
    completed: MentoringSession, ended: MentoringSession, cancelled: MentoringSession, people: dict[str, User]
) -> dict[str, object]:
    """What the placeholders of their addresses stand for."""
    support = ctx_of(people["support"])
    files = (
        a_picture("A screenshot with a name that is rather long for a list of files.png"),
        Upload("log.txt", b"10:00"),
    )
    asked = a_dispute(completed, reason=_LONG, category=DisputeCategory.NO_SHOW, uploads=files)
    comment_on_dispute(asked.id, comment="The join log says the same.", ctx=support)
    write_to_reporter(asked.id, message="When did you send the messages?", awaits_answer=True, ctx=support)
    late = a_dispute(ended, by=ended.mentor, category=DisputeCategory.BEHAVIOR)
    a_resolved_dispute(cancelled, by=people["support"])
    with transaction():
        row = db.session.get_one(SessionDispute, late.id)
        row.first_response_due_at = row.breached_at = support.now - timedelta(hours=2)
    return {"dispute": asked.id, "late": late.id}
