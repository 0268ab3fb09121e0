"""What does not agree, as rows to be worked off: raised once, closed when gone or dealt with (MN-11, MN-14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.context import Context
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Permission, may, require
from app.extensions import db
from app.foundation.audit import plain, record_staff_act
from app.foundation.transaction import transaction
from app.models import ReconciliationFinding as Finding


def raise_finding(
    key: str, *, check: str, facts: Mapping[str, Any], session_id: UUID | None, ctx: Context
) -> bool:  # fmt: skip
    """This function will write a finding down; False when it stands open already. One that came back opens again.

    :param facts: ``what`` says it in words; ``needs_person`` keeps it open until somebody closes it
    """
    written = insert(Finding).values(
        id=uuid4(), key=key, check=check, session_id=session_id, facts=plain(facts), found_at=ctx.now
    )
    again = written.on_conflict_do_update(
        index_elements=["key"],
        set_={"found_at": ctx.now, "resolved_at": None, "facts": written.excluded.facts},
        where=Finding.resolved_at.is_not(None) & ~Finding.facts.has_key("needs_person"),
    )
    return db.session.execute(again.returning(Finding.id)).scalar() is not None


def close_gone(still_there: set[str], *, only_since: datetime | None, checks: set[str], ctx: Context) -> int:
    """This function will close what a run did not find any more, and give how many.

    :param checks: those that the run has asked
    :param only_since: older ones are beyond what the gateway was asked for
    """
    gone = [
        finding.id
        for finding in db.session.scalars(
            select(Finding).where(Finding.resolved_at.is_(None), Finding.check.in_(checks))
        )
        if finding.key not in still_there
        and not finding.facts.get("needs_person")
        and (only_since is None or finding.found_at >= only_since)
    ]
    db.session.execute(update(Finding).where(Finding.id.in_(gone)).values(resolved_at=ctx.now))
    return len(gone)


def open_findings(*, limit: int = 200) -> Sequence[Finding]:
    """What waits for somebody, oldest first."""
    return db.session.scalars(
        select(Finding).where(Finding.resolved_at.is_(None)).order_by(Finding.found_at, Finding.id).limit(limit)
    ).all()


def permission_to_close(finding: Finding, ctx: Context) -> Permission:
    """What it takes to close this one: a task is support's, a disagreement of the books operations'."""
    is_task = bool(finding.facts.get("needs_person"))
    if is_task and not may(ctx.actor.role, Permission.RECONCILIATION_RUN):
        return Permission.REFUND_CREATE
    return Permission.RECONCILIATION_RUN


def close_finding(finding_id: UUID, *, reason: str, ctx: Context) -> Finding:
    """This function will close what a person has dealt with; what the books still show comes back the next night.

    :raises Forbidden: the role may not
    :raises NotFound: there is none
    :raises Conflict: it is closed already
    """
    with transaction():
        finding = db.session.scalars(
            select(Finding).where(Finding.id == finding_id).with_for_update().execution_options(populate_existing=True)
        ).one_or_none()
        if finding is None:
            raise NotFound
        require(ctx.actor, permission_to_close(finding, ctx))
        if finding.resolved_at is not None:
            raise Conflict("This was closed already.", code="already_closed")
        finding.resolved_at = ctx.now
        record_staff_act(
            action="ADMIN_FINDING_CLOSED",
            reason=reason,
            ctx=ctx,
            subject_type="reconciliation_finding",
            subject_id=finding.id,
            session_id=finding.session_id,
            details={"check": finding.check, "what": finding.facts.get("what")},
        )
        return finding
