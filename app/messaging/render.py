"""From the record of an e-mail to the letter: subject, text, HTML, calendar file (EM-1).

A letter depends on nothing but its record and the branding, so that the preview in the console is what was sent. Each
mail's words stand once, in ``templates/email/<name>.txt``; the text part prints them, the HTML part wraps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Context as TemplateContext

from app.config import Settings
from app.domain.times import offset_label
from app.domain.vocabulary import MeetingType
from app.domain.wording import (
    format_date,
    format_duration,
    format_money,
    format_when,
    in_reading_order,
    zone_label,
    zone_of,
)
from app.integrations.mailer import CalendarPart, Letter
from app.messaging import links
from app.messaging.ics import CalendarFacts, calendar_file
from app.messaging.letters import LETTERS
from app.models import EmailEvent

_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "email"

# The words are plain text; only the frame is HTML, and it escapes all that it is given (B-3).
_words = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=False,  # noqa: S701 - see above
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_frame = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)

_CALLS = {MeetingType.VIDEO: "Video call", MeetingType.AUDIO: "Audio call", MeetingType.CHAT: "Chat"}


@dataclass(frozen=True, slots=True)
class Branding:
    """What every letter carries of this installation."""

    name: str
    public_url: str
    sender: str
    support_email: str

    @classmethod
    def of(cls, settings: Settings) -> Branding:
        return cls(settings.brand_name, settings.public_url, settings.mail_sender, settings.support_email)

    @property
    def domain(self) -> str:
        """The part of the sender's address that makes ids unique in the world."""
        return parseaddr(self.sender)[1].rpartition("@")[2] or "localhost"


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    value: str


def subject_of(template: str, details: Mapping[str, Any], *, written_at: datetime) -> str:
    """The subject line, which is kept in the record from the beginning."""
    return in_reading_order(_one_line(_Words(template, details, written_at=written_at).block("subject")))


def render(event: EmailEvent, branding: Branding, *, secret: Mapping[str, Any] | None = None) -> Letter:
    """The letter that ``event`` stands for.

    :param secret: facts that the record does not hold; without them the button leads to the start page
    """
    facts = dict.fromkeys(LETTERS[event.template].secret) | dict(secret or {})
    words = _Words(event.template, event.details, written_at=event.created_at, branding=branding, secret=facts)
    frame = {
        "brand": branding.name,
        "home": branding.public_url,
        "support_email": branding.support_email,
        "subject": event.subject,
        "name": event.details["name"],
        "mark": words.block("mark"),
        "tone": LETTERS[event.template].tone,
        "title": words.session.get("title"),
        "rows": words.rows(),
        "paragraphs": _paragraphs(words.block("message")),
        "button": words.block("button"),
        "address": f"{branding.public_url}{words.path()}",
    }
    return Letter(
        id=event.id,
        sender=branding.sender,
        recipient=event.recipient,
        subject=event.subject,
        text=in_reading_order(_words.get_template("layout.txt").render(frame)),
        html=_inliner().inline(in_reading_order(_frame.get_template("layout.html").render(frame))),
        written_at=event.created_at,
        reply_to=branding.support_email,
        calendar=_calendar(event, branding),
    )


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    # Rules for phones cannot be inlined; they stay in the one style element that remains.
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _paragraphs(text: str) -> list[str]:
    return [_one_line(part) for part in text.split("\n\n") if part.strip()]


def _one_line(text: str) -> str:
    """Texts that people wrote make neither header lines nor rows of the box (B-15)."""
    return " ".join(text.split())


