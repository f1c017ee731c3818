"""Who seems to have left a room is kept in it for a moment: another worker may be about to say that it has them.

A parting is a share of the roster like a worker's own, that nobody writes anywhere: as long as it lasts the person has a
holder, and when it ends without another one they have left. Whoever came in elsewhere meanwhile never did.
"""

from __future__ import annotations

from app.backends.presence import Person
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_roster import PARTING

HOLD_MS = 500
"""What another worker has is read here within this time, unless one of the two is slow."""


class Partings:
    """(room, person) → when the parting ends, in the order in which they end: parting again moves to the back."""

    def __init__(self, presence: MemoryPresence) -> None:
        self._presence = presence
        self._ends_ms: dict[tuple[str, str], float] = {}

    def hold(self, room_id: str, person: Person, now_ms: float) -> None:
        """`person`, who is in the room, is about to lose a holder."""
        self._ends_ms.pop((room_id, person.id), None)
        self._ends_ms[room_id, person.id] = now_ms + HOLD_MS
        self._presence.roster(room_id).put(PARTING, person.id, person, self._presence.listener)

    def end(self, room_id: str, person_id: str) -> None:
        """The parting is over: who has no other holder has left. Nothing if there was none."""
        if self._ends_ms.pop((room_id, person_id), None) is not None and room_id in self._presence.rooms:
            before = self._presence.count(room_id)
            self._presence.roster(room_id).drop(PARTING, person_id, self._presence.listener)
            self._presence.prune(room_id)
            if self._presence.count(room_id) != before:
                self._presence.listener.counted(room_id)

    def expire(self, now_ms: float) -> None:
        """End what has lasted long enough."""
        while self._ends_ms:
            parting, ends_ms = next(iter(self._ends_ms.items()))
            if ends_ms > now_ms:
                break
            self.end(*parting)
