"""The timeline in words: who did what, in sentences that a colleague reads at a glance (SD-1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for

from app.domain.context import Actor
from app.domain.money import Money
from app.domain.permissions import Permission, may
from app.domain.vocabulary import OverrideType
from app.domain.wording import format_money, zone_of
from app.support.case_record import NOTE_ACTS, permission_to_read
from app.support.override_policy import WORDS
from app.support.timeline import Happening, Kind

Facts = Mapping[str, Any]

_TABS = {
    None: "Everything",
    Kind.CHANGE: "Changes",
    Kind.STAFF: "Staff",
    Kind.MONEY: "Money",
    Kind.MESSAGE: "Messages",
    Kind.NOTE: "Notes",
    Kind.JOIN: "Joins",
    Kind.DECISION: "Decisions",
}
_NOBODY = {"clock": "The clock", "payment": "The gateway", "system": "The system"}
# What the session's trail says and another line says better: the report, the stars, the act of staff.
_ECHOES = frozenset({"dispute_opened", "review_written", "policy_override_granted", "policy_override_revoked"})
_ECHOING = frozenset({"notifications", "ledger", "policy_overrides"})
# Words, icon and tone of what is told often; anything else is told by its name.
_ACTIONS: dict[str, tuple[str, str, str]] = {
    "booking_created": ("booked", "calendar-plus", "blue"),
    "booking_requested": ("asked for this session", "calendar-plus", "amber"),
    "booking_expired": ("let the unpaid booking expire", "clock-history", "gray"),
    "booking_revived": ("brought the booking back, paid late", "arrow-counterclockwise", "blue"),
    "payment_confirmed": ("confirmed the payment; the session is scheduled", "check2-circle", "green"),
    "payment_flagged": ("set the payment aside for a person", "exclamation-triangle", "red"),
    "payment_window_expired": ("cancelled it, because it was not paid in time", "clock-history", "gray"),
    "late_payment_refunded": ("sent a late payment back", "arrow-counterclockwise", "amber"),
    "link_released": ("released the meeting link", "link-45deg", "gray"),
    "meeting_created": ("made the meeting link", "camera-video", "gray"),
    "override_expired": ("noted that an exception ran out unused", "hourglass-bottom", "gray"),
    "meeting_ended": ("saw everybody leave the meeting", "camera-video-off", "gray"),
    "recording_kept": ("kept a recording", "camera-reels", "gray"),
    "meeting_failed": ("could not make a meeting link", "camera-video-off", "red"),
    "meeting_link_set": ("set the meeting link", "link-45deg", "gray"),
    "request_approved": ("accepted the request", "check-lg", "green"),
    "request_rejected": ("declined the request", "x-lg", "red"),
    "request_expired": ("closed the unanswered request", "clock-history", "gray"),
    "session_cancelled": ("cancelled the session", "slash-circle", "red"),
    "session_completed": ("completed the session", "check-circle", "green"),
    "session_edited": ("edited the session", "pencil", "gray"),
    "session_joined": ("joined", "box-arrow-in-right", "teal"),
    "session_started": ("started the session", "play-circle", "teal"),
    "meeting_moved": ("moved the meeting", "camera-video", "gray"),
    "reschedule_requested": ("asked for another time", "calendar2-range", "amber"),
    "reschedule_countered": ("suggested another time", "arrow-left-right", "amber"),
    "reschedule_accepted": ("accepted another time", "calendar-check", "green"),
    "reschedule_rejected": ("kept the original time", "x-lg", "gray"),
    "reschedule_withdrawn": ("withdrew the proposed time", "arrow-counterclockwise", "gray"),
    "reschedule_expired": ("closed the unanswered proposal", "clock-history", "gray"),
    "alternative_mentor_selected": ("chose another mentor", "person-check", "green"),
    "no_mentor_found": ("left it without a mentor: nobody could take it over", "person-x", "orange"),
    "mentor_cancelled": ("cancelled as the mentor", "slash-circle", "orange"),
    "no_show_suggested": ("suggested a no-show", "person-x", "amber"),
    "reassignment_declined": ("declined to take it over", "x-lg", "orange"),
    "reassignment_rejected": ("declined the new mentor", "x-lg", "orange"),
    "reassignment_expired": ("closed the unanswered reassignment", "clock-history", "gray"),
    "session_texted": ("texted who wanted it", "phone", "gray"),
    "session_reminded": ("reminded both", "bell", "gray"),
    "policies_improved": ("gave it the policies that serve it better", "sliders", "gray"),
    "policy_override_granted": ("granted an exception", "unlock", "accent"),
    "policy_override_revoked": ("took an exception back", "lock", "accent"),
    "no_show_cleared": ("cleared the no-show", "person-check", "green"),
    "no_show_suggestion_dismissed": ("dismissed a suggested no-show", "person-check", "gray"),
    "no_show_suggestion_withdrawn": ("withdrew a suggested no-show", "arrow-counterclockwise", "gray"),
    "reassignment_accepted": ("accepted the new mentor", "check-lg", "green"),
    "refund_processed": ("recorded that the refund arrived", "check2-circle", "gray"),
    "session_moved": ("moved the session", "calendar-event", "blue"),
    "session_reassigned": ("brought in another mentor", "arrow-left-right", "amber"),
    "ADMIN_CLEAR_NO_SHOW": ("cleared the no-show", "person-check", "green"),
    "ADMIN_FORCE_COMPLETE": ("completed the session for support", "check-circle", "green"),
    "ADMIN_MEETING_LINK_SET": ("set the meeting link", "link-45deg", "gray"),
    "ADMIN_NO_SHOW_SUGGESTION_DISMISSED": ("dismissed a suggested no-show", "person-check", "gray"),
    "ADMIN_POLICY_OVERRIDE": ("granted an exception", "unlock", "accent"),
    "ADMIN_POLICY_OVERRIDE_REVOKED": ("took an exception back", "lock", "accent"),
    "ADMIN_PRECEDENT_RETIRED": ("let the golden case go", "award", "gray"),
    "ADMIN_PRECEDENT_MARKED": ("kept this as a golden case", "award", "gray"),
    "ADMIN_SESSION_MOVED": ("moved the session", "calendar-event", "blue"),
    "no_show_marked": ("marked a no-show", "person-x", "orange"),
    "summary_sent": ("sent a summary", "card-text", "gray"),
    "summary_changed": ("changed the summary", "card-text", "gray"),
    "review_changed": ("changed a review", "star", "gray"),
    "review_written": ("wrote a review", "star", "gray"),
    "dispute_answered": ("added to a report", "reply", "orange"),
    "dispute_escalated": ("raised a dispute: its time was up", "alarm", "red"),
    "dispute_warned": ("warned that a dispute's time runs out", "hourglass-bottom", "amber"),
    "dispute_opened": ("reported a problem", "flag", "orange"),
    "ADMIN_DISPUTE_ASSIGNED": ("gave a dispute to somebody else", "person-check", "gray"),
    "ADMIN_DISPUTE_COMMENTED": ("commented on a dispute", "chat-left-text", "gray"),
    "ADMIN_DISPUTE_PRIORITY_CHANGED": ("changed a dispute's priority", "arrow-down-up", "gray"),
    "ADMIN_DISPUTE_REPORTER_WRITTEN": ("wrote to a dispute's reporter", "envelope", "gray"),
    "ADMIN_DISPUTE_RESOLVED": ("resolved a dispute", "check-circle", "green"),
    "ADMIN_DISPUTE_TAKEN": ("took a dispute", "hand-index", "gray"),
    "ADMIN_EVIDENCE_VIEWED": ("opened evidence", "paperclip", "gray"),
    "ADMIN_FORCE_CANCEL": ("cancelled the session for support", "slash-circle", "red"),
    "ADMIN_MANUAL_REFUND": ("gave money back", "arrow-counterclockwise", "amber"),
    "ADMIN_REFUND_APPROVED": ("approved a refund", "check-lg", "green"),
    "ADMIN_REFUND_DECLINED": ("declined a refund", "x-lg", "red"),
    "ADMIN_REFUND_RETRIED": ("had a refund tried again", "arrow-clockwise", "amber"),
    "ADMIN_REFUND_SETTLED_OUTSIDE": ("settled a refund outside the gateway", "bank", "green"),
    "ADMIN_FINDING_CLOSED": ("closed a finding of reconciliation", "clipboard-check", "gray"),
    "payment_returned": ("sent a payment back that was not needed", "arrow-counterclockwise", "amber"),
    "returned_at_gateway": ("booked money that went back at the gateway", "exclamation-octagon", "red"),
    "ADMIN_MARK_NO_SHOW": ("marked a no-show", "person-x", "orange"),
    "ADMIN_REASSIGN_SESSION": ("gave the session to another mentor", "person-lines-fill", "blue"),
    "ADMIN_EMAIL_RESENT": ("sent an e-mail again", "envelope-arrow-up", "gray"),
    "ADMIN_REVIEW_HIDDEN": ("hid the review", "eye-slash", "amber"),
    "ADMIN_REVIEW_SHOWN": ("showed the review again", "eye", "gray"),
    "ADMIN_CHAT_VIEWED": ("read the conversation", "chat-left-text", "accent"),
    "ADMIN_NOTE_ADDED": ("added a note", "sticky", "amber"),
    "ADMIN_NOTE_EDITED": ("edited a note", "sticky", "amber"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, ready to print. ``details`` are term and value; ``link`` is label and address."""

    who: str
    what: str
    at: datetime
    icon: str
    tone: str
    text: str = ""
    details: Sequence[tuple[str, Any]] = field(default_factory=tuple)
    why: Facts | None = None
    link: tuple[str, str] | None = None


