"""A WebSocket client that sends exactly the bytes it is told to, right or wrong."""

from __future__ import annotations

import socket
import struct
from itertools import cycle
from operator import xor
from types import TracebackType
from typing import Self

from app.realtime.frames import CLOSE, TEXT, split_frames
from tests.realtime.launcher import Gunicorn
from tests.support.waiting import PATIENCE_S

PATH = "/socket.io/"
MASK = b"\x37\xfa\x21\x3d"
HANDSHAKE = (
    "GET {path}?EIO=4&transport=websocket{query} HTTP/1.1\r\nHost: localhost\r\n"
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
)


def masked(payload: bytes, first: int = 0x80 | TEXT, mask: bytes = MASK) -> bytes:
    """A client's frame; `first` is its first byte (FIN, reserved bits, opcode)."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + mask + bytes(map(xor, payload, cycle(mask)))


def connect_tcp(server: Gunicorn) -> socket.socket:
    """A TCP connection to the server, which waits PATIENCE_S at most."""
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class RawSocket:
    """A WebSocket after its handshake, and after CONNECT unless told otherwise."""

    def __init__(
        self, server: Gunicorn, *, join: bool = True, query: str = "", headers: str = "", path: str = PATH
    ) -> None:
        self.sock = connect_tcp(server)
        self._buffer = b""
        self.sock.sendall(HANDSHAKE.format(path=path, query=query, headers=headers).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        if self.status == 101 and not query:
            self.opening = self.text()
        if join:
            self.send("40")
            assert self.text().startswith('40{"sid":')
            assert self.text() == '42["auth",{}]'

    def _fill(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += data

    def send(self, text: str) -> None:
        """Send one text message."""
        self.sock.sendall(masked(text.encode()))

    def frame(self) -> tuple[int, bytes]:
        """The next frame that the server sent: (opcode, payload)."""
        while True:
            size = self._frame_size()
            if size and len(self._buffer) >= size:
                taken, self._buffer = self._buffer[:size], self._buffer[size:]
                return split_frames(taken)[0]
            self._fill()

    def _frame_size(self) -> int:
        if len(self._buffer) < 2:
            return 0
        size = self._buffer[1]
        if size < 126:
            return 2 + size
        width = 2 if size == 126 else 8
        if len(self._buffer) < 2 + width:
            return 0
        return 2 + width + int.from_bytes(self._buffer[2 : 2 + width], "big")

    def text(self) -> str:
        """The next text message."""
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    def close_code(self) -> int:
        """Read until the server's close frame; its code. The TCP connection ends right after it."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    def close(self) -> None:
        """End the TCP connection without a word."""
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
