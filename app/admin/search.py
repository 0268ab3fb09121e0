"""The search at the top of every console page (ADM-3)."""

from __future__ import annotations

from itertools import groupby

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage
from app.domain.permissions import Permission
from app.http.context import current_context
from app.support.find import LONGEST, Found, find_everything, only_one

_KINDS = {
    "session": "Sessions",
    "user": "People",
    "payment": "Payments",
    "refund": "Refunds",
    "dispute": "Disputes",
}
_DETAILS = {
    "payment": "console_payments.details_view",
    "refund": "console_refunds.details_view",
}


class SearchView(ConsolePage):
    """Leads straight to the thing when only one can be meant, else shows what there is, by kind."""

    permission = Permission.CONSOLE_ENTER

    @expose("/")
    def index(self) -> ResponseReturnValue:
        searched = request.args.get("q", "").strip()
        found = find_everything(searched, ctx=current_context())
        meant = only_one(found)
        if meant is not None:
            return redirect(url_of(meant), 303)
        groups = [(_KINDS[kind], list(things)) for kind, things in groupby(found, key=lambda each: each.kind)]
        return self.render(
            "admin/pages/search.html",
            searched=searched,
            groups=groups,
            url_of=url_of,
            is_too_long=len(searched) > LONGEST,
        )


def url_of(found: Found) -> str:
    """Where the console shows this thing."""
    if found.kind == "session":
        return url_for("console_sessions.case", session_id=found.id)
    if found.kind == "dispute":
        return url_for("console_disputes.dispute", dispute_id=found.id)
    if found.kind == "user":
        return url_for("console_people.history", user_id=found.id)
    return url_for(_DETAILS[found.kind], id=found.id)
