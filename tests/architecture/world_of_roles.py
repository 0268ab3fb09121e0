"""The people and things that the lines of ``matrix.py`` name; each is made when a line asks for it."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from io import BytesIO
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from app.booking.notes import add_own_note
from app.booking.review import review_session
from app.domain.money import Money
from app.domain.vocabulary import ExceptionType, OutboxState, OverrideType, RefundType, SessionStatus
from app.extensions import db
from app.foundation import outbox
from app.foundation.policies import current_policies
from app.foundation.transaction import transaction
from app.http.photos import photo_folder
from app.integrations.payments.base import GatewayRefund, GatewayRefundState
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import (
    AvailabilityException,
    EvidenceFile,
    MentoringSession,
    MentorOffering,
    OutboxRow,
    PasswordReset,
    Payment,
    ReconciliationFinding,
    Registration,
    SessionNote,
    SessionReview,
    User,
)
from app.money.outside import book_returns
from app.money.payouts import preview_payouts, record_payouts
from app.money.sending import record_refund_result
from app.people import avatars, logins, tokens
from app.people.calendar_secret import new_calendar_secret
from app.people.credentials import new_secret, secret_hash
from app.support.bulk_cancel import freeze_picked
from app.support.manual_refund import manual_refund
from app.support.notes import add_note
from app.support.override_policy import grant_override, overrides_of
from app.support.policies.precedents import decisions_to_mark, mark_precedent
from app.support.saved_views import save_view
from app.support.session_filter import SessionFilter
from tests.factories import disputes, people, sessions


class World:
    """One of everything, and the browsers of everybody."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def browser(self, identity: str) -> FlaskClient:
        """The browser of one identity of the matrix."""
        client = self.app.test_client()
        if identity == "anonymous":
            return client
        if identity == "ended":
            user = people.a_mentee()
            people.sign_in(client, user)
            logins.end_logins_of(user.id, ctx=people.ctx_of(user))
            return client
        user = getattr(self, identity)
        return people.sign_in(client, user)

    def value(self, path: str) -> Any:
        """``"mentor.id"`` as the attribute of an attribute."""
        found: Any = self
        for name in path.split("."):
            found = getattr(found, name)
        return found

    @cached_property
    def mentee(self) -> User:
        return people.a_mentee()

    @cached_property
    def other_mentee(self) -> User:
        return people.a_mentee()

    @cached_property
    def mentor(self) -> User:
        return people.a_mentor()

    @cached_property
    def other_mentor(self) -> User:
        return people.a_mentor()

    @cached_property
    def support(self) -> User:
        return people.a_support_agent()

    @cached_property
    def admin(self) -> User:
        return people.an_admin()

    @cached_property
    def ops(self) -> User:
        return people.an_ops()

    @cached_property
    def session(self) -> MentoringSession:
        """Paid and scheduled, of ``mentee`` and ``mentor``; ``session_id`` of most lines."""
        return sessions.a_paid_session(mentee=self.mentee, mentor=self.mentor)

    @cached_property
    def draft(self) -> MentoringSession:
        """Booked and not paid yet."""
        return sessions.a_draft(mentee=self.mentee, mentor=self.mentor)

    @cached_property
    def running(self) -> MentoringSession:
        """Paid and begun."""
        return sessions.a_running_session(mentee=self.mentee, mentor=self.mentor)

    @cached_property
    def reassigned(self) -> MentoringSession:
        """Given up by somebody else and assigned to ``mentor``; ``mentee`` has yet to answer."""
        later = sessions.START_AT + timedelta(days=5)
        return sessions.a_reassigned_session(mentee=self.mentee, mentor=people.a_mentor(), to=self.mentor, at=later)

    @cached_property
    def without_mentor(self) -> MentoringSession:
        """Given up by somebody else, and ``mentee`` has to choose another mentor."""
        later = sessions.START_AT + timedelta(days=6)
        return sessions.a_session_without_mentor(mentee=self.mentee, mentor=people.a_mentor(), at=later)

    @cached_property
    def offering(self) -> MentorOffering:
        """What ``mentor`` offers."""
        return people.offering_of(self.mentor)

    @cached_property
    def exception(self) -> AvailabilityException:
        """A blocked day of ``mentor``."""
        start, mentor_id = sessions.START_AT, self.mentor.id
        with transaction():
            found = AvailabilityException(
                mentor_id=mentor_id, starts_at=start, ends_at=start.replace(hour=20),
                type=ExceptionType.BLOCKED, created_at=people.ctx_of(self.mentor).now,
            )  # fmt: skip
            db.session.add(found)
        return found

    @cached_property
    def checkout(self) -> str:
        """The reference of an open payment of ``draft`` at the sandbox."""
        return sessions.checkout(self.draft)

    @cached_property
    def note(self) -> Any:
        """The id of ``support``'s note on ``session``."""
        return add_note(self.session.id, note="Called the mentor.", ctx=people.ctx_of(self.support)).id

    @cached_property
    def policy_key(self) -> str:
        return "late_refund_percentage"

    @cached_property
    def policy_version(self) -> Any:
        return current_policies().version_id

    @cached_property
    def override(self) -> Any:
        """The id of what ``support`` granted for ``session``."""
        grant_override(
            self.session.id, override_type=OverrideType.ALLOW_RESCHEDULE, reason="Goodwill", fingerprint=None,
            ctx=people.ctx_of(self.support),
        )  # fmt: skip
        return overrides_of(self.session.id)[0].id

    @cached_property
    def precedent(self) -> Any:
        """The id of a golden case that ``support`` marked."""
        session, ctx = sessions.a_cancelled_session(), people.ctx_of(self.support)
        (case,) = decisions_to_mark(session.id, ctx=ctx)
        assert case.record_id is not None
        return mark_precedent(session.id, case.record_id, title="Early enough", reason="A test", ctx=ctx).id

    @cached_property
    def waiting_refund(self) -> Any:
        """The id of a refund that ``support`` asked for and a second person has to approve."""
        dear = sessions.a_paid_session(mentor=people.a_mentor(rate_minor=30_000))
        full = Money(30_000, "EUR")
        ctx = people.ctx_of(self.support)
        return manual_refund(
            dear.id, type=RefundType.FULL, amount=full, reason="A complaint", fingerprint=None, ctx=ctx
        ).refund_id

    @cached_property
    def failed_refund(self) -> Any:
        """The id of a refund that the gateway refused for good."""
        refund_id = manual_refund(
            self.session.id, type=RefundType.PARTIAL, amount=Money(100, "EUR"), reason="A complaint", fingerprint=None,
            ctx=people.ctx_of(self.support),
        ).refund_id  # fmt: skip
        refused = GatewayRefund(GatewayRefundState.FAILED, None, "The card was closed.")
        record_refund_result(refund_id, refused, people.ctx_of(self.support))
        return refund_id

    @cached_property
    def currency(self) -> str:
        """One in which a mentor has something available."""
        return self.completed.currency

    @cached_property
    def payout_batch(self) -> Any:
        """The id of a recorded batch."""
        admin, none = people.ctx_of(self.admin), Money(0, self.currency)
        seen = preview_payouts(self.currency, minimum=none, ctx=admin).fingerprint
        return record_payouts(
            self.currency, minimum=none, reference="", fingerprint=seen, reason="Monthly", ctx=admin
        ).id

    @cached_property
    def finding(self) -> Any:
        """The id of a task for support: money went back at the gateway."""
        payment = db.session.scalars(db.select(Payment).where(Payment.session_id == self.session.id)).one()
        sessions.sandbox().give_back(payment.reference, 100)
        book_returns(payment.reference, sessions.sandbox().returns_of(payment.reference), people.ctx_of(self.support))
        return db.session.scalars(db.select(ReconciliationFinding.id)).one()

    @cached_property
    def applicant(self) -> User:
        """A mentor whose application waits."""
        return people.a_mentor(is_verified=False)

    @cached_property
    def letter(self) -> Any:
        """The id of a queued e-mail to ``mentee``."""
        mentee = self.mentee
        with transaction():
            return send_mail("welcome", mentee, ctx=people.ctx_of(mentee), cause="matrix")

    @cached_property
    def dead_job(self) -> Any:
        """The id of outside work that was given up."""
        ctx = people.ctx_of(self.mentee)
        with transaction():
            row_id = outbox.put("mail.send", key="matrix", payload={}, ctx=ctx)
            db.session.execute(db.update(OutboxRow).values(state=OutboxState.DEAD))
        return row_id

    @cached_property
    def shared_view(self) -> Any:
        """The id of a view of the sessions list that support shares with the team."""
        chosen = SessionFilter(zone="UTC", statuses=(SessionStatus.CANCELLED,))
        return save_view("Cancelled", chosen, is_shared=True, ctx=people.ctx_of(self.support))

    @cached_property
    def bulk_cancel(self) -> Any:
        """The id of a list of sessions that support looks at before cancelling them."""
        return freeze_picked([self.session.id], ctx=people.ctx_of(self.support))

    @cached_property
    def trail(self) -> str:
        """The name of an audit trail that is exported."""
        return "staff-acts"

    @property
    def meetings(self) -> str:
        """The name of a meeting provider, as its webhook is addressed."""
        return "jitsi"

    @cached_property
    def gateway(self) -> str:
        return sessions.sandbox().name

    @cached_property
    def completed(self) -> MentoringSession:
        return sessions.a_completed_session(mentee=self.mentee, mentor=self.mentor)

    @cached_property
    def dispute(self) -> Any:
        """The id of what ``mentee`` reported about ``completed``, with one file."""
        return disputes.a_dispute(self.completed, by=self.mentee, uploads=(disputes.a_picture(),)).id

    @cached_property
    def suspension_of_dispute(self) -> str:
        """The outcome of a dispute that only an admin may choose."""
        return "account_suspended"

    @cached_property
    def evidence(self) -> Any:
        """The id of the file in ``dispute``."""
        question = db.select(EvidenceFile.id).where(EvidenceFile.dispute_id == self.dispute)
        return db.session.scalars(question).one()

    @cached_property
    def request(self) -> MentoringSession:
        """A request that waits for ``mentor``."""
        people.an_offering(self.mentor)
        offering = people.offering_of(self.mentor)
        with transaction():
            offering.booking_mode = sessions.BookingMode.REQUEST
        return sessions.book(mentee=self.mentee, mentor=self.mentor, offering_id=offering.id)

    @cached_property
    def login_of_mentee(self) -> Any:
        """The id of another sign-in of ``mentee``."""
        logins.open_login(self.mentee, remembered=False, ctx=people.ctx_of(self.mentee))
        return logins.live_logins(self.mentee.id, now=people.ctx_of(self.mentee).now)[-1].id

    @cached_property
    def token_of_mentee(self) -> Any:
        """The id of an API token of ``mentee``."""
        return tokens.issue_token(self.mentee.id, name="script", ctx=people.ctx_of(self.mentee))[0].id

    @cached_property
    def notification(self) -> Any:
        """The id of something that ``mentee`` was told."""
        mentee_id, ctx = self.mentee.id, people.ctx_of(self.mentee)
        with transaction():
            return notify(mentee_id, "session_reminder", title="Soon", body="In an hour", ctx=ctx)

    @cached_property
    def report(self) -> str:
        return "measures"

    @cached_property
    def static_file(self) -> str:
        return "css/tokens.css"

    @cached_property
    def photo(self) -> str:
        out = BytesIO()
        Image.new("RGB", (9, 9)).save(out, "PNG")
        ctx = people.ctx_of(self.mentor)
        return avatars.set_avatar(self.mentor.id, out.getvalue(), folder=photo_folder(), ctx=ctx).avatar or ""

    @cached_property
    def registration_token(self) -> str:
        token, ctx = new_secret(), people.ctx_of(self.mentee)
        with transaction():
            db.session.add(
                Registration(
                    token_hash=secret_hash(token), email="new@people.example", name="New", password_hash="x",
                    timezone="UTC", created_at=ctx.now, expires_at=ctx.now.replace(year=ctx.now.year + 1),
                )
            )  # fmt: skip
        return token

    @cached_property
    def reset_token(self) -> str:
        token, ctx = new_secret(), people.ctx_of(self.mentee)
        with transaction():
            db.session.add(
                PasswordReset(
                    token_hash=secret_hash(token), user_id=self.mentee.id, created_at=ctx.now,
                    expires_at=ctx.now.replace(day=ctx.now.day + 1),
                )
            )  # fmt: skip
        return token

    @cached_property
    def own_note(self) -> SessionNote:
        """A private note of ``mentee`` on ``session``."""
        return add_own_note(self.session.id, body="Ask about the team.", ctx=people.ctx_of(self.mentee))

    @cached_property
    def review(self) -> SessionReview:
        """What ``mentee`` wrote of a completed session."""
        return review_session(self.completed.id, rating=5, comment="Clear.", ctx=people.ctx_of(self.mentee))

    @cached_property
    def calendar_secret(self) -> str:
        """The address of ``mentee``'s calendar feed."""
        return new_calendar_secret(self.mentee.id, ctx=people.ctx_of(self.mentee))
