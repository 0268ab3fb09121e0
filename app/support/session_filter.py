"""Which sessions a list shows, as a frozen value that reads from and writes to an address (SL-2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.domain.errors import Invalid
from app.domain.vocabulary import CancellationCategory, CancelledBy, MeetingType, RefundStatus, SessionStatus
from app.support.queues import SPECS, Queue
from app.support.search_operators import Typed, take_apart

Kind = TypeVar("Kind", bound=StrEnum)

SORTS = (
    "id", "title", "mentor", "mentee", "scheduled_at", "duration", "status", "rate", "refund", "reschedules",
    "created_at",
)  # fmt: skip
DEFAULT_SORT = "created_at"
# What a row may show, in this order; the title names the row and stays (SL-1).
COLUMNS = (
    "title", "id", "mentor", "mentee", "scheduled_at", "duration", "status", "meeting_type", "rate", "refund",
    "reschedules", "created_at",
)  # fmt: skip
# Sorting by these begins with the largest, the others with the first of the alphabet.
NEWEST_FIRST = frozenset({"scheduled_at", "created_at", "duration", "rate", "reschedules"})
_LONGEST_SEARCH = 120
_CURRENCY = re.compile(r"[A-Z]{3}")
_YES = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """What to show and in which order. Dates are whole days in ``zone``, both included.

    :param reasons: why it was cancelled
    :param in_net: only what counts in net revenue: completed, or with a processed refund (KPI-1)
    :param columns: which columns a row shows, the title among them; empty shows all
    """

    zone: str
    statuses: tuple[SessionStatus, ...] = ()
    day_from: date | None = None
    day_to: date | None = None
    mentor_id: UUID | None = None
    mentee_id: UUID | None = None
    mentor_name: str = ""
    mentee_name: str = ""
    meeting_types: tuple[MeetingType, ...] = ()
    refund_statuses: tuple[RefundStatus, ...] = ()
    cancelled_by: tuple[CancelledBy, ...] = ()
    reasons: tuple[CancellationCategory, ...] = ()
    currencies: tuple[str, ...] = ()
    reassigned: bool | None = None
    pending_reschedule: bool | None = None
    in_net: bool = False
    queue: Queue | None = None
    search: str = ""
    sort: str = DEFAULT_SORT
    descending: bool = True
    columns: tuple[str, ...] = ()

    @property
    def start(self) -> datetime | None:
        """The first instant of the range, in UTC."""
        return day_start(self.day_from, self.zone) if self.day_from else None

    @property
    def end(self) -> datetime | None:
        """The first instant after the range, in UTC."""
        return day_start(self.day_to + timedelta(days=1), self.zone) if self.day_to else None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return bool(self.arguments(with_order=False))

    def arguments(self, *, with_order: bool = True) -> dict[str, list[str]]:
        """As address arguments; what is as by default is left out, so that equal filters have equal addresses."""
        found: dict[str, list[str]] = {
            "q": [self.search] if self.search else [],
            "status": [item.value for item in self.statuses],
            "from": [self.day_from.isoformat()] if self.day_from else [],
            "to": [self.day_to.isoformat()] if self.day_to else [],
            "mentor": [str(self.mentor_id)] if self.mentor_id else [],
            "mentee": [str(self.mentee_id)] if self.mentee_id else [],
            "mentor_name": [self.mentor_name] if self.mentor_name else [],
            "mentee_name": [self.mentee_name] if self.mentee_name else [],
            "meeting_type": [item.value for item in self.meeting_types],
            "refund": [item.value for item in self.refund_statuses],
            "cancelled_by": [item.value for item in self.cancelled_by],
            "reason": [item.value for item in self.reasons],
            "currency": list(self.currencies),
            "reassigned": [] if self.reassigned is None else ["1" if self.reassigned else "0"],
            "pending_reschedule": [] if self.pending_reschedule is None else ["1" if self.pending_reschedule else "0"],
            "in_net": ["1"] if self.in_net else [],
            "queue": [self.queue.value] if self.queue else [],
        }
        natural = "scheduled_at" if self.day_from or self.day_to or self.queue else DEFAULT_SORT
        if with_order and (self.sort, self.descending) != (natural, True):
            found["sort"] = [self.sort]
            found["order"] = ["desc" if self.descending else "asc"]
        if with_order and self.columns:
            found["columns"] = [",".join(self.columns)]
        return {name: values for name, values in found.items() if values}

    def without(self, name: str) -> SessionFilter:
        """The same filter with one argument (``from`` takes ``to`` with it) taken away."""
        empty = SessionFilter(zone=self.zone)
        fields = {
            "q": ("search",),
            "status": ("statuses",),
            "from": ("day_from", "day_to"),
            "mentor": ("mentor_id",),
            "mentee": ("mentee_id",),
            "meeting_type": ("meeting_types",),
            "refund": ("refund_statuses",),
            "reason": ("reasons",),
            "currency": ("currencies",),
        }.get(name, (name,))
        return replace(self, **{field: getattr(empty, field) for field in fields})

    def sorted_by(self, column: str) -> SessionFilter:
        """The filter that a click on a column's head leads to: its natural order first, then the other way round."""
        if column == self.sort:
            return replace(self, descending=not self.descending)
        return replace(self, sort=column, descending=column in NEWEST_FIRST)


