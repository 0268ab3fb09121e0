"""Becoming somebody else, or more than one is (B-6, B-8, B-9, B-10)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.errors import DomainError, Forbidden
from app.domain.money import Money
from app.domain.vocabulary import RefundState, RefundType, Role
from app.extensions import db
from app.models import Refund, User
from app.people import accounts, suspension
from app.people.passwords import hash_password
from app.support.manual_refund import manual_refund
from app.support.refund_decisions import RefundAct, decide_about_refund
from tests.api.contract import Caller, error_of
from tests.architecture.world_of_roles import World
from tests.factories import people, sessions
from tests.web.test_auth import cookie_of, with_cookie
from tests.world import Clock


@pytest.mark.spec("SEC-2")
def test_b06_two_browsers_never_share_a_session_id_and_none_is_taken_from_the_address(world: World) -> None:
    planted = cookie_of(_signed_in(world.app, world.mentee))
    victim = with_cookie(world.app, planted)
    victim.post("/sign-in", data={"email": world.mentor.email, "password": people.PASSWORD})
    assert cookie_of(victim) != planted
    thief = with_cookie(world.app, planted)
    assert world.mentor.name not in thief.get("/account/profile").text, "what was planted is still the planter's"
    for query in (f"desk={planted}", f"login={planted}", f"session={planted}"):
        assert world.app.test_client().get(f"/account/profile?{query}").status_code == 302


@pytest.mark.spec("SEC-2", "ID-2")
@pytest.mark.parametrize("tampered", ["", "x", "eyJsb2dpbiI6IngifQ.x.y", "null", "." * 300])
def test_b06_a_cookie_that_we_did_not_sign_is_nobody(world: World, tampered: str) -> None:
    assert with_cookie(world.app, tampered).get("/account/profile").status_code == 302


@pytest.mark.spec("ID-1", "ADM-2")
def test_b08_an_old_page_of_somebody_who_lost_the_role_does_nothing(world: World) -> None:
    browser, session = world.browser("support"), world.session
    page = browser.get(f"/admin/sessions/{session.id}/cancel")
    assert page.status_code == 200
    accounts.grant_role(world.support.id, Role.MENTEE, reason="Left the team", ctx=people.ctx_of(world.admin))
    answer = browser.post(f"/admin/sessions/{session.id}/cancel", data={"reason": "Because", "refundPercentage": "100"})
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")
    assert sessions.fresh(session).status.value == "scheduled"


@pytest.mark.spec("ID-1", "SEC-1")
@pytest.mark.parametrize("role", ["mentee", "mentor"])
def test_b08_no_parameter_opens_the_console(world: World, role: str) -> None:
    browser = world.browser(role)
    for query in ({"role": "admin"}, {"as": "admin"}, {"is_admin": "1"}, {"_method": "GET"}):
        assert browser.get("/admin/", query_string=query).status_code == 403
    for headers in ({"X-Role": "admin"}, {"X-HTTP-Method-Override": "PUT"}, {"X-Original-URL": "/admin/"}):
        assert browser.get("/admin/users/", headers=headers).status_code == 403


@pytest.mark.spec("ID-1", "SEC-5")
def test_b08_the_address_of_a_colleague_makes_nobody_staff(client: FlaskClient, clock: Clock) -> None:
    """Neither a colleague's address in other letters nor one of the house's own domain is worth a role."""
    staff = people.a_support_agent(email="ann@desk.example")
    for typed in ("ANN@DESK.EXAMPLE", "ann@desk.example ", "bob@desk.example"):
        form = {"email": typed, "name": "Eve", "password": "another set of calm words", "timezone": "UTC"}
        assert client.post("/register", data=form).status_code == 303
    assert db.session.scalars(db.select(User.email).where(User.role == Role.SUPPORT)).all() == [staff.email]


@pytest.mark.spec("MN-9", "ADM-2")
def test_b08_support_does_not_lift_its_own_limit(world: World) -> None:
    """Neither in parts, nor by approving it oneself, nor by a colleague without the right."""
    dear = sessions.a_paid_session(mentor=people.a_mentor(rate_minor=30_000))
    ctx = people.ctx_of(world.support)
    for _ in range(4):
        manual_refund(
            dear.id, type=RefundType.PARTIAL, amount=Money(7_000, "EUR"), reason="In parts", fingerprint=None, ctx=ctx
        )
    refunds = db.session.scalars(db.select(Refund).where(Refund.session_id == dear.id)).all()
    waiting = [each for each in refunds if each.status is RefundState.AWAITING_APPROVAL]
    assert waiting, "many small refunds are one large refund"
    for someone in (world.support, people.a_support_agent()):
        with pytest.raises(Forbidden):
            decide_about_refund(
                waiting[0].id, RefundAct.APPROVE, reason="Mine", gateway=sessions.sandbox(), ctx=people.ctx_of(someone)
            )  # fmt: skip


@pytest.mark.spec("ID-1")
def test_b08_nobody_grants_ends_or_suspends_upwards(world: World) -> None:
    for someone in (world.support, world.ops, world.mentor, world.mentee):
        ctx = people.ctx_of(someone)
        for victim in (world.admin, someone):
            with pytest.raises(DomainError):
                accounts.grant_role(victim.id, Role.ADMIN, reason="Because", ctx=ctx)
            with pytest.raises(DomainError):
                suspension.suspend_user(victim.id, reason="Because", ctx=ctx)
    db.session.refresh(world.admin)
    assert (world.admin.role, world.admin.suspended_at) == (Role.ADMIN, None)


@pytest.mark.spec("SEC-3")
def test_b09_no_bearer_token_is_found_by_trying(client: FlaskClient, limits: None, clock: Clock) -> None:
    answers = [Caller(client, f"guess-{number}").get("/api/notifications").status_code for number in range(20)]
    assert set(answers) == {401}
    error_of(Caller(client, "\u00e9" * 5).get("/api/notifications"), 401)


@pytest.mark.spec("SEC-3", "ID-2")
def test_b10_a_suspended_and_a_closed_account_look_like_none_to_who_guesses(app: Flask, clock: Clock) -> None:
    admin, gone, closed = people.an_admin(), people.a_mentee(), people.a_mentee()
    suspension.suspend_user(gone.id, reason="Abuse", ctx=people.ctx_of(admin))
    db.session.execute(db.update(User).where(User.id == closed.id).values(is_active=False))
    db.session.commit()
    told = set()
    for email in (gone.email, closed.email, "nobody@people.example"):
        answer = app.test_client().post("/sign-in", data={"email": email, "password": "wrong words altogether"})
        told.add((answer.status_code, "do not belong together" in answer.text, "suspended" in answer.text))
    assert told == {(422, True, False)}
    assert hash_password("a") != hash_password("a"), "hashes are salted, so that equal passwords look different"


def _signed_in(app: Flask, user: User) -> FlaskClient:
    browser = app.test_client()
    browser.post("/sign-in", data={"email": user.email, "password": people.PASSWORD})
    return browser
