"""Getting in and out through the pages."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.domain.context import SYSTEM
from app.domain.vocabulary import Role
from app.extensions import db
from app.http.limits import limiter
from app.models import EmailEvent, Login, OutboxRow, Registration, User
from app.people import accounts, sign_in, suspension, tokens
from tests.factories.people import (
    PASSWORD,
    a_mentee,
    a_mentor,
    a_support_agent,
    a_user,
    an_admin,
    ctx_of,
)
from tests.factories.people import sign_in as signed_in
from tests.world import Clock, context

GOOD = "another set of calm words"
HOME = "/account/profile"


def enter(client: FlaskClient, user: User, password: str = PASSWORD, **fields: str) -> int:
    form = {"email": user.email, "password": password, **fields}
    return client.post("/sign-in", data=form).status_code


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("desk")
    assert cookie
    return cookie.value


def with_cookie(app: Flask, value: str) -> FlaskClient:
    """A thief: another browser with a copy of the cookie."""
    thief = app.test_client()
    thief.set_cookie("desk", value)
    return thief


def link_in_mail(template: str) -> str:
    sent = select(EmailEvent).where(EmailEvent.template == template).order_by(EmailEvent.created_at)
    event = db.session.scalars(sent).all()[-1]
    row = db.session.scalars(select(OutboxRow).where(OutboxRow.key == f"mail:{event.id}")).one()
    return str(row.payload["secret"]["url"])


def without_tokens(page: str) -> str:
    """The page without what is random in it."""
    return re.sub(r'(csrf-token" content|csrf_token"[^>]* value)="[^"]*"', "", page)


@pytest.mark.spec("ID-2")
@pytest.mark.parametrize(
    "role, home",
    [
        (Role.MENTEE, "/my/sessions"),
        (Role.MENTOR, "/mentor/schedule"),
        (Role.SUPPORT, "/admin/"),
        (Role.ADMIN, "/admin/"),
        (Role.OPS, "/admin/"),
    ],
)
def test_signing_in_leads_to_where_the_role_works(client: FlaskClient, role: Role, home: str) -> None:
    user = a_user(role)
    answer = client.post("/sign-in", data={"email": f"  {user.email.upper()} ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, home)
    assert client.get(HOME).status_code == 200


@pytest.mark.spec("ID-2")
def test_a_stranger_is_sent_to_sign_in_and_then_back_to_where_he_wanted_to_go(client: FlaskClient) -> None:
    answer = client.get("/account/sign-ins?a=1&b=2")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=%2Faccount%2Fsign-ins%3Fa%3D1%26b%3D2"
    page = client.get(answer.location).text
    assert 'name="next" value="/account/sign-ins?a=1&amp;b=2"' in page
    user = a_mentee()
    answer = client.post(
        "/sign-in", data={"email": user.email, "password": PASSWORD, "next": "/account/sign-ins?a=1&b=2"}
    )
    assert answer.location == "/account/sign-ins?a=1&b=2"


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
        "\\/evil.example", "/\t/evil.example", "\t//evil.example", "/\r\n/evil.example", "http:///evil.example",
        "javascript:alert(1)", "@evil.example", " //evil.example", "/ok\r\nLocation: https://evil.example",
    ],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(client: FlaskClient, target: str) -> None:
    user = a_mentee()
    answer = client.post("/sign-in", data={"email": user.email, "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.location) == (303, "/my/sessions")


@pytest.mark.spec("SEC-3", "ID-2")
def test_a_wrong_password_and_an_unknown_address_get_the_same_page(app: Flask, clock: Clock) -> None:
    a_mentee(email="known@people.example")

    def page(email: str) -> tuple[int, str]:
        answer = app.test_client().post("/sign-in", data={"email": email, "password": "wrong words altogether"})
        return answer.status_code, without_tokens(answer.text).replace(email, "@")

    known = page("known@people.example")
    assert known == page("other@people.example")
    assert known[0] == 422
    assert "do not belong together" in known[1]


@pytest.mark.spec("ID-2")
@pytest.mark.parametrize("path", ["/register", "/forgot-password"])
def test_registering_and_resetting_answer_the_same_for_known_and_unknown_addresses(
    app: Flask, clock: Clock, path: str
) -> None:
    a_mentee(email="known@people.example")

    def answer(email: str) -> tuple[int, str, str]:
        client = app.test_client()
        first = client.post(path, data={"email": email, "name": "Ada", "password": GOOD, "timezone": "UTC"})
        page = client.get(first.location).text
        return first.status_code, first.location, without_tokens(page)

    assert answer("known@people.example") == answer("other@people.example")


@pytest.mark.spec("ID-3", "ID-2")
def test_a_mentee_registers_through_the_pages_and_arrives_where_she_was_going(client: FlaskClient) -> None:
    client.get("/register?next=/mentors/42")
    form = {"email": "ada@people.example", "name": "Ada", "password": GOOD, "timezone": "Europe/Berlin"}
    assert client.post("/register", data=form).location == "/check-mail?what=register"
    link = link_in_mail("confirm_registration")
    assert "ada@people.example" in client.get(link).text
    assert accounts.find_by_email("ada@people.example") is None, "following the link with GET makes no account"
    answer = client.post(link)
    assert (answer.status_code, answer.location) == (303, "/mentors/42")
    assert "Ada" in client.get(HOME).text
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404


@pytest.mark.spec("SEC-5", "ID-1")
def test_nobody_registers_with_a_role_or_any_other_column(client: FlaskClient) -> None:
    form = {
        "email": "eve@people.example", "name": "Eve", "password": GOOD, "timezone": "UTC", "role": "admin",
        "is_active": "1", "id": "00000000-0000-4000-8000-000000000000", "created_at": "2000-01-01",
    }  # fmt: skip
    client.post("/register", data=form)
    client.post(link_in_mail("confirm_registration"), data={"role": "admin", "email": "boss@people.example"})
    eve = accounts.find_by_email("eve@people.example")
    assert eve
    assert (eve.role, str(eve.id)[:8] != "00000000") == (Role.MENTEE, True)


@pytest.mark.spec("SEC-5", "ID-1")
def test_a_profile_takes_its_own_fields_only(client: FlaskClient) -> None:
    user = a_mentee()
    signed_in(client, user)
    client.post(HOME, data={
        "name": "Eve", "timezone": "UTC", "role": "admin", "email": "boss@people.example", "is_active": "",
        "password_hash": "x", "avatar": "../../etc/passwd", "suspended_at": "", "warnings_count": "-1",
    })  # fmt: skip
    db.session.refresh(user)
    assert (user.name, user.role, user.avatar, user.is_active) == ("Eve", Role.MENTEE, None, True)
    assert user.email != "boss@people.example"


@pytest.mark.spec("UX-3")
def test_a_form_says_what_would_be_right_beside_the_field(client: FlaskClient) -> None:
    answer = client.post("/register", data={"email": "nobody", "name": "", "password": "short", "timezone": "UTC"})
    assert answer.status_code == 422
    assert "Write your name." in answer.text
    answer = client.post("/register", data={"email": "nobody", "name": "A", "password": GOOD, "timezone": "UTC"})
    assert "such as ada@example.com" in answer.text
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 0


@pytest.mark.spec("SEC-2")
def test_signing_in_starts_a_new_session(app: Flask, client: FlaskClient) -> None:
    user = a_mentee()
    with client.session_transaction() as planted:
        planted["login"] = "planted"
        planted["left behind"] = "by somebody"
    client.csrf_token()  # type: ignore[attr-defined]
    assert enter(client, user) == 303
    with client.session_transaction() as session:
        assert "left behind" not in session
        assert session["login"] != "planted"
        assert "csrf_token" not in session, "the next page makes one that nobody has seen"


@pytest.mark.spec("SEC-2", "SEC-6")
def test_the_cookie_holds_a_random_token_and_the_database_its_hash(app: Flask, client: FlaskClient) -> None:
    user = a_mentee()
    enter(client, user)
    with client.session_transaction() as session:
        token = session["login"]
    assert str(user.id) not in cookie_of(client)
    stored = db.session.scalars(select(Login.token_hash)).one()
    assert token not in stored
    assert len(token) >= 43


@pytest.mark.spec("SEC-2")
def test_the_cookie_is_for_this_host_out_of_scripts_reach_and_same_site(client: FlaskClient) -> None:
    user = a_mentee()
    answer = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("desk="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie


@pytest.mark.spec("ID-2")
def test_remembering_keeps_the_cookie_but_never_for_staff(app: Flask, clock: Clock) -> None:
    def kept(user: User) -> bool:
        answer = app.test_client().post("/sign-in", data={"email": user.email, "password": PASSWORD, "remember": "y"})
        return any("Expires" in value for value in answer.headers.getlist("Set-Cookie"))

    assert kept(a_mentee())
    assert kept(a_mentor())
    assert not kept(a_support_agent())


@pytest.mark.spec("SEC-2", "ID-2")
def test_a_stolen_cookie_is_worth_nothing_after_signing_out(app: Flask, client: FlaskClient) -> None:
    enter(client, a_mentee())
    thief = with_cookie(app, cookie_of(client))
    assert thief.get(HOME).status_code == 200
    assert client.post("/sign-out").location == "/sign-in"
    assert client.get(HOME).status_code == 302
    assert thief.get(HOME).status_code == 302
    assert thief.get("/api/notifications").status_code == 401


@pytest.mark.spec("SEC-2", "ID-4", "ID-1")
@pytest.mark.parametrize("event", ["password", "reset", "suspension", "role", "closed"])
def test_a_stolen_cookie_is_worth_nothing_after(app: Flask, client: FlaskClient, event: str) -> None:
    user, admin = a_mentee(), an_admin()
    enter(client, user)
    thief = with_cookie(app, cookie_of(client))
    match event:
        case "password":
            answer = client.post("/account/password", data={"current": PASSWORD, "new": GOOD})
            assert answer.status_code == 303
            assert client.get(HOME).status_code == 200, "who changed it stays signed in"
        case "reset":
            sign_in.request_reset(user.email, ctx=ctx_of(user))
            app.test_client().post(link_in_mail("password_reset"), data={"password": GOOD})
        case "suspension":
            suspension.suspend_user(user.id, reason="Abuse", ctx=ctx_of(admin))
        case "role":
            accounts.grant_role(user.id, Role.OPS, reason="New job", ctx=ctx_of(admin))
        case "closed":
            db.session.execute(update(User).where(User.id == user.id).values(is_active=False))
    assert thief.get(HOME).status_code == 302


@pytest.mark.spec("ID-4")
def test_a_suspended_user_cannot_sign_in_and_reads_what_to_do(client: FlaskClient) -> None:
    user = a_mentee()
    suspension.suspend_user(user.id, reason="Abuse", ctx=ctx_of(an_admin()))
    answer = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "Your account is suspended" in answer.text
    assert client.get(HOME).status_code == 302


@pytest.mark.spec("SEC-2")
def test_a_login_that_is_too_old_or_was_idle_for_too_long_ends(client: FlaskClient, clock: Clock) -> None:
    enter(client, a_support_agent())
    for _ in range(6):
        clock.advance(minutes=119)
        assert client.get(HOME).status_code == 200
    clock.advance(minutes=10)
    assert client.get(HOME).status_code == 302, "twelve hours are over"
    enter(client, a_support_agent())
    clock.advance(minutes=121)
    assert client.get(HOME).status_code == 302, "two idle hours are over"


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/register", "/account/profile", "/account/photo"])
def test_what_another_site_posts_is_refused(client: FlaskClient, path: str) -> None:
    user = a_mentee()
    signed_in(client, user)
    form = {"name": "Eve", "timezone": "UTC"}
    foreign = {"X-CSRFToken": "IjEyMyI.abc.def"}
    right = {"X-CSRFToken": client.csrf_token(), "Origin": "https://evil.example"}  # type: ignore[attr-defined]
    for headers in ({}, foreign, right, right | {"Origin": "null"}):
        answer = client.post(path, data=form, headers=headers, csrf=False)
        assert answer.status_code == 400
        assert "reload the page" in answer.text.lower()
    db.session.refresh(user)
    assert user.name != "Eve"
    assert client.get(HOME).status_code == 200, "still signed in"


@pytest.mark.spec("SEC-2")
def test_the_token_of_somebody_elses_session_does_not_fit(app: Flask, client: FlaskClient) -> None:
    signed_in(client, a_mentee())
    client.get(HOME)
    eve = app.test_client()
    with eve.session_transaction() as cookie:
        cookie["csrf_token"] = "f" * 40
    answer = client.post(
        HOME, data={"name": "Eve", "timezone": "UTC"}, headers={"X-CSRFToken": eve.csrf_token()}, csrf=False
    )
    assert answer.status_code == 400


@pytest.mark.spec("SEC-2")
def test_each_browser_has_a_token_of_its_own_however_often_pages_are_drawn(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()

    def token_of(browser: FlaskClient) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', browser.get("/sign-in").get_data(as_text=True))
        assert found
        return found[1]

    first, second = token_of(client), token_of(other)
    assert (token_of(client), token_of(other)) == (token_of(client), token_of(other)), "made once"
    form = {"email": "nobody@people.example", "password": "of no account at all"}
    for browser, token, is_refused in ((client, first, False), (other, second, False), (client, second, True)):
        answer = browser.post("/sign-in", data={**form, "csrf_token": token}, csrf=False)
        assert (answer.status_code == 400) is is_refused


@pytest.mark.spec("SEC-2")
def test_the_api_takes_a_cookie_with_its_token_or_a_bearer_token_and_nothing_else(
    app: Flask, client: FlaskClient
) -> None:
    user = a_mentee()
    signed_in(client, user)
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    bearer = {"Authorization": f"Bearer {secret}"}
    path = "/api/notifications/read"
    assert client.post(path, json={}, csrf=False).status_code == 400
    assert client.post(path, json={}).status_code < 300
    assert app.test_client().post(path, json={}, headers=bearer, csrf=False).status_code < 300
    for bad in ("Bearer desk_nonsense", "Bearer", "Basic YTpi", "desk_nonsense"):
        answer = client.post(path, json={}, headers={"Authorization": bad}, csrf=False)
        assert answer.status_code == 401, "a cookie beside it does not help"
        assert answer.json["error"]["code"] in {"bad_token", "sign_in_required"}


@pytest.mark.spec("SEC-2")
def test_a_bearer_token_opens_the_api_only(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    _, secret = tokens.issue_token(user.id, name="script", ctx=ctx_of(user))
    client = app.test_client()
    assert client.get(HOME, headers={"Authorization": f"Bearer {secret}"}).status_code == 302
    assert client.get("/api/notifications", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_read_only_token_changes_nothing(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    _, secret = tokens.issue_token(user.id, name="script", scopes=[tokens.Scope.READ], ctx=ctx_of(user))
    client, bearer = app.test_client(), {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/notifications", headers=bearer).status_code == 200
    answer = client.post("/api/notifications/read", json={}, headers=bearer, csrf=False)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "scope_missing")


@pytest.fixture
def counting() -> object:
    """Limits are on, from zero."""
    limiter.reset()
    limiter.enabled = True
    yield
    limiter.enabled = False
    limiter.reset()


@pytest.mark.spec("SEC-3")
def test_guessing_one_account_is_slowed_down_for_the_guesser_and_not_for_its_owner(
    app: Flask, counting: object, clock: Clock
) -> None:
    user = a_mentee()
    guesser = app.test_client()
    codes = [enter(guesser, user, "wrong words altogether") for _ in range(6)]
    assert codes == [422] * 5 + [429]
    owner = app.test_client()
    form = {"email": user.email, "password": PASSWORD}
    assert owner.post("/sign-in", data=form, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 303


@pytest.mark.spec("SEC-3")
def test_signing_in_rightly_again_and_again_is_no_guessing(app: Flask, counting: object, clock: Clock) -> None:
    user, client = a_mentee(), app.test_client()
    assert [enter(client, user) for _ in range(8)] == [303] * 8


@pytest.mark.spec("SEC-3")
def test_guessing_over_many_accounts_is_slowed_down_by_address(app: Flask, counting: object, clock: Clock) -> None:
    client = app.test_client()
    codes = [
        client.post("/sign-in", data={"email": f"u{number}@people.example", "password": "x"}).status_code
        for number in range(21)
    ]
    assert codes == [422] * 20 + [429]


@pytest.mark.spec("SEC-3", "API-3", "UX-3")
def test_too_many_tries_are_refused_in_words_with_the_time_to_wait(app: Flask, counting: object, clock: Clock) -> None:
    user, client = a_mentee(), app.test_client()
    for _ in range(5):
        enter(client, user, "wrong words altogether")
    answer = client.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert "Wait a moment" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert answer.headers["RateLimit-Remaining"] == "0"


@pytest.mark.spec("SEC-3")
@pytest.mark.parametrize("path, tries", [("/forgot-password", 3), ("/register", 3)])
def test_one_mailbox_cannot_be_flooded(app: Flask, counting: object, clock: Clock, path: str, tries: int) -> None:
    client = app.test_client()
    form = {"email": a_mentee().email, "name": "Ada", "password": GOOD, "timezone": "UTC"}
    codes = [client.post(path, data=form).status_code for _ in range(tries + 1)]
    assert codes == [303] * tries + [429]


@pytest.mark.spec("API-3")
def test_the_api_tells_its_limits(app: Flask, counting: object, client: FlaskClient) -> None:
    signed_in(client, a_mentee())
    answer = client.get("/api/notifications")
    assert answer.headers["RateLimit-Limit"] == "600"
    assert answer.headers["RateLimit-Remaining"] == "599"
    assert 0 < int(answer.headers["RateLimit-Reset"]) <= 61


@pytest.mark.spec("SEC-2")
def test_money_and_policies_ask_for_the_password_again_after_a_quarter_of_an_hour(
    client: FlaskClient, clock: Clock
) -> None:
    signed_in(client, a_mentee())
    form = {"name": "script", "scope": "read", "days": "30"}
    assert client.post("/account/tokens", data=form).status_code == 200
    clock.advance(minutes=16)
    answer = client.post("/account/tokens", data=form, headers={"Referer": "http://localhost/account/tokens"})
    assert (answer.status_code, answer.location) == (303, "/account/confirm-password?next=%2Faccount%2Ftokens")
    assert client.post(answer.location, data={"password": "wrong words altogether"}).status_code == 422
    assert client.post(answer.location, data={"password": PASSWORD}).location == "/account/tokens"
    assert client.post("/account/tokens", data=form).status_code == 200


def test_the_secret_of_a_token_is_shown_once(client: FlaskClient) -> None:
    signed_in(client, a_mentee())
    page = client.post("/account/tokens", data={"name": "script", "scope": "", "days": "30"}).text
    assert re.search(r"desk_[\w-]{43}", page)
    assert not re.search(r"desk_[\w-]{43}", client.get("/account/tokens").text)


def test_one_device_is_signed_out_by_its_owner_and_by_nobody_else(app: Flask, client: FlaskClient) -> None:
    owner, stranger = a_mentee(), a_mentee()
    phone = app.test_client()
    enter(phone, owner)
    login = db.session.scalars(select(Login)).one()
    signed_in(client, stranger)
    path = f"/account/sign-ins/{login.id}/end"
    assert client.post(path).status_code == 404
    assert phone.get(HOME).status_code == 200
    desk = app.test_client()
    enter(desk, owner)
    assert desk.post(path).status_code == 303
    assert phone.get(HOME).status_code == 302
    assert desk.get(HOME).status_code == 200


def test_signing_out_everywhere_else_keeps_this_device(app: Flask, client: FlaskClient) -> None:
    user = a_mentee()
    others = [app.test_client() for _ in range(2)]
    for browser in (*others, client):
        enter(browser, user)
    assert client.post("/account/sign-ins/end-others").status_code == 303
    assert [browser.get(HOME).status_code for browser in (*others, client)] == [302, 302, 200]


@pytest.mark.spec("ID-2")
def test_a_forgotten_password_is_replaced_through_the_pages(client: FlaskClient) -> None:
    user = a_mentee()
    client.post("/forgot-password", data={"email": user.email})
    link = link_in_mail("password_reset")
    assert client.get(link).status_code == 200
    assert client.post(link, data={"password": "short"}).status_code == 422
    answer = client.post(link, data={"password": GOOD})
    assert (answer.status_code, answer.location) == (303, "/my/sessions")
    assert client.get(HOME).status_code == 200
    assert client.get(link).status_code == 404


def test_pages_of_the_signed_in_stay_out_of_caches(client: FlaskClient) -> None:
    signed_in(client, a_mentee())
    assert "no-store" in client.get(HOME).headers["Cache-Control"]


def test_the_command_line_makes_accounts_tokens_and_roles(app: Flask, clock: Clock) -> None:
    run = app.test_cli_runner().invoke
    made = run(args=["user", "create", "Boss@people.example", "--role", "admin"])
    assert made.exit_code == 0, made.output
    password = re.search(r"Password: (\S+)", made.output)
    assert password
    boss = sign_in.authenticate("boss@people.example", password[1])
    assert boss.role is Role.ADMIN
    token = run(args=["user", "token", "boss@people.example"]).output.strip()
    assert tokens.authenticate_token(token, now=clock.now)
    refused = run(args=["user", "role", "boss@people.example", "support"])
    assert refused.exit_code == 1
    assert "last admin" in refused.output
    assert run(args=["user", "suspend", "nobody@people.example", "--reason", "x"]).exit_code == 1
    mentee = a_mentee()
    assert run(args=["user", "suspend", mentee.email]).exit_code == 1, "a reason is needed"
    assert run(args=["user", "suspend", mentee.email, "--reason", "Abuse"]).exit_code == 0
    assert run(args=["user", "suspend", mentee.email, "--lift"]).exit_code == 0
    assert run(args=["user", "password", mentee.email, "--password", GOOD]).exit_code == 0
    assert sign_in.authenticate(mentee.email, GOOD).id == mentee.id
    assert context(SYSTEM).actor is SYSTEM


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("path", ["/account/profile", "/admin/views/new"])
def test_a_form_sent_after_signing_out_leads_back_through_the_sign_in(client: FlaskClient, path: str) -> None:
    page = {"Referer": f"http://localhost{path}"}
    answer = client.post(path, data={"name": "Somebody"}, headers=page, csrf=False)
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next={path.replace('/', '%2F')}")
    assert "You were signed out meanwhile" in client.get(answer.location).text
