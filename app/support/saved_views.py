"""Saved views: a list as somebody likes to see it, under a name, one's own or shared by the team (SL-2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, func, or_, select

from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import Role
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import SavedView, User
from app.support.session_filter import SessionFilter, read_what_can_be_read
from app.support.session_list import count_list

LIST: Final = "sessions"
LONGEST_NAME: Final = 60
MOST_EACH: Final = 30
_MOST_SHOWN: Final = 60
_COLUMNS: tuple[Any, ...] = (
    SavedView.id, SavedView.name, SavedView.is_shared, SavedView.owner_id, SavedView.query, User.name.label("owner"),
)  # fmt: skip
_SAVED, _CHANGED, _DELETED = "ADMIN_VIEW_SAVED", "ADMIN_VIEW_CHANGED", "ADMIN_VIEW_DELETED"


@dataclass(frozen=True, slots=True)
class View:
    """One view as a reader sees it.

    :param chosen: its filter, order and columns; what a later version no longer knows of it is left out
    :param may_change: whether it is the reader's own, or shared and the reader an admin
    """

    id: UUID
    name: str
    is_shared: bool
    is_own: bool
    owner: str
    chosen: SessionFilter
    may_change: bool


def views_for(*, zone: str, ctx: Context) -> list[View]:
    """The reader's own views and those that the team shares, own ones first, in one statement."""
    mine = SavedView.owner_id == ctx.actor.user_id
    found = (
        select(*_COLUMNS)
        .join(User, User.id == SavedView.owner_id)
        .where(SavedView.list == LIST, or_(mine, SavedView.is_shared))
        .order_by(mine.desc(), func.lower(SavedView.name), SavedView.id)
        .limit(_MOST_SHOWN)
    )
    return [_view(row, zone, ctx) for row in db.session.execute(found)]


def _view(row: Row[Any], zone: str, ctx: Context) -> View:
    chosen, _ = read_what_can_be_read(row.query, zone=zone)
    is_own = row.owner_id == ctx.actor.user_id
    may_change = is_own or (row.is_shared and ctx.actor.role is Role.ADMIN)
    return View(row.id, row.name, row.is_shared, is_own, row.owner, chosen, may_change)


def count_views(views: Sequence[View], *, ctx: Context) -> dict[UUID, int]:
    """How many sessions each view shows now; one statement each, none of which counts beyond 10,000 rows."""
    return {view.id: count_list(view.chosen, now=ctx.now).value for view in views}


def save_view(name: str, chosen: SessionFilter, *, is_shared: bool, ctx: Context) -> UUID:
    """This function will keep a list under a name.

    :raises Forbidden: the role may not
    :raises Invalid: the name is empty, too long, or one of the person's views has it
    :raises Conflict: the person has as many as one can keep apart
    """
    require(ctx.actor, Permission.SAVED_VIEW_EDIT)
    with transaction():
        # One of a person's windows after the other, so that no name comes twice.
        db.session.execute(select(User.id).where(User.id == ctx.actor.user_id).with_for_update(key_share=True))
        names = _names(ctx.actor.user_id)
        if len(names) >= MOST_EACH:
            raise Conflict(f"You have {MOST_EACH} views, which is as many as there can be. Delete one first.")
        view = SavedView(
            id=uuid4(),
            owner_id=ctx.actor.user_id,
            list=LIST,
            name=_clean_name(name, names.values()),
            query=chosen.arguments(),
            is_shared=is_shared,
            created_at=ctx.now,
        )
        db.session.add(view)
        _record(_SAVED, view, ctx)
        return view.id


def change_view(view_id: UUID, *, name: str, is_shared: bool, chosen: SessionFilter | None, ctx: Context) -> None:
    """This function will rename a view, share it or keep it, or let it show another list.

    :param chosen: what it shows from now on; None leaves that as it is
    :raises NotFound: there is none that the person may see
    :raises Forbidden: it is a colleague's
    :raises Invalid: as ``save_view``
    """
    with transaction():
        view = _locked(view_id, ctx)
        names = {key: taken for key, taken in _names(view.owner_id).items() if key != view.id}
        view.name, view.is_shared = _clean_name(name, names.values()), is_shared
        if chosen is not None:
            view.query = chosen.arguments()
        _record(_CHANGED, view, ctx)


def delete_view(view_id: UUID, *, ctx: Context) -> None:
    """This function will delete a view; the sessions in it are untouched.

    :raises NotFound: there is none that the person may see
    :raises Forbidden: it is a colleague's
    """
    with transaction():
        view = _locked(view_id, ctx)
        _record(_DELETED, view, ctx)
        db.session.delete(view)


def find_view(view_id: UUID, *, zone: str, ctx: Context) -> View:
    """One view that this person may change.

    :raises NotFound: there is none that the person may see
    :raises Forbidden: it is a colleague's
    """
    view = _visible(view_id, ctx, lock=False)
    chosen, _ = read_what_can_be_read(view.query, zone=zone)
    return View(view.id, view.name, view.is_shared, view.owner_id == ctx.actor.user_id, "", chosen, may_change=True)


def _locked(view_id: UUID, ctx: Context) -> SavedView:
    return _visible(view_id, ctx, lock=True)


def _visible(view_id: UUID, ctx: Context, *, lock: bool) -> SavedView:
    require(ctx.actor, Permission.SAVED_VIEW_EDIT)
    wanted = select(SavedView).where(SavedView.id == view_id).execution_options(populate_existing=True)
    view = db.session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()
    is_own = view is not None and view.owner_id == ctx.actor.user_id
    if view is None or not (is_own or view.is_shared):
        raise NotFound
    if not is_own and ctx.actor.role is not Role.ADMIN:
        raise Forbidden("This view is a colleague's. Save one of your own from it.")
    return view


def _names(owner_id: UUID | None) -> dict[UUID, str]:
    found = select(SavedView.id, SavedView.name).where(SavedView.list == LIST, SavedView.owner_id == owner_id)
    return {row.id: row.name.casefold() for row in db.session.execute(found)}


def _clean_name(name: str, taken: Collection[str]) -> str:
    text = " ".join(name.replace("\0", "").split())
    message = ""
    if not 1 <= len(text) <= LONGEST_NAME:
        message = f"Give it a name of 1 to {LONGEST_NAME} characters."
    elif text.casefold() in taken:
        message = "Another view has this name. Choose a different one."
    if message:
        raise Invalid(message, fields={"name": message})
    return text


def _record(action: str, view: SavedView, ctx: Context) -> None:
    record_staff_act(
        action=action,
        reason=f"Saved view “{view.name}”",
        ctx=ctx,
        subject_type="saved_view",
        subject_id=view.id,
        details={"list": view.list, "filter": view.query, "isShared": view.is_shared},
    )
