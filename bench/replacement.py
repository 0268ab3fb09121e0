"""Another mentor among 2,000 with 1,000,000 sessions: the search beside the obvious way, in one run (PERF-4, AV-6).

The obvious way asks mentor by mentor whether this one could take the session. Both sides run over the same data and
must name the same mentors. The data of ``bench console`` is used, and made where it is missing. Its mentors are alike,
so that ratings, expertise and weeks are varied first, in a transaction that is never committed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select, text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.booking.facts import load_availability
from app.booking.parties import is_findable
from app.booking.replacement import Need, find_replacements
from app.domain.availability import is_covered
from app.domain.reassignment import Candidate, ranked
from app.domain.vocabulary import MeetingType, SessionStatus
from app.embedded.servers import embedded_servers
from app.extensions import db
from app.models import MentoringSession, MentorOffering, MentorProfile, User
from bench.console import _SERVER, prepare

ROUNDS, NAIVE_ROUNDS, WANTED = 15, 2, 5
_VARIED = (
    """
UPDATE mentor_profiles SET rating_count = 10, rating_average = 3 + abs(hashtext(user_id::text)) % 200 / 100.0,
       expertise = ARRAY[(string_to_array('design data leadership product research', ' '))
                         [1 + abs(hashtext(user_id::text)) % 5],
                         (string_to_array('career python sales writing law', ' '))
                         [1 + abs(hashtext(user_id::text || 'b')) % 5]]
""",
    """
UPDATE weekly_patterns SET blocks = jsonb_build_array(
    jsonb_build_object('start', to_char(6 + n % 7, 'FM00') || chr(58) || (ARRAY['00', '15', '30', '45'])[1 + n / 7 % 4],
                       'end', to_char(14 + n / 28 % 9, 'FM00') || chr(58) || '00', 'type', 'AVAILABLE'),
    jsonb_build_object('start', '12' || chr(58) || '00', 'end', '12' || chr(58) || 15 + n % 40, 'type', 'BREAK'))
FROM (SELECT mentor_id AS m, weekday AS d, abs(hashtext(mentor_id::text || weekday)) AS n FROM weekly_patterns) AS v
WHERE v.m = mentor_id AND v.d = weekday
""",
    "ANALYZE mentor_profiles, weekly_patterns",
)


def one_by_one(need: Need, *, now: datetime, limit: int) -> list[UUID]:
    """As one writes it first: each mentor's offering, calendar, pattern and sessions by themselves."""
    able = []
    for mentor in db.session.scalars(
        select(User).join(MentorProfile, MentorProfile.user_id == User.id).where(is_findable())
    ):
        profile = db.session.scalars(select(MentorProfile).where(MentorProfile.user_id == mentor.id)).one()
        if mentor.id in need.excluded or not profile.is_accepting:
            continue
        offers = db.session.scalars(
            select(MentorOffering).where(MentorOffering.mentor_id == mentor.id, MentorOffering.is_active)
        )
        if not any(
            (each.duration, each.currency) == (need.duration, need.currency) and need.meeting_type in each.meeting_types
            for each in offers
        ):
            continue
        facts = load_availability(mentor.id, None, need.time, now=now)
        end = need.time.end + timedelta(minutes=facts.schedule.buffer_minutes)
        if any(busy.start < end and need.start < busy.end for busy in facts.mentor_busy):
            continue
        if not is_covered(facts.schedule, facts.pattern, facts.exceptions, need.time):
            continue
        upcoming = db.session.scalar(
            select(func.count())
            .select_from(MentoringSession)
            .where(
                MentoringSession.mentor_id == mentor.id,
                MentoringSession.status == SessionStatus.SCHEDULED,
                MentoringSession.scheduled_at > now,
            )
        )
        shared = len(need.tags.intersection(tag.casefold() for tag in profile.expertise))
        able.append(Candidate(mentor.id, shared, round((profile.rating_average or 0) * 100), upcoming or 0))
    return [each.mentor_id for each in ranked(able)][:limit]


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def compare() -> None:
    first = db.session.execute(
        select(MentoringSession.mentor_id, MentoringSession.mentee_id, MentoringSession.scheduled_at)
        .where(MentoringSession.status == SessionStatus.SCHEDULED)
        .order_by(MentoringSession.scheduled_at, MentoringSession.id)
        .limit(1)
    ).one()
    # The data may be some days old: it is searched as on the day before its first coming session.
    now = first.scheduled_at - timedelta(hours=20)
    day = (first.scheduled_at + timedelta(days=7 - first.scheduled_at.weekday())).replace(hour=0)
    excluded = frozenset({first.mentor_id, first.mentee_id})
    print(f"{'a session on':<22}{'found':>7}{'search ms':>11}{'one by one ms':>15}{'ratio':>9}")
    for days, hour in ((1, 10), (2, 14), (1, 3), (6, 12)):
        start = day + timedelta(days=days, hours=hour)
        need = Need(
            start=start, duration=60, currency="EUR", meeting_type=MeetingType.VIDEO,
            tags=frozenset({"data", "career"}), excluded=excluded,
        )  # fmt: skip
        ours = [each.mentor_id for each in find_replacements(need, now=now, limit=WANTED)]
        if ours != one_by_one(need, now=now, limit=WANTED):
            sys.exit("The two ways disagree")
        mine = statistics.median(
            milliseconds(lambda n=need: find_replacements(n, now=now, limit=WANTED)) for _ in range(ROUNDS)
        )
        theirs = statistics.median(
            milliseconds(lambda n=need: one_by_one(n, now=now, limit=WANTED)) for _ in range(NAIVE_ROUNDS)
        )
        print(f"{start:%A %H:%M} UTC{'':<5}{len(ours):>7}{mine:>11.1f}{theirs:>15.0f}{theirs / mine:>8.0f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that a second run is quick")
    chosen = parser.parse_args()
    folder = chosen.folder / "large"
    with embedded_servers(folder, durable=False, postgres_settings=_SERVER) as servers:
        app = prepare(folder, servers.database_url, servers.redis_url, chosen.sessions)
        with app.app_context():
            counted = db.session.execute(
                text("SELECT (SELECT count(*) FROM mentor_schedules), (SELECT count(*) FROM sessions)")
            ).one()
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {counted[0]:,} mentors, {counted[1]:,} sessions")
            for statement in _VARIED:
                db.session.execute(text(statement))
            compare()
            db.session.rollback()


if __name__ == "__main__":
    main()
