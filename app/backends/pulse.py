"""Whether the storage is there, for health checks: asked now and then, never by many at once."""

from __future__ import annotations

import gevent

from app.backends.storage import Storage
from app.core.clock import Clock
from app.core.errors import AppError

ASK_EVERY_MS = 5_000
WAIT_S = 2.0


class Pulse:
    """Asks `storage` at most every `ASK_EVERY_MS`; an answer that takes longer than `WAIT_S` is none."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._asked_ms = -float(ASK_EVERY_MS)
        self._beats = False
        self._asking: gevent.Greenlet[[], bool] | None = None

    def beats(self) -> bool:
        """Whether the storage answered when it was last asked."""
        now_ms = self._clock.monotonic_ms()
        if self._asking is None and now_ms - self._asked_ms >= ASK_EVERY_MS:
            self._asked_ms = now_ms
            self._asking = gevent.spawn(self._ask)
        if self._asking is not None:
            self._wait(self._asking)
        return self._beats

    def _wait(self, asking: gevent.Greenlet[[], bool]) -> None:
        asking.join(timeout=WAIT_S)
        self._beats = asking.ready() and bool(asking.value)
        if asking.ready():
            self._asking = None

    def _ask(self) -> bool:
        try:
            self._storage.probe()
        except AppError:
            return False
        return True
