"""Every act of the case in a real browser: by keyboard alone, refused, done once, overtaken, and not offered (ACT).

One running product, one sign-in; how each act is made possible stands in ``tests/admin/console_acts.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.booking.cancel import cancel_session
from app.domain.errors import DomainError
from app.domain.money import Money
from app.domain.vocabulary import CancellationCategory, DisputeResolution, RefundType, SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, MentoringSession
from app.support.clear_no_show import clear_no_show
from app.support.disputes.outcomes import Wish
from app.support.disputes.resolving import resolve_dispute
from app.support.force_complete import force_complete
from app.support.manual_refund import manual_refund
from app.support.refund_decisions import RefundAct, decide_about_refund
from tests.admin.console_acts import ACTS, Acting
from tests.admin.test_one_audit_row import _made
from tests.architecture.test_role_matrix import path_of
from tests.architecture.world_of_roles import World
from tests.browser.conftest import Trouble, serving
from tests.browser.stage import PATIENCE_MS, Stage, stage_on, tab_to
from tests.factories import people, sessions
from tests.world import START, context

HALF_AN_HOUR = timedelta(minutes=30)
CASE, DISPUTE = "/admin/sessions/<uuid:session_id>", "/admin/disputes/<uuid:dispute_id>"
OVERTAKEN = re.compile(
    r"changed since|Nothing was done|already|meanwhile|not any more|no longer|is over|cannot|has ended|Look at"
)


def _acts(*endings: str) -> dict[str, Acting]:
    return {
        acting.name.replace(CASE, "case").replace(DISPUTE, "dispute").replace("<how> =", ""): acting
        for acting in ACTS
        if acting.rule.endswith(endings) and "/bulk-" not in acting.rule
    }


SHOWN = _acts(
    "/cancel", "/complete", "/clear-no-show", "session_id>/no-show", "/move", "/reassign", "/override", "/meeting-link",
    "session_id>/refund", "session_id>/notes", "/resolve/<how>", "/approve", "/next/<currency>",
)  # fmt: skip
_TOLD_ELSEWHERE = ("dismiss", "warning_sent", "account_suspended")
# All of them are late enough for what has begun, and early enough for one sign-in.
SHOWN = {
    name: replace(each, after=each.after and HALF_AN_HOUR)
    for name, each in SHOWN.items()
    if not name.endswith(_TOLD_ELSEWHERE)
}


class Desk:
    """The console as one member of staff has it open, over a product that goes on from test to test."""

    def __init__(self, stage: Stage, page: Page, agent: people.User) -> None:
        self.stage, self.page, self.agent = stage, page, agent
        self.sent: list[str] = []
        page.on("request", lambda asked: self.sent.append(asked.post_data or "") if asked.method == "POST" else None)

    def prepare(self, acting: Acting) -> tuple[str, dict[str, str]]:
        """The address of an act that is possible now, and what is typed."""
        self.sent.clear()
        self.stage.clock.set(START)
        with self.stage.app.app_context():
            world = World(self.stage.app)
            parts, typed = _made(world, acting)
            at = world.running.scheduled_at if acting.after else None
        if at is not None and acting.after is not None:
            self.stage.clock.set(at + acting.after)
        return path_of(acting.rule, parts), typed

    def trail(self) -> list[str]:
        with self.stage.app.app_context():
            found = db.session.scalars(db.select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)).all()
            db.session.rollback()
            return list(found)

    def open(self, path: str) -> Locator:
        """The dialog (or page) of an act, by the keyboard from the page that offers it."""
        before, page = _page_of(path), self.page
        page.goto(f"{self.stage.address}{before}")
        if before == path:
            return page.get_by_role("main")
        if path.endswith("/notes"):
            page.keyboard.press("n")
            return page.locator("form.note-form")
        link = page.locator(f'a[href="{path}"]').first
        key = link.get_attribute("data-key")
        if key:
            page.keyboard.press(key)
        else:
            tab_to(page, link)
            page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        return dialog


def _page_of(path: str) -> str:
    """From where somebody comes to an act."""
    if "/refund-queue/" in path:
        return "/admin/refund-queue/"
    found = re.match(r"/admin/(?:sessions|disputes)/[0-9a-f-]{36}", path)
    return found[0] if found else path


def _choose(page: Page, form: Locator, name: str, value: str) -> None:
    """Put a value into a field with keys alone."""
    fields = form.locator(f'[name="{name}"]')
    kind = fields.first.evaluate("node => node.tagName + ':' + node.type")
    if kind == "INPUT:radio":
        checked = form.locator(f'[name="{name}"]:checked')
        tab_to(page, checked.first if checked.count() else fields.first)
        wanted = form.locator(f'[name="{name}"][value="{value}"]')
        for _ in range(fields.count()):
            # The people of earlier tests may be more than the list shows; then whoever is chosen beforehand will do.
            if not wanted.count() or wanted.is_checked():
                return
            page.keyboard.press("ArrowDown")
        return
    if kind == "INPUT:checkbox":
        tab_to(page, fields.first)
        if not fields.first.is_checked():
            page.keyboard.press("Space")
        return
    tab_to(page, fields.first)
    if kind.startswith("SELECT"):
        for key in ("Home", *["ArrowDown"] * 10):
            if fields.first.input_value() == value:
                return
            page.keyboard.press(key)
        return
    if kind == "INPUT:datetime-local":
        year, month, day, hour, minute = re.split(r"[-T:]", value)
        page.keyboard.type(f"{month}{day}{year}")
        page.keyboard.press("ArrowRight")
        page.keyboard.type(f"{hour}{minute}AM")
        assert fields.first.input_value() == value
        return
    page.keyboard.press("Control+A")
    page.keyboard.type(value)


def _count_to_type(form: Locator) -> dict[str, str]:
    """The number that has to be typed: it counts the people of earlier tests, too."""
    label = form.locator('label[for="typed"]')
    found = re.search(r"Type (\d+)", label.inner_text()) if label.count() else None
    return {"typed": found[1]} if found else {}


def _put(form: Locator, name: str, value: str) -> None:
    """The same with whatever is quickest."""
    field = form.locator(f'[name="{name}"]')
    kind = field.first.evaluate("node => node.tagName + ':' + node.type")
    if kind == "INPUT:radio":
        wanted = form.locator(f'[name="{name}"][value="{value}"]')
        if wanted.count():
            wanted.check()
    elif kind == "INPUT:checkbox":
        field.check()
    elif kind.startswith("SELECT"):
        field.select_option(value)
    else:
        field.fill(value)


@pytest.fixture(scope="module")
def running(servers: tuple[str, str], template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One product for all of these tests."""
    with stage_on(servers, template, tmp_path_factory.mktemp("acts"), serving) as ready:
        yield ready


