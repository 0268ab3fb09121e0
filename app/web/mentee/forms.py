"""Each form names its fields; whatever else is posted reaches nobody (SEC-5)."""

from __future__ import annotations

from collections.abc import Sequence

from flask_wtf import FlaskForm
from wtforms import Field, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from app.booking.book import PLACE_MAX
from app.booking.read_models import OfferingView
from app.domain.requests import DESCRIPTION_MAX, TITLE_LENGTH
from app.domain.vocabulary import BookingMode, MeetingType
from app.domain.wording import format_duration, format_money
from app.web.meeting_words import MEETING_WORDS

# In a request in words: the mentor chooses among the offerings, and the mentee accepts by paying.
UNDECIDED = "undecided"
_ANY = Length(max=DESCRIPTION_MAX, message=f"Use at most {DESCRIPTION_MAX:,} characters.")


class DetailsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The second step: what it is about, and how to meet."""

    offering = RadioField("What would you like to book?", [InputRequired("Choose one of these.")])
    meeting_type = RadioField("How do you want to meet?", [InputRequired("Choose how to meet.")])
    title = StringField(
        "What is it about?",
        [
            InputRequired("Say in a few words what it is about."),
            Length(*TITLE_LENGTH, message=f"Use {TITLE_LENGTH[0]} to {TITLE_LENGTH[1]} characters."),
        ],
    )
    description = TextAreaField("What would you like to get out of it?", [_ANY])
    preferred = TextAreaField("When would it suit you?", [_ANY])
    location = StringField(
        "Would you rather meet somewhere else?", [Length(max=PLACE_MAX, message=f"Use at most {PLACE_MAX} characters.")]
    )
    message = TextAreaField("A message to your mentor", [_ANY])

    def offer(self, offerings: Sequence[OfferingView], *, in_words: bool, may_be_undecided: bool) -> None:
        """Show what this mentor offers, and only the fields that it needs."""
        self._offerings = {str(each.id): each for each in offerings}
        self.offering.choices = [(key, _line(each, with_length=in_words)) for key, each in self._offerings.items()]
        if may_be_undecided:
            self.offering.choices.append((UNDECIDED, "I am not sure yet: let the mentor propose what fits"))
        kinds = dict.fromkeys(kind for each in offerings for kind in each.meeting_types)
        places = {each.location for each in offerings if MeetingType.IN_PERSON in each.meeting_types}
        place = places.pop() if len(places) == 1 else None
        self.meeting_type.choices = [
            (
                kind.value,
                f"{MEETING_WORDS[kind]}, {place}" if place and kind is MeetingType.IN_PERSON else MEETING_WORDS[kind],
            )
            for kind in kinds
        ]
        if len(self.offering.choices) == 1 and not self.offering.data:
            self.offering.data = self.offering.choices[0][0]
        # What is asked once more may be asked of somebody who meets otherwise; what was sent is judged, not changed.
        is_usable = self.meeting_type.data in {kind.value for kind in kinds} or self.meeting_type.raw_data
        if self.meeting_type.choices and not is_usable:
            self.meeting_type.data = self.meeting_type.choices[0][0]
        if not in_words:
            del self.preferred
        else:
            self.preferred.validators = [InputRequired("Say when it would suit you."), *self.preferred.validators]
        if not any(each.booking_mode is BookingMode.REQUEST for each in offerings):
            del self.message
        if not any(_may_be_elsewhere(each) for each in offerings):
            del self.location

    def validate_location(self, field: Field) -> None:
        offering = self._offerings.get(self.offering.data or "")
        in_person = self.meeting_type.data == MeetingType.IN_PERSON
        if field.data.strip() and in_person and offering is not None and not _may_be_elsewhere(offering):
            raise ValidationError("This offering takes place where your mentor says. Leave this empty.")

    def validate_meeting_type(self, field: Field) -> None:
        offering = self._offerings.get(self.offering.data or "")
        if offering is not None and field.data not in {kind.value for kind in offering.meeting_types}:
            raise ValidationError("This offering does not take place that way. Choose another.")


def _may_be_elsewhere(offering: OfferingView) -> bool:
    """Whether the mentee may name a place: the mentor looks at it before anything is agreed."""
    return offering.booking_mode is BookingMode.REQUEST and MeetingType.IN_PERSON in offering.meeting_types


def _line(offering: OfferingView, *, with_length: bool) -> str:
    """:param with_length: where no time is chosen, they differ in length"""
    price = format_money(offering.price) if offering.price.minor else "Free"
    length = f"{format_duration(offering.duration)} · " if with_length else ""
    return f"{offering.title} · {length}{price}"


class BookForm(FlaskForm):  # type: ignore[misc]  # as above
    """The last step: nothing but the token; what is booked stands in plain hidden fields."""
