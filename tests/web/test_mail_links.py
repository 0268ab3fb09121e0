"""The paths that mails, notifications and calendar files lead to are pages of the product."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask

from app.messaging import links

PATHS = [
    links.SIGN_IN,
    links.MENTORS,
    links.MY_SESSIONS,
    links.MENTOR_SCHEDULE,
    links.session_page(UUID(int=7)),
    links.calendar_file(UUID(int=7)),
]


@pytest.mark.spec("EM-1", "NT-1")
@pytest.mark.parametrize("path", PATHS)
def test_a_link_in_a_message_leads_to_a_page(shared_app: Flask, path: str) -> None:
    endpoint, _ = shared_app.url_map.bind("localhost").match(path, method="GET")
    assert not endpoint.startswith("api.")
