"""Changes of rights that arrive while somebody joins: the snapshot in their hands may be older, and no seat is there to review.

A change arrives after its commit. So a snapshot that was asked for after the arrival knows of it, and one that was asked for
before may not. Counted, not compared by time, and kept only while somebody joins.

And changes that did not arrive, though the event of the room's log that tells of them did: `Heard` knows which did.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from app.rooms.models import Role

ADMITTED = "admitted"
HEARD_MS = 5_000
KEPT = 100


class Changes:
    """What arrived about the people of one room, each at the next number."""

    def __init__(self) -> None:
        self.count = 0
        self._latest: dict[str | None, int] = {}
        self._admitted: dict[str, int] = {}

    def note(self, change: dict[str, Any]) -> None:
        """`access-changed` arrived: `{userId, guestId, reason}`; nobody named concerns everybody."""
        self.count += 1
        person_id: str | None = change.get("userId") or change.get("guestId")
        if person_id and change["reason"] == ADMITTED:
            self._admitted[person_id] = self.count
        else:
            self._latest[person_id] = self.count

    def forget(self) -> None:
        """Nobody joins: nobody will ask about what was."""
        self._latest.clear()
        self._admitted.clear()

    def concern(self, person_id: str | None, role: Role, since: int) -> bool:
        """Whether something arrived after number `since` about who was found to have `role`.

        That a member became one is no news: it is how most people join, and must not make them read everything twice.
        """
        latest = max(self._latest.get(None, 0), self._latest.get(person_id, 0))
        if person_id and role < Role.MEMBER:
            latest = max(latest, self._admitted.get(person_id, 0))
        return latest > since


class Heard:
    """The changes of one room that arrived a moment ago, so that what the log says of them is no news."""

    def __init__(self) -> None:
        self._keys: deque[tuple[float, tuple[Any, ...]]] = deque(maxlen=KEPT)

    def note(self, change: dict[str, Any], now_ms: float) -> None:
        """`access-changed` arrived."""
        self._keys.append((now_ms, _key(change)))

    def take(self, change: dict[str, Any], now_ms: float) -> bool:
        """Whether it arrived; each arrival answers for one entry of the log."""
        for kept in self._keys:
            heard_ms, key = kept
            if key == _key(change) and now_ms - heard_ms <= HEARD_MS:
                self._keys.remove(kept)
                return True
        return False


def _key(change: dict[str, Any]) -> tuple[Any, ...]:
    return change.get("userId"), change.get("guestId"), change["reason"]
