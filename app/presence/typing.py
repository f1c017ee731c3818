"""Who is typing on this worker. Never the database: a note with an end, told when it begins and when it stops.

Rules: a repeat only renews; it ends after `TYPING_MS`, by sending, by leaving or by disconnecting. Of a worker that dies
clients hear `user-left-room` instead.
"""

from __future__ import annotations

from app.core.event import Event
from app.presence.events import user_stopped_typing

TYPING_MS = 5_000


class Typing:
    """(room, person) → when it ends and which socket began, in the order in which they end: renewing moves to the back."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, str], tuple[float, str | None]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether somebody types."""
        return bool(self._ends)

    def start(self, room_id: str, person_id: str, now_ms: float, origin: str | None = None) -> bool:
        """Whether that is news; a repeat is not, also by another socket of the person."""
        begun = self._ends.pop((room_id, person_id), None)
        self._ends[room_id, person_id] = (now_ms + TYPING_MS, begun[1] if begun else origin)
        return begun is None

    def stop(self, room_id: str, person_id: str) -> list[Event]:
        """What to tell those who were told that it began: nothing when they did not type."""
        begun = self._ends.pop((room_id, person_id), None)
        return [user_stopped_typing(room_id, person_id, begun[1])] if begun else []

    def expire(self, now_ms: float) -> list[Event]:
        """What to tell about those who have stopped without saying so."""
        over: list[Event] = []
        for (room_id, person_id), (ends_ms, _) in list(self._ends.items()):
            if ends_ms > now_ms:
                break
            over += self.stop(room_id, person_id)
        return over
