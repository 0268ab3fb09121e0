"""When what is kept of a payment becomes the mentor's and the platform's (MN-5)."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.context import Context
from app.domain.ledger import LedgerEvent, settlement, settlement_reversed
from app.domain.money import Money
from app.domain.vocabulary import SessionStatus
from app.models import LedgerTransaction, MentoringSession
from app.money.ledger import count_of, is_settled, post
from app.money.rows import MoneyRows, lock_rows, read_rows, terms_of

_OVER = frozenset({SessionStatus.COMPLETED, SessionStatus.CANCELLED, SessionStatus.NO_SHOW})


@dataclass(frozen=True, slots=True)
class Shares:
    """Who gets what of a session's net price."""

    mentor: Money
    platform: Money


def split_of(session: MentoringSession) -> Shares:
    """The shares of what was paid less refunds; of the price, while nothing is paid yet (MN-5)."""
    rows = read_rows(session.id)
    net = rows.net_minor if rows.paid_by else session.rate_minor
    mentor = terms_of(session).mentor_share(net)
    return Shares(Money(mentor, session.currency), Money(net - mentor, session.currency))


def settle_session(session: MentoringSession, ctx: Context) -> LedgerTransaction | None:
    """This function will make available what is kept of a locked session's payment (MN-5).

    Call it when the session was completed, when the mentee did not show, and for what stays after a cancellation. None
    when there is nothing to move, it was done already, or a refund still waits for a second person; deciding that
    refund then settles the rest.
    """
    return settle_rows(session, lock_rows(session), ctx)


def settle_rows(session: MentoringSession, rows: MoneyRows, ctx: Context) -> LedgerTransaction | None:
    """``settle_session`` for whoever has locked the rows already."""
    if rows.net_minor == 0 or rows.waits_for_approval or is_settled(session.id):
        return None
    # Undone and settled again is a second entry of one session: it gets a name of its own.
    before = count_of(session.id, LedgerEvent.SETTLED)
    source = f"{session.id}:{before + 1}" if before else str(session.id)
    return post(settlement(terms_of(session), rows.net_minor), source_id=source, ctx=ctx, session_id=session.id)


def settle_if_over(session: MentoringSession, rows: MoneyRows, ctx: Context) -> None:
    """This function will settle a session that ended while a refund waited for approval."""
    if session.status in _OVER:
        settle_rows(session, rows, ctx)


def unsettle_session(session: MentoringSession, ctx: Context) -> LedgerTransaction | None:
    """This function will take a locked session's settlement back, because the act behind it was undone or corrected."""
    if not is_settled(session.id):
        return None
    rows = lock_rows(session)
    before = count_of(session.id, LedgerEvent.UNSETTLED)
    source = f"{session.id}:{before + 1}" if before else str(session.id)
    entry = settlement_reversed(terms_of(session), rows.net_minor)
    return post(entry, source_id=source, ctx=ctx, session_id=session.id)
