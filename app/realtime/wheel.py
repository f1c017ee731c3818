"""One timer for all connections: a timing wheel (Varghese and Lauck, 1987).

A connection sits in the slot of its next deadline; moving it costs two set operations. The wheel
turns in one greenlet, which ends when nothing is left to wait for. Deadlines further away than one
turn wait in the last slot and are looked at again.
"""

import logging
import time
from typing import Protocol

import gevent

logger = logging.getLogger(__name__)

SLOTS = 256
#: A slot is a fiftieth of the ping interval: precise enough, and few wake-ups.
TICKS_PER_PING = 50
MIN_TICK_MS = 5
MAX_TICK_MS = 250


def monotonic_ms() -> int:
    """Milliseconds of a clock that never steps; only differences mean something."""
    return time.monotonic_ns() // 1_000_000


class Waiter(Protocol):
    """What the wheel carries; `slot` belongs to the wheel (-1: not on it)."""

    slot: int

    def on_due(self, now_ms: int) -> None:
        """Called once when the deadline (or one tick before it) has come."""


class Wheel:
    """Deadlines in milliseconds of `monotonic_ms`, early by at most one tick."""

    def __init__(self, ping_interval_ms: int) -> None:
        self.tick_ms = max(MIN_TICK_MS, min(MAX_TICK_MS, ping_interval_ms // TICKS_PER_PING))
        self._slots: list[set[Waiter]] = [set() for _ in range(SLOTS)]
        self._turned = 0
        self._waiting = 0
        self._greenlet: gevent.Greenlet | None = None

    def schedule(self, waiter: Waiter, due_ms: int) -> None:
        """Set the one deadline of `waiter`, whatever it was."""
        self.cancel(waiter)
        now = monotonic_ms() // self.tick_ms
        if self._greenlet is None:
            self._turned = now
            self._greenlet = gevent.spawn(self._run)
        tick = max(self._turned + 1, min(due_ms // self.tick_ms, self._turned + SLOTS - 1))
        waiter.slot = tick % SLOTS
        self._slots[waiter.slot].add(waiter)
        self._waiting += 1

    def cancel(self, waiter: Waiter) -> None:
        """Forget `waiter`; nothing happens if it waits for nothing."""
        if waiter.slot >= 0:
            self._slots[waiter.slot].discard(waiter)
            self._waiting -= 1
            waiter.slot = -1

    def _run(self) -> None:
        while self._waiting:
            gevent.sleep(self.tick_ms / 1000)
            self.turn(monotonic_ms())
        self._greenlet = None

    def turn(self, now_ms: int) -> None:
        """Wake everyone whose slot has come by `now_ms`."""
        now = now_ms // self.tick_ms
        while self._turned < now:
            self._turned += 1
            number = self._turned % SLOTS
            due, self._slots[number] = self._slots[number], set()
            for waiter in due:
                if waiter.slot == number:  # an earlier one of this slot may have cancelled it
                    waiter.slot = -1
                    self._waiting -= 1
                    self._wake(waiter, now_ms)

    @staticmethod
    def _wake(waiter: Waiter, now_ms: int) -> None:
        try:
            waiter.on_due(now_ms)
        except Exception:  # one connection's failure must not stop the pings of the others
            logger.exception("a deadline's handler failed")
