"""Every report by its name, in the order of the page (AN-1, AN-2, AN-3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.domain.reliability import QUALITY_IN_WORDS, RELIABILITY_IN_WORDS
from app.support.analytics import measures, money, people, sessions
from app.support.analytics.report import Report, ReportSpec
from app.support.kpis import Period

_SPECS: Final = (
    ReportSpec(
        "measures",
        "Success measures",
        "How the marketplace does against the lines we want to hold.",
        measures.success_measures,
    ),
    ReportSpec(
        "cancellation-reasons",
        "Cancellation reasons",
        "Why sessions were called off, and by whom.",
        sessions.cancellation_reasons,
    ),
    ReportSpec(
        "cancellation-rates",
        "Cancellation rates",
        "Which share of all sessions each side calls off.",
        sessions.cancellation_rates,
    ),
    ReportSpec(
        "reschedules",
        "Reschedules",
        "Who asks for another time, how long it takes to agree, and how often it works out.",
        sessions.reschedules,
    ),
    ReportSpec(
        "no-shows",
        "Repeated no-shows",
        "Who did not come more than once.",
        sessions.repeated_no_shows,
    ),
    ReportSpec(
        "mentor-reliability",
        "Mentors' reliability",
        "The least reliable first.",
        people.mentor_reliability,
        RELIABILITY_IN_WORDS,
    ),
    ReportSpec(
        "mentee-reliability",
        "Mentees' reliability",
        "Those who cancelled or missed a session, the least reliable first.",
        people.mentee_reliability,
        RELIABILITY_IN_WORDS,
    ),
    ReportSpec(
        "quality",
        "Session quality",
        "From reviews, completion and disputes, the lowest first.",
        people.session_quality,
        QUALITY_IN_WORDS,
    ),
    ReportSpec("refund-costs", "Refund costs", "What went back, by the rule that caused it.", money.refund_costs),
    ReportSpec(
        "workload", "Staff workload", "What the desk did, and whether its promises were kept.", people.staff_workload
    ),
)
REPORTS: Final = {spec.name: spec for spec in _SPECS}


def read_report(name: str, period: Period, *, now: datetime, ctx: Context) -> tuple[ReportSpec, Report]:
    """This function will answer one report for a range of days.

    :raises Forbidden: the role may not look at analytics
    :raises NotFound: there is no such report
    """
    require(ctx.actor, Permission.ANALYTICS_VIEW)
    spec = REPORTS.get(name)
    if spec is None:
        raise NotFound
    return spec, spec.read(period, now)
