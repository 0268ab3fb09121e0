"""Sessions as staff read them (SL)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from flask import Response, stream_with_context
from pydantic import Field
from sqlalchemy import Row

from app.api.fields import Amount, Day, Given, Instant, Paged, Pagination, Switch, Told, amount, pagination, several
from app.api.schema import api
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.vocabulary import MeetingType, PaymentStatus, RefundStatus, SessionStatus
from app.http.context import current_context
from app.http.formatting import reader_zone
from app.support.export import export_sessions
from app.support.session_filter import NEWEST_FIRST, SessionFilter
from app.support.session_list import list_sessions

_LONGEST_SEARCH: Final = 120


class SortBy(StrEnum):
    CREATED_AT = "createdAt"
    DURATION = "duration"
    ID = "id"
    MENTEE = "mentee"
    MENTOR = "mentor"
    RATE = "rate"
    REFUND_STATUS = "refundStatus"
    RESCHEDULE_COUNT = "rescheduleCount"
    SCHEDULED_AT = "scheduledAt"
    STATUS = "status"
    TITLE = "title"


class SortOrder(StrEnum):
    ASC = "asc"
    DESC = "desc"


_COLUMNS: Final = {
    SortBy.CREATED_AT: "created_at",
    SortBy.REFUND_STATUS: "refund",
    SortBy.RESCHEDULE_COUNT: "reschedules",
    SortBy.SCHEDULED_AT: "scheduled_at",
}


class SessionChoice(Given):
    """Which sessions, and in which order."""

    status: several(SessionStatus) = ()  # type: ignore[valid-type]  # made for the kind of word it holds
    mentor_id: UUID | None = None
    mentee_id: UUID | None = None
    start_date: Day | None = Field(None, description="The first day of the start, in your zone.")
    end_date: Day | None = Field(None, description="The last day, included.")
    meeting_type: MeetingType | None = None
    refund_status: RefundStatus | None = None
    has_reschedule: Switch | None = Field(None, description="Whether another time is being negotiated.")
    was_reassigned: Switch | None = None
    search: str = Field(
        "",
        max_length=_LONGEST_SEARCH,
        description="Words of the title or of a name, an e-mail's start, an id's start; `\"…\"` as it stands.",
    )
    sort_by: SortBy = SortBy.CREATED_AT
    sort_order: SortOrder | None = Field(None, description="Newest and largest first, names from A, when left out.")


class WhichSessions(SessionChoice, Paged):
    """One page of them."""


class NamedPerson(Told):
    id: UUID
    name: str


class SessionRow(Told):
    """One row of the list."""

    id: UUID
    title: str
    mentor: NamedPerson
    mentee: NamedPerson
    scheduled_at: Instant | None
    duration: int = Field(description="Minutes.")
    status: SessionStatus
    meeting_type: MeetingType
    rate: Amount
    currency: str
    payment_status: PaymentStatus
    refund_status: RefundStatus
    refund_amount: Amount
    reschedule_count: int = Field(description="Both sides together.")
    has_reschedule: bool
    was_reassigned: bool
    created_at: Instant


class CappedPagination(Pagination):
    is_at_least: bool = Field(description="There are more than `total`: counting stopped there.")


class SessionRows(Told):
    sessions: list[SessionRow]
    pagination: CappedPagination


@api.declare(
    "GET",
    "/admin/sessions",
    tag="Staff",
    summary="All sessions",
    needs=Permission.SESSION_VIEW,
    query=WhichSessions,
    answer=SessionRows,
)
def admin_sessions(query: WhichSessions) -> SessionRows:
    """As quick on a far page as on the first, whatever the number of sessions."""
    page = list_sessions(_chosen(query), now=current_context().now, page=query.page, size=query.limit)
    total, cap = page.count.value, page.count.cap
    is_capped = cap is not None and total > cap
    told = min(total, cap) if cap is not None else total
    return SessionRows(
        sessions=[_row(row) for row in page.rows],
        pagination=CappedPagination(**dict(pagination(query.page, query.limit, told)), is_at_least=is_capped),
    )


@api.declare(
    "GET",
    "/admin/sessions/export",
    tag="Staff",
    summary="All sessions of a filter as CSV",
    needs=Permission.SESSION_EXPORT,
    query=SessionChoice,
    media_type="text/csv",
)
def export_admin_sessions(query: SessionChoice) -> Response:
    """Any number of rows, sent as they are read. That it was read is put on record."""
    ctx = current_context()
    return Response(
        stream_with_context(export_sessions(_chosen(query), ctx=ctx)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="sessions-{ctx.now:%Y-%m-%d}.csv"'},
    )


def _chosen(query: SessionChoice) -> SessionFilter:
    if query.start_date and query.end_date and query.start_date > query.end_date:
        message = "The last day lies before the first."
        raise Invalid(message, fields={"endDate": message})
    sort = _COLUMNS.get(query.sort_by, query.sort_by.value)
    return SessionFilter(
        zone=str(reader_zone()),
        statuses=query.status,
        day_from=query.start_date,
        day_to=query.end_date,
        mentor_id=query.mentor_id,
        mentee_id=query.mentee_id,
        meeting_types=(query.meeting_type,) if query.meeting_type else (),
        refund_statuses=(query.refund_status,) if query.refund_status else (),
        reassigned=query.was_reassigned,
        pending_reschedule=query.has_reschedule,
        search=" ".join(query.search.split()),
        sort=sort,
        descending=query.sort_order is SortOrder.DESC if query.sort_order else sort in NEWEST_FIRST,
    )


def _row(row: Row[Any]) -> SessionRow:
    return SessionRow(
        id=row.id,
        title=row.title,
        mentor=NamedPerson(id=row.mentor_id, name=row.mentor_name),
        mentee=NamedPerson(id=row.mentee_id, name=row.mentee_name),
        scheduled_at=row.scheduled_at,
        duration=row.duration,
        status=row.status,
        meeting_type=row.meeting_type,
        rate=amount(row.rate_minor, row.currency),
        currency=row.currency,
        payment_status=row.payment_status,
        refund_status=row.refund_status,
        refund_amount=amount(row.refund_amount_minor, row.currency),
        reschedule_count=row.reschedule_count + row.mentor_reschedule_count,
        has_reschedule=row.pending_reschedule_request_id is not None,
        was_reassigned=row.was_reassigned,
        created_at=row.created_at,
    )
