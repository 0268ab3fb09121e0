"""Saved views of the sessions list: one's own and the team's, with their filter, order and columns (SL-2)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import SavedView
from app.support import saved_views
from tests.admin.test_sessions_list import PATH, rows, shown
from tests.factories import sessions

VIEWS = "/admin/views/"
LIST = "status=cancelled&sort=rate&order=asc&columns=title,rate"
pytestmark = pytest.mark.spec("SL-2")


def save(browser: FlaskClient, name: str = "Mine", query: str = LIST, **more: str) -> str:
    """Saves a view, and gives its id."""
    answer = browser.post(f"{VIEWS}new", data={"name": name, "list": query, **more})
    assert answer.status_code == 303, answer.text
    return str(db.session.scalars(select(SavedView.id).where(SavedView.name == name)).one())


def named(browser: FlaskClient) -> list[tuple[str, str]]:
    """Name and count of each view on the page."""
    found = re.findall(
        r'<td class="title"><a href="[^"]+">([^<]+)</a></td><td [^>]+>([^<]+)</td>', browser.get(VIEWS).text
    )
    return [(name, count.strip()) for name, count in found]


def test_a_list_is_saved_with_filter_order_and_columns_and_found_again(support: FlaskClient) -> None:
    cancelled = sessions.a_cancelled_session()
    sessions.a_paid_session()
    page = support.get(f"{PATH}?{LIST}")
    link = re.search(r'href="(/admin/views/new\?[^"]+)"', page.text)
    assert link
    dialog = support.get(link[1].replace("&amp;", "&")).text
    assert "Status: Cancelled, with its order and columns." in dialog
    kept = re.search(r'name="list" value="([^"]+)"', dialog)
    assert kept
    save(support, query=kept[1].replace("&amp;", "&"))
    assert named(support) == [("Mine", "1")]
    tab = re.search(r'<a href="([^"]+)"[^>]*>Mine</a>', support.get(PATH).text)
    assert tab
    opened = support.get(tab[1].replace("&amp;", "&"))
    assert shown(opened) == [str(cancelled.id)]
    assert 'aria-current="page">Mine' in opened.text
    assert 'aria-sort="ascending"' in opened.text
    assert "60 min" not in opened.text
    assert 'href="/admin/views/"' in support.get("/admin/").text


def test_views_are_ones_own_until_they_are_shared(as_role: Callable[[str], FlaskClient], support: FlaskClient) -> None:
    other, admin = as_role("support"), as_role("admin")
    view_id = save(support)
    assert named(other) == []
    assert other.get(f"{VIEWS}{view_id}/edit").status_code == 404
    support.post(f"{VIEWS}{view_id}/edit", data={"name": "Ours", "isShared": "1"})
    assert named(other) == [("Ours", "0")]
    assert f"{view_id}/edit" not in other.get(VIEWS).text
    assert other.post(f"{VIEWS}{view_id}/delete").status_code == 403
    save(other, "Ours too", isShared="1")
    assert [name for name, _ in named(other)] == ["Ours too", "Ours"]
    # Somebody has to be able to tidy up after a colleague who left.
    assert admin.post(f"{VIEWS}{view_id}/delete").status_code == 303
    assert [name for name, _ in named(support)] == ["Ours too"]


@pytest.mark.spec("UX-3")
def test_a_name_is_needed_once_and_there_can_be_so_many(support: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    view_id = save(support)
    for name, told in (
        ("", "Give it a name"),
        ("x" * 61, "1 to 60 characters"),
        (" mINE ", "Another view has this name"),
    ):
        page = support.post(f"{VIEWS}new", data={"name": name, "list": LIST, "isShared": "1"})
        assert page.status_code == 422
        assert told in page.text
        assert 'name="isShared" value="1" checked' in page.text
    assert support.post(f"{VIEWS}{view_id}/edit", data={"name": "MINE"}).status_code == 303
    monkeypatch.setattr(saved_views, "MOST_EACH", 1)
    full = support.post(f"{VIEWS}new", data={"name": "Second", "list": LIST})
    assert (full.status_code, "as many as there can be" in full.text, 'value="Second"' in full.text) == (
        409,
        True,
        True,
    )
    assert [name for name, _ in named(support)] == ["MINE"]


@pytest.mark.spec("SL-4")
def test_counts_stop_early_and_what_is_no_longer_known_is_left_out(
    support: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows(3, status=SessionStatus.NO_SHOW)
    monkeypatch.setattr("app.admin.cases.saved_views.COUNT_CAP", 2)
    view_id = save(support, "A search", "status=no_show&q=topic")
    save(support, "By figures", "status=no_show")
    assert named(support) == [("A search", "2+"), ("By figures", "2+")]
    view = db.session.get_one(SavedView, view_id)
    view.query = {"status": ["gone"], "refund": ["none"]}
    db.session.commit()
    assert support.get(VIEWS).status_code == 200
    assert "refund=none" in support.get(VIEWS).text
