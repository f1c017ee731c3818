"""One Engine.IO session (protocol v4), whatever its transport.

Messages wait in `_inbox` and are handled in order by one greenlet, which exists only while there
are any; the end of the connection is the last of them. So a client's events never overlap, and a
client that sends faster than its events are handled is not read. Heartbeat, pong and close are
handled where they arrive, in the hub.
"""

import logging
from typing import TYPE_CHECKING, Any, Final

import gevent
from engineio.packet import Packet
from gevent.event import Event

from app.realtime.frames import (
    BINARY,
    INVALID_PAYLOAD,
    NORMAL,
    POLICY_VIOLATION,
    ProtocolError,
    encode_frame,
)
from app.realtime.transport import (
    CLIENT_DISCONNECT,
    NO_TRANSPORT,
    PARSE_ERROR,
    PING_TIMEOUT,
    SERVER_DISCONNECT,
    SLOW_READER,
    TRANSPORT_CLOSE,
    Transport,
)
from app.realtime.websocket import WebSocketTransport
from app.realtime.wheel import monotonic_ms

if TYPE_CHECKING:
    from app.realtime.engine import EngineServer
    from app.realtime.upgrade import Probe

logger = logging.getLogger(__name__)

PING_FRAME: Final = encode_frame(b"2")
MESSAGE_TYPE: Final = "4"
#: A handler greenlet lets others run after this long, as the flusher does.
YIELD_S: Final = 1e-6


class Ended:
    """The last thing in an inbox: why the connection ended, and what the client did wrong."""

    __slots__ = ("fault", "reason")

    def __init__(self, reason: str, fault: str) -> None:
        self.reason = reason
        self.fault = fault


