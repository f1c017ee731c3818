"""The presence of many workers: local truth in memory, the shares of the others mirrored from Redis by one greenlet.

1. The worker renews a lease (`presence_lease`). One that finds it lost was stopped or cut off, and others have cleared it: it
   takes a new incarnation and writes everything again.
2. What changed (`presence_outbox`) is written in batches. The answer to each write holds everybody's fields of that room: of
   two workers that write at the same time the later one sees the earlier, and puts the room into its inbox. Only who is in
   the room hears of it.
3. Several times in a lease it asks who is alive (`presence_peers`). The shares of the dead go at once, everywhere; the first
   that sees it clears the store.
4. After the loss of its own lease the others may have lost theirs as well (a restart of Redis): for another lease's time what
   is missing is not believed missing, so that no list is emptied and filled again in front of everybody.
5. Who lost a holder stays in the room for a moment (`presence_partings`): a change on another worker may be on its way.
6. A store out of reach for longer than a lease says nothing any more: the answer is then what this worker has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal
from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError

from app.backends.presence import LEASE_MS, WATCH_MS, Person
from app.backends.presence_lease import Lease
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_outbox import Letter, Outbox
from app.backends.presence_partings import Partings
from app.backends.presence_peers import Peers
from app.backends.presence_store import Fields, PresenceStore
from app.backends.redis_client import RedisClient
from app.core.clock import Clock

POLL_S = 0.2
GATHER_S = 0.02
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
        self._lease = Lease(self._store, lease_ms)
        self._outbox = Outbox(self.share)
        self._partings = Partings(self)
        self._peers = Peers(self, self._store, self._lease, self._outbox.here, self._hold)
        self._is_healthy = True
        self._reads_again = False
        self._reached_ms = clock.monotonic_ms()
        self._wake = Signal()
        self._lock = BoundedSemaphore(1)
        self._loop: Any = None
        self._has_stopped = False

    def put(self, room_id: str, person: Person) -> None:
        super().put(room_id, person)
        self._touch(room_id)

    def drop(self, room_id: str, person_id: str) -> None:
        share = self.share(room_id)
        if share is not None and (person := share.people.get(person_id)):
            self._hold(room_id, person)
        super().drop(room_id, person_id)
        self._touch(room_id)

    def set_anonymous(self, room_id: str, count: int) -> None:
        super().set_anonymous(room_id, count)
        self._touch(room_id)

    def arrive(self, person: Person, room_ids: Collection[str]) -> None:
        self._outbox.arrive(person, room_ids)
        self._begin()

    def depart(self, person_id: str, room_ids: Collection[str]) -> None:
        self._outbox.depart(person_id, room_ids)
        self._begin()

    def watch(self, room_id: str) -> None:
        now_ms = self._clock.monotonic_ms()
        is_known = room_id in self._outbox.written_ms or self._peers.is_fresh(room_id, now_ms)
        if is_known or not self._is_healthy:
            return
        self._begin()
        if not self._lock.acquire(timeout=WATCH_MS / 1000):
            return
        try:
            self._peers.watch(room_id, now_ms)
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
                self._peers.look_around(now_ms)
                self._write(now_ms)
                self._clear_former()
                self._read(now_ms)
            except RedisError as why:
                self._lose_touch(now_ms, why)
            else:
                self._reached_ms = now_ms
                self._is_healthy = True
            self._partings.expire(now_ms)

    def _hold(self, room_id: str, person: Person) -> None:
        """Rule 5."""
        self._partings.hold(room_id, person, self._clock.monotonic_ms())

    def _touch(self, room_id: str) -> None:
        self._outbox.touch(room_id)
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
            self._outbox.begin_anew(self.rooms)
            self._reads_again = self._reads_again or bool(self._lease.former)

    def _write(self, now_ms: float) -> None:
        """Rule 2: send what changed; what a failure leaves unsaid is said again."""
        letter = self._outbox.take(now_ms)
        if letter is None:
            return
        try:
            self._exchange(letter, now_ms)
        except RedisError:
            self._outbox.give_back(letter)
            raise

    def _exchange(self, letter: Letter, now_ms: float) -> None:
        arrived, departed, others = letter.arrived, letter.departed, self._peers.others
        known = self._store.elsewhere(arrived, others)
        people = tuple(self._outbox.here if letter.is_whole else arrived)
        shares = {room_id: self.share(room_id) for room_id in letter.rooms}
        fields = self._store.write(self._lease.incarnation, shares, arrived=people, departed=departed)
        self._notify(fields)
        staying = self._store.elsewhere(departed, others)
        self._show(self._store, fields)
        self._lease.verify()
        self._outbox.sent(shares, now_ms)
        for room_id in (room_id for room_id, share in shares.items() if share is None):
            self._peers.hide_unless_ours(room_id)
        for person, room_ids in (arrived[person_id] for person_id in arrived.keys() - known):
            self.listener.online(person, room_ids)
        for person_id in departed.keys() - staying - self._outbox.here:
            self._tell_offline(person_id, departed[person_id])

    def _tell_offline(self, person_id: str, room_ids: Collection[str]) -> None:
        """They are nowhere: nobody is about to say that they are here after all."""
        for room_id in room_ids:
            self._partings.end(room_id, person_id)
        self.listener.offline(person_id, room_ids)

    def _notify(self, fields: dict[str, Fields]) -> None:
        rooms: defaultdict[str, set[str]] = defaultdict(set)
        for room_id, by_worker in fields.items():
            for incarnation in by_worker.keys() - {self._lease.incarnation}:
                rooms[incarnation].add(room_id)
        self._store.notify(rooms)

    def _clear_former(self) -> None:
        while self._lease.former:
            self._store.clear(self._lease.former[-1])
            self._lease.former.pop()

    def _read(self, now_ms: float) -> None:
        """Read again what others changed here; once settled, everything (rule 4)."""
        written = self._outbox.written_ms
        room_ids = set(self._store.take_inbox(self._lease.incarnation))
        is_settled = self._lease.is_settled(now_ms)
        if self._reads_again and is_settled:
            room_ids |= written.keys()
        mine = [room_id for room_id in room_ids if room_id in written or self._peers.is_watched(room_id)]
        self._show(self._store, self._store.read(mine))
        self._reads_again = self._reads_again and not is_settled

    def _show(self, store: PresenceStore, fields: dict[str, Fields]) -> None:
        self._peers.show(store, fields, self._clock.monotonic_ms())

    def _lose_touch(self, now_ms: float, why: RedisError) -> None:
        """Rule 6. An inbox may have been emptied by a command whose answer was lost: so everything is read again."""
        if self._is_healthy:
            log.warning("presence_store_away", why=str(why))
        self._is_healthy = False
        self._reads_again = True
        if now_ms - self._reached_ms <= self._lease.lease_ms:
            return
        self._peers.hide_all()
        arrived, departed = self._outbox.take_people()
        for person, room_ids in arrived.values():
            self.listener.online(person, room_ids)
        for person_id, room_ids in departed.items():
            self._tell_offline(person_id, room_ids)
