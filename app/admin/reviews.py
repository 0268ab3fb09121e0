"""Hide a review, or show it again (RV-1): a page that asks why, then does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup

from app.admin.guard import ConsolePage
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, may
from app.extensions import db
from app.http.context import current_actor, current_context
from app.models import SessionReview
from app.support.hide_review import hide_review, show_review


class ReviewActsView(ConsolePage):
    """Taking a review out of sight and putting it back."""

    permission = Permission.REVIEW_HIDE

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_session_reviews.index_view"))

    @expose("/<uuid:review_id>/hide", methods=("GET", "POST"))
    def hide(self, review_id: UUID) -> ResponseReturnValue:
        lead = "It leaves the mentor's page and the average at once. Its author can still see it."
        return self._decide(
            review_id, hide_review, title="Hide the review", lead=lead, button="Hide it", tone="danger",
            done="The review is hidden",
        )  # fmt: skip

    @expose("/<uuid:review_id>/show", methods=("GET", "POST"))
    def show(self, review_id: UUID) -> ResponseReturnValue:
        lead = "It is read by others again and counts in the average."
        return self._decide(
            review_id, show_review, title="Show the review again", lead=lead, button="Show it", tone="primary",
            done="The review is shown again",
        )  # fmt: skip

    def _decide(
        self, review_id: UUID, act: Callable[..., Any], *, title: str, lead: str, button: str, tone: str, done: str
    ) -> ResponseReturnValue:
        row = db.session.get(SessionReview, review_id)
        if row is None:
            raise NotFound
        back = url_for("console_session_reviews.details_view", id=review_id)
        text, problem = request.form.get("reason", ""), ""
        if request.method == "POST":
            try:
                act(review_id, reason=text, ctx=current_context())
            except (Invalid, Conflict) as refused:
                problem = refused.message
            else:
                flash(done, "success")
                return redirect(back, 303)
        html = self.render(
            "admin/pages/reason.html", form_url=request.path, form_title=title, lead=lead, button=button, tone=tone,
            text=text, problem=problem, back_url=back, subject=f"{row.rating} of 5: {row.comment}",
        )  # fmt: skip
        return html, 422 if problem else 200


def review_buttons(row: SessionReview) -> Markup:
    """The act that this review is open to, for whoever may."""
    if not may(current_actor().role, Permission.REVIEW_HIDE) or row.author_id != row.mentee_id:
        return Markup()
    act, label = ("show", "Show it again") if row.hidden_at else ("hide", "Hide it")
    url = url_for(f"console_review_acts.{act}", review_id=row.id)
    return Markup('<a class="btn btn-secondary" href="{}" data-dialog>{}</a>').format(url, label)
