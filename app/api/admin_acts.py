"""Everything that staff do to one session: previewed or done, over the acts' own engines (ACT-1 to ACT-6, ACT-9).

Each act is one line of ``ACTS``: its body, whose fields are the engine's arguments, and the engine's two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from flask import Response

from app.api.admin_act_bodies import (
    ActGiven,
    ActPreview,
    ActTold,
    CancelAct,
    ClearNoShowAct,
    CompleteAct,
    MeetingLinkAct,
    MoveAct,
    NoShowAct,
    OverrideAct,
    ReassignAct,
    RefundActGiven,
    WhetherOnlyPreview,
    told_plan,
)
from app.api.admin_case import ONE, TAG
from app.api.admin_case_answers import told_session
from app.api.fields import Told
from app.api.schema import REAUTHENTICATE, api, idempotency_key
from app.api.writing import to_json
from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.errors import Invalid, StalePreview, StaleVersion
from app.domain.money import Money
from app.domain.permissions import Permission
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.login import require_fresh_password_if
from app.support import clear_no_show as clearing
from app.support import force_cancel as cancelling
from app.support import force_complete as completing
from app.support import manual_refund as refunding
from app.support import mark_no_show as marking
from app.support import move_session as moving
from app.support import override_policy as overriding
from app.support import reassign_session as reassigning
from app.support import set_meeting_link as linking
from app.support.act_plan import Plan

_STALE: Final = (
    "`stale_version`: the case changed since the preview, and `details.preview` says what would happen now; `busy`"
)
Arguments = Callable[[Any, UUID, Context], dict[str, Any]]


def _fields_of(body: ActGiven, _session_id: UUID, _ctx: Context) -> dict[str, Any]:
    """What this act takes beside what all take, under the engine's names."""
    return {name: getattr(body, name) for name in type(body).model_fields if name not in ActGiven.model_fields}


def _money_of(body: RefundActGiven, session_id: UUID, ctx: Context) -> dict[str, Any]:
    currency = load_session_for(ctx, session_id).currency
    return {"type": body.type, "amount": None if body.amount is None else money_given(body.amount, currency)}


def money_given(value: Any, currency: str, field: str = "amount") -> Money:
    """An amount as the caller sent it.

    :raises Invalid: on ``field``, when it is no amount of this currency
    """
    try:
        return Money.parse(f"{value:f}", currency)
    except ValueError:
        message = f"Give an amount in {currency}, such as 15.00."
        raise Invalid(message, fields={field: message}) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAct:
    """One act.

    :param preview: the engine's; it takes ``notify_parties`` and, but for ``unseen``, the act's own arguments
    :param perform: the engine's; it takes ``reason`` and ``fingerprint`` besides
    :param needed: arguments without which only a preview is possible, with what to say
    :param may_move_money: whether its plan ever says so
    :param says: what was done, of what ``perform`` gives back
    """

    slug: str
    summary: str
    note: str
    needs: Permission
    body: type[ActGiven]
    preview: Callable[..., Plan]
    perform: Callable[..., Any]
    conflicts: str
    arguments: Arguments = _fields_of
    unseen: frozenset[str] = frozenset()
    needed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    may_move_money: bool = False
    says: Callable[[Any], str] = lambda done: done.sentence


