"""Lets timers end and start by themselves: one greenlet per worker, asleep until the nearest instant; nothing counts down.

1. Read what falls due within `HORIZON_MS` (two partial indexes) into a heap.
2. Sleep until the nearest of them, at most `POLL_S`: other workers change timers too. A change in this process wakes at once.
3. Fire what is due. Each timer has a transaction of its own that locks its room, looks again, changes the row by its revision
   and logs it: of all the workers that wake for the same end, the one that changed the row tells it.

What was missed while no worker ran is due when one starts: late but once, as of the instant it was due. A database that is away
costs the time it is away. A timer that cannot be fired is logged and left alone for `HOLD_MS`.
"""

from __future__ import annotations

from datetime import datetime
from heapq import heapify, heappop

import structlog
from gevent.event import Event as Signal

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


class Scheduler:
    """The alarm clock of one worker; a crash loses nothing, for it keeps nothing that the table does not have."""

    def __init__(self) -> None:
        self._ahead: list[tuple[datetime, str]] = []
        self._held: dict[str, datetime] = {}
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
        fired = 0
        while self._ahead and self._ahead[0][0] <= now:
            _, timer_id = heappop(self._ahead)
            fired += self._fire(timer_id, now)
        return fired

    def _fire(self, timer_id: str, now: datetime) -> bool:
        try:
            return service.fire_timer(timer_id)
        except AppError:
            raise
        except Exception:
            log.exception("timer_not_fired", timer_id=timer_id)
            self._held[timer_id] = add_ms(now, HOLD_MS)
            return False

    def _sleep_s(self) -> float:
        if not self._ahead:
            return POLL_S
        return min(POLL_S, max(0.0, ms_between(database.now(), self._ahead[0][0]) / 1000))

    def _wake_after(self, work: Transaction, event: Event) -> None:
        work.after_commit(self._changed.set)
