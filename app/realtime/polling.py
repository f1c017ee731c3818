"""HTTP long-polling (Engine.IO protocol v4): what waits for the next GET.

The frames that other clients get over WebSocket are turned back into packets here, so nothing
upstream has to know who polls. A queue is bounded like any backlog, by itself and together with all others.
"""

import base64
import socket
from collections.abc import Callable
from typing import Any, Final

import gevent
from gevent.event import Event

from app.realtime.backlog import Bounds, Key
from app.realtime.frames import BINARY, split_frames
from app.realtime.transport import INDIRECT

SEPARATOR: Final = b"\x1e"
NOOP: Final = b"6"
CLOSE: Final = b"1"
READ: Final = 1
FAR_BEHIND: Final = 4  # this part of what may wait does


class DuplicatePollError(Exception):
    """A second GET while one is waiting; the protocol says to close."""


class ClientLeftError(Exception):
    """The client went away while its GET was waiting."""


class PollingTransport:
    """Packets until somebody fetches them."""

    __slots__ = ("_bounds", "_is_over", "_latest", "_max_packets", "_on_overflow", "_packets", "_poll", "_size", "sock")

    backlog: Any = INDIRECT

    def __init__(self, bounds: Bounds, on_overflow: Callable[[], None]) -> None:
        self.sock: Any = None
        self._packets: list[bytes] = []
        self._latest: dict[Key, bytes] = {}
        self._size = 0
        self._bounds = bounds
        self._max_packets = bounds.engine.max_fetched_packets
        self._on_overflow = on_overflow
        self._poll: Event | None = None
        self._is_over = False

    def write(self, frames: bytes) -> None:
        """Queue the packets of these frames; nobody fetches them once the session is over, so nothing is kept then."""
        if self._is_over:
            return
        packets = [
            b"b" + base64.b64encode(payload) if opcode == BINARY else payload
            for opcode, payload in split_frames(frames)
        ]
        self._packets += packets
        self._grow(sum(map(len, packets)))

    def write_latest(self, key: Key, frame: bytes) -> None:
        """Keep only the latest packet of `key`; it goes out after the durable ones."""
        if self._is_over:
            return
        packet = split_frames(frame)[0][1]
        grown = len(packet) - len(self._latest.pop(key, b""))
        self._latest[key] = packet
        self._grow(grown)

    def _grow(self, size: int) -> None:
        waited = self._size
        self._count(size)
        self.wake()
        self._bounds.hold(self, waited)

    def _count(self, size: int) -> None:
        self._size += size
        self._bounds.counters.backlog_bytes += size
        if self._size:
            self._bounds.behind.add(self)
        else:
            self._bounds.behind.discard(self)

    def backlog_bytes(self) -> int:
        """How many bytes wait."""
        return self._size

    def give_up(self) -> None:
        """End a client that does not fetch."""
        self.take()
        self._on_overflow()

    def wake(self) -> None:
        """Let a waiting GET look again."""
        if self._poll is not None:
            self._poll.set()

    @property
    def polled(self) -> bool:
        """Whether a GET is waiting."""
        return self._poll is not None

    def fetch(self) -> list[bytes]:
        """What one GET is answered: the first packets that wait. Clients that are far behind get everything."""
        excess = len(self._packets) + len(self._latest) - self._max_packets
        if excess <= 0 or self._size > self._bounds.engine.backlog_bytes_per_client // FAR_BEHIND:
            return self.take()
        taken, self._packets = self._packets[: self._max_packets], self._packets[self._max_packets :]
        taken += [self._latest.pop(key) for key in list(self._latest)[: self._max_packets - len(taken)]]
        self._count(-sum(map(len, taken)))
        return taken

    def take(self) -> list[bytes]:
        """All packets that wait, in order, the ephemeral ones last."""
        taken = [*self._packets, *self._latest.values()]
        self._packets, self._latest = [], {}
        self._count(-self._size)
        return taken

    def end(self, *, by_client: bool) -> None:
        """The session is over: a waiting GET is told, whatever else waited."""
        self._is_over = True
        self.take()
        if self._poll is not None:
            self._packets = [NOOP if by_client else CLOSE]
            self._poll.set()

    def wait(self, sock: Any, timeout_s: float) -> list[bytes]:
        """Packets, as soon as there are any. Raises DuplicatePollError and ClientLeftError."""
        if self._poll is not None:
            raise DuplicatePollError
        packets = self.fetch()
        if packets:
            return packets
        self._poll = Event()
        left = _Departure(sock, self._poll)
        try:
            self._poll.wait(timeout_s)
        finally:
            self._poll = None
            left.stop()
        packets = self.fetch()
        if not packets and left.seen:
            raise ClientLeftError
        return packets or [NOOP]


class _Departure:
    """Notices, while a GET waits, that its client has closed the connection."""

    def __init__(self, sock: Any, event: Event) -> None:
        self.seen = False
        self._sock, self._event = sock, event
        self._watcher = gevent.get_hub().loop.io(sock.fileno(), READ) if sock is not None else None
        if self._watcher is not None:
            self._watcher.start(self._on_readable)

    def _on_readable(self) -> None:
        # Readable is the end, or the next request already: peek, the parser must find it.
        if self._watcher is not None:
            self._watcher.stop()
        try:
            self.seen = not self._sock._sock.recv(1, socket.MSG_PEEK)  # noqa: SLF001 - below gevent: must not wait
        except BlockingIOError:
            return
        except OSError:
            self.seen = True
        if self.seen:
            self._event.set()

    def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
