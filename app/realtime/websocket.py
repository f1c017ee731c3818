"""A WebSocket after its handshake: a raw socket, a read watcher, and no greenlet.

Runs in hub callbacks, so nothing here may block or switch. The owner is told of whole messages
and of the end; what it does about them happens in greenlets of its own. States:

  open      reading and writing
  closing   a close frame is out (or waits behind the backlog); what still comes is thrown away
  released  watchers and descriptor are gone, and with them every reference cycle
"""

import _socket
import socket
from typing import Any, Final, Protocol

import gevent

from app.realtime.backlog import Backlog, Bounds, Key
from app.realtime.frames import (
    BINARY,
    CLOSE,
    NORMAL,
    PING,
    PONG,
    TEXT,
    FrameParser,
    ProtocolError,
    encode_close,
    encode_frame,
)
from app.realtime.transport import SLOW_READER, TRANSPORT_CLOSE, TRANSPORT_ERROR

READ: Final = 1
WRITE: Final = 2
#: Reading goes through one buffer for all: hub callbacks do not switch, so nobody else is in it. It is small, because what
#: it holds is parsed in one go: tens of kilobytes of empty frames would hold up everybody else for tens of milliseconds.
_BUFFER: Final = bytearray(4_096)
_VIEW: Final = memoryview(_BUFFER)


class Owner(Protocol):
    """Who a WebSocket belongs to: a connection, or an upgrade that is being tried."""

    def on_message(self, message: str | bytes) -> None:
        """A whole text or binary message."""

    def wants_more(self) -> bool:
        """False while the owner has as much to do as it may queue."""

    def charge(self, packets: int) -> None:
        """So many frames came, or a piece of one; the owner may want no more for a while, or close."""

    def on_protocol_error(self, error: ProtocolError) -> None:
        """The client broke RFC 6455; the owner closes the transport."""

    def on_lost(self, reason: str) -> None:
        """The transport is gone."""

    def on_backlog(self, since_ms: int) -> None:
        """Bytes wait since then; the owner watches how long."""


