"""Evidence: kept as it came, under a random name, in a folder that nobody serves (DSP-1, SEC-4, AUD-4)."""

from __future__ import annotations

import hashlib
import secrets
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from PIL import Image
from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.evidence import ENDINGS, LARGEST_BYTES, EvidenceKind, kind_of, shown_name
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import EvidenceFile, SessionDispute

ACTION = "ADMIN_EVIDENCE_VIEWED"
_WRONG: Final = "{name}: choose a picture (JPEG, PNG, WebP, GIF), a PDF or a plain text file."
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came: the name is the sender's word, and only shown."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file to hand out: always as an attachment, never as a page."""

    path: Path
    name: str
    content_type: str


def check_files(uploads: Sequence[Upload]) -> list[EvidenceKind]:
    """What each file is, by its content.

    :raises Invalid: naming the first that is too large, empty, or none that we take
    """
    kinds = []
    for upload in uploads:
        # The name stands in a message only: what it may hold is shown, never used.
        name = shown_name(upload.name, EvidenceKind.TEXT).removesuffix(ENDINGS[EvidenceKind.TEXT])
        if not upload.content:
            raise _refused(f"{name}: the file is empty.")
        if len(upload.content) > LARGEST_BYTES:
            raise _refused(f"{name}: a file may have at most {LARGEST_BYTES // 1024 // 1024} MB.")
        kind = kind_of(upload.content)
        if kind is None or (kind.is_image and not _is_picture(upload.content)):
            raise _refused(_WRONG.format(name=name))
        kinds.append(kind)
    return kinds


@contextmanager
def kept_files(uploads: Sequence[Upload], folder: Path) -> Iterator[list[EvidenceFile]]:
    """Write the files, and give their rows, not yet anybody's; when what follows fails, they are gone again.

    :raises Invalid: as ``check_files``
    """
    kinds = check_files(uploads)
    written: list[Path] = []
    try:
        rows = []
        for upload, kind in zip(uploads, kinds, strict=True):
            name = secrets.token_hex(16)
            written.append(_write(folder, name, upload.content))
            rows.append(
                EvidenceFile(
                    id=uuid4(),
                    original_name=shown_name(upload.name, kind),
                    stored_name=name,
                    content_type=kind.value,
                    size_bytes=len(upload.content),
                    sha256=hashlib.sha256(upload.content).hexdigest(),
                )
            )
        yield rows
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def attach(dispute: SessionDispute, rows: Sequence[EvidenceFile], ctx: Context) -> None:
    """This function will make files part of a locked dispute, in the open transaction."""
    assert ctx.actor.user_id is not None
    for row in rows:
        row.dispute_id, row.uploaded_by, row.created_at = dispute.id, ctx.actor.user_id, ctx.now
        db.session.add(row)
    dispute.evidence = [*dispute.evidence, *(str(row.id) for row in rows)]


def count_files(dispute_id: UUID) -> int:
    """How many files a dispute holds."""
    return len(db.session.scalars(select(EvidenceFile.id).where(EvidenceFile.dispute_id == dispute_id)).all())


def own_evidence(evidence_id: UUID, *, session_id: UUID, folder: Path, ctx: Context) -> Evidence:
    """A file for whoever uploaded it.

    :raises NotFound: there is none, or it is somebody else's
    """
    found = db.session.execute(
        select(EvidenceFile, SessionDispute.session_id)
        .join(SessionDispute, SessionDispute.id == EvidenceFile.dispute_id)
        .where(EvidenceFile.id == evidence_id)
    ).one_or_none()
    if found is None or found[1] != session_id or found[0].uploaded_by != ctx.actor.user_id:
        raise NotFound
    return _given(found[0], folder)


def view_evidence(evidence_id: UUID, *, dispute_id: UUID, folder: Path, ctx: Context) -> Evidence:
    """This function will hand a file to staff, and put on record that it was read (AUD-4).

    :raises NotFound: there is none in this dispute
    :raises Forbidden: the role may not see evidence
    """
    require(ctx.actor, Permission.EVIDENCE_VIEW)
    with transaction():
        found = db.session.execute(
            select(EvidenceFile, SessionDispute.session_id)
            .join(SessionDispute, SessionDispute.id == EvidenceFile.dispute_id)
            .where(EvidenceFile.id == evidence_id, EvidenceFile.dispute_id == dispute_id)
        ).one_or_none()
        if found is None:
            raise NotFound
        row, session_id = found
        given = _given(row, folder)
        record_staff_act(
            action=ACTION,
            reason="Evidence opened",
            ctx=ctx,
            subject_type="evidence",
            subject_id=row.id,
            session_id=session_id,
            details={"disputeId": dispute_id, "fileName": row.original_name, "sha256": row.sha256},
        )
    return given


def _given(row: EvidenceFile, folder: Path) -> Evidence:
    path = folder / row.stored_name
    if not path.is_file():
        raise NotFound("The file is not there any more.")
    return Evidence(path, row.original_name, row.content_type)


def _write(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft, target = folder / f".{name}", folder / name
    draft.write_bytes(content)
    draft.replace(target)
    return target


def _is_picture(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd files; what cannot be read raises
            with Image.open(BytesIO(content), formats=_FORMATS) as picture:
                picture.verify()
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        return False
    return True


def _refused(message: str) -> Invalid:
    return Invalid(message, fields={"evidence": message})
