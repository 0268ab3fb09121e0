"""What a mentor has: schedule, mentees, wallet (AV-1, DB-2, MN-10)."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from app.api.fields import Amount, Count, Given, Instant, Paged, Pagination, Told, ZoneName, amount, pagination
from app.api.people import own_id
from app.api.schema import api, idempotency_key
from app.booking.mentees import mentees_of
from app.booking.queries import mentor_figures
from app.booking.schedule import (
    GivenSchedule,
    ScheduleView,
    add_exception,
    load_schedule,
    remove_exception,
    save_schedule,
)
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.vocabulary import BlockType, ExceptionType
from app.domain.weekly import MOST_BLOCKS, WEEKDAYS, GivenBlock, GivenDay
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.formatting import reader_zone
from app.http.photos import avatar_url
from app.money.payouts import payouts_of
from app.money.wallets import wallet_lines, wallet_of

_TAG: Final = "Mentors' desk"
_NUMBERS: Final = ("buffer_minutes", "min_notice_hours", "max_advance_days", "slot_interval_minutes")
Clock = Annotated[str, Field(pattern=r"^\d{2}:\d{2}$", examples=["09:00"])]


class BlockGiven(Given):
    start: Clock = Field(description="Wall time in the schedule's zone.")
    end: Clock = Field(description="One that is not after the start lies on the next day.", examples=["17:00"])
    type: BlockType = BlockType.AVAILABLE


class DayGiven(Given):
    weekday: Count = Field(ge=0, le=6, description="Monday is 0.")
    is_enabled: bool = True
    blocks: list[BlockGiven] = Field(
        default_factory=list, max_length=MOST_BLOCKS, examples=[[{"start": "09:00", "end": "17:00"}]]
    )


class ScheduleGiven(Given):
    version: Count | None = Field(None, description="The schedule's, as you read it; null before the first save.")
    timezone: ZoneName
    is_active: bool = True
    buffer_minutes: Count = Field(15, ge=0, le=240, description="Between two sessions.")
    min_notice_hours: Count = Field(2, ge=0, le=720)
    max_advance_days: Count = Field(60, ge=1, le=365)
    slot_interval_minutes: Count = Field(30, ge=5, le=240)
    days: list[DayGiven] = Field(max_length=7, description="A weekday that is missing is off.")


class BlockTold(Told):
    start: str
    end: str
    type: BlockType


class DayTold(Told):
    weekday: int
    is_enabled: bool
    blocks: list[BlockTold]


class ExceptionTold(Told):
    id: UUID
    starts_at: Instant
    ends_at: Instant
    type: ExceptionType
    reason: str | None


class ScheduleTold(Told):
    version: int | None = Field(description="Give it back with a change.")
    timezone: str
    is_active: bool
    buffer_minutes: int
    min_notice_hours: int
    max_advance_days: int
    slot_interval_minutes: int
    days: list[DayTold]
    exceptions: list[ExceptionTold] = Field(description="Those that are not over.")


class ExceptionGiven(Given):
    starts_at: Instant
    ends_at: Instant
    type: ExceptionType
    reason: str | None = Field(None, max_length=200)


class ExceptionMade(Told):
    id: UUID
    sessions_inside: int = Field(description="Sessions sold before that lie in it. They stand.")


class ExceptionGone(Told):
    id: UUID


@api.declare(
    "GET",
    "/mentor/schedule",
    tag=_TAG,
    summary="Your schedule",
    needs=Permission.OWN_SCHEDULE_EDIT,
    answer=ScheduleTold,
)
def mentor_schedule() -> ScheduleTold:
    return _schedule()


@api.declare(
    "PUT",
    "/mentor/schedule",
    tag=_TAG,
    summary="Save your schedule",
    needs=Permission.OWN_SCHEDULE_EDIT,
    body=ScheduleGiven,
    answer=ScheduleTold,
    refusals={409: "`stale_version`: it was changed meanwhile; `busy`"},
)
def save_mentor_schedule(body: ScheduleGiven) -> ScheduleTold:
    """Replaces the week and its settings. Sessions that were sold stand; exceptions stay."""
    places = {day.weekday: index for index, day in enumerate(body.days)}
    if len(places) < len(body.days):
        message = "Give each weekday once."
        raise Invalid(message, fields={"days": message})
    given = GivenSchedule(
        timezone=body.timezone,
        is_active=body.is_active,
        days={day.weekday: _day(day) for day in body.days},
        **{name: getattr(body, name) for name in _NUMBERS},
    )
    try:
        save_schedule(given, version=body.version, ctx=current_context())
    except Invalid as error:
        error.fields = {_as_listed(name, places): message for name, message in error.fields.items()}
        raise
    return _schedule()


@api.declare(
    "POST",
    "/mentor/schedule/exceptions",
    tag=_TAG,
    summary="Block a period, or offer an extra one",
    needs=Permission.OWN_SCHEDULE_EDIT,
    body=ExceptionGiven,
    answer=ExceptionMade,
    status=201,
    is_idempotent=True,
    refusals={409: "`conflict`: there are too many already"},
)
def make_exception(body: ExceptionGiven) -> ExceptionMade:
    ctx = current_context()

    def run() -> dict[str, object]:
        added = add_exception(
            starts_at=body.starts_at, ends_at=body.ends_at, kind=body.type, reason=body.reason, ctx=ctx
        )
        return {"id": added.id, "sessions_inside": added.sessions_inside}

    result, _ = once(idempotency_key(), scope="add exception", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    return ExceptionMade(id=UUID(result["id"]), sessions_inside=result["sessions_inside"])


@api.declare(
    "DELETE",
    "/mentor/schedule/exceptions/<uuid:exception_id>",
    tag=_TAG,
    summary="Take an exception back",
    needs=Permission.OWN_SCHEDULE_EDIT,
    answer=ExceptionGone,
    refusals={409: "`busy`: try again in a moment"},
)
def end_exception(exception_id: UUID) -> ExceptionGone:
    remove_exception(exception_id, ctx=current_context())
    return ExceptionGone(id=exception_id)


def _day(day: DayGiven) -> GivenDay:
    return GivenDay(day.is_enabled, tuple(GivenBlock(block.start, block.end, block.type) for block in day.blocks))


def _as_listed(name: str, places: dict[int, int]) -> str:
    """``days.6.…`` is Sunday below; here it is the place in the list that was sent."""
    head, _, rest = name.partition(".")
    weekday, dot, field = rest.partition(".")
    if head != "days" or not weekday.isdigit():
        return name
    return f"days.{places.get(int(weekday), int(weekday))}{dot}{field}"


def _schedule() -> ScheduleTold:
    view = load_schedule(own_id(), fallback_zone=str(reader_zone()), now=current_context().now)
    return _told(view)


def _told(view: ScheduleView) -> ScheduleTold:
    given = view.given
    off = GivenDay(is_enabled=False)
    days = [(weekday, given.days.get(weekday, off)) for weekday in range(len(WEEKDAYS))]
    return ScheduleTold(
        version=view.version,
        timezone=given.timezone,
        is_active=given.is_active,
        **{name: getattr(given, name) for name in _NUMBERS},
        days=[
            DayTold(
                weekday=weekday,
                is_enabled=day.is_enabled,
                blocks=[BlockTold(start=each.start, end=each.end, type=each.type) for each in day.blocks],
            )
            for weekday, day in days
        ],
        exceptions=[
            ExceptionTold(
                id=each.id, starts_at=each.starts_at, ends_at=each.ends_at, type=each.type, reason=each.reason
            )
            for each in view.exceptions
        ],
    )


class MenteeTold(Told):
    id: UUID
    name: str
    avatar: str | None
    sessions: int
    last_at: Instant = Field(description="The latest start, which may lie ahead.")


class StatsTold(Told):
    total_mentees: int
    total_sessions: int = Field(description="Confirmed, and not cancelled.")
    upcoming: int
    completed: int


class MenteesTold(Told):
    mentees: list[MenteeTold]
    stats: StatsTold
    pagination: Pagination


@api.declare(
    "GET",
    "/mentor/mentees-sessions",
    tag=_TAG,
    summary="Your mentees",
    needs=Permission.OWN_SCHEDULE_EDIT,
    query=Paged,
    answer=MenteesTold,
)
def mentees_sessions(query: Paged) -> MenteesTold:
    me = own_id()
    figures = mentor_figures(current_context())
    return MenteesTold(
        mentees=[
            MenteeTold(
                id=line.user.id,
                name=line.user.name,
                avatar=avatar_url(line.user.avatar),
                sessions=line.sessions,
                last_at=line.last_at,
            )
            for line in mentees_of(me, limit=query.limit, offset=(query.page - 1) * query.limit)
        ],
        stats=StatsTold(
            total_mentees=figures.total_mentees,
            total_sessions=figures.total_sessions,
            upcoming=figures.upcoming,
            completed=figures.completed,
        ),
        pagination=pagination(query.page, query.limit, figures.total_mentees),
    )


class BalanceTold(Told):
    currency: str
    pending: Amount = Field(description="Paid for sessions that are not over yet.")
    available: Amount = Field(description="May be paid out. Below zero after a late reversal.")


class EarningTold(Told):
    booking_id: UUID
    title: str
    scheduled_at: Instant | None
    currency: str
    pending: Amount
    available: Amount


class PayoutTold(Told):
    id: UUID
    currency: str
    amount: Amount
    reference: str | None
    created_at: Instant


class WalletTold(Told):
    balances: list[BalanceTold] = Field(description="One a currency.")
    payouts: list[PayoutTold] = Field(description="What was sent to your bank account, the latest first.")
    earnings: list[EarningTold] = Field(description="What each session brought, the latest first.")
    page: int
    limit: int
    has_more: bool


@api.declare(
    "GET",
    "/mentor/wallet",
    tag=_TAG,
    summary="Your wallet",
    needs=Permission.OWN_WALLET_VIEW,
    query=Paged,
    answer=WalletTold,
)
def mentor_wallet(query: Paged) -> WalletTold:
    me = own_id()
    lines = wallet_lines(me, limit=query.limit + 1, offset=(query.page - 1) * query.limit)
    return WalletTold(
        balances=[
            BalanceTold(currency=each.currency, pending=each.pending.amount, available=each.available.amount)
            for each in wallet_of(me).balances
        ],
        payouts=[
            PayoutTold(
                id=each.id,
                currency=each.currency,
                amount=amount(each.amount_minor, each.currency),
                reference=each.reference,
                created_at=each.created_at,
            )
            for each in payouts_of(me)
        ],
        earnings=[
            EarningTold(
                booking_id=line.session_id,
                title=line.title,
                scheduled_at=line.scheduled_at,
                currency=line.pending.currency,
                pending=line.pending.amount,
                available=line.available.amount,
            )
            for line in lines[: query.limit]
        ],
        page=query.page,
        limit=query.limit,
        has_more=len(lines) > query.limit,
    )
