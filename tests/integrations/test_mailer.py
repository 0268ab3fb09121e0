"""Both ways to send a letter, against a real mail server on this machine and a folder (EM-2, EM-4)."""

# ruff: noqa: RUF001 - the dash between two times is a dash

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from app.domain.errors import ProviderFailed
from app.extensions import mail
from app.integrations.mailer import CalendarPart, Letter, LocalMailbox, Mailer, SmtpMailer

LETTER = Letter(
    id=uuid4(),
    sender="Mentor Desk <no-reply@desk.example>",
    recipient="ada@people.example",
    subject="Bestätigt: Grüße aus Köln 🚀",
    text="Hello Ada,\n\nSee you at 10:00 – 10:45.\n",
    html="<p>Hello Ada, see you at 10:00 – 10:45.</p>",
    written_at=datetime(2028, 3, 1, 9, tzinfo=UTC),
    reply_to="help@desk.example",
    calendar=CalendarPart(
        "REQUEST", "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n".encode()
    ),
)


class Server:
    """A mail server that keeps what it takes, and answers as told."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.taken: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        if "hang up" in self.answers:
            server.transport.close()
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    handler = Server()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@contextmanager
def mail_server_at(app: Flask, port: int) -> Iterator[None]:
    told = app.extensions["mail"]
    before = told.server, told.port
    told.server, told.port = "127.0.0.1", port
    yield
    told.server, told.port = before


@pytest.fixture
def smtp(app: Flask, server: tuple[Server, int]) -> Iterator[tuple[Server, Mailer]]:
    handler, port = server
    with mail_server_at(app, port):
        yield handler, SmtpMailer(mail)


@pytest.fixture(params=["smtp", "mailbox"])
def delivered(
    request: pytest.FixtureRequest, tmp_path: Path, smtp: tuple[Server, Mailer]
) -> Callable[[Letter], EmailMessage]:
    """What arrives of a letter, by either way."""

    def by_smtp(letter: Letter) -> bytes:
        server, mailer = smtp
        mailer.send(letter)
        return server.taken[-1]

    def by_mailbox(letter: Letter) -> bytes:
        LocalMailbox(tmp_path / "box").send(letter)
        return (tmp_path / "box" / f"{letter.id}.eml").read_bytes()

    way = by_smtp if request.param == "smtp" else by_mailbox
    return lambda letter: email.message_from_bytes(way(letter), policy=email.policy.default)  # type: ignore[arg-type,return-value]


@pytest.mark.spec("EM-1", "EM-2")
def test_a_letter_arrives_whole(delivered: Callable[[Letter], EmailMessage]) -> None:
    message = delivered(LETTER)
    assert message["Subject"] == LETTER.subject
    assert message["From"] == LETTER.sender
    assert message["To"] == LETTER.recipient
    assert message["Reply-To"] == "help@desk.example"
    assert message["Message-ID"] == f"<{LETTER.id}@desk.example>"
    assert message["Date"] == "Wed, 01 Mar 2028 09:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert html
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().strip() == LETTER.html


@pytest.mark.spec("EM-1")
def test_an_invitation_stands_among_the_alternatives_and_as_a_file(
    delivered: Callable[[Letter], EmailMessage],
) -> None:
    """Mail programs offer answers only if the method stands in the part's type, too."""
    message = delivered(LETTER)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    calendar = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "REQUEST"
    assert "SUMMARY:Grüße" in calendar.get_content()
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "session.ics"
    assert attached.get_content() == LETTER.calendar.content  # type: ignore[union-attr]


def test_a_letter_travels_in_seven_bits(smtp: tuple[Server, Mailer]) -> None:
    server, mailer = smtp
    mailer.send(LETTER)
    assert server.taken[0].isascii()


@pytest.mark.spec("SEC-1")
@pytest.mark.parametrize("field", ["subject", "recipient"])
def test_a_line_break_never_becomes_a_header(delivered: Callable[[Letter], EmailMessage], field: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        delivered(replace(LETTER, **{field: "ada@people.example\r\nBcc: all@people.example"}))


@pytest.mark.spec("EM-2")
@pytest.mark.parametrize(
    "step, answer, is_retryable",
    [
        ("RCPT", "550 5.1.1 no such user", False),
        ("RCPT", "451 4.7.1 greylisted, try again later", True),
        ("DATA", "554 5.6.0 content refused", False),
        ("DATA", "452 4.3.1 disk full", True),
    ],
)
def test_a_refusal_for_good_is_told_from_one_for_now(
    smtp: tuple[Server, Mailer], step: str, answer: str, is_retryable: bool
) -> None:
    server, mailer = smtp
    server.answers[step] = answer
    with pytest.raises(ProviderFailed) as refused:
        mailer.send(LETTER)
    assert refused.value.retryable is is_retryable
    assert answer[:3] in refused.value.message


@pytest.mark.spec("EM-3")
def test_no_server_is_for_now(app: Flask) -> None:
    with mail_server_at(app, 1), pytest.raises(ProviderFailed) as failed:
        SmtpMailer(mail).send(LETTER)
    assert failed.value.retryable


@pytest.mark.spec("EM-3")
def test_a_server_that_hangs_up_after_taking_a_letter_has_taken_it(smtp: tuple[Server, Mailer]) -> None:
    """Its answer arrived; the missing farewell must not cause a second copy."""
    server, mailer = smtp

    async def rude(*_: object) -> str:
        raise ConnectionResetError

    server.handle_QUIT = rude  # type: ignore[attr-defined]
    mailer.send(LETTER)
    assert len(server.taken) == 1
