"""`flask doctor`: is everything as it must be? Exit status 1 when it is not."""

from __future__ import annotations

import sys

import click

from app.support.invariants import check_invariants


@click.command("doctor")
def doctor() -> None:
    """Ask every invariant of the specification whether it holds, and show the rows that break it."""
    findings = check_invariants()
    for finding in findings:
        click.echo(f"{'ok ' if finding.holds else 'NOT'}  {finding.invariant:6} {finding.says}: {finding.rows} rows")
        for example in finding.examples:
            click.echo(f"       {example}")
    if not all(finding.holds for finding in findings):
        sys.exit(1)
