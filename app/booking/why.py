"""Decision records: why something was decided, kept for the case page and for both parties (WHY-1, WHY-2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from app.domain.context import Context
from app.domain.decision import Decision
from app.extensions import db
from app.foundation.transaction import after_rollback, transaction
from app.models import DecisionRecord, MentoringSession


def remember(decision: Decision, *, session: MentoringSession, kind: str, ctx: Context) -> UUID:
    """This function will store a decision about a session in the open transaction, and give the record's id.

    :param kind: what was decided: ``cancel``, ``refund``, ``expire``, …
    """
    row = _row(decision, session, kind, ctx)
    db.session.add(DecisionRecord(**row))
    record_id: UUID = row["id"]
    return record_id


def require(decision: Decision, *, session: MentoringSession, kind: str, ctx: Context) -> None:
    """This function will raise a refusal, and keep its record although everything else is undone (WHY-1).

    :raises DomainError: what the decision refuses with
    """
    if decision.allowed:
        return
    row = _row(decision, session, kind, ctx)
    after_rollback(lambda: _store(row))
    decision.require()


def _row(decision: Decision, session: MentoringSession, kind: str, ctx: Context) -> dict[str, Any]:
    snapshot = decision.snapshot()
    return {
        "id": uuid4(),
        "session_id": session.id,
        "kind": kind,
        "actor_id": ctx.actor.user_id,
        "allowed": decision.allowed,
        "rule": decision.rule,
        "message": decision.message,
        "inputs": snapshot["numbers"],
        "consequences": snapshot["consequences"],
        "next_change": decision.next_change,
        "policy_version_id": session.policy_version_id,
        "created_at": ctx.now,
    }


def _store(row: dict[str, Any]) -> None:
    with transaction():
        db.session.add(DecisionRecord(**row))
