"""Photos of people: whatever was uploaded is decoded and drawn anew, small and square, under a random name (B-12)."""

from __future__ import annotations

import re
import secrets
import struct
import warnings
from io import BytesIO
from pathlib import Path
from uuid import UUID

from PIL import Image, ImageOps

from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.permissions import Permission, require
from app.foundation.transaction import after_commit, transaction
from app.models import User
from app.people.accounts import load_user_for_change

SIDE = 256
LARGEST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
NAME = re.compile(r"[0-9a-f]{32}\.webp")
# Decoders that are small and well tested; no SVG, no PostScript.
_FORMATS = ("JPEG", "PNG", "WEBP")


def set_avatar(user_id: UUID, content: bytes, *, folder: Path, ctx: Context) -> User:
    """This function will give a user the photo in ``content``, and throw the one before it away (ID-6).

    :param folder: where the photos lie, outside of what the web server hands out
    :raises Invalid: when it is no photo that can be used
    :raises NotFound: on behalf of somebody else
    """
    require(ctx.actor, Permission.OWN_PROFILE_EDIT)
    picture = drawn_anew(content)
    name = f"{secrets.token_hex(16)}.webp"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}"
    draft.write_bytes(picture)
    draft.replace(folder / name)
    return _replace(user_id, name, folder, ctx)


def remove_avatar(user_id: UUID, *, folder: Path, ctx: Context) -> User:
    """This function will take a user's photo away; initials stand in its place (ID-6)."""
    require(ctx.actor, Permission.OWN_PROFILE_EDIT)
    return _replace(user_id, None, folder, ctx)


def _replace(user_id: UUID, name: str | None, folder: Path, ctx: Context) -> User:
    if ctx.actor.role is not None and ctx.actor.user_id != user_id:
        raise NotFound
    with transaction():
        user = load_user_for_change(user_id)
        before, user.avatar = user.avatar, name
        if before and NAME.fullmatch(before):
            after_commit(lambda: (folder / before).unlink(missing_ok=True))
    return user


def drawn_anew(content: bytes) -> bytes:
    """The picture as a square WebP of ``SIDE`` pixels, without anything else that the file held.

    :raises Invalid: when it is too large, or not a picture we read
    """
    problem = "Choose a photo: a JPEG, PNG or WebP file of up to 5 MB and 40 megapixels."
    if not 0 < len(content) <= LARGEST_BYTES:
        raise Invalid(problem, fields={"photo": problem})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd files; what cannot be read raises
            return _draw(content)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        raise Invalid(problem, fields={"photo": problem}) from None


def _draw(content: bytes) -> bytes:
    with Image.open(BytesIO(content), formats=_FORMATS) as source:
        # The header says how large it is; nothing is decoded before that is known.
        if source.width * source.height > MOST_PIXELS:
            raise ValueError("too many pixels")
        upright = ImageOps.exif_transpose(source)
        mode = "RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB"
        square = ImageOps.fit(upright.convert(mode), (SIDE, SIDE), Image.Resampling.LANCZOS)
        square.info.clear()
        out = BytesIO()
        square.save(out, "WEBP", quality=85, exif=b"", icc_profile=b"")
        return out.getvalue()
