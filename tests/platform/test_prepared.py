"""A prepared statement answers as SQLAlchemy would, past it: types, fixed lists, errors, lost connections (PERF-1)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import ARRAY, Integer, bindparam, event, func, literal_column, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from app.domain.errors import Busy
from app.domain.vocabulary import Role
from app.extensions import UtcDateTime, db
from app.foundation.prepared import Prepared
from app.foundation.transaction import read_alone, transaction
from app.models import User
from tests.conftest import database_of_its_own
from tests.factories import people
from tests.world import START

pytestmark = [pytest.mark.spec("PERF-1")]

_LATER = bindparam("later", type_=UtcDateTime())


def test_rows_are_those_of_sqlalchemy_by_name_and_place(app: Flask) -> None:
    people.a_mentor(), people.a_mentee()
    statement = select(
        User.id,
        User.role,
        User.created_at,
        User.preferences,
        func.avg(literal_column("1.5")).over(),
        User.id.label("x"),
    ).where(User.role.in_([Role.MENTOR, Role.MENTEE]), User.created_at < _LATER)
    prepared = Prepared(statement.order_by(User.id))
    asked = {"later": datetime(2100, 1, 1, tzinfo=UTC)}
    expected = [tuple(row) for row in db.session.execute(statement.order_by(User.id), asked)]
    found = prepared.run(**asked)
    assert found.all() == expected
    assert [type(value) for value in found[0]] == [type(value) for value in expected[0]]
    assert found[0].role is Role(found[0].role)
    assert (found[0].id, found[0].x) == (expected[0][0], expected[0][0])
    assert prepared.run(later=START.replace(year=1990)).all() == []


def test_one_row_is_one_row(app: Flask) -> None:
    numbers = Prepared(select(func.generate_series(1, bindparam("most", type_=Integer())).label("n")))
    assert numbers.run(most=1).scalar_one() == numbers.run(most=1).one().n == 1
    assert (numbers.run(most=0).one_or_none(), numbers.run(most=0).scalar(), numbers.run(most=2).scalar()) == (
        None,
        None,
        1,
    )
    for refused in (numbers.run(most=2).one, numbers.run(most=0).one, numbers.run(most=2).one_or_none):
        with pytest.raises(ValueError, match="values to unpack"):
            refused()


def test_what_the_session_has_still_to_write_is_read(app: Flask) -> None:
    someone = people.a_mentee()
    someone.name = "Renamed"
    assert Prepared(select(User.name).where(User.id == bindparam("id"))).run(id=someone.id).scalar_one() == "Renamed"


def test_a_time_without_an_offset_is_refused(app: Flask) -> None:
    prepared = Prepared(select(User.id).where(User.created_at < _LATER))
    with pytest.raises(ValueError, match="no offset"):
        prepared.run(later=datetime(2100, 1, 1))  # noqa: DTZ001 - that is what is refused


def test_a_list_of_any_length_is_an_array_or_refused(app: Flask) -> None:
    several = Prepared(select(User.id).where(User.id == func.any(bindparam("ids", type_=ARRAY(User.id.type)))))
    ids = [people.a_mentee().id, people.a_mentee().id]
    assert {row.id for row in several.run(ids=ids)} == set(ids)
    assert several.run(ids=[]).all() == []
    with pytest.raises(TypeError, match="single values"):
        Prepared(select(User.id).where(User.id.in_(bindparam("ids", expanding=True)))).run(ids=ids)


def test_whoever_counts_statements_counts_it(app: Flask) -> None:
    seen: list[str] = []
    connection = db.session.connection()
    event.listen(connection, "before_cursor_execute", lambda *told: seen.append(told[2]))
    Prepared(select(literal_column("1"))).run()
    assert seen == ["SELECT 1"]


def test_an_error_is_sqlalchemys_and_becomes_the_domains(app: Flask) -> None:
    broken = Prepared(select(literal_column("1") / bindparam("by", type_=Integer())))
    with pytest.raises(DBAPIError) as refused, transaction():
        broken.run(by=0)
    assert isinstance(refused.value.orig, psycopg.errors.DivisionByZero)
    deadlocked = Prepared(select(func.pg_temp.give_up()))
    db.session.execute(
        text(
            "CREATE FUNCTION pg_temp.give_up() RETURNS int LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"
        )
    )
    with pytest.raises(Busy), transaction():
        deadlocked.run()


def test_a_connection_that_the_server_ended_is_given_up(
    servers: tuple[str, str], template: str, tmp_path: Path
) -> None:
    with database_of_its_own(servers, template, tmp_path) as make:
        app = make()
        own = Prepared(select(func.pg_backend_pid()))
        ending = Prepared(select(func.pg_terminate_backend(func.pg_backend_pid())))
        with app.app_context():
            read_alone()
            first = own.run().scalar_one()
            with pytest.raises(OperationalError) as lost:
                ending.run()
            assert lost.value.connection_invalidated
        with app.app_context():
            read_alone()
            assert own.run().scalar_one() != first
