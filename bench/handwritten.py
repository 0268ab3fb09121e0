"""The pages to beat: hand-written SQL with kept counts behind a bare WSGI function, without a framework.

Each page finds out who asks, says how many notifications wait for that person, and shows the same data as ours; a case
reads the same tables. What costs time but is not the data (frame, menus, forms, filters) is left out. The statements
are the quickest known to us for these answers, sent prepared over one open connection without a transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

_DOOR = """SELECT u.id, u.name, u.role, u.timezone,
       (SELECT count(*) FROM notifications n WHERE n.user_id = u.id AND n.read_at IS NULL)
       FROM logins l JOIN users u ON u.id = l.user_id
       WHERE l.token_hash = %(token)s AND l.revoked_at IS NULL AND l.expires_at > %(now)s AND u.is_active
       AND u.suspended_at IS NULL AND l.last_seen_at > %(idle)s"""
_LIST_COLUMNS = """s.id, s.title, m.id, m.name, e.name, s.scheduled_at, s.duration, s.status, s.meeting_type,
       s.rate_minor, s.currency, s.refund_status, s.reschedule_count, s.mentor_reschedule_count,
       s.pending_reschedule_request_id IS NOT NULL, s.created_at"""
_NEWEST = "SELECT id FROM sessions ORDER BY created_at DESC, id DESC LIMIT 51"
_DEEP = "SELECT id FROM sessions ORDER BY created_at DESC, id DESC LIMIT 51 OFFSET 24950"
_FILTERED = """SELECT id FROM sessions WHERE status = 'cancelled' AND refund_status = 'processed'
       AND scheduled_at >= %(since)s AND scheduled_at < %(until)s ORDER BY created_at DESC, id DESC LIMIT 51"""
_PEOPLE = """SELECT id FROM users WHERE to_tsvector('simple', name) @@ to_tsquery('simple', %(words)s)
       UNION ALL SELECT id FROM users WHERE email LIKE %(address)s"""
# Of a name that many have, the newest fifty are met soon on the way through the index.
_SEARCH = f"""SELECT id FROM sessions WHERE mentor_id IN ({_PEOPLE}) OR mentee_id IN ({_PEOPLE})
       OR to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s)
       ORDER BY created_at DESC, id DESC LIMIT 51"""
_PAGE = """SELECT {columns} FROM ({ids}) AS p JOIN sessions s ON s.id = p.id JOIN users m ON m.id = s.mentor_id
       JOIN users e ON e.id = s.mentee_id ORDER BY s.created_at DESC, s.id DESC"""
_TOTAL = "SELECT sum(sessions) FROM session_daily_figures"
_TOTAL_FILTERED = f"""{_TOTAL} WHERE status = 'cancelled' AND refund_status = 'processed'
       AND day >= %(since)s AND day < %(until)s"""
# More than ten thousand are not counted on.
_TOTAL_FOUND = f"""WITH p AS MATERIALIZED ({_PEOPLE}), ids AS MATERIALIZED (SELECT array(SELECT id FROM p) AS ids)
       SELECT CASE
       WHEN EXISTS (SELECT 1 FROM sessions WHERE mentor_id = ANY((SELECT ids FROM ids)::uuid[]) OFFSET 10000)
       OR EXISTS (SELECT 1 FROM sessions WHERE mentee_id = ANY((SELECT ids FROM ids)::uuid[]) OFFSET 10000)
       OR EXISTS (SELECT 1 FROM sessions
                  WHERE to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s) OFFSET 10000)
       THEN 10001 ELSE (SELECT count(*) FROM (
       (SELECT id FROM sessions WHERE mentor_id = ANY((SELECT ids FROM ids)::uuid[]) LIMIT 10001)
       UNION (SELECT id FROM sessions WHERE mentee_id = ANY((SELECT ids FROM ids)::uuid[]) LIMIT 10001)
       UNION (SELECT id FROM sessions
              WHERE to_tsvector('simple', title) @@ to_tsquery('simple', %(words)s) LIMIT 10001)
       ) AS found) END"""
_CASE = """SELECT s.*, m.name AS mentor, m.email AS mentor_email, m.timezone AS mentor_zone,
       m.suspended_at AS mentor_suspended, e.name AS mentee, e.email AS mentee_email, e.timezone AS mentee_zone,
       e.suspended_at AS mentee_suspended FROM sessions s JOIN users m ON m.id = s.mentor_id
       JOIN users e ON e.id = s.mentee_id WHERE s.id = %(id)s"""
_TOLD = {
    "session_audit_log": (
        "created_at", "user_id",
        """action, reason_category, reason_details, previous_status, new_status, details, request_id, actor_role""",
    ),
    "admin_session_audit_trail": (
        "created_at", "admin_id", "action, reason, previous_status, new_status, details, seq",
    ),
    "reschedule_requests": ("created_at", "initiator_id", "status, reason, proposed_time, original_time"),
    "session_disputes": ("created_at", "reported_by", "id, category, reason, status, priority"),
    "session_reviews": ("created_at", "author_id", "rating, comment, hidden_at"),
    "policy_overrides": ("created_at", "granted_by", "override_type, reason, expires_at, used_at, revoked_at"),
    "email_events": ("created_at", "NULL::uuid", "id, template, recipient, subject, status, error, sent_at"),
    "notifications": ("created_at", "user_id", "type, title, body, read_at"),
    "admin_session_notes": (
        "created_at", "admin_id", """id, note, updated_at,
        (SELECT count(*) FROM note_history h WHERE h.note_id = t.id)""",
    ),
    "session_joins": ("joined_at", "user_id", "source, left_at"),
    "decision_records": ("created_at", "actor_id", "kind, allowed, rule, message, next_change, inputs"),
    "payments": ("created_at", "NULL::uuid", "reference, gateway, status, amount_minor, credit_minor, flagged_reason"),
    "refunds": ("created_at", "requested_by", "status, type, reason, amount_minor, error, processed_at"),
}  # fmt: skip
_PAST = """SELECT '{party}', NULL, NULL, jsonb_build_array(count(*), count(*) FILTER (WHERE status = 'completed'),
       count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = '{party}'),
       count(*) FILTER (WHERE status = 'no_show' AND no_show_party = '{party}'),
       (SELECT count(*) FROM session_disputes d JOIN sessions x ON x.id = d.session_id
        WHERE x.{party}_id = %({party})s),
       (SELECT count(*) FROM strikes WHERE user_id = %({party})s AND lifted_at IS NULL))
       FROM sessions WHERE {party}_id = %({party})s"""
_LEDGER = """SELECT 'ledger', t.created_at, NULL, jsonb_build_array(t.kind, a.kind, a.owner_id, p.amount_minor,
       p.currency) FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id
       JOIN ledger_accounts a ON a.id = p.account_id WHERE t.session_id = %(id)s"""
_PARTS = [
    f"""(SELECT '{table}', {at} AS at, {actor} AS actor, jsonb_build_array({columns}) FROM {table} t
       WHERE session_id = %(id)s ORDER BY {at} DESC LIMIT 300)"""
    for table, (at, actor, columns) in _TOLD.items()
]
_STORY = f"""SELECT r.*, u.name
       FROM ({" UNION ALL ".join([*_PARTS, _LEDGER, _PAST.format(party="mentor"), _PAST.format(party="mentee")])})
       AS r (source, at, actor, facts) LEFT JOIN users u ON u.id = r.actor ORDER BY r.at DESC"""
_KEPT = "status NOT IN ('draft', 'expired')"
_UNTIMED = """SELECT (created_at AT TIME ZONE 'UTC')::date, status, refund_status, coalesce(cancelled_by, ''), currency,
       -1, -rate_minor, -refund_amount_minor FROM sessions WHERE scheduled_at IS NULL AND created_at >= %(before)s"""
_OVERVIEW = [
    f"""SELECT day >= %(since)s, status, refund_status, cancelled_by, currency, sum(sessions)::int,
       sum(rate_minor)::bigint, sum(refund)::bigint FROM (SELECT day, status, refund_status, cancelled_by, currency,
       sessions, rate_minor, refund_amount_minor FROM session_daily_figures
       WHERE day BETWEEN %(before)s AND %(today)s UNION ALL {_UNTIMED})
       AS f (day, status, refund_status, cancelled_by, currency, sessions, rate_minor, refund)
       WHERE {_KEPT} GROUP BY 1, 2, 3, 4, 5""",
    f"""SELECT day, status, sum(sessions)::int FROM session_daily_figures
       WHERE day BETWEEN %(since)s AND %(today)s AND {_KEPT} GROUP BY 1, 2""",
    """SELECT day >= %(since)s, sum(reviews)::int, sum(rating_sum)::int FROM review_daily_figures
       WHERE day BETWEEN %(before)s AND %(today)s GROUP BY 1""",
]
_CHARTS = [
    f"""SELECT day, status, refund_status, currency, sum(sessions)::int, sum(rate_minor)::bigint,
       sum(refund_amount_minor)::bigint FROM session_daily_figures
       WHERE day BETWEEN %(since)s AND %(today)s AND {_KEPT} GROUP BY 1, 2, 3, 4""",
    f"""SELECT status, cancelled_by, cancellation_category, sum(sessions)::int FROM session_daily_figures
       WHERE day BETWEEN %(since)s AND %(today)s AND {_KEPT} GROUP BY 1, 2, 3""",
]
# A spreadsheet runs what begins so, and an amount has its currency's decimals.
_GUARDED = "CASE WHEN {0} ~ '^[-=+@\\t\\r\\n]' THEN '''' || {0} ELSE {0} END"
_DECIMAL = "CASE WHEN s.currency IN ('JPY', 'KRW', 'VND', 'CLP') THEN {0} ELSE round({0} / 100.0, 2) END"
_INSTANT = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
CSV = f"""COPY (SELECT s.id, {_GUARDED.format("s.title")} AS title, s.mentor_id, {_GUARDED.format("m.name")} AS mentor,
       s.mentee_id, {_GUARDED.format("e.name")} AS mentee, {_INSTANT.format("s.scheduled_at")} AS scheduled_at,
       s.duration, s.status, s.meeting_type, {_DECIMAL.format("s.rate_minor")} AS rate, s.currency, s.payment_status,
       s.refund_status, {_DECIMAL.format("s.refund_amount_minor")} AS refund_amount, s.reschedule_count,
       s.mentor_reschedule_count, {_INSTANT.format("s.created_at")} AS created_at
       FROM sessions s JOIN users m ON m.id = s.mentor_id JOIN users e ON e.id = s.mentee_id
       WHERE s.scheduled_at >= %(since)s ORDER BY s.created_at DESC, s.id DESC) TO STDOUT WITH CSV HEADER"""

Answer = Callable[[str, list[tuple[str, str]]], Any]
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _money(minor: int, currency: str) -> str:
    return f"{_SYMBOLS.get(currency, currency)}{minor / 100:,.2f}"


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return "-"
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"


def _ago(at: datetime, now: datetime) -> str:
    hours = (now - at).total_seconds() / 3600
    return f"{hours:.0f} h ago" if hours < 36 else f"{hours / 24:.0f} days ago"


def _row(row: tuple[Any, ...], zone: ZoneInfo, now: datetime) -> str:
    (key, title, mentor_id, mentor, mentee, at, minutes, status, meeting, rate, currency, refund, by_mentee, by_mentor,
     proposed, booked) = row  # fmt: skip
    letters = "".join(word[0] for word in mentor.split())
    return (
        f'<tr><td><a href="/s/{key}">{escape(title)}</a><td>{key.hex[:8]}<td><i class=c{mentor_id.int % 8}>'
        f"{escape(letters)}</i>{escape(mentor)}<td>{escape(mentee)}<td>{_moment(at, zone)}<td>{minutes} min<td>{status}"
        f"<td>{meeting}<td>{_money(rate, currency) if rate else 'Free'}<td>{refund}"
        f'<td title="Mentee {by_mentee}, mentor {by_mentor}">{by_mentee + by_mentor}{"*" if proposed else ""}'
        f'<td><time datetime="{booked:%Y-%m-%dT%H:%M:%SZ}" title="{_moment(booked, zone)}">{_ago(booked, now)}</time>'
    )


def _case_page(case: dict[str, Any], rows: list[tuple[Any, ...]], zone: ZoneInfo) -> str:
    past = {source: facts for source, _, _, facts, _ in rows if source in {"mentor", "mentee"}}
    sums: Counter[str] = Counter()
    lines = []
    for source, at, _, facts, name in rows:
        if source in past:
            continue
        if source == "ledger":
            sums[facts[1]] += facts[3]
        elif source == "payments":
            sums["paid"] += facts[3] + facts[4]
        elif source == "refunds":
            sums["refunded"] += facts[3]
        told = " · ".join(escape(str(fact)) for fact in facts if fact is not None)
        lines.append(f"<li><time>{_moment(at, zone)}</time> <b>{escape(name or '')}</b> {source}: {told}</li>")
    facts = "".join(
        f"<dt>{name}<dd>{escape(str(case[name]))}"
        for name in ("status", "duration", "payment_status", "refund_status", "meeting_type", "meeting_provider",
                     "booking_mode", "reschedule_count", "mentor_reschedule_count", "was_reassigned", "description",
                     "cancelled_by", "cancellation_reason")
    )  # fmt: skip
    times = "".join(
        f"<dt>{name}<dd>{_moment(case[name], zone)}"
        for name in ("scheduled_at", "started_at", "ended_at", "created_at", "reassigned_at", "cancelled_at")
    )
    people = "".join(
        f"<p>{escape(case[party])} {escape(case[f'{party}_email'])} "
        f"{_moment(case['scheduled_at'], ZoneInfo(case[f'{party}_zone']))} {past[party]}"
        for party in ("mentor", "mentee")
    )
    money = "".join(f"<dt>{name}<dd>{_money(minor, case['currency'])}" for name, minor in sums.items())
    price = _money(case["rate_minor"], case["currency"])
    return f"<h1>{escape(case['title'])}</h1><dl>{facts}{times}{price}{money}</dl>{people}<ol>{''.join(lines)}</ol>"


def _figures(rows: list[tuple[Any, ...]]) -> dict[bool, dict[str, Any]]:
    found: dict[bool, dict[str, Any]] = {
        is_now: {"status": Counter(), "by": Counter(), "revenue": Counter(), "refunds": Counter()}
        for is_now in (True, False)
    }
    for is_now, status, refund_status, by, currency, sessions, rate, refund in rows:
        sums = found[is_now]
        sums["status"][status] += sessions
        if status == "cancelled":
            sums["by"][by] += sessions
        if status == "completed":
            sums["revenue"][currency] += rate
        if refund_status == "processed":
            sums["refunds"][currency] += refund
    return found


def _overview_page(
    rows: list[tuple[Any, ...]], by_day: list[tuple[Any, ...]], reviews: list[tuple[Any, ...]], today: datetime
) -> str:
    figures = _figures(rows)
    cards = []
    for name, sums in figures[True].items():
        before = figures[False][name]
        for key, value in sums.items():
            change = f"{(value - before[key]) / before[key]:+.0%}" if before[key] else ""
            shown = _money(value, key) if name in {"revenue", "refunds"} else f"{value:,}"
            cards.append(f'<a href="/list?{name}={key}"><b>{shown}</b> {name} {key} {change}</a>')
    for is_now, count, total in reviews:
        cards.append(f"<p>{is_now}: {total / count:.2f} of {count:,} reviews</p>" if count else "")
    days: dict[Any, dict[str, int]] = defaultdict(dict)
    for day, status, count in by_day:
        days[day][status] = count
    order = sorted(days)
    trends = "".join(
        f'<polyline points="{" ".join(f"{at},{days[day].get(status, 0)}" for at, day in enumerate(order))}"/>'
        for status in ("completed", "cancelled", "no_show")
    )
    now = sum(days[today.date()].values())
    return f"{''.join(cards)}<p>{now} today</p><svg>{trends}</svg>"


def _charts_page(rows: list[tuple[Any, ...]], kinds: list[tuple[Any, ...]]) -> str:
    counts: dict[str, Counter[Any]] = defaultdict(Counter)
    money: dict[str, dict[str, Counter[Any]]] = defaultdict(lambda: {"revenue": Counter(), "refunds": Counter()})
    for day, status, refund_status, currency, sessions, rate, refund in rows:
        counts[status][day] += sessions
        if status == "completed":
            money[currency]["revenue"][day] += rate
        if refund_status == "processed":
            money[currency]["refunds"][day] += refund
    reasons: dict[str, Counter[Any]] = defaultdict(Counter)
    by_status: Counter[str] = Counter()
    for status, by, reason, sessions in kinds:
        by_status[status] += sessions
        if status == "cancelled":
            reasons[reason][by] += sessions
    order = sorted({row[0] for row in rows})
    days = "".join(
        f"<tr><th>{day}{''.join(_number(counts[status][day], f'status={status}', day) for status in counts)}"
        for day in order
    )
    sums = "".join(
        f"<table>{code}"
        + "".join(
            f"<tr><th>{day}{''.join(_number(found[name][day], f'{name}&currency={code}', day) for name in found)}"
            for day in order
        )
        + "</table>"
        for code, found in money.items()
    )
    why = "".join(
        f"<tr><th>{reason}{''.join(_number(found[by], f'reason={reason}&by={by}', '') for by in found)}"
        for reason, found in reasons.items()
    )
    return f"<table>{days}</table>{sums}<table>{why}</table>{dict(by_status)}"


def _number(value: int, query: str, day: Any) -> str:
    return (
        f'<td data-value={value}><a href="/list?{query}&from={day}&to={day}&zone=UTC">{value:,}</a>'
        if value
        else "<td>0"
    )


def pages(connection: psycopg.Connection[Any], now: datetime) -> Callable[[dict[str, Any], Answer], Iterable[bytes]]:
    """A WSGI application over one open connection."""

    def run(sql: str, values: dict[str, Any] | None = None) -> list[Any]:
        return connection.execute(sql, values).fetchall()

    def listing(ids: str, values: dict[str, Any], zone: ZoneInfo, total_sql: str = _TOTAL) -> str:
        total = run(total_sql, values)[0][0]
        rows = run(_PAGE.format(columns=_LIST_COLUMNS, ids=ids), values)
        cells = "".join(_row(row, zone, now) for row in rows[:50])
        older = f'<a href="?after={rows[49][0]}">Older</a>' if len(rows) > 50 else ""
        return f"<p>{total or 0:,}</p><table>{cells}</table>{older}"

    def one_case(session_id: str, zone: ZoneInfo) -> str:
        with connection.cursor(row_factory=dict_row) as cursor:
            case = cursor.execute(_CASE, {"id": session_id}).fetchone()
        assert case is not None
        people = {"mentor": case["mentor_id"], "mentee": case["mentee_id"]}
        return _case_page(case, run(_STORY, {"id": session_id, **people}), zone)

    def overview() -> str:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = {"since": today - timedelta(days=29), "before": today - timedelta(days=59), "today": today}
        figures, by_day, reviews = (run(sql, days) for sql in _OVERVIEW)
        return _overview_page(figures, by_day, reviews, today)

    def charts() -> str:
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        days = {"since": today - timedelta(days=29), "today": today}
        return _charts_page(*(run(sql, days) for sql in _CHARTS))

    def show(path: str, query: dict[str, str], zone: ZoneInfo) -> str:
        match path:
            case "/list":
                return listing(_NEWEST, {}, zone)
            case "/page500":
                return listing(_DEEP, {}, zone)
            case "/filtered":
                return listing(_FILTERED, {"since": query["since"], "until": query["until"]}, zone, _TOTAL_FILTERED)
            case "/search":
                word = query["q"].lower()
                return listing(_SEARCH, {"words": f"{word}:*", "address": f"{word}%"}, zone, _TOTAL_FOUND)
            case "/case":
                return one_case(query["id"], zone)
            case "/charts":
                return charts()
        return overview()

    def export(since: str) -> Iterator[bytes]:
        with connection.cursor() as cursor, cursor.copy(CSV, {"since": since}) as copy:
            for block in copy:
                yield bytes(block)

    def answer(environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        token = sha256(environ["HTTP_COOKIE"].partition("login=")[2].encode()).hexdigest()
        asked = datetime.now(UTC)
        known = run(_DOOR, {"token": token, "now": asked, "idle": asked - timedelta(hours=2)})
        if not known or known[0][2] not in {"support", "admin", "ops"}:
            start_response("403 Forbidden", [])
            return []
        _, name, _, zone, unread = known[0]
        path = environ["PATH_INFO"]
        if path == "/csv":
            start_response("200 OK", [("Content-Type", "text/csv")])
            return export(query["since"])
        body = show(path, query, ZoneInfo(zone))
        page = f"<!doctype html><title>{path}</title><p>{escape(name)}, {unread} unread</p>{body}".encode()
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))])
        return [page]

    return answer
