"""What the parties do: report a problem, add to it, answer support's questions (DSP-1, DSP-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from app.booking import why
from app.booking.access import load_for_change, load_session_for
from app.booking.cancel import party_of
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.dispute_clock import deadlines_after_waiting, first_deadlines
from app.domain.disputes import (
    DESCRIPTION_LENGTH,
    MESSAGE_LENGTH,
    MOST_FILES,
    OPEN_DISPUTES,
    REASON_LENGTH,
    decide_answer,
    decide_more_files,
    decide_report,
    decide_words,
    first_priority,
)
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeResolution, DisputeStatus, SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import DisputeComment, EvidenceFile, MentoringSession, SessionDispute
from app.support.disputes import telling
from app.support.disputes.evidence import Upload, attach, count_files, kept_files
from app.support.disputes.loading import clock_of, current_targets, lock_dispute, touch


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the talk between support and the reporter."""

    at: datetime
    is_mine: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDispute:
    """A report as its reporter reads it; what staff say among themselves is not in it.

    :param is_asked: support waits for an answer
    :param outcome: what was decided; None while nothing is
    """

    id: UUID
    category: DisputeCategory
    reason: str
    description: str
    status: DisputeStatus
    priority: DisputePriority
    created_at: datetime
    resolved_at: datetime | None
    outcome: DisputeResolution | None
    is_asked: bool
    messages: Sequence[Message]
    files: Sequence[EvidenceFile]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_DISPUTES

    @property
    def files_left(self) -> int:
        return max(0, MOST_FILES - len(self.files)) if self.is_open else 0


def decide_for(session: MentoringSession, ctx: Context) -> Decision:
    """Whether the caller may report a problem with this session now: what the form shows and the action obeys."""
    has_open = db.session.scalar(
        select(SessionDispute.id)
        .where(
            SessionDispute.session_id == session.id,
            SessionDispute.reported_by == ctx.actor.user_id,
            SessionDispute.status.in_(OPEN_DISPUTES),
        )
        .limit(1)
    )
    return decide_knowing(session, has_open=has_open is not None, ctx=ctx)


def decide_knowing(session: MentoringSession, *, has_open: bool, ctx: Context) -> Decision:
    """The same for a page that has read the caller's reports already."""
    return decide_report(
        status=session.status,
        ended_at=_end_of(session),
        has_open=has_open,
        policies=policies_for(session).values,
        now=ctx.now,
    )


def report_problem(
    session_id: UUID,
    *,
    category: DisputeCategory,
    reason: str,
    description: str,
    uploads: Sequence[Upload] = (),
    folder: Path,
    ctx: Context,
) -> SessionDispute:
    """This function will open a dispute for the signed-in party, with up to five files (DSP-1).

    :param folder: where evidence lies, outside of what the web server hands out
    :raises NotFound: for those who may not know of the session
    :raises Conflict: there is nothing to report yet, or a report of theirs is open
    :raises Refused: the time in which it can be reported has passed
    :raises Invalid: a text or a file cannot be used
    """
    require(ctx.actor, Permission.OWN_DISPUTE_OPEN)
    # Whoever may not know of the session learns nothing from what is wrong with their words.
    load_session_for(ctx, session_id)
    texts = {"reason": _clean(reason, one_line=True), "description": _clean(description)}
    decide_words(texts, {"reason": REASON_LENGTH, "description": DESCRIPTION_LENGTH}).require()
    decide_more_files(0, len(uploads)).require()
    with kept_files(uploads, folder) as files, transaction():
        session = load_for_change(ctx, session_id)
        party = party_of(session, ctx)
        decision = decide_for(session, ctx)
        why.require(decision, session=session, kind="dispute", ctx=ctx)
        priority = first_priority(category, session.status)
        deadlines = first_deadlines(priority, ctx.now, current_targets())
        dispute = SessionDispute(
            id=uuid4(),
            session_id=session.id,
            reported_by=ctx.actor.user_id,
            reporter_role=party,
            category=category,
            **texts,
            evidence=[],
            status=DisputeStatus.OPEN,
            priority=priority,
            created_at=ctx.now,
            updated_at=ctx.now,
            first_response_due_at=deadlines.answer,
            resolution_due_at=deadlines.resolution,
            waited_seconds=0,
            escalation_level=0,
            version=1,
        )
        db.session.add(dispute)
        db.session.flush()  # the files refer to it
        attach(dispute, files, ctx)
        _record(session, dispute, "dispute_opened", ctx, category=category, files=len(files))
        reporter = session.mentee if ctx.actor.user_id == session.mentee_id else session.mentor
        telling.opened(dispute, session, reporter, ctx)
    return dispute


