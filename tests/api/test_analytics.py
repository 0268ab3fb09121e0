"""Reports as data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.models import User
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_support_agent
from tests.factories.sessions import START_AT, a_cancelled_session


@pytest.mark.spec("AN-1")
def test_a_report_tells_its_columns_and_rows(calling: Callable[[User], Caller]) -> None:
    a_cancelled_session()
    caller = calling(a_support_agent())
    day = START_AT.date().isoformat()
    told = data_of(caller.get("/api/admin/analytics/cancellation-reasons", startDate=day, endDate=day))

    assert (told["startDate"], told["endDate"]) == (day, day)
    assert [column["key"] for column in told["columns"]] == ["by", "reason", "sessions", "share"]
    assert told["rows"] == [{"by": "Mentee", "reason": "Schedule conflict", "sessions": 1, "share": 100.0}]


@pytest.mark.spec("AN-1", "API-1")
def test_what_cannot_be_answered_is_refused_by_name(calling: Callable[[User], Caller]) -> None:
    caller = calling(a_support_agent())

    error_of(caller.get("/api/admin/analytics/nothing"), 404)
    refused = error_of(caller.get("/api/admin/analytics/measures", startDate="2028-03-02", endDate="2028-03-01"), 422)
    assert "endDate" in refused["fields"]
