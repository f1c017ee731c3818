"""Leaving well: what a worker does between SIGTERM and its exit.

`draining` is set for good once the worker was told to stop; readiness (`/readyz`) reads it.
The order: refuse readiness, stop accepting, tell every client when to come back (each another moment, so many a second as the
other workers can join), close each Engine.IO socket that is still there a while after its moment (clients see "transport
close" and reconnect by themselves; a Socket.IO disconnect would keep them away), wait for their disconnect handlers, then
run what the product registered (presence removal, bus flush).
"""

import logging
import random
import time
import weakref
from operator import itemgetter
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

from app.realtime.frames import SERVICE_RESTART
from app.realtime.transport import TRANSPORT_CLOSE

if TYPE_CHECKING:
    from app.realtime.server import Server
    from app.realtime.settings import EngineSettings

logger = logging.getLogger(__name__)

POLL_S = 0.01
YIELD_S = 1e-6
#: Who is told to go is waited for in steps of this: when all have gone, nothing is left to wait for.
LOOK_S = 0.1

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


def drain_server(server: "Server", reconnect_in_ms: int | None) -> None:
    """Give every connection its moment, close it a while after, and wait until the last disconnect handler is done."""
    engine = server.engine
    connections = list(server.eio.sockets.values())
    within_ms = time_for(len(connections), engine) if reconnect_in_ms is None else reconnect_in_ms
    moments = sorted(((spread(within_ms), connection) for connection in connections), key=itemgetter(0))
    began_s = time.monotonic()
    for moment_ms, connection in moments:
        for client in connection.clients:
            server.send(client.sid, "server-draining", {"reconnectInMs": moment_ms})
    for moment_ms, connection in moments:
        due_s = began_s + (moment_ms + engine.drain_notice_ms) / 1000
        while not connection.closed and (left_s := due_s - time.monotonic()) > 0:
            gevent.sleep(min(left_s, LOOK_S))
        gevent.sleep(YIELD_S)
        connection.end(TRANSPORT_CLOSE, SERVICE_RESTART, "draining")
    while server.counters.joined:
        gevent.sleep(POLL_S)


def time_for(clients: int, engine: "EngineSettings") -> int:
    """Within how many milliseconds so many clients are to move."""
    return min(engine.drain_reconnect_ms, 1000 * clients // engine.drain_clients_per_s)


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
