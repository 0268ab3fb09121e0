"""Each form names its fields; whatever else is posted reaches nobody (SEC-5)."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.vocabulary import BookingMode, MeetingType
from app.web.account.forms import CURRENCIES
from app.web.forms import needed
from app.web.meeting_words import MEETING_WORDS
from app.web.sessions.forms import at_most


class OfferingForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    title = StringField("Name", needed("Give it a name.", 120), description="As mentees read it: “One hour of advice”.")
    description = TextAreaField("What is in it", [at_most(2_000)])
    duration = IntegerField("Length in minutes", [InputRequired("Give a length in minutes, such as 60.")], default=60)
    rate = StringField("Price", needed("Write a price, or 0 for a free session.", 20))
    currency = SelectField("Currency", choices=[(code, code) for code in CURRENCIES], default="EUR")
    booking_mode = RadioField(
        "How it is booked",
        choices=[
            (BookingMode.INSTANT.value, "At once: mentees choose a free time and pay"),
            (BookingMode.REQUEST.value, "On request: you look at each request first"),
        ],
        default=BookingMode.INSTANT.value,
    )
    meeting_types = SelectMultipleField(
        "How you meet",
        [InputRequired("Choose at least one way to meet.")],
        choices=[(kind.value, MEETING_WORDS[kind]) for kind in MeetingType],
        default=[MeetingType.VIDEO.value],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    location = StringField("Where", [at_most(300)], description="For meetings in person.")
