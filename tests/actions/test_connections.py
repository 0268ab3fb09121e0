"""The pool of database connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from psycopg import InterfaceError
from psycopg.pq import TransactionStatus
from sqlalchemy import select, text

from app.domain.errors import Conflict
from app.extensions import db
from app.foundation.pool import QuietCursor
from app.foundation.transaction import read_alone, transaction
from app.models import User
from tests.factories.people import a_support_agent


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


@pytest.mark.spec("PERF-1")
def test_the_columns_of_a_result_are_described_to_who_asks(app: Flask) -> None:
    cursor = db.session.connection().connection.cursor()
    cursor.execute("SELECT 1 AS number, 'x' AS letter")
    described = cursor.description
    assert isinstance(cursor, QuietCursor)
    assert [column.name for column in described] == ["number", "letter"]
    assert (len(described), described[0].type_code) == (2, 23)
    cursor.execute("SELECT 2 AS other")
    assert [column.name for column in described] == ["number", "letter"], "what was asked for in time stays"

    late = cursor.description
    cursor.execute("SET LOCAL work_mem = '4MB'")
    assert cursor.description is None
    with pytest.raises(InterfaceError):
        list(late)
    cursor.close()


def _status() -> TransactionStatus:
    connection = db.session.connection().connection.driver_connection
    assert connection is not None
    status: TransactionStatus = connection.info.transaction_status
    return status


@pytest.mark.spec("PERF-1")
def test_a_request_that_only_reads_opens_no_transaction_and_an_action_in_it_opens_one(
    own_database: Callable[..., Flask],
) -> None:
    with own_database().app_context():
        read_alone()
        user = db.session.scalars(select(User)).first()
        assert user is None
        assert _status() is TransactionStatus.IDLE
        with transaction():
            db.session.execute(text("SELECT 1"))
            assert _status() is TransactionStatus.INTRANS
        db.session.remove()
        db.session.execute(text("SELECT 1"))
        assert _status() is TransactionStatus.INTRANS, "the next one to have this connection is not left without"


@pytest.mark.spec("PERF-1")
def test_an_action_that_is_refused_within_a_reading_request_leaves_nothing(own_database: Callable[..., Flask]) -> None:
    with own_database().app_context():
        read_alone()
        with pytest.raises(Conflict), transaction():
            a_support_agent()
            db.session.flush()
            raise Conflict("No.")
        assert db.session.scalars(select(User)).all() == []


@pytest.mark.spec("PERF-1")
def test_what_was_read_before_an_action_stays_readable_after_it(own_database: Callable[..., Flask]) -> None:
    with own_database().app_context():
        with transaction():
            a_support_agent(name="Ada")
        db.session.remove()
        read_alone()
        user = db.session.scalars(select(User)).one()
        with transaction():
            db.session.execute(text("SELECT 1"))
        assert user.name == "Ada"
