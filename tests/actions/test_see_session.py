"""A session that is only looked at is the one that the database session would load (PERF-1, INV-8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import render_template_string
from sqlalchemy import ColumnElement, func, inspect

from app.booking.access import _OWN, load_session_for, see_session
from app.domain.context import ANONYMOUS, Context
from app.domain.errors import NotFound, SignInRequired
from app.models import MentoringSession, User
from tests.factories.people import a_mentee, a_support_agent, actor_of
from tests.factories.sessions import a_paid_session

pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.spec("PERF-1", "INV-8")]

MakeContext = Callable[..., Context]


def test_it_is_what_would_be_loaded_column_by_column(ctx: MakeContext) -> None:
    session_id = a_paid_session().id
    ask = ctx(actor_of(a_support_agent()))
    seen, _ = see_session(ask, session_id)
    loaded = load_session_for(ask, session_id)
    for mine, theirs in ((seen, loaded), (seen.mentor, loaded.mentor), (seen.mentee, loaded.mentee)):
        for column in set(inspect(type(theirs)).column_attrs.keys()) - _OWN:
            value, expected = getattr(mine, column), getattr(theirs, column)
            assert (value, type(value)) == (expected, type(expected)), column
    assert (seen.mentor.id, seen.mentee.id) == (seen.mentor_id, seen.mentee_id)
    for name, rule in vars(User).items():
        if isinstance(rule, property):
            assert getattr(seen.mentor, name) == getattr(loaded.mentor, name), name


def _asked_along() -> list[ColumnElement[Any]]:
    return [func.upper(MentoringSession.title), MentoringSession.duration + 1]


def test_what_is_asked_along_comes_along(ctx: MakeContext) -> None:
    session = a_paid_session()
    seen, beside = see_session(ctx(actor_of(session.mentee)), session.id, _asked_along)
    assert seen.id == session.id
    assert list(beside) == [session.title.upper(), session.duration + 1]


def test_nothing_is_changed_through_it(ctx: MakeContext) -> None:
    ask = ctx(actor_of(a_support_agent()))
    seen, _ = see_session(ask, a_paid_session().id)
    with pytest.raises(TypeError, match="only to be looked at"):
        seen.title = "Another title"
    assert load_session_for(ask, seen.id).title == seen.title != "Another title"


def test_what_did_not_come_along_is_no_empty_place_on_the_page(ctx: MakeContext) -> None:
    """A template draws nothing for an attribute that is not there."""
    seen, _ = see_session(ctx(actor_of(a_support_agent())), a_paid_session().id)
    with pytest.raises(LookupError, match="mentor_profile was not read"):
        render_template_string("{{ session.mentor.mentor_profile }}", session=seen)
    for secret in _OWN:
        with pytest.raises(LookupError):
            getattr(seen.mentee, secret)
    with pytest.raises(AttributeError):
        _ = seen.titel


def test_it_is_seen_by_whom_it_concerns_alone(ctx: MakeContext) -> None:
    session = a_paid_session()
    for person in (session.mentor, session.mentee, a_support_agent()):
        assert see_session(ctx(actor_of(person)), session.id)[0].id == session.id
    with pytest.raises(NotFound):
        see_session(ctx(actor_of(a_mentee())), session.id)
    with pytest.raises(NotFound):
        see_session(ctx(actor_of(a_support_agent())), uuid4())
    with pytest.raises(SignInRequired):
        see_session(ctx(ANONYMOUS), session.id)
