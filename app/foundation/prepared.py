"""Statements that are put together and compiled once, and sent with values from then on (PERF-1).

Building a large SELECT out of expressions takes longer than PostgreSQL takes to answer it, and SQLAlchemy's way around
the driver takes two thirds of a small statement's time. What differs from request to request is in ``bindparam``s; what
differs in shape is another statement.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeVar

import psycopg
from sqlalchemy import BindParameter, Connection, Dialect, inspect
from sqlalchemy.sql.visitors import traverse
from sqlalchemy.types import TypeEngine

from app.foundation.transaction import this_session

Convert = Callable[[Any], Any]
M = TypeVar("M")


class Rows(list[Any]):
    """The rows of an answer, tuples with names, all read."""

    def all(self) -> list[Any]:
        return self

    def one_or_none(self) -> Any:
        """:raises ValueError: there are more"""
        (row,) = self or (None,)
        return row

    def one(self) -> Any:
        """:raises ValueError: there is none, or more"""
        (row,) = self
        return row

    def scalar_one(self) -> Any:
        """The first column of the only row.

        :raises ValueError: there is none, or more
        """
        return self.one()[0]

    def scalar(self) -> Any:
        """The first column of the first row, None without one."""
        return self[0][0] if self else None


@dataclass(slots=True)
class _Compiled:
    """What the driver is given, and what is made of its answer.

    :param fixed: parameters that never change
    :param given: what makes of a value what the driver takes, for those that need it
    :param columns: the same the other way, by place; known once there was an answer
    """

    sql: str
    fixed: dict[str, Any]
    given: dict[str, Convert]
    types: list[TypeEngine[Any]]
    row: Callable[[Any], Any]
    columns: list[tuple[int, Convert]] | None = None

    def read_columns(self, dialect: Dialect, description: Sequence[Any]) -> list[tuple[int, Convert]]:
        self.columns = [
            (place, convert)
            for place, (kind, told) in enumerate(zip(self.types, description, strict=True))
            if (convert := kind.dialect_impl(dialect).result_processor(dialect, told[1]))
        ]
        return self.columns


class Prepared:
    """One SELECT of columns, not of entities, whose parameters are single values: its rows are tuples by name."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: _Compiled | None = None

    def run(self, **values: Any) -> Rows:
        """Send it in the session's own transaction, behind what the session has still to write.

        :raises DBAPIError: as SQLAlchemy does
        """
        session = this_session()
        # Past the session's execute, which prepares for entities and takes as long as a small statement.
        reader = session.reader
        if reader is not None:
            connection, cursor = reader.connection, reader.free_cursor()
        else:
            session.flush()
            connection = session.connection()
            cursor = connection.connection.cursor()
        compiled = self._for(connection, values)
        _note(connection, cursor, compiled, values)
        try:
            cursor.execute(compiled.sql, compiled.fixed | values)
            rows = _rows(connection, cursor, compiled)
        except psycopg.Error as error:
            raise _refused(connection, cursor, compiled, values, error) from error
        if reader is None:
            cursor.close()
        return rows

    def start(self, **values: Any) -> Callable[[], Rows]:
        """Send it and go on: the database answers meanwhile. The rows are there when the result is called (PERF-1).

        In a request that only reads; elsewhere it is ``run`` at once. Whatever is asked in between waits for it first.

        :raises DBAPIError: as SQLAlchemy does, at the latest when the result is called
        """
        reader = this_session().reader
        if reader is None or reader.free_cursor() is not reader.cursor:
            rows = self.run(**values)
            return lambda: rows
        connection, cursor = reader.connection, reader.cursor
        compiled = self._for(connection, values)
        _note(connection, cursor, compiled, values)
        found: list[Rows] = []

        def answer() -> Rows:
            if not found:
                reader.wait_for = None
                try:
                    cursor.finish()
                    found.append(_rows(connection, cursor, compiled))
                except psycopg.Error as error:
                    raise _refused(connection, cursor, compiled, values, error) from error
            return found[0]

        try:
            cursor.begin(compiled.sql, compiled.fixed | values)
        except psycopg.Error as error:
            raise _refused(connection, cursor, compiled, values, error) from error
        reader.wait_for = answer
        return answer

    def _for(self, connection: Connection, values: dict[str, Any]) -> _Compiled:
        """The statement compiled; what it is given in the driver's own terms from now on."""
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _compile(self._statement, connection.dialect, values)
        for name, convert in compiled.given.items():
            values[name] = convert(values[name])
        return compiled


_NONE: frozenset[str] = frozenset()


