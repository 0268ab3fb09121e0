"""Sending one e-mail: over SMTP through Flask-Mail, or into a local mailbox when no server is configured (EM-4)."""

from __future__ import annotations

import contextlib
import os
import smtplib
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol
from uuid import UUID

from flask_mail import Connection, Mail, Message

from app.domain.errors import ProviderFailed

# A server that hangs is given up on well before the claim on the work ends; Flask-Mail itself would wait for ever.
_TIMEOUT_SECONDS = 20
_PERMANENT = 500
# Some servers still take seven bits only.
_POLICY = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An invitation or its withdrawal; mail programs act on it only if ``method`` stands in the part's type, too."""

    method: Literal["REQUEST", "CANCEL"]
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
    calendar: CalendarPart | None = None

    @property
    def message_id(self) -> str:
        domain = self.sender.rpartition("@")[2].rstrip(">") or "localhost"
        return f"<{self.id}@{domain}>"

    def as_message(self) -> EmailMessage:
        """The letter as it travels.

        :raises ValueError: a line break in an address or in the subject
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = self.sender
        message["To"] = self.recipient
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.written_at)
        message["Message-ID"] = self.message_id
        if self.reply_to:
            message["Reply-To"] = self.reply_to
        # Out-of-office programs shall not answer (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        message.add_alternative(self.html, subtype="html")
        if self.calendar:
            text = self.calendar.content.decode()
            message.add_alternative(text, subtype="calendar", params={"method": self.calendar.method})
            message.add_attachment(self.calendar.content, maintype="application", subtype="ics", filename="session.ics")
        for attachment in self.attachments:
            main, _, sub = attachment.content_type.partition("/")
            message.add_attachment(
                attachment.content, maintype=main, subtype=sub.partition(";")[0], filename=attachment.filename
            )
        return message


class Mailer(Protocol):
    """One way to send mail; never called inside a transaction."""

    def send(self, letter: Letter) -> None:
        """Hand the letter over.

        :raises ProviderFailed: not retryable when the recipient is refused for good
        """
        ...


class _Message(Message):
    """Flask-Mail's message with the letter's own parts: it knows no calendar part inside the alternatives."""

    def __init__(self, letter: Letter) -> None:
        super().__init__(subject=letter.subject, sender=letter.sender, recipients=[letter.recipient])
        self._content = letter.as_message().as_bytes()

    def as_bytes(self) -> bytes:
        return self._content


class _Connection(Connection):
    """Flask-Mail's connection with a time-out, and an end that hides neither a failure nor a success."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        kind = smtplib.SMTP_SSL if self.mail.use_ssl else smtplib.SMTP
        host = kind(self.mail.server, self.mail.port, timeout=_TIMEOUT_SECONDS)
        try:
            if self.mail.use_tls:
                host.starttls()
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.host is None:
            return
        if exc_type is None:
            # The letter is accepted: a server that hangs up without a farewell must not cause a second one.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()
        self.host.close()


class SmtpMailer:
    """Mail through the configured server."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail

    def send(self, letter: Letter) -> None:
        message = _Message(letter)
        try:
            # Flask-Mail keeps what it was told per application; only its own connection knows where.
            with _Connection(self._mail.connect().mail) as connection:
                connection.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            is_final = all(code >= _PERMANENT for code in codes)
            raise ProviderFailed(f"The mail server refused the address ({codes})", retryable=not is_final) from error
        except smtplib.SMTPDataError as error:
            is_final = error.smtp_code >= _PERMANENT
            raise ProviderFailed(f"The mail server refused the letter: {error}", retryable=not is_final) from error
        except (smtplib.SMTPException, OSError) as error:
            # A refused sender or password is ours to repair: the letter waits for it.
            raise ProviderFailed(f"The mail server could not be used: {error}") from error


class LocalMailbox:
    """Letters as files, one each, under a folder that staff read in the console."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{letter.id}.eml"
        # Written beside and renamed: a process killed meanwhile leaves no half letter.
        draft = target.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(letter.as_message().as_bytes())
        draft.replace(target)
