"""Where somebody may be sent afterwards: nowhere but here (SEC-2)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.http.redirects import back, here, local_path, safe_next

ELSEWHERE = [
    "http://evil.example", "https://evil.example/my/sessions", "HTTP://evil.example", "http:evil.example",
    "http:///evil.example", "http:/evil.example", "http:\\evil.example", "http:\\\\evil.example", "ftp://evil.example",
    "//evil.example", "///evil.example", "////evil.example", "/////evil.example", "/\\evil.example", "/\\/evil.example",
    "\\evil.example", "\\\\evil.example", "\\\\\\evil.example", "\\/evil.example", "/\t/evil.example",
    "/\r/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "\x00//evil.example",
    "/\x00/evil.example", "/ /evil.example", "\x08//evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "mailto:eve@evil.example", "@evil.example",
    "evil.example", "evil", "?next=x", "#x", "", " ", ".", "..", "./x", "/ok\r\nSet-Cookie: a=b", "/x" * 1_001,
    "/ok//evil.example", "/.//evil.example", "http://[::1", "//[::1", "/\u2028/evil.example\n",
]  # fmt: skip


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("target", ELSEWHERE)
def test_what_could_lead_elsewhere_leads_to_the_fallback(target: str) -> None:
    assert safe_next(target, "/fallback") == "/fallback"


@pytest.mark.parametrize(
    "target, kept",
    [
        ("/", "/"),
        ("/my/sessions", "/my/sessions"),
        ("/admin/?flt0_1=a+b&page=2", "/admin/?flt0_1=a+b&page=2"),
        ("/mentors?q=%C3%A9t%C3%A9", "/mentors?q=%C3%A9t%C3%A9"),
        ("/mentors?q=été", "/mentors?q=%C3%A9t%C3%A9"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("/@evil.example", "/@evil.example"),
        ("/x#part", "/x"),
        ('/x?a="<script>', "/x?a=%22%3Cscript%3E"),
    ],
)
def test_a_path_of_ours_is_kept_and_quoted(target: str, kept: str) -> None:
    assert local_path(target) == kept


def test_nothing_asked_for_is_the_fallback() -> None:
    assert safe_next(None, "/fallback") == "/fallback"


@pytest.mark.parametrize(
    "referrer, page",
    [
        ("http://localhost/mentors?q=x", "/mentors?q=x"),
        ("http://evil.example/mentors", "/fallback"),
        ("http://localhost.evil.example/", "/fallback"),
        ("https://localhost/mentors", "/fallback"),
        ("http://localhost//evil.example", "/fallback"),
        ("http://localhost:8/x", "/fallback"),
        ("http://[::1", "/fallback"),
        ("", "/fallback"),
    ],
)
def test_going_back_leads_to_a_page_of_ours(app: Flask, referrer: str, page: str) -> None:
    with app.test_request_context("/x", headers={"Referer": referrer}):
        assert back("/fallback") == page


def test_here_is_this_page_with_its_query_or_the_page_that_posted(app: Flask) -> None:
    with app.test_request_context("/mentors?q=a b&c=d%26e"):
        assert here() == "/mentors?q=a%20b&c=d%26e"
    with app.test_request_context("/mentors", method="POST", headers={"Referer": "http://localhost/form?x=1"}):
        assert here() == "/form?x=1"
