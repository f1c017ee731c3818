"""What every transport offers to the fan-out, and the one that stands in when there is none.

The fan-out writes to `sock` itself while `backlog` is None: a method call for each recipient
would cost more than the rest. Everyone else calls `write`, which never blocks.
"""

from typing import Any, Final, Protocol

from app.realtime.backlog import Key

#: Marks a transport whose `sock` the fan-out must not write to.
INDIRECT: Final = object()

CLIENT_DISCONNECT: Final = "client disconnect"
SERVER_DISCONNECT: Final = "server disconnect"
PING_TIMEOUT: Final = "ping timeout"
TRANSPORT_CLOSE: Final = "transport close"
TRANSPORT_ERROR: Final = "transport error"
PARSE_ERROR: Final = "parse error"
SLOW_READER: Final = "slow reader"
FLOOD: Final = "flood"


class Transport(Protocol):
    """A way to one client. All methods return at once and may be called from hub callbacks."""

    backlog: Any
    sock: Any

    def write(self, frames: bytes) -> None:
        """Send whole WebSocket frames, after everything written before."""

    def write_latest(self, key: Key, frame: bytes) -> None:
        """Send a frame that a later one of the same key may replace while it waits."""


class NoTransport:
    """Where a departed client's frames go."""

    __slots__ = ()
    backlog: Any = INDIRECT
    sock: Any = None

    def write(self, frames: bytes) -> None:
        """Drop them."""

    def write_latest(self, key: Key, frame: bytes) -> None:
        """Drop it."""


NO_TRANSPORT: Final = NoTransport()


class HeldTransport:
    """Keeps what is sent to a client before it was told that it is connected.

    Clients that get an event before the answer to their CONNECT ignore it or break.
    """

    __slots__ = ("frames",)
    backlog: Any = INDIRECT
    sock: Any = None

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, frames: bytes) -> None:
        """Keep them in order."""
        self.frames.append(frames)

    def write_latest(self, key: Key, frame: bytes) -> None:
        """Keep it like any other: a connect handler is short."""
        self.frames.append(frame)
