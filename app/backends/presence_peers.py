"""The other workers: which are alive, what they have in rooms of ours, and what is left to clear of those that died."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet
from itertools import chain

import structlog

from app.backends.presence_lease import NEVER, Lease
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_mirror import Hold, Mirror, source_of
from app.backends.presence_store import LISTED, Fields, PresenceStore, decode_share

WATCH_LIFE_MS = 5_000
FRESH_MS = 1_000
#: So often while a lease lasts it is asked who is alive: a death is known that much after the end of the lease.
LOOKS_PER_LEASE = 7

log = structlog.get_logger(__name__)


class Peers:
    """Mirrors the shares of living workers into `presence`; `here` are the people with a socket on this one."""

    def __init__(
        self, presence: MemoryPresence, store: PresenceStore, lease: Lease, here: AbstractSet[str], hold: Hold
    ) -> None:
        self._presence, self._store, self._lease, self._here = presence, store, lease, here
        self._mirror = Mirror(presence, hold)
        self._alive: set[str] = set()
        self._checked_ms = NEVER
        self._watched_ms: dict[str, float] = {}

    @property
    def others(self) -> set[str]:
        """The lives of all living workers but this one's."""
        return self._alive - {self._lease.incarnation}

    def is_watched(self, room_id: str) -> bool:
        """Whether somebody asked for the room, in which this worker has nobody, a moment ago."""
        return room_id in self._watched_ms

    def is_fresh(self, room_id: str, now_ms: float) -> bool:
        """Whether what is known of a watched room is new enough."""
        return now_ms - self._watched_ms.get(room_id, NEVER) < FRESH_MS

    def watch(self, room_id: str, now_ms: float) -> None:
        """Keep what is learnt of the room for a while."""
        self._watched_ms[room_id] = now_ms

    def show(self, store: PresenceStore, fields: dict[str, Fields], now_ms: float) -> None:
        """Mirror the shares of living workers; have the others cleared."""
        named = {name for name in chain.from_iterable(fields.values()) if source_of(name) != self._lease.worker}
        unknown = named - self._alive
        self._alive |= store.leased(unknown)
        store.report(unknown - self._alive)
        is_complete = self._lease.is_settled(now_ms)
        for room_id, by_worker in fields.items():
            if self._presence.share(room_id) is not None or room_id in self._watched_ms:
                living = {name: by_worker[name] for name in by_worker.keys() & named & self._alive}
                self._mirror.show(room_id, living, is_complete=is_complete)

    def hide_unless_ours(self, room_id: str) -> None:
        """Forget a room in which this worker has nobody and of which nobody asked."""
        if self._presence.share(room_id) is None and room_id not in self._watched_ms:
            self._mirror.hide(room_id)

    def hide_all(self) -> None:
        """The store is out of reach for too long: nothing is known of the others."""
        self._mirror.keep_only(())

    def look_around(self, now_ms: float) -> None:
        """Now and then: who is alive? What the dead have goes at once, everywhere."""
        if now_ms - self._checked_ms < self._lease.lease_ms / LOOKS_PER_LEASE:
            return
        self._checked_ms = now_ms
        self._stop_watching(now_ms)
        workers = self._store.workers()
        self._alive = self._store.leased(workers)
        if not self._lease.is_settled(now_ms):
            return
        self._mirror.keep_only({source_of(incarnation) for incarnation in self._alive})
        for incarnation in workers - self._alive - {self._lease.incarnation}:
            self._bury(incarnation)

    def _stop_watching(self, now_ms: float) -> None:
        for room_id, since_ms in list(self._watched_ms.items()):
            if now_ms - since_ms > WATCH_LIFE_MS:
                del self._watched_ms[room_id]
                self.hide_unless_ours(room_id)

    def _bury(self, incarnation: str) -> None:
        """Clear a dead worker and say who went offline with it, unless the worker itself lives on under another name."""
        rooms, people = self._store.clear(incarnation)
        if source_of(incarnation) in map(source_of, self._alive):
            return
        log.warning("presence_worker_cleared", incarnation=incarnation, rooms=len(rooms), people=len(people))
        gone = people - self._here
        gone -= self._store.elsewhere(gone, self._alive)
        lost: defaultdict[str, list[str]] = defaultdict(list)
        for room_id, fields in rooms.items():
            for person_id in _people(fields, incarnation) & gone:
                lost[person_id].append(room_id)
        for person_id in gone:
            self._presence.listener.offline(person_id, lost[person_id])


def _people(fields: Fields, incarnation: str) -> set[str]:
    """Whom `incarnation` had in a room with these fields; nobody in a crowd, where no one is told who goes."""
    shares = {name: decode_share(data) for name, data in fields.items()}
    size = sum(len(share.people) + share.anonymous for share in shares.values())
    return set(shares[incarnation].people) if incarnation in shares and size <= LISTED else set()
