"""``flask outbox`` and ``flask audit``: what operators see and may do from the command line (RUN-6)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.domain.context import SYSTEM
from app.domain.vocabulary import OutboxState
from app.extensions import db
from app.foundation import outbox
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, OutboxRow
from tests.world import Clock, context


def dead_letter(clock: Clock, kind: str = "mail.send") -> OutboxRow:
    with transaction():
        row_id = outbox.put(kind, key=f"{kind}:1", payload={}, ctx=context(SYSTEM, clock.now))
        row = db.session.get_one(OutboxRow, row_id)
        row.state, row.last_error, row.attempts = OutboxState.DEAD, "550 no such user", 4
    return row


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=arguments)
    return result.exit_code, result.output


@pytest.mark.spec("RUN-6")
def test_status_says_when_nothing_waits(app: Flask, clock: Clock) -> None:
    assert run(app, "outbox", "status") == (0, "Nothing waits: every piece of work is done.\n")


@pytest.mark.spec("RUN-6", "OPS-3")
def test_status_names_what_waits_and_why_it_is_dead(app: Flask, clock: Clock) -> None:
    row = dead_letter(clock)
    clock.advance(hours=3)
    code, output = run(app, "outbox", "status", "--dead")
    assert code == 0
    assert "mail.send" in output
    assert "3 h ago" in output
    assert f"{row.id}  mail.send  mail.send:1\n    after 4 tries: 550 no such user" in output


@pytest.mark.spec("RUN-6", "OPS-3")
@pytest.mark.parametrize("by", ["id", "kind"])
def test_retry_puts_dead_letters_back_and_leaves_a_trace(app: Flask, clock: Clock, by: str) -> None:
    row, other = dead_letter(clock), dead_letter(clock, "refund.send")
    chosen = [str(row.id)] if by == "id" else ["--kind", "mail.send"]
    assert run(app, "outbox", "retry", *chosen) == (0, "1 put back into the queue.\n")
    db.session.expire_all()
    assert (row.state, other.state) == (OutboxState.QUEUED, OutboxState.DEAD)
    assert db.session.scalars(select(AdminAuditTrail.action)).all() == ["ADMIN_OUTBOX_RETRIED"]


def test_retry_of_everything_must_be_said(app: Flask, clock: Clock) -> None:
    code, output = run(app, "outbox", "retry")
    assert code == 2
    assert "--kind" in output


@pytest.mark.spec("AUD-3", "RUN-6")
def test_the_chain_is_verified_and_a_cut_tail_shows_against_an_earlier_head(app: Flask, clock: Clock) -> None:
    for _ in range(3):
        row = dead_letter(clock)
        run(app, "outbox", "retry", str(row.id))
        with transaction():
            db.session.execute(text("DELETE FROM outbox"))
    code, output = run(app, "audit", "verify")
    assert code == 0
    assert output.startswith("Intact: 3 rows, 0 anchors hold.\nHead: ")
    head = output.split()[-1]
    assert run(app, "audit", "verify", "--head", head)[0] == 0
    code, output = run(app, "audit", "verify", "--head", "f" * 64)
    assert code == 1
    assert "Cut off" in output
