"""Writing entries into the ledger and asking it for balances (MN-4). Rows are only added; the database refuses more.

What an event writes is decided in ``domain.ledger``. Debits are positive, credits negative, amounts in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Text, Uuid, and_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.context import Context
from app.domain.ledger import Account, Entry, LedgerEvent
from app.domain.vocabulary import AccountKind
from app.extensions import db
from app.foundation.prepared import Prepared
from app.models import LedgerAccount, LedgerPosting, LedgerTransaction, MentoringSession


def post(
    entry: Entry, *, source_id: UUID | str, ctx: Context, session_id: UUID | None = None, note: str | None = None
) -> LedgerTransaction | None:
    """This function will write one balanced entry; None when nothing moves.

    Call it inside a transaction, with the session's rows locked.

    :param source_id: the payment, refund, session or payout it stands for; one source has one entry per event, and the
        database refuses a second, so that a mistake can never count money twice
    """
    if entry.is_empty:
        return None
    accounts = _account_ids({posting.account for posting in entry.postings}, entry.currency, ctx)
    written = LedgerTransaction(
        id=uuid4(),
        kind=entry.event.value,
        source_id=str(source_id),
        session_id=session_id,
        note=note,
        created_at=ctx.now,
    )
    db.session.add(written)
    db.session.flush()  # a second entry of this source is refused here, not somewhere later
    db.session.add_all(
        LedgerPosting(
            id=uuid4(),
            transaction_id=written.id,
            account_id=accounts[posting.account],
            amount_minor=posting.minor,
            currency=entry.currency,
        )
        for posting in entry.postings
    )
    db.session.flush()
    return written


def _account_ids(accounts: Iterable[Account], currency: str, ctx: Context) -> dict[Account, UUID]:
    # One order for everybody: two transactions that make the same accounts wait for each other and never crosswise.
    wanted = sorted(accounts, key=lambda account: (account.kind, str(account.owner)))
    found = _known_accounts(wanted, currency)
    missing = [account for account in wanted if account not in found]
    if not missing:
        return found
    for account in missing:
        db.session.execute(
            insert(LedgerAccount)
            .values(id=uuid4(), kind=account.kind, owner_id=account.owner, currency=currency, created_at=ctx.now)
            .on_conflict_do_nothing(constraint="uq_ledger_accounts_kind_owner_id_currency")
        )
    return _known_accounts(wanted, currency)


def _known_accounts(accounts: Iterable[Account], currency: str) -> dict[Account, UUID]:
    rows = db.session.execute(
        select(LedgerAccount.kind, LedgerAccount.owner_id, LedgerAccount.id).where(
            LedgerAccount.currency == currency, or_(*(_is(account) for account in accounts))
        )
    )
    return {Account(row.kind, row.owner_id): row.id for row in rows}


def _is(account: Account) -> ColumnElement[bool]:
    owner = LedgerAccount.owner_id
    return and_(
        LedgerAccount.kind == account.kind, owner.is_(None) if account.owner is None else owner == account.owner
    )


def balance(account: Account, currency: str) -> int:
    """The sum of an account's postings; what is owed to somebody is negative."""
    return int(_balance(account.owner is not None).run(**_named(account, currency)).scalar_one())


# Put together once: every checkout asks, and building them takes longer than the answer.
@cache
def _balance(has_owner: bool) -> Prepared:  # noqa: FBT001 - one of two shapes
    total = select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0))
    join = LedgerAccount.id == LedgerPosting.account_id
    return Prepared(total.join(LedgerAccount, join).where(_is_named(has_owner)))


@cache
def _account_locked(has_owner: bool) -> Prepared:  # noqa: FBT001 - as above
    # Postings refer to the account and need not wait.
    return Prepared(select(LedgerAccount.id).where(_is_named(has_owner)).with_for_update(key_share=True))


def _is_named(has_owner: bool) -> ColumnElement[bool]:  # noqa: FBT001 - as above
    owner = LedgerAccount.owner_id
    return and_(
        LedgerAccount.kind == bindparam("kind", type_=LedgerAccount.kind.type),
        owner == bindparam("owner", type_=Uuid()) if has_owner else owner.is_(None),
        LedgerAccount.currency == bindparam("currency", type_=Text()),
    )


def _named(account: Account, currency: str) -> dict[str, Any]:
    owner = {} if account.owner is None else {"owner": account.owner}
    return {"kind": account.kind, "currency": currency, **owner}


def lock_account(account: Account, currency: str) -> None:
    """This function will lock an account, for whoever decides by its balance what may be taken from it.

    An account that does not exist yet has nothing that two could take at once. Accounts come last in the lock order.
    """
    _account_locked(account.owner is not None).run(**_named(account, currency))


def balances_of_session(session_id: UUID) -> dict[Account, int]:
    """What one session put on each account, by its own entries only."""
    rows = db.session.execute(
        select(LedgerAccount.kind, LedgerAccount.owner_id, func.sum(LedgerPosting.amount_minor))
        .join(LedgerPosting, LedgerPosting.account_id == LedgerAccount.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerTransaction.session_id == session_id)
        .group_by(LedgerAccount.kind, LedgerAccount.owner_id)
    )
    return {Account(kind, owner_id): int(total) for kind, owner_id, total in rows}


def count_of(session_id: UUID, event: LedgerEvent) -> int:
    """How many entries of this kind the session has."""
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(LedgerTransaction)
            .where(LedgerTransaction.session_id == session_id, LedgerTransaction.kind == event.value)
        )
        or 0
    )


def is_settled(session_id: UUID) -> bool:
    """Whether what is kept of the session has become available: settled more often than that was taken back."""
    return count_of(session_id, LedgerEvent.SETTLED) > count_of(session_id, LedgerEvent.UNSETTLED)


def earner_of(session: MentoringSession) -> UUID:
    """Under whose name the session's earnings stand: its mentor's at the payment, then whoever they were moved to.

    A new mentor whom the mentee has not accepted yet has none of them (MN-14).
    """
    if not session.was_reassigned and not session.cancelled_mentor_ids:
        return session.mentor_id
    rows = db.session.execute(
        select(LedgerTransaction.kind, LedgerTransaction.source_id, LedgerAccount.owner_id)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerPosting.account_id)
        .where(
            LedgerTransaction.session_id == session.id,
            LedgerTransaction.kind.in_([LedgerEvent.PAYMENT.value, LedgerEvent.EARNINGS_MOVED.value]),
            LedgerAccount.kind.in_([AccountKind.HELD, AccountKind.MENTOR_PAYABLE]),
            LedgerAccount.owner_id.is_not(None),
            LedgerPosting.amount_minor < 0,
        )
    )
    # The payment comes first, then the moves by their number.
    owners = {_number_of(row.kind, row.source_id): row.owner_id for row in rows}
    found: UUID = owners[max(owners)] if owners else session.mentor_id
    return found


def earnings_source(session_id: UUID) -> str:
    """The name of the next entry that moves a session's earnings."""
    return f"{session_id}:{count_of(session_id, LedgerEvent.EARNINGS_MOVED) + 1}"


def _number_of(kind: str, source_id: str) -> int:
    return int(source_id.rpartition(":")[2]) if kind == LedgerEvent.EARNINGS_MOVED.value else 0
