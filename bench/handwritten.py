"""The pages to beat: hand-written SQL with kept counts behind a bare WSGI function, without a framework.

What each page shows is what ours shows at the least; everything that costs time but is not the data is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs

import psycopg

_LIST_COLUMNS = """s.id, s.title, m.name, e.name, s.scheduled_at, s.duration, s.status, s.meeting_type, s.rate_minor,
       s.currency, s.refund_status, s.reschedules_total, s.created_at"""
_NEWEST = "SELECT id FROM sessions ORDER BY created_at DESC, id DESC LIMIT 50"
_DEEP = "SELECT id FROM sessions ORDER BY created_at DESC, id DESC LIMIT 50 OFFSET 24950"
_FILTERED = """SELECT id FROM sessions WHERE status = 'cancelled' AND refund_status = 'processed'
       AND scheduled_at >= %(since)s AND scheduled_at < %(until)s ORDER BY created_at DESC, id DESC LIMIT 50"""
_PEOPLE = "ARRAY(SELECT id FROM users WHERE to_tsvector('simple', name) @@ to_tsquery('simple', %(words)s))"
# Of a name that many have, the newest fifty are met soon on the way through the index.
_SEARCH = f"""SELECT id FROM sessions WHERE mentor_id = ANY({_PEOPLE}) OR mentee_id = ANY({_PEOPLE})
       OR to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s)
       ORDER BY created_at DESC, id DESC LIMIT 50"""
_ROWS = f"""SELECT {_LIST_COLUMNS} FROM sessions s JOIN users m ON m.id = s.mentor_id JOIN users e ON e.id = s.mentee_id
       WHERE s.id = ANY(%(ids)s) ORDER BY s.created_at DESC, s.id DESC"""
_TOTAL = "SELECT sum(sessions) FROM session_daily_figures"
_TOTAL_FILTERED = f"""{_TOTAL} WHERE status = 'cancelled' AND refund_status = 'processed'
       AND day >= %(since)s AND day < %(until)s"""
_TOTAL_FOUND = f"""SELECT count(*) FROM (
       (SELECT id FROM sessions WHERE mentor_id = ANY({_PEOPLE}) LIMIT 10001)
       UNION (SELECT id FROM sessions WHERE mentee_id = ANY({_PEOPLE}) LIMIT 10001)
       UNION (SELECT id FROM sessions WHERE to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s) LIMIT 10001)
       ) AS found"""
_CASE = [
    """SELECT s.*, m.name AS mentor, e.name AS mentee FROM sessions s JOIN users m ON m.id = s.mentor_id
       JOIN users e ON e.id = s.mentee_id WHERE s.id = %(id)s""",
    "SELECT * FROM session_audit_log WHERE session_id = %(id)s ORDER BY created_at DESC LIMIT 100",
    "SELECT * FROM admin_session_audit_trail WHERE session_id = %(id)s ORDER BY created_at DESC LIMIT 100",
    "SELECT * FROM admin_session_notes WHERE session_id = %(id)s ORDER BY created_at DESC LIMIT 100",
    "SELECT * FROM session_reviews WHERE session_id = %(id)s",
    "SELECT * FROM payments WHERE session_id = %(id)s",
    "SELECT * FROM refunds WHERE session_id = %(id)s",
]
_OVERVIEW = [
    """SELECT status, cancelled_by, currency, sum(sessions), sum(rate_minor), sum(refund_amount_minor)
       FROM session_daily_figures WHERE day >= %(since)s GROUP BY 1, 2, 3""",
    "SELECT status, sum(sessions) FROM session_daily_figures WHERE day >= %(before)s AND day < %(since)s GROUP BY 1",
    "SELECT day, sum(sessions) FROM session_daily_figures WHERE day >= %(quarter)s GROUP BY 1 ORDER BY 1",
    """SELECT cancellation_category, sum(sessions) FROM session_daily_figures
       WHERE day >= %(since)s AND status = 'cancelled' GROUP BY 1 ORDER BY 2 DESC LIMIT 5""",
    "SELECT sum(rating_sum)::float / nullif(sum(reviews), 0) FROM review_daily_figures WHERE day >= %(since)s",
]
CSV = f"""COPY (SELECT {_LIST_COLUMNS} FROM sessions s JOIN users m ON m.id = s.mentor_id
       JOIN users e ON e.id = s.mentee_id ORDER BY s.created_at DESC LIMIT 100000) TO STDOUT WITH CSV HEADER"""

Answer = Callable[[str, list[tuple[str, str]]], Any]


def pages(connection: psycopg.Connection[Any], now: datetime) -> Callable[[dict[str, Any], Answer], Iterable[bytes]]:
    """A WSGI application over one open connection."""

    def run(sql: str, values: dict[str, Any] | None = None) -> list[Any]:
        return connection.execute(sql, values).fetchall()

    def listing(sql: str, values: dict[str, Any], total_sql: str = _TOTAL) -> str:
        ids = [row[0] for row in run(sql, values)]
        total = run(total_sql, values)[0][0]
        cells = "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
            for row in run(_ROWS, {"ids": ids})
        )
        return f"<p>{total}</p><table>{cells}</table>"

    def one_case(session_id: str) -> str:
        return "".join(f"<pre>{escape(str(run(sql, {'id': session_id})))}</pre>" for sql in _CASE)

    def overview() -> str:
        days = {
            "since": now - timedelta(days=30),
            "before": now - timedelta(days=60),
            "quarter": now - timedelta(days=90),
        }
        return "".join(f"<pre>{escape(str(run(sql, days)))}</pre>" for sql in _OVERVIEW)

    def export() -> Iterator[bytes]:
        with connection.cursor() as cursor, cursor.copy(CSV) as copy:
            for block in copy:
                yield bytes(block)

    def answer(environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        match environ["PATH_INFO"]:
            case "/list":
                body = listing(_NEWEST, {})
            case "/page500":
                body = listing(_DEEP, {})
            case "/filtered":
                body = listing(_FILTERED, {"since": query["since"], "until": query["until"]}, _TOTAL_FILTERED)
            case "/search":
                body = listing(_SEARCH, {"words": f"{query['q'].lower()}:*"}, _TOTAL_FOUND)
            case "/case":
                body = one_case(query["id"])
            case "/overview":
                body = overview()
            case _:
                start_response("200 OK", [("Content-Type", "text/csv")])
                return export()
        page = f"<!doctype html><title>{escape(environ['PATH_INFO'])}</title>{body}".encode()
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))])
        return [page]

    return answer
