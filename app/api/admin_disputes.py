"""Disputes as staff handle them (DSP-2, DSP-4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.admin_dispute_answers import (
    AdminDisputeRows,
    AdminDisputeTold,
    CommentsTold,
    ResolutionTold,
    told_comments,
    told_dispute,
    told_preview,
    told_row,
)
from app.api.admin_sessions import CappedPagination
from app.api.fields import Given, Instant, Paged, Price, Switch, pagination, several
from app.api.schema import REAUTHENTICATE, api, idempotency_key
from app.domain.disputes import MESSAGE_LENGTH, NOTES_LENGTH
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import (
    DisputeCategory,
    DisputePriority,
    DisputeResolution,
    Party,
)
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.login import require_fresh_password_if
from app.support.disputes.dispute_filter import DisputeFilter, Tab
from app.support.disputes.dispute_list import COUNT_CAP, list_disputes
from app.support.disputes.handling import assign_dispute, change_priority, comment_on_dispute, write_to_reporter
from app.support.disputes.loading import load_dispute
from app.support.disputes.outcomes import Wish
from app.support.disputes.resolving import preview_resolution, resolve_dispute
from app.support.staff_acts import LONGEST_REASON, SHORTEST_REASON

TAG = "Staff: disputes"
_ONE = "/admin/disputes/<uuid:dispute_id>"
_REASON: Any = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, examples=["On duty this week"])
_REFUSALS = {
    403: "`own_case`: you are a party in it",
    409: "`dispute_closed`: it is resolved or dismissed; `busy`",
}


class View(StrEnum):
    """The parts of the queue."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    WAITING = "waiting"
    CLOSED = "closed"


_TABS = {
    View.OPEN: Tab.OPEN,
    View.MINE: Tab.MINE,
    View.UNASSIGNED: Tab.UNASSIGNED,
    View.WAITING: Tab.WAITING,
    View.CLOSED: Tab.RESOLVED,
}


class WhichDisputes(Paged):
    view: View = Field(View.OPEN, description="`waiting`: the reporter is asked, and the clock stands still.")
    priority: several(DisputePriority) = ()  # type: ignore[valid-type]  # made for the kind of word it holds
    category: several(DisputeCategory) = ()  # type: ignore[valid-type]  # as above
    assignee_id: UUID | None = None


class Assignment(Given):
    assignee_id: UUID | None = Field(description="A colleague who handles disputes; null gives it back to nobody.")
    reason: str = _REASON


class Ranking(Given):
    priority: DisputePriority = Field(examples=["high"])
    reason: str = _REASON


class NewComment(Given):
    comment: str = Field(min_length=MESSAGE_LENGTH[0], max_length=MESSAGE_LENGTH[1], examples=["The log agrees."])
    to_reporter: bool = Field(False, description="The reporter reads it. Otherwise staff alone do.")
    awaits_answer: bool = Field(
        True, description="For what the reporter reads: the clock stands still until an answer."
    )


class WhetherPreview(Given):
    preview: Switch = Field(False, description="Only say what would happen.")


class Resolution(Given):
    resolution_action: DisputeResolution = Field(examples=["no_action"])
    notes: str = Field(
        max_length=NOTES_LENGTH[1], description="For colleagues and the record.", examples=["Both were there."]
    )
    message: str = Field("", max_length=LONGEST_REASON, description="Added to what the reporter reads.")
    reason: str = Field(
        "", max_length=LONGEST_REASON, description="What somebody reads who is warned or suspended; needed for those."
    )
    person: Party | None = Field(None, description="Who is warned or suspended. The other party, when left out.")
    amount: Price | None = Field(None, description="To be refunded. All that is left, when left out.")
    as_credit: bool = Field(False, description="A gift of the platform's, with an amount.")
    starts_at: Instant | None = Field(None, description="When they meet again, for `session_rescheduled`.")
    dismiss: bool = Field(False, description="With `no_action`: there was nothing in it.")


@api.declare(
    "GET",
    "/admin/disputes",
    tag=TAG,
    summary="The queue of disputes",
    needs=Permission.DISPUTE_VIEW,
    query=WhichDisputes,
    answer=AdminDisputeRows,
)
def admin_disputes(query: WhichDisputes) -> AdminDisputeRows:
    """Late ones first, then by what is due next; closed ones latest first."""
    chosen = DisputeFilter(
        tab=_TABS[query.view], priorities=query.priority, categories=query.category, assignee_id=query.assignee_id
    )
    page = list_disputes(chosen, ctx=current_context(), page=query.page, size=query.limit)
    told = min(page.total, COUNT_CAP)
    return AdminDisputeRows(
        disputes=[told_row(row) for row in page.rows],
        pagination=CappedPagination(
            **dict(pagination(query.page, query.limit, told)), is_at_least=page.total > COUNT_CAP
        ),
    )


