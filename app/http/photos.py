"""People's photos, handed out by the product itself with a fixed type, never by the web server (SEC-4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, send_from_directory, url_for

from app.config import Settings
from app.domain.errors import NotFound
from app.people.avatars import NAME

if TYPE_CHECKING:
    from flask import Flask, Response

_ONE_YEAR = 31_536_000


def photo_folder() -> Path:
    """Where the photos lie, outside of everything that is served as files."""
    settings: Settings = current_app.extensions["desk-settings"]
    return settings.data_dir.resolve() / "uploads" / "avatars"


def avatar_url(name: str | None) -> str | None:
    """The address of a person's photo (``User.avatar``); None when initials stand in its place."""
    return url_for("photo", name=name) if name and NAME.fullmatch(name) else None


def _photo(name: str) -> Response:
    if not NAME.fullmatch(name):
        raise NotFound
    response = send_from_directory(photo_folder(), name, mimetype="image/webp", max_age=_ONE_YEAR)
    # A name is never used for another picture.
    response.headers["Cache-Control"] = f"public, max-age={_ONE_YEAR}, immutable"
    return response


def init_app(app: Flask) -> None:
    """Serve photos at ``/photos/<name>`` and give templates ``avatar_url(user.avatar)``."""
    app.add_url_rule("/photos/<name>", "photo", _photo)
    app.add_template_global(avatar_url, "avatar_url")