def answer_support(
    dispute_id: UUID,
    *,
    session_id: UUID,
    message: str,
    uploads: Sequence[Upload] = (),
    folder: Path,
    ctx: Context,
) -> SessionDispute:
    """This function will add the reporter's words and files to an open report; a question is answered by it (DSP-2).

    The clock that stood still goes on.

    :raises NotFound: there is no such report of theirs
    :raises Conflict: it is closed
    :raises Invalid: the text or a file cannot be used
    """
    require(ctx.actor, Permission.OWN_DISPUTE_OPEN)
    _require_own(dispute_id, session_id, ctx)
    text = _clean(message)
    if text or not uploads:
        decide_words({"message": text}, {"message": MESSAGE_LENGTH}).require()
    with kept_files(uploads, folder) as files, transaction():
        dispute, session = lock_dispute(dispute_id, ctx)
        decide_answer(dispute.status, is_asked=dispute.waiting_since is not None).require()
        decide_more_files(count_files(dispute.id), len(uploads)).require()
        attach(dispute, files, ctx)
        if text:
            db.session.add(
                DisputeComment(
                    id=uuid4(),
                    dispute_id=dispute.id,
                    author_id=ctx.actor.user_id,
                    body=text,
                    is_internal=False,
                    created_at=ctx.now,
                )
            )
        if dispute.waiting_since is not None:
            _go_on(dispute, ctx)
        touch(dispute, ctx)
        _record(session, dispute, "dispute_answered", ctx, files=len(files))
        telling.answered(dispute, ctx)
    return dispute


def own_disputes(session_id: UUID, *, ctx: Context) -> list[OwnDispute]:
    """The caller's own reports on a session, newest first, in three statements at most; none of anybody else's."""
    rows = db.session.scalars(
        select(SessionDispute)
        .where(SessionDispute.session_id == session_id, SessionDispute.reported_by == ctx.actor.user_id)
        .order_by(SessionDispute.created_at.desc(), SessionDispute.id)
    ).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    messages = db.session.scalars(
        select(DisputeComment)
        .where(DisputeComment.dispute_id.in_(ids), DisputeComment.is_internal.is_(False))
        .order_by(DisputeComment.created_at, DisputeComment.id)
    ).all()
    files = db.session.scalars(
        select(EvidenceFile)
        .where(EvidenceFile.dispute_id.in_(ids))
        .order_by(EvidenceFile.created_at, EvidenceFile.original_name)
    ).all()
    return [_told(row, messages, files, ctx) for row in rows]


def _told(
    row: SessionDispute, messages: Sequence[DisputeComment], files: Sequence[EvidenceFile], ctx: Context
) -> OwnDispute:
    return OwnDispute(
        id=row.id,
        category=row.category,
        reason=row.reason,
        description=row.description,
        status=row.status,
        priority=row.priority,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
        # What waits for a second person is no outcome yet (MN-9).
        outcome=row.resolution_action if row.status is DisputeStatus.RESOLVED else None,
        is_asked=row.waiting_since is not None,
        messages=[
            Message(one.created_at, one.author_id == ctx.actor.user_id, one.body)
            for one in messages
            if one.dispute_id == row.id
        ],
        files=[one for one in files if one.dispute_id == row.id],
    )


def _require_own(dispute_id: UUID, session_id: UUID, ctx: Context) -> None:
    owner = db.session.scalar(
        select(SessionDispute.reported_by).where(
            SessionDispute.id == dispute_id, SessionDispute.session_id == session_id
        )
    )
    if owner is None or owner != ctx.actor.user_id:
        raise NotFound


def _go_on(dispute: SessionDispute, ctx: Context) -> None:
    assert dispute.waiting_since is not None
    deadlines = deadlines_after_waiting(clock_of(dispute), ctx.now)
    dispute.first_response_due_at, dispute.resolution_due_at = deadlines.answer, deadlines.resolution
    dispute.waited_seconds += int((ctx.now - dispute.waiting_since).total_seconds())
    dispute.waiting_since = None


def _end_of(session: MentoringSession) -> datetime | None:
    """From when the time to report counts: the end, planned or real, or the moment it was cancelled."""
    if session.status is SessionStatus.CANCELLED:
        return session.cancelled_at
    planned = session.scheduled_at + timedelta(minutes=session.duration) if session.scheduled_at else None
    return session.ended_at or planned


def _record(session: MentoringSession, dispute: SessionDispute, action: str, ctx: Context, **details: object) -> None:
    audit.record(session, action=action, ctx=ctx, details={"dispute_id": dispute.id, **details})


def _clean(text: str, *, one_line: bool = False) -> str:
    plain = text.replace("\0", "").replace("\r\n", "\n").strip()
    return " ".join(plain.split()) if one_line else plain