def day_start(day: date, zone: str) -> datetime:
    """The first instant of a day in that zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def read_filter(arguments: Mapping[str, Sequence[str]], *, zone: str) -> SessionFilter:
    """The filter of an address. Unknown names are ignored; a value that cannot be used is refused by name.

    :param zone: the viewer's; an argument ``zone`` comes before it
    :raises Invalid: ``fields`` says of each bad argument what would be right
    """
    found, wrong = read_what_can_be_read(arguments, zone=zone)
    if wrong is not None:
        raise wrong
    return found


def read_what_can_be_read(arguments: Mapping[str, Sequence[str]], *, zone: str) -> tuple[SessionFilter, Invalid | None]:
    """The same for a page that must not lose what was right: the filter without its bad values, and the refusal.

    Operators in the search words (``status:cancelled``) take the place of the arguments that they stand for.
    """
    box = " ".join((arguments.get("q") or ("",))[-1].replace("\0", "").split())
    typed = take_apart(box)
    reader = _Reader({**arguments, **typed.arguments, "q": [typed.words]}, typed)
    found = SessionFilter(
        zone=reader.zone(zone),
        statuses=reader.several("status", SessionStatus),
        day_from=reader.day("from"),
        day_to=reader.day("to"),
        mentor_id=reader.id("mentor"),
        mentee_id=reader.id("mentee"),
        mentor_name=reader.words("mentor_name"),
        mentee_name=reader.words("mentee_name"),
        meeting_types=reader.several("meeting_type", MeetingType),
        refund_statuses=reader.several("refund", RefundStatus),
        cancelled_by=reader.several("cancelled_by", CancelledBy),
        reasons=reader.several("reason", CancellationCategory),
        currencies=reader.currencies(),
        reassigned=reader.flag("reassigned"),
        pending_reschedule=reader.flag("pending_reschedule"),
        in_net=bool(reader.flag("in_net")),
        queue=reader.queue(),
        search=reader.words("q"),
        sort=reader.sort(),
        descending=reader.descending(),
        columns=reader.columns(),
    )
    if found.day_from and found.day_to and found.day_from > found.day_to:
        reader.refuse("to", "The last day lies before the first.")
        found = replace(found, day_to=None)
    return found, reader.refusal()


class _Reader:
    """Reads one argument after the other and remembers what was wrong."""

    def __init__(self, arguments: Mapping[str, Sequence[str]], typed: Typed) -> None:
        self._arguments = arguments
        self._typed = typed.names
        self._wrong: dict[str, str] = {"q": typed.wrong} if typed.wrong else {}

    def refuse(self, name: str, reason: str) -> None:
        operator = self._typed.get(name)
        if operator:
            # It was typed into the search box, so that is where it is put right.
            name, reason = "q", " ".join(filter(None, (self._wrong.get("q"), f"{operator}: {reason}")))
        self._wrong[name] = reason

    def refusal(self) -> Invalid | None:
        return Invalid("Some filters of this address cannot be used.", fields=self._wrong) if self._wrong else None

    def _one(self, name: str) -> str:
        values = self._arguments.get(name) or ("",)
        return values[-1].strip()

    def several(self, name: str, kind: type[Kind]) -> tuple[Kind, ...]:
        chosen = {text.strip() for value in self._arguments.get(name, ()) for text in value.split(",")} - {""}
        unknown = chosen - {member.value for member in kind}
        if unknown:
            known = ", ".join(member.value for member in kind)
            self.refuse(name, f"There is no {_shown(min(unknown))}. Use one of: {known}.")
        return tuple(member for member in kind if member.value in chosen)

    def currencies(self) -> tuple[str, ...]:
        chosen = {text.strip() for value in self._arguments.get("currency", ()) for text in value.split(",")} - {""}
        if any(not _CURRENCY.fullmatch(code) for code in chosen):
            self.refuse("currency", "A currency is written like EUR.")
            return ()
        return tuple(sorted(chosen))

    def day(self, name: str) -> date | None:
        text = self._one(name)
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        # A day's edge is computed in zones on both sides of UTC, and must stay a date there.
        if not 1970 <= day.year <= 9000:
            self.refuse(name, "A day is written like 2026-11-14.")
            return None
        return day

    def id(self, name: str) -> UUID | None:
        text = self._one(name)
        try:
            return UUID(text) if text else None
        except ValueError:
            self.refuse(name, "Choose a person from the list.")
            return None

    def flag(self, name: str) -> bool | None:
        text = self._one(name).lower()
        if text and text not in _YES:
            self.refuse(name, "Use yes or no.")
        return _YES.get(text)

    def queue(self) -> Queue | None:
        text = self._one("queue")
        found = next((queue for queue, spec in SPECS.items() if spec.of_sessions and queue.value == text), None)
        if text and found is None:
            self.refuse("queue", "There is no such queue of sessions.")
        return found

    def words(self, name: str) -> str:
        text = " ".join(self._one(name).replace("\0", "").split())
        if len(text) > _LONGEST_SEARCH:
            self.refuse(name, f"Search for at most {_LONGEST_SEARCH} characters.")
        return text[:_LONGEST_SEARCH]

    def sort(self) -> str:
        text = self._one("sort") or self._natural_sort()
        if text not in SORTS:
            self.refuse("sort", f"Sort by one of: {', '.join(SORTS)}.")
            return DEFAULT_SORT
        return text

    def _natural_sort(self) -> str:
        by_time = any(self._one(name) for name in ("from", "to", "queue"))
        return "scheduled_at" if by_time else DEFAULT_SORT

    def descending(self) -> bool:
        text = self._one("order")
        if text not in {"", "asc", "desc"}:
            self.refuse("order", "Use asc or desc.")
        return text == "desc" if text else self.sort() in NEWEST_FIRST

    def columns(self) -> tuple[str, ...]:
        chosen = {text.strip() for value in self._arguments.get("columns", ()) for text in value.split(",")} - {""}
        unknown = chosen - set(COLUMNS)
        if unknown:
            self.refuse("columns", f"There is no {_shown(min(unknown))}. Use some of: {', '.join(COLUMNS)}.")
            return ()
        chosen |= {"title"} if chosen else set()
        return () if chosen == set(COLUMNS) else tuple(name for name in COLUMNS if name in chosen)

    def zone(self, default: str) -> str:
        text = self._one("zone")
        if text == "UTC" or not text:
            return text or default
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.refuse("zone", "This time zone is not known.")
            return default
        return text


def _shown(text: str) -> str:
    return repr(text[:40])