ACTS: Final = (
    StaffAct(
        slug="cancel",
        summary="Force cancel",
        note="Both parties are told, the time is free again, and the given part of the payment goes back.",
        needs=Permission.SESSION_FORCE_CANCEL,
        body=CancelAct,
        preview=cancelling.preview_force_cancel,
        perform=cancelling.force_cancel,
        may_move_money=True,
        conflicts="`invalid_transition`: it is over already",
    ),
    StaffAct(
        slug="complete",
        summary="Force complete",
        note="The session counts as held, and the mentor's earnings become available.",
        needs=Permission.SESSION_FORCE_COMPLETE,
        body=CompleteAct,
        preview=completing.preview_force_complete,
        perform=completing.force_complete,
        conflicts="`invalid_transition`; `not_started`, `payment_due`, `no_time`: it cannot have taken place",
    ),
    StaffAct(
        slug="refund",
        summary="Refund, or give credit",
        note="Above the threshold it waits for a second person, and nobody is told before.",
        needs=Permission.REFUND_CREATE,
        body=RefundActGiven,
        preview=refunding.preview_manual_refund,
        perform=refunding.manual_refund,
        arguments=_money_of,
        needed={"amount": ("amount", "Say how much.")},
        may_move_money=True,
        conflicts="",
    ),
    StaffAct(
        slug="reassign",
        summary="Give a session to another mentor",
        note="At its time and price, at once: earnings, room and calendars follow. A preview ranks who is free.",
        needs=Permission.SESSION_REASSIGN,
        body=ReassignAct,
        preview=reassigning.preview_reassign,
        perform=reassigning.reassign_session,
        needed={"to": ("newMentorId", "Say who takes it.")},
        conflicts="`not_reassignable`: only a scheduled one that has not begun; `slot_taken`: the new mentor is busy",
    ),
    StaffAct(
        slug="clear-no-show",
        summary="Clear a no-show",
        note="The money is put right: paid to the mentor, or brought to the given percentage.",
        needs=Permission.SESSION_CLEAR_NO_SHOW,
        body=ClearNoShowAct,
        preview=clearing.preview_clear_no_show,
        perform=clearing.clear_no_show,
        may_move_money=True,
        conflicts="`invalid_transition`: it is no no-show",
    ),
    StaffAct(
        slug="override-policy",
        summary="Let a session pass a rule",
        note="For a limited time; the engine honours it, and it can be revoked.",
        needs=Permission.OVERRIDE_GRANT,
        body=OverrideAct,
        preview=overriding.preview_override,
        perform=overriding.grant_override,
        conflicts="`not_scheduled`: only one to come; `override_exists`: it has that one",
    ),
    StaffAct(
        slug="move",
        summary="Move a session to another time",
        note="Calendars, room and files follow; it counts for neither party's limit.",
        needs=Permission.SESSION_MOVE,
        body=MoveAct,
        preview=moving.preview_move,
        perform=moving.move_session,
        conflicts="`not_movable`: from where it stands; `slot_taken`: somebody is busy then",
    ),
    StaffAct(
        slug="no-show",
        summary="Mark a no-show",
        note="The mentor's absence gives everything back; the mentee's nothing.",
        needs=Permission.SESSION_MARK_NO_SHOW,
        body=NoShowAct,
        preview=marking.preview_mark_no_show,
        perform=marking.mark_no_show,
        may_move_money=True,
        conflicts="`invalid_transition`; `no_time`, `not_started`, `dispute_window`: nobody can have missed it now",
        says=marking.sentence_of,
    ),
    StaffAct(
        slug="meeting-link",
        summary="Set the meeting link",
        note="Replaces the room; the link stands in no message and no record.",
        needs=Permission.SESSION_SET_MEETING_LINK,
        body=MeetingLinkAct,
        preview=linking.preview_meeting_link,
        perform=linking.set_link,
        unseen=frozenset({"url"}),
        conflicts="`conflict`: it is not confirmed, or needs no room",
    ),
)


def _previewed(act: StaffAct, session_id: UUID, body: ActGiven, ctx: Context) -> ActPreview:
    return told_plan(_plan(act, session_id, body, ctx))


def _plan(act: StaffAct, session_id: UUID, body: ActGiven, ctx: Context) -> Plan:
    chosen = {name: value for name, value in act.arguments(body, session_id, ctx).items() if name not in act.unseen}
    return act.preview(session_id, **chosen, notify_parties=body.notify_parties, ctx=ctx)


def _perform(act: StaffAct, session_id: UUID, body: ActGiven, ctx: Context) -> str:
    chosen = act.arguments(body, session_id, ctx)
    problems = {field: words for name, (field, words) in act.needed.items() if chosen[name] is None}
    if problems:
        raise Invalid("Something is missing.", fields=problems)
    if act.may_move_money:
        require_fresh_password_if(lambda: _plan(act, session_id, body, ctx).moves_money)

    def run() -> dict[str, Any]:
        done = act.perform(
            session_id,
            **chosen,
            reason=body.reason,
            notify_parties=body.notify_parties,
            fingerprint=body.fingerprint,
            ctx=ctx,
        )
        return {"message": act.says(done)}

    sent = body.model_dump(mode="json")
    result, _ = once(idempotency_key(), scope=f"{act.slug} {session_id}", body=sent, ctx=ctx, run=run)
    message: str = result["message"]
    return message


def stale(changed: StalePreview, preview: Told) -> Response:
    """The refusal of an act that was seen otherwise, with what would happen now."""
    error = {"code": StaleVersion.code, "message": changed.message, "details": {"preview": preview}}
    return Response(to_json({"success": False, "error": error}) + "\n", status=409, mimetype="application/json")


def _declare(act: StaffAct) -> None:
    def serve(session_id: UUID, query: WhetherOnlyPreview, body: ActGiven) -> ActTold | Response:
        ctx = current_context()
        if query.preview:
            seen = _previewed(act, session_id, body, ctx)
            return ActTold(is_preview=True, preview=seen, message=None, session=None)
        try:
            message = _perform(act, session_id, body, ctx)
        except StalePreview as changed:
            return stale(changed, _previewed(act, session_id, body, ctx))
        session = told_session(load_session_for(ctx, session_id))
        return ActTold(is_preview=False, preview=None, message=message, session=session)

    serve.__name__ = f"admin_{act.slug.replace('-', '_')}"
    serve.__doc__ = f"{act.note} With `preview=true` nothing is done, and the answer says what would happen."
    api.declare(
        "POST",
        f"{ONE}/{act.slug}",
        tag=TAG,
        summary=act.summary,
        needs=act.needs,
        query=WhetherOnlyPreview,
        body=act.body,
        answer=ActTold,
        is_idempotent=True,
        refusals={
            403: "; ".join(("`own_case`: you are a party in it", *([REAUTHENTICATE] if act.may_move_money else []))),
            409: "; ".join(filter(None, (act.conflicts, _STALE))),
        },
    )(serve)


for _act in ACTS:
    _declare(_act)
