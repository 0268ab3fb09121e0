"""``flask audit verify``: walks the chain of staff acts and says where it breaks (AUD-3)."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from app.config import Settings
from app.extensions import db
from app.foundation.anchors import FILE, first_lost, read_anchors
from app.foundation.audit import GENESIS, verify_chain
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail

audit = AppGroup("audit", help="The trail of staff acts.")


@audit.command("verify")
@click.option("--head", help="A head hash that an earlier run printed; it must still be in the chain.")
def verify(head: str | None) -> None:
    """Check every link, and every head that was written down outside the database."""
    settings: Settings = current_app.extensions["desk-settings"]
    with transaction():
        report = verify_chain()
        is_known = head is None or _has(head)
        anchors = read_anchors(settings.data_dir)
        lost = first_lost(anchors)
    if not report.is_intact:
        click.echo(f"Broken at row {report.first_bad_seq}: {report.problem}.", err=True)
        sys.exit(1)
    if not is_known:
        click.echo(f"Cut off: no row has the hash {head}, which an earlier run found at the end.", err=True)
        sys.exit(1)
    if lost is not None:
        when = f"{lost.at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"Cut off or written anew: row {lost.seq} is not what it was on {when} (see {FILE}).", err=True)
        sys.exit(1)
    click.echo(f"Intact: {report.rows} rows, {len(anchors)} anchors hold.\nHead: {report.head_hash}")


def _has(head: str) -> bool:
    if head == GENESIS:
        return True
    return db.session.scalar(select(AdminAuditTrail.seq).where(AdminAuditTrail.hash == head)) is not None
