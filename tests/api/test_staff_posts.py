"""Whatever staff do over the API leaves one row in their trail; a refusal or a preview leaves none (SM-3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.api.endpoints import api
from app.domain.errors import ProviderFailed
from app.extensions import db
from app.foundation import audit
from app.models import AdminAuditTrail, EmailEvent, Notification, OutboxRow, SessionAuditLog, User
from tests.api.contract import Caller, data_of, error_of
from tests.api.staff_posts import BESIDE, POSTS, Post
from tests.factories.people import a_support_agent, an_admin, sign_in
from tests.factories.sessions import START_AT
from tests.world import Clock

Calling = Callable[[User], Caller]
MAKERS = {"support": a_support_agent, "admin": an_admin}
# Whatever an act may leave behind.
TRACES = (AdminAuditTrail, SessionAuditLog, Notification, EmailEvent, OutboxRow)


@pytest.mark.spec("SM-3", "AUD-1")
def test_every_write_of_staff_is_in_the_table(shared_app: Flask) -> None:
    served = {
        (method, rule.rule)
        for rule in shared_app.url_map.iter_rules()
        if rule.rule.startswith("/api/admin/")
        for method in rule.methods or ()
        if method not in {"GET", "HEAD", "OPTIONS"}
    }
    assert served == {(post.method, post.rule) for post in POSTS}, "say in tests/api/staff_posts.py what this writes"


def test_the_table_knows_which_routes_can_be_previewed() -> None:
    declared = {
        f"/api{each.rule}"
        for each in api.endpoints.values()
        if each.method == "POST" and each.query is not None and "preview" in each.query.model_fields
    }
    assert declared == {post.rule for post in POSTS if post.has_preview}


@pytest.mark.spec("SM-3", "AUD-1", "ACT-1", "ACT-9", "DSP-2", "API-1")
@pytest.mark.parametrize("post", POSTS, ids=lambda post: post.name)
def test_an_act_is_one_row_and_a_refusal_or_preview_is_none(
    calling: Calling, clock: Clock, monkeypatch: pytest.MonkeyPatch, post: Post
) -> None:
    ids, sent = post.make(), post.body
    clock.set(START_AT + post.after)
    agent = MAKERS[post.role]()
    caller = calling(agent)
    body = _filled(sent, ids)
    path = _path(post, ids)
    before = _traces()

    refused = caller.call(post.method, path, {**body, **post.wrong})
    assert refused.status_code in {409, 422}, refused.text
    assert _traces() == before, "a refusal leaves nothing"
    if post.has_preview:
        seen = data_of(caller.post(f"{path}?preview=true", body))
        assert seen["isPreview"]
        assert seen["preview"].get("allowed", True)
        assert _traces() == before, "a preview leaves nothing"

    if post.action:
        with monkeypatch.context() as broken:
            broken.setattr(audit, "_append", _is_away)
            caller.call(post.method, path, body)
        assert _traces() == before, "an act and its row stand or fall together"

    done = caller.call(post.method, path, body)

    assert done.status_code in {200, 201}, done.text
    rows = db.session.scalars(select(AdminAuditTrail).order_by(AdminAuditTrail.seq)).all()
    new = rows[before["admin_session_audit_trail"] :]
    wanted = [(post.action, agent.id, done.headers["X-Request-ID"])] if post.action else []
    assert [(row.action, row.admin_id, row.request_id) for row in new] == wanted
    assert post.action or _traces() == before, "a look leaves nothing"


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("post", [*POSTS, *BESIDE], ids=lambda post: post.name)
def test_a_browser_types_the_password_again_before_money_or_policies_and_before_nothing_else(
    client: FlaskClient, clock: Clock, post: Post
) -> None:
    ids = post.make()
    clock.set(START_AT + post.after - timedelta(minutes=16))
    browser = sign_in(client, MAKERS[post.role]())
    clock.set(START_AT + post.after)
    before = _traces()
    answer = browser.open(_path(post, ids), method=post.method, json=_filled(post.body, ids))
    if post.needs_password:
        error_of(answer, 403, "password_needed")
        assert _traces() == before
    else:
        assert answer.status_code in {200, 201}, answer.text


def _is_away(_: object) -> None:
    raise ProviderFailed("The trail cannot be written.")


def _filled(sent: Any, ids: Mapping[str, Any]) -> Any:
    """The same with the id for each ``@name``."""
    if isinstance(sent, Mapping):
        return {name: _filled(value, ids) for name, value in sent.items()}
    if isinstance(sent, list):
        return [_filled(value, ids) for value in sent]
    return str(ids[sent[1:]]) if str(sent).startswith("@") else sent


def _path(post: Post, ids: Mapping[str, Any]) -> str:
    return re.sub(r"<uuid:(\w+)>", lambda part: str(ids[part[1]]), post.rule)


def _traces() -> dict[str, int]:
    db.session.rollback()
    return {table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in TRACES}
