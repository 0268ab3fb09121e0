"""Earnings that follow a session to another mentor, or are nobody's (MN-14, CX-4)."""

from __future__ import annotations

from app.domain.context import Context
from app.domain.ledger import earnings_forfeited, earnings_moved
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


def forfeit_earnings(session: MentoringSession, ctx: Context) -> LedgerTransaction | None:
    """This function will take a locked session's earnings from the mentor who gave it up; nobody took it over.

    Call it while the reassignment is still open, before anything goes back: from ``rejected`` on the mentor's share of
    the session is nothing. None when nothing was paid.
    """
    entry = earnings_forfeited(terms_of(session), net_minor=lock_rows(session).net_minor)
    return post(entry, source_id=session.id, ctx=ctx, session_id=session.id)
