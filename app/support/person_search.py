"""Finding people by what is typed: words of the name, or the start of the e-mail address (SL-2, ADM-3)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, SelectBase, cast, func, or_, select, text, union_all
from sqlalchemy.dialects.postgresql import TSQUERY

from app.models import User
from app.support.session_shape import Terms, terms_of


def person_matches(search: str) -> ColumnElement[bool]:
    """Words of the name, each of which may be cut short, or the start of the e-mail address."""
    return or_(*_ways_to_a_person(terms_of(search)))


def people_of(terms: Terms) -> SelectBase:
    """The ids of all whom these terms find; somebody found both ways comes twice."""
    # UNION ALL and not OR, under which PostgreSQL takes every name found apart again.
    ways = [select(User.id).where(way) for way in _ways_to_a_person(terms)]
    return union_all(*ways) if len(ways) > 1 else ways[0]


def _ways_to_a_person(terms: Terms) -> list[ColumnElement[bool]]:
    ways: list[ColumnElement[bool]] = [User.email.like(terms.address)]
    if terms.words is not None:
        ways.insert(0, func.to_tsvector(text("'simple'"), User.name).op("@@")(cast(terms.words, TSQUERY)))
    return ways
