"""Every act on a case that is one form: what it asks, shows before, and does (ACT-2, ACT-5, ACT-6, ACT-9).

One dialog serves them all: a page of its own, the content of a dialog, and a form that works without a script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.booking.meetings import decide_link_by_hand
from app.domain.clearing import decide_clear_no_show
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.times import starts_at
from app.domain.vocabulary import OverrideType, Party, SessionStatus
from app.http.formatting import reader_zone
from app.models import MentoringSession
from app.support import clear_no_show as clearing
from app.support import dismiss_suggestion as dismissing
from app.support import force_complete as completing
from app.support import mark_no_show as marking
from app.support import move_session as moving
from app.support import override_policy as overriding
from app.support import set_meeting_link as linking
from app.support.act_plan import Plan

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One thing that a dialog asks beside the reason.

    :param kind: ``choice``, ``number``, ``text``, ``url``, ``datetime``, ``mentor``, or ``within`` another one
    :param options: of a choice: value and words; of mentors, why each stands where it does besides
    :param changes_plan: whether the preview depends on it
    """

    name: str
    label: str
    kind: str = "text"
    options: Sequence[tuple[str, ...]] = ()
    value: str = ""
    help: str = ""
    suffix: str = ""
    required: bool = True
    changes_plan: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act.

    :param slug: its place in the address
    :param decide: whether it is possible now: what greys it out and refuses it alike
    :param preview: the plan for these values; raises Invalid by field
    :param perform: does it, and says what was done
    :param touches_money: the password is typed again before (SEC-2)
    :param is_rare: not shown at all where it is impossible
    :param tells: whether somebody is told, unless the box is unticked
    :param asks_for: what is asked, where that depends on the case
    :param reason_label: who reads the reason
    """

    slug: str
    action: str
    label: str
    note: str
    icon: str
    permission: Permission
    decide: Callable[[MentoringSession, Context], Decision]
    preview: Callable[[UUID, Values, bool, Context], Plan]
    perform: Callable[[UUID, Values, str, bool, str | None, Context], str]
    done: str
    key: str = ""
    danger: bool = False
    is_rare: bool = False
    tells: bool = True
    asks: Sequence[Ask] = field(default=())
    asks_for: Callable[[MentoringSession, Context], Sequence[Ask]] | None = None
    reasons: Sequence[str] = ()
    reason_label: str = "Reason, for colleagues and the audit trail"

    def made_for(self, session: MentoringSession, ctx: Context) -> Act:
        """The act as it asks about this case."""
        return self if self.asks_for is None else replace(self, asks=self.asks_for(session, ctx))


def minutes_of(values: Values) -> int | None:
    """How long it really took; empty is as planned."""
    text = values.get("actualDuration", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise Invalid(
            "This length cannot be used.", fields={"actualDuration": "Give whole minutes, or leave it empty."}
        )
    return int(text)


def percentage_of(values: Values) -> int:
    text = values.get("refundPercentage", "100").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100):
        message = "Give a whole number from 0 to 100."
        raise Invalid(message, fields={"refundPercentage": message})
    return int(text)


def moment_of(values: Values, name: str) -> datetime | None:
    """A browser's ``datetime-local`` in the reader's zone; None when it is empty."""
    text = values.get(name, "").strip()
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        wall = datetime.min  # noqa: DTZ901 - refused right below
    if wall.tzinfo is not None or not 2000 <= wall.year <= 2190:
        message = "Choose a day and a time."
        raise Invalid(message, fields={name: message})
    return starts_at(wall.date(), wall.hour * 60 + wall.minute, ZoneInfo(str(reader_zone())))


def required_moment_of(values: Values, name: str) -> datetime:
    """The same for a field that cannot stay empty."""
    found = moment_of(values, name)
    if found is None:
        message = "Choose a day and a time."
        raise Invalid(message, fields={name: message})
    return found


def _one_of(values: Values, name: str, kind: Any, default: Any) -> Any:
    try:
        return kind(values.get(name) or default)
    except ValueError:
        raise Invalid("Choose one of the list.", fields={name: "Choose one of the list."}) from None


def _restored(values: Values) -> SessionStatus:
    found: SessionStatus = _one_of(values, "restoreStatus", SessionStatus, SessionStatus.COMPLETED)
    return found


COMPLETE = Act(
    slug="complete",
    action=completing.ACTION,
    label="Force complete",
    note="Says that it took place, and pays the mentor",
    icon="check-circle",
    key="o",
    permission=Permission.SESSION_FORCE_COMPLETE,
    decide=completing.decide_complete,
    preview=lambda session_id, values, notify, ctx: completing.preview_force_complete(
        session_id, actual_minutes=minutes_of(values), notify_parties=notify, ctx=ctx
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        completing.force_complete(
            session_id,
            reason=reason,
            actual_minutes=minutes_of(values),
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="Session completed",
    asks=(
        Ask(
            name="actualDuration",
            label="How long it really took",
            kind="number",
            suffix="minutes",
            required=False,
            help="Empty: as planned.",
        ),
    ),
    reasons=("Both say that it took place", "It ran on another link", "It ended early by agreement"),
)
CLEAR_NO_SHOW = Act(
    slug="clear-no-show",
    action=clearing.ACTION,
    label="Clear the no-show",
    note="It was a mistake: the money is put right",
    icon="person-check",
    key="l",
    permission=Permission.SESSION_CLEAR_NO_SHOW,
    decide=lambda session, ctx: decide_clear_no_show(session.status, ctx.actor.kind, SessionStatus.COMPLETED),
    preview=lambda session_id, values, notify, ctx: clearing.preview_clear_no_show(
        session_id,
        restore=_restored(values),
        refund_percentage=percentage_of(values),
        notify_parties=notify,
        ctx=ctx,
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        clearing.clear_no_show(
            session_id,
            reason=reason,
            restore=_restored(values),
            refund_percentage=percentage_of(values),
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="No-show cleared",
    asks=(
        Ask(
            name="restoreStatus",
            label="What it becomes",
            kind="choice",
            options=(("completed", "Completed: the mentor is paid"), ("cancelled", "Cancelled, with a refund")),
            value="completed",
        ),
        Ask(
            name="refundPercentage",
            label="Refund, if it is cancelled",
            kind="number",
            value="100",
            suffix="%",
        ),
    ),
    reasons=("Both say that it took place", "The link did not work", "Reported by mistake"),
)
MARK_NO_SHOW = Act(
    slug="no-show",
    action=marking.ACTION,
    label="Mark a no-show",
    note="Says who did not come; the money follows",
    icon="person-x",
    key="w",
    danger=True,
    permission=Permission.SESSION_MARK_NO_SHOW,
    decide=marking.decide_mark_no_show,
    preview=lambda session_id, values, notify, ctx: marking.preview_mark_no_show(
        session_id, absent=_one_of(values, "absent", Party, Party.MENTEE), notify_parties=notify, ctx=ctx
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: marking.sentence_of(
        marking.mark_no_show(
            session_id,
            absent=_one_of(values, "absent", Party, Party.MENTEE),
            reason=reason,
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        )
    ),
    done="No-show marked",
    asks=(
        Ask(
            name="absent",
            label="Who did not come",
            kind="choice",
            options=(("mentee", "The mentee: nothing goes back"), ("mentor", "The mentor: everything goes back")),
            value="mentee",
        ),
    ),
    reasons=("The join log shows nobody else", "Confirmed by e-mail"),
    reason_label="Reason, which both will read",
)
DISMISS = Act(
    slug="dismiss-suggestion",
    action=dismissing.ACTION,
    label="Dismiss the no-show suggestion",
    note="It took place: the clock completes it, and the mentor is paid",
    icon="person-check",
    is_rare=True,
    tells=False,
    permission=Permission.SESSION_MARK_NO_SHOW,
    decide=dismissing.decide_dismissal,
    preview=lambda session_id, _values, _notify, ctx: dismissing.preview_dismissal(session_id, ctx=ctx),
    perform=lambda session_id, _values, reason, _notify, fingerprint, ctx: (
        dismissing.dismiss_suggestion(session_id, reason=reason, fingerprint=fingerprint, ctx=ctx).sentence
    ),
    done="Suggestion dismissed",
    reasons=("Both say that it took place", "They met on another link", "The log of the provider shows both"),
)
OVERRIDE = Act(
    slug="override",
    action=overriding.ACTION,
    label="Override a policy",
    note="Lets this session pass one rule, for a limited time",
    icon="unlock",
    key="v",
    permission=Permission.OVERRIDE_GRANT,
    decide=overriding.decide_override,
    preview=lambda session_id, values, notify, ctx: overriding.preview_override(
        session_id,
        override_type=_one_of(values, "overrideType", OverrideType, OverrideType.ALLOW_RESCHEDULE),
        expires_at=moment_of(values, "expiresAt"),
        notify_parties=notify,
        ctx=ctx,
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        overriding.grant_override(
            session_id,
            override_type=_one_of(values, "overrideType", OverrideType, OverrideType.ALLOW_RESCHEDULE),
            expires_at=moment_of(values, "expiresAt"),
            reason=reason,
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="Override granted",
    asks=(
        Ask(
            name="overrideType",
            label="Which rule",
            kind="choice",
            options=tuple((kind.value, words) for kind, words in overriding.WORDS.items()),
            value=OverrideType.ALLOW_RESCHEDULE.value,
        ),
        Ask(
            name="expiresAt",
            label="Until",
            kind="datetime",
            required=False,
            help="In your time zone. Empty: until the session's start.",
        ),
    ),
    reasons=("Goodwill after trouble on our side", "Emergency of the mentee"),
)
MOVE = Act(
    slug="move",
    action=moving.ACTION,
    label="Move to another time",
    note="Both calendars, the room and the files follow",
    icon="calendar-event",
    key="t",
    permission=Permission.SESSION_MOVE,
    decide=moving.decide_move,
    preview=lambda session_id, values, notify, ctx: moving.preview_move(
        session_id, starts_at=moment_of(values, "startsAt"), notify_parties=notify, ctx=ctx
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        moving.move_session(
            session_id,
            starts_at=required_moment_of(values, "startsAt"),
            reason=reason,
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="Session moved",
    asks=(
        Ask(
            name="startsAt",
            label="New start",
            kind="datetime",
            help="In your time zone. Weekly hours do not bind you; what both have planned does.",
        ),
    ),
    reasons=("Both agreed by e-mail", "Trouble on our side"),
    reason_label="Reason, which both will read",
)
MEETING_LINK = Act(
    slug="meeting-link",
    action=linking.ACTION,
    label="Set the meeting link",
    note="Replaces the room; shown to both once it opens",
    icon="link-45deg",
    permission=Permission.SESSION_SET_MEETING_LINK,
    decide=lambda session, _ctx: decide_link_by_hand(session),
    preview=lambda session_id, _values, notify, ctx: linking.preview_meeting_link(
        session_id, notify_parties=notify, ctx=ctx
    ),
    perform=lambda session_id, values, reason, notify, fingerprint, ctx: (
        linking.set_link(
            session_id,
            url=values.get("meetingUrl", ""),
            reason=reason,
            notify_parties=notify,
            fingerprint=fingerprint,
            ctx=ctx,
        ).sentence
    ),
    done="Link set",
    asks=(Ask(name="meetingUrl", label="Address", kind="url", help="Begins with https://", changes_plan=False),),
    reasons=("The provider was down", "The mentor asked for it"),
)
