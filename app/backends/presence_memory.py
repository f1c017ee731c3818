"""The presence of a single worker: its own people are all there are."""

from __future__ import annotations

from collections.abc import Collection

from app.backends.presence import Listener, Person
from app.backends.presence_roster import LOCAL, Roster, Share, Silence


class MemoryPresence:
    """Rooms that have somebody, and nothing else."""

    def __init__(self) -> None:
        self.listener: Listener = Silence()
        self.rooms: dict[str, Roster] = {}

    def listen(self, listener: Listener) -> None:
        self.listener = listener

    def put(self, room_id: str, person: Person) -> None:
        self.roster(room_id).put(LOCAL, person.id, person, self.listener)
        self.listener.counted(room_id)

    def drop(self, room_id: str, person_id: str) -> None:
        self.roster(room_id).drop(LOCAL, person_id, self.listener)
        self.prune(room_id)
        self.listener.counted(room_id)

    def set_anonymous(self, room_id: str, count: int) -> None:
        self.roster(room_id).set_anonymous(LOCAL, count)
        self.prune(room_id)
        self.listener.counted(room_id)

    def arrive(self, person: Person, room_ids: Collection[str]) -> None:
        self.listener.online(person, room_ids)

    def depart(self, person_id: str, room_ids: Collection[str]) -> None:
        self.listener.offline(person_id, room_ids)

    def watch(self, room_id: str) -> None:
        """There are no others."""

    def people(self, room_id: str, limit: int) -> tuple[Person, ...]:
        roster = self.rooms.get(room_id)
        return roster.listed(limit) if roster else ()

    def count(self, room_id: str) -> int:
        roster = self.rooms.get(room_id)
        return roster.count if roster else 0

    def is_healthy(self) -> bool:
        return True

    def stop(self) -> None:
        """Nobody else knows of these people."""

    def share(self, room_id: str) -> Share | None:
        """What this worker has in the room; None if nothing."""
        roster = self.rooms.get(room_id)
        return roster.shares.get(LOCAL) if roster else None

    def roster(self, room_id: str) -> Roster:
        """The room's roster, made if need be; `prune` it after taking something away."""
        return self.rooms.get(room_id) or self.rooms.setdefault(room_id, Roster(room_id))

    def prune(self, room_id: str) -> None:
        """Forget the room if nobody is in it."""
        roster = self.rooms.get(room_id)
        if roster is not None and not roster.shares:
            del self.rooms[room_id]
