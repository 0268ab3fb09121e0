"""What the forms of pages share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import render_template
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.domain.errors import DomainError
from app.domain.times import zone_names
from app.http.errors import put_errors, status_of

_LONGEST = 10_000


def needed(words: str, longest: int = _LONGEST) -> list[Any]:
    """Validators of a field that must be filled: ``words`` say what would be right."""
    return [InputRequired(words), Length(max=longest, message=f"Use at most {longest:,} characters.")]


def zone_field(label: str = "Time zone", description: str = "All times are shown to you in this zone.") -> Field:
    """The choice of a time zone; a script proposes the browser's own."""
    return SelectField(
        label,
        choices=_zones(),
        default="UTC",
        description=description,
        validators=[InputRequired("Choose your time zone.")],
    )


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(zone_names())]


def text_of(field: Field) -> str:
    """What was typed into a field of text; nothing typed is an empty text."""
    return field.data or ""


class EmailField(StringField):
    """An address; what it may be is decided by ``people.accounts``."""

    def process_formdata(self, valuelist: Iterable[str]) -> None:
        super().process_formdata([value.strip() for value in valuelist])


def show(template: str, form: FlaskForm, error: DomainError | None = None, **facts: Any) -> tuple[str, int]:
    """A page with its form; what was refused stands beside its fields, and the answer's status says so."""
    if error is not None:
        put_errors(form, error)
    status = status_of(error) if error is not None else 422 if form.errors else 200
    return render_template(template, form=form, **facts), status
