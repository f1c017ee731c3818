"""The presence of many workers: local truth in memory, the shares of the others mirrored from Redis by one greenlet.

1. The worker renews a lease (`presence_lease`). One that finds it lost was stopped or cut off, and others have cleared it: it
   takes a new incarnation and writes everything again.
2. What changed is written in batches. The answer to each write holds everybody's fields of that room: of two workers that write
   at the same time the later one sees the earlier, and puts the room into its inbox. Only who is in the room hears of it.
3. At the pace of the lease it asks who is alive. The shares of the dead go at once, everywhere; the first that sees it clears
   the store.
4. After the loss of its own lease the others may have lost theirs as well (a restart of Redis): for another lease's time what
   is missing is not believed missing, so that no list is emptied and filled again in front of everybody.
5. A store out of reach for longer than a lease says nothing any more: the answer is then what this worker has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from itertools import chain
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal
from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError

from app.backends.presence import LEASE_MS, WATCH_MS, Person
from app.backends.presence_lease import NEVER, Lease
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_mirror import Mirror, source_of
from app.backends.presence_roster import LOCAL, Share
from app.backends.presence_store import LISTED, Fields, PresenceStore, decode_share
from app.backends.redis_client import RedisClient
from app.core.clock import Clock

POLL_S = 0.2
GATHER_S = 0.02
CROWD_WRITE_MS = 1_000
WATCH_LIFE_MS = 5_000
FRESH_MS = 1_000
HANDOVER_MS = 2_000

log = structlog.get_logger(__name__)


class RedisPresence(MemoryPresence):
    """The memory implementation, kept in step with those of the other workers."""

    def __init__(
        self, url: str, clock: Clock, *, lease_ms: int = LEASE_MS, spawn: Callable[..., Any] = gevent.spawn
    ) -> None:
        """`spawn` runs the loop; a test that calls `sync` itself gives one that does not."""
        super().__init__()
        self._clock, self._spawn = clock, spawn
        self._clients = [RedisClient(url), RedisClient(url, timeout_s=WATCH_MS / 1000)]
        self._store, self._quick_store = map(PresenceStore, self._clients)
        self._mirror = Mirror(self)
        self._lease = Lease(self._store, lease_ms)
        self._alive: set[str] = set()
        self._here: set[str] = set()
        self._dirty: set[str] = set()
        self._written_ms: dict[str, float] = {}
        self._watched_ms: dict[str, float] = {}
        self._arrived: dict[str, tuple[Person, Collection[str]]] = {}
        self._departed: dict[str, Collection[str]] = {}
        self._tells_everybody = False
        self._is_healthy = True
        self._reads_again = False
        self._checked_ms = NEVER
        self._reached_ms = clock.monotonic_ms()
        self._wake = Signal()
        self._lock = BoundedSemaphore(1)
        self._loop: Any = None
        self._has_stopped = False

    def put(self, room_id: str, person: Person) -> None:
        super().put(room_id, person)
        self._touch(room_id)

    def drop(self, room_id: str, person_id: str) -> None:
        super().drop(room_id, person_id)
        self._touch(room_id)

    def set_anonymous(self, room_id: str, count: int) -> None:
        super().set_anonymous(room_id, count)
        self._touch(room_id)

    def arrive(self, person: Person, room_ids: Collection[str]) -> None:
        self._here.add(person.id)
        if self._departed.pop(person.id, None) is None:
            self._arrived[person.id] = (person, room_ids)
        self._begin()

    def depart(self, person_id: str, room_ids: Collection[str]) -> None:
        self._here.discard(person_id)
        self._arrived.pop(person_id, None)
        self._departed[person_id] = room_ids
        self._begin()

    def watch(self, room_id: str) -> None:
        now_ms = self._clock.monotonic_ms()
        is_fresh = now_ms - self._watched_ms.get(room_id, NEVER) < FRESH_MS
        if room_id in self._written_ms or is_fresh or not self._is_healthy:
            return
        self._begin()
        if not self._lock.acquire(timeout=WATCH_MS / 1000):
            return
        try:
            self._watched_ms[room_id] = now_ms
            self._show(self._quick_store, self._quick_store.read([room_id]))
        except RedisError as why:
            log.warning("presence_not_read", why=str(why))
        finally:
            self._lock.release()

    def is_healthy(self) -> bool:
        return self._is_healthy

    def stop(self) -> None:
        """Write what waits, then leave it under a lease that ends with the grace: peers clear what has not moved to them."""
        if self._loop is None or self._has_stopped:
            return
        self._has_stopped = True
        if isinstance(self._loop, gevent.Greenlet):
            self._loop.kill()
        self.sync()
        try:
            self._store.fade(self._lease.incarnation, min(HANDOVER_MS, self._lease.lease_ms))
        except RedisError as why:
            log.warning("presence_not_handed_over", why=str(why))
        for client in self._clients:
            client.close()

    def sync(self) -> None:
        """One round with the store; what fails is tried again in the next."""
        with self._lock:
            now_ms = self._clock.monotonic_ms()
            try:
                self._hold_lease(now_ms)
                self._look_around(now_ms)
                self._write(now_ms)
                self._clear_former()
                self._read(now_ms)
            except RedisError as why:
                self._lose_touch(now_ms, why)
            else:
                self._reached_ms = now_ms
                self._is_healthy = True

    def _touch(self, room_id: str) -> None:
        self._dirty.add(room_id)
        self._begin()

    def _begin(self) -> None:
        """Have the loop, from the first person on: a process that has nobody needs no Redis."""
        if self._loop is None:
            self._loop = self._spawn(self._run)
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(POLL_S)
            self._wake.clear()
            try:
                self.sync()
            except Exception:
                log.exception("presence_sync_failed")
            gevent.sleep(GATHER_S)

    def _hold_lease(self, now_ms: float) -> None:
        """Rule 1."""
        if self._lease.hold(now_ms):
            self._written_ms.clear()
            self._dirty.update(room_id for room_id in self.rooms if self._share(room_id))
            self._tells_everybody = True
            self._reads_again = bool(self._lease.former)

    def _write(self, now_ms: float) -> None:
        """Rule 2: send what changed; what a failure leaves unsaid is said again."""
        due = {room_id for room_id in self._dirty if self._may_write(room_id, now_ms)}
        if not (due or self._arrived or self._departed or self._tells_everybody):
            return
        self._dirty -= due
        arrived, self._arrived = self._arrived, {}
        departed, self._departed = self._departed, {}
        try:
            self._exchange(due, arrived, departed, now_ms)
        except RedisError:
            self._dirty |= due
            self._arrived = {**arrived, **self._arrived}
            self._departed = {**departed, **self._departed}
            raise

    def _may_write(self, room_id: str, now_ms: float) -> bool:
        """A crowd's share is large: once a second."""
        share = self._share(room_id)
        is_crowd = share is not None and len(share.people) > LISTED
        return not is_crowd or now_ms - self._written_ms.get(room_id, NEVER) >= CROWD_WRITE_MS

    def _share(self, room_id: str) -> Share | None:
        roster = self.rooms.get(room_id)
        return roster.shares.get(LOCAL) if roster else None

    def _exchange(
        self,
        due: set[str],
        arrived: dict[str, tuple[Person, Collection[str]]],
        departed: dict[str, Collection[str]],
        now_ms: float,
    ) -> None:
        others = self._alive - {self._lease.incarnation}
        known = self._store.elsewhere(arrived, others)
        people = tuple(self._here if self._tells_everybody else arrived)
        shares = {room_id: self._share(room_id) for room_id in due}
        fields = self._store.write(self._lease.incarnation, shares, arrived=people, departed=departed)
        self._notify(fields)
        staying = self._store.elsewhere(departed, others)
        self._show(self._store, fields)
        self._lease.verify()
        self._tells_everybody = False
        for room_id, share in shares.items():
            self._note_written(room_id, now_ms if share else None)
        for person, room_ids in (arrived[person_id] for person_id in arrived.keys() - known):
            self.listener.online(person, room_ids)
        for person_id in departed.keys() - staying - self._here:
            self.listener.offline(person_id, departed[person_id])

    def _note_written(self, room_id: str, now_ms: float | None) -> None:
        if now_ms is not None:
            self._written_ms[room_id] = now_ms
            return
        self._written_ms.pop(room_id, None)
        if self._share(room_id) is None and room_id not in self._watched_ms:
            self._mirror.hide(room_id)

    def _notify(self, fields: dict[str, Fields]) -> None:
        rooms: defaultdict[str, set[str]] = defaultdict(set)
        for room_id, by_worker in fields.items():
            for incarnation in by_worker.keys() - {self._lease.incarnation}:
                rooms[incarnation].add(room_id)
        self._store.notify(rooms)

    def _read(self, now_ms: float) -> None:
        """Read again what others changed here; once settled, everything."""
        room_ids = set(self._store.take_inbox(self._lease.incarnation))
        is_settled = self._lease.is_settled(now_ms)
        if self._reads_again and is_settled:
            room_ids |= self._written_ms.keys()
        mine = [room_id for room_id in room_ids if room_id in self._written_ms or room_id in self._watched_ms]
        self._show(self._store, self._store.read(mine))
        self._reads_again = self._reads_again and not is_settled

    def _show(self, store: PresenceStore, fields: dict[str, Fields]) -> None:
        """Mirror the shares of living workers; have the others cleared."""
        named = {name for name in chain.from_iterable(fields.values()) if source_of(name) != self._lease.worker}
        unknown = named - self._alive
        self._alive |= store.leased(unknown)
        store.report(unknown - self._alive)
        is_complete = self._lease.is_settled(self._clock.monotonic_ms())
        for room_id, by_worker in fields.items():
            if self._share(room_id) is not None or room_id in self._watched_ms:
                living = {name: by_worker[name] for name in by_worker.keys() & named & self._alive}
                self._mirror.show(room_id, living, is_complete=is_complete)

    def _look_around(self, now_ms: float) -> None:
        """Rules 3 and 4."""
        if now_ms - self._checked_ms < self._lease.pace_ms:
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

    def _clear_former(self) -> None:
        while self._lease.former:
            self._store.clear(self._lease.former[-1])
            self._lease.former.pop()

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
            self.listener.offline(person_id, lost[person_id])

    def _stop_watching(self, now_ms: float) -> None:
        for room_id, since_ms in list(self._watched_ms.items()):
            if now_ms - since_ms > WATCH_LIFE_MS:
                del self._watched_ms[room_id]
                if self._share(room_id) is None:
                    self._mirror.hide(room_id)

    def _lose_touch(self, now_ms: float, why: RedisError) -> None:
        """Rule 5."""
        if self._is_healthy:
            log.warning("presence_store_away", why=str(why))
        self._is_healthy = False
        if now_ms - self._reached_ms <= self._lease.lease_ms:
            return
        self._mirror.keep_only(())
        arrived, self._arrived = self._arrived, {}
        departed, self._departed = self._departed, {}
        for person, room_ids in arrived.values():
            self.listener.online(person, room_ids)
        for person_id, room_ids in departed.items():
            self.listener.offline(person_id, room_ids)


def _people(fields: Fields, incarnation: str) -> set[str]:
    """Whom `incarnation` had in a room with these fields; nobody in a crowd, where no one is told who goes."""
    shares = {name: decode_share(data) for name, data in fields.items()}
    size = sum(len(share.people) + share.anonymous for share in shares.values())
    return set(shares[incarnation].people) if incarnation in shares and size <= LISTED else set()