@api.declare("GET", _ONE, tag=TAG, summary="One dispute", needs=Permission.DISPUTE_VIEW, answer=AdminDisputeTold)
def admin_dispute(dispute_id: UUID) -> AdminDisputeTold:
    return told_dispute(dispute_id, current_context())


@api.declare(
    "POST",
    f"{_ONE}/assign",
    tag=TAG,
    summary="Give a dispute to somebody",
    needs=Permission.DISPUTE_ASSIGN,
    body=Assignment,
    answer=AdminDisputeTold,
    refusals=_REFUSALS,
)
def assign_one_dispute(dispute_id: UUID, body: Assignment) -> AdminDisputeTold:
    ctx = current_context()
    assign_dispute(dispute_id, assignee_id=body.assignee_id, reason=body.reason, ctx=ctx)
    return told_dispute(dispute_id, ctx)


@api.declare(
    "POST",
    f"{_ONE}/priority",
    tag=TAG,
    summary="Change a dispute's priority",
    needs=Permission.DISPUTE_ASSIGN,
    body=Ranking,
    answer=AdminDisputeTold,
    refusals=_REFUSALS,
)
def rank_dispute(dispute_id: UUID, body: Ranking) -> AdminDisputeTold:
    """The deadlines follow."""
    ctx = current_context()
    change_priority(dispute_id, priority=body.priority, reason=body.reason, ctx=ctx)
    return told_dispute(dispute_id, ctx)


@api.declare(
    "GET",
    f"{_ONE}/comments",
    tag=TAG,
    summary="What was said about a dispute",
    needs=Permission.DISPUTE_VIEW,
    answer=CommentsTold,
)
def dispute_comments(dispute_id: UUID) -> CommentsTold:
    dispute, _ = load_dispute(dispute_id)
    return told_comments(dispute)


@api.declare(
    "POST",
    f"{_ONE}/comments",
    tag=TAG,
    summary="Comment on a dispute, or write to its reporter",
    needs=Permission.DISPUTE_COMMENT,
    body=NewComment,
    answer=CommentsTold,
    status=201,
    is_idempotent=True,
    refusals=_REFUSALS,
)
def comment_dispute(dispute_id: UUID, body: NewComment) -> CommentsTold:
    ctx = current_context()

    def run() -> dict[str, object]:
        if body.to_reporter:
            write_to_reporter(dispute_id, message=body.comment, awaits_answer=body.awaits_answer, ctx=ctx)
        else:
            comment_on_dispute(dispute_id, comment=body.comment, ctx=ctx)
        return {}

    once(idempotency_key(), scope=f"dispute comment {dispute_id}", body=body.model_dump(), ctx=ctx, run=run)
    return told_comments(load_dispute(dispute_id)[0])


@api.declare(
    "POST",
    f"{_ONE}/resolve",
    tag=TAG,
    summary="Resolve a dispute by doing what the resolution says",
    needs=Permission.DISPUTE_RESOLVE,
    query=WhetherPreview,
    body=Resolution,
    answer=ResolutionTold,
    is_idempotent=True,
    refusals={
        403: f"`own_case`: you are a party in it; `forbidden`: your role may not bring this about; {REAUTHENTICATE}",
        409: "`dispute_closed`; `awaiting_approval`: its refund waits for a second person; `slot_taken`; `busy`",
    },
)
def resolve_one_dispute(dispute_id: UUID, query: WhetherPreview, body: Resolution) -> ResolutionTold:
    """With `preview=true` nothing is done. A refund above the threshold leaves it open until it is approved."""
    ctx = current_context()
    _, session = load_dispute(dispute_id)
    wish = _wish(body, session.currency)
    if query.preview:
        plan = preview_resolution(dispute_id, wish=wish, ctx=ctx)
        return ResolutionTold(is_preview=True, preview=told_preview(plan), dispute=None)
    require_fresh_password_if(lambda: wish.moves_money)

    def run() -> dict[str, object]:
        resolve_dispute(dispute_id, wish=wish, fingerprint=None, ctx=ctx)
        return {}

    once(idempotency_key(), scope=f"dispute resolve {dispute_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    return ResolutionTold(is_preview=False, preview=None, dispute=told_dispute(dispute_id, ctx))


def _wish(body: Resolution, currency: str) -> Wish:
    minor = None
    if body.amount is not None:
        try:
            minor = Money.parse(f"{body.amount:f}", currency).minor
        except ValueError:
            message = f"Give an amount in {currency}, such as 15.00."
            raise Invalid(message, fields={"amount": message}) from None
    return Wish(
        outcome=body.resolution_action,
        notes=body.notes,
        message=body.message,
        reason=body.reason,
        person=body.person,
        amount_minor=minor,
        as_credit=body.as_credit,
        starts_at=body.starts_at,
        dismisses=body.dismiss,
    )
