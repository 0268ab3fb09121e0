"""Every console view is closed until it says which permission opens it (ADM-2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView

from app.admin.menu import console_menu, console_menu_key
from app.admin.toasts import say_done
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission, may, require
from app.foundation.idempotency import once
from app.http.context import current_actor, current_context

# Twice what a reason may have: what is too long comes back to be shortened, what is absurd does not.
_LONGEST_TYPED = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The words of a page that asks why before it acts.

    :param subject: what it is about, as one line
    :param done: what is said when it is done
    :param back_url: where one goes then, and when one thinks better of it
    :param suggested: the reason that stands there at first
    :param once_for: what must not happen twice when the form is sent twice, for acts that could
    """

    title: str
    lead: str
    button: str
    subject: str
    done: str
    back_url: str
    tone: str = "primary"
    suggested: str = ""
    once_for: str = ""


class Guarded:
    """Put before ``BaseView`` or ``ModelView``: asks at each request who it is, before any of the view's own code.

    A subclass states ``permission``; without one the application does not start. ``section`` and ``icon`` place it in
    the sidebar; without a section it is not there.
    """

    permission: ClassVar[Permission]
    section: ClassVar[str | None] = None
    icon: ClassVar[str] = "dot"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(getattr(type(self), "permission", None), Permission):
            message = f"{type(self).__name__} does not say which permission opens it"
            raise RuntimeError(message)  # noqa: TRY004 - a mistake of the programmer's, told at the start
        super().__init__(*args, **kwargs)

    def is_accessible(self) -> bool:
        role = current_actor().role
        return may(role, Permission.CONSOLE_ENTER) and may(role, self.permission)

    def is_visible(self) -> bool:
        return False  # Flask-Admin's own menu is not drawn

    def _handle_view(self, name: str, /, **kwargs: Any) -> None:  # an address may hold a <name>, too
        """:raises SignInRequired: nobody is signed in; :raises Forbidden: somebody without the permission."""
        actor = current_actor()
        require(actor, Permission.CONSOLE_ENTER)
        require(actor, self.permission)

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own calls a view a second time after a TypeError, which would act twice.
        return fn(self, *args, **kwargs)

    def render(self, template: str, **kwargs: Any) -> str:
        kwargs.setdefault("console_menu", partial(console_menu, self))
        kwargs.setdefault("console_menu_key", console_menu_key(self))
        kwargs.setdefault("console_home_url", f"{request.root_path}/admin/")
        kwargs.setdefault("search_url", f"{request.root_path}/admin/search/")
        page: str = super().render(template, **kwargs)  # type: ignore[misc]  # BaseView's, by the order of bases
        return page


class ConsolePage(Guarded, BaseView):
    """A written page of the console."""

    def ask_why(self, act: Callable[[str], object], question: Question) -> ResponseReturnValue:
        """GET asks for the reason; POST gives it to ``act``, and a refusal of it comes back with what was typed."""
        text, problem = request.form.get("reason", question.suggested)[:_LONGEST_TYPED], ""
        if request.method == "POST":
            try:
                _act_once(act, text, question.once_for)
            except (Invalid, Conflict) as refused:
                problem = refused.message
            else:
                say_done(question.done)
                return redirect(question.back_url, 303)
        html = self.render(
            "admin/pages/reason.html", form_url=request.full_path.removesuffix("?"), form_title=question.title,
            lead=question.lead, button=question.button, tone=question.tone, subject=question.subject,
            back_url=question.back_url, text=text, problem=problem,
            key=request.form.get("key", "")[:64] or uuid4().hex,
        )  # fmt: skip
        return html, 422 if problem else 200


def _act_once(act: Callable[[str], object], reason: str, scope: str) -> None:
    if not scope:
        act(reason)
        return

    def run() -> dict[str, Any]:
        act(reason)
        return {}

    # The form's own key: sent twice, it answers twice and acts once.
    key = request.form.get("key", "")[:64] or "none"
    once(key, scope=scope, body={"reason": reason}, ctx=current_context(), run=run)
