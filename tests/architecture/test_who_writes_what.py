"""Who may write which column or table, read from the syntax tree (SM-2)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"

# column -> the modules (or packages) that may assign it. ``session`` stands for any variable that holds one.
WRITERS = {
    "status": {"booking/engine.py"},
    "payment_status": {"money/"},
    "refund_status": {"money/"},
    "refund_amount_minor": {"money/"},
    "refund_percentage": {"money/"},
    # Opened, countered and closed in one place, together with the request (INV-6).
    "pending_reschedule_request_id": {"booking/proposals.py"},
    "pending_reschedule_time": {"booking/proposals.py"},
    "pending_reschedule_by": {"booking/proposals.py"},
    "reassignment_status": {"booking/handover.py", "booking/reassign.py", "booking/conclude.py"},
}
# table class -> the modules that may make its rows.
MAKERS = {
    "SessionAuditLog": {"foundation/audit.py"},
    "AdminAuditTrail": {"foundation/audit.py"},
    "OutboxRow": {"foundation/outbox.py"},
    "LedgerPosting": {"money/ledger.py"},
    "LedgerTransaction": {"money/ledger.py"},
    "PolicyVersion": {"foundation/policies.py"},
    "CalendarEntry": {"booking/calendar.py"},
    "MentoringSession": {"booking/"},
    "EmailEvent": {"messaging/"},
    "Notification": {"messaging/"},
}
_SESSION_NAMES = {"session", "mentoring_session", "booking"}


def _sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(APP.rglob("*.py")):
        name = path.relative_to(APP).as_posix()
        if not name.startswith(("models/", "domain/")):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _allowed(name: str, places: set[str]) -> bool:
    return any(name == place or (place.endswith("/") and name.startswith(place)) for place in places)


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        yield from node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        yield node.target


@pytest.mark.spec("SM-2")
def test_only_their_owners_write_a_sessions_columns() -> None:
    offences = [
        f"{name}:{target.lineno} writes {target.attr}"
        for name, tree in _sources()
        for node in ast.walk(tree)
        for target in _targets(node)
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id in _SESSION_NAMES
        and target.attr in WRITERS
        and not _allowed(name, WRITERS[target.attr])
    ]

    assert offences == []


def test_only_their_owners_make_rows_of_guarded_tables() -> None:
    offences = [
        f"{name}:{node.lineno} makes {call}"
        for name, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for call in [_made(node)]
        if call in MAKERS and not _allowed(name, MAKERS[call])
    ]

    assert offences == []


def _made(node: ast.Call) -> str | None:
    """The table a call makes a row of: ``Table(...)`` or ``insert(Table)``."""
    if isinstance(node.func, ast.Name):
        if node.func.id in {"insert", "pg_insert"} and node.args and isinstance(node.args[0], ast.Name):
            return node.args[0].id
        return node.func.id
    return None


def test_nobody_commits_but_the_outermost_transaction() -> None:
    allowed = {
        "foundation/transaction.py",
        "cli/seed_volume.py",  # a million rows are one transaction of their own
        "foundation/pool.py",  # what asked a resting connection whether it lives leaves no transaction on it
        "http/errors.py",  # what failed outside a transaction leaves the connection clean for the error page
        "admin/base.py",  # the same for a generated view
    }
    offences = [
        f"{name}:{node.lineno} calls {node.func.attr}"
        for name, tree in _sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "rollback"}
        and name not in allowed
    ]

    assert offences == []
