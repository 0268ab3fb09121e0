"""Every night: sessions, payments, refunds, the ledger and the gateway's own lists are laid beside one another (MN-11).

What does not agree becomes a finding, once, and is closed when it is gone. What the gateway gave back without being
asked is booked first, so that it is a task and no disagreement (MN-14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Uuid, bindparam, text

from app.domain.context import Context
from app.domain.errors import ProviderFailed
from app.domain.vocabulary import NotificationType, Role
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import PaymentGateway
from app.messaging.links import BOOKS
from app.money import gateway_books
from app.money.checks import CHECKS, Problem
from app.money.findings import close_gone, raise_finding
from app.money.gateway_books import GatewayBooks, compare_books, read_books
from app.money.outside import book_returns
from app.money.telling import tell_support

# How far back a gateway is asked each night; a card's bank may take money back for about as long.
LOOKS_BACK: Final = timedelta(days=180)
_log = structlog.get_logger(__name__)

_SESSION_OF = text("""
SELECT id FROM sessions WHERE id = :id
UNION ALL SELECT session_id FROM payments WHERE id = :id OR reference = :name
UNION ALL SELECT session_id FROM refunds WHERE id = :id
UNION ALL SELECT session_id FROM ledger_transactions WHERE id = :id LIMIT 1
""").bindparams(bindparam("id", type_=Uuid))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question found."""

    invariant: str
    says: str
    problems: Sequence[Problem]


def ask_everything(books: GatewayBooks | None, *, now: datetime) -> list[Answer]:
    """This function will ask every question about money; inside a transaction, and nothing is changed.

    :param books: None when the gateway did not answer
    """
    answers = [Answer(check.invariant, check.says, check.run()) for check in CHECKS]
    if books is not None:
        found = compare_books(books, now=now)
        answers.append(Answer(gateway_books.INVARIANT, gateway_books.SAYS, found))
    return answers


def books_of(gateway: PaymentGateway, *, now: datetime) -> GatewayBooks | None:
    """The gateway's lists; None when it does not answer, which the next night makes good."""
    try:
        return read_books(gateway, since=now - LOOKS_BACK)
    except ProviderFailed as error:
        _log.warning("gateway_not_reconciled", gateway=gateway.name, error=str(error))
        return None


def reconcile(gateway: PaymentGateway, ctx: Context) -> dict[str, Any]:
    """This function will compare all books, keep what does not agree as findings, and give how many (MN-11)."""
    books = books_of(gateway, now=ctx.now)
    booked = _book_returns(books, ctx)
    with transaction():
        answers = ask_everything(books, now=ctx.now)
        new, there = 0, set[str]()
        for answer in answers:
            for problem in answer.problems:
                key = key_of(answer.says, problem)
                there.add(key)
                facts = {"subject": problem.subject, "what": problem.what, "invariant": answer.invariant}
                session_id = _session_of(problem.subject)
                new += raise_finding(key, check=answer.says, facts=facts, session_id=session_id, ctx=ctx)
        closed = _close(there, books, ctx)
        if new:
            _tell(new, ctx)
    counts = {"found": len(there), "new": new, "closed": closed, "returns_booked": booked}
    return {"counts": counts, "gateway": "read" if books is not None else "silent"}


def key_of(says: str, problem: Problem) -> str:
    """The same disagreement has the same name every night."""
    return hashlib.sha256(f"{says}\n{problem.subject}\n{problem.what}".encode()).hexdigest()[:40]


def _book_returns(books: GatewayBooks | None, ctx: Context) -> int:
    if books is None:
        return 0
    return sum(len(book_returns(reference, listed, ctx)) for reference, listed in books.returns.items())


def _close(there: set[str], books: GatewayBooks | None, ctx: Context) -> int:
    closed = close_gone(there, only_since=None, checks={check.says for check in CHECKS}, ctx=ctx)
    if books is not None:
        closed += close_gone(there, only_since=books.since, checks={gateway_books.SAYS}, ctx=ctx)
    return closed


def _tell(new: int, ctx: Context) -> None:
    one = new == 1
    tell_support(
        NotificationType.PAYMENT_FAILED,
        title="The books do not agree",
        body=f"Reconciliation found {new} new {'disagreement' if one else 'disagreements'} about money.",
        session_id=None,
        action_url=BOOKS,
        ctx=ctx,
        roles=(Role.ADMIN, Role.OPS),
    )


def _session_of(subject: str) -> UUID | None:
    try:
        as_id: UUID | None = UUID(subject)
    except ValueError:
        as_id = None
    found: UUID | None = db.session.execute(_SESSION_OF, {"id": as_id, "name": subject}).scalar()
    return found
