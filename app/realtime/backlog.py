"""What a connection could not take yet: bounded in bytes and age, shared bytes and an offset.

Durable frames wait in order. Ephemeral ones (typing, presence, counts) wait beside them, the
latest of each key only, and go out after the durable ones: whoever is behind wants the present.
"""

from collections import deque
from itertools import islice
from typing import Protocol

from app.realtime.counters import Counters
from app.realtime.settings import EngineSettings
from app.realtime.wheel import monotonic_ms

Key = tuple[str, str]

#: A chunk longer than any batch of the fan-out is one long answer: who takes a piece of it in time is not too slow for it.
LONG_BYTES = 262_144
PIECE_BYTES = 65_536
#: Chunks handed to one `sendmsg`; Linux takes up to 1,024.
CHUNKS_PER_WRITE = 64


class Waiting(Protocol):
    """A transport with bytes that its client has not taken."""

    def backlog_bytes(self) -> int:
        """How many."""

    def give_up(self) -> None:
        """End the client, and forget what waits."""


class Bounds:
    """What all connections share: the settings, the counters, and who is behind.

    A client is too far behind by what it has left unread, never by what it is sent: the answer to a join may be longer than all
    that may wait.
    """

    __slots__ = ("behind", "counters", "engine")

    def __init__(self, engine: EngineSettings) -> None:
        self.engine = engine
        self.counters = Counters()
        self.behind: set[Waiting] = set()

    def hold(self, client: Waiting, waited: int) -> None:
        """`client` was sent something while so many bytes waited: end who is too far behind, it or the worst of all."""
        if waited > self.engine.backlog_bytes_per_client:
            client.give_up()
        while self.counters.backlog_bytes > self.engine.backlog_bytes_total and self.behind:
            max(self.behind, key=_backlog_bytes).give_up()


def _backlog_bytes(client: Waiting) -> int:
    return client.backlog_bytes()


class Backlog:
    """Chunks are the very bytes that other recipients got; nothing is copied."""

    __slots__ = ("_chunks", "_latest", "_offset", "_progress_ms", "size_bytes")

    def __init__(self) -> None:
        self._chunks: deque[tuple[bytes, int]] = deque()  # and when each was added
        self._offset = 0  # of the first chunk, what was sent of it
        self._latest: dict[Key, bytes] | None = None
        self._progress_ms = 0  # when the last piece of a long answer went out
        self.size_bytes = 0

    def append(self, data: bytes, sent: int = 0) -> int:
        """Add `data`, of which `sent` bytes are gone; only the first chunk can be partly sent."""
        if sent:
            self._offset = sent
        self._chunks.append((data, monotonic_ms()))
        self.size_bytes += len(data) - sent
        return len(data) - sent

    def replace(self, key: Key, frame: bytes) -> int:
        """Keep `frame` as the latest of `key`; returns how many bytes that adds, perhaps fewer than 0."""
        if self._latest is None:
            self._latest = {}
        grown = len(frame) - len(self._latest.pop(key, b""))
        self._latest[key] = frame
        self.size_bytes += grown
        return grown

    def since_ms(self) -> int:
        """Since when the oldest waiting byte waits: it was added, or a long answer before it made progress."""
        return max(self._chunks[0][1], self._progress_ms) if self._chunks else monotonic_ms()

    def head(self) -> list[bytes | memoryview]:
        """What to send next; empty when all is sent."""
        if not self._chunks and self._latest:
            self._chunks.append((b"".join(self._latest.values()), monotonic_ms()))
            self._latest = None
        chunks: list[bytes | memoryview] = [data for data, _ in islice(self._chunks, CHUNKS_PER_WRITE)]
        if self._offset:
            chunks[0] = memoryview(chunks[0])[self._offset :]
        return chunks

    def consume(self, sent: int) -> None:
        """Forget `sent` bytes that went out."""
        self.size_bytes -= sent
        is_long = bool(self._chunks) and len(self._chunks[0][0]) > LONG_BYTES
        pieces, sent = self._offset // PIECE_BYTES, self._offset + sent
        if is_long and (sent // PIECE_BYTES > pieces or sent >= len(self._chunks[0][0])):
            self._progress_ms = monotonic_ms()
        while self._chunks and sent >= len(self._chunks[0][0]):
            sent -= len(self._chunks.popleft()[0])
        self._offset = sent
