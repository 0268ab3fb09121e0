"""A calendar to subscribe to, under a secret address that its owner can replace (DB-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user

from app.booking.calendar_feed import calendar_entries_of
from app.domain.context import Actor
from app.domain.errors import NotFound
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.limits import limit_feed
from app.http.login import require_fresh_password, requires
from app.messaging.ics import CONTENT_TYPE, calendar_feed
from app.people.calendar_secret import end_calendar_secret, has_calendar, new_calendar_secret, owner_of_calendar

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("calendar_feed", __name__)

_KEPT_SECONDS = 300


@bp.route("/account/calendar", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_VIEW)
def own_calendar() -> ResponseReturnValue:
    address = None
    if request.method == "POST":
        # Whoever finds an open browser must not be able to take the calendar along.
        require_fresh_password()
        secret = new_calendar_secret(current_user.id, ctx=current_context())
        address = current_app.config["PUBLIC_URL"] + url_for("calendar_feed.feed", secret=secret)
    # Shown in this answer and never again, so it is not put off behind a redirect.
    has_one = address is not None or has_calendar(current_user.id)
    return render_template("account/calendar.html", address=address, has_one=has_one)


@bp.post("/account/calendar/end")
@requires(Permission.OWN_SESSION_VIEW)
def end() -> ResponseReturnValue:
    end_calendar_secret(current_user.id, ctx=current_context())
    flash("The address no longer works.", "success")
    return redirect(url_for("calendar_feed.own_calendar"), 303)


@bp.get("/calendar/<secret>.ics")
@limit_feed
def feed(secret: str) -> ResponseReturnValue:
    """For calendars, which sign in nowhere: the address is the key. Nothing in it leads to a meeting (JN-2)."""
    owner = owner_of_calendar(secret) if len(secret) <= 100 else None
    if owner is None:
        raise NotFound
    ctx = current_context().acting_as(Actor.user(owner.id, owner.role, owner.name))
    content = calendar_feed(
        calendar_entries_of(owner.id, ctx=ctx),
        name=current_app.config["BRAND_NAME"],
        organizer=current_app.config["MAIL_DEFAULT_SENDER"],
        public_url=current_app.config["PUBLIC_URL"],
    )
    answer = Response(content, content_type=CONTENT_TYPE)
    answer.headers["Cache-Control"] = f"private, max-age={_KEPT_SECONDS}"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.add_etag()
    return answer.make_conditional(request)