def kind_of(text: str) -> Kind | None:
    """The filter that an address names; None shows everything."""
    return next((kind for kind in Kind if kind.value == text), None)


def tabs(
    session_id: UUID, happened: Sequence[Happening], shown: Kind | None, came_from: str | None
) -> list[dict[str, Any]]:
    """The filter of the timeline, with how much each part holds."""
    counts = Counter(one.kind for one in happened)
    here = url_for("console_sessions.case", session_id=session_id)
    kept = {"list": came_from} if came_from else {}
    return [
        {
            "label": label,
            "url": f"{here}?{urlencode({'show': kind.value, **kept} if kind else kept)}#story",
            "active": kind is shown,
            "count": counts[kind] if kind else None,
        }
        for kind, label in _TABS.items()
        if kind is None or counts[kind] or kind is shown
    ]


def tell(
    happened: Iterable[Happening], shown: Kind | None, *, zone: str, reader: Actor
) -> list[tuple[datetime, list[Line]]]:
    """The story by the reader's days, newest first."""
    wanted = [one for one in happened if shown in {None, one.kind} and _may_read(one, reader)]
    # What merely echoes another line (a message's row, a posting) is left to its own tab when everything is shown.
    if shown is None:
        wanted = [one for one in wanted if one.source not in _ECHOING and not _is_note_act(one)]
        wanted = [one for one in wanted if one.facts.get("action") not in _ECHOES]
    lines = [(one.at.astimezone(zone_of(zone)).date(), _line(one, reader)) for one in wanted]
    return [
        (group[0][1].at, [line for _, line in group])
        for group in (list(found) for _, found in groupby(lines, key=lambda pair: pair[0]))
    ]


