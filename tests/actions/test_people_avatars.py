"""Photos: only pictures get in, and nothing of the file survives but the picture (ID-6, SEC-4)."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from app.domain.errors import Invalid, NotFound
from app.extensions import db
from app.people import avatars
from tests.factories.people import a_mentee, an_admin, ctx_of


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else None).save(out, kind, **options)
    return out.getvalue()


def claims_to_be(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.spec("ID-6")
@pytest.mark.parametrize(
    "kind, mode", [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "CMYK"), ("WEBP", "RGB")]
)
def test_any_picture_becomes_a_small_square_webp(kind: str, mode: str) -> None:
    with Image.open(BytesIO(avatars.drawn_anew(picture(kind, mode=mode)))) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (avatars.SIDE, avatars.SIDE))


@pytest.mark.spec("ID-6", "SEC-4")
def test_what_a_photo_tells_of_its_place_and_camera_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    drawn = avatars.drawn_anew(picture("JPEG", exif=exif.tobytes()))
    assert b"taken at home" not in drawn
    with Image.open(BytesIO(drawn)) as image:
        assert dict(image.getexif()) == {}


@pytest.mark.spec("SEC-4")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 40,
        b"%!PS-Adobe-3.0\n" + b"showpage",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        picture()[:60],
        claims_to_be(10_000, 10_000),
        claims_to_be(2**31 - 1, 2**31 - 1),
        claims_to_be(0, 0),
        b"\0" * (avatars.LARGEST_BYTES + 1),
    ],
    ids=["empty", "html", "svg", "gif", "postscript", "half", "cut", "100 megapixels", "bomb", "nothing", "6 MB"],
)
def test_what_is_no_reasonable_picture_is_refused(app: Flask, tmp_path: Path, content: bytes) -> None:
    user = a_mentee()
    with pytest.raises(Invalid) as refusal:
        avatars.set_avatar(user.id, content, folder=tmp_path, ctx=ctx_of(user))
    assert list(refusal.value.fields) == ["photo"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.spec("SEC-4")
def test_code_behind_a_picture_does_not_survive() -> None:
    assert b"<script>" not in avatars.drawn_anew(picture("JPEG") + b"<script>alert(1)</script>")


@pytest.mark.spec("ID-6")
def test_a_new_photo_takes_the_place_of_the_old_one_and_removing_leaves_none(app: Flask, tmp_path: Path) -> None:
    user = a_mentee()
    avatars.set_avatar(user.id, picture(), folder=tmp_path, ctx=ctx_of(user))
    avatars.set_avatar(user.id, picture(), folder=tmp_path, ctx=ctx_of(user))
    db.session.refresh(user)
    assert [path.name for path in tmp_path.iterdir()] == [user.avatar]
    assert avatars.NAME.fullmatch(user.avatar or "")
    avatars.remove_avatar(user.id, folder=tmp_path, ctx=ctx_of(user))
    db.session.refresh(user)
    assert user.avatar is None
    assert list(tmp_path.iterdir()) == []


def test_photos_of_others_stay(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        avatars.remove_avatar(a_mentee().id, folder=tmp_path, ctx=ctx_of(an_admin()))
