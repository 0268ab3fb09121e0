"""The sessions of one party: tabs, lists, header cards, and one session's page (DB-1, DB-2, DB-5).

A list takes a fixed number of statements, whatever it holds (PERF-7): one for the rows, one for their number, and those
of ``session_facts`` for what may be done with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import joinedload

from app.booking.access import load_session_for
from app.booking.decisions import decide_all, side_of
from app.booking.holds import UNPAID, draft_has_run_out
from app.booking.meetings import needs_link
from app.booking.read_models import (
    LARGEST_PAGE,
    MentorFigures,
    Page,
    PersonView,
    ReviewView,
    SessionPage,
    SessionRow,
)
from app.booking.recordings import recordings_for_parties
from app.booking.reschedule_views import negotiations, open_proposal
from app.booking.session_facts import SessionFacts, facts_of_all
from app.booking.timeline import timeline_of
from app.domain.cancellation import tiers_in_words
from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.joining import decide_join
from app.domain.money import Money
from app.domain.vocabulary import ActorKind, Party, PaymentState, SessionStatus
from app.extensions import db
from app.messaging.chat import unread_lines
from app.models import MentoringSession, MentorProfile, Payment, SessionReview, User
from app.money.credit import credit_for
from app.money.rows import UNWANTED

S = SessionStatus
_UPCOMING: Final = (S.SCHEDULED, S.IN_PROGRESS)
_PAST: Final = (S.COMPLETED, S.CANCELLED, S.NO_SHOW)

MENTEE_TABS: Final = ("awaiting", "upcoming", "past", "rejected")
MENTOR_TABS: Final = ("approvals", "pending", "active", "past")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """What narrows a party's list.

    :param tab: one of ``MENTEE_TABS`` or ``MENTOR_TABS``; empty for all
    :param statuses: any of these; empty for all
    :param awaiting_payment: only what the mentee can pay now
    :param nearest_first: the order of what is to come; tabs have their own
    :param name: part of the other party's name
    :param text: part of the other party's name, or of the title
    :param start: first instant of ``scheduled_at``, included
    :param end: last instant, not included
    """

    tab: str = ""
    statuses: Sequence[SessionStatus] = ()
    awaiting_payment: bool = False
    nearest_first: bool = False
    name: str = ""
    text: str = ""
    start: datetime | None = None
    end: datetime | None = None


def list_sessions(wanted: SessionFilter, *, page: int, limit: int, ctx: Context) -> Page[SessionRow]:
    """The signed-in party's own sessions, page by page; about ten statements whatever the number of rows.

    :raises Invalid: as ``find_sessions``
    """
    found = find_sessions(wanted, page=page, limit=limit, ctx=ctx)
    return Page(_rows(found.items, ctx), found.total, page, limit)


def find_sessions(wanted: SessionFilter, *, page: int, limit: int, ctx: Context) -> Page[MentoringSession]:
    """The same as rows with their two people, for a door that words them itself; two statements.

    What must be paid comes first, then upcoming ones nearest first, all others most recent first (DB-1).

    :raises Invalid: a page or limit out of bounds, or an unknown tab
    """
    if page < 1 or not 1 <= limit <= LARGEST_PAGE:
        raise Invalid("There is no such page.", fields={"page": f"From 1, with at most {LARGEST_PAGE} entries."})
    condition = and_(_own(ctx), *_conditions(wanted, ctx))
    total = db.session.scalar(select(func.count()).select_from(MentoringSession).where(condition)) or 0
    sessions = db.session.scalars(
        select(MentoringSession)
        .where(condition)
        .order_by(*_order(wanted, ctx.now))
        .limit(limit)
        .offset((page - 1) * limit)
        .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        .execution_options(populate_existing=True)
    ).all()
    return Page(sessions, total, page, limit)


def count_tabs(ctx: Context) -> dict[str, int]:
    """How many sessions each of the signed-in party's tabs holds; one statement."""
    tabs = MENTOR_TABS if _side(ctx) is Party.MENTOR else MENTEE_TABS
    columns = [func.count().filter(_in_tab(tab, ctx)).label(tab) for tab in tabs]
    row = db.session.execute(select(*columns).select_from(MentoringSession).where(_own(ctx))).one()
    return dict(zip(tabs, row, strict=True))


