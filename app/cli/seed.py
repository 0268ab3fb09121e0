"""`flask seed`: data to try the product with, and data to measure it with (RUN-6)."""

from __future__ import annotations

import time

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.demo.seed import seed_demo, write_sign_ins
from app.cli.seed_volume import seed_volume
from app.config import Settings
from app.extensions import db
from app.http.adapters import adapters
from app.http.clock import now

seed = AppGroup("seed", help="Fill the database with demonstration or benchmark data.")

_MOST_SESSIONS = 2_200_000


@seed.command("demo")
@click.option("--sessions", type=click.IntRange(30, 20_000), default=3_000, show_default=True)
@click.option("--mentors", type=click.IntRange(13, 500), default=40, show_default=True)
@click.option("--mentees", type=click.IntRange(10, 2_000), default=200, show_default=True)
def demo(sessions: int, mentors: int, mentees: int) -> None:
    """Make people and a year of sessions in an empty database; does nothing when anybody is in it."""
    settings: Settings = current_app.extensions["desk-settings"]
    if settings.app_env == "production":
        raise click.ClickException("Demonstration data does not belong into production (APP_ENV=production).")
    began = time.monotonic()
    done = seed_demo(
        now=now(),
        sessions=sessions,
        mentors=mentors,
        mentees=mentees,
        adapters=adapters(),
        say=lambda told: click.echo(f"{time.monotonic() - began:7.1f} s  {told}"),
    )
    if not done:
        click.echo("There are people in this database already; nothing was changed.")
    write_sign_ins(settings.data_dir / "sign-ins.txt")


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
