"""Reports over a range of days: a chart where it helps, a table, a download (AN-1, AN-2, AN-3)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.rows import LIST_PATH
from app.admin.guard import ConsolePage
from app.domain.errors import Invalid
from app.domain.permissions import Permission, may
from app.http.context import current_actor, current_context, request_now
from app.http.formatting import reader_zone
from app.support.analytics.report import Kind, Report, as_csv
from app.support.analytics.reports import REPORTS, read_report
from app.support.export import note_export
from app.support.kpis import LONGEST_DAYS, Period, period_ending_today

_RANGES = (7, 30, 90, 365)
_DEFAULT_DAYS = 90
_FIRST = "measures"
_MOST_BARS = 12


class AnalyticsView(ConsolePage):
    """One report a page, so that each address answers one question."""

    permission = Permission.ANALYTICS_VIEW
    section, icon = "", "bar-chart"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._page(_FIRST)

    @expose("/<name>")
    def report(self, name: str) -> ResponseReturnValue:
        return self._page(name)

    @expose("/<name>.csv")
    def download(self, name: str) -> ResponseReturnValue:
        """The same table as a file; that it was taken is on record (AUD-4)."""
        ctx = current_context()
        period, _ = read_period()
        spec, report = read_report(name, period, now=request_now(), ctx=ctx)
        note_export(f"analytics: {spec.title}", {"from": period.first, "to": period.last}, ctx=ctx)
        return Response(
            as_csv(report),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{name}-{period.first}-{period.last}.csv"',
                "Cache-Control": "no-store",
            },
        )

    def _page(self, name: str) -> ResponseReturnValue:
        problem = ""
        try:
            period, days = read_period()
        except Invalid as refused:
            problem = next(iter(refused.fields.values()), refused.message)
            period, days = _ending_today(_DEFAULT_DAYS), _DEFAULT_DAYS
        spec, report = read_report(name, period, now=request_now(), ctx=current_context())
        chosen: dict[str, Any] = {"days": days} if days else {"from": period.first, "to": period.last}
        html = self.render(
            "admin/pages/analytics.html",
            spec=spec,
            report=report,
            period=period,
            problem=problem,
            kinds=Kind,
            may_view_people=may(current_actor().role, Permission.USER_VIEW),
            tabs=[
                {
                    "label": each.title,
                    "url": url_for("console_analytics.report", name=each.name, **chosen),
                    "active": each.name == name,
                }
                for each in REPORTS.values()
            ],
            ranges=[
                {
                    "label": "Year" if count == 365 else f"{count} days",
                    "url": url_for("console_analytics.report", name=name, days=count),
                    "active": count == days,
                }
                for count in _RANGES
            ],
            links=[_list_url(arguments, period) for arguments in report.links],
            chart=_chart(report),
            csv_url=url_for("console_analytics.download", name=name, **chosen),
        )
        return html, 422 if problem else 200


def read_period() -> tuple[Period, int]:
    """The range of this request, and its number of days when it is one of the usual ranges, else 0.

    :raises Invalid: a day that is none, the wrong order, or more than a year
    """
    first, last = request.args.get("from", ""), request.args.get("to", "")
    if not first and not last:
        text = request.args.get("days", "")
        days = int(text) if text in {str(count) for count in _RANGES} else _DEFAULT_DAYS
        return _ending_today(days), days
    try:
        period = Period(date.fromisoformat(first), date.fromisoformat(last), str(reader_zone()))
    except ValueError:
        raise Invalid("This range cannot be used.", fields={"from": "Both days are written like 2026-11-14."}) from None
    if not 1970 <= period.first.year <= period.last.year <= 9000:
        raise Invalid("This range cannot be used.", fields={"from": "Choose days of this century."})
    if not 1 <= period.days <= LONGEST_DAYS:
        raise Invalid(
            "This range cannot be used.",
            fields={"to": f"The last day comes after the first, at most {LONGEST_DAYS} days later."},
        )
    return period, 0


def _ending_today(days: int) -> Period:
    return period_ending_today(days, zone=str(reader_zone()), now=request_now())


def _list_url(arguments: dict[str, Any] | None, period: Period) -> str | None:
    if arguments is None:
        return None
    found = {"from": period.first, "to": period.last, **arguments}
    return f"{LIST_PATH}?{'&'.join(f'{name}={value}' for name, value in found.items())}"


def _chart(report: Report) -> dict[str, Any] | None:
    if report.chart is None or not report.rows:
        return None
    label, value = (report.column(key) for key in report.chart)
    shown = report.rows[:_MOST_BARS]
    return {
        "labels": [str(row[label]) for row in shown],
        "series": [{"label": report.columns[value].label, "values": [_number(row[value]) for row in shown]}],
    }


def _number(value: Any) -> float | int:
    return float(value) if isinstance(value, Decimal) else value
