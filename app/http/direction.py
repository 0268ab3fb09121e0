"""What people typed is read in the order in which it stands, on every page (B-15).

One mark in a name can turn the rest of its line around, so that a page says another thing than what is on record. Pages
are written from hundreds of templates and cells; this looks at what leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.wording import in_reading_order

if TYPE_CHECKING:
    from flask import Flask, Response

# How all of those marks begin in UTF-8; most pages have none of either and are not decoded.
_BEGINNINGS = (b"\xe2\x80", b"\xe2\x81")


def _show(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or response.direct_passthrough:
        return response
    body = response.get_data()
    if any(beginning in body for beginning in _BEGINNINGS):
        text = body.decode()
        shown = in_reading_order(text)
        if shown is not text and shown != text:
            response.set_data(shown)
    return response


def init_app(app: Flask) -> None:
    """Look at every page on its way out."""
    app.after_request(_show)
