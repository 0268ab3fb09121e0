"""What people typed is read in the order in which it stands, on every page (B-15).

One mark in a name can turn the rest of its line around, so that a page says another thing than what is on record. Pages
are written from hundreds of templates and cells; this looks at what leaves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.domain.wording import in_reading_order

if TYPE_CHECKING:
    from flask import Flask, Response

# The same marks in UTF-8: most pages have none and are not decoded.
_MARKS = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")


def _show(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or response.direct_passthrough:
        return response
    body = response.get_data()
    if _MARKS.search(body):
        response.set_data(in_reading_order(body.decode()))
    return response


def init_app(app: Flask) -> None:
    """Look at every page on its way out."""
    app.after_request(_show)
