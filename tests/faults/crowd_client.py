"""One of very many clients of a room, as light as it can be and as strict as `participant.py`.

A state machine on a non-blocking socket, turned by `crowd_program.py`. All who hear an event get the same bytes: each is parsed
once for the whole crowd. It goes when a draining server tells it to and comes back by itself, always with its position.
"""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson

BACK_AFTER_S = (0.05, 0.4)
BACK_AGAIN_S = (0.5, 1.5)
RECEIVE_BYTES = 262_144
UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSED, UPGRADING, OPENING, CONNECTING, JOINING, LIVE = range(6)
TEXT, CLOSE, PING = 1, 8, 9
JOIN_ID, SYNC_ID = 0, 1
CHAT_EVENTS = frozenset({"message-received", "message-edited", "message-deleted"})
#: Another one for everybody who joins, and without a number: the ack says the same.
UNREAD_EVENTS = (b'42["room-state"', b'42["room-joined"', b'42["user-count"')


class Client:
    """`source` is the loopback address that it comes from; `join` what it sends with `join-room`."""

    def __init__(self, address: tuple[str, int], source: str, auth: dict[str, Any], join: dict[str, Any]) -> None:
        self._address, self._source = address, source
        self._auth, self._join = auth, join
        self.reads_chat = bool(auth)
        self.state = CLOSED
        self.due_s = 0.0  # when to connect, while closed; when to leave a draining server, while live
        self.away_since_s: float | None = None
        self.waits_s: list[float] = []
        self.failures: Counter[str] = Counter()
        self.position: dict[str, Any] | None = None
        self.messages: set[str] = set()
        self.finished: Counter[str] = Counter()
        self.breaches: list[str] = []
        self.joins = 0
        self._is_syncing = False
        self._unread = b""
        self.socket: socket.socket | None = None

    def open(self) -> int:
        """Begin to connect; the file descriptor to watch."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((self._source, 0))
        with suppress(BlockingIOError):
            self.socket.connect(self._address)
        self.state, self._unread, self.due_s = UPGRADING, b"", 0.0
        return self.socket.fileno()

    def greet(self) -> None:
        """The connection stands: ask for WebSocket."""
        host, port = self._address
        self._send_raw(UPGRADE.format(host=host, port=port).encode())

    def close(self, why: str) -> None:
        """The connection is over; come back soon, and after a failure somewhat later."""
        now_s = time.monotonic()
        if self.state == LIVE:
            self.away_since_s = now_s
            self.due_s = now_s + random.uniform(*BACK_AFTER_S)
        else:
            self.failures[why] += 1
            self.due_s = now_s + random.uniform(*BACK_AGAIN_S)
        if self.socket is not None:
            self.socket.close()
        self.socket, self.state = None, CLOSED

    def move(self) -> None:
        """The moment that a draining server gave has come: leave, and connect anew at once."""
        self.close("draining")
        self.due_s = 0.0

    def read(self) -> None:
        """Take all that has arrived."""
        try:
            data = self.socket.recv(RECEIVE_BYTES) if self.socket else b""
        except BlockingIOError:
            return
        except OSError as why:
            self.close(type(why).__name__)
            return
        if not data:
            self.close("closed")
            return
        self._unread += data
        if self.state == UPGRADING and not self._upgraded():
            return
        while self.socket is not None and (frame := self._next_frame()):
            self._take(*frame)

    def _upgraded(self) -> bool:
        head, separator, rest = self._unread.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self.close(head.split(b"\r\n", 1)[0].decode())
            return False
        self._unread, self.state = rest, OPENING
        return True

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self._unread
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        self._unread = data[start + size :]
        return data[0] & 15, data[start : start + size]

    def _take(self, kind: int, body: bytes) -> None:
        if kind == CLOSE:
            self.close("closed by the server")
        elif kind == TEXT:
            self._on_packet(body)

    def _on_packet(self, packet: bytes) -> None:
        if packet == b"2":
            self._send(b"3")
        elif self.state == OPENING:
            self.state = CONNECTING
            self._send(b"40" + orjson.dumps(self._auth))
        elif self.state == CONNECTING:
            self._on_connected(packet)
        elif packet.startswith(b"43"):
            self._on_ack(orjson.loads(packet[packet.index(b"[") :])[0])
        elif packet.startswith(b"42") and not packet.startswith(UNREAD_EVENTS):
            self._on_event(*parsed(packet))

    def _on_connected(self, packet: bytes) -> None:
        if not packet.startswith(b"40"):
            self.close(packet.decode())
            return
        self.state, self._is_syncing = JOINING, True
        where = {"position": self.position} if self.position else {}
        self._send(b"42%d%b" % (JOIN_ID, orjson.dumps(["join-room", self._join | where])))

    def _on_ack(self, ack: dict[str, Any]) -> None:
        if not ack["ok"]:
            self.close(ack["error"]["code"])
            return
        if self.position is not None:
            if not ack["recovered"]:
                self.breaches.append(f"had to start anew from {self.position}")
            elif any(ack["position"][stream] < self.position[stream] for stream in ("room", "chat")):
                self.breaches.append(f"was taken back from {self.position} to {ack['position']}")
        self.messages.update(message["id"] for message in ack.get("messages") or [])
        self.position, self._is_syncing = ack["position"], False
        if self.state == JOINING:
            self.state = LIVE
            self.joins += 1
            if self.away_since_s is not None:
                self.waits_s.append(time.monotonic() - self.away_since_s)
                self.away_since_s = None

    def _on_event(self, name: str, stream: str, number: int, ident: str) -> None:
        if name == "server-draining":
            self.due_s = time.monotonic() + number / 1000
        if not stream or self.position is None:
            return
        here = self.position[stream]
        if number <= here:
            self.breaches.append(f"{stream} {number} ({name}) came when {here} had been seen")
            return
        if number > here + 1 and not self._is_syncing:
            self._is_syncing = True
            self._send(b"42%d%b" % (SYNC_ID, orjson.dumps(["request-sync", {"position": self.position}])))
        self.position[stream] = number
        if name == "message-received":
            self.messages.add(ident)
        elif name == "timer-finished":
            self.finished[ident] += 1

    def _send(self, body: bytes) -> None:
        """One masked text frame; the mask is zero, which the protocol allows and a test can read."""
        size = len(body)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._send_raw(b"\x81" + length + b"\0\0\0\0" + body)

    def _send_raw(self, data: bytes) -> None:
        try:
            if self.socket is not None:
                self.socket.sendall(data)  # far less than a socket's buffer
        except OSError as why:
            self.close(type(why).__name__)


@lru_cache(4096)
def parsed(packet: bytes) -> tuple[str, str, int, str]:
    """(name, stream or "", number, id) of an event; of `server-draining` the number is its moment in ms."""
    name, *args = orjson.loads(packet[2:])
    payload = args[0] if args and isinstance(args[0], dict) else {}
    if name == "server-draining":
        return name, "", int(payload["reconnectInMs"]), ""
    if name in CHAT_EVENTS:
        return name, "chat", payload["changeSeq"], payload.get("id", "")
    if "seq" in payload:
        return name, "room", payload["seq"], payload.get("id", "")
    return name, "", 0, ""
