"""A Socket.IO connection over WebSocket, read by one greenlet in the order of arrival: what a client sees, and nothing made up.

Engine.IO 4 and Socket.IO 5 as their protocol documents say; only text, only the namespace `/`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import gevent
import websocket
from gevent.event import AsyncResult

OPEN_TIMEOUT_S = 3.0

OnEvent = Callable[[str, list[Any]], None]
OnAck = Callable[[dict[str, Any]], None]


class GoneError(Exception):
    """The connection is closed or was refused."""


class Wire:
    """One connection; `run` reads it until it ends."""

    def __init__(self, url: str, auth: dict[str, Any], on_event: OnEvent) -> None:
        self._on_event = on_event
        self._acks: dict[int, tuple[AsyncResult, OnAck | None]] = {}
        self._numbers = itertools.count()
        address = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        try:
            self._socket = websocket.create_connection(address, timeout=OPEN_TIMEOUT_S)
        except (OSError, websocket.WebSocketException) as why:
            raise GoneError(str(why)) from why
        try:
            opened = json.loads(self._receive()[1:])
            self._silence_s = (opened["pingInterval"] + opened["pingTimeout"]) / 1000
            self._socket.send("40" + json.dumps(auth))
            answer = self._receive()
            if not answer.startswith("40"):
                raise GoneError(answer)
        except (OSError, websocket.WebSocketException, GoneError) as why:
            self.close()
            raise GoneError(str(why)) from why

    def run(self) -> None:
        """Hand over events until the connection ends."""
        self._socket.settimeout(self._silence_s)
        try:
            while True:
                self._take(self._receive())
        except (OSError, websocket.WebSocketException, GoneError):
            self.close()

    def call(self, event: str, *args: Any, timeout_s: float = 5.0, then: OnAck | None = None) -> dict[str, Any]:
        """Send an event and return its ack.

        Args:
            then: called with the ack in the reading greenlet, before anything that came after it.

        Raises:
            GoneError: the connection ended, or there was no ack in time.
        """
        number = next(self._numbers)
        result = AsyncResult()
        self._acks[number] = result, then
        try:
            self._socket.send(f"42{number}{json.dumps([event, *args])}")
            answer: dict[str, Any] = result.get(timeout=timeout_s)
        except (OSError, websocket.WebSocketException, gevent.Timeout) as why:
            raise GoneError(str(why)) from why
        return answer

    def close(self) -> None:
        """End it; calls that wait fail."""
        self._socket.shutdown()
        for result, _ in self._acks.values():
            result.set_exception(GoneError("closed"))
        self._acks.clear()

    def _receive(self) -> str:
        packet = self._socket.recv()
        if not packet:
            raise GoneError("closed by the server")
        return str(packet)

    def _take(self, packet: str) -> None:
        if packet == "2":
            self._socket.send("3")
        elif packet.startswith("42"):
            name, *args = json.loads(packet[2:])
            self._on_event(name, args)
        elif packet.startswith("43"):
            start = packet.index("[")
            result, then = self._acks.pop(int(packet[2:start]), (None, None))
            if result is not None:
                (answer,) = json.loads(packet[start:])
                if then is not None:
                    then(answer)
                result.set(answer)
        elif packet[:2] in ("41", "44") or packet == "1":
            raise GoneError(packet)
