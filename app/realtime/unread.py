"""What HTTP clients have not read of their answers: bounded in bytes, as the backlog of sockets is (app/realtime/backlog.py).

An answer waits with a piece of it from when the piece is there until all of it has been sent. A piece that many answers share
is in memory once, and counts once. When all together are too much, the address that has most gives way, its longest first: who
reads slowly is not ended for what somebody else leaves unread.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any


class Unread:
    """At most `most_bytes` in the pieces that answers wait with; `told(address)` whose answers are being ended."""

    def __init__(self, most_bytes: int, told: Callable[[str], None]) -> None:
        self._most_bytes = most_bytes
        self._told = told
        self._waiting: set[Answer] = set()
        self._sharing: Counter[int] = Counter()  # by the piece's `id`: how many answers wait with it
        self.size_bytes = 0

    def hold(self, answer: Answer, piece: bytes) -> None:
        """`answer` waits with `piece` until `let_go`."""
        answer.piece = piece
        self._waiting.add(answer)
        self._sharing[id(piece)] += 1
        if self._sharing[id(piece)] == 1:
            self.size_bytes += len(piece)
        while self.size_bytes > self._most_bytes and self._waiting:
            self._relieve()

    def let_go(self, answer: Answer) -> None:
        """`answer` waits no longer; nothing happens if it did not."""
        if answer not in self._waiting:
            return
        self._waiting.remove(answer)
        self._sharing[id(answer.piece)] -= 1
        if not self._sharing[id(answer.piece)]:
            del self._sharing[id(answer.piece)]
            self.size_bytes -= len(answer.piece)
        answer.piece = b""

    def _relieve(self) -> None:
        """End answers of the address that has most until it is enough, or it has no more."""
        held: Counter[str] = Counter()
        for answer in self._waiting:
            held[answer.address] += len(answer.piece)
        ((address, _),) = held.most_common(1)
        self._told(address)
        theirs = [answer for answer in self._waiting if answer.address == address]
        for answer in sorted(theirs, key=lambda one: len(one.piece), reverse=True):
            if self.size_bytes <= self._most_bytes:
                break
            self.let_go(answer)
            answer.end()


class Answer:
    """The body of one answer, for a WSGI server that asks for a piece when it has sent the one before."""

    def __init__(self, unread: Unread, body: Iterable[bytes], sock: Any, address: str) -> None:
        self.address = address
        self.piece = b""
        self._unread, self._body, self._sock = unread, body, sock

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._unread.hold(self, piece)
            yield piece
            self._unread.let_go(self)

    def close(self) -> None:
        """All was sent, or sending has failed."""
        self._unread.let_go(self)
        if hasattr(self._body, "close"):
            self._body.close()

    def end(self) -> None:
        """Let the sending fail that goes on in another greenlet."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
