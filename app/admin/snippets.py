"""Reasons that a click puts into a dialog's field (ACT)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from app.extensions import db
from app.models import ReasonSnippet

_MOST = 12


def reason_snippets(action: str, *, otherwise: Sequence[str]) -> list[str]:
    """The kept reasons for this act and those for any; ``otherwise`` while nobody has kept one."""
    kept = db.session.scalars(
        select(ReasonSnippet.body)
        .where(ReasonSnippet.retired_at.is_(None), or_(ReasonSnippet.action.is_(None), ReasonSnippet.action == action))
        .order_by(ReasonSnippet.title)
        .limit(_MOST)
    ).all()
    return list(kept) or list(otherwise)
