"""`flask policies` reads and changes what the rules read (RUN-6)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.foundation.policies import current_policies
from app.models import AdminAuditTrail


@pytest.mark.spec("RUN-6", "POL-1")
def test_a_policy_is_set_with_a_reason_and_listed_with_a_star(app: Flask) -> None:
    runner = app.test_cli_runner()

    done = runner.invoke(args=["policies", "set", "partial_refund_percentage", "60", "--reason", "A fairer middle"])
    listed = runner.invoke(args=["policies", "list"])

    assert (done.exit_code, done.output) == (0, "partial_refund_percentage is 60 from now on.\n")
    assert any(line.startswith("* partial_refund_percentage") for line in listed.output.splitlines())
    assert current_policies().values.partial_refund_percentage == 60
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.admin_id, row.reason) == ("ADMIN_POLICY_CHANGED", None, "A fairer middle")


@pytest.mark.parametrize("given", [("partial_refund_percentage", "140"), ("no_such_key", "1")])
def test_a_value_that_cannot_be_is_refused_by_name(app: Flask, given: tuple[str, str]) -> None:
    before = current_policies()

    done = app.test_cli_runner().invoke(args=["policies", "set", *given, "--reason", "Trying"])

    assert done.exit_code == 1
    assert given[0] in done.output
    assert current_policies() == before
