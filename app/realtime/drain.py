"""Leaving well: what a worker does between SIGTERM and its exit.

`draining` is set for good once the worker was told to stop; readiness (`/readyz`) reads it.
The order: refuse readiness, stop accepting, tell every client when to come back (each another
moment, so that they do not come together), close the Engine.IO sockets in batches (clients see
"transport close" and reconnect by themselves; a Socket.IO disconnect would keep them away), wait
for their disconnect handlers, then run what the product registered (presence removal, bus flush).
"""

import logging
import random
import weakref
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

from app.realtime.frames import SERVICE_RESTART
from app.realtime.transport import TRANSPORT_CLOSE

if TYPE_CHECKING:
    from app.realtime.server import Server

logger = logging.getLogger(__name__)

POLL_S = 0.01

draining = Event()
_servers: "weakref.WeakSet[Server]" = weakref.WeakSet()


def register(server: "Server") -> None:
    """Make `server` part of what this process drains."""
    _servers.add(server)


def drain_process() -> None:
    """Drain every server of this process; returns when done or when their time is up."""
    draining.set()
    for server in list(_servers):
        with gevent.Timeout(server.engine.drain_timeout_ms / 1000, False):
            server.drain()
        run_callbacks(server)


def drain_server(server: "Server", reconnect_in_ms: int | None, batch: int | None) -> None:
    """Tell, wait a moment, close in batches, and wait until the last disconnect handler is done."""
    engine = server.engine
    _announce(server, engine.drain_reconnect_ms if reconnect_in_ms is None else reconnect_in_ms)
    if server.eio.sockets:
        gevent.sleep(engine.drain_notice_ms / 1000)
    connections = list(server.eio.sockets.values())
    size = batch or engine.drain_batch_sockets
    for start in range(0, len(connections), size):
        for connection in connections[start : start + size]:
            connection.end(TRANSPORT_CLOSE, SERVICE_RESTART, "draining")
        gevent.sleep(engine.drain_batch_pause_ms / 1000)
    while server.counters.joined:
        gevent.sleep(POLL_S)


def _announce(server: "Server", within_ms: int) -> None:
    """`server-draining {reconnectInMs}` to each client, each with another number."""
    for sid in server.members(None):
        server.send(sid, "server-draining", {"reconnectInMs": spread(within_ms)})


def spread(within_ms: int) -> int:
    """A random moment within `within_ms`, in milliseconds."""
    return random.randint(0, within_ms)  # noqa: S311 - spreads load, no secret


def run_callbacks(server: "Server") -> None:
    """Run the product's farewells; one that fails or hangs does not stop the next."""
    for callback in server.drain_callbacks:
        try:
            with gevent.Timeout(server.engine.drain_timeout_ms / 1000):
                callback()
        except (Exception, gevent.Timeout):
            logger.exception("a drain callback failed")