class Connection:
    """What `EngineServer.sockets` holds; stands where `engineio.Socket` stands in the stock server."""

    __slots__ = (
        "_awaiting_pong",
        "_backlog_since_ms",
        "_deadline_ms",
        "_heartbeat_ms",
        "_inbox",
        "_room",
        "_working",
        "address",
        "binary",
        "clients",
        "closed",
        "environ",
        "probe",
        "server",
        "session",
        "sid",
        "slot",
        "transport",
        "upgraded",
    )

    connected = True

    def __init__(self, server: "EngineServer", sid: str, address: str) -> None:
        self.server = server
        self.sid = sid
        self.address = address
        self.transport: Transport = NO_TRANSPORT
        self.upgraded = False
        self.closed = False
        self.probe: Probe | None = None
        self.slot = -1
        self.session: dict[str, Any] | None = None
        self.environ: dict[str, str] | None = None  # Socket.IO's, until the client is connected
        self.clients: tuple[Any, ...] = ()  # Socket.IO's: one for each namespace
        self.binary: Any = None  # Socket.IO's: a packet whose attachments are still to come
        self._inbox: list[str | bytes | Ended] = []
        self._working = False
        self._room: Event | None = None  # a POST that waits until this is handled
        self._awaiting_pong = False
        self._backlog_since_ms = 0
        self._deadline_ms = 0
        self._heartbeat_ms = monotonic_ms() + server.ping_delay_ms()
        self._reschedule()

    # Deadlines

    def expect_join(self) -> None:
        """Close the connection unless `joined` is called within the connect timeout."""
        self._deadline_ms = monotonic_ms() + self.server.engine.connect_timeout_ms
        self._reschedule()

    def joined(self) -> None:
        """Somebody is behind this connection; it may stay."""
        self._deadline_ms = 0

    def _reschedule(self) -> None:
        due = self._heartbeat_ms
        if self._deadline_ms:
            due = min(due, self._deadline_ms)
        if self._backlog_since_ms:
            due = min(due, self._backlog_since_ms + self.server.engine.backlog_age_ms)
        self.server.wheel.schedule(self, due)

    def on_due(self, now_ms: int) -> None:
        """The wheel came round: find out for what."""
        near = now_ms + self.server.wheel.tick_ms
        if self.closed:
            self._release()
        elif self._deadline_ms and self._deadline_ms <= near:
            self.server.counters.reaped += 1
            self.end(TRANSPORT_CLOSE, POLICY_VIOLATION)
        elif self._is_too_old(near):
            self.server.counters.slow_closes += 1
            self._fall_silent(SLOW_READER)
        elif self._heartbeat_ms > near:
            self._reschedule()
        elif self._awaiting_pong:
            self.server.counters.ping_timeouts += 1
            self._fall_silent(PING_TIMEOUT)
        else:
            self._ping(now_ms)

    def _is_too_old(self, near_ms: int) -> bool:
        """Whether the oldest unsent byte has waited too long; it may be another one than last time."""
        if not self._backlog_since_ms:
            return False
        backlog = getattr(self.transport, "backlog", None)
        if backlog is None or not self.upgraded:
            self._backlog_since_ms = 0
            return False
        self._backlog_since_ms = backlog.since_ms()
        return self._backlog_since_ms + self.server.engine.backlog_age_ms <= near_ms

    def _ping(self, now_ms: int) -> None:
        self._awaiting_pong = True
        self._heartbeat_ms = now_ms + self.server.engine.ping_timeout_ms
        self.transport.write(PING_FRAME)
        if not self.closed:
            self._reschedule()

    def _pong(self) -> None:
        if self._awaiting_pong:
            self._awaiting_pong = False
            self._heartbeat_ms = monotonic_ms() + self.server.ping_delay_ms()
            self._reschedule()

    def on_backlog(self, since_ms: int) -> None:
        """Bytes wait for this client: watch how long."""
        self._backlog_since_ms = since_ms
        if not self.closed:
            self._reschedule()

    # Receiving

    def wants_more(self) -> bool:
        """False while as many messages wait as may."""
        return len(self._inbox) < self.server.engine.max_queued_events_per_client

    def on_message(self, message: str | bytes) -> None:
        """An Engine.IO packet: text with its type in front, or a binary message."""
        if self.closed:
            return
        if isinstance(message, bytes):
            self._queue(message)
        elif message[:1] == MESSAGE_TYPE:
            self._queue(message[1:])
        elif message == "3":
            self._pong()
        elif message == "1":
            self.end(CLIENT_DISCONNECT, NORMAL)
        else:
            self.on_protocol_error(ProtocolError(POLICY_VIOLATION, "unexpected Engine.IO packet"))

    def on_protocol_error(self, error: ProtocolError) -> None:
        """The client broke a protocol: close with the code that says which."""
        if not self.closed:
            self.server.counters.malformed += 1
            self.end(PARSE_ERROR, error.code, error.reason)

    def reject(self, reason: str) -> None:
        """Close for a malformed Socket.IO packet."""
        self.on_protocol_error(ProtocolError(INVALID_PAYLOAD, reason))

    def on_lost(self, reason: str) -> None:
        """The transport is gone, or has said goodbye."""
        if not self.closed:
            self._finish(reason)

    def _queue(self, item: str | bytes | Ended) -> None:
        self._inbox.append(item)
        if not self._working:
            self._begin_work()

    def _begin_work(self) -> None:
        self._working = True
        gevent.spawn_raw(self._work)

    def _work(self) -> None:
        """Handle what waits, in order; ends when nothing does."""
        slice_ends_ms = monotonic_ms() + self.server.slice_ms
        try:
            while self._inbox:
                self._handle(self._inbox.pop(0))
                if not self._inbox and isinstance(self.transport, WebSocketTransport):
                    self.transport.pump()
                if self._inbox and monotonic_ms() >= slice_ends_ms:
                    gevent.sleep(YIELD_S)
                    slice_ends_ms = monotonic_ms() + self.server.slice_ms
        finally:
            self._working = False
            if self._room is not None:
                self._room.set()
            if self._inbox:  # a handler was killed: the messages behind it must not wait for ever
                self._begin_work()

    def wait_for_room(self, timeout_s: float) -> bool:
        """Block a POST while as many messages wait as may; False if they still do at the end.

        A WebSocket is just not read meanwhile.
        """
        ends_ms = monotonic_ms() + timeout_s * 1000
        while not self.wants_more() and not self.closed and monotonic_ms() < ends_ms:
            self._room = self._room or Event()
            self._room.clear()
            self._room.wait(timeout_s)
        return self.wants_more()

    def _handle(self, item: str | bytes | Ended) -> None:
        try:
            if isinstance(item, Ended):
                if item.fault:  # logged here: a hub callback, where it is noticed, may not wait for a lock
                    logger.info("%s closed: %s", self.sid, item.fault)
                self.server.on_ended(self, item.reason)
            else:
                self.server.counters.events += 1
                self.server.on_message(self, item)
        except (Exception, gevent.Timeout):
            self.server.counters.handler_errors += 1
            logger.exception("the handler of a message failed")

    # Sending (as `engineio.Socket`)

    def send(self, packet: Packet) -> None:
        """Send an Engine.IO packet, as the stock server's methods do."""
        encoded = packet.encode()
        if isinstance(encoded, str):
            self.transport.write(encode_frame(encoded.encode()))
        else:
            self.transport.write(encode_frame(encoded, BINARY))

    # Transports

    def attach(self, transport: Transport, *, upgraded: bool) -> None:
        """Use `transport` from now on."""
        self.transport = transport
        self.upgraded = upgraded
        for client in self.clients:
            client.use(transport)

    # Ending

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """As the stock socket: the server ends the connection; never waits."""
        del wait, abort
        self.end(reason or SERVER_DISCONNECT, NORMAL)

    def end(self, reason: str, code: int, message: str = "") -> None:
        """Close the transport with a WebSocket close code and finish the session."""
        if self.closed:
            return
        transport = self.transport
        self._finish(reason, message)
        if isinstance(transport, WebSocketTransport):
            transport.close(code, message)
        else:
            self.server.close_polling(self, transport, by_client=reason == CLIENT_DISCONNECT)

    def _fall_silent(self, reason: str) -> None:
        """End a client that does not answer or read: a goodbye would only wait."""
        transport = self.transport
        self._finish(reason)
        if isinstance(transport, WebSocketTransport):
            transport.release()
        else:
            self.server.close_polling(self, transport, by_client=False)

    def _finish(self, reason: str, fault: str = "") -> None:
        """Nothing is sent from here on; the handlers of the end run after those of what came."""
        self.closed = True
        self.server.forget(self)
        for client in self.clients:
            client.use(NO_TRANSPORT)
        if self.probe is not None:
            self.probe.abandon()
        self.server.wheel.schedule(self, monotonic_ms() + self.server.engine.close_timeout_ms)
        self._queue(Ended(reason, fault))

    def _release(self) -> None:
        """The goodbye took long enough."""
        self.server.release(self)
        if isinstance(self.transport, WebSocketTransport):
            self.transport.release()
        self.transport = NO_TRANSPORT
