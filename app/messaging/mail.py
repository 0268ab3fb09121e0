"""Queuing an e-mail in the transaction that caused it (EM-2, EM-3).

The row of ``email_events`` holds a snapshot of all that the words need, so that what is sent in an hour, previewed
tomorrow or sent again next week says what was true when it was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select, update

from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.vocabulary import EmailState, Role
from app.extensions import db
from app.foundation import outbox
from app.foundation.audit import plain
from app.foundation.once_rows import insert_once
from app.messaging.letters import LETTERS, LetterKind
from app.messaging.render import subject_of
from app.models import EmailEvent, MentoringSession, User

KIND = "mail.send"
CalendarMethod = Literal["request", "cancel"]


def send_mail(
    template: str,
    to: User,
    *,
    facts: Mapping[str, Any] | None = None,
    ctx: Context,
    cause: str,
    session: MentoringSession | None = None,
    with_ics: CalendarMethod | None = None,
    not_after: datetime | None = None,
) -> UUID | None:
    """This function will queue one e-mail; None when this person was told of this cause already (INV-5).

    Which facts a template needs stands in ``messaging.letters``. A calendar file is made from the session as it is now:
    raise ``calendar_sequence`` first, on every change of time and on a cancellation.

    :param cause: names the event for ever, such as ``cancelled:<session id>``; one cause never mails a person twice
    :param not_after: dropped instead of sent late
    :raises ValueError: when a fact is missing or unknown; a mistake of the caller's, noticed before anything is kept
    """
    kind = LETTERS[template]
    db.session.flush()  # a person who registers right now has an id only then
    given = _checked(template, kind, facts or {}, session, with_ics)
    secret = {name: value for name, value in given.items() if name in kind.secret}
    details: dict[str, Any] = {
        "name": to.name,
        "role": to.role,
        "zone": to.timezone,
        "facts": {name: value for name, value in given.items() if name not in kind.secret},
    }
    if session is not None:
        details["session"] = _snapshot(session, reader=to)
    if with_ics and session is not None:
        details["ics"] = {"method": with_ics, "sequence": session.calendar_sequence}
    details = plain(details)
    event_id = _store(template, kind, to, details, ctx=ctx, cause=cause, session=session)
    if event_id is None:
        return None
    deadlines = [not_after, ctx.now + kind.pointless_after if kind.pointless_after else None]
    outbox.put(
        KIND,
        key=f"mail:{event_id}",
        payload={"event_id": event_id, **({"secret": secret} if secret else {})},
        ctx=ctx,
        session_id=session.id if session else None,
        not_after=min((deadline for deadline in deadlines if deadline), default=None),
    )
    return event_id


def _checked(
    template: str,
    kind: LetterKind,
    facts: Mapping[str, Any],
    session: MentoringSession | None,
    with_ics: CalendarMethod | None,
) -> dict[str, Any]:
    missing = [name for name in sorted(kind.needs) if facts.get(name) is None]
    unknown = sorted(facts.keys() - kind.needs - kind.may)
    if missing or unknown:
        message = f"the mail {template!r} needs {missing} and knows no {unknown}"
        raise ValueError(message)
    if kind.about_session and session is None:
        message = f"the mail {template!r} is about a session; give it one"
        raise ValueError(message)
    if with_ics and (session is None or session.scheduled_at is None):
        message = f"the mail {template!r} can carry no calendar file: there is no time to put into it"
        raise ValueError(message)
    return {name: facts.get(name) for name in sorted(kind.needs | kind.may)}


def _snapshot(session: MentoringSession, *, reader: User) -> dict[str, Any]:
    """What a mail says of a session: never its meeting link (JN-2), only facts that its parties may know."""
    # A mentor who was replaced is told of it as a mentor too.
    is_mentor = reader.id == session.mentor_id or (reader.role is Role.MENTOR and reader.id != session.mentee_id)
    other_id = session.mentee_id if is_mentor else session.mentor_id
    other = db.session.get(User, other_id)
    return {
        "id": session.id,
        "title": session.title,
        "start": session.scheduled_at,
        "duration": session.duration,
        "meeting_type": session.meeting_type,
        "location": session.location,
        "other_name": other.name if other else "",
        "reader_is_mentor": is_mentor,
        "price_minor": session.rate_minor,
        "currency": session.currency,
        "preferred_time_note": session.preferred_time_note,
    }


def _store(
    template: str,
    kind: LetterKind,
    to: User,
    details: dict[str, Any],
    *,
    ctx: Context,
    cause: str,
    session: MentoringSession | None,
) -> UUID | None:
    return insert_once(
        EmailEvent,
        "dedupe_key",
        action=kind.action,
        recipient=to.email,
        user_id=to.id,
        template=template,
        session_id=session.id if session else None,
        subject=subject_of(template, details, written_at=ctx.now),
        status=EmailState.QUEUED,
        attempts=0,
        details=details,
        dedupe_key=f"{template}:{cause}:{to.id}",
        created_at=ctx.now,
    )


def send_again(event_id: UUID, *, ctx: Context) -> None:
    """This function will queue an e-mail once more, with the words of the first time (EM-2).

    Permission is the caller's question.

    :raises NotFound: there is no such e-mail
    :raises Invalid: it is on its way already, or held a secret that is kept nowhere
    """
    event = db.session.scalars(
        select(EmailEvent).where(EmailEvent.id == event_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if event is None:
        raise NotFound
    if event.status is EmailState.QUEUED:
        raise Invalid("This e-mail is still on its way. Wait until it was sent or has failed.")
    if LETTERS[event.template].secret:
        raise Invalid("This e-mail held a link for one use that is kept nowhere. Ask the person to request a new one.")
    event.status, event.error = EmailState.QUEUED, None
    stamp = ctx.now.astimezone(UTC).strftime("%Y%m%d%H%M%S%f")
    outbox.put(
        KIND, key=f"mail:{event.id}:{stamp}", payload={"event_id": event.id}, ctx=ctx, session_id=event.session_id
    )


def close_past_letters(*, until: datetime) -> None:
    """This function will mark what was queued up to ``until`` as sent, for a history that is made afterwards.

    Nobody gets these letters; they can be read in the console as any other.
    """
    ids = [UUID(payload["event_id"]) for payload in outbox.settle_past(KIND, until=until)]
    db.session.execute(
        update(EmailEvent)
        .where(EmailEvent.id.in_(ids))
        .values(status=EmailState.SENT, attempts=1, sent_at=EmailEvent.created_at)
    )
