"""One structured line per thing that happened, with the request's or the job's reference in each (OPS-5).

JSON in production, readable lines in the demo. Lines of libraries take the same way. What looks like a secret is
blotted out by its name, and addresses are logged by their rule, because a path may hold a one-time token.
"""

from __future__ import annotations

import logging
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from flask import g
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from app.config import Settings
from app.http.context import request_globals, request_itself

if TYPE_CHECKING:
    from flask import Flask, Response

_SECRET_WORDS = ("password", "secret", "token", "cookie", "authorization", "api_key", "totp")
_BLOT = "[hidden]"
# They are asked every few seconds by whoever watches the product; a line each would drown the rest.
_QUIET = frozenset({"health.healthz", "health.readyz", "metrics.scrape", "static"})
_log = structlog.get_logger("app.request")


def blot_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace every value whose name says that it is a secret, at any depth."""
    return {name: _blotted(name, value) for name, value in event.items()}


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _blotted(name: Any, value: Any) -> Any:
    if _is_secret(str(name)):
        return _BLOT
    if isinstance(value, dict):
        return {key: _blotted(key, inner) for key, inner in value.items()}
    return value


def configure(settings: Settings) -> None:
    """Send every log line of this process to standard error in one form; calling it again changes nothing."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        blot_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=settings.app_env != "test",
    )
    if settings.app_env == "test":
        return  # pytest collects the lines
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last_steps(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # A line for each job and each connection, beside ours, tells nothing new.
    for name in ("rq", "rq.worker", "rq.queue", "rq.cron", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _last_steps(settings: Settings) -> list[Processor]:
    if settings.app_env == "production":
        # Without local variables: those hold whatever was being worked on.
        traces = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [traces, structlog.processors.JSONRenderer(ensure_ascii=False)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def init_app(app: Flask, settings: Settings) -> None:
    """Configure logging, and tell of each request in one line."""
    configure(settings)

    @app.before_request
    def begin() -> None:
        g.began_at = time.perf_counter()

    @app.after_request
    def tell(response: Response) -> Response:
        asked, here = request_itself(), request_globals()
        if asked.endpoint not in _QUIET:
            actor = here.get("actor")
            _log.info(
                "request",
                method=asked.method,
                route=asked.url_rule.rule if asked.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - here.get("began_at", time.perf_counter())) * 1000, 1),
                user_id=str(actor.user_id) if actor and actor.user_id else None,
            )
        return response
