"""Accounts, sign-in, passwords and roles, as actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.context import SYSTEM, Context
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.domain.vocabulary import Role
from app.extensions import db
from app.foundation import cleanup
from app.models import AdminAuditTrail, ApiToken, EmailEvent, Login, OutboxRow, PasswordReset, Registration, User
from app.people import accounts, logins, passwords, profile, registration, sign_in, tokens
from tests.factories.people import PASSWORD, a_mentee, a_support_agent, actor_of, an_admin, an_ops, ctx_of
from tests.world import Clock

MakeContext = Callable[..., Context]
GOOD = "another set of calm words"


def mails() -> list[tuple[str, str]]:
    rows = db.session.execute(select(EmailEvent.template, EmailEvent.recipient).order_by(EmailEvent.created_at))
    return [(row.template, row.recipient) for row in rows]


def link_in_mail(template: str) -> str:
    """The secret path that only the mail's work carries."""
    sent = select(EmailEvent).where(EmailEvent.template == template).order_by(EmailEvent.created_at)
    event = db.session.scalars(sent).all()[-1]
    row = db.session.scalars(select(OutboxRow).where(OutboxRow.key == f"mail:{event.id}")).one()
    assert "url" not in event.details["facts"], "the record must not keep the link"
    return str(row.payload["secret"]["url"])


def ask(ctx: Context, email: str = "ada@people.example", **changes: str) -> str:
    fields = {"name": "Ada Lovelace", "password": GOOD, "timezone": "Europe/London", **changes}
    registration.ask_to_register(email=email, ctx=ctx, **fields)
    return link_in_mail("confirm_registration").removeprefix(registration.CONFIRM_PATH)


@pytest.mark.spec("ID-3")
def test_a_mentee_registers_and_is_one_only_after_the_mailed_link(app: Flask, clock: Clock, ctx: MakeContext) -> None:
    token = ask(ctx(), email=" Ada@People.Example ")
    assert accounts.find_by_email("ada@people.example") is None
    user = registration.confirm_registration(token, ctx=ctx())
    assert (user.email, user.role, user.timezone) == ("ada@people.example", Role.MENTEE, "Europe/London")
    assert sign_in.authenticate("ADA@people.example", GOOD).id == user.id
    assert ("welcome", "ada@people.example") in mails()


@pytest.mark.spec("ID-2")
def test_a_registration_link_works_once_and_for_two_days(app: Flask, clock: Clock, ctx: MakeContext) -> None:
    token = ask(ctx())
    registration.confirm_registration(token, ctx=ctx())
    with pytest.raises(Invalid, match="no longer works"):
        registration.confirm_registration(token, ctx=ctx())
    late = ask(ctx(), email="grace@people.example")
    clock.advance(days=2, seconds=1)
    with pytest.raises(Invalid, match="no longer works"):
        registration.confirm_registration(late, ctx=ctx())


@pytest.mark.spec("ID-3")
def test_what_was_typed_and_never_confirmed_is_forgotten_once_its_link_has_ended(
    app: Flask, clock: Clock, ctx: MakeContext
) -> None:
    ask(ctx())
    clock.advance(days=2)
    assert cleanup.forget_old(ctx=ctx())["registrations"] == 0
    clock.advance(seconds=1)
    assert cleanup.forget_old(ctx=ctx())["registrations"] == 1
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


@pytest.mark.spec("ID-2")
def test_registering_a_known_address_looks_the_same_and_only_its_owner_is_told(app: Flask, ctx: MakeContext) -> None:
    owner = a_mentee(email="owner@people.example")
    registration.ask_to_register(email="Owner@people.example", name="Mallory", password=GOOD, timezone="UTC", ctx=ctx())
    assert mails() == [("already_registered", "owner@people.example")]
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0
    db.session.refresh(owner)
    assert owner.name != "Mallory"


@pytest.mark.spec("ID-2", "SEC-3")
def test_an_account_gets_the_password_of_the_registration_whose_link_was_followed(
    app: Flask, clock: Clock, ctx: MakeContext
) -> None:
    ask(ctx(), password="the intruder chose this one")
    clock.advance(seconds=1)
    token = ask(ctx(), password="the owner chose this one")
    registration.confirm_registration(token, ctx=ctx())
    assert sign_in.authenticate("ada@people.example", "the owner chose this one")
    with pytest.raises(Invalid):
        sign_in.authenticate("ada@people.example", "the intruder chose this one")


