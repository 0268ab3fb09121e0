"""Written pages that act or look behind: applications, the mailbox, operations, the audit chain."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage, Question
from app.admin.menu import MENU
from app.config import Settings
from app.domain.errors import NotFound
from app.domain.permissions import Permission, may, require
from app.domain.vocabulary import EmailState
from app.extensions import db
from app.http.context import current_actor, current_context, request_now
from app.http.csp import content_security_policy
from app.messaging.letters import LETTERS
from app.messaging.render import Branding, render
from app.models import EmailEvent, MentorProfile, OutboxRow, User
from app.people.mentors import decline_mentor, verify_mentor
from app.support.machinery import mail_counts, queue_server, schedule
from app.support.operations import STALE_AFTER, heartbeats, retry_job, work_by_kind
from app.support.resend_mail import resend_mail

# A letter carries its own styles. It may show them and nothing else: no script, no picture from outside, no link that
# takes the console's window with it.
_LETTER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'"


class ApplicationsView(ConsolePage):
    """Verify or decline a mentor's application (ID-3)."""

    permission = Permission.MENTOR_VERIFY

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_mentors.index_view", tab="waiting"))

    @expose("/<uuid:user_id>/verify", methods=("GET", "POST"))
    def verify(self, user_id: UUID) -> ResponseReturnValue:
        def act(reason: str) -> None:
            verify_mentor(user_id, ctx=current_context(), reason=reason)

        question = Question(
            title="Verify the mentor",
            lead="Mentees can find and book this mentor from now on. An e-mail says so.",
            button="Verify",
            suggested="Application checked",
            subject=_application(user_id),
            done="Mentor verified",
            back_url=url_for("console_mentors.details_view", id=user_id),
        )
        return self.ask_why(act, question)

    @expose("/<uuid:user_id>/decline", methods=("GET", "POST"))
    def decline(self, user_id: UUID) -> ResponseReturnValue:
        def act(reason: str) -> None:
            decline_mentor(user_id, reason=reason, ctx=current_context())

        question = Question(
            title="Decline the application",
            lead="The applicant is told the reason by e-mail, in your words.",
            button="Decline the application",
            tone="danger",
            subject=_application(user_id),
            done="Application declined",
            back_url=url_for("console_mentors.details_view", id=user_id),
        )
        return self.ask_why(act, question)


class MailboxView(ConsolePage):
    """One e-mail as its reader sees it (EM-2, EM-4)."""

    permission = Permission.MAIL_VIEW

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_email_events.index_view"))

    @expose("/<uuid:event_id>")
    def letter(self, event_id: UUID) -> ResponseReturnValue:
        event = _event(event_id)
        page = make_response(self._letter_page(event))
        # The one page of the product that holds a frame, and only one of our own.
        page.headers["Content-Security-Policy"] = f"{content_security_policy()}; frame-src 'self'"
        return page

    def _letter_page(self, event: EmailEvent) -> str:
        can_resend = event.status is not EmailState.QUEUED and not LETTERS[event.template].secret
        return self.render(
            "admin/pages/letter.html",
            event=event,
            letter=render(event, _branding()),
            can_resend=can_resend and may(current_actor().role, Permission.MAIL_RESEND),
        )

    @expose("/<uuid:event_id>/body.html")
    def body(self, event_id: UUID) -> ResponseReturnValue:
        """The letter's own page, which only the frame on the page above shows."""
        letter = render(_event(event_id), _branding())
        headers = {
            "Content-Security-Policy": _LETTER_POLICY,
            "X-Frame-Options": "SAMEORIGIN",
            "Cache-Control": "no-store",
        }
        return Response(letter.html, mimetype="text/html", headers=headers)

    @expose("/<uuid:event_id>/resend", methods=("GET", "POST"))
    def resend(self, event_id: UUID) -> ResponseReturnValue:
        """Send it once more (EM-2, ACT-9)."""
        require(current_actor(), Permission.MAIL_RESEND)
        event = _event(event_id)

        def act(reason: str) -> None:
            resend_mail(event_id, reason=reason, ctx=current_context())

        question = Question(
            title="Send it again",
            lead=f"{event.recipient} gets this e-mail once more, with the words of the first time.",
            button="Send it again",
            subject=event.subject,
            done="It is being sent again",
            back_url=_back_from(event),
        )
        return self.ask_why(act, question)


def _back_from(event: EmailEvent) -> str:
    """The case that one came from, or the letter."""
    if request.args.get("from") == "case" and event.session_id is not None:
        return url_for("console_sessions.case", session_id=event.session_id)
    return url_for("console_mailbox.letter", event_id=event.id)


class OperationsView(ConsolePage):
    """What the background processes do: heartbeats, work by kind, what gave up (OPS-5, RUN-6)."""

    permission = Permission.HEALTH_VIEW
    section, icon = "Operations", "activity"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.render(
            "admin/pages/operations.html",
            beats=heartbeats(),
            stale_after=STALE_AFTER,
            now=request_now(),
            work=work_by_kind(),
            server=queue_server(),
            jobs=schedule(now=request_now()),
            mail=mail_counts(now=request_now()),
        )

    @expose("/jobs/<uuid:row_id>/retry", methods=("GET", "POST"))
    def retry(self, row_id: UUID) -> ResponseReturnValue:
        require(current_actor(), Permission.JOB_RETRY)
        row = db.session.get(OutboxRow, row_id)
        if row is None:
            raise NotFound

        def act(reason: str) -> None:
            retry_job(row_id, reason=reason, ctx=current_context())

        question = Question(
            title="Try again",
            lead="The work goes back into the queue under its old key, so that nothing happens twice.",
            button="Try again",
            suggested="The cause is gone",
            subject=f"{row.kind}: {row.last_error or ''}",
            done="It is being tried again",
            back_url=url_for("console_jobs.details_view", id=row_id),
        )
        return self.ask_why(act, question)


class TablesView(ConsolePage):
    """Every table that this reader may look into, also those that the sidebar leaves out (ADM-1)."""

    permission = Permission.CONSOLE_ENTER
    section, icon = "Operations", "table"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        views: list[Any] = current_app.extensions[MENU]
        tables = [
            {
                "label": view.name,
                "url": url_for(f"{view.endpoint}.index_view"),
                "icon": view.icon,
                "name": view.model.__tablename__,
            }
            for view in views
            if hasattr(view, "model") and view.is_accessible()
        ]
        return self.render("admin/pages/tables.html", tables=sorted(tables, key=lambda table: table["label"]))


def _application(user_id: UUID) -> str:
    """Whose application it is, in a line.

    :raises NotFound: nobody of this id applied
    """
    profile, user = db.session.get(MentorProfile, user_id), db.session.get(User, user_id)
    if profile is None or user is None:
        raise NotFound
    return f"{user.name}: {profile.headline}"


def _event(event_id: UUID) -> EmailEvent:
    event = db.session.get(EmailEvent, event_id)
    if event is None:
        raise NotFound
    return event


def _branding() -> Branding:
    settings: Settings = current_app.extensions["desk-settings"]
    return Branding.of(settings)
