"""Sessions in the console: the list (SL), its export, the people that its filter finds, and each case (SD)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from flask import Response, g, jsonify, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from app.admin.cases import rows, story
from app.admin.cases.act_pages import ActPages, entries_of
from app.admin.cases.acts_list import draw_acts
from app.admin.cases.beside import moves_of
from app.admin.cases.came_from import list_before
from app.admin.cases.chat import ChatActs, chat_url
from app.admin.cases.disputes import disputes_card
from app.admin.cases.force_cancel import ForceCancelActs
from app.admin.cases.manual_refund import ManualRefundActs
from app.admin.cases.messages import MessageActs
from app.admin.cases.notes import NoteActs
from app.admin.cases.precedents import PrecedentActs
from app.admin.cases.saved_views import view_tabs
from app.admin.cases.table import table_rows
from app.admin.guard import ConsolePage
from app.booking.parties import is_findable
from app.booking.recordings import recordings_of, why_no_recording
from app.domain.errors import Invalid
from app.domain.permissions import Permission, may
from app.domain.reliability import RELIABILITY_IN_WORDS
from app.domain.vocabulary import CancellationCategory, MeetingType, RefundStatus, Role, SessionStatus
from app.extensions import db
from app.foundation.progress import read_progress
from app.http.context import current_actor, current_context, request_now
from app.models import MentorProfile, User
from app.support.bulk_cancel import MOST
from app.support.case import neighbors, read_case
from app.support.export import export_sessions
from app.support.kpis import period_ending_today
from app.support.person_search import person_matches
from app.support.search_operators import OPERATORS
from app.support.session_counts import Count
from app.support.session_filter import SessionFilter, read_filter, read_what_can_be_read
from app.support.session_list import COUNT_CAP, SessionPage, list_sessions, names_of
from app.support.timeline import Kind

_MOST_PEOPLE = 20
_PAGING = frozenset({"after", "before", "page"})


class SessionsView(
    ManualRefundActs, ForceCancelActs, ActPages, NoteActs, ChatActs, MessageActs, PrecedentActs, ConsolePage
):
    """Every session; what can be done to one is checked again by the act itself."""

    permission = Permission.SESSION_VIEW
    section, icon = "", "calendar3"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        now, zone = request_now(), _zone()
        chosen, problem = read_what_can_be_read(request.args.to_dict(flat=False), zone=zone)
        try:
            if problem is not None:
                raise problem
            page = list_sessions(
                chosen,
                now=now,
                after=request.args.get("after", ""),
                before=request.args.get("before", ""),
                page=_page_number(),
            )
        except Invalid as error:
            problem, page = error, SessionPage((), 0, None, None, Count(0))
        names = names_of([chosen.mentor_id, chosen.mentee_id])
        facts = _list_facts(chosen, page, names) | _box(chosen, problem)
        html = self.render("admin/cases/list.html", problem=problem, **facts)
        return html, 200 if problem is None else 422

    @expose("/export.csv")
    def export(self) -> ResponseReturnValue:
        """The whole filter as CSV, streamed; that it was read is on record (SL-3, AUD-4)."""
        chosen = read_filter(request.args.to_dict(flat=False), zone=_zone())
        name = f"sessions-{request_now():%Y-%m-%d}.csv"
        return Response(
            stream_with_context(export_sessions(chosen, ctx=current_context(), word=request.args.get("word", ""))),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    @expose("/export-progress")
    def export_progress(self) -> ResponseReturnValue:
        """How far a download of this reader's is, for the script of the list (UX-4)."""
        found = read_progress(current_actor().user_id, request.args.get("word", ""))
        return jsonify({"rows": found.rows, "stand": found.stand} if found else None)

    @expose("/search-help")
    def search_help(self) -> ResponseReturnValue:
        return self.render("admin/cases/search_help.html", operators=OPERATORS, list_url=rows.LIST_PATH)

    @expose("/columns")
    def columns(self) -> ResponseReturnValue:
        chosen, _ = read_what_can_be_read(request.args.to_dict(flat=False), zone=_zone())
        return self.render(
            "admin/cases/columns.html",
            chosen=chosen,
            columns=rows.COLUMNS,
            list_url=rows.LIST_PATH,
            back_url=rows.address(chosen),
        )

    @expose("/people")
    def people(self) -> ResponseReturnValue:
        """Mentors or mentees for the filter's field, by words of the name or the start of the e-mail.

        ``verified`` leaves out mentors who cannot be booked at all.
        """
        asked = " ".join(request.args.get("q", "").replace("\0", "").split())[:120]
        role = Role.MENTEE if request.args.get("role") == "mentee" else Role.MENTOR
        if not asked:
            return jsonify([])
        question = select(User.id, User.name, User.email).where(User.role == role, person_matches(asked))
        if "verified" in request.args:
            question = question.join(MentorProfile, MentorProfile.user_id == User.id).where(is_findable())
        found = db.session.execute(question.order_by(User.name, User.id).limit(_MOST_PEOPLE))
        return jsonify([{"value": str(row.id), "text": row.name, "note": row.email} for row in found])

    @expose("/<uuid:session_id>")
    def case(self, session_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        found = read_case(session_id, ctx=ctx)
        came_from = list_before(rows.LIST_PATH)
        newer, older = (None, None)
        if came_from is not None:
            newer, older = _neighbors(found.session, came_from)
        shown = story.kind_of(request.args.get("show", ""))

        def told() -> dict[str, Any]:
            # Drawn after the frame and the head, while the database still answers.
            read = found.story()
            return {
                "money": read.money,
                "histories": {"Mentor": read.mentor, "Mentee": read.mentee},
                "story": story.tell(read.timeline, shown, zone=_zone(), reader=ctx.actor),
                "kinds": story.tabs(session_id, read.timeline, shown, came_from),
                "disputes": disputes_card(read.timeline),
                "moves": moves_of(read.timeline),
                "messages": sum(one.kind is Kind.MESSAGE for one in read.timeline),
            }

        entries = [*self.acts_of(found.session), *entries_of(found.session, ctx), *self.precedent_entry(found.session)]
        here = url_for("console_sessions.case", session_id=session_id)
        return self.render(
            "admin/cases/case.html",
            session=found.session,
            told=told,
            recordings=recordings_of(found.session),
            why_no_recording=why_no_recording(found.session),
            acts=draw_acts(entries, here=here) if entries else "",
            chat_url=chat_url(found.session),
            reliability_words=RELIABILITY_IN_WORDS,
            audit_links=_audit_links(session_id),
            may_write_notes=may(ctx.actor.role, Permission.NOTE_ADD),
            may_view_people=may(ctx.actor.role, Permission.USER_VIEW),
            came_from=came_from,
            list_url=f"{rows.LIST_PATH}?{came_from}" if came_from else rows.LIST_PATH,
            newer_url=_case_url(newer, came_from),
            older_url=_case_url(older, came_from),
        )

    @expose("/<uuid:session_id>/")
    def case_with_slash(self, session_id: UUID) -> ResponseReturnValue:
        return redirect(url_for("console_sessions.case", session_id=session_id), 301)


def _box(chosen: SessionFilter, problem: Invalid | None) -> dict[str, Any]:
    """The search box: what is left of it in words, or all that was typed while some of it cannot be understood."""
    wrong = problem.fields.get("q", "") if problem else ""
    typed = request.args.get("q", "").replace("\0", "")[:1_000]
    return {"box": typed if wrong else chosen.search, "box_problem": wrong}


def _list_facts(chosen: SessionFilter, page: SessionPage, names: Mapping[UUID, str]) -> dict[str, Any]:
    role = current_actor().role
    return {
        "chosen": chosen,
        "rows": table_rows(page.rows, zone=_zone(), now=request_now()),
        "shown": len(page.rows),
        "count": page.count,
        "count_cap": COUNT_CAP,
        "position": page.position,
        "heads": partial(rows.heads, chosen),
        "chips": rows.chips(chosen, names),
        "names": names,
        "tabs": partial(rows.tabs, chosen, request_now()),
        "views": view_tabs(chosen) if may(role, Permission.SAVED_VIEW_EDIT) else [],
        "tabs_day": period_ending_today(1, zone=chosen.zone, now=request_now()).first,
        "newer_url": rows.address(chosen, before=page.newer) if page.newer else None,
        "older_url": rows.address(chosen, after=page.older) if page.older else None,
        "clear_url": rows.LIST_PATH,
        "export_url": url_for("console_sessions.export", **_kept()) if may(role, Permission.SESSION_EXPORT) else None,
        "may_bulk": may(role, Permission.SESSION_BULK_CANCEL),
        "bulk_list": rows.query_of(chosen) if chosen.is_narrowed else "",
        "bulk_most": MOST,
        "may_cancel": may(role, Permission.SESSION_FORCE_CANCEL),
        "list_query": rows.query_of(chosen),
        "choices": {
            "status": SessionStatus,
            "meeting_type": MeetingType,
            "refund": RefundStatus,
            "reason": CancellationCategory,
        },
    }


def _kept() -> dict[str, Any]:
    return {name: values for name, values in request.args.to_dict(flat=False).items() if name not in _PAGING}


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        message = "A page is a number from 1 on."
        raise Invalid(message, fields={"page": message})
    return int(text)


def _zone() -> str:
    zone: str = g.get("viewer_zone") or "UTC"
    return zone


def _neighbors(session: Any, came_from: str) -> Sequence[UUID | None]:
    try:
        chosen = read_filter(parse_qs(came_from[:2_000]), zone=_zone())
    except (Invalid, ValueError):
        return None, None
    return neighbors(session, chosen, now=request_now())


def _audit_links(session_id: UUID) -> list[tuple[str, str]]:
    """Where everything about the case is on record, for whoever may look there (AUD-1)."""
    if not may(current_actor().role, Permission.AUDIT_VIEW):
        return []
    return [
        ("Session log", url_for("console_session_log.index_view", search=session_id)),
        ("Staff acts", url_for("console_staff_trail.index_view", search=session_id)),
    ]


def _case_url(session_id: UUID | None, came_from: str | None) -> str | None:
    return url_for("console_sessions.case", session_id=session_id, list=came_from) if session_id else None
