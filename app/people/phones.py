"""A number for text messages: given, proved by a code that was sent to it, taken away again (SMS-1)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation import outbox
from app.foundation.transaction import transaction
from app.models import PhoneNumber
from app.people.accounts import load_user_for_change
from app.people.credentials import secret_hash

CODE: Final = "sms.code"
_NUMBER: Final = re.compile(r"\+[1-9]\d{7,14}")
_CODE_HOLDS: Final = timedelta(minutes=15)
# So long one waits for another code: nobody's phone is flooded.
_PAUSE: Final = timedelta(minutes=1)
# A code has a million values: guessing ends long before one of them.
_MOST_TRIES: Final = 5


def give_phone(user_id: UUID, *, number: str, ctx: Context) -> None:
    """This function will note a number and have a code sent to it; until that is given back it gets nothing else.

    :param number: with its country, as ``+49 151 1234567``
    :raises Invalid: it is no number
    :raises Conflict: a code was sent within the last minute
    :raises NotFound: on behalf of somebody else
    """
    _require_own(user_id, ctx)
    plain = re.sub(r"[\s()./-]", "", number)
    if not _NUMBER.fullmatch(plain):
        message = "Write the number with its country, such as +49 151 1234567."
        raise Invalid(message, fields={"number": message})
    with transaction():
        load_user_for_change(user_id)
        phone = db.session.get(PhoneNumber, user_id, populate_existing=True)
        if phone is not None and ctx.now < phone.asked_at + _PAUSE:
            raise Conflict("A code is on its way. Wait a minute before you ask for another.", code="code_sent")
        if phone is None:
            phone = PhoneNumber(user_id=user_id, number=plain, asked_at=ctx.now)
            db.session.add(phone)
        phone.number, phone.asked_at = plain, ctx.now
        phone.code_hash, phone.code_tries, phone.confirmed_at = None, 0, None
        outbox.put(
            CODE,
            key=f"{CODE}:{user_id}:{ctx.now.isoformat()}",
            payload={"user_id": user_id, "asked_at": ctx.now},
            not_after=ctx.now + _CODE_HOLDS,
            ctx=ctx,
        )


def confirm_phone(user_id: UUID, *, code: str, ctx: Context) -> None:
    """This function will take a number as its owner's, who gives the code that was sent to it.

    :raises Invalid: the code is another, has ended, or there were too many tries
    :raises NotFound: on behalf of somebody else, or there is no number
    """
    _require_own(user_id, ctx)
    with transaction():
        load_user_for_change(user_id)
        phone = db.session.get(PhoneNumber, user_id, populate_existing=True)
        if phone is None:
            raise NotFound
        if phone.confirmed_at is not None:
            return
        is_over = ctx.now >= phone.asked_at + _CODE_HOLDS or phone.code_tries >= _MOST_TRIES
        phone.code_tries += 1
        given = _hash(phone, "".join(code.split()))
        is_right = not is_over and secrets.compare_digest(given, phone.code_hash or "")
        if is_right:
            phone.confirmed_at, phone.code_hash = ctx.now, None
    # Outside: a wrong try is counted.
    if not is_right:
        message = "This code has ended. Ask for another." if is_over else "That is not the code that was sent to you."
        raise Invalid(message, fields={"code": message})


def remove_phone(user_id: UUID, *, ctx: Context) -> None:
    """This function will forget a number; nothing is sent to it any more.

    :raises NotFound: on behalf of somebody else
    """
    _require_own(user_id, ctx)
    with transaction():
        db.session.execute(delete(PhoneNumber).where(PhoneNumber.user_id == user_id))


def phone_of(user_id: UUID) -> PhoneNumber | None:
    """Somebody's number, proved or not."""
    return db.session.get(PhoneNumber, user_id, populate_existing=True)


def confirmed_numbers(user_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The proved numbers of these people."""
    found = select(PhoneNumber.user_id, PhoneNumber.number).where(
        PhoneNumber.user_id.in_(user_ids), PhoneNumber.confirmed_at.is_not(None)
    )
    return {row.user_id: row.number for row in db.session.execute(found)}


def number_for_code(user_id: UUID, asked_at: datetime) -> str | None:
    """The number that waits for the code that was asked for then; None when another was, or it is proved."""
    phone = phone_of(user_id)
    if phone is None or phone.confirmed_at is not None or phone.asked_at != asked_at:
        return None
    return phone.number


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(10**6):06}"


def record_code(user_id: UUID, asked_at: datetime, code: str) -> None:
    """This function will keep the hash of the code that was sent."""
    with transaction():
        phone = db.session.get(PhoneNumber, user_id, with_for_update=True, populate_existing=True)
        if phone is not None and phone.asked_at == asked_at:
            phone.code_hash = _hash(phone, code)


def _hash(phone: PhoneNumber, code: str) -> str:
    return secret_hash(f"{phone.user_id}:{phone.number}:{code}")


def _require_own(user_id: UUID, ctx: Context) -> None:
    require(ctx.actor, Permission.OWN_SESSION_VIEW)
    if ctx.actor.user_id != user_id:
        raise NotFound
