"""What refunds cost, by the rule that caused them (AN-1)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text

from app.domain.money import Money
from app.support.analytics.report import Column, Kind, Report
from app.support.analytics.sessions import rows
from app.support.kpis import Period

# Goodwill is the platform's alone; of every other refund it gives back its own share, and the mentor theirs.
_COSTS: Final = text("""
SELECT CASE
         WHEN r.type = 'bonus' THEN 'Goodwill'
         WHEN s.status = 'no_show' AND NOT r.by_staff THEN 'The mentor did not come'
         WHEN s.cancelled_by = 'admin' THEN 'Cancelled by support'
         WHEN r.by_staff THEN 'Refunded by support'
         WHEN s.cancelled_by = 'mentor' THEN 'Cancelled by the mentor'
         WHEN s.cancelled_by = 'mentee' AND r.percentage = 100 THEN 'Cancelled by the mentee in time'
         WHEN s.cancelled_by = 'mentee' THEN 'Cancelled by the mentee late'
         ELSE 'Paid late or twice'
       END AS rule,
       r.currency, count(*) AS refunds, sum(r.amount_minor)::bigint AS minor
FROM refunds r JOIN sessions s ON s.id = r.session_id
WHERE r.status IN ('processed', 'pending', 'failed') AND r.created_at >= :start AND r.created_at < :end
GROUP BY 1, 2 ORDER BY refunds DESC, 1, 2
""")


def refund_costs(period: Period, _now: datetime) -> Report:
    return Report(
        columns=(
            Column("rule", "Why"),
            Column("refunds", "Refunds", Kind.NUMBER),
            Column("amount", "Given back", Kind.MONEY),
        ),
        rows=[(row.rule, row.refunds, Money(row.minor, row.currency)) for row in rows(_COSTS, period)],
        chart=("rule", "refunds"),
    )
