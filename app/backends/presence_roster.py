"""The union of what the workers have in one room, kept so that each change costs what changed and not the room's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from app.backends.presence import Listener, Person

LOCAL = "local"
PARTING = "parting"


@dataclass(slots=True)
class Share:
    """What one worker has in a room: people by id (None: known by id only) and viewers without a name.

    stamp: tells whether a share that was read is the one that was read before
    """

    people: dict[str, Person | None] = field(default_factory=dict)
    anonymous: int = 0
    stamp: int | None = field(default=None, compare=False)

    @property
    def is_empty(self) -> bool:
        return not self.people and not self.anonymous


class Silence:
    """A listener that nobody listens through."""

    def joined(self, room_id: str, person: Person) -> None: ...
    def left(self, room_id: str, person_id: str) -> None: ...
    def counted(self, room_id: str) -> None: ...
    def online(self, person: Person, room_ids: object) -> None: ...
    def offline(self, person_id: str, room_ids: object) -> None: ...


class Roster:
    """One room: shares by worker, and how many workers have each person."""

    __slots__ = ("_holders", "_listed", "_people", "room_id", "shares")

    def __init__(self, room_id: str) -> None:
        self.room_id = room_id
        self.shares: dict[str, Share] = {}
        self._holders: dict[str, int] = {}
        self._people: dict[str, Person] = {}
        self._listed: dict[int, tuple[Person, ...]] = {}  # by limit

    @property
    def count(self) -> int:
        """People and anonymous viewers."""
        return len(self._holders) + sum(share.anonymous for share in self.shares.values())

    def listed(self, limit: int) -> tuple[Person, ...]:
        """Up to `limit` people, in the order in which they became known; the same object until they change."""
        listed = self._listed.get(limit)
        if listed is None:
            listed = self._listed[limit] = tuple(islice(self._people.values(), limit))
        return listed

    def put(self, source: str, person_id: str, person: Person | None, listener: Listener) -> None:
        """`source` has this person; of people beyond a crowd's list only the id is known."""
        share = self.shares.setdefault(source, Share())
        if person_id not in share.people:
            self._holders[person_id] = self._holders.get(person_id, 0) + 1
        share.people[person_id] = person
        if person is None:
            return
        known = self._people.get(person_id)
        if known != person:
            self._people[person_id] = person
            self._forget_lists(is_new=known is None)
        if known is None:
            listener.joined(self.room_id, person)

    def drop(self, source: str, person_id: str, listener: Listener) -> None:
        """`source` has this person no more."""
        share = self.shares.get(source)
        if share is None or person_id not in share.people:
            return
        del share.people[person_id]
        self._forget_if_empty(source, share)
        holders = self._holders[person_id] - 1
        if holders:
            self._holders[person_id] = holders
            return
        del self._holders[person_id]
        if self._people.pop(person_id, None) is not None:
            self._forget_lists(is_new=False)
            listener.left(self.room_id, person_id)

    def set_anonymous(self, source: str, count: int) -> None:
        """`source` has `count` viewers without a name."""
        share = self.shares.setdefault(source, Share())
        share.anonymous = count
        self._forget_if_empty(source, share)

    def replace(self, source: str, people: Mapping[str, Person | None], anonymous: int, listener: Listener) -> None:
        """`source` has exactly these; the listener hears the difference."""
        before = self.count
        known = self.shares[source].people if source in self.shares else {}
        gone = [person_id for person_id in known if person_id not in people]
        fresh = [
            person_id for person_id in people if known.get(person_id) != people[person_id] or person_id not in known
        ]
        for person_id in fresh:
            self.put(source, person_id, people[person_id], listener)
        for person_id in gone:
            self.drop(source, person_id, listener)
        self.set_anonymous(source, anonymous)
        if self.count != before or fresh or gone:
            listener.counted(self.room_id)

    def _forget_lists(self, *, is_new: bool) -> None:
        """Somebody came, behind those of a full list, or changed or went, wherever they stood."""
        for limit, listed in list(self._listed.items()):
            if not is_new or len(listed) < limit:
                del self._listed[limit]

    def _forget_if_empty(self, source: str, share: Share) -> None:
        if share.is_empty:
            self.shares.pop(source, None)
