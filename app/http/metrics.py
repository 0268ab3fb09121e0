"""``/metrics`` for Prometheus: requests of this service, and what the database says of the work behind it (OPS-5).

Business figures are nobody's business: without ``METRICS_TOKEN`` only this machine may read them, with it whoever sends
it as a bearer token. Anybody else is told that there is no such page.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import DBAPIError

from app.domain.errors import DomainError, NotFound
from app.foundation.transaction import transaction
from app.http import clock
from app.http.context import request_globals, request_itself
from app.support.gauges import Gauges, read_gauges

if TYPE_CHECKING:
    from flask import Flask, Response

    from app.config import Settings

metrics = Blueprint("metrics", __name__)
_log = structlog.get_logger(__name__)
_REQUESTS = "desk-metrics"
# Several web processes put their counts into files of this folder; ``gunicorn.conf.py`` sets it.
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@metrics.get("/metrics")
def scrape() -> Response:
    """Everything in Prometheus' text form; a database that does not answer shows as ``desk_up 0``."""
    if not _may_read():
        raise NotFound
    registry = CollectorRegistry()
    if _SHARED in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # publishes no types for it
    else:
        registry.register(current_app.extensions[_REQUESTS])
    registry.register(_Database())
    response = current_app.response_class(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


class _Database:
    """The figures of ``support.gauges`` as Prometheus' families."""

    def collect(self) -> Iterator[Metric]:
        gauges: Gauges | None = None
        try:
            with transaction():
                gauges = read_gauges(now=clock.now())
        except (DBAPIError, DomainError) as error:
            _log.warning("metrics_without_database", error=str(error).splitlines()[0])
        yield GaugeMetricFamily("desk_up", "Whether the database answers.", value=0 if gauges is None else 1)
        if gauges is not None:
            yield from _families(gauges)


def _families(gauges: Gauges) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("desk_jobs", "Unfinished work by kind and state.", labels=["kind", "state"])
    for (kind, state), count in sorted(gauges.jobs.items()):
        jobs.add_metric([kind, state], count)
    yield jobs
    for name, words, label, values in (
        ("desk_outbox_oldest_seconds", "How long the longest due work has waited.", "kind", gauges.oldest_due_seconds),
        ("desk_sessions", "Sessions by status.", "status", gauges.sessions),
        ("desk_refunds", "Refunds under way by status.", "status", gauges.refunds),
        ("desk_process_seen_seconds", "How long ago a process was seen.", "process", gauges.seen_seconds),
    ):
        family = GaugeMetricFamily(name, words, labels=[label])
        for key, value in sorted(values.items()):
            family.add_metric([key], value)
        yield family


def _may_read() -> bool:
    settings: Settings = current_app.extensions["desk-settings"]
    if settings.metrics_token is not None:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(sent.encode(), settings.metrics_token.get_secret_value().encode())
    # An address that a proxy passed on is the client's own, so that nobody outside counts as this machine.
    return ip_address(request.remote_addr or "0.0.0.0").is_loopback and "X-Forwarded-For" not in request.headers  # noqa: S104 - compared, not bound


def init_app(app: Flask) -> None:
    """Time every request, and register the page."""
    requests = Histogram(
        "desk_request_seconds",
        "Requests by route, method and status.",
        ["route", "method", "status"],
        buckets=_BUCKETS,
        registry=None if _SHARED in os.environ else CollectorRegistry(),
    )
    app.extensions[_REQUESTS] = requests

    @app.after_request
    def count(response: Response) -> Response:
        # By rule: an address may hold an id or a token, and each would be a row of its own.
        asked = request_itself()
        route = asked.url_rule.rule if asked.url_rule else "none"
        took = time.perf_counter() - request_globals().get("began_at", time.perf_counter())
        requests.labels(route, asked.method, str(response.status_code)).observe(took)
        return response

    app.register_blueprint(metrics)
