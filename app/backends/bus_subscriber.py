"""The receiving half of the Redis bus: one subscribed connection for each node, read by a greenlet of its own.

Rules
- `wanted` is the truth; what the server was told follows it, anew after each connection.
- A connection is alive while something arrives on it: the bus publishes a canary to each link. One that was silent for
  `SILENT_S` is half open, whatever TCP says, and is closed.
- A link that ends ends all of them: the bus then connects anew, learns where the slots are, and tells of a gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import gevent
import structlog
from gevent.event import Event as Signal
from redis.connection import Connection
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Silence

from app.backends.redis_server import Channel, Node, RedisServer
from app.core.ids import new_token

SILENT_S = 2.5
CONFIRM_S = 1.0
RESUBSCRIBE_S = 3.0
READ_TIMEOUT_S = 0.5
SUBSCRIBE_AT_ONCE = 500

log = structlog.get_logger(__name__)

Receive = Callable[[bytes], None]


class Link:
    """A subscribed connection to one node."""

    def __init__(self, server: RedisServer, node: Node, receive: Receive, on_end: Callable[[], None]) -> None:
        self._verb = "S" if server.is_cluster else ""
        self._receive = receive
        self._on_end = on_end
        self._confirmed: dict[Channel, Signal] = {}
        self._connection: Connection = server.connect(node)
        self.heard_s = time.monotonic()
        self.canary = _canary_for(server, node)
        self._reader = gevent.spawn(self._read)

    @property
    def is_silent(self) -> bool:
        """Whether nothing, not even the canary, has come for too long."""
        return time.monotonic() - self.heard_s > SILENT_S

    def subscribe(self, channels: Iterable[Channel]) -> list[Signal]:
        """Ask for `channels`; each signal is set when the server has confirmed its channel.

        Raises:
            RedisError: the connection is lost.
        """
        signals = {channel: Signal() for channel in channels}
        self._confirmed.update(signals)
        self._send("SUBSCRIBE", signals)
        return list(signals.values())

    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        """Ask not to get `channels` any more.

        Raises:
            RedisError: the connection is lost.
        """
        gone = [channel for channel in channels if self._confirmed.pop(channel, None)]
        self._send("UNSUBSCRIBE", gone)

    def close(self) -> None:
        """End it without telling."""
        self._on_end = lambda: None
        self._reader.kill()
        self._connection.disconnect()

    def _send(self, command: str, channels: Iterable[Channel]) -> None:
        # One command for each: in a cluster the channels of one command must share a slot.
        commands = [(self._verb + command, channel) for channel in channels]
        if commands:
            self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    def _read(self) -> None:
        why: Exception | str = "the server took a channel away"
        try:
            while self._take(self._next()):
                pass
        except (RedisError, OSError) as failure:
            why = failure
        log.warning("bus_link_ended", why=str(why))
        self._connection.disconnect()
        self._on_end()

    def _next(self) -> list[bytes] | None:
        try:
            answer = self._connection.read_response(True, timeout=READ_TIMEOUT_S, disconnect_on_error=False)
        except Silence:
            return None
        self.heard_s = time.monotonic()
        return answer if isinstance(answer, list) else None

    def _take(self, answer: list[bytes] | None) -> bool:
        """Act on what arrived; False when the server ended a subscription that we want (its slot moved)."""
        if answer is None:
            return True
        kind, channel = answer[0].removeprefix(b"s"), answer[1].decode() if answer[1] else ""
        if answer[0] in (b"message", b"smessage"):
            if channel != self.canary:
                self._receive(answer[2])
        elif answer[0] in (b"subscribe", b"ssubscribe") and channel in self._confirmed:
            self._confirmed[channel].set()
        elif kind == b"unsubscribe":
            return channel not in self._confirmed
        return True


class Subscriber:
    """The links to all nodes, and the channels that this worker wants."""

    def __init__(self, server: RedisServer, receive: Receive) -> None:
        self._server = server
        self._receive = receive
        self._links: dict[Node, Link] = {}
        self.wanted: dict[Channel, None] = {}
        self.lost = Signal()

    @property
    def is_connected(self) -> bool:
        """Whether every node's link stands."""
        return bool(self._links) and not self.lost.is_set()

    @property
    def canaries(self) -> list[Channel]:
        """The channel of each link's canary."""
        return [link.canary for link in self._links.values()]

    def connect(self) -> None:
        """Connect to every node and subscribe to all that is wanted.

        Raises:
            RedisError: a node cannot be reached or does not confirm in time.
        """
        self.close()
        self.lost.clear()
        for node in self._server.nodes():
            self._links[node] = Link(self._server, node, self._receive, self.lost.set)
        confirmations = [signal for link in self._links.values() for signal in link.subscribe([link.canary])]
        wanted = list(self.wanted)
        for start in range(0, len(wanted), SUBSCRIBE_AT_ONCE):
            confirmations += self._ask(wanted[start : start + SUBSCRIBE_AT_ONCE])
        if not _all_set(confirmations, RESUBSCRIBE_S):
            raise RedisError("a subscription was not confirmed")

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want these channels; returns when the server has confirmed them, or is not there to do so within `CONFIRM_S`.

        A late confirmation is no outage: either the link is alive and it comes, or the canary finds out.
        """
        channels = list(channels)
        self.wanted.update(dict.fromkeys(channels))
        if self.is_connected:
            try:
                _all_set(self._ask(channels), CONFIRM_S)
            except RedisError:
                self.lost.set()

    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        """Want these channels no more."""
        for channel in channels:
            if channel in self.wanted:
                del self.wanted[channel]
                self._forget(channel)

    def has_silent_link(self) -> bool:
        """Whether a link heard nothing for `SILENT_S`."""
        return any(link.is_silent for link in self._links.values())

    def close(self) -> None:
        """Close every link."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _ask(self, channels: list[Channel]) -> list[Signal]:
        by_node: dict[Node, list[Channel]] = {}
        for channel in channels:
            if channel in self.wanted:
                by_node.setdefault(self._server.node_of(channel), []).append(channel)
        if not by_node.keys() <= self._links.keys():
            raise RedisError("the slots have moved")
        return [signal for node, asked in by_node.items() for signal in self._links[node].subscribe(asked)]

    def _forget(self, channel: Channel) -> None:
        try:
            link = self._links.get(self._server.node_of(channel))
            if link is not None and self.is_connected:
                link.unsubscribe([channel])
        except RedisError:
            self.lost.set()


def _all_set(signals: list[Signal], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    return all(signal.wait(max(0.0, deadline_s - time.monotonic())) for signal in signals)


def _canary_for(server: RedisServer, node: Node) -> Channel:
    """A channel that nobody else has and that this node serves."""
    while True:
        channel = f"greenroom:canary:{new_token(9)}"
        if server.node_of(channel) == node:
            return channel
