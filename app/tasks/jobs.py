"""What RQ calls, by these names. Each runs in the worker's application context and may run twice at once (OPS-4)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import structlog
from rq import get_current_job

from app.domain.context import CLOCK, Context
from app.extensions import db
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from app.http.clock import now
from app.tasks.rounds import EACH_MINUTE, EACH_NIGHT, run_rounds
from app.tasks.runner import deliver_row

_log = structlog.get_logger(__name__)


def deliver(row_id: str) -> str:
    """Do the work of one outbox row; what RQ is rung for."""
    with _job():
        return deliver_row(UUID(row_id)).value


def tick() -> dict[str, Any]:
    """Everything that time alone brings about, every minute (OPS-4)."""
    return _report("tick", _tick)


def _tick(ctx: Context) -> dict[str, Any]:
    reports = run_rounds(EACH_MINUTE, ctx)
    counts: Counter[str] = Counter()
    for report in reports.values():
        counts.update(report.get("counts", {}))
    return {
        "counts": dict(counts),
        "changed": counts.total(),
        "failed": sum(report.get("failed", 0) for report in reports.values()),
        "is_behind": any(report.get("is_behind") for report in reports.values()),
        "broken": sorted(name for name, report in reports.items() if "error" in report),
    }


def nightly() -> dict[str, Any]:
    """What can wait for the night (OPS-4)."""
    return _report("nightly", lambda ctx: run_rounds(EACH_NIGHT, ctx))


def _report(name: str, work: Callable[[Context], Mapping[str, Any]]) -> dict[str, Any]:
    with _job():
        ctx = Context(actor=CLOCK, now=now(), request_id=f"{name}-{uuid4().hex[:16]}")
        with structlog.contextvars.bound_contextvars(request_id=ctx.request_id):
            begun = time.monotonic()
            report = dict(work(ctx))
            report["seconds"] = round(time.monotonic() - begun, 3)
            with transaction():
                heartbeats.beat(heartbeats.job(name), now=now(), report=report)
            _log.info(name, **report)
            return report


@contextmanager
def _job() -> Iterator[None]:
    job = get_current_job()
    try:
        with structlog.contextvars.bound_contextvars(job_id=job.id if job else None):
            yield
    finally:
        # The worker is one long process: the next job starts with a session of its own.
        db.session.remove()
