"""`python -m bench audit_reports`: audit search, reports and their files at a million sessions beside SQL by hand.

1,000,000 sessions bring 2,000,000 entries of the session log; as many staff acts are made beside them. As in
``console.py`` both sides read one PostgreSQL in turns, the ratio is the result, and nothing here is a test.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
from flask import Flask
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.domain.context import SYSTEM, Context
from app.domain.vocabulary import Role
from app.embedded.servers import embedded_servers
from app.extensions import db
from app.people.accounts import create_user
from bench import audit_reports  # what another process calls must be in a module that it can import
from bench._processor import processor_milliseconds
from bench.console import (
    _SERVER,
    PASSWORD,
    ROUNDS,
    Statements,
    apart,
    caller,
    cookie_of,
    hand_login,
    prepare,
    side_by_side,
    streamed,
)
from bench.handwritten import _DOOR

ADMIN = "admin@bench.example"
DAYS = 90
_RARE = "thunderstorm"

# Plausible in shape, worthless as a chain: its hashes are nobody's to verify.
_STAFF_ACTS = """
INSERT INTO admin_session_audit_trail (id, seq, admin_id, actor_role, session_id, subject_type, subject_id, action,
    previous_status, new_status, reason, details, request_id, ip_address, user_agent, created_at, previous_hash, hash)
SELECT gen_random_uuid(), n + :first, (SELECT id FROM users WHERE email = :admin), 'admin', s.id, 'session', s.id::text,
       (ARRAY['ADMIN_FORCE_CANCEL','ADMIN_MANUAL_REFUND','ADMIN_NOTE_ADDED','ADMIN_SESSION_MOVED',
              'ADMIN_CHAT_VIEWED'])[1 + n % 5],
       'scheduled', 'cancelled',
       (ARRAY['The mentor is ill','Trouble on our side','A complaint by telephone','Both agreed by e-mail',
              'A party reported a problem'])[1 + n % 5]
       || CASE WHEN n % 20000 = 0 THEN ' after a thunderstorm' ELSE '' END,
       '{"refundPercentage": 100}', 'bench', '127.0.0.1', 'bench', s.created_at + copy * interval '1 hour',
       repeat('0', 64), repeat('0', 64)
FROM (SELECT id, created_at, copy, row_number() OVER (ORDER BY created_at, id, copy) AS n
      FROM sessions, generate_series(1, 2) AS copy) AS s
"""

_NAMED = """SELECT a.seq, a.created_at, u.name, a.action, s.title, a.previous_status, a.new_status, a.reason, a.id
FROM ({ids}) AS p JOIN admin_session_audit_trail a ON a.id = p.id LEFT JOIN users u ON u.id = a.admin_id
LEFT JOIN sessions s ON s.id = a.session_id ORDER BY a.seq DESC"""
_LOGGED = """SELECT a.number, a.created_at, u.name, a.action, s.title, a.previous_status, a.new_status,
       a.reason_details, a.id