def _may_read(one: Happening, reader: Actor) -> bool:
    if one.source == "admin_session_notes":
        return may(reader.role, Permission.NOTE_VIEW)
    if one.source == "session_disputes":
        return may(reader.role, Permission.DISPUTE_VIEW)
    return may(reader.role, permission_to_read(str(one.facts.get("action", ""))))


def _is_note_act(one: Happening) -> bool:
    return one.facts.get("action") in NOTE_ACTS


def _line(one: Happening, reader: Actor) -> Line:
    return _TELLERS[one.source](one, _who(one), reader)


def _who(one: Happening) -> str:
    return one.actor_name or _NOBODY.get(one.actor_role or "", "") or "Somebody"


def _change(one: Happening, who: str, _reader: Actor) -> Line:
    facts = one.facts
    what, icon, tone = _ACTIONS.get(facts["action"], (_worded(facts["action"]).lower(), "dot", "gray"))
    details = _status(facts)
    if facts.get("reason_category"):
        details.append(("Reason", _worded(facts["reason_category"])))
    return Line(who, what, one.at, icon, tone, facts.get("reason_details") or "", details, one.why)


def _staff_act(one: Happening, who: str, reader: Actor) -> Line:
    facts = one.facts
    what, icon, tone = _ACTIONS.get(
        facts["action"], (_worded(facts["action"].removeprefix("ADMIN_")).lower(), "shield", "accent")
    )
    details = _status(facts)
    told = facts.get("details") or {}
    if "refundAmount" in told:
        waiting = ", waits for a second person" if told.get("awaitingApproval") else ""
        details.append(("Refund", f"{_sum(told)}{_how(told)}{waiting}"))
    if "overrideType" in told:
        details.append(("Exception", WORDS[OverrideType(told["overrideType"])].lower()))
    if "notificationsSent" in told:
        details.append(("Messages", str(told["notificationsSent"])))
    link = None
    if may(reader.role, Permission.AUDIT_VIEW) and facts.get("seq"):
        link = (f"Audit row {facts['seq']}", url_for("console_staff_trail.index_view", search=facts["seq"]))
    return Line(who, what, one.at, icon, tone, facts["reason"], details, one.why, link)


