"""The policies: a list with all that is known of each, and a page that shows what a change means before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage, Question
from app.admin.policies.words import GROUPS, KINDS, verdict_in_words
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, may, require
from app.domain.policies import POLICIES, PolicySpec, PolicyType, PolicyValue
from app.domain.policy_values import bounds_in_words, value_in_words
from app.extensions import db
from app.foundation.policies import current_policies
from app.http.context import current_actor, current_context
from app.http.login import require_fresh_password
from app.models import Precedent
from app.support.policies.book import PRESET_NAMES, history_of, read_policies
from app.support.policies.changing import (
    ACTION,
    DAYS,
    USUAL_DAYS,
    PolicyPlan,
    edit_policies,
    preset_values,
    preview_policies,
)
from app.support.policies.precedents import check_precedents, retire_precedent

_REASONS = ("Too many late cancellations", "Complaints about this rule", "A trial until the end of the month")
_LONGEST = 200
_LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What the page's address and forms say.

    :param keys: the policies that have a field
    :param values: what was typed, by key; of a preset, all its values
    :param is_asked: whether to show what the values mean
    """

    keys: tuple[str, ...]
    values: Mapping[str, Any]
    preset: str
    days: int
    is_asked: bool
    reason: str
    version: UUID | None
    fingerprint: str

    @classmethod
    def of(cls, sent: Any) -> _Given:
        """:raises NotFound: there is no such policy or preset, or none is named"""
        preset = sent.get("preset", "")
        keys = tuple(dict.fromkeys(sent.getlist("key")))
        if not (preset or keys) or not set(keys) <= set(POLICIES):
            raise NotFound
        typed = {key: sent[key][:_LONGEST] for key in keys if key in sent}
        days = sent.get("days", "")
        return cls(
            keys=() if preset else keys,
            values=preset_values(preset) if preset else typed,
            preset=preset,
            days=int(days) if days in {str(each) for each in DAYS} else USUAL_DAYS,
            is_asked=bool(preset or typed),
            reason=sent.get("reason", "")[:_LONGEST_REASON].replace("\0", ""),
            version=_uuid(sent.get("version", "")),
            fingerprint=sent.get("fingerprint", "")[:64],
        )


