"""The headers that keep a page to itself: nothing inline, nothing from outside, no frame around it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flask import Flask, Response

_POLICY = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "media-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
}
_ONE_YEAR = 31_536_000
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?")


def content_security_policy(form_action: tuple[str, ...] = ()) -> str:
    """The policy as one header value.

    :param form_action: origins beside our own that a form may end at. A browser counts a redirect after a POST too, so
        that paying at a gateway of another origin needs its origin here.
    """
    policy = {**_POLICY, "form-action": (*_POLICY["form-action"], *form_action)}
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())


def permissions_policy(*, may_hear_and_see: bool = False) -> str:
    """What a page may ask the browser for, as one header value.

    :param may_hear_and_see: camera and microphone, for the page that tries them before a session (JN-6)
    """
    who = "(self)" if may_hear_and_see else "()"
    return f"camera={who}, microphone={who}, geolocation=(), payment=(), usb=()"


def framing_headers(address: str) -> dict[str, str] | None:
    """The headers of the one page that shows somebody else's page in a frame: this address's origin, no other (MT-3).

    None where the address may not be framed: it is not https, or names its host in a way no policy can.
    """
    place = urlsplit(address)
    if place.scheme != "https" or not _HOST.fullmatch(place.netloc):
        return None
    origin = f"https://{place.netloc.lower()}"
    may = ", ".join(f'{what}=(self "{origin}")' for what in ("camera", "microphone", "display-capture", "fullscreen"))
    return {
        "Content-Security-Policy": f"{content_security_policy()}; frame-src {origin}",
        "Permissions-Policy": f"{may}, geolocation=(), payment=(), usb=()",
    }


def security_headers(public_url: str, form_action: tuple[str, ...] = ()) -> dict[str, str]:
    """Every header that goes with each answer; HSTS only when the product is reached over https."""
    headers = {
        "Content-Security-Policy": content_security_policy(form_action),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": permissions_policy(),
    }
    if public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR}; includeSubDomains"
    return headers


def init_app(app: Flask) -> None:
    """Put the headers on every answer that has not set its own.

    Reads ``PUBLIC_URL`` and ``CSP_FORM_ACTION`` (a sequence of origins) from the configuration.
    """
    headers = security_headers(
        str(app.config.get("PUBLIC_URL") or ""),
        tuple(app.config.get("CSP_FORM_ACTION") or ()),
    )

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        # Asked once for all: each question to Werkzeug's headers walks through them and ends in an exception.
        own = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - iterating gives pairs
        response.headers.extend((name, value) for name, value in headers.items() if name.lower() not in own)
        return response
