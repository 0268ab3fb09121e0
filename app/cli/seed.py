"""`flask seed`: data to try the product with, and data to measure it with (RUN-6)."""

from __future__ import annotations

import time

import click
from flask.cli import AppGroup

from app.cli.seed_volume import seed_volume
from app.extensions import db
from app.http.clock import now

seed = AppGroup("seed", help="Fill the database with demonstration or benchmark data.")

_MOST_SESSIONS = 2_200_000


@seed.command("volume")
@click.option("--sessions", type=click.IntRange(1, _MOST_SESSIONS), required=True, help="How many sessions to make.")
def volume(sessions: int) -> None:
    """Make bulk data for benchmarks. For an empty database of its own; never for one that people use."""
    began = time.monotonic()
    seed_volume(
        db.session(),
        sessions=sessions,
        now=now(),
        say=lambda done: click.echo(f"{time.monotonic() - began:7.1f} s  {done}"),
    )
