"""The reports of the analytics pages as data (AN)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel

from app.api.fields import Day, Given, Told
from app.api.schema import api
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.formatting import reader_zone
from app.support.analytics.report import Kind, Person
from app.support.analytics.reports import read_report
from app.support.kpis import LONGEST_DAYS, Period, period_ending_today

_DEFAULT_DAYS: Final = 90


class Range(Given):
    start_date: Day | None = Field(None, description="The first day, in your zone; left out, 90 days before the last.")
    end_date: Day | None = Field(None, description="The last day, included; left out, today.")


class ReportColumn(Told):
    key: str
    label: str
    kind: Kind


class ReportTold(Told):
    name: str
    title: str
    start_date: Day
    end_date: Day
    formula: str = Field(description="How a score comes about; empty where there is none.")
    columns: list[ReportColumn]
    rows: list[dict[str, Any]] = Field(
        description="By the columns' keys; a person is `{id, name}`, money `{amount, currency}`."
    )


@api.declare(
    "GET",
    "/admin/analytics/<report>",
    tag="Staff",
    summary="One report over a range of days",
    needs=Permission.ANALYTICS_VIEW,
    query=Range,
    answer=ReportTold,
    refusals={404: {"not_found": "There is no such report."}},
)
def admin_analytics(report: str, query: Range) -> ReportTold:
    """``report`` is the name in the address of its page, such as ``measures``; at most 366 days."""
    ctx = current_context()
    period = period_of(query, period_ending_today(_DEFAULT_DAYS, zone=str(reader_zone()), now=ctx.now))
    spec, found = read_report(report, period, now=ctx.now, ctx=ctx)
    return ReportTold(
        name=spec.name,
        title=spec.title,
        start_date=period.first,
        end_date=period.last,
        formula=spec.formula,
        columns=[ReportColumn(key=to_camel(each.key), label=each.label, kind=each.kind) for each in found.columns],
        rows=[{to_camel(key): _plain(value) for key, value in row.items()} for row in found.as_dicts()],
    )


def period_of(query: Range, usual: Period) -> Period:
    """The days that are asked for; without any, the 90 that end with ``usual``.

    :raises Invalid: none, or too many
    """
    last = query.end_date or usual.last
    first = query.start_date or last - timedelta(days=_DEFAULT_DAYS - 1)
    period = Period(first, last, usual.zone)
    if not 1 <= period.days <= LONGEST_DAYS:
        raise Invalid(
            "This range cannot be used.",
            fields={"endDate": f"From the first day on, at most {LONGEST_DAYS} days later."},
        )
    return period


def _plain(value: Any) -> Any:
    if isinstance(value, Person):
        return {"id": str(value.id), "name": value.name}
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    return str(value) if isinstance(value, UUID) else float(value) if isinstance(value, Decimal) else value