@pytest.mark.spec("ID-2")
def test_every_other_registration_of_the_address_ends_with_the_first_that_is_confirmed(
    app: Flask, clock: Clock, ctx: MakeContext
) -> None:
    first = ask(ctx())
    clock.advance(seconds=1)
    second = ask(ctx())
    registration.confirm_registration(second, ctx=ctx())
    with pytest.raises(Invalid, match="no longer works"):
        registration.confirm_registration(first, ctx=ctx())


@pytest.mark.spec("ID-3", "UX-3")
@pytest.mark.parametrize(
    "field, value",
    [
        ("email", "not an address"),
        ("email", "a@b"),
        ("email", "x" * 250 + "@people.example"),
        ("email", "ada@people.example\r\nBcc: all@people.example"),
        ("name", "   "),
        ("name", "x" * 101),
        ("password", "short"),
        ("password", "x" * 201),
        ("password", "aaaaaaaaaaaaaaaa"),
        ("password", "ada@people.example"),
        ("password", "passwordpassword"),
        ("timezone", "Mars/Olympus"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(app: Flask, ctx: MakeContext, field: str, value: str) -> None:
    fields = {"email": "ada@people.example", "name": "Ada", "password": GOOD, "timezone": "UTC"} | {field: value}
    with pytest.raises(Invalid) as refusal:
        registration.ask_to_register(**fields, ctx=ctx())
    assert list(refusal.value.fields) == [field]
    assert mails() == []


@pytest.mark.spec("ID-2")
def test_passwords_are_kept_as_argon2id(app: Flask) -> None:
    assert a_mentee().password_hash.startswith("$argon2id$")


@pytest.mark.spec("ID-2")
def test_a_password_is_hashed_anew_when_the_parameters_have_grown(app: Flask) -> None:
    user = a_mentee()
    before = user.password_hash
    passwords._hashing.use(memory_kib=16, rounds=2)
    try:
        sign_in.authenticate(user.email, PASSWORD)
        db.session.refresh(user)
        assert user.password_hash != before
        assert "m=16,t=2" in user.password_hash
        assert sign_in.authenticate(user.email, PASSWORD)
    finally:
        passwords.hash_cheaply()


@pytest.mark.spec("SEC-3", "ID-2")
@pytest.mark.parametrize("email", ["known@people.example", "unknown@people.example", "suspended@people.example"])
@pytest.mark.parametrize("password", ["wrong words altogether", "x" * 10_000])
def test_a_wrong_sign_in_costs_one_hash_and_says_the_same_whether_or_not_the_account_exists(
    app: Flask, monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    a_mentee(email="known@people.example")
    suspended = a_mentee(email="suspended@people.example")
    db.session.execute(
        update(User).where(User.id == suspended.id).values(suspended_at=suspended.created_at, suspension_reason="x")
    )
    passwords._hashing.of_nobody()
    calls: list[str] = []
    hasher = passwords._hashing.scheme.hashers[0]
    original = type(hasher).verify
    monkeypatch.setattr(type(hasher), "verify", lambda self, *args: calls.append("verify") or original(self, *args))
    with pytest.raises(Invalid) as refusal:
        sign_in.authenticate(email, password)
    assert calls == ["verify"]
    assert refusal.value.error_code == "sign_in_failed"
    assert refusal.value.message == sign_in_words(app)


def sign_in_words(app: Flask) -> str:
    try:
        sign_in.authenticate("nobody-at-all@people.example", "wrong words altogether")
    except Invalid as error:
        return error.message
    raise AssertionError


@pytest.mark.spec("ID-4", "SEC-3")
def test_only_who_knows_the_password_learns_that_the_account_is_suspended_or_closed(app: Flask) -> None:
    now = a_mentee().created_at
    suspended = a_mentee(suspended_at=now, suspension_reason="abuse")
    closed = a_mentee(is_active=False)
    for user, code in ((suspended, "account_suspended"), (closed, "account_closed")):
        with pytest.raises(Forbidden) as refusal:
            sign_in.authenticate(user.email, PASSWORD)
        assert refusal.value.error_code == code
        with pytest.raises(Invalid):
            sign_in.authenticate(user.email, "wrong words altogether")


@pytest.mark.spec("ID-2")
def test_a_reset_link_sets_a_new_password_once_and_ends_sign_ins_and_tokens(
    app: Flask, clock: Clock, ctx: MakeContext
) -> None:
    user = a_mentee()
    browser = logins.open_login(user, remembered=True, ctx=ctx_of(user))
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    sign_in.request_reset(user.email.upper(), ctx=ctx())
    link = link_in_mail("password_reset")
    token = link.removeprefix(sign_in.RESET_PATH)
    assert sign_in.reset_is_live(token, ctx=ctx())
    sign_in.reset_password(token, new=GOOD, ctx=ctx())
    assert sign_in.authenticate(user.email, GOOD).id == user.id
    assert logins.find_login(browser, now=clock.now) is None
    assert tokens.authenticate_token(secret, now=clock.now) is None
    with pytest.raises(Invalid) as refusal:
        sign_in.reset_password(token, new="yet another set of words", ctx=ctx())
    assert refusal.value.error_code == "link_ended"


@pytest.mark.spec("ID-2")
def test_a_reset_link_lasts_one_hour(app: Flask, clock: Clock, ctx: MakeContext) -> None:
    user = a_mentee()
    sign_in.request_reset(user.email, ctx=ctx())
    token = link_in_mail("password_reset").removeprefix(sign_in.RESET_PATH)
    clock.advance(minutes=59, seconds=59)
    assert sign_in.reset_is_live(token, ctx=ctx())
    clock.advance(seconds=1)
    with pytest.raises(Invalid):
        sign_in.reset_password(token, new=GOOD, ctx=ctx())


@pytest.mark.spec("ID-2", "SEC-6")
def test_a_reset_link_is_kept_as_a_hash_only(app: Flask, ctx: MakeContext) -> None:
    user = a_mentee()
    sign_in.request_reset(user.email, ctx=ctx())
    token = link_in_mail("password_reset").removeprefix(sign_in.RESET_PATH)
    stored = db.session.scalars(select(PasswordReset.token_hash)).one()
    assert token not in stored
    assert len(stored) == 64


@pytest.mark.spec("ID-2")
def test_a_new_password_makes_older_reset_links_useless(app: Flask, clock: Clock, ctx: MakeContext) -> None:
    user = a_mentee()
    sign_in.request_reset(user.email, ctx=ctx())
    token = link_in_mail("password_reset").removeprefix(sign_in.RESET_PATH)
    sign_in.change_password(user.id, current=PASSWORD, new=GOOD, ctx=ctx_of(user))
    assert not sign_in.reset_is_live(token, ctx=ctx())


@pytest.mark.spec("ID-2", "ID-4")
def test_nobody_unknown_suspended_or_closed_gets_a_reset_mail(app: Flask, ctx: MakeContext) -> None:
    suspended = a_mentee(suspension_reason="abuse", suspended_at=a_mentee().created_at)
    closed = a_mentee(is_active=False)
    for email in ("nobody@people.example", suspended.email, closed.email):
        sign_in.request_reset(email, ctx=ctx())
    assert mails() == []


@pytest.mark.spec("ID-4")
def test_a_reset_link_of_before_the_suspension_lets_nobody_in(app: Flask, ctx: MakeContext) -> None:
    user = a_mentee()
    sign_in.request_reset(user.email, ctx=ctx())
    token = link_in_mail("password_reset").removeprefix(sign_in.RESET_PATH)
    db.session.execute(
        update(User).where(User.id == user.id).values(suspended_at=user.created_at, suspension_reason="abuse")
    )
    with pytest.raises(Invalid):
        sign_in.reset_password(token, new=GOOD, ctx=ctx())


@pytest.mark.spec("SEC-2")
def test_changing_the_password_ends_every_sign_in(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    browsers = [logins.open_login(user, remembered=False, ctx=ctx_of(user)) for _ in range(3)]
    sign_in.change_password(user.id, current=PASSWORD, new=GOOD, ctx=ctx_of(user))
    assert [logins.find_login(token, now=clock.now) for token in browsers] == [None] * 3
    assert sign_in.authenticate(user.email, GOOD)


@pytest.mark.spec("SEC-2")
def test_the_password_is_changed_only_by_who_knows_it_and_only_to_a_good_one(app: Flask) -> None:
    user = a_mentee()
    with pytest.raises(Invalid) as wrong:
        sign_in.change_password(user.id, current="not my words at all", new=GOOD, ctx=ctx_of(user))
    assert list(wrong.value.fields) == ["current"]
    with pytest.raises(Invalid) as weak:
        sign_in.change_password(user.id, current=PASSWORD, new="short", ctx=ctx_of(user))
    assert list(weak.value.fields) == ["new"]
    assert sign_in.authenticate(user.email, PASSWORD)


@pytest.mark.spec("ID-1")
def test_staff_accounts_are_made_by_admins_and_the_command_line_only(app: Flask, ctx: MakeContext) -> None:
    fields = {"email": "new@people.example", "name": "New", "password": GOOD, "timezone": "UTC"}
    for stranger in (a_mentee(), a_support_agent(), an_ops()):
        with pytest.raises(Forbidden):
            accounts.create_user(**fields, role=Role.ADMIN, ctx=ctx_of(stranger))
    made = accounts.create_user(**fields, role=Role.SUPPORT, ctx=ctx_of(an_admin()))
    assert made.role is Role.SUPPORT
    assert accounts.create_user(**fields | {"email": "cli@people.example"}, role=Role.ADMIN, ctx=ctx(SYSTEM))


@pytest.mark.spec("ID-1", "SEC-2")
def test_a_new_role_ends_sign_ins_and_tokens_and_is_audited(app: Flask, clock: Clock) -> None:
    admin, user = an_admin(), a_mentee()
    browser = logins.open_login(user, remembered=True, ctx=ctx_of(user))
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    accounts.grant_role(user.id, Role.SUPPORT, reason="Joined the team", ctx=ctx_of(admin))
    assert logins.find_login(browser, now=clock.now) is None
    assert tokens.authenticate_token(secret, now=clock.now) is None
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.reason, row.details) == (
        "ADMIN_USER_ROLE_CHANGED",
        "Joined the team",
        {"before": "mentee", "after": "support"},
    )


@pytest.mark.spec("ID-1")
@pytest.mark.parametrize("role", [Role.SUPPORT, Role.OPS, Role.ADMIN])
def test_support_and_ops_grant_no_role(app: Flask, role: Role) -> None:
    user = a_mentee()
    for staff in (a_support_agent(), an_ops()):
        with pytest.raises(Forbidden):
            accounts.grant_role(user.id, role, reason="Because", ctx=ctx_of(staff))


@pytest.mark.spec("ID-1")
def test_nobody_changes_the_own_role_and_the_last_admin_stays(app: Flask, ctx: MakeContext) -> None:
    admin = an_admin()
    with pytest.raises(Forbidden):
        accounts.grant_role(admin.id, Role.SUPPORT, reason="Enough", ctx=ctx_of(admin))
    with pytest.raises(Conflict) as last:
        accounts.grant_role(admin.id, Role.SUPPORT, reason="Enough", ctx=ctx(SYSTEM))
    assert last.value.error_code == "last_admin"
    an_admin()
    assert accounts.grant_role(admin.id, Role.SUPPORT, reason="Enough", ctx=ctx(SYSTEM)).role is Role.SUPPORT


@pytest.mark.spec("ID-1")
def test_an_address_has_one_account(app: Flask, ctx: MakeContext) -> None:
    user = a_mentee()
    with pytest.raises(Invalid) as refusal:
        accounts.register_mentee(email=user.email.upper(), name="Again", password=GOOD, timezone="UTC", ctx=ctx())
    assert list(refusal.value.fields) == ["email"]


@pytest.mark.spec("SEC-2")
def test_a_login_ends_after_its_time_and_after_its_idle_time(app: Flask, clock: Clock) -> None:
    mentee, agent = a_mentee(), a_support_agent()
    start = clock.now
    cases = [
        (mentee, False, logins.ORDINARY),
        (mentee, True, logins.REMEMBERED),
        (agent, True, logins.STAFF),
    ]
    for user, remembered, lifetime in cases:
        clock.set(start)
        token = logins.open_login(user, remembered=remembered, ctx=ctx_of(user))
        assert logins.find_login(token, now=start + lifetime.idle)
        assert logins.find_login(token, now=start + lifetime.idle + timedelta(seconds=1)) is None
        db.session.execute(update(Login).values(last_seen_at=start + lifetime.absolute))
        assert logins.find_login(token, now=start + lifetime.absolute - timedelta(seconds=1))
        assert logins.find_login(token, now=start + lifetime.absolute) is None


def test_being_seen_costs_one_write_in_three_minutes(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    token = logins.open_login(user, remembered=False, ctx=ctx_of(user))
    start = clock.now

    def seen(after: int) -> timedelta:
        found = logins.find_login(token, now=start + timedelta(seconds=after))
        assert found
        logins.note_seen(found[0], now=start + timedelta(seconds=after))
        return db.session.scalars(select(Login.last_seen_at)).one() - start

    assert [seen(after).total_seconds() for after in (1, 179, 180, 200)] == [0, 0, 180, 180]


def test_a_login_is_ended_by_its_owner_only(app: Flask, clock: Clock) -> None:
    owner, stranger = a_mentee(), a_mentee()
    token = logins.open_login(owner, remembered=False, ctx=ctx_of(owner))
    login = db.session.scalars(select(Login)).one()
    with pytest.raises(NotFound):
        logins.end_login(login.id, user_id=stranger.id, ctx=ctx_of(stranger))
    assert logins.find_login(token, now=clock.now)
    logins.end_login(login.id, user_id=owner.id, ctx=ctx_of(owner))
    assert logins.find_login(token, now=clock.now) is None


@pytest.mark.spec("SEC-2", "SEC-6")
def test_a_token_is_kept_as_a_hash_and_ends_when_revoked_or_late(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    token, secret = tokens.issue_token(
        user.id, name="script", ctx=ctx_of(user), expires_at=clock.now + timedelta(days=1)
    )
    assert secret.startswith("desk_")
    assert secret not in db.session.scalars(select(ApiToken.token_hash)).one()
    assert tokens.authenticate_token(secret, now=clock.now)
    assert tokens.authenticate_token(secret, now=clock.now + timedelta(days=1)) is None
    tokens.revoke_token(token.id, user_id=user.id, ctx=ctx_of(user))
    assert tokens.authenticate_token(secret, now=clock.now) is None


def test_tokens_of_others_are_neither_made_nor_revoked(app: Flask) -> None:
    owner, stranger = a_mentee(), an_admin()
    token, _ = tokens.issue_token(owner.id, name="script", ctx=ctx_of(owner))
    for attempt in (
        lambda: tokens.issue_token(owner.id, name="mine", ctx=ctx_of(stranger)),
        lambda: tokens.revoke_token(token.id, user_id=owner.id, ctx=ctx_of(stranger)),
        lambda: tokens.revoke_token(token.id, user_id=stranger.id, ctx=ctx_of(stranger)),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_user_has_at_most_twenty_tokens(app: Flask) -> None:
    user = a_mentee()
    for number in range(tokens.MOST_TOKENS):
        tokens.issue_token(user.id, name=f"script {number}", ctx=ctx_of(user))
    with pytest.raises(Invalid):
        tokens.issue_token(user.id, name="one more", ctx=ctx_of(user))


@pytest.mark.spec("ID-6")
def test_a_profile_changes_by_the_fields_that_are_given(app: Flask) -> None:
    user = a_mentee(timezone="UTC")
    profile.update_profile(user.id, name="  Grace   Hopper ", ctx=ctx_of(user))
    profile.update_profile(user.id, timezone="Asia/Tokyo", ctx=ctx_of(user))
    profile.update_profile(user.id, preferences={"sound": False}, ctx=ctx_of(user))
    db.session.refresh(user)
    assert (user.name, user.timezone) == ("Grace Hopper", "Asia/Tokyo")
    assert not profile.preference(user, "sound")
    assert profile.preference(user, "reminder_emails")


@pytest.mark.spec("ID-6", "SEC-5")
@pytest.mark.parametrize("change", [{"name": "\n"}, {"timezone": "Nowhere"}, {"preferences": {"role": True}}])
def test_a_profile_refuses_what_is_no_profile(app: Flask, change: dict[str, object]) -> None:
    user = a_mentee()
    with pytest.raises(Invalid):
        profile.update_profile(user.id, **change, ctx=ctx_of(user))


def test_profiles_of_others_stay_as_they_are(app: Flask) -> None:
    user = a_mentee()
    with pytest.raises(NotFound):
        profile.update_profile(user.id, name="Mallory", ctx=ctx_of(an_admin()))


def test_a_refused_action_left_nothing_behind(app: Flask, ctx: MakeContext) -> None:
    with pytest.raises(DomainError):
        accounts.create_user(
            email="x@people.example", name="X", role=Role.ADMIN, password="short", timezone="UTC", ctx=ctx()
        )
    assert db.session.scalar(select(func.count()).select_from(User)) == 0
    assert actor_of(a_mentee()).role is Role.MENTEE
