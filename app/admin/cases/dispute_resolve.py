"""The dialog in which a dispute is resolved: what will happen, then the button that does it (ACT-8, DSP-4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.dispute_acts import page_url
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.domain.disputes import outcomes_for
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, SlotTaken, StalePreview
from app.domain.money import Money
from app.domain.times import starts_at, zone
from app.domain.vocabulary import DisputeResolution, DisputeStatus, Party
from app.foundation.idempotency import once
from app.http.context import current_actor, current_context
from app.http.login import require_fresh_password_if
from app.models import MentoringSession, SessionDispute
from app.money.rows import read_rows
from app.support.disputes.loading import load_dispute
from app.support.disputes.outcomes import Wish
from app.support.disputes.resolving import ACTION, Resolved, offers, preview_resolution, resolve_dispute

DISMISS = "dismiss"
_NOTES = ("The join log agrees", "Confirmed by the other party", "Nothing in the logs speaks for it", "Goodwill")
# What is offered: address, outcome, words, icon, key, whether it is dangerous.
ACTS: tuple[tuple[str, DisputeResolution, str, str, str, bool], ...] = (
    ("refund_issued", DisputeResolution.REFUND_ISSUED, "Refund", "arrow-counterclockwise", "r", False),
    ("warning_sent", DisputeResolution.WARNING_SENT, "Send a warning", "exclamation-triangle", "w", False),
    ("session_rescheduled", DisputeResolution.SESSION_RESCHEDULED, "Give a new time", "calendar-plus", "m", False),
    ("account_suspended", DisputeResolution.ACCOUNT_SUSPENDED, "Suspend an account", "person-slash", "", True),
    ("no_action", DisputeResolution.NO_ACTION, "Resolve without a step", "check-lg", "", False),
    (DISMISS, DisputeResolution.NO_ACTION, "Dismiss", "slash-circle", "", True),
)
_NOTES_OF = {
    "refund_issued": "Gives money back, or credit, and closes it",
    "warning_sent": "Warns one of the two, and counts it",
    "session_rescheduled": "They meet again at no cost",
    "account_suspended": "Ends every sign-in of one of the two at once",
    "no_action": "There was something in it, and nothing is to be done",
    DISMISS: "There was nothing in it",
}


@dataclass(frozen=True, slots=True)
class _Input:
    """What the dialog's fields say, and what of it could not be read."""

    wish: Wish
    amount: str
    time: str
    fingerprint: str
    key: str
    previewed: str
    problems: dict[str, str]

    @property
    def mark(self) -> str:
        """What the button was made for: two marks that differ mean two different deeds."""
        wish = self.wish
        person = wish.person.value if wish.person else ""
        return f"{self.amount}|{wish.as_credit}|{person}|{self.time}"


def resolve_acts(dispute: SessionDispute, session: MentoringSession, why_not: str) -> list[dict[str, Any]]:
    """The outcomes that this reader may choose, and why one has nothing to do here (ADM-2, DSP-4)."""
    offered = {offer.outcome: offer.why_not for offer in offers(session, current_context())}
    return [
        {
            "label": label,
            "url": url_for("console_disputes.resolve", dispute_id=dispute.id, how=how),
            "icon": icon,
            "key": key,
            "danger": danger,
            "note": _NOTES_OF[how],
            "why_not": why_not or offered[outcome],
        }
        for how, outcome, label, icon, key, danger in ACTS
        if outcome in offered
    ]


