"""One person's past with us, and a warning (SD-1, DSP-4, ACT-9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage, Question
from app.admin.suspension import acts_of
from app.domain.permissions import Permission, may, require
from app.http.context import current_actor, current_context
from app.models import User
from app.people.accounts import load_user
from app.people.strikes import STRIKE_LASTS
from app.support.person_history import LISTED, read_person
from app.support.warn_user import ACTION, warn_user, why_not_warned


class PersonView(ConsolePage):
    """What support wants to know before it decides about somebody."""

    permission = Permission.USER_VIEW

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_users.index_view"))

    @expose("/<uuid:user_id>")
    def history(self, user_id: UUID) -> ResponseReturnValue:
        found = read_person(user_id, ctx=current_context())
        return self.render(
            "admin/pages/person.html",
            past=found,
            user=found.user,
            most=LISTED,
            acts=[*warn_entry(found.user), *acts_of(found.user)],
            sessions_url=f"{url_for('console_sessions.index')}?{found.user.role.value}={user_id}",
        )

    @expose("/<uuid:user_id>/warn", methods=("GET", "POST"))
    def warn(self, user_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        require(ctx.actor, Permission.USER_WARN)
        user = load_user(user_id)

        def act(reason: str) -> None:
            warn_user(user_id, reason=reason, ctx=ctx)

        number = user.warnings_count + 1
        ordinal = "first warning" if number == 1 else f"warning number {number}"
        question = Question(
            title=f"Warn {user.name}",
            lead=f"{user.name} reads your reason by e-mail and in the bell. It is counted, as their {ordinal}, and is "
            f"a strike for {STRIKE_LASTS.days} days.",
            button="Send the warning",
            tone="danger",
            subject=user.email,
            done=f"{user.name} is warned",
            back_url=url_for(".history", user_id=user_id),
            once_for=f"{ACTION}:{user_id}",
        )
        return self.ask_why(act, question)


def warn_entry(user: User) -> list[dict[str, Any]]:
    """The line among the acts on a person, for whoever may warn."""
    if not may(current_actor().role, Permission.USER_WARN):
        return []
    return [
        {
            "label": "Warn",
            "url": url_for("console_people.warn", user_id=user.id),
            "icon": "exclamation-triangle",
            "note": "By e-mail, in your words; it is counted, and a strike",
            "why_not": why_not_warned(user, current_context()),
        }
    ]
