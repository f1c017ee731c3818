"""What waits for a slow reader: in order, bounded, and only the latest of what is ephemeral."""

import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.realtime import backlog as backlog_module
from app.realtime.backlog import LONG_BYTES, PIECE_BYTES, Backlog, Bounds
from app.realtime.frames import ProtocolError
from app.realtime.settings import EngineSettings
from app.realtime.transport import SLOW_READER
from app.realtime.websocket import WebSocketTransport

MOST = 1_000_000


class Listener:
    """Says nothing, and is told when it is over."""

    lost: str | None = None

    def on_message(self, message: str | bytes) -> None: ...
    def wants_more(self) -> bool:
        return True

    def charge(self, packets: int) -> None: ...
    def on_protocol_error(self, error: ProtocolError) -> None: ...
    def on_lost(self, reason: str) -> None:
        self.lost = reason

    def on_backlog(self, since_ms: int) -> None: ...


@pytest.fixture
def line() -> Iterator[tuple[Any, WebSocketTransport, Listener]]:
    theirs, ours = socket.socketpair()
    listener = Listener()
    bounds = Bounds(EngineSettings(backlog_bytes_per_client=MOST))
    transport = WebSocketTransport(ours.detach(), listener, bounds)
    transport.start()
    yield theirs, transport, listener
    transport.release()
    theirs.close()


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=100), st.data())
def test_every_byte_goes_out_once_and_in_order(chunks: list[bytes], data: st.DataObject) -> None:
    backlog = Backlog()
    already = data.draw(st.integers(0, len(chunks[0]) - 1))
    waiting = backlog.append(chunks[0], already) + sum(backlog.append(chunk) for chunk in chunks[1:])
    assert backlog.size_bytes == waiting
    out = chunks[0][:already]
    while head := backlog.head():
        offered = b"".join(bytes(piece) for piece in head)
        sent = data.draw(st.integers(1, len(offered)))
        out += offered[:sent]
        backlog.consume(sent)
    assert out == b"".join(chunks)
    assert backlog.size_bytes == 0


def test_only_the_latest_of_a_key_waits_and_goes_out_last() -> None:
    backlog = Backlog()
    backlog.append(b"durable")
    for text in (b"old", b"newer", b"newest"):
        backlog.replace(("room", "typing:ada"), text)
    backlog.replace(("room", "count"), b"7")
    backlog.append(b"later")
    assert backlog.size_bytes == len(b"durablelaternewest7")
    out = b""
    while head := backlog.head():
        out += b"".join(bytes(piece) for piece in head)
        backlog.consume(sum(len(piece) for piece in head))
    assert out == b"durablelaternewest7"


def test_the_chunks_are_the_very_bytes_that_others_got() -> None:
    shared = b"x" * 1_000
    backlog = Backlog()
    backlog.append(shared)
    assert backlog.head()[0] is shared


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of the backlog, in ms."""
    now = [1_000]
    monkeypatch.setattr(backlog_module, "monotonic_ms", lambda: now[0])
    return now


def test_who_takes_a_long_answer_piece_by_piece_is_not_behind_with_it_nor_with_what_came_after_it(
    now: list[int],
) -> None:
    backlog = Backlog()
    backlog.append(b"x" * 2 * LONG_BYTES)
    backlog.append(b"after")
    for now[0] in (9_000, 18_000):
        backlog.consume(PIECE_BYTES)
        assert backlog.since_ms() == now[0]
    now[0] = 27_000
    backlog.consume(PIECE_BYTES - 1)
    assert backlog.since_ms() == 18_000, "a piece that is not whole is no progress"
    backlog.consume(backlog.size_bytes - len(b"after"))
    assert backlog.since_ms() == 27_000


def test_who_takes_short_frames_late_is_behind_however_steadily(now: list[int]) -> None:
    backlog = Backlog()
    for now[0] in (1_000, 2_000, 3_000):
        backlog.append(b"x" * (LONG_BYTES // 2))
    now[0] = 9_000
    backlog.consume(LONG_BYTES // 2 + PIECE_BYTES)
    assert backlog.since_ms() == 2_000


def test_one_answer_may_be_longer_than_all_that_may_wait(line: tuple[Any, WebSocketTransport, Listener]) -> None:
    """A join may be: nobody could come into a room with long messages."""
    theirs, transport, listener = line
    transport.write(b"x" * 3 * MOST)
    assert transport.backlog_bytes() > MOST
    taken = 0
    with gevent.Timeout(15):
        while taken < 3 * MOST:
            taken += len(theirs.recv(65_536))
    assert (transport.backlog_bytes(), listener.lost) == (0, None)


def test_who_leaves_so_much_unread_is_sent_nothing_more(line: tuple[Any, WebSocketTransport, Listener]) -> None:
    _theirs, transport, listener = line
    transport.write(b"x" * 3 * MOST)
    transport.write(b"x")
    assert (transport.backlog_bytes(), listener.lost) == (0, SLOW_READER)
