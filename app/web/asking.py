"""What pages read out of an address. A value that cannot be used is left out: an old link still shows a page."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import request, url_for
from flask_login import current_user

from app.domain.errors import Invalid
from app.domain.times import parse_instant, valid_zone
from app.domain.vocabulary import Role
from app.http.formatting import reader_zone

_LAST_PAGE = 10_000


def text_arg(name: str, longest: int = 100) -> str:
    """A word or two, without what no text holds."""
    return request.args.get(name, "").replace("\0", "").strip()[:longest]


def viewer_zone() -> str:
    """The reader's own time zone; UTC for strangers."""
    # Asking who reads the page is what sets it.
    _ = current_user.is_authenticated
    return str(reader_zone())


def page_arg() -> int:
    """The number of the page, from 1."""
    number = request.args.get("page", type=int) or 1
    return min(max(1, number), _LAST_PAGE)


def id_arg(name: str) -> UUID | None:
    return request.args.get(name, type=UUID)


def date_arg(name: str) -> date | None:
    """A day as ``2026-11-14``, within the years that a calendar can be drawn for."""
    try:
        found = date.fromisoformat(request.values.get(name, ""))
    except ValueError:
        return None
    return found if 1971 <= found.year <= 2198 else None


def instant(text: str | None) -> datetime | None:
    """An instant as ``2026-11-14T09:00:00Z``."""
    if not text:
        return None
    try:
        return parse_instant(text, field="start")
    except Invalid:
        return None


def zone_arg(name: str, fallback: str) -> str:
    found = request.args.get(name, "")
    return found if valid_zone(found) else fallback


def page_url(page: int) -> str:
    """This page's address with its filters, at another page of the list."""
    return url_with(page=page if page > 1 else None)


def url_with(**changes: object) -> str:
    """This page's address with some of its parameters changed; None takes one away."""
    args = {**request.args.to_dict(), **(request.view_args or {}), **changes}
    values: dict[str, Any] = {key: value for key, value in args.items() if value}
    return url_for(request.endpoint or "public.landing", **values)


def mentee_id() -> UUID | None:
    """The signed-in mentee, whose own sessions are in the way of a booking; None for anybody else."""
    if not current_user.is_authenticated or current_user.role is not Role.MENTEE:
        return None
    found: UUID = current_user.id
    return found
