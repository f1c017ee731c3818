"""The sending half of the Redis bus: a queue and the one greenlet that empties it.

Rules
- `put` never waits. What is put while Redis is away is dropped and counted: numbered events are found by the head poll, the
  others are worth nothing later.
- Whatever waits goes out together: one command for each channel, one round trip for each node.
- A connection that was lost while idle is replaced once, at once; after a second failure the publisher is broken until
  a new connection works.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

import gevent
import structlog
from gevent.event import Event as Signal
from redis.connection import Connection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as Silence

from app.backends.redis_server import Channel, Node, RedisServer

BATCH_EVENTS = 500
QUEUE_EVENTS = 20_000
SECOND_LOOK_S = 0.2

log = structlog.get_logger(__name__)

Pack = Callable[[list[bytes]], bytes]


class Publisher:
    """Sends (channel, encoded event) pairs in the order in which they were put."""

    def __init__(self, server: RedisServer, pack: Pack) -> None:
        self._server = server
        self._pack = pack
        self._queue: deque[tuple[Channel, bytes]] = deque()
        self._waiting, self._idle = Signal(), Signal()
        self._idle.set()
        self._connections: dict[Node, Connection] = {}
        self._greenlet: gevent.Greenlet | None = None
        self.is_broken = True
        self.dropped = 0
        self.commands = 0

    def start(self) -> None:
        """Begin to send."""
        self._greenlet = gevent.spawn(self._run)

    def put(self, channel: Channel, event: bytes) -> None:
        """Let `event` go out with the next batch."""
        if self.is_broken or len(self._queue) >= QUEUE_EVENTS:
            self.dropped += 1
            return
        self._queue.append((channel, event))
        self._idle.clear()
        self._waiting.set()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is sent; False when it was not in time."""
        return bool(self._idle.wait(timeout_s))

    def stop(self) -> None:
        """Close the connections; what still waits is dropped."""
        if self._greenlet is not None:
            self._greenlet.kill()
        self._disconnect()
        self.is_broken = True

    def ready(self) -> None:
        """Redis answered elsewhere: try again with new connections."""
        if self.is_broken:
            self._disconnect()
            self.is_broken = False

    def _run(self) -> None:
        while True:
            self._waiting.wait()
            batch = [self._queue.popleft() for _ in range(min(BATCH_EVENTS, len(self._queue)))]
            if batch:
                self._send(batch)
            if not self._queue:
                self._waiting.clear()
                self._idle.set()

    def _send(self, batch: list[tuple[Channel, bytes]]) -> None:
        messages: dict[Channel, list[bytes]] = {}
        for channel, event in batch:
            messages.setdefault(channel, []).append(event)
        for is_last in (False, True):
            try:
                self._publish(messages)
                return
            except (RedisError, OSError) as why:
                self._disconnect()
                if is_last or not self._may_try_again(why):
                    self._break(why, len(batch))
                    return

    def _may_try_again(self, why: Exception) -> bool:
        if isinstance(why, ResponseError):  # the slot moved
            with suppress(RedisError):
                self._server.discover()
                return True
        return isinstance(why, Disconnected)

    def _publish(self, messages: dict[Channel, list[bytes]]) -> None:
        """Send all that is left in `messages`, and take out what was sent."""
        command = "SPUBLISH" if self._server.is_cluster else "PUBLISH"
        for node, channels in self._by_node(messages).items():
            connection = self._connections.get(node) or self._connect(node)
            commands = [(command, channel, self._pack(messages[channel])) for channel in channels]
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for channel in channels:
                _await_answer(connection)
                self.commands += 1
                del messages[channel]

    def _by_node(self, messages: dict[Channel, list[bytes]]) -> dict[Node, list[Channel]]:
        nodes: dict[Node, list[Channel]] = {}
        for channel in messages:
            nodes.setdefault(self._server.node_of(channel), []).append(channel)
        return nodes

    def _connect(self, node: Node) -> Connection:
        connection = self._connections[node] = self._server.connect(node)
        return connection

    def _break(self, why: Exception, events: int) -> None:
        self.is_broken = True
        self.dropped += events + len(self._queue)
        self._queue.clear()
        log.warning("bus_publish_failed", why=str(why), dropped=self.dropped)

    def _disconnect(self) -> None:
        for connection in self._connections.values():
            connection.disconnect()
        self._connections.clear()


def _await_answer(connection: Connection) -> None:
    """Read the answer to one command.

    Raises:
        RedisError: none came, or the server refuses. A worker that was too busy to look in time looks once more.
    """
    try:
        connection.read_response(disconnect_on_error=False)
    except Silence:
        connection.read_response(timeout=SECOND_LOOK_S)