class WebSocketTransport:
    """One client's WebSocket on the descriptor `fd`, which now belongs to it."""

    __slots__ = ("_bounds", "_parser", "_reader", "_state", "_writer", "backlog", "owner", "sock")

    def __init__(self, fd: int, owner: Owner, bounds: Bounds) -> None:
        self.sock = _socket.socket(fileno=fd)
        self.sock.setblocking(False)
        self.owner: Owner | None = owner
        self.backlog: Backlog | None = None
        self._bounds = bounds
        self._parser = FrameParser(bounds.engine.max_frame_bytes)
        self._state = "open"
        self._writer: Any = None
        self._reader: Any = gevent.get_hub().loop.io(fd, READ)

    def start(self, early: bytes = b"") -> None:
        """Begin to read; `early` is what came with the handshake."""
        self._reader.start(self._on_readable)
        if early:
            self._parser.feed(early)
            self.pump()

    # Reading

    def _on_readable(self) -> None:
        try:
            size = self.sock.recv_into(_BUFFER)
        except BlockingIOError:
            return
        except OSError:
            self._lose(TRANSPORT_ERROR)
            return
        if not size:
            self._lose(TRANSPORT_CLOSE)
        elif self._state == "open":
            self._parser.feed(bytes(_VIEW[:size]))
            self._hand_over()
            self._charge(1)

    def pump(self) -> None:
        """Hand over messages while the owner takes them; stop reading while it does not."""
        self._hand_over()
        self._charge(0)

    def _charge(self, at_least: int) -> None:
        """Have the owner pay for what was parsed: each fragment, and each read, be it of a single byte."""
        packets, self._parser.frames = max(self._parser.frames, at_least), 0
        if packets and self._state == "open" and self.owner is not None:
            self.owner.charge(packets)

    def _hand_over(self) -> None:
        pong: bytes | None = None
        try:
            while self._state == "open" and self.owner is not None:
                if not self.owner.wants_more():
                    self._reader.stop()
                    break
                message = self._parser.next_message()
                if message is None:
                    if not self._reader.active:
                        self._reader.start(self._on_readable)
                    break
                opcode, payload = message
                if opcode == PING:
                    assert isinstance(payload, bytes)
                    pong = payload  # the last one answers all (RFC 6455 section 5.5.3): one write, however many came
                else:
                    self._take(opcode, payload)
        except ProtocolError as error:
            if self.owner is not None:
                self.owner.on_protocol_error(error)
        if pong is not None:
            self.write(encode_frame(pong, PONG))

    def _take(self, opcode: int, payload: str | bytes) -> None:
        if opcode in (TEXT, BINARY):
            assert self.owner is not None
            self.owner.on_message(payload)
        elif opcode == CLOSE:
            owner = self.owner
            self.close(NORMAL)
            if owner is not None:
                owner.on_lost(TRANSPORT_CLOSE)

    # Writing

    def write(self, frames: bytes) -> None:
        """Send whole frames now, or keep what does not fit."""
        if self._state != "open":
            return
        self._bounds.counters.writes += 1
        if self.backlog is not None:
            self._keep_more(frames)
            return
        try:
            sent = self.sock.send(frames)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lose(TRANSPORT_ERROR)
            return
        if sent != len(frames):
            self.keep(frames, sent)

    def write_latest(self, key: Key, frame: bytes) -> None:
        """Send a frame, or keep it as the latest of `key`."""
        if self.backlog is None or self._state != "open":
            self.write(frame)
            return
        waited = self.backlog.size_bytes
        self._bounds.counters.backlog_bytes += self.backlog.replace(key, frame)
        self._bounds.hold(self, waited)

    def keep(self, frames: bytes, sent: int) -> None:
        """Begin a backlog with what a send left over."""
        self.backlog = Backlog()
        bounds = self._bounds
        bounds.counters.backlog_bytes += self.backlog.append(frames, sent)
        bounds.counters.backlogged += 1
        bounds.behind.add(self)
        self._writer = gevent.get_hub().loop.io(self.sock.fileno(), WRITE)
        self._writer.start(self._on_writable)
        if self.owner is not None:
            self.owner.on_backlog(self.backlog.since_ms())
        bounds.hold(self, 0)

    def _keep_more(self, frames: bytes) -> None:
        assert self.backlog is not None
        waited = self.backlog.size_bytes
        self._bounds.counters.backlog_bytes += self.backlog.append(frames)
        self._bounds.hold(self, waited)

    def backlog_bytes(self) -> int:
        """How many bytes wait."""
        return 0 if self.backlog is None else self.backlog.size_bytes

    def give_up(self) -> None:
        """End a client that does not read; a close frame cannot reach it."""
        self._bounds.counters.slow_closes += 1
        self._lose(SLOW_READER)

    def _on_writable(self) -> None:
        assert self.backlog is not None
        chunks = self.backlog.head()
        try:
            while chunks:
                sent = self.sock.sendmsg(chunks)
                self.backlog.consume(sent)
                self._bounds.counters.backlog_bytes -= sent
                chunks = self.backlog.head()
        except BlockingIOError:
            return
        except OSError:
            self._lose(TRANSPORT_ERROR)
            return
        self._drop_backlog()
        if self._state == "closing":
            self._shut(socket.SHUT_WR)

    def _drop_backlog(self) -> None:
        if self.backlog is None:
            return
        self._bounds.counters.backlog_bytes -= self.backlog.size_bytes
        self._bounds.counters.backlogged -= 1
        self._bounds.behind.discard(self)
        self.backlog = None
        self._writer.stop()
        self._writer.close()
        self._writer = None

    # Ending

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after everything written; `release` ends it if the client does not."""
        if self._state != "open":
            return
        self.write(encode_close(code, reason))
        if self._state == "open":
            self._state = "closing"
            if not self._reader.active:
                self._reader.start(self._on_readable)
            if self.backlog is None:
                # Only the writing half: closing now, with bytes unread, would send a reset, and
                # a reset overtakes the close frame.
                self._shut(socket.SHUT_WR)

    def _shut(self, how: int) -> None:
        try:
            self.sock.shutdown(how)
        except OSError:
            self.release()

    def fail(self) -> None:
        """A write of the fan-out failed: the connection is broken."""
        self._lose(TRANSPORT_ERROR)

    def _lose(self, reason: str) -> None:
        owner = self.owner
        was_open = self._state == "open"
        self.release()
        if owner is not None and was_open:
            owner.on_lost(reason)

    def release(self) -> None:
        """Give the descriptor back; the peer sees the end of the connection."""
        if self._state == "released":
            return
        self._state = "released"
        self._drop_backlog()
        self._reader.stop()
        self._reader.close()
        self._reader = None
        self.owner = None
        self.sock.close()

    @property
    def released(self) -> bool:
        """Whether the descriptor is gone."""
        return self._state == "released"
