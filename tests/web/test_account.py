"""Photos and applications through the pages (ID-3, ID-6, SEC-4)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from app.domain.vocabulary import Role
from app.extensions import db
from app.models import MentorProfile
from app.people import mentors
from app.web.account.devices import device_icon, device_name
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_admin, ctx_of, sign_in


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


def upload(client: FlaskClient, content: bytes, name: str = "me.png", kind: str = "image/png") -> str:
    answer = client.post("/account/photo", data={"photo": (BytesIO(content), name, kind)})
    assert answer.status_code == 303
    return client.get("/account/profile").text


@pytest.mark.spec("ID-6", "SEC-4")
def test_a_photo_is_shown_from_a_random_address_with_a_fixed_type(app: Flask, client: FlaskClient) -> None:
    user = a_mentee()
    sign_in(client, user)
    upload(client, png(), "../../../etc/passwd.php%00.png", "text/html")
    db.session.refresh(user)
    answer = app.test_client().get(f"/photos/{user.avatar}", buffered=True)
    assert answer.status_code == 200
    assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert answer.data[:4] == b"RIFF"
    folder: Path = app.extensions["desk-settings"].data_dir
    assert [path.name for path in folder.rglob("*passwd*")] == []
    client.post("/account/photo/remove")
    assert app.test_client().get(f"/photos/{user.avatar}").status_code == 404


@pytest.mark.spec("SEC-4")
@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script></html>", b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_photo_is_refused_in_words(client: FlaskClient, content: bytes) -> None:
    user = a_mentee()
    sign_in(client, user)
    assert "Choose a photo" in upload(client, content)
    db.session.refresh(user)
    assert user.avatar is None


@pytest.mark.spec("SEC-4")
def test_six_megabytes_are_refused_before_they_are_read(client: FlaskClient) -> None:
    sign_in(client, a_mentee())
    body = (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n'
        + b"x" * 6_000_000
        + b"\r\n--x--"
    )
    answer = client.post("/account/photo", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413


@pytest.mark.spec("SEC-4")
@pytest.mark.parametrize(
    "name", ["../uploads", "..%2f..%2fsecret-key", "x.webp", "A" * 32 + ".webp", "0" * 32 + ".webp", "0" * 32 + ".html"]
)
def test_no_other_file_is_handed_out(client: FlaskClient, name: str) -> None:
    assert client.get(f"/photos/{name}").status_code == 404


APPLICATION = {
    "headline": "Staff engineer", "bio": "I build databases.", "expertise": "Python, Databases",
    "timezone": "Europe/Berlin", "rate": "59.50", "currency": "EUR",
}  # fmt: skip


@pytest.mark.spec("ID-3")
def test_a_mentee_applies_and_stays_signed_in_as_a_mentor_who_waits(client: FlaskClient) -> None:
    user = a_mentee()
    sign_in(client, user)
    answer = client.post("/mentor/apply", data=APPLICATION | {"verified_at": "2020-01-01", "is_accepting": "1"})
    assert (answer.status_code, answer.location) == (303, "/mentor/apply")
    assert "We are looking at your application" in client.get("/mentor/apply").text
    profile = db.session.get_one(MentorProfile, user.id)
    assert (profile.verified_at, profile.requested_rate_minor) == (None, 5_950)
    db.session.refresh(user)
    assert user.role is Role.MENTOR


@pytest.mark.spec("ID-3", "UX-3")
@pytest.mark.parametrize(
    "field, value, words",
    [
        ("rate", "a lot", "such as 60 or 59.50"),
        ("rate", "-5", "from 0 up"),
        ("rate", "200000", "from 0 up"),
        ("rate", "NaN", "such as 60"),
        ("rate", "1.234", "such as 60"),
        ("headline", "", "Write a headline."),
        ("expertise", " , ,", "Name 1 to 12 topics"),
        ("currency", "XXX", "valid choice"),
    ],
)
def test_an_application_says_what_has_to_be_put_right(client: FlaskClient, field: str, value: str, words: str) -> None:
    sign_in(client, a_mentee())
    answer = client.post("/mentor/apply", data=APPLICATION | {field: value})
    assert answer.status_code == 422
    assert words.lower() in answer.text.lower()


@pytest.mark.spec("ID-3")
def test_a_declined_applicant_reads_why_in_the_form_that_is_sent_again(client: FlaskClient) -> None:
    user = a_mentor(is_verified=False)
    mentors.decline_mentor(user.id, reason="Please say where you work.", ctx=ctx_of(an_admin()))
    sign_in(client, user)
    page = client.get("/mentor/apply").text
    assert "Please say where you work." in page
    assert "Head of engineering" in page
    assert client.post("/mentor/apply", data=APPLICATION).status_code == 303


def test_staff_cannot_apply(client: FlaskClient) -> None:
    sign_in(client, a_support_agent())
    assert client.get("/mentor/apply").status_code == 403


@pytest.mark.parametrize(
    "agent, name, icon",
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
         "Edge on Windows", "laptop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
         "Safari on Mac", "laptop"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
         "Chrome on Android", "phone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Linux", "laptop"),
        ("curl/8.5.0", "curl", "laptop"),
        ("", "Unknown device", "laptop"),
        (None, "Unknown device", "laptop"),
    ],
)  # fmt: skip
def test_a_browser_is_named_as_its_owner_knows_it(agent: str | None, name: str, icon: str) -> None:
    assert (device_name(agent), device_icon(agent)) == (name, icon)
