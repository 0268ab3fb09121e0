"""Suspend and reinstate (ID-4, ACT-9): a page that says what will happen, then does it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.rows import address
from app.admin.guard import ConsolePage
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission
from app.domain.vocabulary import Role, SessionStatus
from app.foundation.idempotency import once
from app.http.context import current_context, request_now
from app.models import User
from app.people.suspension import reinstate_user, suspend_user
from app.support.kpis import period_ending_today
from app.support.queues import COUNT_CAP, SPECS, Queue
from app.support.session_filter import SessionFilter
from app.support.suspension import SuspensionPlan, preview_suspension, why_not_suspendable


@dataclass(frozen=True, slots=True)
class _Act:
    """One of the two acts in words, and who performs it."""

    action: str
    title: str
    button: str
    tone: str
    done: str
    perform: Callable[..., User]
    reasons: tuple[str, ...]

    def refusal(self, plan: SuspensionPlan) -> str:
        """Why there is nothing to do; empty when there is."""
        if plan.is_suspended is not self.ends_with_suspended:
            return ""
        return "This account is suspended already." if plan.is_suspended else "This account is not suspended."

    @property
    def ends_with_suspended(self) -> bool:
        return self.tone == "danger"


_SUSPEND = _Act(
    "ADMIN_USER_SUSPENDED", "Suspend", "Suspend the account", "danger", "is suspended", suspend_user,
    ("Asked for payment outside the platform", "Abuse in the chat", "Repeated no-shows", "Account was taken over"),
)  # fmt: skip
_REINSTATE = _Act(
    "ADMIN_USER_REINSTATED", "Reinstate", "Reinstate the account", "primary", "can sign in again", reinstate_user,
    ("The matter is settled", "Suspended by mistake", "The owner has the account back"),
)  # fmt: skip


class SuspensionView(ConsolePage):
    """Keeping somebody out, and letting him or her in again."""

    permission = Permission.USER_SUSPEND

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_users.index_view", tab="suspended"))

    @expose("/<uuid:user_id>/suspend", methods=("GET", "POST"))
    def suspend(self, user_id: UUID) -> ResponseReturnValue:
        return self._decide(_SUSPEND, user_id)

    @expose("/<uuid:user_id>/reinstate", methods=("GET", "POST"))
    def reinstate(self, user_id: UUID) -> ResponseReturnValue:
        return self._decide(_REINSTATE, user_id)

    def _decide(self, act: _Act, user_id: UUID) -> ResponseReturnValue:
        plan = preview_suspension(user_id, ctx=current_context())
        if request.method == "GET":
            return self._dialog(act, plan)
        reason, back = request.form.get("reason", ""), url_for("console_users.details_view", id=user_id)
        try:
            self._perform(act, user_id, reason)
        except Invalid as wrong:
            return self._dialog(act, plan, reason=reason, problem=wrong.message), 422
        except Conflict as refused:
            say_refused(refused.message)
            return redirect(back, 303)
        say_done(f"{plan.user.name} {act.done}")
        return redirect(back, 303)

    @staticmethod
    def _perform(act: _Act, user_id: UUID, reason: str) -> None:
        ctx = current_context()

        def run() -> dict[str, Any]:
            return {"id": act.perform(user_id, reason=reason, ctx=ctx).id}

        # The form's own key: sent twice, it answers twice and acts once.
        key = request.form.get("key", "")[:64] or "none"
        once(key, scope=f"{act.action}:{user_id}", body={"reason": reason}, ctx=ctx, run=run)

    def _dialog(self, act: _Act, plan: SuspensionPlan, *, reason: str = "", problem: str = "") -> str:
        return self.render(
            "admin/pages/suspension.html",
            act=act,
            plan=plan,
            refusal=act.refusal(plan),
            reason=reason,
            problem=problem,
            key=request.form.get("key", "")[:64] or uuid4().hex,
            count_cap=COUNT_CAP,
            queue_label=SPECS[Queue.SUSPENDED_MENTORS].label,
            sessions_url=upcoming_url(plan.user),
            snippets=reason_snippets(act.action, otherwise=act.reasons),
            back_url=url_for("console_users.details_view", id=plan.user.id),
        )


def upcoming_url(user: User) -> str:
    """The list of this person's sessions that are still to come, soonest first."""
    zone: str = g.get("viewer_zone") or "UTC"
    today = period_ending_today(1, zone=zone, now=request_now()).last
    party = {"mentor_id" if user.role is Role.MENTOR else "mentee_id": user.id}
    return address(
        SessionFilter(
            zone=zone, statuses=(SessionStatus.SCHEDULED,), day_from=today, sort="scheduled_at", descending=False,
            **party,  # type: ignore[arg-type]  # one id under one of two names
        )
    )  # fmt: skip


def acts_of(user: User) -> list[dict[str, Any]]:
    """What can be done to a person's account, and why not (ADM-2)."""
    act = _REINSTATE if user.suspended_at is not None else _SUSPEND
    notes = {
        _SUSPEND.action: "Ends every sign-in at once; upcoming sessions stay booked",
        _REINSTATE.action: "Opens the account again",
    }
    found = [
        {
            "label": act.title,
            "url": url_for(f"console_suspension.{act.title.lower()}", user_id=user.id),
            "icon": "person-slash" if act is _SUSPEND else "person-check",
            "danger": act is _SUSPEND,
            "note": notes[act.action],
            "why_not": why_not_suspendable(user.id, current_context()),
        }
    ]
    if act is _REINSTATE and user.role in {Role.MENTOR, Role.MENTEE}:
        found.append(
            {
                "label": "Upcoming sessions",
                "url": upcoming_url(user),
                "icon": "calendar-week",
                "dialog": False,
                "note": "They stay booked until somebody decides each of them",
            }
        )
    return found
