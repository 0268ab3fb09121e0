"""When a mentor can be booked: the week, exceptions, and at once what mentees will see of it (AV-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from app.booking.offerings import offerings_of
from app.booking.schedule import (
    GivenSchedule,
    add_exception,
    load_schedule,
    preview_slots,
    remove_exception,
    save_schedule,
)
from app.domain.availability import Slot
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission
from app.domain.times import zone, zone_names
from app.domain.vocabulary import ExceptionType
from app.http.context import current_actor, current_context, request_now
from app.http.errors import refused
from app.http.login import requires
from app.web.asking import viewer_zone
from app.web.mentor.week_form import NUMBERS, problem_lines, read_given, rows_of
from app.web.wall_time import wall_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

bp = Blueprint("availability", __name__)

_PREVIEW_DAYS = 14
_USUAL_MINUTES = 60


@dataclass(frozen=True, slots=True)
class DayPreview:
    """A day as mentees will see it: its first and last start, and how many there are."""

    day: date
    slots: Sequence[Slot]


@bp.route("/mentor/availability", methods=["GET", "POST"])
@requires(Permission.OWN_SCHEDULE_EDIT)
def edit() -> ResponseReturnValue:
    """Save, or look first: the second button shows what mentees would see, and saves nothing."""
    ctx = current_context()
    stored = load_schedule(_me(), fallback_zone=viewer_zone(), now=ctx.now)
    given, problems = stored.given, list[str]()
    version = stored.version
    if request.method == "POST":
        version = request.form.get("version", type=int)
        try:
            given = read_given(request.form)
            if request.form.get("do") != "preview":
                save_schedule(given, version=version, ctx=ctx)
                flash("Your availability is saved.", "success")
                return redirect(url_for("availability.edit"), 303)
        except Invalid as error:
            problems = problem_lines(error)
        except Conflict as error:
            return refused(error, url_for("availability.edit"))
    minutes = _shortest()
    preview, why_not = _preview(given, minutes, has_problems=bool(problems))
    html = render_template(
        "mentor/availability.html",
        given=given,
        days=rows_of(given),
        version=version,
        problems=problems or why_not,
        exceptions=stored.exceptions,
        preview=preview,
        minutes=minutes,
        numbers=NUMBERS,
        zones=sorted(zone_names()),
        is_preview=request.method == "POST",
    )
    return html, 422 if problems else 200


@bp.post("/mentor/availability/exceptions")
@requires(Permission.OWN_SCHEDULE_EDIT)
def add() -> ResponseReturnValue:
    form, here = request.form, url_for("availability.edit") + "#exceptions"
    try:
        added = add_exception(
            starts_at=wall_instant(form.get("from_day", ""), form.get("from_time", ""), field="startsAt"),
            ends_at=wall_instant(
                form.get("to_day", "") or form.get("from_day", ""), form.get("to_time", ""), field="endsAt", is_end=True
            ),
            kind=ExceptionType.EXTRA if form.get("kind") == "extra" else ExceptionType.BLOCKED,
            reason=form.get("reason") or None,
            ctx=current_context(),
        )
    except Invalid as error:
        error.message = " ".join(dict.fromkeys(error.fields.values())) or error.message
        return refused(error, here)
    except Conflict as error:
        return refused(error, here)
    text = "Added."
    if added.sessions_inside:
        many = "sessions lie" if added.sessions_inside > 1 else "session lies"
        text = f"Added. {added.sessions_inside} {many} in it: what is booked stays booked unless you cancel it."
    flash(text, "success")
    return redirect(here, 303)


@bp.post("/mentor/availability/exceptions/<uuid:exception_id>/remove")
@requires(Permission.OWN_SCHEDULE_EDIT)
def remove(exception_id: UUID) -> ResponseReturnValue:
    here = url_for("availability.edit") + "#exceptions"
    try:
        remove_exception(exception_id, ctx=current_context())
    except NotFound:
        flash("This one was removed already.", "info")
    else:
        flash("Removed.", "success")
    return redirect(here, 303)


def _preview(given: GivenSchedule, minutes: int, *, has_problems: bool) -> tuple[list[DayPreview], list[str]]:
    """The next two weeks in the mentor's own zone; nothing while the form has problems."""
    if has_problems:
        return [], []
    where = viewer_zone()
    first = request_now().astimezone(zone(where)).date()
    try:
        found: list[Any] = preview_slots(
            given,
            first_day=first,
            last_day=first + timedelta(days=_PREVIEW_DAYS - 1),
            duration_minutes=minutes,
            viewer_zone=where,
            ctx=current_context(),
        )
    except Invalid as error:
        return [], problem_lines(error)
    free = (slot for slot in found if slot.available)
    return [DayPreview(day, list(slots)) for day, slots in groupby(free, key=lambda slot: slot.local_start.date())], []


def _shortest() -> int:
    return min((each.duration for each in offerings_of(_me())), default=_USUAL_MINUTES)


def _me() -> UUID:
    user = current_actor().user_id
    assert user is not None  # `requires` has let a mentor in
    return user
