"""Evidence in and out: read from a form with its bounds, handed out as an attachment and never as a page (SEC-4)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, request, send_file

from app.config import Settings
from app.domain.disputes import MOST_FILES
from app.domain.evidence import LARGEST_BYTES
from app.support.disputes.evidence import Evidence, Upload

if TYPE_CHECKING:
    from flask import Response

# All the files, and some room for the words and the form around them.
LARGEST_FORM = MOST_FILES * LARGEST_BYTES + 512 * 1024
LARGEST_FILE_FORM = LARGEST_BYTES + 64 * 1024


def evidence_folder() -> Path:
    """Where evidence lies, outside of everything that is served as files."""
    settings: Settings = current_app.extensions["desk-settings"]
    return settings.data_dir.resolve() / "uploads" / "evidence"


def uploads_of(field: str) -> list[Upload]:
    """The files of a form's field; one byte more than allowed is read, so that it is noticed. No file is no upload."""
    found: list[Upload] = []
    for file in request.files.getlist(field):
        # One more than may be added is enough to be refused.
        if file.filename and len(found) <= MOST_FILES:
            found.append(Upload(file.filename, file.stream.read(LARGEST_BYTES + 1)))
        file.close()
    return found


def hand_out(evidence: Evidence) -> Response:
    """The file to be saved: its type is ours, no browser guesses another, and nothing in it runs."""
    response = send_file(
        BytesIO(evidence.path.read_bytes()),
        mimetype=evidence.content_type,
        as_attachment=True,
        download_name=evidence.name,
        conditional=False,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