class _Words:
    """One template's blocks over one record's facts."""

    def __init__(
        self,
        template: str,
        details: Mapping[str, Any],
        *,
        written_at: datetime,
        branding: Branding | None = None,
        secret: Mapping[str, Any] | None = None,
    ) -> None:
        self.session: dict[str, Any] = details.get("session") or {}
        facts = {**details["facts"], **(secret or {})}
        self._facts = {name: _one_line(value) if isinstance(value, str) else value for name, value in facts.items()}
        self._zone = zone_of(details["zone"])
        self._now = written_at
        self._template = _words.get_template(f"{template}.txt")
        self._context: TemplateContext = self._template.new_context(
            {
                "brand": branding.name if branding else "",
                "support_email": branding.support_email if branding else "",
                "name": details["name"],
                "role": details["role"],
                **self._about_session(),
                **self._facts,
                "when": self._when,
                "money": self._money,
                "links": links,
            }
        )

    def _about_session(self) -> dict[str, Any]:
        told = self.session
        if not told:
            return {}
        return {
            "title": told["title"],
            "other": told["other_name"],
            "reader_is_mentor": told["reader_is_mentor"],
            "is_free": not told["price_minor"],
            "start": told["start"],
            "needs_room": told["meeting_type"] in {MeetingType.VIDEO, MeetingType.AUDIO},
            "is_chat": told["meeting_type"] == MeetingType.CHAT,
            "place": _one_line(told["location"] or ""),
            "session_path": links.session_page(told["id"]),
            "again_path": links.mentors_to_ask_again(told["id"]),
        }

    def block(self, name: str) -> str:
        """A block's text; empty when the template has none of that name."""
        found = self._template.blocks.get(name)
        return "".join(found(self._context)).strip() if found else ""

    def path(self) -> str:
        """Where the button leads: what the cause said, else what the template says."""
        return self._facts.get("url") or self.block("path") or "/"

    def rows(self) -> list[_Row]:
        """The lines of the box: when, how long, with whom, where, and the template's own."""
        told, rows = self.session, []
        if told.get("start"):
            start = datetime.fromisoformat(told["start"])
            rows += [_Row("Date", self._date(start)), _Row("Time", self._times(start, told["duration"]))]
        elif told:
            rows.append(_Row("Date", told["preferred_time_note"] or "Not set yet"))
        if told:
            rows.append(_Row("Duration", format_duration(told["duration"])))
            rows.append(_Row("Mentee" if told["reader_is_mentor"] else "Mentor", told["other_name"]))
            rows.append(_Row("Where", _CALLS.get(told["meeting_type"]) or told["location"] or "In person"))
        for line in self.block("rows").splitlines():
            label, _, value = line.partition(":")
            if value.strip():
                rows.append(_Row(label.strip(), value.strip()))
        return rows

    def _date(self, start: datetime) -> str:
        return format_date(start, self._zone, self._now)

    def _times(self, start: datetime, minutes: int) -> str:
        """``10:00 - 10:45 (Berlin, GMT+1)``; on the night the clock changes both ends carry their offset."""
        end = start + timedelta(minutes=minutes)
        place, first, last = zone_label(self._zone), offset_label(start, self._zone), offset_label(end, self._zone)
        from_, to = (f"{moment.astimezone(self._zone):%H:%M}" for moment in (start, end))
        if first != last:
            return f"{from_} ({first}) \N{EN DASH} {to} ({last}) ({place})"
        return f"{from_} \N{EN DASH} {to} ({place if place == 'UTC' else f'{place}, {first}'})"

    def _when(self, moment: str | None) -> str:
        return format_when(datetime.fromisoformat(moment), self._zone, self._now) if moment else ""

    def _money(self, minor: int | None) -> str:
        return format_money(minor, self.session["currency"]) if minor is not None else ""


def _calendar(event: EmailEvent, branding: Branding) -> CalendarPart | None:
    asked = event.details.get("ics")
    told = event.details.get("session")
    if not asked or not told:
        return None
    facts = CalendarFacts(
        session_id=told["id"],
        title=told["title"],
        other_name=told["other_name"],
        starts_at=datetime.fromisoformat(told["start"]),
        duration=told["duration"],
        sequence=asked["sequence"],
        location=told["location"] or "",
        written_at=event.created_at,
    )
    method = asked["method"].upper()
    content = calendar_file(
        facts,
        method=method,
        organizer=branding.sender,
        attendee=(event.details["name"], event.recipient),
        public_url=branding.public_url,
    )
    return CalendarPart(method, content)
