"""Text messages a quarter of an hour before: to a number that was proved, each once, never late (SMS-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.booking.cancel import cancel_session
from app.booking.moving import load_for_moving, move_to
from app.booking.tick import tick
from app.domain.context import CLOCK, SYSTEM
from app.domain.errors import NotFound, ProviderFailed
from app.domain.vocabulary import CancellationCategory
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, OutboxRow, PhoneNumber, User
from app.people.phones import give_phone, remove_phone
from tests.factories.people import a_mentee, a_mentor, ctx_of, sign_in
from tests.factories.sessions import START_AT, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

NUMBER = "+4915112345678"
PAGE = "/account/phone"


class Phones:
    """Everybody's phones."""

    name = "fake"

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.is_away = False

    def send(self, number: str, text: str, *, key: str) -> None:
        if self.is_away:
            raise ProviderFailed("The sender is away.")
        self.got.append((number, text))

    @property
    def code(self) -> str:
        return self.got[-1][1][:6]


@pytest.fixture
def phones(app: Flask) -> Iterator[Phones]:
    before, made = app.extensions["desk-adapters"], Phones()
    app.extensions["desk-adapters"] = replace(before, sms=made)
    yield made
    app.extensions["desk-adapters"] = before


def with_phone(user: User, number: str = NUMBER) -> User:
    with transaction():
        at = context().now
        db.session.add(PhoneNumber(user_id=user.id, number=number, asked_at=at, confirmed_at=at))
    return user


@pytest.mark.spec("SMS-1")
def test_a_number_is_proved_by_the_code_that_was_sent_to_it_and_can_be_forgotten(
    client: FlaskClient, phones: Phones, run_outbox: RunOutbox
) -> None:
    person = a_mentee()
    person_id = person.id
    browser = sign_in(client, person)
    assert "Text messages" in browser.get("/account/profile").text
    assert browser.post(PAGE, data={"number": "+49 (151) 1234-5678"}).status_code == 303
    assert run_outbox(kind="sms.code") == [("sms.code", "done")]
    (number, text) = phones.got[0]
    assert number == NUMBER
    assert re.match(r"\d{6} is your code", text)
    kept = db.session.get_one(PhoneNumber, person_id)
    assert phones.code not in f"{kept.code_hash} {db.session.scalars(db.select(OutboxRow.payload)).all()}"

    wrong = browser.post(f"{PAGE}/confirm", data={"code": f"{(int(phones.code) + 1) % 10**6:06}"})
    assert wrong.status_code == 422
    assert "not the code" in wrong.text
    assert browser.post(f"{PAGE}/confirm", data={"code": phones.code}).status_code == 303
    assert f"Messages go to {NUMBER}" in browser.get(PAGE).text

    assert browser.post(f"{PAGE}/remove").status_code == 303
    assert NUMBER not in browser.get(PAGE).text


@pytest.mark.spec("SMS-1", "SEC-3")
def test_a_code_ends_after_a_quarter_of_an_hour_and_after_five_tries(
    client: FlaskClient, phones: Phones, run_outbox: RunOutbox, clock: Clock
) -> None:
    person = a_mentee()
    actor = ctx_of(person).actor
    browser = sign_in(client, person)
    browser.post(PAGE, data={"number": NUMBER})
    run_outbox(kind="sms.code")
    assert "Wait a minute" in browser.post(PAGE, data={"number": NUMBER}).text, "nobody's phone is flooded"
    for _ in range(5):
        browser.post(f"{PAGE}/confirm", data={"code": "x"})
    assert "This code has ended" in browser.post(f"{PAGE}/confirm", data={"code": phones.code}).text

    clock.now += timedelta(minutes=2)
    give_phone(actor.user_id, number=NUMBER, ctx=context(actor, clock.now))
    run_outbox(kind="sms.code")
    clock.now += timedelta(minutes=15)
    assert "This code has ended" in browser.post(f"{PAGE}/confirm", data={"code": phones.code}).text
    assert db.session.get_one(PhoneNumber, actor.user_id).confirmed_at is None