def _status(facts: Facts) -> list[tuple[str, Any]]:
    """From where to where, when the act moved the session at all."""
    was, became = facts["previous_status"], facts["new_status"]
    return [("Status", f"{_worded(was)} → {_worded(became)}")] if was and became and was != became else []


def _sum(told: Facts) -> str:
    """The amount as everywhere else on the page; the trail keeps it as the API says it."""
    amount, currency = told["refundAmount"], told.get("currency")
    return format_money(Money.parse(str(amount), currency)) if currency else str(amount)


def _how(told: Facts) -> str:
    if "refundPercentage" in told:
        return f" ({told['refundPercentage']} %)"
    return f" ({_worded(told['refundType']).lower()})" if told.get("refundType") else ""


def _money(words: str, icon: str, tone: str) -> Callable[[Happening, str, Actor], Line]:
    def told(one: Happening, _nobody: str, _reader: Actor) -> Line:
        facts = one.facts
        amount = format_money(facts["minor"], facts["currency"])
        named = (("Reference", "reference"), ("Gateway", "gateway"))
        details = [(name, facts[key]) for name, key in named if key in facts]
        if facts.get("flagged_reason"):
            details.append(("To look at", facts["flagged_reason"]))
        if facts.get("error"):
            details.append(("Gateway", facts["error"]))
        state = facts["status"]
        if one.source == "refund_requested" and state in {"awaiting_approval", "failed", "declined"}:
            details.append(("Now", _worded(state)))
        return Line("", f"{amount} {words}", one.at, icon, tone, facts.get("reason") or "", details)

    return told


def _ledger(one: Happening, _nobody: str, _reader: Actor) -> Line:
    details = [
        (_worded(posting["account"]), format_money(posting["minor"], posting["currency"]))
        for posting in one.facts["postings"]
    ]
    return Line("", f"Ledger: {_worded(one.facts['event'])}", one.at, "journal-text", "gray", "", details)


