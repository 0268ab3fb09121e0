"""Suspending and reinstating people (ID-4)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.domain.context import SYSTEM, Context
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.domain.vocabulary import NotificationType, Role
from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, Notification, User
from app.people import logins, sign_in, suspension, tokens
from tests.factories.people import PASSWORD, a_mentee, a_mentor, a_support_agent, an_admin, an_ops, ctx_of
from tests.world import Clock


@pytest.mark.spec("ID-4", "SEC-2")
def test_suspension_ends_every_sign_in_and_token_at_once(app: Flask, clock: Clock) -> None:
    user, admin = a_mentor(), an_admin()
    browsers = [logins.open_login(user, remembered=True, ctx=ctx_of(user)) for _ in range(2)]
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    suspension.suspend_user(user.id, reason="Asked for money outside", ctx=ctx_of(admin))
    assert [logins.find_login(token, now=clock.now) for token in browsers] == [None, None]
    assert tokens.authenticate_token(secret, now=clock.now) is None
    with pytest.raises(Forbidden):
        sign_in.authenticate(user.email, PASSWORD)


@pytest.mark.spec("ID-4", "ACT-9")
def test_suspension_is_audited_with_its_reason_and_told_to_the_person(app: Flask, clock: Clock) -> None:
    user, admin = a_mentee(), an_admin()
    suspension.suspend_user(user.id, reason="  Abuse in the chat  ", ctx=ctx_of(admin))
    db.session.refresh(user)
    assert (user.suspended_at, user.suspension_reason) == (clock.now, "Abuse in the chat")
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.admin_id, row.reason, row.subject_id) == (
        "ADMIN_USER_SUSPENDED",
        admin.id,
        "Abuse in the chat",
        str(user.id),
    )
    assert db.session.scalars(select(Notification.type)).one() is NotificationType.ACCOUNT_SUSPENDED
    assert db.session.scalars(select(EmailEvent.template)).one() == "account_suspended"


@pytest.mark.spec("ID-4")
def test_suspension_needs_a_reason(app: Flask) -> None:
    user = a_mentee()
    with pytest.raises(Invalid) as refusal:
        suspension.suspend_user(user.id, reason=" \n", ctx=ctx_of(an_admin()))
    assert list(refusal.value.fields) == ["reason"]
    db.session.refresh(user)
    assert user.suspended_at is None


@pytest.mark.spec("ID-4")
def test_reinstating_lets_the_person_in_but_brings_no_old_sign_in_back(app: Flask, clock: Clock) -> None:
    user, admin = a_mentee(), an_admin()
    browser = logins.open_login(user, remembered=True, ctx=ctx_of(user))
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    suspension.suspend_user(user.id, reason="Abuse", ctx=ctx_of(admin))
    suspension.reinstate_user(user.id, reason="It was a mistake", ctx=ctx_of(admin))
    assert sign_in.authenticate(user.email, PASSWORD).id == user.id
    assert logins.find_login(browser, now=clock.now) is None
    assert tokens.authenticate_token(secret, now=clock.now) is None
    actions = db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)).all()
    assert actions == ["ADMIN_USER_SUSPENDED", "ADMIN_USER_REINSTATED"]


@pytest.mark.spec("ID-4")
def test_doing_it_twice_is_refused(app: Flask) -> None:
    user, admin = a_mentee(), an_admin()
    with pytest.raises(Conflict):
        suspension.reinstate_user(user.id, reason="Why not", ctx=ctx_of(admin))
    suspension.suspend_user(user.id, reason="Abuse", ctx=ctx_of(admin))
    with pytest.raises(Conflict):
        suspension.suspend_user(user.id, reason="Again", ctx=ctx_of(admin))
    assert db.session.scalar(select(func.count()).select_from(AdminAuditTrail)) == 1


@pytest.mark.spec("ID-4", "ADM-2")
def test_only_admins_suspend_and_nobody_the_own_account(app: Flask) -> None:
    victim, admin = a_mentee(), an_admin()
    for actor in (a_mentee(), a_mentor(), a_support_agent(), an_ops()):
        with pytest.raises(Forbidden):
            suspension.suspend_user(victim.id, reason="Because", ctx=ctx_of(actor))
        with pytest.raises(Forbidden):
            suspension.reinstate_user(victim.id, reason="Because", ctx=ctx_of(actor))
    with pytest.raises(Forbidden) as own:
        suspension.suspend_user(admin.id, reason="Holidays", ctx=ctx_of(admin))
    assert own.value.error_code == "own_account"


def test_who_does_not_exist_is_not_found(app: Flask, ctx: Callable[..., Context]) -> None:
    from uuid import uuid4

    with pytest.raises(NotFound):
        suspension.suspend_user(uuid4(), reason="Ghost", ctx=ctx(SYSTEM))


@pytest.mark.race
@pytest.mark.spec("ID-4", "ID-1")
def test_two_admins_who_suspend_one_another_leave_one(own_database: Callable[..., Flask]) -> None:
    app = own_database()
    with app.app_context():
        pair = [an_admin(), an_admin()]
        contexts = [ctx_of(admin) for admin in pair]
        ids = [admin.id for admin in pair]
        db.session.remove()
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def suspend(mine: int) -> None:
        with app.app_context():
            start.wait()
            try:
                suspension.suspend_user(ids[1 - mine], reason="You first", ctx=contexts[mine])
                outcomes.append("done")
            except DomainError as error:
                outcomes.append(error.error_code)

    threads = [threading.Thread(target=suspend, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        left = db.session.scalars(select(User).where(User.role == Role.ADMIN, User.suspended_at.is_(None))).all()
        assert len(left) == 1, outcomes
    assert sorted(outcomes) == ["done", "last_admin"]
