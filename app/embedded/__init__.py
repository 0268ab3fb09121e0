"""The product without any server to install: embedded PostgreSQL and Valkey, and the supervisor over all processes.

`python -m app.embedded run` starts everything (RUN-1); `embedded_servers` gives tests the two servers alone (RUN-2).
Nothing here imports Flask or the product: the supervisor starts it as separate processes.
"""

from app.embedded.processes import EmbeddedError
from app.embedded.servers import EmbeddedServers, embedded_servers

__all__ = ["EmbeddedError", "EmbeddedServers", "embedded_servers"]
