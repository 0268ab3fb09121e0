"""The form of every report: columns, rows, and what its chart draws."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.money import Money
from app.support.export import safe_cell
from app.support.kpis import Period

Value = str | int | Decimal | Money | UUID | bool | None


class Kind(StrEnum):
    """How a column is shown; amounts are ``Money``, people their id and name."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    SCORE = "score"
    HOURS = "hours"
    MONEY = "money"
    PERSON = "person"
    MET = "met"


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Report:
    """One answered question.

    :param chart: of which columns a bar chart is drawn: (the labels', the values'); None draws none
    :param links: arguments of the sessions list that each row counts, where there is one
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    chart: tuple[str, str] | None = None
    links: Sequence[dict[str, Any] | None] = field(default=())

    def column(self, key: str) -> int:
        return next(index for index, column in enumerate(self.columns) if column.key == key)

    def as_dicts(self) -> list[dict[str, Any]]:
        return [dict(zip((column.key for column in self.columns), row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """A question that can be asked of any range of days.

    :param lead: what it tells, in a sentence
    :param formula: how a score comes about, for readers who want to check it
    """

    name: str
    title: str
    lead: str
    read: Callable[[Period, datetime], Report]
    formula: str = ""


def as_csv(report: Report) -> Iterator[str]:
    """The report as CSV, line by line; no cell can become a formula (B-4)."""
    yield _line(column.label for column in report.columns)
    for row in report.rows:
        yield _line(_cell(value) for value in row)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | Decimal) else safe_cell(str(value))


def _line(cells: Any) -> str:
    out = io.StringIO()
    # Both, as RFC 4180 has it: only what may end a line is quoted, and spreadsheets end one at a lone return, too.
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
