"""Disputes in the console: the queue by what is due, and one dispute with everything on it (DSP-2, DSP-3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases import dispute_rows as rows
from app.admin.cases.came_from import list_before
from app.admin.cases.dispute_acts import DisputeActs
from app.admin.cases.dispute_resolve import ResolveActs, resolve_acts
from app.admin.filters import words_of
from app.admin.guard import ConsolePage
from app.domain.dispute_clock import Deadlines, DisputeClock
from app.domain.disputes import decide_handling
from app.domain.errors import Invalid
from app.domain.permissions import OWN_CASE, Permission, may
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeStatus
from app.http.context import current_actor, current_context, request_now
from app.support.disputes import telling
from app.support.disputes.dispute_filter import DisputeFilter, read_dispute_filter
from app.support.disputes.dispute_list import COUNT_CAP, DisputePage, list_disputes, neighbors
from app.support.disputes.dispute_page import DisputeCase, read_dispute_case
from app.support.disputes.loading import current_targets
from app.support.session_list import names_of
from app.support.timeline import Happening

_STEPS = {
    "ADMIN_DISPUTE_TAKEN": ("took it", "hand-index"),
    "ADMIN_DISPUTE_ASSIGNED": ("gave it to somebody else", "person-check"),
    "ADMIN_DISPUTE_PRIORITY_CHANGED": ("changed the priority", "arrow-down-up"),
    "ADMIN_DISPUTE_COMMENTED": ("commented", "chat-left-text"),
    "ADMIN_DISPUTE_REPORTER_WRITTEN": ("wrote to the reporter", "envelope"),
    "ADMIN_DISPUTE_RESOLVED": ("resolved it", "check-circle"),
    "dispute_opened": ("reported it", "flag"),
    "dispute_answered": ("added to the report", "reply"),
    "dispute_escalated": ("raised it: the time was up", "alarm"),
}


class DisputesDesk(DisputeActs, ResolveActs, ConsolePage):
    """Every dispute; what can be done to one is checked again by the act itself."""

    permission = Permission.DISPUTE_VIEW
    section, icon = "Cases", "flag"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        ctx, problem = current_context(), None
        chosen, page = DisputeFilter(), DisputePage((), 0, None, None, 0)
        try:
            chosen = read_dispute_filter(request.args.to_dict(flat=False))
            after, before = request.args.get("after", ""), request.args.get("before", "")
            page = list_disputes(chosen, ctx=ctx, after=after, before=before)
        except Invalid as error:
            problem = error
        names = names_of([chosen.assignee_id])
        html = self.render(
            "admin/cases/disputes.html",
            problem=problem,
            chosen=chosen,
            rows=rows.dispute_rows(page.rows, now=ctx.now, targets=current_targets(), me=ctx.actor.user_id),
            position=page.position,
            total=page.total,
            count_cap=COUNT_CAP,
            tabs=rows.tabs(chosen),
            chips=rows.chips(chosen, names),
            newer_url=rows.address(chosen, before=page.newer) if page.newer else None,
            older_url=rows.address(chosen, after=page.older) if page.older else None,
            clear_url=rows.address(DisputeFilter(tab=chosen.tab)),
            empty_words=rows.EMPTY_WORDS[chosen.tab],
            may_take=may(ctx.actor.role, Permission.DISPUTE_ASSIGN),
            choices={"priority": list(reversed(DisputePriority)), "category": list(DisputeCategory)},
            colleagues=names_of(telling.staff_ids(telling.DESK)),
            words_of=words_of,
        )
        return html, 200 if problem is None else 422

    @expose("/<uuid:dispute_id>")
    def dispute(self, dispute_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        case = read_dispute_case(dispute_id, ctx=ctx)
        handling = decide_handling(case.dispute.status, awaits_approval=False)
        came_from = list_before(rows.LIST_PATH)
        before, after = _neighbors(dispute_id, came_from)
        return self.render(
            "admin/cases/dispute.html",
            case=case,
            list_url=f"{rows.LIST_PATH}?{came_from}" if came_from else rows.LIST_PATH,
            before_url=_dispute_url(before, came_from),
            next_url=_dispute_url(after, came_from),
            sla=rows.sla_of(case.clock, request_now(), case.targets) if handling.allowed else None,
            acts=_acts(case, may_handle=handling.allowed),
            resolving=_resolving(case, may_handle=handling.allowed),
            steps=_STEPS,
            outcome=rows.OUTCOME_LABELS.get(case.dispute.resolution_action) if case.dispute.resolution_action else None,
            words_of=words_of,
            may_comment=may(ctx.actor.role, Permission.DISPUTE_COMMENT) and not case.is_own_case,
        )

    @expose("/<uuid:dispute_id>/")
    def dispute_with_slash(self, dispute_id: UUID) -> ResponseReturnValue:
        return redirect(url_for("console_disputes.dispute", dispute_id=dispute_id), 301)


def _neighbors(dispute_id: UUID, came_from: str | None) -> tuple[UUID | None, UUID | None]:
    if came_from is None:
        return None, None
    try:
        chosen = read_dispute_filter(parse_qs(came_from))
    except (Invalid, ValueError):
        return None, None
    return neighbors(dispute_id, chosen, ctx=current_context())


def _dispute_url(dispute_id: UUID | None, came_from: str | None) -> str | None:
    return url_for("console_disputes.dispute", dispute_id=dispute_id, list=came_from) if dispute_id else None


def disputes_card(happened: Iterable[Happening]) -> list[dict[str, Any]]:
    """A session's disputes for its case page, open ones first; none for whoever may not see them."""
    if not may(current_actor().role, Permission.DISPUTE_VIEW):
        return []
    found = sorted(
        (one for one in happened if one.source == "session_disputes"),
        key=lambda one: (one.facts["resolved_at"] is not None, -one.at.timestamp()),
    )
    return [
        {
            "id": one.facts["id"],
            "reason": one.facts["reason"],
            "category": words_of(DisputeCategory(one.facts["category"])),
            "status": DisputeStatus(one.facts["status"]),
            "priority": DisputePriority(one.facts["priority"]),
            "created_at": one.at,
            "sla": None if one.facts["resolved_at"] else rows.sla_of(_clock(one), request_now(), current_targets()),
        }
        for one in found
    ]


