"""The landing page, the list of mentors, and a mentor's own page (BK-1)."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request
from flask_login import current_user

from app.booking.queries import MentorFilter, expertise_tags, find_mentors, load_mentor_page, load_slots
from app.booking.read_models import MentorPage
from app.domain.money import Money
from app.domain.times import zone
from app.http.context import request_now
from app.http.frame import home_of
from app.web.asking import id_arg, mentee_id, page_arg, text_arg, url_with, viewer_zone

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("public", __name__)

CARDS_PER_PAGE = 12
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "NZD", "SGD", "INR", "JPY", "KES",
              "NGN", "ZAR", "BRL")  # fmt: skip
RATINGS = {"4.5": "4.5 and more", "4": "4 and more", "3": "3 and more"}
ORDERS = {"rating": "Best rated first", "price": "Lowest price first", "name": "By name"}
_DAYS_AHEAD = 14
_DAYS_SHOWN = 4
_SLOTS_SHOWN = 6


@bp.get("/")
def landing() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home_of(current_user))
    mentors = find_mentors(MentorFilter(), mentee_id=None, page=1, limit=3, now=request_now())
    return render_template("public/landing.html", mentors=mentors.items, tags=expertise_tags()[:8])


@bp.get("/mentors")
def mentors() -> ResponseReturnValue:
    """The list; its filters stay in the address, so that it can be kept and sent to a friend."""
    wanted = _wanted()
    found = find_mentors(wanted, mentee_id=mentee_id(), page=page_arg(), limit=CARDS_PER_PAGE, now=request_now())
    return render_template(
        "public/mentors.html",
        found=found,
        wanted=wanted,
        price=text_arg("price", 12) if wanted.max_rate_minor is not None else "",
        chips=_chips(wanted),
        tags=expertise_tags(),
        currencies=CURRENCIES,
        ratings=RATINGS,
        orders=ORDERS,
        url_with=url_with,
        again=id_arg("again"),
    )


@bp.get("/mentors/<uuid:mentor_id>")
def mentor(mentor_id: UUID) -> ResponseReturnValue:
    page = load_mentor_page(mentor_id)
    offering = next((each for each in page.offerings if each.id == id_arg("offering")), None)
    offering = offering or (min(page.offerings, key=lambda each: each.duration) if page.offerings else None)
    days = _next_days(page, offering.duration) if offering and page.is_accepting else []
    may_book = not current_user.is_authenticated or mentee_id() is not None
    return render_template(
        "public/mentor.html", mentor=page, offering=offering, days=days, may_book=may_book, again=id_arg("again")
    )


def _next_days(page: MentorPage, duration: int) -> list[tuple[Any, list[Any]]]:
    """The first days with something free, in the reader's zone, each with its first free slots."""
    where = viewer_zone()
    first = request_now().astimezone(zone(where)).date()
    answer = load_slots(
        page.id,
        first_day=first,
        last_day=first + timedelta(days=_DAYS_AHEAD),
        duration=duration,
        viewer_zone=where,
        mentee_id=mentee_id(),
        now=request_now(),
    )
    free = (slot for slot in answer.slots if slot.available)
    days = [(day, list(slots)) for day, slots in groupby(free, key=lambda slot: slot.local_start.date())]
    return [(day, slots[:_SLOTS_SHOWN]) for day, slots in days[:_DAYS_SHOWN]]


def _wanted() -> MentorFilter:
    currency = text_arg("currency", 3)
    currency = currency if currency in CURRENCIES else ""
    try:
        most = Money.parse(text_arg("price", 12), currency or CURRENCIES[0])
    except ValueError:
        most = None
    rating = text_arg("rating", 4)
    return MentorFilter(
        text=text_arg("q"),
        expertise=text_arg("topic") or None,
        max_rate_minor=most.minor if most and most.minor >= 0 else None,
        currency=(most.currency if most else currency) or None,
        min_rating=float(rating) if rating in RATINGS else None,
        sort=text_arg("sort") if text_arg("sort") in ORDERS else "rating",
    )


def _chips(wanted: MentorFilter) -> list[dict[str, str]]:
    """The filters in force, each with the address without it."""
    found: list[tuple[str, str, tuple[str, ...]]] = []
    if wanted.text:
        found.append(("Search", wanted.text, ("q",)))
    if wanted.expertise:
        found.append(("Topic", wanted.expertise, ("topic",)))
    if wanted.max_rate_minor is not None:
        found.append(("Up to", f"{request.args['price']} {wanted.currency}", ("price", "currency")))
    elif wanted.currency:
        found.append(("Currency", wanted.currency, ("currency",)))
    if wanted.min_rating is not None:
        found.append(("Rated", f"{wanted.min_rating:g} and more", ("rating",)))
    return [
        {"label": label, "value": value, "remove_url": url_with(**dict.fromkeys((*names, "page")))}
        for label, value, names in found
    ]
