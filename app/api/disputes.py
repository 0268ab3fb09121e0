"""Problems as their reporters tell them: reported, added to, answered (DSP-1, DSP-2)."""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Response
from pydantic import Field

from app.api.bookings import TAG
from app.api.fields import Given, Instant, Told
from app.api.schema import api, idempotency_key
from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.disputes import DESCRIPTION_LENGTH, MESSAGE_LENGTH, MOST_FILES, REASON_LENGTH
from app.domain.errors import Invalid, NotFound
from app.domain.permissions import Permission
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeResolution, DisputeStatus
from app.foundation.idempotency import once
from app.http.bodies import takes_up_to
from app.http.context import current_context
from app.http.evidence import LARGEST_FILE_FORM, evidence_folder, hand_out, uploads_of
from app.http.limits import limit_upload
from app.support.disputes.evidence import own_evidence
from app.support.disputes.reporting import OwnDispute, answer_support, own_disputes, report_problem

_FILE = "file"
_RULE = "/bookings/<uuid:session_id>/disputes"
_ONE = f"{_RULE}/<uuid:dispute_id>"
_CLOSED = {409: "`dispute_closed`: it is resolved or dismissed; `busy`"}


class NewDispute(Given):
    category: DisputeCategory = Field(examples=["no_show"])
    reason: str = Field(
        min_length=REASON_LENGTH[0], max_length=REASON_LENGTH[1], description="In one line.", examples=["Nobody came"]
    )
    description: str = Field(
        min_length=DESCRIPTION_LENGTH[0],
        max_length=DESCRIPTION_LENGTH[1],
        description="When, who, and what you would like support to do.",
        examples=["I waited for half an hour, and nobody joined."],
    )


class DisputeReply(Given):
    message: str = Field(min_length=MESSAGE_LENGTH[0], max_length=MESSAGE_LENGTH[1], examples=["It began at ten."])


class MessageTold(Told):
    at: Instant
    is_mine: bool = Field(description="Otherwise support wrote it.")
    message: str


class FileTold(Told):
    id: UUID
    name: str
    content_type: str
    size_bytes: int
    created_at: Instant


class DisputeTold(Told):
    """A report as its reporter reads it."""

    id: UUID
    category: DisputeCategory
    reason: str
    description: str
    status: DisputeStatus
    priority: DisputePriority
    created_at: Instant
    resolved_at: Instant | None
    outcome: DisputeResolution | None = Field(description="What was decided; null while nothing is, or when dismissed.")
    is_asked: bool = Field(description="Support waits for an answer.")
    messages: list[MessageTold]
    evidence: list[FileTold]


class DisputesTold(Told):
    disputes: list[DisputeTold]


@api.declare(
    "POST",
    _RULE,
    tag=TAG,
    summary="Report a problem with a session",
    needs=Permission.OWN_DISPUTE_OPEN,
    body=NewDispute,
    answer=DisputeTold,
    status=201,
    is_idempotent=True,
    limit=limit_upload,
    refusals={
        409: "`dispute_open`: a report of yours is open; `not_reportable`: there is nothing to report yet; `busy`",
        422: "`policy_refused`: the time in which it can be reported has passed",
    },
)
def report_dispute(session_id: UUID, body: NewDispute) -> DisputeTold:
    """Only support reads it. Files are added with `POST …/disputes/{disputeId}/evidence`."""
    ctx = current_context()

    def run() -> dict[str, object]:
        made = report_problem(
            session_id,
            category=body.category,
            reason=body.reason,
            description=body.description,
            folder=evidence_folder(),
            ctx=ctx,
        )
        return {"id": made.id}

    result, _ = once(
        idempotency_key(), scope=f"dispute {session_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run
    )
    return _told(_own(session_id, UUID(result["id"]), ctx))


@api.declare(
    "GET",
    _RULE,
    tag=TAG,
    summary="Your reports about a session",
    needs=Permission.OWN_DISPUTE_OPEN,
    answer=DisputesTold,
)
def list_own_disputes(session_id: UUID) -> DisputesTold:
    """Newest first. What the other party reported is not told."""
    ctx = current_context()
    load_session_for(ctx, session_id)
    return DisputesTold(disputes=[_told(each) for each in own_disputes(session_id, ctx=ctx)])


