"""Each form names its fields; whatever else is posted reaches nobody (SEC-5)."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField

from app.people.accounts import LONGEST_EMAIL, LONGEST_NAME
from app.people.passwords import SHORTEST
from app.web.forms import EmailField, needed, zone_field

GOOD_PASSWORD = f"At least {SHORTEST} characters. A few words in a row are easy to remember."


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    email = EmailField("E-mail address", needed("Write your e-mail address."))
    password = PasswordField("Password", needed("Write your password."))
    remember = BooleanField("Keep me signed in on this device")


class RegisterForm(FlaskForm):  # type: ignore[misc]  # as above
    name = StringField("Your name", needed("Write your name.", LONGEST_NAME), description="As others will see it.")
    email = EmailField("E-mail address", needed("Write your e-mail address.", LONGEST_EMAIL))
    password = PasswordField("Password", needed("Choose a password."), description=GOOD_PASSWORD)
    timezone = zone_field()


class ConfirmForm(FlaskForm):  # type: ignore[misc]  # as above
    """Nothing but the token: the link says the rest."""


class ForgotForm(FlaskForm):  # type: ignore[misc]  # as above
    email = EmailField("E-mail address", needed("Write your e-mail address."))


class ResetForm(FlaskForm):  # type: ignore[misc]  # as above
    password = PasswordField("New password", needed("Choose a password."), description=GOOD_PASSWORD)
