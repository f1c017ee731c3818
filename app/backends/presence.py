"""Presence: who is in which room, over all workers. Each worker says what it has; the port knows the union.

Promises of every implementation
- No method waits for a network except `watch`, and that for `WATCH_MS` at most. Who is here counts at once; who leaves here
  counts as gone when it is known that no other worker has them, within a second.
- People are counted, not sockets: somebody with devices on two workers is one. Anonymous viewers are counted, not listed.
- What another worker changes is known here within a second. A worker that died is forgotten within 5 s, its people with it;
  one that only seemed dead (stopped, cut off) comes back by itself with all that it has.
- While the shared store is away (longer than `LEASE_MS`), this worker's own people are the answer.
- Nothing is durable: all of it is made anew from the sockets that are there.

Rules: the caller tells each change once (the first device in, the last one out); the listener is told of changes in the
union, in their order, and must not wait for anything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

LEASE_MS = 3_200
WATCH_MS = 250


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a name: an account or a guest."""

    id: str
    username: str
    name: str
    is_guest: bool = False


class Listener(Protocol):
    """Who is told how the union changes."""

    def joined(self, room_id: str, person: Person) -> None:
        """`person` is in the room and was not before."""
        ...

    def left(self, room_id: str, person_id: str) -> None:
        """Nobody has `person_id` in the room any more."""
        ...

    def counted(self, room_id: str) -> None:
        """`count(room_id)` may have changed; follows `joined` and `left` as well."""
        ...

    def online(self, person: Person, room_ids: Collection[str]) -> None:
        """`person` arrived here, and no other worker has them; told by one worker (by two when both see it at once)."""
        ...

    def offline(self, person_id: str, room_ids: Collection[str]) -> None:
        """`person_id` departed from their last worker, or died with it; they were in `room_ids` until then."""
        ...


class Presence(Protocol):
    """The port; one per worker."""

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of changes from now on; one listener, the newest."""
        ...

    def put(self, room_id: str, person: Person) -> None:
        """`person` is in the room by this worker."""
        ...

    def drop(self, room_id: str, person_id: str) -> None:
        """`person_id` is in the room by this worker no more; they have left when no other worker has them."""
        ...

    def set_anonymous(self, room_id: str, count: int) -> None:
        """`count` viewers without a name are in the room by this worker."""
        ...

    def arrive(self, person: Person, room_ids: Collection[str]) -> None:
        """The first socket of `person` on this worker; leads to `online` if they were nowhere."""
        ...

    def depart(self, person_id: str, room_ids: Collection[str]) -> None:
        """The last socket of `person_id` on this worker is gone; leads to `offline` if they are nowhere else."""
        ...

    def watch(self, room_id: str) -> None:
        """Learn who others have in a room where this worker has nobody yet, for the reads that follow."""
        ...

    def people(self, room_id: str, limit: int) -> tuple[Person, ...]:
        """Up to `limit` of the room's people, who came first here first; the same object until they change."""
        ...

    def count(self, room_id: str) -> int:
        """The room's people and anonymous viewers."""
        ...

    def is_healthy(self) -> bool:
        """Whether other workers are seen at this moment."""
        ...

    def stop(self) -> None:
        """Let go: the people of this worker stay for the grace of a reconnection, unless they turn up elsewhere."""
        ...