@pytest.mark.spec("SMS-1")
@pytest.mark.parametrize("number", ["", "0151 1234567", "+0151234567", "+49", "+49 151 12x4567", "+1234567890123456"])
def test_what_is_no_number_is_said_on_the_page(client: FlaskClient, phones: Phones, number: str) -> None:
    browser = sign_in(client, a_mentee())
    assert browser.post(PAGE, data={"number": number}).status_code == 422
    assert db.session.scalars(db.select(PhoneNumber)).all() == []


@pytest.mark.spec("SMS-1", "INV-8")
def test_nobody_gives_or_takes_a_number_for_another(phones: Phones) -> None:
    owner, other = with_phone(a_mentee()), a_mentor()
    with pytest.raises(NotFound):
        give_phone(owner.id, number=NUMBER, ctx=ctx_of(other))
    with pytest.raises(NotFound):
        remove_phone(owner.id, ctx=ctx_of(other))


@pytest.mark.spec("SMS-1")
def test_where_nothing_can_be_sent_nothing_is_offered(app: Flask, client: FlaskClient, phones: Phones) -> None:
    app.extensions["desk-adapters"] = replace(app.extensions["desk-adapters"], sms=None)
    assert sign_in(client, a_mentee()).get(PAGE).status_code == 404


@pytest.fixture
def session(phones: Phones) -> MentoringSession:
    """Its mentee wants messages, its mentor gave a number and did not prove it."""
    mentor = a_mentor()
    with transaction():
        db.session.add(PhoneNumber(user_id=mentor.id, number="+4915100000000", asked_at=context().now))
    return fresh(a_paid_session(mentor=mentor, mentee=with_phone(a_mentee(timezone="Europe/Berlin"))))


def run(clock: Clock, before: timedelta, start: datetime = START_AT) -> int:
    clock.set(start - before)
    return tick(ctx=context(CLOCK, clock.now)).counts.get("session_texted", 0)


@pytest.mark.spec("SMS-1", "OPS-4")
def test_who_wants_it_is_texted_once_a_quarter_of_an_hour_before(
    session: MentoringSession, phones: Phones, run_outbox: RunOutbox, clock: Clock
) -> None:
    assert [run(clock, timedelta(minutes=minutes)) for minutes in (16, 15, 14)] == [0, 1, 0]
    assert run_outbox(kind="sms.reminder") == [("sms.reminder", "done")]
    ((number, text),) = phones.got
    assert number == NUMBER
    assert "11:00 (Berlin)" in text
    assert text.endswith(f"/sessions/{session.id}")


@pytest.mark.spec("SMS-1", "EM-5")
def test_after_a_pause_nobody_is_texted_late_and_a_move_arms_it_again(
    session: MentoringSession, phones: Phones, clock: Clock
) -> None:
    assert run(clock, timedelta(minutes=9)) == 0
    later = START_AT + timedelta(hours=3)
    with transaction():
        ctx = context(SYSTEM, clock.now)
        move_to(load_for_moving(ctx, session.id, later), start=later, ctx=ctx)
    assert run(clock, timedelta(minutes=15), later) == 1


@pytest.mark.spec("SMS-1", "OPS-3")
@pytest.mark.parametrize("meanwhile", ["cancelled", "not wanted", "late"])
def test_what_became_pointless_before_it_was_sent_is_not_sent(
    session: MentoringSession, phones: Phones, run_outbox: RunOutbox, clock: Clock, meanwhile: str
) -> None:
    assert run(clock, timedelta(minutes=15)) == 1
    mentee = context(ctx_of(fresh(session).mentee).actor, clock.now)
    if meanwhile == "cancelled":
        cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=mentee)
    elif meanwhile == "not wanted":
        assert mentee.actor.user_id is not None
        remove_phone(mentee.actor.user_id, ctx=mentee)
    else:
        phones.is_away = True
        run_outbox(kind="sms.reminder")
        phones.is_away = False
        clock.now += timedelta(minutes=6)
    run_outbox(kind="sms.reminder")
    assert phones.got == []