class ResolveActs:
    """Part of the disputes view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @expose("/<uuid:dispute_id>/resolve/<how>", methods=("GET", "POST"))
    def resolve(self, dispute_id: UUID, how: str) -> ResponseReturnValue:
        outcome = next((each[1] for each in ACTS if each[0] == how), None)
        if outcome is None:
            raise NotFound
        if outcome not in outcomes_for(current_actor().role):
            raise Forbidden("Your role does not allow this. Ask an admin if you need it.")
        given = _read(
            request.form if request.method == "POST" else request.args, how, outcome, *load_dispute(dispute_id)
        )
        require_fresh_password_if(lambda: given.wish.moves_money)
        if request.method == "GET" or given.problems:
            return self._preview(dispute_id, how, given, status=422 if request.method == "POST" else 200)
        if given.mark != given.previewed or "preview" in request.form:
            # What the button said was for other values: nobody has seen yet what these mean.
            return self._preview(dispute_id, how, given, note="This is what happens with what you chose.")
        try:
            done = _perform(dispute_id, given)
        except (StalePreview, SlotTaken) as changed:
            return self._preview(dispute_id, how, given, note=changed.message, status=409)
        except Invalid as wrong:
            problems = wrong.fields or {"": wrong.message}
            return self._preview(dispute_id, how, replace(given, problems=problems), status=422)
        except Conflict as refused:
            say_refused(refused.message)
            return redirect(page_url(dispute_id), 303)
        title = "Waits for a second person" if done.awaits_approval else f"Dispute {done.status.value}"
        say_done(title, done.sentence)
        return redirect(page_url(dispute_id), 303)

    def _preview(
        self, dispute_id: UUID, how: str, given: _Input, *, note: str = "", status: int = 200
    ) -> ResponseReturnValue:
        plan = preview_resolution(dispute_id, wish=given.wish, ctx=current_context())
        dispute, session = load_dispute(dispute_id)
        rows = read_rows(session.id)
        left = Money(rows.facts(session.currency).left.total_minor, session.currency)
        html = self.render(
            "admin/cases/dispute_resolve.html",
            how=how,
            label=next(label for each, _, label, *_ in ACTS if each == how),
            plan=plan,
            given=given,
            wish=given.wish,
            dispute=dispute,
            session=session,
            left=left,
            paid=Money(rows.paid_minor, session.currency),
            note=note,
            problems=given.problems,
            key=uuid4().hex,
            zone=_zone(),
            snippets=reason_snippets(ACTION, otherwise=_NOTES),
            back_url=page_url(dispute_id),
        )
        return html, status


def _perform(dispute_id: UUID, given: _Input) -> Resolved:
    ctx, wish = current_context(), given.wish

    def run() -> dict[str, Any]:
        done = resolve_dispute(dispute_id, wish=wish, fingerprint=given.fingerprint, ctx=ctx)
        return {"status": done.status, "awaits": done.awaits_approval}

    # The form's own key: sent twice, it answers twice and acts once.
    body = {"mark": given.mark, "notes": wish.notes, "message": wish.message, "reason": wish.reason}
    result, _ = once(given.key, scope=f"{ACTION}:{dispute_id}:{wish.outcome.value}", body=body, ctx=ctx, run=run)
    return Resolved(dispute_id=dispute_id, status=DisputeStatus(result["status"]), awaits_approval=result["awaits"])


def _read(
    values: Any, how: str, outcome: DisputeResolution, dispute: SessionDispute, session: MentoringSession
) -> _Input:
    problems: dict[str, str] = {}
    amount_text, time_text = (values.get(name, "").replace("\0", "").strip()[:40] for name in ("amount", "startsAt"))
    if outcome is DisputeResolution.REFUND_ISSUED and "amount" not in values:
        amount_text = _all_that_is_left(session)
    other = Party.MENTOR if dispute.reporter_role is Party.MENTEE else Party.MENTEE
    amount = starts = None
    if amount_text:
        try:
            amount = Money.parse(amount_text, session.currency).minor
        except ValueError:
            problems["amount"] = "Give an amount such as 15.00."
    if time_text:
        try:
            starts = _instant(time_text)
        except (ValueError, OverflowError, Invalid):
            problems["startsAt"] = "Choose a day and a time."
    wish = Wish(
        outcome=outcome,
        notes=_text(values, "notes", 2_000),
        message=_text(values, "message", 2_000),
        reason=_text(values, "reason", 2_000),
        person=next((each for each in Party if each.value == values.get("person")), other),
        amount_minor=amount,
        as_credit=values.get("asCredit") == "1",
        starts_at=starts,
        dismisses=how == DISMISS,
    )
    return _Input(
        wish, amount_text, time_text, values.get("fingerprint", "")[:64], values.get("key", "")[:64] or "none",
        values.get("previewed", "")[:200], problems,
    )  # fmt: skip


def _all_that_is_left(session: MentoringSession) -> str:
    left = read_rows(session.id).facts(session.currency).left.total_minor
    return str(Money(left, session.currency).amount) if left else ""


def _instant(text: str) -> datetime:
    """A browser's ``2026-11-14T10:00`` in the reader's zone."""
    local = datetime.fromisoformat(text)
    if local.tzinfo is not None or not 2000 <= local.year <= 2190:
        raise ValueError(text)
    return starts_at(local.date(), local.hour * 60 + local.minute, zone(_zone()))


def _zone() -> str:
    found: str = g.get("viewer_zone") or "UTC"
    return found


def _text(values: Any, name: str, longest: int) -> str:
    text: str = values.get(name, "")[:longest].replace("\0", "")
    return text
