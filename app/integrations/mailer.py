"""Sending one e-mail: over SMTP through Flask-Mail, or into a local mailbox when no server is configured (EM-4)."""

from __future__ import annotations

import os
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from flask_mail import Mail, Message

from app.domain.errors import ProviderFailed


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One rendered e-mail. ``id`` is the row's, and makes the Message-ID, so that a duplicate can be recognised."""

    id: UUID
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    written_at: datetime
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def message_id(self) -> str:
        domain = self.sender.rpartition("@")[2].rstrip(">") or "localhost"
        return f"<{self.id}@{domain}>"


class Mailer(Protocol):
    """One way to send mail; never called inside a transaction."""

    def send(self, letter: Letter) -> None:
        """Hand the letter over.

        :raises ProviderFailed: not retryable when the recipient is refused for good
        """
        ...


class SmtpMailer:
    """Mail through the configured server."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    def send(self, letter: Letter) -> None:
        message = Message(
            subject=letter.subject,
            sender=letter.sender,
            recipients=[letter.recipient],
            body=letter.text,
            html=letter.html,
            reply_to=letter.reply_to,
            date=letter.written_at.timestamp(),
        )
        message.msgId = letter.message_id
        for attachment in letter.attachments:
            message.attach(attachment.filename, attachment.content_type, attachment.content)
        try:
            self._mail.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            permanent = all(code >= 500 for code in codes)
            raise ProviderFailed(f"The mail server refused the address ({codes})", retryable=not permanent) from error
        except (smtplib.SMTPException, OSError) as error:
            raise ProviderFailed(f"The mail server could not be used: {error}") from error


class LocalMailbox:
    """Letters as files, one each, under a folder that staff read in the console."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        message = EmailMessage()
        message["From"] = letter.sender
        message["To"] = letter.recipient
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(letter.written_at)
        message["Message-ID"] = letter.message_id
        if letter.reply_to:
            message["Reply-To"] = letter.reply_to
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        for attachment in letter.attachments:
            main, _, sub = attachment.content_type.partition("/")
            message.add_attachment(
                attachment.content, maintype=main, subtype=sub.partition(";")[0], filename=attachment.filename
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{letter.id}.eml"
        # Written beside and renamed: a process killed meanwhile leaves no half letter.
        draft = target.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(message.as_bytes())
        draft.replace(target)
