"""Golden cases: decided cases that a change of policies must not silently decide otherwise (POL-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select

from app.booking.access import load_for_change, load_session_for
from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.domain.policies import Snapshot
from app.domain.replay import Outcome, PastCase, Verdict, decide_again
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import MentoringSession, Precedent, User
from app.support.policies.past_cases import cases_of_records, cases_of_session
from app.support.staff_acts import clean_reason, require_staff_for

MARKED: Final = "ADMIN_PRECEDENT_MARKED"
RETIRED: Final = "ADMIN_PRECEDENT_RETIRED"
MOST: Final = 200
TITLE_LENGTH: Final = (3, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecedentCheck:
    """One golden case under proposed values.

    :param now: what the values in force answer
    :param then: what the proposed ones would; None when the case cannot be decided again any more
    """

    precedent: Precedent
    session_title: str
    marked_by: str
    expected: Verdict
    now: Outcome | None
    then: Outcome | None

    @property
    def holds_now(self) -> bool:
        return self.now is not None and self.now.verdict.is_like(self.expected)

    @property
    def is_broken(self) -> bool:
        """The proposed values decide it otherwise than it was decided."""
        return self.then is not None and not self.then.verdict.is_like(self.expected)


def check_precedents(in_force: Snapshot, proposed: Snapshot) -> list[PrecedentCheck]:
    """Every golden case under the values in force and under the proposed ones; broken ones first."""
    rows = db.session.execute(
        select(Precedent, MentoringSession.title, User.name)
        .join(MentoringSession, MentoringSession.id == Precedent.session_id)
        .join(User, User.id == Precedent.created_by)
        .where(Precedent.retired_at.is_(None))
        .order_by(Precedent.created_at.desc(), Precedent.id)
        .limit(MOST)
    ).all()
    cases = cases_of_records([precedent.decision_record_id for precedent, _, _ in rows])

    def checked(precedent: Precedent, title: str, marked_by: str) -> PrecedentCheck:
        case = cases.get(precedent.decision_record_id)
        return PrecedentCheck(
            precedent=precedent,
            session_title=title,
            marked_by=marked_by,
            expected=Verdict.from_json(precedent.expected),
            now=decide_again(case, in_force) if case else None,
            then=decide_again(case, proposed) if case else None,
        )

    return sorted((checked(*row) for row in rows), key=lambda each: not each.is_broken)


def decisions_to_mark(session_id: UUID, *, ctx: Context) -> Sequence[PastCase]:
    """What was decided about a session and follows from what is known of it today, latest first.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.PRECEDENT_MARK, ctx)
    return [case for case in cases_of_session(session_id) if _is_clear(case)]


def mark_precedent(session_id: UUID, record_id: UUID, *, title: str, reason: str, ctx: Context) -> Precedent:
    """This function will keep one decision about a session as a golden case.

    :param title: 3 to 120 characters: what the case stands for
    :raises NotFound: there is no such session, or no such decision about it
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: it is one already
    :raises Invalid: title or reason cannot be used, or the decision cannot be decided again
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.PRECEDENT_MARK, ctx)
        case = cases_of_records([record_id]).get(record_id)
        if case is None or case.session_id != session_id:
            raise NotFound
        if not _is_clear(case):
            message = "What is known of this case today does not lead to what was decided, so it cannot be a precedent."
            raise Invalid(message, fields={"decision": message})
        name, text = _clean_title(title), clean_reason(reason)
        if db.session.scalar(
            select(Precedent.id).where(
                Precedent.session_id == session_id,
                Precedent.decision_record_id == record_id,
                Precedent.retired_at.is_(None),
            )
        ):
            raise Conflict("This decision is a precedent already.", code="precedent_exists")
        precedent = Precedent(
            id=uuid4(),
            session_id=session_id,
            decision_record_id=record_id,
            title=name,
            expected=case.recorded.as_json(),
            created_by=ctx.actor.user_id,
            created_at=ctx.now,
        )
        db.session.add(precedent)
        record_staff_act(
            action=MARKED,
            reason=text,
            ctx=ctx,
            subject_type="precedent",
            subject_id=precedent.id,
            session_id=session_id,
            details={"title": name, "decisionRecordId": record_id, "expected": precedent.expected},
        )
    return precedent


def retire_precedent(precedent_id: UUID, *, reason: str, ctx: Context) -> Precedent:
    """This function will let a golden case go: it stays on record and is not asked any more.

    :raises NotFound: there is no such case
    :raises Forbidden: the role may not
    :raises Conflict: it was let go already
    :raises Invalid: the reason cannot be used
    """
    require(ctx.actor, Permission.PRECEDENT_MARK)
    with transaction():
        precedent = db.session.get(Precedent, precedent_id, with_for_update=True, populate_existing=True)
        if precedent is None:
            raise NotFound
        if precedent.retired_at is not None:
            raise Conflict("This precedent was let go already.", code="precedent_retired")
        text = clean_reason(reason)
        precedent.retired_at = ctx.now
        record_staff_act(
            action=RETIRED,
            reason=text,
            ctx=ctx,
            subject_type="precedent",
            subject_id=precedent.id,
            session_id=precedent.session_id,
            details={"title": precedent.title},
        )
    return precedent


def _is_clear(case: PastCase) -> bool:
    return decide_again(case, case.policies).verdict.is_like(case.recorded)


def _clean_title(title: str) -> str:
    text = " ".join(title.replace("\0", "").split())
    if not TITLE_LENGTH[0] <= len(text) <= TITLE_LENGTH[1]:
        message = f"Say in {TITLE_LENGTH[0]} to {TITLE_LENGTH[1]} characters what this case stands for."
        raise Invalid(message, fields={"title": message})
    return text
