"""The engine's part of the delivery, written down: who is in which channel and what each was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class RecordingServer:
    """Stands in for the engine where a test is about what is handed to it, and in which order."""

    def __init__(self) -> None:
        self.fanned_out: list[tuple[str, str, tuple[Any, ...]]] = []
        self.channels: dict[str, set[str]] = {}
        self.closed: list[str] = []
        self.sent: list[tuple[str, str, tuple[Any, ...]]] = []

    def send(self, sid: str, event: str, *args: Any) -> None:
        self.sent.append((sid, event, args))

    def hold(self, sid: str, then: Callable[[], None]) -> None:
        then()

    def let_go(self, sid: str) -> None: ...

    def fanout(self, channel: str, event: str, *args: Any, skip_sid: str | None, latest_key: str | None) -> None:
        self.fanned_out.append((channel, event, args))

    def enter_room(self, sid: str, room: str) -> None:
        self.channels.setdefault(room, set()).add(sid)

    def leave_room(self, sid: str, room: str) -> None:
        self.channels.get(room, set()).discard(sid)

    def member_count(self, channel: str) -> int:
        return len(self.channels.get(channel, ()))

    def close(self, sid: str) -> None:
        self.closed.append(sid)

    def seqs(self, channel: str) -> list[int]:
        """The numbers of the room events that went to `channel`, in order."""
        return [args[0]["seq"] for to, _, args in self.fanned_out if to == channel and "seq" in args[0]]
