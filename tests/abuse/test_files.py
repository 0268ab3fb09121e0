"""Files and addresses that somebody gives us (B-11, B-12)."""

from __future__ import annotations

import ast
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from app.booking.meetings import set_meeting_link
from app.domain.errors import Invalid
from app.extensions import db
from app.http.evidence import evidence_folder
from app.http.photos import photo_folder
from app.models import EvidenceFile
from tests.architecture.world_of_roles import World
from tests.factories import people

APP = Path(__file__).parents[2] / "app"

# B-11: whatever speaks to the outside world, and to whom; none of the addresses is anybody's to choose but operators'.
_SPEAKS = {
    "integrations/chat_hooks.py": "the chats that operators set up; follows no redirect",
    "integrations/json_http.py": "the providers of the settings; follows no redirect",
    "integrations/payments/sandbox_delivery.py": "our own webhook address",
    "embedded/product.py": "our own readiness page",
    "embedded/servers.py": "the embedded database and queue",
}
_NETWORK = {"socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp", "urllib3", "ftplib", "telnetlib"}


@pytest.mark.spec("SEC-1")
def test_b11_nothing_fetches_an_address_that_somebody_typed() -> None:
    found = set()
    for path in APP.rglob("*.py"):
        source = path.read_text()
        if not any(name.partition(".")[0] in source for name in _NETWORK):
            continue
        for node in ast.walk(ast.parse(source)):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
            if _NETWORK & set(names):
                found.add(str(path.relative_to(APP)))
    assert found <= set(_SPEAKS), "say here whose address it asks, or take the address from the settings"


_ADDRESSES = [
    "http://meet.example/x", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "javascript:alert(1)", "https://",
    "https://127.0.0.1@evil.example/", "https://localhost", "https:///etc/passwd", "//evil.example", "data:text/html,x",
    "https://meet.example/\r\nX: y", "https://m\u0435et.example/x", "", "x" * 600, "https://[::1", "https://2130706433/",
    "https://a b.example",
    "https://meet.example\\@evil.example/",
]  # fmt: skip


@pytest.mark.spec("JN-4", "SEC-4", "ACT-9")
@pytest.mark.parametrize("address", _ADDRESSES)
def test_b11_a_meeting_link_is_an_https_address_of_a_host_with_a_name(world: World, address: str) -> None:
    with pytest.raises(Invalid):
        set_meeting_link(world.session.id, address, ctx=people.ctx_of(world.mentor))


# B-12


def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 5_000_000)
    return out.getvalue()


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 3)).save(out, "PNG")
    return out.getvalue()


_REFUSED = {
    "page as picture": ("a.png", b"<!doctype html><script>alert(1)</script>"),
    "page after blanks": ("a.txt", b"\n\n   <HTML><body onload=alert(1)>"),
    "page with a mark": ("a.txt", b"\xef\xbb\xbf<script>alert(1)</script>"),
    "svg": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    "xml": ("a.txt", b"<?xml version='1.0'?><!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
    "script": ("a.txt", b"#!/bin/sh\nrm -rf /"),
    "archive": ("a.png", _zip_bomb()),
    "gif and script": ("a.gif", b"GIF89a=1;alert(1)//"),
    "empty name, binary": ("", b"\x00\x01"),
}
_NAMES = [
    "../../x.png", "..\\..\\x.png", "/etc/passwd", "a.php%00.png", "a.php\x00.png", "a\r\nSet-Cookie: x=1.png",
    "\u202egnp.exe", "CON.png", "😀.png", "é" * 300 + ".png", ".htaccess", "x.png.html", '"; filename=evil.html',
]  # fmt: skip


@pytest.mark.spec("DSP-1", "SEC-4")
@pytest.mark.parametrize("kind", sorted(_REFUSED))
def test_b12_what_is_not_what_it_says_is_not_kept(world: World, kind: str) -> None:
    name, content = _REFUSED[kind]
    browser, before = world.browser("mentee"), _kept()
    answer = browser.post(
        f"/sessions/{world.completed.id}/report",
        data={**_REPORT, "evidence": (io.BytesIO(content), name or "x")},
        content_type="multipart/form-data",
    )
    photo = browser.post(
        "/account/photo", data={"photo": (io.BytesIO(content), "a.png")}, content_type="multipart/form-data"
    )
    assert answer.status_code == 422
    assert photo.status_code in {303, 422}
    assert _kept() == before
    assert db.session.scalar(db.select(db.func.count()).select_from(EvidenceFile)) == 0


_REPORT = {"category": "quality", "reason": "It was not it", "description": "We talked about the weather all the time."}


@pytest.mark.spec("DSP-1", "SEC-4")
def test_b12_no_name_leads_anywhere_and_every_file_is_saved_and_never_shown(world: World) -> None:
    browser, address = world.browser("mentee"), f"/sessions/{world.completed.id}/report"
    for start in range(0, len(_NAMES), 5):
        files = [(io.BytesIO(_png()), name) for name in _NAMES[start : start + 5]]
        answer = browser.post(address, data={**_REPORT, "evidence": files}, content_type="multipart/form-data")
        assert answer.status_code == 303, answer.text[:500]
        for file in db.session.scalars(db.select(EvidenceFile)):
            assert len(file.stored_name) == 32
            int(file.stored_name, 16)
            taken = browser.get(f"/sessions/{world.completed.id}/evidence/{file.id}")
            assert taken.headers["Content-Type"].startswith("image/png")
            assert taken.headers["X-Content-Type-Options"] == "nosniff"
            disposition = taken.headers["Content-Disposition"]
            assert disposition.startswith("attachment")
            assert not {"\r", "\n", "/", "\\"} & set(disposition)
            assert all(mark not in file.original_name for mark in ("/", "\\", "\0", "\r", "\u202e", "<", '"', "%"))
            assert file.original_name.endswith(".png")
        db.session.execute(db.text("UPDATE session_disputes SET status = 'dismissed', resolved_at = now()"))
        db.session.execute(db.text("DELETE FROM evidence_files"))
        db.session.commit()
    kept = [path.name for path in evidence_folder().iterdir()]
    assert all(name.isalnum() for name in kept)


@pytest.mark.spec("SEC-4")
@pytest.mark.parametrize("name", ["../desk.toml", "..%2f..%2fetc%2fpasswd", ".env", "a" * 40 + ".webp", "%00"])
def test_b12_photos_lead_to_no_other_file(world: World, name: str) -> None:
    assert photo_folder().is_absolute()
    assert world.browser("mentee").get(f"/photos/{name}").status_code in {400, 404}


def _kept() -> set[str]:
    return {path.name for folder in (evidence_folder(), photo_folder()) if folder.exists() for path in folder.iterdir()}
