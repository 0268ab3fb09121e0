"""The audit trails, and whether the staff trail is whole (AUD-1, AUD-3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import Field

from app.api.admin_case_answers import LogEntryTold, StaffActTold, told_act, told_log_entry
from app.api.fields import LARGEST_PAGE, Day, Given, Instant, Told, Whole
from app.api.schema import api
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.foundation.anchors import first_lost
from app.foundation.audit import head_of_chain, verify_chain
from app.http.context import current_context
from app.http.formatting import reader_zone
from app.http.kept_heads import kept_heads
from app.support.audit_list import AuditFilter, Trail, list_audit
from app.support.session_filter import day_start

TAG: Final = "Staff: audit"
# A second or so of work.
_STEP: Final = 25_000
_LONGEST_CURSOR: Final = 200


class WhichEntries(Given):
    trail: Trail = Field(Trail.STAFF, description="`staff`: what staff did, chained by hashes; or `sessions`.")
    action: str | None = Field(None, max_length=60, description="Such as `ADMIN_FORCE_CANCEL`.")
    actor_id: UUID | None = None
    session_id: UUID | None = None
    start_date: Day | None = Field(None, description="The first day, in your zone.")
    end_date: Day | None = Field(None, description="The last day, included.")
    cursor: str = Field("", max_length=_LONGEST_CURSOR, description="The `nextCursor` of the page before.")
    limit: Whole = Field(20, ge=1, le=LARGEST_PAGE, description="How many a page.")


class EntriesTold(Told):
    entries: list[StaffActTold | LogEntryTold] = Field(description="Newest first; of the one trail or the other.")
    next_cursor: str | None = Field(description="Null at the end.")


class FromWhere(Given):
    after_seq: Whole = Field(0, ge=0, le=2**53, description="Begin behind this row, which is trusted.")


class LostHead(Told):
    """A head that was written down and does not stand in the trail any more."""

    at: Instant
    seq: int
    hash: str


class ChainTold(Told):
    """How far the chain fits. A part of it says where to go on; the last part also holds the heads written down."""

    rows: int = Field(description="Up to this row every link fits.")
    total: int = Field(description="The newest row.")
    is_intact: bool
    is_whole: bool = Field(description="The end was reached, and the heads that were written down were compared.")
    next_after_seq: int | None = Field(description="Ask again with this `afterSeq`. Null: there is no more to look at.")
    first_bad_seq: int | None = Field(description="The first row that does not fit.")
    problem: str | None
    head_hash: str = Field(description="The hash of the last row that fits.")
    lost_head: LostHead | None


@api.declare(
    "GET",
    "/admin/audit",
    tag=TAG,
    summary="The audit trails",
    needs=Permission.AUDIT_VIEW,
    query=WhichEntries,
    answer=EntriesTold,
)
def admin_audit(query: WhichEntries) -> EntriesTold:
    """Paged by a cursor: the last page is as quick as the first."""
    zone = str(reader_zone())
    if query.start_date and query.end_date and query.start_date > query.end_date:
        message = "The last day lies before the first."
        raise Invalid(message, fields={"endDate": message})
    chosen = AuditFilter(
        trail=query.trail,
        action=query.action,
        actor_id=query.actor_id,
        session_id=query.session_id,
        start=day_start(query.start_date, zone) if query.start_date else None,
        end=day_start(query.end_date + timedelta(days=1), zone) if query.end_date else None,
    )
    page = list_audit(chosen, ctx=current_context(), cursor=query.cursor, size=query.limit)
    entries: list[StaffActTold | LogEntryTold] = []
    for row in page.rows:
        is_staff = query.trail is Trail.STAFF
        entries.append(told_act(row, page.names) if is_staff else told_log_entry(row, page.names))
    return EntriesTold(entries=entries, next_cursor=page.older)


@api.declare(
    "GET",
    "/admin/audit/verify",
    tag=TAG,
    summary="Whether the staff trail is whole",
    needs=Permission.AUDIT_VERIFY,
    query=FromWhere,
    answer=ChainTold,
)
def verify_audit(query: FromWhere) -> ChainTold:
    """Walks a part of the chain: ask again from `nextAfterSeq` until that is null."""
    report = verify_chain(after=query.after_seq, at_most=_STEP)
    goes_on = report.is_intact and not report.is_whole
    lost = first_lost(kept_heads()) if report.is_intact and report.is_whole else None
    return ChainTold(
        rows=report.rows,
        total=head_of_chain().seq,
        is_intact=report.is_intact and lost is None,
        is_whole=report.is_whole and report.is_intact,
        next_after_seq=report.rows if goes_on else None,
        first_bad_seq=report.first_bad_seq,
        problem=report.problem,
        head_hash=report.head_hash,
        lost_head=LostHead(at=lost.at, seq=lost.seq, hash=lost.hash) if lost else None,
    )
