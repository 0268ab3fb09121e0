"""Hide a review, or show it again (RV-1): a page that asks why, then does it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup

from app.admin.guard import ConsolePage, Question
from app.domain.errors import NotFound
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
        return self._ask(
            review_id, hide_review, title="Hide the review", button="Hide it", tone="danger",
            lead="It leaves the mentor's page and the average at once. Its author can still see it.",
            done="The review is hidden",
        )  # fmt: skip

    @expose("/<uuid:review_id>/show", methods=("GET", "POST"))
    def show(self, review_id: UUID) -> ResponseReturnValue:
        return self._ask(
            review_id, show_review, title="Show the review again", button="Show it",
            lead="It is read by others again and counts in the average.",
            done="The review is shown again",
        )  # fmt: skip

    def _ask(self, review_id: UUID, act: Callable[..., object], **words: str) -> ResponseReturnValue:
        row = db.session.get(SessionReview, review_id)
        if row is None:
            raise NotFound
        question = Question(
            subject=f"{row.rating} of 5: {row.comment}",
            back_url=url_for("console_session_reviews.details_view", id=review_id),
            **words,
        )
        return self.ask_why(lambda reason: act(review_id, reason=reason, ctx=current_context()), question)


def review_buttons(row: SessionReview) -> Markup:
    """The act that this review is open to, for whoever may."""
    if not may(current_actor().role, Permission.REVIEW_HIDE) or row.author_id != row.mentee_id:
        return Markup()
    act, label = ("show", "Show it again") if row.hidden_at else ("hide", "Hide it")
    url = url_for(f"console_review_acts.{act}", review_id=row.id)
    return Markup('<a class="btn btn-secondary" href="{}" data-dialog>{}</a>').format(url, label)
