"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.config import Settings


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    from app.web.account import application_views, calendar_views, phone_views, token_views  # noqa: PLC0415
    from app.web.account import views as account  # noqa: PLC0415
    from app.web.auth import views as auth  # noqa: PLC0415
    from app.web.mentee import checkout, credit, my_sessions, reassignment, wizard  # noqa: PLC0415
    from app.web.mentor import assignment, availability_views, offering_views  # noqa: PLC0415
    from app.web.mentor import requests as mentor_requests  # noqa: PLC0415
    from app.web.mentor import views as mentor  # noqa: PLC0415
    from app.web.notifications import views as notifications  # noqa: PLC0415
    from app.web.public import views as public  # noqa: PLC0415
    from app.web.sandbox import sandbox  # noqa: PLC0415
    from app.web.sessions import attendance, dispute_views, join_test, notes_views, reschedule_views  # noqa: PLC0415
    from app.web.sessions import chat_views as chat  # noqa: PLC0415
    from app.web.sessions import views as sessions  # noqa: PLC0415

    for pages in (auth, account, token_views, application_views, calendar_views, phone_views, public, wizard, checkout,
                  my_sessions, credit, sessions, chat,
                  mentor, mentor_requests, availability_views, offering_views, notifications,
                  dispute_views, attendance, join_test, notes_views, reschedule_views, reassignment,
                  assignment):  # fmt: skip
        app.register_blueprint(pages.bp)
    app.jinja_env.globals["offers_texts"] = app.extensions["desk-adapters"].sms is not None
    settings: Settings = app.extensions["desk-settings"]
    if settings.payment_gateway == "sandbox":
        app.register_blueprint(sandbox)
