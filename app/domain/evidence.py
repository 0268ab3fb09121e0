"""What an uploaded file is, by its content and never by its name (DSP-1, SEC-4)."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

LARGEST_BYTES: Final = 10 * 1024 * 1024
_LONGEST_NAME: Final = 120
_TEXT_CONTROLS: Final = frozenset("\t\n\r\f")


class EvidenceKind(StrEnum):
    """The media types that can be evidence."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    PDF = "application/pdf"
    TEXT = "text/plain"

    @property
    def is_image(self) -> bool:
        return self.value.startswith("image/")


ENDINGS: Final = {
    EvidenceKind.JPEG: ".jpg",
    EvidenceKind.PNG: ".png",
    EvidenceKind.WEBP: ".webp",
    EvidenceKind.GIF: ".gif",
    EvidenceKind.PDF: ".pdf",
    EvidenceKind.TEXT: ".txt",
}


def kind_of(content: bytes) -> EvidenceKind | None:
    """What the content says it is; None for whatever we do not take.

    An image is told by its first bytes alone: whether it can be read is for whoever has a decoder.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return EvidenceKind.JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return EvidenceKind.PNG
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return EvidenceKind.WEBP
    if content.startswith((b"GIF87a", b"GIF89a")):
        return EvidenceKind.GIF
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-2_048:]:
        return EvidenceKind.PDF
    return EvidenceKind.TEXT if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    # A page for a browser or a program is no plain text, whatever is written into it.
    if re.match(r"\s*(<!doctype|<html|<svg|<script|<\?xml|#!|%PDF)", text, re.IGNORECASE):
        return False
    return all(char in _TEXT_CONTROLS or unicodedata.category(char) != "Cc" for char in text)


def shown_name(name: str, kind: EvidenceKind) -> str:
    """The file's name as it is shown and offered for saving: without folders and odd characters, ending as it must."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(char for char in last if char.isprintable() and char not in '<>:"|?*;%')
    stem = " ".join(plain.rpartition(".")[0].split() if "." in plain else plain.split()).strip(". ")
    return (stem[:_LONGEST_NAME] or "file") + ENDINGS[kind]
