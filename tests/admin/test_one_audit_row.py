"""Each change that staff make in the console leaves one row in the staff audit trail, or nothing changed (SM-3).

Generated over every address of the console that takes a POST; the table of how to make them act is ``console_acts.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from app.extensions import db
from app.foundation import audit
from app.models import AdminAuditTrail
from tests.admin.console_acts import ACTS, NO_ACTS, Acting
from tests.architecture.test_role_matrix import path_of, undone
from tests.architecture.world_of_roles import World
from tests.factories import people
from tests.world import Clock

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
# Beside what was done: when somebody was last seen.
_ASIDE = {"logins", "alembic_version"}


def _posting(app: Flask) -> set[str]:
    return {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/admin/") and "POST" in (rule.methods or set())
    }


@pytest.mark.spec("SM-3", "ACT", "AUD-1")
def test_every_address_that_acts_is_tried_here(shared_app: Flask) -> None:
    known = {acting.rule for acting in ACTS} | set(NO_ACTS)
    missing = sorted(_posting(shared_app) - known)
    assert missing == [], "say in tests/admin/console_acts.py how these are made to act (an Acting in ACTS)"
    assert sorted(known - _posting(shared_app)) == [], "these lines of tests/admin/console_acts.py name no address"
    several = {acting.rule for acting in ACTS if len(acting.rows) != 1}
    assert several <= {"/admin/disputes/<uuid:dispute_id>/resolve/<how>"}, "one act, one row: say why in the table"


@pytest.mark.spec("SM-3", "ACT", "AUD-1")
@pytest.mark.parametrize("acting", ACTS, ids=lambda acting: acting.name)
def test_an_act_leaves_its_one_row_or_nothing(
    app: Flask, clock: Clock, acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(app)
    parts, typed = _made(world, acting)
    if acting.after is not None:
        clock.set(world.running.scheduled_at + acting.after)
    path = path_of(acting.rule, parts)
    browser, stranger = world.browser(acting.who), world.browser("other_mentee")
    form = _form(browser, path, typed) if acting.has_page else dict(typed)
    before, trail = _everything(), _trail()

    # Refused: to somebody else, and without what has to be typed.
    assert stranger.post(path, data=form).status_code == 403
    if acting.has_page and not acting.keeps_a_plan:
        assert browser.post(path, data={name: form[name] for name in form if name not in typed}).status_code < 500
    assert (_everything(), _trail()) == (before, trail), "a refused act changed something"

    # The row cannot be written: then nothing is.
    with undone(), monkeypatch.context() as broken:
        broken.setattr(audit, "_append", _fail)
        with pytest.raises(_NoRow):
            browser.post(path, data=form)
        db.session.rollback()
        assert _everything() == before, "the change does not stand and fall with its row"

    answer = browser.post(path, data=form)
    assert answer.status_code in {200, 303}, answer.text[:800]
    assert sorted(_trail()[len(trail) :]) == sorted(acting.rows), "rows of the staff audit trail"
    again = browser.post(path, data=form)
    assert again.status_code < 500


class _NoRow(Exception):
    pass


def _fail(_: object) -> None:
    raise _NoRow


def _made(world: World, acting: Acting) -> tuple[dict[str, Any], dict[str, str]]:
    """The parts of the address, and what is typed with what the state of the world adds to it."""
    if isinstance(acting.ids, Mapping):
        made = {name: path[1:] if path[0] == "=" else world.value(path) for name, path in acting.ids.items()}
    else:
        made = dict(acting.ids(world))
    found = {name: str(getattr(value, "id", value)) for name, value in made.items()}
    in_address = set(re.findall(r"<(?:\w+:)?(\w+)>", acting.rule))
    typed = {**acting.typed, **{name: value for name, value in found.items() if name not in in_address}}
    return {name: found[name] for name in in_address}, typed


def _form(browser: FlaskClient, path: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What the page sends once these values were chosen and shown."""
    page = browser.get(path, query_string={**typed, "shown": "1"})
    assert page.status_code in {200, 422}, page.text[:500]
    hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text) if name != "csrf_token"}
    return {**hidden, **typed}


def _trail() -> list[str]:
    return list(db.session.scalars(db.select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


def _everything() -> dict[str, Any]:
    """A mark of each table's content."""
    db.session.rollback()
    connection = db.session.connection()
    tables = sorted(set(inspect(connection).get_table_names()) - _ASIDE)
    marks = " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(sum(hashtext(t::text)::bigint), 0) FROM {table} t" for table in tables
    )
    return {table: (int(count), int(mark)) for table, count, mark in connection.execute(text(marks))}


def test_the_mark_of_everything_notices_one_changed_cell(app: Flask, clock: Clock) -> None:
    user = people.a_mentee()
    before = _everything()
    db.session.execute(text("UPDATE users SET name = name || '.' WHERE id = :id"), {"id": user.id})
    db.session.commit()
    assert {name for name, mark in _everything().items() if before[name] != mark} == {"users"}
