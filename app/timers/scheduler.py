"""Lets timers end and start by themselves: one greenlet per worker, asleep until the nearest instant; nothing counts down.

1. Read what falls due within `HORIZON_MS` (two partial indexes) into a heap.
2. Sleep until the nearest of them, at most `POLL_S`: other workers change timers too. A change in this process wakes at once.
3. Fire what is due, many in a transaction that locks their rooms, looks again, changes the rows and logs it: of all the
   workers that wake for the same end, the one that has the lock tells it, and the others look again a moment later. For a room
   that is held again and again a greenlet of its own queues, one of `WAITERS`: held for long, it makes no other timers late.

What was missed while no worker ran is due when one starts: late but once, as of the instant it was due. A database that is away
costs the time it is away. A timer that cannot be fired is logged and left alone for `HOLD_MS`.
"""

from __future__ import annotations

from datetime import datetime
from heapq import heapify, heappop

import structlog
from gevent.event import Event as Signal
from gevent.pool import Pool

from app.backends.transaction import Transaction, database
from app.core.clock import add_ms, ms_between
from app.core.errors import AppError
from app.core.event import Event
from app.timers import service
from app.timers.events import TIMER_EVENTS

log = structlog.get_logger(__name__)

HORIZON_MS = 2_000
POLL_S = 1.0
HOLD_MS = 5_000
TOGETHER = 50
AGAIN_S = 0.02
LONGEST_AGAIN_S = 0.2
WAITERS = 2


class Scheduler:
    """The alarm clock of one worker; a crash loses nothing, for it keeps nothing that the table does not have."""

    def __init__(self) -> None:
        self._ahead: list[tuple[datetime, str]] = []
        self._held: dict[str, datetime] = {}
        self._left: set[str] = set()  # whose room somebody held when they were looked at last
        self._queueing: set[str] = set()
        self._waiters = Pool(WAITERS)
        self._again_s = AGAIN_S
        self._changed = Signal()

    def run(self) -> None:
        """Fire timers for ever."""
        for name in TIMER_EVENTS:
            database.subscribe(name, self._wake_after)
        while True:
            self._changed.wait(self.turn())

    def turn(self) -> float:
        """Read, fire what is due, and answer how long to sleep, in seconds."""
        self._changed.clear()
        try:
            self.read_ahead()
            self.fire_due(database.now())
        except AppError as why:
            log.warning("timers_unreachable", error=why.code)
            return POLL_S
        return self._sleep_s()

    def read_ahead(self) -> None:
        """Read what falls due within the horizon, overdue timers included."""
        now = database.now()
        self._held = {timer_id: until for timer_id, until in self._held.items() if until > now}
        upcoming = service.list_upcoming(until=add_ms(now, HORIZON_MS))
        self._ahead = [row for row in upcoming if row[1] not in self._held]
        heapify(self._ahead)

    def fire_due(self, now: datetime) -> int:
        """Fire what was read and is due at `now`; how many of them this worker changed."""
        due = []
        while self._ahead and self._ahead[0][0] <= now:
            due.append(heappop(self._ahead)[1])
        before, self._left = self._left, set()
        fired = sum(self._fire_together(due[start : start + TOGETHER], now) for start in range(0, len(due), TOGETHER))
        self._queue(self._left & before)
        return fired

    def _fire_together(self, timer_ids: list[str], now: datetime) -> int:
        try:
            fired = service.fire_timers(timer_ids)
        except AppError:
            raise
        except Exception:
            if len(timer_ids) > 1:
                return sum(self._fire_together([timer_id], now) for timer_id in timer_ids)
            log.exception("timer_not_fired", timer_id=timer_ids[0])
            self._held[timer_ids[0]] = add_ms(now, HOLD_MS)
            return 0
        self._left |= set(timer_ids) - fired.keys()
        return sum(fired.values())

    def _queue(self, timer_ids: set[str]) -> None:
        """Wait for the rooms of these, as many as there are waiters for."""
        for timer_id in list(timer_ids - self._queueing)[: self._waiters.free_count()]:
            self._queueing.add(timer_id)
            self._waiters.spawn(self._wait_for, timer_id)

    def _wait_for(self, timer_id: str) -> None:
        try:
            service.fire_timers([timer_id], waits=True)
        except AppError as why:
            log.warning("timer_waits", timer_id=timer_id, error=why.code)
        except Exception:
            log.exception("timer_not_fired", timer_id=timer_id)
        finally:
            self._queueing.discard(timer_id)

    def _sleep_s(self) -> float:
        self._again_s = min(2 * self._again_s, LONGEST_AGAIN_S) if self._left else AGAIN_S
        longest_s = self._again_s if self._left else POLL_S
        if not self._ahead:
            return longest_s
        return min(longest_s, max(0.0, ms_between(database.now(), self._ahead[0][0]) / 1000))

    def _wake_after(self, work: Transaction, event: Event) -> None:
        work.after_commit(self._changed.set)
