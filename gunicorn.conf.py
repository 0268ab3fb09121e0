"""Web server settings: `gunicorn --config gunicorn.conf.py wsgi:app`; the address is given with `--bind`."""

import gc
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
# An open event stream holds a thread for as long as a page is open, so threads must outnumber streams.
threads = int(os.environ.get("WEB_THREADS", "256"))
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS", "25"))
# It would write into the home folder, and nobody here uses it.
control_socket_disable = True
# The heartbeat file must not wait for a busy disk.
if Path("/dev/shm").is_dir():  # noqa: S108 - a memory file system, not a shared temporary file
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - as above
# The application logs each request itself, with its id.
accesslog = None
# Several processes count together, in files that live as long as this server (`/metrics`).
if workers > 1:
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="desk-metrics-"))


def child_exit(_server: Any, worker: Any) -> None:
    """What a worker that is gone was doing just then counts no more."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess  # noqa: PLC0415 - only where it counts together

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # publishes no types for it


def post_worker_init(worker: Any) -> None:
    """Streams end when the worker is told to stop; otherwise every restart would wait for the open pages."""
    # What is there now stays for good: looking through it for garbage would stop all requests for a fifth of a second.
    gc.collect()
    gc.freeze()
    hub = worker.wsgi.extensions["desk-live"]
    stop = signal.getsignal(signal.SIGTERM)

    def end_streams(number: int, frame: Any) -> None:
        hub.close()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, end_streams)
