"""What this worker has to tell the shared store: what changed since it last did, and what a failure left unsaid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from app.backends.presence import Person
from app.backends.presence_lease import NEVER
from app.backends.presence_roster import Share
from app.backends.presence_store import LISTED

CROWD_WRITE_MS = 1_000


@dataclass(slots=True)
class Letter:
    """What goes to the store in one batch.

    rooms:    where this worker's share is another one
    arrived:  people who have their first socket here: who they are, and their rooms
    departed: people who have none here any more: their rooms
    is_whole: nothing was told in this life yet, so everybody who is here is told
    """

    rooms: set[str]
    arrived: dict[str, tuple[Person, Collection[str]]]
    departed: dict[str, Collection[str]]
    is_whole: bool


class Outbox:
    """Gathers changes; `take` a letter, then `sent` it or `give_back`."""

    def __init__(self, share: Callable[[str], Share | None]) -> None:
        self._share = share
        self._dirty: set[str] = set()
        self._arrived: dict[str, tuple[Person, Collection[str]]] = {}
        self._departed: dict[str, Collection[str]] = {}
        self._is_whole = False
        self.here: set[str] = set()
        self.written_ms: dict[str, float] = {}

    def touch(self, room_id: str) -> None:
        """The share of the room has changed."""
        self._dirty.add(room_id)

    def arrive(self, person: Person, room_ids: Collection[str]) -> None:
        """The first socket; who comes back before the departure was told never left."""
        self.here.add(person.id)
        if self._departed.pop(person.id, None) is None:
            self._arrived[person.id] = (person, room_ids)

    def depart(self, person_id: str, room_ids: Collection[str]) -> None:
        """The last socket is gone."""
        self.here.discard(person_id)
        self._arrived.pop(person_id, None)
        self._departed[person_id] = room_ids

    def begin_anew(self, room_ids: Iterable[str]) -> None:
        """A new life has told nothing yet: everybody, and the shares of all these rooms."""
        self.written_ms.clear()
        self._dirty.update(room_id for room_id in room_ids if self._share(room_id))
        self._is_whole = True

    def take(self, now_ms: float) -> Letter | None:
        """All that may be told now; None if that is nothing."""
        due = {room_id for room_id in self._dirty if self._may_write(room_id, now_ms)}
        if not (due or self._arrived or self._departed or self._is_whole):
            return None
        self._dirty -= due
        return Letter(due, *self.take_people(), self._is_whole)

    def take_people(self) -> tuple[dict[str, tuple[Person, Collection[str]]], dict[str, Collection[str]]]:
        """Who arrived and who departed since this was asked last."""
        arrived, self._arrived = self._arrived, {}
        departed, self._departed = self._departed, {}
        return arrived, departed

    def give_back(self, letter: Letter) -> None:
        """It was not sent: its content is said again, but for what has changed since."""
        self._dirty |= letter.rooms
        arrived = {ident: arrival for ident, arrival in letter.arrived.items() if ident in self.here}
        departed = {ident: rooms for ident, rooms in letter.departed.items() if ident not in self.here}
        self._arrived = {**arrived, **self._arrived}
        self._departed = {**departed, **self._departed}

    def sent(self, shares: dict[str, Share | None], now_ms: float) -> None:
        """The store has these shares."""
        self._is_whole = False
        for room_id, share in shares.items():
            if share is None:
                self.written_ms.pop(room_id, None)
            else:
                self.written_ms[room_id] = now_ms

    def _may_write(self, room_id: str, now_ms: float) -> bool:
        """A crowd's share is large: once a second."""
        share = self._share(room_id)
        is_crowd = share is not None and len(share.people) > LISTED
        return not is_crowd or now_ms - self.written_ms.get(room_id, NEVER) >= CROWD_WRITE_MS