def mentor_figures(ctx: Context) -> MentorFigures:
    """The header cards of the signed-in mentor's dashboard (DB-2); two statements."""
    status = MentoringSession.status
    confirmed = status.in_([*_UPCOMING, S.COMPLETED, S.NO_SHOW])
    row = db.session.execute(
        select(
            func.count(MentoringSession.mentee_id.distinct()).filter(confirmed),
            func.count().filter(confirmed),
            func.count().filter(status == S.SCHEDULED),
            func.count().filter(status == S.IN_PROGRESS),
            func.count().filter(status == S.COMPLETED),
            func.count().filter(status == S.PENDING_MENTOR_REVIEW, MentoringSession.approval_deadline > ctx.now),
        ).where(_own(ctx))
    ).one()
    paid = db.session.execute(
        select(Payment.currency, func.sum(Payment.amount_minor + Payment.credit_minor))
        .join(MentoringSession, MentoringSession.id == Payment.session_id)
        .where(
            _own(ctx),
            Payment.status == PaymentState.SUCCEEDED,
            func.coalesce(Payment.flagged_reason, "").not_in(UNWANTED),
        )
        .group_by(Payment.currency)
        .order_by(Payment.currency)
    )
    return MentorFigures(
        total_mentees=row[0],
        total_sessions=row[1],
        upcoming=row[2],
        active=row[3],
        completed=row[4],
        pending_approvals=row[5],
        gross_revenue=tuple(Money(int(total), currency) for currency, total in paid),
    )


def load_session_row(session_id: UUID, *, ctx: Context) -> SessionRow:
    """One session as its party sees it in a list.

    :raises NotFound: for anybody but its parties
    """
    session = load_session_for(ctx, session_id)
    if side_of(session, ctx) is None:
        raise NotFound
    return _rows([session], ctx)[0]


def load_session_page(session_id: UUID, *, ctx: Context) -> SessionPage:
    """Everything a party's session page shows (DB-5); a dozen statements.

    :raises NotFound: for anybody but its parties
    """
    session = load_session_for(ctx, session_id)
    side = side_of(session, ctx)
    if side is None:
        raise NotFound
    facts = facts_of_all([session])[session.id]
    row = _rows([session], ctx, {session.id: facts})[0]
    return SessionPage(
        row=row,
        description=session.description,
        paid=Money(facts.money.paid_minor, session.currency),
        credit=_credit(facts, row),
        policies_in_words=tiers_in_words(facts.policies),
        review=_own_review(session, ctx),
        timeline=timeline_of(session, ctx),
        negotiations=negotiations(facts),
        recordings=[each.url for each in recordings_for_parties(session)],
    )


def _credit(facts: SessionFacts, row: SessionRow) -> Money:
    payment = facts.money.paid_by or facts.money.open_payment
    if payment is not None:
        return Money(payment.credit_minor, payment.currency)
    return credit_for(facts.session.mentee_id, row.price) if row.awaits_payment else Money(0, row.price.currency)


def _rows(
    sessions: Iterable[MentoringSession], ctx: Context, known: dict[UUID, SessionFacts] | None = None
) -> list[SessionRow]:
    wanted = list(sessions)
    facts = known or facts_of_all(wanted)
    headlines = _headlines({session.mentor_id for session in wanted})
    reviewed = set(
        db.session.scalars(
            select(SessionReview.session_id).where(
                SessionReview.session_id.in_([session.id for session in wanted]),
                SessionReview.author_id == ctx.actor.user_id,
            )
        )
    )
    unread = unread_lines([session.id for session in wanted], ctx.actor.user_id)
    return [
        _row(facts[each.id], headlines, is_reviewed=each.id in reviewed, unread=unread.get(each.id, 0), ctx=ctx)
        for each in wanted
    ]


def _row(
    facts: SessionFacts, headlines: dict[UUID, str], *, is_reviewed: bool, unread: int, ctx: Context
) -> SessionRow:
    session = facts.session
    side = Party.MENTOR if ctx.actor.user_id == session.mentor_id else Party.MENTEE
    other = session.mentee if side is Party.MENTOR else session.mentor
    join = decide_join(facts.for_joining(), ctx.now)
    return SessionRow(
        id=session.id,
        title=session.title,
        status=session.status,
        booking_mode=session.booking_mode,
        side=side,
        other=PersonView(id=other.id, name=other.name, avatar=other.avatar, headline=headlines.get(other.id)),
        scheduled_at=session.scheduled_at,
        duration=session.duration,
        meeting_type=session.meeting_type,
        location=session.location,
        price=Money(session.rate_minor, session.currency),
        payment_status=session.payment_status,
        refund_status=session.refund_status,
        refund=Money(session.refund_amount_minor, session.currency),
        earnings=Money(facts.earnings_minor, session.currency) if side is Party.MENTOR else None,
        hold_expires_at=session.hold_expires_at,
        approval_deadline=session.approval_deadline,
        preferred_time_note=session.preferred_time_note,
        mentee_message=session.mentee_message,
        mentor_response=session.mentor_response,
        cancelled_by=session.cancelled_by,
        cancellation_category=session.cancellation_category,
        cancellation_reason=session.cancellation_reason,
        no_show_party=session.no_show_party,
        needs_link=needs_link(session),
        join_state=join.state,
        join_opens_at=join.window.start if join.window else None,
        is_reviewed=is_reviewed,
        proposal=open_proposal(facts, side, now=ctx.now),
        unread_messages=unread,
        decisions=decide_all(facts, ctx),
        offering_id=session.offering_id,
        reschedule_count=session.reschedule_count + session.mentor_reschedule_count,
        reassignment=session.reassignment_status,
        answer_until=session.reassignment_deadline,
        created_at=session.created_at,
        updated_at=session.updated_at,
        version=session.version,
    )