class PolicyDesk(ConsolePage):
    """Support reads and tries; an admin changes, after typing the password again (SEC-2)."""

    permission = Permission.POLICY_VIEW
    section, icon = "Rules", "sliders"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        book = read_policies(ctx=current_context())
        values = current_policies().values
        return self.render(
            "admin/policies/index.html",
            groups=[(GROUPS[group], book.groups[group]) for group in GROUPS],
            presets=[(name, label, book.preset == name) for name, label in PRESET_NAMES.items()],
            precedents=check_precedents(values, values),
            may_edit=may(current_actor().role, Permission.POLICY_EDIT),
            in_words=value_in_words,
            bounds=bounds_in_words,
            verdict=verdict_in_words,
        )

    @expose("/<key>/history")
    def history(self, key: str) -> ResponseReturnValue:
        spec, changes = history_of(key, ctx=current_context())
        return self.render(
            "admin/policies/history.html",
            spec=spec,
            changes=changes,
            now=current_policies().values[key],
            in_words=value_in_words,
            bounds=bounds_in_words,
        )

    @expose("/change", methods=("GET", "POST"))
    def change(self) -> ResponseReturnValue:
        """GET with values shows what they would have meant; POST puts them into force."""
        given = _Given.of(request.values)
        if request.method == "POST":
            require(current_actor(), Permission.POLICY_EDIT)
        if may(current_actor().role, Permission.POLICY_EDIT):
            require_fresh_password()
        if request.method == "GET":
            return self._show(given)
        try:
            edit_policies(
                given.values, reason=given.reason, seen=given.version, fingerprint=given.fingerprint or "none",
                to_upcoming=request.form.get("upcoming") == "1", ctx=current_context(),
            )  # fmt: skip
        except Conflict as changed:
            return self._show(given, note=changed.message, status=409)
        except Invalid as wrong:
            return self._show(given, problems=wrong.fields or {"reason": wrong.message}, status=422)
        changed_keys = [key for key in given.values if key in POLICIES]
        what = PRESET_NAMES[given.preset] if given.preset else ", ".join(POLICIES[key].label for key in changed_keys)
        say_done("In force from now on", f"{what}. Sessions that are booked already keep their rules.")
        return redirect(url_for(".index"), 303)

    @expose("/precedents/<uuid:precedent_id>/retire", methods=("GET", "POST"))
    def retire(self, precedent_id: UUID) -> ResponseReturnValue:
        require(current_actor(), Permission.PRECEDENT_MARK)
        precedent = db.session.get(Precedent, precedent_id)
        if precedent is None:
            raise NotFound

        def act(reason: str) -> None:
            retire_precedent(precedent_id, reason=reason, ctx=current_context())

        question = Question(
            title="Let the golden case go",
            lead="It stays on record, and changes of policies are no longer compared with it.",
            button="Let it go",
            subject=precedent.title,
            done="The golden case is let go",
            back_url=url_for(".index"),
        )
        return self.ask_why(act, question)

    def _show(
        self, given: _Given, *, note: str = "", problems: Mapping[str, str] | None = None, status: int = 200
    ) -> ResponseReturnValue:
        found, plan = dict(problems or {}), None
        if given.is_asked:
            try:
                plan = preview_policies(given.values, days=given.days, ctx=current_context())
            except Invalid as wrong:
                found |= wrong.fields or {"": wrong.message}
                status = 422 if wrong.fields else status
        # Values that make no sense together are put right together, so each that is named gets its field.
        keys = tuple(dict.fromkeys((*given.keys, *(key for key in found if key in POLICIES)))) if given.keys else ()
        return self.render(
            "admin/policies/change.html",
            title=f"Preset {PRESET_NAMES[given.preset]}" if given.preset else _title(keys),
            preset=given.preset,
            fields=[_field(POLICIES[key], given.values) for key in keys],
            plan=plan,
            hidden=_hidden(given, plan),
            given=given,
            days=DAYS,
            note=note,
            wants_upcoming=request.form.get("upcoming") == "1",
            problems=found,
            may_edit=may(current_actor().role, Permission.POLICY_EDIT),
            snippets=reason_snippets(ACTION, otherwise=_REASONS),
            kinds=KINDS,
            in_words=value_in_words,
            verdict=verdict_in_words,
        ), status


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _title(keys: tuple[str, ...]) -> str:
    return f"Change: {POLICIES[keys[0]].label}" if len(keys) == 1 else "Change policies"


def _field(spec: PolicySpec, typed: Mapping[str, Any]) -> dict[str, Any]:
    """One input: what it is called, what stands in it, and what may."""
    now = current_policies().values[spec.key]
    options: list[tuple[str, str]] = []
    if spec.type is PolicyType.BOOLEAN:
        options = [("true", "yes"), ("false", "no")]
    elif spec.type is PolicyType.CHOICE:
        options = [(choice, choice.replace("_", " ")) for choice in spec.choices]
    return {
        "spec": spec,
        "value": typed.get(spec.key, _as_text(now)),
        "options": options,
        "help": f"{spec.description} Now {value_in_words(spec, now)}; {bounds_in_words(spec)}.",
    }


def _as_text(value: PolicyValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _hidden(given: _Given, plan: PolicyPlan | None) -> list[tuple[str, str]]:
    """What the saving form sends: exactly what was shown."""
    if plan is None:
        return []
    fixed = [("version", str(plan.version_id)), ("fingerprint", plan.fingerprint), ("days", str(given.days))]
    if given.preset:
        return [*fixed, ("preset", given.preset)]
    return [*fixed, *(("key", key) for key in given.keys), *((key, str(value)) for key, value in given.values.items())]
