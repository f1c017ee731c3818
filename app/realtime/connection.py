"""One Engine.IO session (protocol v4), whatever its transport.

Messages are handled as `Inbox` says; the end of the connection is the last of them. Heartbeat, pong
and close are handled where they arrive, in the hub.
"""

from typing import TYPE_CHECKING, Any, Final

from engineio.packet import Packet

from app.realtime.frames import (
    BINARY,
    INVALID_PAYLOAD,
    NORMAL,
    POLICY_VIOLATION,
    ProtocolError,
    encode_frame,
)
from app.realtime.inbox import Ended
from app.realtime.metering import Metered
from app.realtime.quota import Address
from app.realtime.transport import (
    CLIENT_DISCONNECT,
    FLOOD,
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

PING_FRAME: Final = encode_frame(b"2")
MESSAGE_TYPE: Final = "4"


class Connection(Metered):
    """What `EngineServer.sockets` holds; stands where `engineio.Socket` stands in the stock server."""

    __slots__ = (
        "_awaiting_pong",
        "_backlog_since_ms",
        "_deadline_ms",
        "_heartbeat_ms",
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

    def __init__(self, server: "EngineServer", sid: str, address: Address) -> None:
        super().__init__(address, server.quota)
        self.server = server
        self.sid = sid
        self.transport: Transport = NO_TRANSPORT
        self.upgraded = False
        self.closed = False
        self.probe: Probe | None = None
        self.slot = -1
        self.session: dict[str, Any] | None = None
        self.environ: dict[str, str] | None = None  # Socket.IO's, until the client is connected
        self.clients: tuple[Any, ...] = ()  # Socket.IO's: one for each namespace
        self.binary: Any = None  # Socket.IO's: a packet whose attachments are still to come
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
        if self.held_until_ms:
            due = min(due, self.held_until_ms)
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
        elif self.held_until_ms and self.held_until_ms <= near:
            self._let_go()
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
            self.behaved()
        else:
            self.misstep()

    def on_backlog(self, since_ms: int) -> None:
        """Bytes wait for this client: watch how long."""
        self._backlog_since_ms = since_ms
        if not self.closed:
            self._reschedule()

    # Receiving

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

    def end_flood(self, why: str) -> None:
        if not self.closed:
            self.server.counters.floods += 1
            self.end(FLOOD, POLICY_VIOLATION, f"rate_limited: {why}")

    def on_lost(self, reason: str) -> None:
        """The transport is gone, or has said goodbye."""
        if not self.closed:
            self._finish(reason)

    def hold(self, until_ms: int) -> None:
        self.held_until_ms = until_ms
        self._reschedule()

    def _let_go(self) -> None:
        self.held_until_ms = 0
        self._reschedule()
        self.tell_room()
        self.read_on()

    def read_on(self) -> None:
        transport = self.transport if self.probe is None else self.probe.transport
        if isinstance(transport, WebSocketTransport):
            transport.pump()

    def handle(self, item: str | bytes) -> None:
        self.server.on_message(self, item)

    def on_end(self, reason: str) -> None:
        self.server.on_ended(self, reason)

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