def _email(one: Happening, _nobody: str, reader: Actor) -> Line:
    facts = one.facts
    words = {"sent": ("E-mail sent", "envelope-check", "gray"), "failed": ("E-mail failed", "envelope-x", "red")}
    what, icon, tone = words.get(facts["status"], ("E-mail queued", "envelope", "amber"))
    link = None
    if may(reader.role, Permission.MAIL_VIEW):
        link = ("Read it", url_for("console_mailbox.letter", event_id=facts["id"]))
    details = [("To", facts["recipient"])]
    if facts.get("error"):
        details.append(("Error", facts["error"]))
    return Line("", f"{what}: {facts['subject']}", one.at, icon, tone, "", details, None, link)


def _notification(one: Happening, who: str, _reader: Actor) -> Line:
    read = "read" if one.facts.get("read_at") else "not read yet"
    what = f"was notified: {one.facts['title']}"
    return Line(who, what, one.at, "bell", "gray", one.facts["body"], (("State", read),))


def _note(one: Happening, who: str, reader: Actor) -> Line:
    edits = one.facts.get("edits") or 0
    what = "noted" if not edits else f"noted (edited {'once' if edits == 1 else f'{edits} times'})"
    link = None
    if one.actor_id == reader.user_id:
        link = ("Edit", f"{url_for('console_sessions.index')}{_session_of(one)}/notes/{one.facts['id']}")
    return Line(who, what, one.at, "sticky", "amber", one.facts["note"], (), None, link)


def _session_of(one: Happening) -> str:
    return str(one.facts["session_id"])


def _join(one: Happening, who: str, _reader: Actor) -> Line:
    where = "from the session page" if one.facts["source"] == "page" else "as the meeting provider says"
    return Line(who, f"joined {where}", one.at, "box-arrow-in-right", "teal")


def _decision(one: Happening, _nobody: str, _reader: Actor) -> Line:
    facts = one.facts
    verdict = "Allowed" if facts["allowed"] else "Refused"
    tone = "gray" if facts["allowed"] else "orange"
    return Line("", f"{verdict}: {facts['message']}", one.at, "signpost-split", tone, "", (), facts)


def _proposal(one: Happening, who: str, _reader: Actor) -> Line:
    state = _worded(one.facts["status"]).lower()
    what = f"proposed another time ({state})"
    return Line(who, what, one.at, "calendar2-range", "amber", one.facts.get("reason") or "")


def _dispute(one: Happening, who: str, _reader: Actor) -> Line:
    facts = one.facts
    link = ("Open the dispute", url_for("console_disputes.dispute", dispute_id=facts["id"]))
    details = (("State", _worded(facts["status"])), ("Priority", _worded(facts["priority"])))
    what = f"reported a problem: {_worded(facts['category'])}"
    return Line(who, what, one.at, "flag", "orange", facts["reason"], details, None, link)


def _review(one: Happening, who: str, _reader: Actor) -> Line:
    hidden = " (hidden)" if one.facts.get("hidden_at") else ""
    return Line(who, f"gave {one.facts['rating']} of 5 stars{hidden}", one.at, "star", "amber", one.facts["comment"])


def _override(one: Happening, who: str, _reader: Actor) -> Line:
    what = f"granted an exception: {WORDS[OverrideType(one.facts['override_type'])].lower()}"
    return Line(who, what, one.at, "unlock", "accent", one.facts["reason"])


_TELLERS: dict[str, Callable[[Happening, str, Actor], Line]] = {
    "session_audit_log": _change,
    "admin_session_audit_trail": _staff_act,
    "reschedule_requests": _proposal,
    "session_disputes": _dispute,
    "session_reviews": _review,
    "policy_overrides": _override,
    "email_events": _email,
    "notifications": _notification,
    "admin_session_notes": _note,
    "session_joins": _join,
    "decision_records": _decision,
    "payment_started": _money("asked of the mentee", "credit-card", "gray"),
    "payment_succeeded": _money("paid", "credit-card", "green"),
    "refund_requested": _money("to be refunded", "arrow-counterclockwise", "amber"),
    "refund_processed": _money("refunded", "arrow-counterclockwise", "green"),
    "ledger": _ledger,
}


def _worded(text: str) -> str:
    return text.replace("_", " ").capitalize()