def _clock(one: Happening) -> DisputeClock:
    """A dispute's clock out of a line of the case's story."""

    def instant(name: str) -> Any:
        text = one.facts[name]
        return datetime.fromisoformat(text) if text else None

    return DisputeClock(
        priority=DisputePriority(one.facts["priority"]),
        opened_at=one.at,
        deadlines=Deadlines(instant("first_response_due_at"), instant("resolution_due_at")),
        answered_at=instant("first_responded_at"),
        waiting_since=instant("waiting_since"),
        waited=timedelta(seconds=one.facts["waited_seconds"]),
        warned_at=instant("warned_at"),
        breached_at=instant("breached_at"),
    )


def _acts(case: DisputeCase, *, may_handle: bool) -> list[dict[str, Any]]:
    """What can be done before it is ended; an act of another role is not offered (ADM-2)."""
    role = current_actor().role
    if not may_handle or not may(role, Permission.DISPUTE_ASSIGN):
        return []
    why_not = OWN_CASE if case.is_own_case else None

    def act(label: str, endpoint: str, icon: str, key: str, note: str) -> dict[str, Any]:
        url = url_for(f"console_disputes.{endpoint}", dispute_id=case.dispute.id)
        return {"label": label, "url": url, "icon": icon, "key": key, "note": note, "why_not": why_not}

    return [
        act("Write to the reporter", "write", "envelope", "q", "A question stops the clock until it is answered"),
        act("Give it to somebody", "assign", "person-check", "a", "Or back to nobody"),
        act("Change the priority", "priority", "arrow-down-up", "p", "The deadlines follow"),
    ]


def _resolving(case: DisputeCase, *, may_handle: bool) -> list[dict[str, Any]]:
    if not may_handle or not may(current_actor().role, Permission.DISPUTE_RESOLVE):
        return []
    why_not = OWN_CASE if case.is_own_case else ""
    if case.dispute.awaiting_refund_id is not None:
        why_not = "Its refund waits for a second person."
    return resolve_acts(case.dispute, case.session, why_not)
