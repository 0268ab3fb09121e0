"""A batch of payouts as a file for the bank (MN-10, AUD-4)."""

from __future__ import annotations

import csv
from io import StringIO
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import Payout, User
from app.support.export import ACTION, safe_cell

_HEAD = ("payout", "mentor", "name", "email", "amount", "currency", "reference")


def payout_file(batch_id: UUID, *, ctx: Context) -> str:
    """This function will write a batch as CSV, and note that somebody took it.

    :raises Forbidden: not an admin
    :raises NotFound: there is no such batch
    """
    require(ctx.actor, Permission.PAYOUT_RECORD)
    rows = db.session.execute(
        select(Payout, User.name, User.email)
        .join(User, User.id == Payout.mentor_id)
        .where(Payout.batch_id == batch_id)
        .order_by(Payout.reference, Payout.id)
    ).all()
    if not rows:
        raise NotFound
    with transaction():
        record_staff_act(
            action=ACTION,
            reason="Payout file for the bank",
            ctx=ctx,
            subject_type="payout_batch",
            subject_id=batch_id,
            details={"what": "payouts", "rows": len(rows)},
        )
    out = StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerow(_HEAD)
    for each, name, email in rows:
        amount = Money(each.amount_minor, each.currency)
        write.writerow(
            [each.id, each.mentor_id, safe_cell(name), safe_cell(email), amount.amount, amount.currency,
             safe_cell(each.reference or "")]
        )  # fmt: skip
    return out.getvalue()
