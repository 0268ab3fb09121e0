"""Exceptions from the policies: which are in force, one taken back, and how often each rule was overridden (ACT-6)."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage, Question
from app.admin.periods import range_entries, usable_period
from app.domain.permissions import Permission, may
from app.domain.policies import POLICIES
from app.http.context import current_actor, current_context
from app.support.override_policy import WORDS, read_override, revoke_override
from app.support.policies.overrides import LISTED, PASSES, count_overrides, live_overrides

_DEFAULT_DAYS = 90


class OverrideDesk(ConsolePage):
    permission = Permission.OVERRIDE_VIEW
    section, icon = "Rules", "unlock"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        ctx = current_context()
        period, days, problem = usable_period(_DEFAULT_DAYS)
        live = live_overrides(ctx=ctx)
        html = self.render(
            "admin/policies/overrides.html",
            live=live[:LISTED],
            has_more=len(live) > LISTED,
            counts=count_overrides(period, ctx=ctx),
            passes={kind: [POLICIES[key] for key in keys] for kind, keys in PASSES.items()},
            words=WORDS,
            period=period,
            problem=problem,
            ranges=range_entries(".index", days),
            may_revoke=may(current_actor().role, Permission.OVERRIDE_REVOKE),
            reader_id=ctx.actor.user_id,
        )
        return html, 422 if problem else 200

    @expose("/<uuid:override_id>/revoke", methods=("GET", "POST"))
    def revoke(self, override_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        found = read_override(override_id, ctx=ctx)

        def act(reason: str) -> None:
            revoke_override(override_id, reason=reason, ctx=ctx)

        question = Question(
            title="Revoke the override",
            lead="The session's rules count again at once. What was done under it stays done.",
            button="Revoke it",
            tone="danger",
            subject=f"{WORDS[found.override_type]}. Granted because: {found.reason}",
            done="The override does not count any more",
            back_url=url_for(".index"),
        )
        return self.ask_why(act, question)
