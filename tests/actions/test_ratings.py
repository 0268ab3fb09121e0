"""A mentor's average: kept with each review, and mended at night where it is not what the reviews say (RV-1, OPS-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.booking import review
from app.booking.review import refresh_ratings, review_session
from app.extensions import db
from app.models import MentorProfile, User
from app.tasks.rounds import EACH_NIGHT, run_rounds
from tests.factories.people import a_mentor, ctx_of
from tests.factories.sessions import START_AT, a_completed_session
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


def kept(mentor: User) -> tuple[float | None, int]:
    row = db.session.execute(
        db.select(MentorProfile.rating_average, MentorProfile.rating_count).where(MentorProfile.user_id == mentor.id)
    ).one()
    return row.rating_average, row.rating_count


def spoil(mentor: User, average: float | None, count: int) -> None:
    wrong = {"rating_average": average, "rating_count": count}
    db.session.execute(db.update(MentorProfile).where(MentorProfile.user_id == mentor.id).values(**wrong))


@pytest.mark.spec("OPS-4", "RV-1")
def test_at_night_an_average_that_drifted_is_mended_and_the_others_are_left_alone(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_BATCH", 2)
    rated, unrated, quiet = a_mentor(), a_mentor(), a_mentor()
    for number, stars in enumerate((5, 4, 4)):
        session = a_completed_session(mentor=rated, at=START_AT + timedelta(days=7 * number))
        clock.set(START_AT + timedelta(days=7 * number, hours=3))
        review_session(session.id, rating=stars, comment="", ctx=ctx_of(session.mentee))
        review_session(session.id, rating=1, comment="", ctx=ctx_of(rated))
    right = kept(rated)
    assert right == (pytest.approx(13 / 3), 3)
    assert refresh_ratings(ctx=context()) == 0
    for average, count in ((1.0, 3), (right[0], 99), (None, 0)):
        spoil(rated, average, count)
        spoil(unrated, 5.0, 1)
        assert refresh_ratings(ctx=context()) == 2
        assert (kept(rated), kept(unrated), kept(quiet)) == (right, (None, 0), (None, 0))


@pytest.mark.spec("OPS-4")
def test_the_nightly_round_says_how_many_it_mended() -> None:
    mentor = a_mentor()
    spoil(mentor, 5.0, 1)
    rounds = [each for each in EACH_NIGHT if each.name == "ratings"]
    assert run_rounds(rounds, context())["ratings"]["changed"] == 1
    assert run_rounds(rounds, context())["ratings"]["changed"] == 0
