"""Each form names its fields; whatever else is posted reaches nobody (SEC-5)."""

from __future__ import annotations

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField

from app.people.accounts import LONGEST_NAME
from app.people.mentors import LONGEST_BIO, LONGEST_HEADLINE, MOST_TAGS
from app.people.tokens import LONGEST_NAME as LONGEST_TOKEN_NAME
from app.web.auth.forms import GOOD_PASSWORD
from app.web.forms import needed, zone_field

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "NGN", "GHS", "KES", "ZAR", "INR", "JPY",
              "AUD", "CAD", "NZD", "SGD", "HKD", "BRL", "MXN", "AED", "TRY")  # fmt: skip


class ProfileForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    name = StringField("Your name", needed("Write your name.", LONGEST_NAME), description="As others see it.")
    timezone = zone_field()
    sound = BooleanField("Play a sound when something needs me")
    reminder_emails = BooleanField("Remind me of sessions by e-mail")


class PhotoForm(FlaskForm):  # type: ignore[misc]  # as above
    photo = FileField(
        "Photo", [FileRequired("Choose a photo first.")], description="JPEG, PNG or WebP, up to 5 MB; cut to a square."
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]  # as above
    current = PasswordField("Present password", needed("Write your present password."))
    new = PasswordField("New password", needed("Choose a password."), description=GOOD_PASSWORD)


class ConfirmPasswordForm(FlaskForm):  # type: ignore[misc]  # as above
    password = PasswordField("Password", needed("Write your password."))


class PhoneForm(FlaskForm):  # type: ignore[misc]  # as above
    number = StringField(
        "Phone number", needed("Write a number.", 30), description="With its country, such as +49 151 1234567."
    )


class CodeForm(FlaskForm):  # type: ignore[misc]  # as above
    code = StringField("Code", needed("Write the code.", 10), description="Six digits, from the message to your phone.")


class TokenForm(FlaskForm):  # type: ignore[misc]  # as above
    name = StringField(
        "Name", needed("Write a name.", LONGEST_TOKEN_NAME), description="Which program will use it, and where."
    )
    scope = SelectField(
        "It may", choices=[("read", "Read only"), ("", "Do all that I may")], default="read", validators=[]
    )
    days = SelectField(
        "It works for", choices=[("30", "30 days"), ("90", "90 days"), ("365", "a year")], default="90", validators=[]
    )


class ApplicationForm(FlaskForm):  # type: ignore[misc]  # as above
    headline = StringField(
        "Headline",
        needed("Write a headline.", LONGEST_HEADLINE),
        description="What you are good at, in one line: “Staff engineer, ten years of databases”.",
    )
    bio = TextAreaField(
        "About you",
        needed("Write something about yourself.", LONGEST_BIO),
        description="What you have done, and whom you help best. Mentees read this before they choose.",
    )
    expertise = StringField(
        "Topics", needed("Name at least one topic."), description=f"Up to {MOST_TAGS}, with commas between them."
    )
    timezone = zone_field(description="Your weekly hours are in this zone.")
    rate = StringField("Price of an hour", needed("Write a price.", 20), description="You can change it later.")
    currency = SelectField("Currency", choices=[(code, code) for code in CURRENCIES], default="EUR", validators=[])
