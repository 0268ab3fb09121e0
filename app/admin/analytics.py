"""Reports over a range of days: a chart where it helps, a table, a download (AN-1, AN-2, AN-3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.rows import LIST_PATH
from app.admin.guard import ConsolePage
from app.admin.periods import chosen_arguments, range_entries, read_period, usable_period
from app.domain.permissions import Permission, may
from app.http.context import current_actor, current_context, request_now
from app.support.analytics.report import Kind, Report, as_csv
from app.support.analytics.reports import REPORTS, read_report
from app.support.export import note_export
from app.support.kpis import Period

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
        period, _ = read_period(_DEFAULT_DAYS)
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
        period, days, problem = usable_period(_DEFAULT_DAYS)
        spec, report = read_report(name, period, now=request_now(), ctx=current_context())
        chosen = chosen_arguments(period, days)
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
            ranges=range_entries("console_analytics.report", days, name=name),
            links=[_list_url(arguments, period) for arguments in report.links],
            chart=_chart(report),
            csv_url=url_for("console_analytics.download", name=name, **chosen),
        )
        return html, 422 if problem else 200


def _list_url(arguments: dict[str, Any] | None, period: Period) -> str | None:
    if arguments is None:
        return None
    found = {"from": period.first, "to": period.last, **arguments}
    return f"{LIST_PATH}?{'&'.join(f'{name}={value}' for name, value in found.items())}"


def _chart(report: Report) -> dict[str, Any] | None:
    if report.chart is None or not report.rows:
        return None
    label, value = (report.column(key) for key in report.chart)
    # Named with what stands before it in its row: a reason is given by several sides.
    shown = report.rows[:_MOST_BARS]
    return {
        "labels": [", ".join(dict.fromkeys(str(cell) for cell in reversed(row[: label + 1]))) for row in shown],
        "lying": True,
        "series": [{"label": report.columns[value].label, "values": [_number(row[value]) for row in shown]}],
    }


def _number(value: Any) -> float | int:
    return float(value) if isinstance(value, Decimal) else value
