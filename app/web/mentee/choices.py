"""What a mentee has chosen so far in the wizard (BK-2).

When, what and in which zone stand in the address, so that reloading, going back, and signing in on the way lose
nothing. The words stand in a signed cookie of that mentor's wizard alone: they are nobody's to read in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from flask import Response, current_app, request
from flask_login import current_user
from itsdangerous import BadData, URLSafeTimedSerializer

from app.booking.read_models import MentorPage, OfferingView
from app.domain.vocabulary import BookingMode
from app.domain.wording import format_iso
from app.web.asking import date_arg, id_arg, instant, text_arg, viewer_zone, zone_arg

_COOKIE: Final = "booking"
_KEPT_SECONDS: Final = 6 * 3600
# A browser keeps no cookie beyond 4,096 bytes, its name and attributes included.
_LARGEST: Final = 3_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The choices that stand in the address.

    :param minutes: how long, while no offering is chosen
    :param zone: in which times are shown; the reader's own unless another was chosen
    :param in_words: a request that describes when instead of naming a time
    :param undecided: a request that leaves the offering to the mentor (BK-5)
    :param again: an earlier session of this mentee's, whose words are asked with once more (BK-8)
    """

    start: datetime | None = None
    offering: UUID | None = None
    minutes: int | None = None
    zone: str = "UTC"
    day: date | None = None
    in_words: bool = False
    undecided: bool = False
    again: UUID | None = None

    def args(self) -> dict[str, Any]:
        """As parameters of an address; what says nothing is left out."""
        found = {
            "start": format_iso(self.start) if self.start else None,
            "offering": self.offering,
            "minutes": self.minutes if self.offering is None else None,
            "zone": self.zone if self.zone != viewer_zone() else None,
            "day": self.day.isoformat() if self.day else None,
            "words": "1" if self.in_words else None,
            "undecided": "1" if self.undecided else None,
            "again": self.again,
        }
        return {key: value for key, value in found.items() if value is not None}

    def but(self, **changes: Any) -> Choice:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was typed on the second step, and the key that makes sending it twice harmless (BK-9)."""

    title: str = ""
    description: str = ""
    meeting_type: str = ""
    message: str = ""
    preferred: str = ""
    location: str = ""
    key: str = ""


def read_choice(mentor: MentorPage) -> Choice:
    """What the address says, as far as it fits this mentor."""
    offering = next((each for each in mentor.offerings if each.id == id_arg("offering")), None)
    durations = durations_of(mentor)
    minutes = request.values.get("minutes", type=int)
    in_words = request.args.get("words") == "1" and may_use_words(mentor)
    return Choice(
        start=instant(text_arg("start", 40)),
        offering=offering.id if offering else None,
        minutes=offering.duration if offering else minutes if minutes in durations else next(iter(durations), None),
        zone=zone_arg("zone", viewer_zone()),
        day=date_arg("day"),
        in_words=in_words,
        undecided=in_words and offering is None and request.args.get("undecided") == "1",
        again=id_arg("again"),
    )


def durations_of(mentor: MentorPage) -> list[int]:
    """The lengths that can be booked, shortest first."""
    return sorted({each.duration for each in mentor.offerings})


def may_use_words(mentor: MentorPage) -> bool:
    """Whether something can be asked for without naming a time (BK-4)."""
    return any(each.booking_mode is BookingMode.REQUEST for each in mentor.offerings)


def fitting(mentor: MentorPage, choice: Choice) -> list[OfferingView]:
    """The offerings that fit: those of the chosen length, or everything that can be asked for in words."""
    if choice.in_words:
        return [each for each in mentor.offerings if each.booking_mode is BookingMode.REQUEST]
    return [each for each in mentor.offerings if each.duration == choice.minutes]


def may_be_undecided(mentor: MentorPage, choice: Choice) -> bool:
    """Whether there is something that the mentor could choose for the mentee."""
    return choice.in_words and len(mentor.offerings) > 1


def chosen(mentor: MentorPage, choice: Choice) -> OfferingView | None:
    return next((each for each in fitting(mentor, choice) if each.id == choice.offering), None)


def read_words(mentor_id: UUID) -> Words | None:
    """What was typed before for this mentor by the person who is signed in now."""
    try:
        kept = _serializer().loads(request.cookies.get(_COOKIE, ""), max_age=_KEPT_SECONDS)
    except BadData:
        return None
    if not isinstance(kept, dict) or kept.pop("for", None) != _for(mentor_id):
        return None
    return Words(**kept)


def keep_words(response: Response, mentor_id: UUID, words: Words) -> bool:
    """This function will put the words into the browser's keeping; False when they are too long for it."""
    text = _serializer().dumps({**asdict(words), "for": _for(mentor_id)})
    if len(text) > _LARGEST:
        return False
    response.set_cookie(
        _COOKIE,
        text,
        max_age=_KEPT_SECONDS,
        path=f"/book/{mentor_id}",
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")),
    )
    return True


def forget_words(response: Response, mentor_id: UUID) -> None:
    response.delete_cookie(_COOKIE, path=f"/book/{mentor_id}")


def with_key(words: Words, before: Words | None) -> Words:
    """The same words with the key they had; changed words are another booking, and get a new one."""
    if before is not None and before.key and replace(before, key="") == replace(words, key=""):
        return replace(words, key=before.key)
    return replace(words, key=uuid4().hex)


def words_of(form: Mapping[str, str]) -> Words:
    """What the last step's form carries in hidden fields."""
    return Words(**{name: form.get(name, "").replace("\r\n", "\n") for name in Words.__slots__})


def _for(mentor_id: UUID) -> str:
    """Another person on the same computer finds nothing; who asks again starts with the words of that session."""
    return f"{mentor_id} {current_user.id if current_user.is_authenticated else ''} {id_arg('again') or ''}".strip()


def _serializer() -> URLSafeTimedSerializer:
    key = current_app.secret_key
    if not key:
        raise RuntimeError("the application has no secret key")
    return URLSafeTimedSerializer(key, salt="booking-wizard")
