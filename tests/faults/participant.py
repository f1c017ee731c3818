"""A client written from the contract alone, which notes every breach of "Order, loss, resume" that it sees.

It comes back by itself with its position; while live it expects each stream's numbers one by one, a jump makes it sync.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import gevent

from tests.faults.wire import GoneError, Wire

BACK_AFTER_S = (0.05, 0.4)
CHAT_EVENTS = ("message-received", "message-edited", "message-deleted")
SYNC_TIMEOUT_S = 8.0


@dataclass(eq=False)
class Participant:
    """Somebody in one room.

    auth: what the handshake carries; ref: the room's id or share token
    """

    url: str
    ref: str
    room_id: str
    auth: dict[str, Any] = field(default_factory=dict)
    reads_chat: bool = True
    position: dict[str, Any] | None = None
    messages: dict[str, float] = field(default_factory=dict)
    finished: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    joins: int = 0
    jumps: int = 0
    retries: int = 0
    wire: Wire | None = None
    _opened: Wire | None = None
    _is_syncing: bool = False
    _is_leaving: bool = False
    _loop: gevent.Greenlet | None = None

    def start(self) -> None:
        """Join, and stay however often the connection is lost."""
        self._loop = gevent.spawn(self._stay)

    def stop(self) -> None:
        """Leave for good."""
        self._is_leaving = True
        if self._opened is not None:
            self._opened.close()
        if self._loop is not None:
            self._loop.join()

    @property
    def is_live(self) -> bool:
        """Whether it is joined and up to date as far as it knows."""
        return self.wire is not None and not self._is_syncing and self.position is not None

    def say(self, content: str, client_message_id: str) -> str:
        """Send until it is acked, wherever that takes; the message's id."""
        while True:
            try:
                if self.wire is None or not self.is_live:
                    raise GoneError("not joined")
                body = {"roomId": self.room_id, "content": content, "clientMessageId": client_message_id}
                ack = self.wire.call("send-message", body, timeout_s=3)
            except GoneError:
                self.retries += 1
                gevent.sleep(0.1)
                continue
            if ack["ok"]:
                return str(ack["message"]["id"])
            if not ack["error"]["retryable"]:
                raise AssertionError(f"a send was refused: {ack['error']}")
            self.retries += 1
            gevent.sleep(0.2)

    def _stay(self) -> None:
        while not self._is_leaving:
            try:
                self._visit()
            except GoneError:
                self.wire = None
                gevent.sleep(random.uniform(*BACK_AFTER_S))

    def _visit(self) -> None:
        wire = self._opened = Wire(self.url, self.auth, self._on_event)
        self._is_syncing = True
        reader = gevent.spawn(wire.run)
        try:
            request = {"roomId": self.ref} if self.ref == self.room_id else {"shareToken": self.ref}
            if self.position is not None:
                request["position"] = self.position
            ack = wire.call("join-room", request, timeout_s=SYNC_TIMEOUT_S, then=self._on_synced)
            if not ack["ok"]:
                if not ack["error"]["retryable"]:
                    self.breaches.append(f"refused: {ack['error']}")
                raise GoneError(ack["error"]["code"])
            self.wire = wire
            reader.join()
            raise GoneError("the connection has ended")
        finally:
            wire.close()
            reader.kill()

    def _on_synced(self, ack: dict[str, Any]) -> None:
        """In order with the events: what comes after this was sent after it."""
        if not ack["ok"]:
            return
        if self.position is not None and not ack["recovered"]:
            self.breaches.append(f"had to start anew from {self.position}")
        if self.position is not None and self.position["epoch"] == ack["position"]["epoch"]:
            for stream in ("room", "chat"):
                if ack["position"][stream] < self.position[stream]:
                    self.breaches.append(f"was taken back from {self.position} to {ack['position']}")
        for message in ack.get("messages") or []:
            self.messages.setdefault(message["id"], time.monotonic())
        self.position = ack["position"]
        self.joins += 1
        self._is_syncing = False

    def _on_event(self, name: str, args: list[Any]) -> None:
        payload = args[0] if args and isinstance(args[0], dict) else {}
        if name in CHAT_EVENTS:
            self._on_numbered("chat", payload["changeSeq"], name)
            if name == "message-received":
                self.messages.setdefault(payload["id"], time.monotonic())
        elif "seq" in payload:
            self._on_numbered("room", payload["seq"], name)
            if name == "timer-finished":
                self.finished[payload["id"]] += 1

    def _on_numbered(self, stream: str, number: int, name: str) -> None:
        if self.position is None:
            return  # the first join: what comes before the snapshot belongs to it
        here = self.position[stream]
        if number <= here:
            self.breaches.append(f"{stream} {number} ({name}) came when {here} had been seen")
            return
        if number > here + 1 and not self._is_syncing:
            self.jumps += 1
            self._sync()
        self.position[stream] = number

    def _sync(self) -> None:
        wire, position = self.wire, dict(self.position or {})
        if wire is None:
            return
        self._is_syncing = True
        request = {"roomId": self.room_id, "position": position}
        gevent.spawn(_quietly, wire, request, self._on_synced)


def _quietly(wire: Wire, request: dict[str, Any], then: Any) -> None:
    try:
        wire.call("request-sync", request, timeout_s=SYNC_TIMEOUT_S, then=then)
    except GoneError:
        wire.close()