def columns_of(entity: Any, without: frozenset[str] = _NONE) -> list[Any]:
    """The columns of a model, or of an alias of one, in the order in which ``read_only`` takes them."""
    return [getattr(entity, name) for name in _names(inspect(entity).mapper, without)]


def _names(mapper: Any, without: frozenset[str]) -> tuple[str, ...]:
    return tuple(attribute.key for attribute in mapper.column_attrs if attribute.key not in without)


class _Seen:
    """What the objects of a model say, and nothing that could be changed or that would be asked for by itself."""

    _others: ClassVar[frozenset[str]]

    def __getattr__(self, name: str) -> Any:
        """:raises LookupError: the model has it, but it did not come along; templates draw nothing for an absence."""
        if name in self._others:
            message = f"{name} was not read along with this {type(self).__name__}"
            raise LookupError(message)
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        message = f"this {type(self).__name__} is only to be looked at"
        raise TypeError(message)


def read_only(model: type[M], values: Sequence[Any], without: frozenset[str] = _NONE, **relations: Any) -> M:
    """What was read by ``columns_of`` a model, for pages that only show it: as the model's own objects, but fixed.

    Loading an object through the session takes as long as drawing half of such a page, and reading its attributes ten
    times as long as those of others (PERF-1).

    :param without: the columns that were left out of ``columns_of``, too
    :param relations: those that the page reads
    """
    which: Any = model
    columns, kind = _columns_and_kind(which, without)
    found: M = kind()
    found.__dict__.update(zip(columns, values, strict=True), **relations)
    return found


@cache
def _columns_and_kind(model: type[Any], without: frozenset[str]) -> tuple[tuple[str, ...], Any]:
    mapper = inspect(model)
    own = {name: value for name, value in vars(model).items() if name[0] != "_" and name not in mapper.attrs}
    others = without.union(mapper.relationships.keys())
    return _names(mapper, without), type(model.__name__, (_Seen,), {**own, "_others": others})


def _note(connection: Connection, cursor: Any, compiled: _Compiled, values: dict[str, Any]) -> None:
    """Tell who listens to statements, as SQLAlchemy would."""
    if connection._has_events or connection.engine._has_events:  # noqa: SLF001 - as SQLAlchemy asks itself
        for note in connection.dispatch.before_cursor_execute:
            note(connection, cursor, compiled.sql, values, None, False)


def _refused(
    connection: Connection, cursor: Any, compiled: _Compiled, values: dict[str, Any], error: psycopg.Error
) -> BaseException:
    """SQLAlchemy's own kind of error; the connection is given up when it is the connection that failed."""
    try:
        connection._handle_dbapi_exception(error, compiled.sql, values, cursor, None)  # noqa: SLF001 - no other way
    except Exception as refused:  # noqa: BLE001 - whatever kind it was made
        return refused


def _rows(connection: Connection, cursor: Any, compiled: _Compiled) -> Rows:
    found = cursor.fetchall()
    columns = compiled.columns
    if columns is None:
        columns = compiled.read_columns(connection.dialect, cursor.description or ())
    if not columns:
        return Rows(map(compiled.row, found))
    rows = Rows()
    for read in found:
        row = list(read)
        for place, convert in columns:
            row[place] = convert(row[place])
        rows.append(compiled.row(row))
    return rows


def _write_out(parameter: BindParameter[Any]) -> None:
    """Let a value that never changes stand in the statement: PostgreSQL keeps the plan where it knows what it plans."""
    value: Any = parameter.value
    if not parameter.required and all(
        isinstance(one, str | int) for one in (value if parameter.expanding else [value])
    ):
        parameter.literal_execute = True


def _compile(statement: Any, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
    traverse(statement, {}, {"bindparam": _write_out})
    compiled = statement.compile(dialect=dialect)
    state = compiled.construct_expanded_state(values)
    if any(compiled.binds[name].expanding for name in values if name in compiled.binds):
        message = "a prepared statement takes single values: compare with any_(an array) and not with in_(a list)"
        raise TypeError(message)
    converters: dict[str, Convert] = {
        name: convert
        for name, parameter in compiled.binds.items()
        if (convert := parameter.type.dialect_impl(dialect).bind_processor(dialect))
    }
    converters |= {name: convert for name, convert in state.processors.items() if convert}  # those of fixed lists
    fixed = {
        name: converters[name](value) if name in converters else value
        for name, value in state.parameters.items()
        if name not in values
    }
    chosen = list(statement.selected_columns)
    names = [getattr(column, "key", None) or f"column_{place}" for place, column in enumerate(chosen)]
    # Named by the statement: no class can be written for it.
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024
    given = {name: convert for name, convert in converters.items() if name in values}
    return _Compiled(state.statement, fixed, given, [column.type for column in chosen], row._make)
