"""`python -m bench crash`: 10,000 mails through a real mail server while workers, relay and clock are killed.

400 kills, of which the two workers get half. Prints what is published: mails lost (0), mails that came twice, and how
long it took. The queue server is wiped ten times on the way. Claims end after seconds instead of a minute and a half,
as in the test of the same name.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiosmtpd.controller import Controller
from flask_migrate import upgrade
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.config import Settings
from app.domain.context import SYSTEM, Context
from app.domain.vocabulary import OutboxState, Role
from app.embedded.servers import embedded_servers
from app.extensions import db, doorbell
from app.foundation.transaction import transaction
from app.http.clock import now
from app.messaging.mail import send_mail
from app.models import EmailEvent, OutboxRow, User
from tests.doomed import Doomed, doomed_processes

_BATCH = 100


class Mailbox:
    """Counts the copies of each mail."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's way
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.copies[str(letter["Message-ID"])] += 1
        return "250 OK"


def put_mails(count: int) -> None:
    """Queue them, a hundred in a transaction."""
    with transaction():
        reader = User(
            email="reader@bench.example",
            name="A Reader",
            password_hash="-",
            role=Role.MENTEE,
            created_at=at_this_moment().now,
        )
        db.session.add(reader)
    for first in range(0, count, _BATCH):
        with transaction():
            for number in range(first, min(first + _BATCH, count)):
                send_mail("welcome", reader, ctx=at_this_moment(), cause=f"welcome:{number}")


def at_this_moment() -> Context:
    return Context(actor=SYSTEM, now=now(), request_id=f"bench-{uuid4().hex[:8]}")


def done() -> int:
    with transaction():
        rows = select(func.count(OutboxRow.id)).where(OutboxRow.state == OutboxState.DONE)
        return db.session.scalar(rows) or 0


def drain(doomed: Doomed, total: int, kills: int) -> float:
    """Kill by progress until all is done; the seconds it took."""
    step = max(1, total // kills)
    doomed.kill_every = (max(1, step // 2), step * 3 // 2)
    doomed.wipe_queue_at = [total * part // 11 for part in range(1, 11)]
    begun = time.monotonic()
    while (progress := done()) < total:
        doomed.look(progress)
        time.sleep(0.02)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=400)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    folder.chmod(0o755)
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with embedded_servers(folder / "servers", durable=False) as servers:
            measure(chosen.mails, chosen.kills, folder, servers.database_url, servers.redis_url, box, port)
    finally:
        controller.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(mails: int, kills: int, folder: Path, database_url: str, redis_url: str, box: Mailbox, port: int) -> None:
    settings = Settings(
        app_env="test", secret_key="for this run", data_dir=folder, database_url=database_url, redis_url=redis_url
    )
    app = create_app(settings)
    env = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
    with app.app_context():
        upgrade()
        doorbell.connect(redis_url, is_silent=True)
        put_mails(mails)
        with doomed_processes(app, folder / "logs", ("worker", "worker", "relay", "clock"), env) as doomed:
            seconds = drain(doomed, mails, kills)
        wanted = {f"<{event_id}@mentordesk.example>" for event_id in db.session.scalars(select(EmailEvent.id))}
        db.session.rollback()
    lost, doubled = len(wanted - set(box.copies)), sum(box.copies.values()) - len(box.copies)
    print(f"{mails:,} mails, killed {doomed}: {lost} lost, {doubled} came twice, {seconds:.0f} s")


if __name__ == "__main__":
    main()