@api.declare(
    "POST",
    f"{_ONE}/answers",
    tag=TAG,
    summary="Answer support, or add something",
    needs=Permission.OWN_DISPUTE_OPEN,
    body=DisputeReply,
    answer=DisputeTold,
    is_idempotent=True,
    limit=limit_upload,
    refusals=_CLOSED,
)
def answer_dispute(session_id: UUID, dispute_id: UUID, body: DisputeReply) -> DisputeTold:
    ctx = current_context()

    def run() -> dict[str, object]:
        answer_support(dispute_id, session_id=session_id, message=body.message, folder=evidence_folder(), ctx=ctx)
        return {}

    once(idempotency_key(), scope=f"dispute answer {dispute_id}", body=body.model_dump(), ctx=ctx, run=run)
    return _told(_own(session_id, dispute_id, ctx))


@api.declare(
    "POST",
    f"{_ONE}/evidence",
    tag=TAG,
    summary="Add a file to a report",
    needs=Permission.OWN_DISPUTE_OPEN,
    file=_FILE,
    answer=DisputeTold,
    status=201,
    limit=limit_upload,
    is_idempotent=True,
    refusals={**_CLOSED, 413: "`too_large`: a file may have at most 10 MB"},
)
@takes_up_to(LARGEST_FILE_FORM)
def add_evidence(session_id: UUID, dispute_id: UUID) -> DisputeTold:
    """A picture (JPEG, PNG, WebP, GIF), a PDF or plain text, told by its content; five in all."""
    ctx = current_context()
    # Whoever does not own it learns nothing from what is wrong with their file.
    _own(session_id, dispute_id, ctx)
    uploads = uploads_of(_FILE)
    if len(uploads) != 1:
        message = f"Send one file, in the field {_FILE}, as multipart/form-data; {MOST_FILES} in all."
        raise Invalid(message, fields={_FILE: message})

    def run() -> dict[str, object]:
        answer_support(
            dispute_id, session_id=session_id, message="", uploads=uploads, folder=evidence_folder(), ctx=ctx
        )
        return {}

    sent = {"name": uploads[0].name, "sha256": hashlib.sha256(uploads[0].content).hexdigest()}
    once(idempotency_key(), scope=f"evidence {dispute_id}", body=sent, ctx=ctx, run=run)
    return _told(_own(session_id, dispute_id, ctx))


@api.declare(
    "GET",
    f"{_ONE}/evidence/<uuid:evidence_id>",
    tag=TAG,
    summary="A file that you sent",
    needs=Permission.OWN_DISPUTE_OPEN,
    media_type="application/octet-stream",
)
def read_evidence(session_id: UUID, dispute_id: UUID, evidence_id: UUID) -> Response:
    """Always as an attachment."""
    ctx = current_context()
    _own(session_id, dispute_id, ctx)
    response = hand_out(own_evidence(evidence_id, session_id=session_id, folder=evidence_folder(), ctx=ctx))
    # A program asked for it and knows its type from the list; nothing is opened by itself.
    response.mimetype = "application/octet-stream"
    return response


def _own(session_id: UUID, dispute_id: UUID, ctx: Context) -> OwnDispute:
    found = next((each for each in own_disputes(session_id, ctx=ctx) if each.id == dispute_id), None)
    if found is None:
        raise NotFound
    return found


def _told(report: OwnDispute) -> DisputeTold:
    return DisputeTold(
        id=report.id,
        category=report.category,
        reason=report.reason,
        description=report.description,
        status=report.status,
        priority=report.priority,
        created_at=report.created_at,
        resolved_at=report.resolved_at,
        outcome=report.outcome,
        is_asked=report.is_asked,
        messages=[MessageTold(at=each.at, is_mine=each.is_mine, message=each.body) for each in report.messages],
        evidence=[
            FileTold(
                id=each.id,
                name=each.original_name,
                content_type=each.content_type,
                size_bytes=each.size_bytes,
                created_at=each.created_at,
            )
            for each in report.files
        ],
    )
