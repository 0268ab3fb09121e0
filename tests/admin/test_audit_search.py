"""The search of the trails finds what a plain OR finds, page by page, however its statement is put together (AUD-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.admin.base import directed
from app.domain.vocabulary import ActorKind
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail as Row
from app.models import User
from app.support import audit_search
from app.support.audit_search import ids_found, page_found, ways_to
from tests.factories.people import a_mentee, a_support_agent
from tests.world import Clock

_ACTIONS = ("ADMIN_NOTE_ADDED", "trouble", "ADMIN_FORCE_CANCEL")
_REASONS = ("Trouble on our side", "The mentor is ill", "Both agreed", "trouble again, and a thunderstorm")
_NEWEST = [(Row.created_at, True), (Row.seq, True), (Row.id, True)]
_OLDEST = [(column, False) for column, _ in _NEWEST]


def trail(clock: Clock, people: list[User]) -> list[Row]:
    """Forty rows of these people, some of one instant; only the ten oldest know of a flood."""
    rows = [
        Row(
            id=UUID(int=(number * 7919) % 997), seq=number, admin_id=people[number % len(people)].id,
            actor_role=ActorKind.SUPPORT, subject_type="user", action=_ACTIONS[number % 3],
            reason=_REASONS[number % 4] + (" in the flood" if number <= 10 else ""), details={},
            request_id=f"req-{number // 2:04}", created_at=clock.now + timedelta(minutes=number // 3),
            previous_hash="0" * 64, hash=f"{number:064}",
        )
        for number in range(1, 41)
    ]  # fmt: skip
    with transaction():
        db.session.add_all(rows)
    return rows


def pages(searched: str, order: Any, *conditions: Any, cap: int) -> tuple[list[int], int]:
    """The numbers of all rows, found seven by seven, and the count."""
    ways = ways_to(
        searched, ids=(Row.id, Row.session_id), exact=(Row.action, Row.request_id), actor=Row.admin_id,
        words=Row.reason, is_by_few=True,
    )  # fmt: skip
    found: list[int] = []
    total = 0
    for offset in range(0, 49, 7):
        page, count = page_found(select(Row.id).where(*conditions), Row, ways, order, size=7, offset=offset, cap=cap)
        found += db.session.scalars(select(page.c.seq)).all()
        total = db.session.execute(count).scalar_one()
    exported = set(db.session.scalars(ids_found(select(Row.id).where(*conditions), Row, ways)))
    assert exported == set(db.session.scalars(select(Row.id).where(Row.seq.in_(found))))
    return found, total


@pytest.mark.spec("AUD-1")
@pytest.mark.parametrize("cap, recent, named", [(10_000, 20_000, 12), (4, 20_000, 12), (4, 12, 1)])
def test_every_page_of_a_search_is_that_of_a_plain_or(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, cap: int, recent: int, named: int
) -> None:
    monkeypatch.setattr(audit_search, "_RECENT", recent)
    monkeypatch.setattr(audit_search, "_NAMED", named)
    people = [a_support_agent(name=name) for name in ("Ada Trouble", "Ada Okafor", "Grace Hopper")]
    a_mentee(name="Ada Nobody")
    rows = trail(clock, people)
    names = {person.id: person.name.lower() for person in people}

    def fits(row: Row, searched: str) -> bool:
        whole = {row.action, row.request_id, str(row.id), str(row.admin_id)}
        return searched in whole or searched in row.reason.lower().split() or searched in names[row.admin_id].split()

    for searched in ("trouble", "flood", "ada", "thunderstorm", "req-0007", "nothing", str(people[2].id),
                     str(rows[5].id)):  # fmt: skip
        for order, is_descending in ((_NEWEST, True), (_OLDEST, False)):
            expected = sorted((row.seq for row in rows if fits(row, searched)), reverse=is_descending)
            assert pages(searched, order, cap=cap) == (expected, min(len(expected), cap + 1)), searched
    expected = [row.seq for row in reversed(rows) if fits(row, "trouble") and row.action == "ADMIN_NOTE_ADDED"]
    assert pages("trouble", _NEWEST, Row.action == "ADMIN_NOTE_ADDED", cap=cap)[0] == expected


@pytest.mark.spec("AUD-1")
def test_the_second_page_of_a_search_goes_on_where_the_first_ended(
    as_role: Callable[[str], FlaskClient], clock: Clock
) -> None:
    trail(clock, [a_support_agent(name="Ada Okafor")])
    browser = as_role("admin")
    first, second = (browser.get(f"/admin/staff-trail/?search=okafor&page_size=25&page={page}").text for page in (0, 1))

    shown = [[number for number in range(1, 41) if f">{number}<" in "".join(page.split())] for page in (first, second)]
    assert [set(range(16, 41)) <= set(shown[0]), set(range(1, 16)) <= set(shown[1])] == [True, True]


@pytest.mark.spec("AUD-1")
def test_nothing_that_is_never_null_is_ordered_as_if_it_were(app: Any) -> None:

    assert "NULLS" not in str(directed(Row.created_at, True).compile(db.engine))
    assert "NULLS LAST" in str(directed(Row.session_id, True).compile(db.engine))
