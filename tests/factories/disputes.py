"""Disputes in every state, brought there by the product's own actions."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from app.domain.vocabulary import DisputeCategory, DisputeResolution
from app.extensions import db
from app.http.evidence import evidence_folder
from app.models import MentoringSession, SessionDispute, User
from app.support.disputes.evidence import Upload
from app.support.disputes.handling import write_to_reporter
from app.support.disputes.outcomes import Wish
from app.support.disputes.reporting import report_problem
from app.support.disputes.resolving import resolve_dispute
from tests.factories.people import a_support_agent, ctx_of
from tests.factories.sessions import a_completed_session, fresh


def a_picture(name: str = "screen.png") -> Upload:
    """A small picture that can be read."""
    out = BytesIO()
    Image.new("RGB", (3, 3)).save(out, "PNG")
    return Upload(name, out.getvalue())


def a_dispute(
    session: MentoringSession | None = None, *, by: User | None = None, uploads: tuple[Upload, ...] = (), **words: Any
) -> SessionDispute:
    """What a party (the mentee, unless said otherwise) reported about a session, at the clock's time."""
    session = session or a_completed_session()
    return report_problem(
        session.id,
        **{
            "category": DisputeCategory.QUALITY,
            "reason": "It was not what was promised",
            "description": "We talked about the weather for half of the time.",
            "uploads": uploads,
            "folder": evidence_folder(),
            "ctx": ctx_of(by or session.mentee),
            **words,
        },
    )


def an_asked_dispute(session: MentoringSession | None = None, *, by: User | None = None) -> SessionDispute:
    """One that waits for its reporter."""
    dispute = a_dispute(session)
    ctx = ctx_of(by or a_support_agent())
    write_to_reporter(dispute.id, message="When did it begin?", awaits_answer=True, ctx=ctx)
    return fresh_dispute(dispute)


def a_resolved_dispute(session: MentoringSession | None = None, *, by: User | None = None) -> SessionDispute:
    """One that was looked into and closed without a step."""
    dispute = a_dispute(session)
    wish = Wish(outcome=DisputeResolution.NO_ACTION, notes="The log says that both were there.")
    resolve_dispute(dispute.id, wish=wish, fingerprint=None, ctx=ctx_of(by or a_support_agent()))
    return fresh_dispute(dispute)


def fresh_dispute(dispute: SessionDispute) -> SessionDispute:
    """The dispute as the database has it now."""
    return db.session.get_one(SessionDispute, dispute.id, populate_existing=True)


def session_of(dispute: SessionDispute) -> MentoringSession:
    """The dispute's session with its people."""
    return fresh(db.session.get_one(MentoringSession, dispute.session_id))
