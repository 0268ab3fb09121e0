"""The head of the staff audit trail on its way out of the house (AUD-3)."""

from __future__ import annotations

from sqlalchemy import select

from app.domain.context import Context
from app.domain.vocabulary import Role
from app.extensions import db
from app.foundation.audit import head_of_chain
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.models import User


def mail_head(*, ctx: Context) -> int:
    """This function will queue an e-mail with the chain's head to every admin, and give their number.

    A head that was mailed already is not mailed again.
    """
    with transaction():
        head = head_of_chain()
        if head.seq == 0:
            return 0
        admins = db.session.scalars(
            select(User)
            .where(User.role == Role.ADMIN, User.is_active, User.suspended_at.is_(None))
            .order_by(User.created_at, User.id)
        ).all()
        facts = {"rows": head.seq, "head": head.hash}
        sent = [
            send_mail("audit_head", admin, facts=facts, ctx=ctx, cause=f"audit-head:{head.seq}") for admin in admins
        ]
    return sum(event is not None for event in sent)
