"""Leaving well: what a worker does between SIGTERM and its exit.

`draining` is set for good once the worker was told to stop; readiness (`/readyz`) reads it.
The order: refuse readiness, stop accepting, tell every client when to come back (each another
moment, so that they do not come together), close the Engine.IO sockets in batches (clients see
"transport close" and reconnect by themselves; a Socket.IO disconnect would keep them away), then
run what the product registered (presence removal, bus flush).
"""

import logging
import random
import weakref
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

if TYPE_CHECKING:
    from app.realtime.server import Server

logger = logging.getLogger(__name__)

draining = Event()
_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


def register(server: "Server") -> None:
    """Make `server` part of what this process drains."""
    _servers.add(server)


def drain_process(timeout_ms: int | None = None) -> None:
    """Drain every server of this process; returns when done or when the time is up."""
    draining.set()
    for server in list(_servers):
        limit_ms = server.engine.drain_timeout_ms if timeout_ms is None else timeout_ms
        with gevent.Timeout(limit_ms / 1000, False):
            server.drain()
        run_callbacks(server)


def run_callbacks(server: "Server") -> None:
    """Run the product's farewells; one that fails or hangs does not stop the next."""
    for callback in server.drain_callbacks:
        try:
            with gevent.Timeout(server.engine.drain_timeout_ms / 1000):
                callback()
        except (Exception, gevent.Timeout):
            logger.exception("drain callback failed")


def spread(within_ms: int) -> int:
    """A random moment in the second half of `within_ms`, in milliseconds."""
    return random.randint(within_ms // 2, within_ms)  # noqa: S311 - spreads load, no secret
