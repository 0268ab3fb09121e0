"""Connections of requests that only read: one after the other, and never one that is bad or in use (PERF-1)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from threading import Barrier, Thread

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Integer, bindparam, event, func, literal_column, select, text
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.foundation import reading
from app.foundation.pool import read_json
from app.foundation.prepared import Prepared
from app.foundation.transaction import read_alone, this_session, transaction
from tests.factories.people import a_mentee, sign_in

pytestmark = [pytest.mark.spec("PERF-1")]

_OWN = Prepared(select(func.pg_backend_pid()))


@pytest.fixture
def desk(own_database: Callable[..., Flask]) -> Flask:
    return own_database()


def test_the_next_request_reads_where_the_one_before_did(desk: Flask) -> None:
    seen = set()
    for _ in range(3):
        with desk.app_context():
            read_alone()
            seen |= {_OWN.run().scalar_one(), db.session.scalar(select(func.pg_backend_pid()))}
    assert len(seen) == 1


def test_two_at_once_have_one_each(desk: Flask) -> None:
    seen, together = [], Barrier(2)

    def read() -> None:
        with desk.app_context():
            read_alone()
            together.wait(10)
            seen.append(_OWN.run().scalar_one())
            together.wait(10)

    for _ in range(2):
        threads = [Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(seen[:2])) == len(set(seen[2:])) == len(set(seen)) == 2


def test_an_action_takes_the_pools_and_leaves_the_reader_to_others(desk: Flask) -> None:
    with desk.app_context():
        read_alone()
        reader = _OWN.run().scalar_one()
        with transaction():
            assert _OWN.run().scalar_one() != reader
            assert db.session.scalar(text("SHOW transaction_isolation")) == "read committed"
            db.session.execute(text("CREATE TABLE kept (n int)"))
    with desk.app_context():
        read_alone()
        assert _OWN.run().scalar_one() == reader
        assert db.session.scalar(text("SELECT count(*) FROM kept")) == 0, "what the action wrote is committed"


def test_after_an_error_reading_goes_on(desk: Flask) -> None:
    broken = Prepared(select(literal_column("1") / literal_column("0")))
    with desk.app_context():
        read_alone()
        for _ in range(2):
            with pytest.raises(DBAPIError):
                broken.run()
            assert _OWN.run().scalar_one()
    with desk.app_context():
        read_alone()
        assert _OWN.run().scalar_one()


def test_one_that_the_server_closed_is_replaced_and_what_is_left_over_is_closed(desk: Flask) -> None:
    with desk.app_context():
        read_alone()
        reader = _OWN.run().scalar_one()
    with desk.app_context():
        db.session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": reader})
    with desk.app_context():
        read_alone()
        other = _OWN.run().scalar_one()
        assert other != reader
    with desk.app_context():
        db.engine.dispose()
        assert db.session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": other}) == 0


def test_only_so_many_lie_ready_and_none_keeps_a_long_answer(desk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST", 0)
    for _ in range(2):
        with desk.app_context():
            read_alone()
            assert _OWN.run().scalar_one()
            assert desk.extensions["sqlalchemy"].engine.pool.checkedout() == 1
    monkeypatch.setattr(reading, "_MOST", 1)
    with desk.app_context():
        read_alone()
        reader = db.session().reader
        assert len(Prepared(select(func.generate_series(1, 1_001))).run()) == 1_001
        long = reader.cursor
    assert reader.cursor is not long
    assert reader.cursor.pgresult is None


@pytest.mark.parametrize("text_", ['{"a": [1, "ü", null]}', "3", ' {"a": 1} ', '"x"'])
def test_json_is_read_as_bytes_and_as_text(text_: str) -> None:
    assert read_json(text_) == read_json(text_.encode()) == json.loads(text_)


@pytest.mark.parametrize("broken", ["", "{", '{"a": 1} {}', "nothing"])
def test_what_is_no_json_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match=r"Extra data|Expecting"):
        read_json(broken.encode())


_NUMBERS = Prepared(select(func.generate_series(1, bindparam("most", type_=Integer())).label("n")))


def test_what_was_started_is_answered_meanwhile_and_read_once(desk: Flask) -> None:
    slow = Prepared(select(func.pg_sleep(0.2), literal_column("7")))
    with desk.app_context():
        read_alone()
        slow.run()
        began = time.monotonic()
        answer = slow.start()
        assert time.monotonic() - began < 0.15, "it was waited for"
        time.sleep(0.3)
        began = time.monotonic()
        assert answer()[0][1] == 7
        assert time.monotonic() - began < 0.15, "it was not asked until it was looked at"
        assert answer() is answer()


def test_whatever_is_asked_in_between_waits_and_nothing_is_mixed_up(desk: Flask) -> None:
    with desk.app_context():
        read_alone()
        first = _NUMBERS.start(most=3)
        second = _NUMBERS.start(most=2)
        assert [row.n for row in _NUMBERS.run(most=1)] == [1]
        assert db.session.scalar(text("SELECT 5")) == 5
        third = _NUMBERS.start(most=4)
        assert [len(answer()) for answer in (first, second, third)] == [3, 2, 4]


def test_an_action_waits_for_it_and_outside_of_reading_it_is_asked_at_once(desk: Flask) -> None:
    with desk.app_context():
        read_alone()
        started = _NUMBERS.start(most=3)
        with transaction():
            assert len(_NUMBERS.start(most=2)()) == 2
        assert len(started()) == 3
    with desk.app_context():
        assert len(_NUMBERS.start(most=2)()) == 2


def test_an_error_comes_when_it_is_looked_at_and_reading_goes_on(desk: Flask) -> None:
    broken = Prepared(select(literal_column("1") / bindparam("by", type_=Integer())))
    with desk.app_context():
        read_alone()
        answer = broken.start(by=0)
        with pytest.raises(DBAPIError) as refused:
            answer()
        assert isinstance(refused.value.orig, psycopg.errors.DivisionByZero)
        assert _OWN.run().scalar_one()
        assert len(_NUMBERS.start(most=2)()) == 2


def test_what_nobody_looks_at_ends_with_the_request(desk: Flask) -> None:
    for _ in range(3):
        with desk.app_context():
            read_alone()
            _NUMBERS.start(most=3)
    with desk.app_context():
        read_alone()
        assert len(_NUMBERS.run(most=2)) == 2


def test_whoever_counts_statements_counts_what_was_started(desk: Flask) -> None:
    seen: list[str] = []
    with desk.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
        read_alone()
        _NUMBERS.start(most=1)()
    assert len(seen) == 1


@pytest.mark.spec("SEC-2")
def test_who_asks_is_found_out_while_limits_and_origins_are_looked_at(desk: Flask) -> None:
    under_way: list[bool] = []

    def look() -> None:
        reader = this_session().reader
        under_way.append(reader is not None and reader.wait_for is not None)

    # The first step after that of the sign-ins.
    steps = desk.before_request_funcs[None]
    steps.insert(1 + next(at for at, step in enumerate(steps) if step.__name__ == "_ask_early"), look)
    stranger, browser = desk.test_client(), desk.test_client()
    with desk.app_context():
        sign_in(browser, a_mentee(name="Ada Lovelace"))
        assert stranger.get("/sign-in").status_code == 200
        assert "Ada Lovelace" in browser.get("/my/sessions").text
        assert browser.get("/static/img/favicon.svg").status_code == 200
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/api/notifications").status_code == 200
        browser.post("/sign-out")
        assert under_way == [False, True, False, False, True, False]
        assert browser.get("/my/sessions").status_code == 302, "and the next request asks again"
