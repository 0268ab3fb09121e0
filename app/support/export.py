"""CSV for any number of rows: the database writes it, and no cell can become a formula (SL-3, AUD-4, B-4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from babel.numbers import list_currencies
from sqlalchemy import ColumnElement, Numeric, Select, Text, case, cast, func, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from app.domain.context import Context
from app.domain.money import decimals
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.progress import Meter, Stand
from app.foundation.transaction import transaction
from app.models import MentoringSession, User
from app.support.session_filter import SessionFilter
from app.support.session_list import all_conditions, keys_of

S = MentoringSession
ACTION = "ADMIN_EXPORT"
# What a spreadsheet would run: a cell that begins with one of these.
_DANGEROUS = "=+-@\t\r\n"
_MARK = "'"
_PIECE = 32 * 1024
_TELL_EACH = 1_000
_CURRENCIES = sorted(list_currencies())
_WITHOUT_CENTS = [code for code in _CURRENCIES if decimals(code) == 0]
_WITH_MILLS = [code for code in _CURRENCIES if decimals(code) == 3]


def safe_cell(value: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers are not texts and stay as they are."""
    value = value.replace("\0", "")
    return _MARK + value if value[:1] in tuple(_DANGEROUS) else value


def guarded(column: Any) -> ColumnElement[str]:
    """The same in SQL."""
    text = cast(column, Text)
    first = func.left(text, 1)
    return case((first.in_(tuple(_DANGEROUS)), literal(_MARK) + text), else_=text)


def decimal(minor: Any, currency: Any) -> ColumnElement[Any]:
    """An amount of minor units with its currency's own decimals."""
    amount = cast(minor, Numeric)
    return case(
        (currency.in_(_WITHOUT_CENTS), cast(amount, Text)),
        (currency.in_(_WITH_MILLS), cast(func.round(amount / 1000, 3), Text)),
        else_=cast(func.round(amount / 100, 2), Text),
    )


def instant(column: Any) -> ColumnElement[str]:
    """ISO 8601 in UTC."""
    return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


def export_sessions(chosen: SessionFilter, *, ctx: Context, word: str = "") -> Iterator[bytes]:
    """Every session of a filter as CSV, streamed; that it was read is on record before the first byte (AUD-4).

    :param word: by which the page asks how far it is (UX-4)
    :raises Forbidden: the role may not export
    """
    require(ctx.actor, Permission.SESSION_EXPORT)
    note_export("sessions", chosen.arguments(), ctx=ctx)
    return copy_csv(_sessions(chosen, ctx.now), Meter(ctx.actor.user_id, word))


def note_export(what: str, arguments: Mapping[str, Any], *, ctx: Context) -> None:
    """This function will put an export into the staff audit trail (AUD-4)."""
    with transaction():
        record_staff_act(
            action=ACTION,
            reason=f"Export of {what}",
            ctx=ctx,
            subject_type="export",
            subject_id=what,
            details={"filter": dict(arguments)},
        )


def _sessions(chosen: SessionFilter, now: datetime) -> Select[Any]:
    mentor, mentee = aliased(User), aliased(User)
    columns: Sequence[Any] = (
        cast(S.id, Text).label("id"),
        guarded(S.title).label("title"),
        cast(S.mentor_id, Text).label("mentor_id"),
        guarded(mentor.name).label("mentor"),
        cast(S.mentee_id, Text).label("mentee_id"),
        guarded(mentee.name).label("mentee"),
        instant(S.scheduled_at).label("scheduled_at"),
        S.duration.label("duration"),
        S.status.label("status"),
        S.meeting_type.label("meeting_type"),
        decimal(S.rate_minor, S.currency).label("rate"),
        S.currency.label("currency"),
        S.payment_status.label("payment_status"),
        S.refund_status.label("refund_status"),
        decimal(S.refund_amount_minor, S.currency).label("refund_amount"),
        S.reschedule_count.label("reschedule_count"),
        S.mentor_reschedule_count.label("mentor_reschedule_count"),
        instant(S.created_at).label("created_at"),
    )
    # Sorting by a person's name needs no further join here: both people are joined already.
    order = [key.clause(_own(key.column, mentor if chosen.sort == "mentor" else mentee)) for key in keys_of(chosen)]
    return (
        select(*columns)
        .join(mentor, mentor.id == S.mentor_id)
        .join(mentee, mentee.id == S.mentee_id)
        .where(*all_conditions(chosen, now))
        .order_by(*order)
    )


def _own(column: Any, person: Any) -> Any:
    return getattr(person, column.key) if column.class_ is User else column


def copy_csv(statement: Select[Any], meter: Meter | None = None) -> Iterator[bytes]:
    """Stream a statement as CSV with a header row; memory stays flat however long it is."""
    yield (",".join(column.name for column in statement.selected_columns) + "\n").encode()
    made = statement.compile(
        dialect=postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
        compile_kwargs={"render_postcompile": True},
    )
    connection = db.session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(f"COPY ({made}) TO STDOUT (FORMAT csv)", made.params) as copy:
        yield from _in_pieces(copy, meter or Meter(None, ""))


def _in_pieces(copy: Iterable[Any], meter: Meter) -> Iterator[bytes]:
    """The database gives row by row; a web server sends whatever it is given by itself."""
    piece, rows, told, stand = bytearray(), 0, 0, Stand.BROKEN_OFF
    meter.tell(0)
    try:
        for rows, block in enumerate(copy, start=1):
            piece += block
            if len(piece) < _PIECE:
                continue
            yield bytes(piece)
            piece.clear()
            if rows - told >= _TELL_EACH:
                told = rows
                meter.tell(rows)
        if piece:
            yield bytes(piece)
        stand = Stand.DONE
    finally:
        meter.tell(rows, stand)
