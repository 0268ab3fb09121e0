"""What the frames of pages and console show around their content: who is signed in, where one can go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import current_app, has_request_context, request, url_for

from app.domain.vocabulary import STAFF_ROLES, Role
from app.domain.wording import zone_label
from app.http.context import request_globals, request_now, signed_in_user
from app.http.photos import avatar_url
from app.messaging.inbox import count_notifications
from app.people.profile import preference

if TYPE_CHECKING:
    from flask import Flask

    from app.models import User
    from app.people.logins import Person

CONSOLE = "/admin/"
NOTIFICATIONS = "/notifications"
HOMES = {Role.MENTEE: "/my/sessions", Role.MENTOR: "/mentor/schedule"}

ROLE_NAMES = {
    Role.MENTEE: "Mentee",
    Role.MENTOR: "Mentor",
    Role.SUPPORT: "Support",
    Role.ADMIN: "Admin",
    Role.OPS: "Operations",
}


_EVERY_ROLE: frozenset[Role | None] = frozenset(Role)
_EVERYBODY = _EVERY_ROLE | {None}
_STAFF: frozenset[Role | None] = frozenset(STAFF_ROLES)
_MENTEE: frozenset[Role | None] = frozenset({Role.MENTEE})
_MENTOR: frozenset[Role | None] = frozenset({Role.MENTOR})


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a menu. It is shown to ``roles`` (None among them: to strangers), once its address exists."""

    label: str
    path: str
    icon: str
    roles: frozenset[Role | None] = _EVERYBODY


PAGE_MENU = (
    Place("Find a mentor", "/mentors", "search"),
    Place("Your sessions", "/my/sessions", "calendar-check", _MENTEE),
    Place("Schedule", "/mentor/schedule", "calendar-week", _MENTOR),
    Place("Availability", "/mentor/availability", "clock", _MENTOR),
    Place("Offerings", "/mentor/offerings", "tags", _MENTOR),
    Place("Wallet", "/mentor/wallet", "wallet2", _MENTOR),
    Place("Console", CONSOLE, "speedometer2", _STAFF),
)
USER_MENU = (
    Place("Profile", "/account/profile", "person", _EVERY_ROLE),
    Place("Password", "/account/password", "key", _EVERY_ROLE),
    Place("Sign-ins", "/account/sign-ins", "laptop", _EVERY_ROLE),
    Place("Calendar", "/account/calendar", "calendar-week", frozenset({Role.MENTEE, Role.MENTOR})),
    Place("API tokens", "/account/tokens", "code-slash", _EVERY_ROLE),
    Place("Credit", "/my/credit", "gift", _MENTEE),
    Place("Become a mentor", "/mentor/apply", "award", _MENTEE),
    Place("Your application", "/mentor/apply", "award", _MENTOR),
)
FOOT = (Place("API", "/api/docs", "code-slash"), Place("Become a mentor", "/mentor/apply", "award", _MENTEE | {None}))


def home_of(user: User | Person) -> str:
    """Where a person begins after signing in."""
    return CONSOLE if user.is_staff else HOMES[user.role]


def _exists(path: str) -> bool:
    known: set[str] | None = current_app.extensions.get("desk-paths")
    if known is None:
        known = {rule.rule for rule in current_app.url_map.iter_rules()}
        current_app.extensions["desk-paths"] = known
    return path in known


def _menu(places: tuple[Place, ...], role: Role | None) -> list[dict[str, Any]]:
    path = request.path
    return [
        {
            "label": place.label,
            "url": place.path,
            "icon": place.icon,
            "active": path == place.path or path.startswith(place.path.rstrip("/") + "/"),
        }
        for place in places
        if role in place.roles and _exists(place.path)
    ]


def _frame() -> dict[str, Any]:
    if not has_request_context():
        return {}
    found = signed_in_user()
    user: User | Person | None = found if found.is_authenticated else None
    frame: dict[str, Any] = {
        "home_url": CONSOLE if user and user.is_staff else "/",
        # Each is asked by the frame that shows it.
        "page_menu": partial(_menu, PAGE_MENU, user.role if user else None),
        "page_foot": partial(_menu, FOOT, user.role if user else None),
    }
    if user is None:
        return frame | {"sign_in_url": url_for("auth.sign_in"), "register_url": url_for("auth.register")}
    frame |= {
        "viewer": {
            "name": user.name,
            "id": user.id,
            "avatar_url": avatar_url(user.avatar),
            "role": user.role.value,
            "note": f"{ROLE_NAMES[user.role]} · {user.email}",
        },
        "user_menu_entries": partial(_menu, USER_MENU, user.role),
        "sign_out_url": url_for("auth.sign_out"),
        "viewer_zone_label": zone_label(user.timezone),
        # What happened after this moment the page is told (NT-2).
        "live_at": request_now().isoformat().replace("+00:00", "Z"),
        "live_sound": preference(user, "sound"),
    }
    here = request_globals()
    if _exists(NOTIFICATIONS) and not here.get("is_broken"):
        frame["notifications_url"] = NOTIFICATIONS
        # Read with the sign-in; only who has signed in just now is asked for.
        unread = here.get("unread")
        frame["notifications_count"] = count_notifications(user.id, unread_only=True) if unread is None else unread
    return frame


def init_app(app: Flask) -> None:
    """Give every template what its frame needs."""
    app.context_processor(_frame)
