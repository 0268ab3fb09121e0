"""Earnings that follow a session to another mentor (MN-14)."""

from __future__ import annotations

from app.domain.context import Context
from app.domain.ledger import earnings_moved
from app.models import LedgerTransaction, MentoringSession
from app.money.ledger import earnings_source, is_settled, post
from app.money.rows import lock_rows, terms_of


def move_earnings(session: MentoringSession, ctx: Context) -> LedgerTransaction | None:
    """This function will put a locked session's earnings under the name of its mentor.

    None when they stand there already, or nothing was paid.
    """
    rows = lock_rows(session)
    terms = terms_of(session)
    if terms.mentor_id == session.mentor_id or rows.net_minor == 0:
        return None
    entry = earnings_moved(terms, session.mentor_id, net_minor=rows.net_minor, settled=is_settled(session.id))
    return post(entry, source_id=earnings_source(session.id), ctx=ctx, session_id=session.id)
