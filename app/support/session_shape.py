"""The shape of a list: what is filtered and sorted by, without the values (PERF-1).

Lists of one shape are one statement, put together once; the values of a filter go into its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.types import Text, Uuid

from app.extensions import UtcDateTime
from app.models import MentoringSession
from app.support.queues import Queue
from app.support.session_filter import SessionFilter

_WORDS = re.compile(r"\w+")
_PHRASES = re.compile(r'"([^"]*)"')
_ID_START = re.compile(r"[0-9a-f]{4,32}")
S = MentoringSession
_LISTS: dict[str, Any] = {
    "statuses": S.status, "meeting_types": S.meeting_type, "refund_statuses": S.refund_status,
    "cancelled_by": S.cancelled_by, "reasons": S.cancellation_category, "currencies": S.currency,
}  # fmt: skip
_NAMES = ("mentor_name", "mentee_name")
_SINGLE: dict[str, Any] = {"start": UtcDateTime(), "end": UtcDateTime(), "mentor_id": Uuid(), "mentee_id": Uuid()}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a search looks for: values, or the parameters that stand for them.

    :param address: the pattern of the start of an e-mail address
    :param words: all words, each as the start of a word; None when there is none, or for an e-mail address
    :param ids: the first and the last id that begin so
    """

    address: Any
    words: Any = None
    title: Any = None
    ids: tuple[Any, Any] | None = None


def terms_of(search: str) -> Terms:
    """The values of a search. Words in quotation marks are looked for as they stand, one behind the other."""
    text = search.lower()
    exact = [" <-> ".join(f"'{word}'" for word in _WORDS.findall(phrase)) for phrase in _PHRASES.findall(text)]
    begun = [f"'{word}':*" for word in _WORDS.findall(_PHRASES.sub(" ", text))]
    query = " & ".join([*(f"({phrase})" for phrase in exact if phrase), *begun]) or None
    address = text.replace('"', "").replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return Terms(address, None if "@" in search else query, query, _id_range(search))


def _id_range(search: str) -> tuple[UUID, UUID] | None:
    start = search.lower().replace("-", "")
    if not _ID_START.fullmatch(start):
        return None
    return UUID(start.ljust(32, "0")), UUID(start.ljust(32, "f"))


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts a filter has; equal shapes are one statement."""

    lists: tuple[int, ...]
    single: tuple[bool, ...]
    reassigned: bool | None
    pending_reschedule: bool | None
    in_net: bool
    queue: Queue | None
    names: tuple[bool | None, ...]
    search: tuple[bool, bool, bool] | None
    sort: str
    descending: bool

    @classmethod
    def of(cls, chosen: SessionFilter) -> Shape:
        terms = terms_of(chosen.search) if chosen.search else None
        return cls(
            tuple(len(getattr(chosen, name)) for name in _LISTS),
            tuple(bool(getattr(chosen, name)) for name in _SINGLE),
            chosen.reassigned,
            chosen.pending_reschedule,
            chosen.in_net,
            chosen.queue,
            tuple(_has_words(getattr(chosen, name)) for name in _NAMES),
            (terms.words is not None, terms.title is not None, terms.ids is not None) if terms else None,
            chosen.sort,
            chosen.descending,
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """A filter of that shape whose values are parameters; its names are those of ``SessionFilter``."""

    statuses: tuple[Any, ...]
    meeting_types: tuple[Any, ...]
    refund_statuses: tuple[Any, ...]
    cancelled_by: tuple[Any, ...]
    reasons: tuple[Any, ...]
    currencies: tuple[Any, ...]
    start: Any
    end: Any
    mentor_id: Any
    mentee_id: Any
    reassigned: bool | None
    pending_reschedule: bool | None
    in_net: bool
    queue: Queue | None
    mentor_name: Terms | None
    mentee_name: Terms | None
    search: Terms | None
    sort: str
    descending: bool

    @classmethod
    def of(cls, shape: Shape) -> Parameters:
        found: dict[str, Any] = {
            name: tuple(bindparam(f"{name}_{index}", type_=column.type) for index in range(count))
            for (name, column), count in zip(_LISTS.items(), shape.lists, strict=True)
        }
        found |= {
            name: bindparam(name, type_=_SINGLE[name]) if is_set else None
            for name, is_set in zip(_SINGLE, shape.single, strict=True)
        }
        found |= {
            name: _name_parameters(name, has_words=has_words)
            for name, has_words in zip(_NAMES, shape.names, strict=True)
        }
        return cls(
            **found,
            reassigned=shape.reassigned,
            pending_reschedule=shape.pending_reschedule,
            in_net=shape.in_net,
            queue=shape.queue,
            search=_search_parameters(shape.search),
            sort=shape.sort,
            descending=shape.descending,
        )


def _has_words(name: str) -> bool | None:
    """Whether a name has words, and not only the start of an address; None when there is none to look for."""
    return terms_of(name).words is not None if name else None


def _name_parameters(name: str, *, has_words: bool | None) -> Terms | None:
    if has_words is None:
        return None
    words = bindparam(f"{name}_words", type_=TSQUERY()) if has_words else None
    return Terms(bindparam(f"{name}_address", type_=Text()), words)


def _search_parameters(search: tuple[bool, bool, bool] | None) -> Terms | None:
    if search is None:
        return None
    words, title, ids = search
    return Terms(
        bindparam("address", type_=Text()),
        bindparam("words", type_=TSQUERY()) if words else None,
        bindparam("words", type_=TSQUERY()) if title else None,
        (bindparam("id_first", type_=Uuid()), bindparam("id_last", type_=Uuid())) if ids else None,
    )


def values_of(chosen: SessionFilter, now: datetime) -> Mapping[str, Any]:
    """What the parameters of this filter's shape stand for."""
    found: dict[str, Any] = {
        f"{name}_{index}": value for name in _LISTS for index, value in enumerate(getattr(chosen, name))
    }
    found |= {name: value for name in _SINGLE if (value := getattr(chosen, name))}
    if chosen.queue:
        found["now"] = now
    for name in _NAMES:
        if text := getattr(chosen, name):
            terms = terms_of(text)
            found[f"{name}_address"] = terms.address
            if terms.words is not None:
                found[f"{name}_words"] = terms.words
    if chosen.search:
        terms = terms_of(chosen.search)
        found["address"] = terms.address
        if terms.title is not None:
            found["words"] = terms.title
        if terms.ids is not None:
            found["id_first"], found["id_last"] = terms.ids
    return found
