"""Which room a share token was found to lead to, for what goes by room before anybody looks: never a right.

A token that was rotated since still counts with its room. Nothing survives a restart, and nothing should.
"""

from __future__ import annotations

KEPT = 10_000


class Refs:
    """The newest finds of this process."""

    def __init__(self) -> None:
        self._rooms: dict[str, str] = {}

    def note(self, ref: str, room_id: str) -> None:
        """`ref` was found to lead to the room."""
        if ref == room_id or ref in self._rooms:
            return
        if len(self._rooms) >= KEPT:
            self._rooms.clear()
        self._rooms[ref] = room_id

    def room_of(self, ref: str) -> str:
        """The room's id, as far as it is known; else `ref` itself."""
        return self._rooms.get(ref, ref)


refs = Refs()
