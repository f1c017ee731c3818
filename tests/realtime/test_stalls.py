"""However a client fills its connection, what it sent is handled in pieces, and all others have their turn between them.

A piece is bounded by its bytes: the time that one takes is for the benchmark.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from app.realtime.backlog import Bounds
from app.realtime.frames import BINARY, CONTINUATION, PING, TEXT, ProtocolError, split_frames
from app.realtime.settings import EngineSettings
from app.realtime.websocket import WebSocketTransport
from tests.realtime.raw import masked

PIECE_BYTES = 4096
SMALLEST_FRAME = 6  # two bytes and the mask
BURST_BYTES = 128 * 1024
FINAL = 0x80


class Taker:
    """Takes all there is."""

    def __init__(self) -> None:
        self.messages = 0
        self.paid = 0
        self.error: ProtocolError | None = None
        self.lost: str | None = None

    def on_message(self, message: str | bytes) -> None:
        self.messages += 1

    def wants_more(self) -> bool:
        return True

    def charge(self, packets: int) -> None:
        self.paid += packets

    def on_protocol_error(self, error: ProtocolError) -> None:
        self.error = error

    def on_lost(self, reason: str) -> None:
        self.lost = reason

    def on_backlog(self, since_ms: int) -> None: ...


class Counting(WebSocketTransport):
    """Notes how often it kept the loop, and the most messages that it took meanwhile."""

    __slots__ = ("most", "turns")

    def _on_readable(self) -> None:
        before = self.owner.messages if isinstance(self.owner, Taker) else 0
        super()._on_readable()
        if isinstance(self.owner, Taker):
            self.most = max(self.most, self.owner.messages - before)
        self.turns += 1


@pytest.fixture
def line() -> Iterator[tuple[Any, Counting, Taker]]:
    theirs, ours = socket.socketpair()
    taker = Taker()
    transport = Counting(ours.detach(), taker, Bounds(EngineSettings()))
    transport.most, transport.turns = 0, 0
    transport.start()
    yield theirs, transport, taker
    transport.release()
    theirs.close()


def filled(frame: bytes) -> bytes:
    """As many of these frames as make a burst."""
    return frame * (BURST_BYTES // len(frame))


BURSTS = {
    "empty pings": filled(masked(b"", FINAL | PING)),
    "heartbeats": filled(masked(b"3")),
    "empty texts": filled(masked(b"")),
    "small events": filled(masked(b'42["x"]')),
    "the largest frames": filled(masked(b"4" + b"x" * 65_000)),
    "fragments of a byte": filled(
        masked(b"a", TEXT) + masked(b"b", CONTINUATION) * 50 + masked(b"c", FINAL | CONTINUATION)
    ),
    "binary messages": filled(masked(b"x", FINAL | BINARY)),
}


@pytest.mark.parametrize("burst", BURSTS.values(), ids=BURSTS)
def test_a_burst_is_handled_in_short_pieces(line: tuple[Any, Counting, Taker], burst: bytes) -> None:
    theirs, transport, taker = line
    gevent.spawn(theirs.sendall, burst).join(timeout=10)
    with gevent.Timeout(10):
        while transport.turns < len(burst) // PIECE_BYTES:
            gevent.sleep(0.001)
    assert taker.error is None
    assert transport.most <= PIECE_BYTES // SMALLEST_FRAME + 1


def test_many_pings_are_answered_by_one_pong_a_turn(line: tuple[Any, Counting, Taker]) -> None:
    theirs, transport, _ = line
    theirs.sendall(masked(b"first", FINAL | PING) + masked(b"last", FINAL | PING))
    while not transport.turns:
        gevent.sleep(0.001)
    assert [payload for _, payload in split_frames(theirs.recv(100))] == [b"last"]