@pytest.fixture(scope="module")
def complaints() -> Trouble:
    return Trouble()


@pytest.fixture(scope="module")
def desk(running: Stage, chromium: Browser, complaints: Trouble) -> Iterator[Desk]:
    """An admin, signed in at the latest time that is played, so that no test finds the sign-in too old."""
    running.clock.set(sessions.START_AT + HALF_AN_HOUR)
    with running.app.app_context():
        admin = people.an_admin(name="Alex Admin", email="alex@people.example")
    browsing = chromium.new_context(viewport={"width": 1440, "height": 900})
    browsing.set_default_timeout(PATIENCE_MS)
    page = browsing.new_page()
    complaints.watch(page)
    running.let_in(page, admin.email)
    yield Desk(running, page, admin)
    browsing.close()


def _words(typed: dict[str, str]) -> str | None:
    """The field that takes the reason."""
    return next((name for name in ("notes", "reason", "note") if name in typed), None)


@pytest.mark.spec("ACT", "ADM-4", "UX-1", "SM-3")
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_by_keyboard_alone_it_is_refused_without_a_reason_and_then_done_once(
    desk: Desk, complaints: Trouble, name: str
) -> None:
    acting, page = SHOWN[name], desk.page
    complaints.clear()
    path, typed = desk.prepare(acting)
    before = desk.trail()
    form = desk.open(path)
    typed = typed | _count_to_type(form)
    for field in (each for each in typed if each not in {"notifyParties", "reason", "notes", "note"}):
        _choose(page, form, field, typed[field])
    button = form.locator('button[type="submit"]:not([name="preview"])').last
    expect(button).to_be_enabled()

    words = _words(typed)
    assert words is not None
    tab_to(page, button)
    page.keyboard.press("Enter")
    assert form.locator(f'[name="{words}"]').evaluate("node => node.matches(':invalid')")
    assert desk.trail() == before, "without a reason nothing is done"

    for field in (each for each in ("reason", "notes", "note") if each in typed):
        _choose(page, form, field, typed[field])
    tab_to(page, button)
    with page.expect_navigation():
        page.keyboard.press("Space")
    expect(page.get_by_role("main")).to_be_visible()
    assert sorted(desk.trail()[len(before) :]) == sorted(acting.rows)
    assert complaints == []

    # As a browser does that lost the answer and is told to send the form once more.
    if "/notes" not in path:
        again = page.request.post(
            f"{desk.stage.address}{path}",
            data=desk.sent[-1],
            headers={"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url},
        )
        assert again.status < 500
        assert len(desk.trail()) == len(before) + len(acting.rows)


def _mentee_cancels(world_of: Any, path: str) -> None:
    session = sessions.fresh(db.session.get_one(MentoringSession, _id_in(path)))
    cancel_session(
        session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="Ill", ctx=people.ctx_of(session.mentee)
    )  # fmt: skip


def _id_in(path: str) -> Any:
    return UUID(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", path)[0])


def _colleague_completes(colleague: Any, path: str) -> None:
    force_complete(_id_in(path), reason="Both say so", fingerprint=None, ctx=colleague)


def _colleague_clears(colleague: Any, path: str) -> None:
    clear_no_show(_id_in(path), reason="Both say so", fingerprint=None, ctx=colleague)


def _colleague_resolves(colleague: Any, path: str) -> None:
    wish = Wish(outcome=DisputeResolution.NO_ACTION, notes="Both were there.")
    resolve_dispute(_id_in(path), wish=wish, fingerprint=None, ctx=colleague)


def _colleague_approves(colleague: Any, path: str) -> None:
    decide_about_refund(
        _id_in(path), RefundAct.APPROVE, reason="The case is clear", gateway=sessions.sandbox(), ctx=colleague
    )  # fmt: skip


def _balance_falls(colleague: Any, _: str) -> None:
    held = db.select(MentoringSession.id).where(MentoringSession.status == SessionStatus.COMPLETED)
    for session_id in db.session.scalars(held).all():
        with suppress(DomainError):
            manual_refund(
                session_id, type=RefundType.PARTIAL, amount=Money(100, "EUR"), reason="A complaint", fingerprint=None,
                ctx=colleague,
            )  # fmt: skip


_OVERTAKES: dict[str, Callable[[Any, str], None]] = {
    "complete": _colleague_completes,
    "no-show": _colleague_completes,
    "clear-no-show": _colleague_clears,
    "approve": _colleague_approves,
    "EUR": _balance_falls,
}


@pytest.mark.spec("ACT")
@pytest.mark.parametrize("name", sorted(set(SHOWN) - {"case/notes"}))
def test_what_changed_while_the_dialog_was_open_is_said_and_nothing_is_done(desk: Desk, name: str) -> None:
    acting, page = SHOWN[name], desk.page
    path, typed = desk.prepare(acting)
    form = desk.open(path)
    typed = typed | _count_to_type(form)
    for field, value in typed.items():
        if form.locator(f'[name="{field}"]').count():
            _put(form, field, value)
    button = form.locator('button[type="submit"]:not([name="preview"])').last
    expect(button).to_be_enabled()
    with desk.stage.app.app_context():
        colleague = context(people.actor_of(people.an_admin()), desk.stage.clock.now)
        default = _colleague_resolves if "/disputes/" in path else _mentee_cancels
        _OVERTAKES.get(path.rsplit("/", 1)[-1], default)(colleague, path)
    before = desk.trail()
    with page.expect_navigation():
        button.click()
    expect(page.locator("body")).to_contain_text(OVERTAKEN)
    assert desk.trail() == before


@pytest.mark.spec("ACT-3", "UX-7")
def test_a_value_that_cannot_be_is_told_under_its_field_before_anything_is_sent(
    desk: Desk, complaints: Trouble
) -> None:
    path, _ = desk.prepare(SHOWN["case/refund"])
    form = desk.open(path)
    amount, button, told = form.locator("#amount"), form.locator("[data-plan-button]"), form.locator("#amount-problem")
    form.locator('[name="refundType"][value="partial"]').check()
    amount.fill("5,5x")
    expect(told).to_contain_text("Give an amount")
    expect(button).to_be_disabled()
    amount.fill("5.50")
    expect(told).to_have_count(0)
    expect(button).to_have_text("Refund €5.50")
    expect(button).to_be_enabled()
    assert desk.sent == []
    complaints.clear()


@pytest.mark.spec("ADM-2")
def test_nobody_is_offered_what_the_role_may_not_do(desk: Desk, chromium: Browser) -> None:
    """Operations read cases and act on none; support neither approves nor pays out."""
    stage = desk.stage
    stage.clock.set(START)
    with stage.app.app_context():
        world = World(stage.app)
        held = world.completed.currency
        case, waiting = world.session.id, world.waiting_refund
        agents = {"ops": people.an_ops().email, "support": people.a_support_agent().email}
    offered: dict[str, list[str]] = {}
    for role, email in agents.items():
        browsing = chromium.new_context()
        page = browsing.new_page()
        stage.let_in(page, email)
        found = []
        for address in (f"/admin/sessions/{case}", "/admin/refund-queue/", "/admin/pay-out/"):
            shown = page.request.get(f"{stage.address}{address}").text().partition("<main")[2]
            found += re.findall(r'href="([^"]*)"', shown)
        offered[role] = [link.rsplit("/", 1)[-1] for link in found if link]
        refused = {
            "ops": [f"/admin/sessions/{case}/{slug}" for slug in ("cancel", "complete", "refund", "move", "override")],
            "support": [f"/admin/refund-queue/{waiting}/approve", f"/admin/pay-out/next/{held}"],
        }[role]
        for address in refused:
            assert page.request.get(f"{stage.address}{address}").status == 403, address
        browsing.close()
    of_the_case = {"cancel", "complete", "no-show", "clear-no-show", "refund", "move", "reassign", "override"}
    assert not of_the_case & set(offered["ops"])
    assert not {"approve", "decline", held} & set(offered["support"])
    assert {"cancel", "refund", "move"} <= set(offered["support"])
