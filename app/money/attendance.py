"""The money of a session according to who came, in both directions: marked, cleared, marked again (NS-2, NS-4, ACT-5).

Each time the question is the same: which percentage should have gone back by now? Too little is refunded. Too much is
withdrawn, as far as nobody has begun to send it; what is gone stays gone, and the mentor's share of it is the
platform's cost. Refunds that people decided besides stand in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from app.domain.context import Context
from app.domain.ledger import LedgerEvent, earnings_restored, earnings_taken_back
from app.domain.money import Money, percentage_of
from app.domain.vocabulary import AccountKind, OutboxState, RefundState, RefundType
from app.extensions import db
from app.models import LedgerAccount, LedgerPosting, LedgerTransaction, MentoringSession, OutboxRow, Refund
from app.money.ledger import count_of, post
from app.money.refunds import decide_refund, request_refund, withdraw_refund
from app.money.rows import MoneyRows, lock_rows, terms_of
from app.money.settlement import settle_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What bringing a session to a percentage comes to, foreseen or done.

    :param refund: goes back in addition, or waits for a second person
    :param withdrawn: was on its way back and does not go
    :param lost: has gone back, or can no longer be stopped, and is more than should
    :param borne: the mentor's share of ``lost``, paid by the platform
    :param mentor: the mentor's share in the end
    """

    paid: Money
    refund: Money
    needs_approval: bool
    withdrawn: Money
    lost: Money
    borne: Money
    mentor: Money


def foresee(session: MentoringSession, rows: MoneyRows, *, percentage: int, by_staff: bool) -> Correction:
    """What ``bring_to`` would do now; nothing is changed.

    :raises Invalid: the percentage is none
    """
    decide_refund(session, rows, percentage=percentage, by_staff=by_staff).require()
    withdrawn: list[Refund] = []
    while refund := next(_stoppable(session, rows, percentage), None):
        withdrawn.append(refund)
        rows = MoneyRows(rows.payments, tuple(each for each in rows.refunds if each is not refund))
    missing = decide_refund(session, rows, percentage=percentage, by_staff=by_staff)
    lost = _lost(session, rows, percentage)
    net, terms = rows.net_minor - missing.amount.minor, terms_of(session)
    borne = terms.mentor_share(net + lost) - terms.mentor_share(net)
    currency = session.currency
    return Correction(
        paid=Money(rows.paid_minor, currency),
        refund=missing.amount,
        needs_approval=missing.needs_approval,
        withdrawn=Money(sum(each.amount_minor for each in withdrawn), currency),
        lost=Money(lost, currency),
        borne=Money(borne, currency),
        mentor=Money(terms.mentor_share(net) + borne, currency),
    )


def bring_to(
    session: MentoringSession,
    *,
    percentage: int,
    reason: str,
    ctx: Context,
    by_staff: bool = False,
    notify_parties: bool = True,
) -> Correction:
    """This function will bring a locked session's refunds to a percentage of what was paid, and settle the rest.

    :param by_staff: whether a new refund counts for the approval threshold (MN-9)
    :raises Invalid: the percentage is none
    """
    rows = lock_rows(session)
    done = foresee(session, rows, percentage=percentage, by_staff=by_staff)
    while refund := next(_stoppable(session, rows, percentage), None):
        if not withdraw_refund(session, refund, reason=reason, ctx=ctx):
            # Its sending began between the question and the withdrawal: it counts as gone.
            break
        rows = lock_rows(session)
    if done.refund.minor:
        request_refund(
            session,
            percentage=percentage,
            type=RefundType.POLICY,
            reason=reason,
            ctx=ctx,
            by_staff=by_staff,
            notify_parties=notify_parties,
        )
    elif rows.paid_by is not None and not rows.decided():
        session.refund_percentage = percentage
    rows = lock_rows(session)
    _bear(session, rows, _lost(session, rows, percentage), ctx)
    settle_session(session, ctx)
    return done


def stoppable_refunds(session: MentoringSession, rows: MoneyRows) -> Sequence[UUID]:
    """The refunds for an absence that could be withdrawn now, for a preview's fingerprint."""
    return [refund.id for refund in _stoppable(session, rows, 0)]


def _for_absence(rows: MoneyRows) -> list[Refund]:
    """Refunds that a rule decided. Before its end only a missed session has any: a cancelled one is over for good."""
    return [each for each in rows.refunds if each.type is RefundType.POLICY and each.status is not RefundState.DECLINED]


def _surplus(session: MentoringSession, rows: MoneyRows, percentage: int) -> int:
    return rows.facts(session.currency).refunded_minor - percentage_of(rows.paid_minor, percentage)


def _lost(session: MentoringSession, rows: MoneyRows, percentage: int) -> int:
    """What went back for an absence and should not have."""
    for_absence = sum(refund.amount_minor for refund in _for_absence(rows))
    return max(0, min(_surplus(session, rows, percentage), for_absence))


def _stoppable(session: MentoringSession, rows: MoneyRows, percentage: int) -> Iterator[Refund]:
    """Refunds for an absence beyond the percentage that nobody has begun to send, newest first."""
    if _surplus(session, rows, percentage) > 0:
        for refund in reversed(_for_absence(rows)):
            if refund.status is RefundState.AWAITING_APPROVAL or _is_unsent(refund):
                yield refund


def _is_unsent(refund: Refund) -> bool:
    if refund.status is not RefundState.PENDING or refund.attempts:
        return False
    work = select(OutboxRow.state).where(OutboxRow.key == refund.idempotency_key)
    return db.session.scalar(work) is OutboxState.QUEUED


def _bear(session: MentoringSession, rows: MoneyRows, lost_minor: int, ctx: Context) -> None:
    """Have the platform pay the mentor's share of what is lost, no more and no less."""
    terms, net = terms_of(session), rows.net_minor
    wanted = terms.mentor_share(net + lost_minor) - terms.mentor_share(net)
    before = _borne_minor(session.id)
    if wanted == before:
        return
    # One session may go back and forth: each entry has a name of its own.
    turn = count_of(session.id, LedgerEvent.EARNINGS_RESTORED)
    if before:
        taken = earnings_taken_back(terms, before)
        post(taken, source_id=f"{session.id}:{turn}", ctx=ctx, session_id=session.id)
    if wanted:
        restored = earnings_restored(terms, lost_minor, net_before=net)
        post(restored, source_id=f"{session.id}:{turn + 1}", ctx=ctx, session_id=session.id)


def _borne_minor(session_id: UUID) -> int:
    """What the platform has paid the session's mentor of its own."""
    kinds = [LedgerEvent.EARNINGS_RESTORED.value, LedgerEvent.EARNINGS_TAKEN_BACK.value]
    total = db.session.scalar(
        select(func.sum(LedgerPosting.amount_minor))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .join(LedgerAccount, LedgerAccount.id == LedgerPosting.account_id)
        .where(
            LedgerTransaction.session_id == session_id,
            LedgerTransaction.kind.in_(kinds),
            LedgerAccount.kind == AccountKind.MENTOR_PAYABLE,
        )
    )
    return -int(total or 0)
