"""From polling to WebSocket without losing a packet (Engine.IO protocol v4, "Upgrade").

  1. the client opens a WebSocket with its sid and sends `2probe`; the answer is `3probe`
  2. a GET is answered within `upgrade_noop_ms`, waiting already or new (NOOP if nothing waits), so
     that the client can stop polling; packets go on waiting in the polling queue
  3. the client sends `5`: the session moves to the WebSocket, the queue goes out first
Anything else ends the attempt, and the session goes on polling.
"""

import base64
from typing import TYPE_CHECKING, Final

import gevent

from app.realtime.frames import BINARY, NORMAL, POLICY_VIOLATION, ProtocolError, encode_frame
from app.realtime.polling import PollingTransport
from app.realtime.websocket import WebSocketTransport
from app.realtime.wheel import monotonic_ms

if TYPE_CHECKING:
    from app.realtime.connection import Connection

PROBE_ANSWER: Final = encode_frame(b"3probe")


class Probe:
    """A WebSocket that wants to take over `connection`; owns it until it has."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.transport: WebSocketTransport | None = None
        self.slot = -1
        self.probed = False
        engine = connection.server.engine
        connection.server.wheel.schedule(self, monotonic_ms() + engine.upgrade_timeout_ms)

    def on_message(self, message: str | bytes) -> None:
        """Step 1 or step 3, and nothing else."""
        if message == "2probe" and not self.probed:
            self.probed = True
            assert self.transport is not None
            self.transport.write(PROBE_ANSWER)
            polling = self.connection.transport
            if isinstance(polling, PollingTransport):
                gevent.spawn_later(self.connection.server.engine.upgrade_noop_ms / 1000, polling.wake)
        elif message == "5" and self.probed:
            self._take_over()
        else:
            self.on_protocol_error(ProtocolError(POLICY_VIOLATION, "unexpected packet in an upgrade"))

    def _take_over(self) -> None:
        connection, transport = self.connection, self.transport
        polling = connection.transport
        assert transport is not None
        assert isinstance(polling, PollingTransport)
        self._leave()
        self.transport = None
        transport.owner = connection
        connection.server.on_upgraded(connection, transport)
        for packet in polling.take():
            transport.write(_frame(packet))  # the first of which may find that the client is gone
        polling.end(by_client=True)

    def wants_more(self) -> bool:
        """Each message is dealt with as it comes, unless the session has sent more than it may."""
        return not self.connection.held_until_ms

    def charge(self, packets: int) -> None:
        """The session pays."""
        self.connection.charge(packets)

    def on_protocol_error(self, error: ProtocolError) -> None:
        """End the attempt."""
        self._end(error.code)

    def on_lost(self, reason: str) -> None:
        """The WebSocket is gone; the session goes on polling."""
        del reason
        self._leave()

    def on_backlog(self, since_ms: int) -> None:
        """A probe sends next to nothing; its own timeout is watch enough."""

    def on_due(self, now_ms: int) -> None:
        """It took too long."""
        del now_ms
        if self.transport is not None:
            self.transport.release()
        self._leave()

    def abandon(self) -> None:
        """The session ended meanwhile."""
        self._end(NORMAL)

    def _end(self, code: int) -> None:
        transport = self.transport
        self._leave()
        if transport is not None:
            transport.close(code)
            # The wheel forgot this probe; it comes back once, to release what may linger.
            engine = self.connection.server.engine
            self.connection.server.wheel.schedule(self, monotonic_ms() + engine.close_timeout_ms)

    def _leave(self) -> None:
        self.connection.server.wheel.cancel(self)
        if self.connection.probe is self:
            self.connection.probe = None


def _frame(packet: bytes) -> bytes:
    if packet[:1] == b"b":
        return encode_frame(base64.b64decode(packet[1:]), BINARY)
    return encode_frame(packet)
