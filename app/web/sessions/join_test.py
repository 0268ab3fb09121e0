"""Trying one's camera and microphone before a session, without any outside service (JN-6)."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from app.http.csp import permissions_policy

bp = Blueprint("join_test", __name__)


@bp.get("/join-test")
def page() -> Response:
    """The one page that may ask the browser for camera and microphone; nothing of them leaves it."""
    response = make_response(render_template("sessions/join_test.html"))
    response.headers["Permissions-Policy"] = permissions_policy(may_hear_and_see=True)
    return response