FROM ({ids}) AS p JOIN session_audit_log a ON a.id = p.id LEFT JOIN users u ON u.id = a.user_id
LEFT JOIN sessions s ON s.id = a.session_id ORDER BY a.created_at DESC, a.id DESC"""
_TRAIL = "SELECT id FROM admin_session_audit_trail"
_LOG = "SELECT id FROM session_audit_log"
_COUNT = "SELECT count(*) FROM ({ids} LIMIT 10001) AS found"

# Path → the ids of a page, the same without order, the columns.
_LISTS: dict[str, tuple[str, str, str]] = {
    "/trail": (f"{_TRAIL} ORDER BY seq DESC LIMIT 50", _TRAIL, _NAMED),
    "/trail-page": (f"{_TRAIL} ORDER BY seq DESC LIMIT 50 OFFSET 10000", _TRAIL, _NAMED),
    "/trail-words": (
        f"{_TRAIL} WHERE to_tsvector('simple', reason) @@ to_tsquery('simple', %(q)s) ORDER BY seq DESC LIMIT 50",
        f"{_TRAIL} WHERE to_tsvector('simple', reason) @@ to_tsquery('simple', %(q)s)", _NAMED,
    ),
    "/trail-action": (
        f"{_TRAIL} WHERE action = %(q)s ORDER BY seq DESC LIMIT 50", f"{_TRAIL} WHERE action = %(q)s", _NAMED,
    ),
    "/trail-session": (
        f"{_TRAIL} WHERE session_id = %(q)s ORDER BY seq DESC LIMIT 50", f"{_TRAIL} WHERE session_id = %(q)s", _NAMED,
    ),
    "/log": (f"{_LOG} ORDER BY created_at DESC, id DESC LIMIT 50", _LOG, _LOGGED),
    "/log-person": (
        f"{_LOG} WHERE user_id = (SELECT id FROM users WHERE email = %(q)s) ORDER BY created_at DESC, id DESC LIMIT 50",
        f"{_LOG} WHERE user_id = (SELECT id FROM users WHERE email = %(q)s)", _LOGGED,
    ),
}  # fmt: skip

_SPAN = "scheduled_at >= %(start)s AND scheduled_at < %(end)s"
# Reports as one would ask for them in psql.
_REPORTS: dict[str, str] = {
    "cancellation-reasons": f"""SELECT cancelled_by, coalesce(cancellation_category, 'other'), count(*) FROM sessions
        WHERE status = 'cancelled' AND {_SPAN} GROUP BY 1, 2 ORDER BY 3 DESC""",
    "cancellation-rates": f"""SELECT cancelled_by, count(*) FILTER (WHERE status = 'cancelled'), count(*) FROM sessions
        WHERE {_SPAN} AND status NOT IN ('draft', 'expired') GROUP BY 1""",
    "reschedules": """SELECT initiated_by, count(*), count(*) FILTER (WHERE status = 'accepted'),
        avg(1 + counter_proposal_count) FROM reschedule_requests
        WHERE created_at >= %(start)s AND created_at < %(end)s GROUP BY 1""",
    "no-shows": f"""SELECT u.name, t.party, t.missed FROM (SELECT CASE no_show_party WHEN 'mentor' THEN mentor_id
        ELSE mentee_id END AS id, no_show_party AS party, count(*) AS missed FROM sessions
        WHERE status = 'no_show' AND {_SPAN} GROUP BY 1, 2 HAVING count(*) > 1) t JOIN users u USING (id)
        ORDER BY 3 DESC, 1 LIMIT 100""",
    "mentor-reliability": f"""SELECT u.name, t.* FROM (SELECT mentor_id, count(*) FILTER (WHERE status = 'completed'),
        count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'mentor'),
        count(*) FILTER (WHERE status = 'no_show' AND no_show_party = 'mentor') AS missed FROM sessions
        WHERE {_SPAN} AND status IN ('completed', 'cancelled', 'no_show') GROUP BY 1) t
        JOIN users u ON u.id = t.mentor_id ORDER BY t.missed DESC LIMIT 200""",
    "mentee-reliability": f"""SELECT u.name, t.* FROM (SELECT mentee_id, count(*) FILTER (WHERE status = 'completed'),
        count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'mentee'),
        count(*) FILTER (WHERE status = 'no_show' AND no_show_party = 'mentee') AS missed FROM sessions
        WHERE {_SPAN} AND status IN ('completed', 'cancelled', 'no_show') GROUP BY 1) t
        JOIN users u ON u.id = t.mentee_id ORDER BY t.missed DESC LIMIT 200""",
    "refund-costs": """SELECT s.cancelled_by, r.by_staff, r.currency, count(*), sum(r.amount_minor) FROM refunds r
        JOIN sessions s ON s.id = r.session_id WHERE r.status IN ('processed', 'pending', 'failed')
        AND r.created_at >= %(start)s AND r.created_at < %(end)s GROUP BY 1, 2, 3""",
    "workload": """SELECT u.name, a.action, count(*) FROM admin_session_audit_trail a JOIN users u ON u.id = a.admin_id
        WHERE a.created_at >= %(start)s AND a.created_at < %(end)s GROUP BY 1, 2""",
}
_FILES = {
    "/trail.csv": "SELECT a.*, u.name FROM admin_session_audit_trail a LEFT JOIN users u ON u.id = a.admin_id"
    " WHERE a.action = 'ADMIN_FORCE_CANCEL' ORDER BY a.seq",
    "/log.csv": "SELECT a.*, u.name FROM session_audit_log a LEFT JOIN users u ON u.id = a.user_id"
    " WHERE a.action = 'session_no_show' ORDER BY a.number",
}


def by_hand(connection: psycopg.Connection[Any], now: datetime) -> Callable[..., Iterable[bytes]]:
    """A bare function over one open connection: finds out who asks, then answers with one or two statements."""
    span = {"start": now - timedelta(days=DAYS), "end": now}

    def table(rows: list[Any]) -> str:
        return "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)

    def page(path: str, query: dict[str, str]) -> str:
        if path in _LISTS:
            ids, unordered, columns = _LISTS[path]
            total = connection.execute(_COUNT.format(ids=unordered), query).fetchall()[0][0]
            return f"<p>{total}</p>" + table(connection.execute(columns.format(ids=ids), query).fetchall())
        return table(connection.execute(_REPORTS[path[1:]], span).fetchall())

    def file(path: str) -> Iterator[bytes]:
        with connection.cursor() as cursor, cursor.copy(f"COPY ({_FILES[path]}) TO STDOUT (FORMAT csv)") as copy:
            for block in copy:
                yield bytes(block)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        token = sha256(environ["HTTP_COOKIE"].partition("login=")[2].encode()).hexdigest()
        asked = datetime.now(UTC)
        who = connection.execute(_DOOR, {"token": token, "now": asked, "idle": asked - timedelta(hours=2)}).fetchall()
        if not who or who[0][2] != "admin":
            start_response("403 Forbidden", [])
            return []
        start_response("200 OK", [])
        if environ["PATH_INFO"] in _FILES:
            return file(environ["PATH_INFO"])
        body = page(environ["PATH_INFO"], query)
        return [f"<!doctype html><p>{escape(who[0][1])}, {who[0][4]} unread</p><table>{body}</table>".encode()]

    return answer


def add_staff_acts(app: Flask) -> int:
    """Two staff acts for each session, once."""
    with app.app_context():
        found = db.session.scalar(text("SELECT count(*) FROM admin_session_audit_trail WHERE user_agent = 'bench'"))
        if not found:
            began = time.monotonic()
            context = Context(SYSTEM, datetime.now(UTC), "bench-admin")
            create_user(
                email=ADMIN, name="Bench Admin", role=Role.ADMIN, password=PASSWORD, timezone="UTC", ctx=context
            )
            first = db.session.scalar(text("SELECT coalesce(max(seq), 0) FROM admin_session_audit_trail"))
            db.session.execute(text("SET LOCAL synchronous_commit = off"))
            db.session.execute(text(_STAFF_ACTS), {"first": first, "admin": ADMIN})
            db.session.commit()
            db.session.execute(text("ANALYZE"))
            db.session.commit()
            print(f"staff acts made in {time.monotonic() - began:.0f} s")
        rows = "SELECT (SELECT count(*) FROM admin_session_audit_trail) + (SELECT count(*) FROM session_audit_log)"
        return int(db.session.scalar(text(rows)) or 0)


def compare(app: Flask, database_url: str) -> None:
    connection = psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True)
    cookie, statements = cookie_of(app, ADMIN), Statements(app)
    other, other_cookie = by_hand(connection, datetime.now(UTC)), hand_login(connection, ADMIN)
    session = connection.execute("SELECT id FROM sessions ORDER BY created_at DESC OFFSET 500 LIMIT 1").fetchall()[0][0]
    person = connection.execute("SELECT email FROM users WHERE email LIKE 'volume%' AND role = 'mentee' LIMIT 1")
    email = person.fetchall()[0][0]
    lists = [
        ("trail, newest first", "/admin/staff-trail/", "/trail"),
        ("trail, page 200", "/admin/staff-trail/?page=200", "/trail-page"),
        ("trail, a frequent word", "/admin/staff-trail/?search=trouble", "/trail-words?q=trouble"),
        ("trail, a rare word", f"/admin/staff-trail/?search={_RARE}", f"/trail-words?q={_RARE}"),
        ("trail, one action", "/admin/staff-trail/?search=ADMIN_FORCE_CANCEL", "/trail-action?q=ADMIN_FORCE_CANCEL"),
        ("trail, one session", f"/admin/staff-trail/?search={session}", f"/trail-session?q={session}"),
        ("log, newest first", "/admin/session-log/", "/log"),
        ("log, one person", f"/admin/session-log/?search={email}", f"/log-person?q={email}"),
    ]
    reports = [(f"report {name}", f"/admin/analytics/{name}?days={DAYS}", f"/{name}") for name in _REPORTS]
    print(
        f"{'page':30}{'ours ms':>9}{'by hand':>9}{'ratio':>7}{'processor':>10}{'by hand':>9}{'ratio':>7}"
        f"{'SQL':>5}{'KB':>6}"
    )
    for name, ours, theirs in [*lists, *reports]:
        page = caller(app.wsgi_app, ours, cookie)  # type: ignore[arg-type]
        hand = caller(other, theirs, other_cookie)
        weight, sent = len(page()) / 1024, statements.of(page)
        mine, others = side_by_side(page, hand)
        used, hand_used = (processor_milliseconds(call, connection, ROUNDS) for call in (page, hand))
        print(
            f"{name:30}{mine:9.1f}{others:9.1f}{mine / others:7.2f}{used:10.1f}{hand_used:9.1f}{used / hand_used:7.2f}"
            f"{sent:5}{weight:6.0f}"
        )
    for name, ours, theirs in (
        ("staff acts", "/admin/audit/export/staff-acts.csv?search=ADMIN_FORCE_CANCEL", "/trail.csv"),
        ("session log", "/admin/audit/export/session-log.csv?search=session_no_show", "/log.csv"),
    ):
        runs = [(streamed(app.wsgi_app, ours, cookie), streamed(other, theirs, other_cookie)) for _ in range(3)]  # type: ignore[arg-type]
        told(name, runs)
    connection.close()


Run = tuple[float, float, int]


def told(name: str, runs: list[tuple[Run, Run]]) -> None:
    """First byte and total of a file of many rows, medians of both sides taking turns."""
    first, total, size = (statistics.median(ours[index] for ours, _ in runs) for index in range(3))
    other = statistics.median(theirs[1] for _, theirs in runs)
    print(
        f"CSV of the {name}: first byte {first:.3f} s, total {total:.2f} s, {size / 1e6:.1f} MB; "
        f"by hand {other:.2f} s, ratio {total / other:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept; the one of the console's measure")
    chosen = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {ROUNDS}")
    apart(audit_reports.measure, chosen.folder / "large", chosen.sessions, is_filling=True)
    apart(audit_reports.measure, chosen.folder / "large", chosen.sessions)


def measure(folder: Path, sessions: int, *, is_filling: bool = False) -> None:
    """Make what is not there yet; or compare."""
    with embedded_servers(folder, durable=False, postgres_settings=_SERVER) as servers:
        app = prepare(folder, servers.database_url, servers.redis_url, sessions)
        rows = add_staff_acts(app)
        if not is_filling:
            print(f"\n{sessions:,} sessions, {rows:,} audit rows, reports over {DAYS} days")
            compare(app, servers.database_url)


if __name__ == "__main__":
    main()
