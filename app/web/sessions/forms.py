"""Each form names its fields; whatever else is posted reaches nobody (SEC-5)."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.domain.cancellation import CATEGORIES
from app.domain.cancellation import REASON_MAX as CANCEL_REASON_MAX
from app.domain.requests import DESCRIPTION_MAX, REASON_MAX
from app.domain.reviewing import COMMENT_MAX
from app.domain.vocabulary import CancellationCategory, Party
from app.web.forms import needed

REASONS = {
    CancellationCategory.SCHEDULE_CONFLICT: "Something else came up",
    CancellationCategory.FOUND_OTHER: "I found somebody else",
    CancellationCategory.NO_LONGER_NEEDED: "I do not need it any more",
    CancellationCategory.TECHNICAL: "Technical trouble",
    CancellationCategory.EMERGENCY: "An emergency",
    CancellationCategory.ILLNESS: "Illness",
    CancellationCategory.OTHER: "Another reason",
}


def at_most(longest: int) -> Length:
    return Length(max=longest, message=f"Use at most {longest:,} characters.")


class CancelForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    category = SelectField("Why?", choices=[])
    reason = TextAreaField("Would you like to say more?", [at_most(CANCEL_REASON_MAX)])

    def offer(self, side: Party) -> None:
        """The reasons that this side may choose (CX-1)."""
        self.category.choices = [
            ("", "Choose a reason"),
            *((each.value, REASONS[each]) for each in CATEGORIES[side]),
        ]


class ReviewForm(FlaskForm):  # type: ignore[misc]  # as above
    rating = RadioField(
        "How was it?",
        choices=[("5", "Excellent"), ("4", "Good"), ("3", "Fair"), ("2", "Poor"), ("1", "Bad")],
        validators=[InputRequired("Choose a number of stars.")],
    )
    comment = TextAreaField("In your own words", [at_most(COMMENT_MAX)])


class ApproveForm(FlaskForm):  # type: ignore[misc]  # as above
    message = TextAreaField("A message to your mentee", [at_most(DESCRIPTION_MAX)])
    meeting_url = StringField(
        "Your own meeting link",
        [at_most(500)],
        description="Leave it empty, and we make a link. It is shown shortly before the start only.",
    )
    offering = SelectField("Which of your offerings?", choices=[], validate_choice=False)
    day = StringField("Day")
    time = StringField("Time")


class DeclineForm(FlaskForm):  # type: ignore[misc]  # as above
    reason = TextAreaField(
        "Why?", needed("Give a reason; your mentee reads it.", REASON_MAX), description="Your mentee reads this."
    )


class LinkForm(FlaskForm):  # type: ignore[misc]  # as above
    meeting_url = StringField(
        "Meeting link",
        needed("Give the link of your meeting.", 500),
        description="An address that begins with https://, from whichever service you like.",
    )


class ReasonForm(FlaskForm):  # type: ignore[misc]  # as above
    reason = TextAreaField("Would you like to say why?", [at_most(CANCEL_REASON_MAX)])


class NothingForm(FlaskForm):  # type: ignore[misc]  # as above
    """Nothing but the token: the address says the rest."""