def _own(ctx: Context) -> ColumnElement[bool]:
    """The sessions in which the signed-in user is a party; a mentor who waits to be replaced is none (RA-2)."""
    user = ctx.actor.user_id
    if _side(ctx) is Party.MENTOR:
        return and_(MentoringSession.mentor_id == user, ~MentoringSession.cancelled_mentor_ids.contains([user]))
    return MentoringSession.mentee_id == user


def _side(ctx: Context) -> Party:
    return Party.MENTOR if ctx.actor.kind is ActorKind.MENTOR else Party.MENTEE


def _conditions(wanted: SessionFilter, ctx: Context) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.tab:
        found.append(_in_tab(wanted.tab, ctx))
    if wanted.statuses:
        found.append(MentoringSession.status.in_(wanted.statuses))
    if wanted.awaiting_payment:
        found.append(_payable(ctx.now))
    if wanted.start is not None:
        found.append(MentoringSession.scheduled_at >= wanted.start)
    if wanted.end is not None:
        found.append(MentoringSession.scheduled_at < wanted.end)
    if wanted.name:
        found.append(_named(wanted.name, ctx))
    if wanted.text:
        found.append(or_(_named(wanted.text, ctx), MentoringSession.title.icontains(wanted.text, autoescape=True)))
    return found


def _named(part: str, ctx: Context) -> ColumnElement[bool]:
    """The other party's name holds this."""
    other = MentoringSession.mentee_id if _side(ctx) is Party.MENTOR else MentoringSession.mentor_id
    return other.in_(select(User.id).where(User.name.icontains(part, autoescape=True)))


def _in_tab(tab: str, ctx: Context) -> ColumnElement[bool]:
    status = MentoringSession.status
    by_tab: dict[str, Any] = {
        "awaiting": status == S.PENDING_MENTOR_REVIEW,
        "approvals": status == S.PENDING_MENTOR_REVIEW,
        "upcoming": or_(status.in_(_UPCOMING), and_(status == S.DRAFT, ~draft_has_run_out(ctx.now))),
        "pending": status == S.SCHEDULED,
        "active": status == S.IN_PROGRESS,
        "past": _is_past(ctx),
        "rejected": status == S.REJECTED,
    }
    tabs = MENTOR_TABS if _side(ctx) is Party.MENTOR else MENTEE_TABS
    if tab not in tabs:
        raise Invalid("This tab does not exist.", fields={"tab": f"One of {', '.join(tabs)}."})
    found: ColumnElement[bool] = by_tab[tab]
    return found


def _is_past(ctx: Context) -> ColumnElement[bool]:
    """A mentee finds unpaid bookings here, to book once more; a mentor never knew of them, but what was declined."""
    status = MentoringSession.status
    if _side(ctx) is Party.MENTOR:
        return status.in_([*_PAST, S.REJECTED])
    return or_(status.in_([*_PAST, S.EXPIRED]), draft_has_run_out(ctx.now))


def _payable(now: datetime) -> ColumnElement[bool]:
    return and_(
        MentoringSession.status.in_([S.DRAFT, S.SCHEDULED]),
        MentoringSession.payment_status.in_(UNPAID),
        MentoringSession.hold_expires_at > now,
    )


def _order(wanted: SessionFilter, now: datetime) -> Sequence[Any]:
    if wanted.nearest_first or wanted.tab in {"upcoming", "pending", "active", "approvals", "awaiting"}:
        must_pay = case((_payable(now), 0), else_=1)
        return (must_pay, MentoringSession.scheduled_at.asc().nulls_last(), MentoringSession.id)
    return (MentoringSession.scheduled_at.desc().nulls_last(), MentoringSession.id.desc())


def _headlines(mentor_ids: set[UUID]) -> dict[UUID, str]:
    rows = db.session.execute(
        select(MentorProfile.user_id, MentorProfile.headline).where(MentorProfile.user_id.in_(mentor_ids))
    )
    return {row.user_id: row.headline for row in rows}


def _own_review(session: MentoringSession, ctx: Context) -> ReviewView | None:
    row = db.session.execute(
        select(SessionReview.rating, SessionReview.comment, SessionReview.created_at).where(
            SessionReview.session_id == session.id, SessionReview.author_id == ctx.actor.user_id
        )
    ).one_or_none()
    if row is None:
        return None
    return ReviewView(rating=row.rating, comment=row.comment, author=ctx.actor.name, created_at=row.created_at)
