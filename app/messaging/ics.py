"""One session as an iCalendar file: the same event for life, moved and cancelled by a higher sequence number (DB-6).

Times are in UTC, which every client reads without a zone table. The address is the session's page, never the meeting
link, which is released only around the start (JN-2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Literal
from uuid import UUID

from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from app.messaging import links

CONTENT_TYPE = "text/calendar; charset=utf-8"
_REMINDER = timedelta(minutes=15)
_AGAIN = timedelta(minutes=15)

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]


@dataclass(frozen=True, slots=True)
class CalendarFacts:
    """What the file says. ``other_name`` is whom its reader meets; ``duration`` is in minutes."""

    session_id: UUID | str
    title: str
    other_name: str
    starts_at: datetime
    duration: int
    sequence: int
    written_at: datetime
    location: str = ""


def calendar_file(
    facts: CalendarFacts,
    *,
    method: Method,
    organizer: str,
    public_url: str,
    attendee: tuple[str, str] | None = None,
) -> bytes:
    """The file's bytes, for a mail (``REQUEST``, ``CANCEL``) or a download (``PUBLISH``).

    :param organizer: our sender, as ``Name <address>``; the same for life, or clients refuse the update
    :param attendee: name and address of the reader; without one a mail program offers no answer
    """
    calendar = _empty(method)
    calendar.add_component(_event(facts, method, organizer, public_url, attendee))
    content: bytes = calendar.to_ical()
    return content


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One session in somebody's feed."""

    facts: CalendarFacts
    is_cancelled: bool


def calendar_feed(entries: Iterable[FeedEntry], *, name: str, organizer: str, public_url: str) -> bytes:
    """A calendar to subscribe to: every session under the id that its mails and files have, for life.

    :param name: what calendars call it
    """
    calendar = _empty("PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", _AGAIN, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    for entry in entries:
        calendar.add_component(
            _event(entry.facts, "CANCEL" if entry.is_cancelled else "PUBLISH", organizer, public_url, None)
        )
    content: bytes = calendar.to_ical()
    return content


def _empty(method: Method) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Mentor Desk//Sessions//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    return calendar


def _event(
    facts: CalendarFacts, method: Method, organizer: str, public_url: str, attendee: tuple[str, str] | None
) -> Event:
    is_cancelled = method == "CANCEL"
    start = facts.starts_at.astimezone(UTC)
    page = f"{public_url}{links.session_page(facts.session_id)}"
    name, address = parseaddr(organizer)
    event = Event()
    event.add("uid", f"session-{facts.session_id}@{address.rpartition('@')[2] or 'localhost'}")
    event.add("sequence", facts.sequence)
    event.add("dtstamp", facts.written_at.astimezone(UTC))
    event.add("dtstart", start)
    event.add("dtend", start + timedelta(minutes=facts.duration))
    event.add("summary", f"{facts.title} with {facts.other_name}" if facts.other_name else facts.title)
    event.add("description", f"Join, change or cancel on the session's page:\n{page}")
    event.add("location", facts.location or page)
    event.add("url", page)
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("organizer", _person(name, address))
    if attendee and method != "PUBLISH":
        event.add("attendee", _guest(*attendee), encode=False)
    if not is_cancelled:
        event.add_component(_alarm(facts.title))
    return event


def _person(name: str, address: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = vText(name)
    return person


def _guest(name: str, address: str) -> vCalAddress:
    guest = _person(name, address)
    guest.params.update(
        {
            "CUTYPE": vText("INDIVIDUAL"),
            "ROLE": vText("REQ-PARTICIPANT"),
            "PARTSTAT": vText("NEEDS-ACTION"),
            "RSVP": vText("TRUE"),
        }
    )
    return guest


def _alarm(title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -_REMINDER)
    return alarm
