"""The pool of database connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db


@pytest.mark.spec("PERF-1")
def test_a_connection_that_the_server_closed_is_replaced_before_anybody_meets_it(
    own_database: Callable[..., Flask],
) -> None:
    with own_database().app_context():
        first = db.session.scalar(text("SELECT pg_backend_pid()"))
        other = db.engine.connect()
        db.session.remove()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        second = db.session.scalar(text("SELECT pg_backend_pid()"))
        other.close()
        assert second not in {None, first}
