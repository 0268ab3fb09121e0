"""Whether the staff audit trail is whole: every link, and every head that was written down elsewhere (AUD-3)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage
from app.domain.errors import Invalid
from app.domain.permissions import Permission, may
from app.domain.wording import format_number
from app.foundation.anchors import FILE, Anchor, first_lost
from app.foundation.audit import ChainReport, head_of_chain, verify_chain
from app.http.context import current_actor
from app.http.kept_heads import kept_heads

# A second or so of work: often enough to show that something moves, seldom enough to cost nothing.
_STEP = 25_000
_SHOWN = 20


class ChainView(ConsolePage):
    """Walks the chain step by step where scripts run, so that two million rows show progress; else in one go."""

    permission = Permission.AUDIT_VERIFY
    section, icon = "Audit", "link-45deg"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        report = verify_chain() if request.method == "POST" else None
        anchors = kept_heads()
        return self.render(
            "admin/pages/chain.html",
            report=report,
            verdict=_verdict(report, anchors) if report else None,
            head=head_of_chain(),
            anchors=anchors[: -_SHOWN - 1 : -1],
            anchor_count=len(anchors),
            anchor_file=FILE,
            may_view=may(current_actor().role, Permission.AUDIT_VIEW),
        )

    @expose("/step")
    def step(self) -> Response:
        """One part of the walk, for the script of the page: how far it fits, and the verdict once it ends."""
        text = request.args.get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Invalid("The row to begin behind is a number.", fields={"after": "A whole number from 0."})
        report = verify_chain(after=int(text), at_most=_STEP)
        is_over = report.is_whole or not report.is_intact
        verdict: dict[str, Any] | None = _verdict(report, kept_heads()) if is_over else None
        answer = jsonify(rows=report.rows, total=head_of_chain().seq, verdict=verdict)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _verdict(report: ChainReport, anchors: list[Anchor]) -> dict[str, Any]:
    """In words: ``ok``, ``title``, ``text``, and the first row to look at."""
    rows = format_number(report.rows)
    if not report.is_intact:
        seq = report.first_bad_seq
        problem = (report.problem or "").capitalize()
        return _said(f"The chain breaks at row {seq}", f"{problem}. The {rows} rows before it fit.", seq)
    lost = first_lost(anchors)
    if lost is not None:
        return _said(
            f"Row {lost.seq} is not what it was",
            f"On {lost.at:%d %b %Y, %H:%M} UTC it was written down with another hash. Every link fits, so rows were "
            "cut off at the end, or the trail was written anew.",
            lost.seq,
        )
    held = f" All {len(anchors)} heads that were written down hold." if anchors else ""
    return {
        "ok": True,
        "title": "Every link fits",
        "text": f"{rows} rows. The head is {report.head_hash}.{held}",
        "row": None,
    }


def _said(title: str, text: str, row: int | None) -> dict[str, Any]:
    return {"ok": False, "title": title, "text": text, "row": row}
