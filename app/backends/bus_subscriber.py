"""The receiving half of the Redis bus: one subscribed connection for each node, read by a greenlet of its own.

Rules
- `wanted` is the truth; what the server was told follows it, anew after each connection.
- A connection is alive while something arrives on it: the bus publishes a canary to each link. One that was silent for
  `SILENT_S` is half open, whatever TCP says, and is closed.
- A link that ends ends all of them: the bus then connects anew, learns where the slots are, and tells of a gap.
- What is wanted in the same turn of the loop is asked for in one write: ten thousand people who come back at once are ten
  thousand channels.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable

import gevent
import structlog
from gevent.event import Event as Signal
from redis.connection import Connection
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Silence

from app.backends.redis_server import Channel, Node, RedisServer
from app.core.ids import new_token

SILENT_S = 2.2
CONFIRM_S = 1.0
RESUBSCRIBE_S = 3.0
READ_TIMEOUT_S = 0.5
SUBSCRIBE_AT_ONCE = 500

log = structlog.get_logger(__name__)

Receive = Callable[[bytes], None]


class Round:
    """Channels that are asked for together; over when each is confirmed by its server, or wanted no more."""

    def __init__(self) -> None:
        self.channels: dict[Channel, None] = {}
        self.over = Signal()
        self._left = 1  # the asking itself

    def expect(self, count: int) -> None:
        """So many channels are to be confirmed."""
        self._left += count

    def settle(self) -> None:
        """One of them is confirmed or wanted no more; or all are asked for."""
        self._left -= 1
        if not self._left:
            self.over.set()


class Link:
    """A subscribed connection to one node."""

    def __init__(self, server: RedisServer, node: Node, receive: Receive, on_end: Callable[[], None]) -> None:
        self._verb = "S" if server.is_cluster else ""
        self._receive = receive
        self._on_end = on_end
        self._asked: dict[Channel, Round | None] = {}  # None: confirmed
        self._leaving: Counter[Channel] = Counter()  # asked to take away, and not yet told that it is
        self._connection: Connection = server.connect(node)
        self.heard_s = time.monotonic()
        self.canary = _canary_for(server, node)
        self._reader = gevent.spawn(self._read)

    @property
    def is_silent(self) -> bool:
        """Whether nothing, not even the canary, has come for too long."""
        return time.monotonic() - self.heard_s > SILENT_S

    def subscribe(self, channels: Collection[Channel], asked: Round) -> None:
        """Ask for `channels`; `asked` hears when the server has confirmed them.

        Raises:
            RedisError: the connection is lost.
        """
        asked.expect(len(channels))
        for channel in channels:
            self._settle(channel)  # asked for before, and given up in between
            self._asked[channel] = asked
        self._send("SUBSCRIBE", channels)

    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        """Ask not to get `channels` any more.

        Raises:
            RedisError: the connection is lost.
        """
        gone = [channel for channel in channels if channel in self._asked]
        for channel in gone:
            self._settle(channel)
            del self._asked[channel]
            self._leaving[channel] += 1
        self._send("UNSUBSCRIBE", gone)

    def close(self) -> None:
        """End it without telling."""
        self._on_end = lambda: None
        self._reader.kill()
        self._connection.disconnect()

    def _settle(self, channel: Channel) -> None:
        asked = self._asked.get(channel)
        if asked is not None:
            self._asked[channel] = None
            asked.settle()

    def _send(self, command: str, channels: Collection[Channel]) -> None:
        if not channels:
            return
        # In a cluster the channels of one command must share a slot: there is one for each.
        verb = self._verb + command
        commands = [(verb, channel) for channel in channels] if self._verb else [(verb, *channels)]
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
        elif answer[0] in (b"subscribe", b"ssubscribe"):
            if channel not in self._leaving:  # else it answers what was asked before we left
                self._settle(channel)
        elif kind == b"unsubscribe":
            return self._was_left(channel)
        return True

    def _was_left(self, channel: Channel) -> bool:
        """Whether a channel that is gone was given up here, though it may be wanted again already."""
        if channel not in self._leaving:
            return channel not in self._asked
        self._leaving[channel] -= 1
        if not self._leaving[channel]:
            del self._leaving[channel]
        return True


class Subscriber:
    """The links to all nodes, and the channels that this worker wants."""

    def __init__(self, server: RedisServer, receive: Receive) -> None:
        self._server = server
        self._receive = receive
        self._links: dict[Node, Link] = {}
        self._gathering: Round | None = None
        self._is_confirmed = False
        self.wanted: dict[Channel, None] = {}
        self.lost = Signal()

    @property
    def is_connected(self) -> bool:
        """Whether every node's link stands and has confirmed what was wanted when it was made."""
        return self._is_linked and self._is_confirmed

    @property
    def _is_linked(self) -> bool:
        """Whether there are links to ask, though what was asked first may not be confirmed yet."""
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
        asked = Round()
        for link in self._links.values():
            link.subscribe([link.canary], asked)
        wanted = list(self.wanted)
        for start in range(0, len(wanted), SUBSCRIBE_AT_ONCE):
            self._ask(wanted[start : start + SUBSCRIBE_AT_ONCE], asked)
        asked.settle()
        if not asked.over.wait(RESUBSCRIBE_S):
            raise RedisError("a subscription was not confirmed")
        self._is_confirmed = True

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want these channels; returns when the server has confirmed them, or is not there to do so within `CONFIRM_S`.

        A late confirmation is no outage: either the link is alive and it comes, or the canary finds out.
        """
        channels = dict.fromkeys(channels)
        self.wanted.update(channels)
        if self._is_linked:
            if self._gathering is None:
                self._gathering = Round()
                gevent.spawn(self._ask_gathered)
            asked = self._gathering
            asked.channels.update(channels)
            asked.over.wait(CONFIRM_S)

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
        self._is_confirmed = False
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _ask_gathered(self) -> None:
        asked, self._gathering = self._gathering, None
        assert asked is not None
        try:
            if self._is_linked:  # else all that is wanted is asked for by the next connection
                self._ask(asked.channels, asked)
        except RedisError:
            self.lost.set()
        asked.settle()

    def _ask(self, channels: Iterable[Channel], asked: Round) -> None:
        by_node: dict[Node, list[Channel]] = {}
        for channel in channels:
            if channel in self.wanted:
                by_node.setdefault(self._server.node_of(channel), []).append(channel)
        if not by_node.keys() <= self._links.keys():
            raise RedisError("the slots have moved")
        for node, some in by_node.items():
            self._links[node].subscribe(some, asked)

    def _forget(self, channel: Channel) -> None:
        try:
            link = self._links.get(self._server.node_of(channel))
            if link is not None and self._is_linked:
                link.unsubscribe([channel])
        except RedisError:
            self.lost.set()


def _canary_for(server: RedisServer, node: Node) -> Channel:
    """A channel that nobody else has and that this node serves."""
    while True:
        channel = f"greenroom:canary:{new_token(9)}"
        if server.node_of(channel) == node:
            return channel
