"""One slice for all connections that want more than their share, however many they are.

A connection that has used its slice and has more to do waits here. Who waits is let on in turn, as many as fit into one slice,
then everybody else runs: a thousand that flood the server cost the others a slice, and not a thousand.
"""

from collections import deque
from typing import Final

import gevent
from gevent.event import Event

from app.realtime.wheel import monotonic_ms

#: Shorter than any timer: the loop goes round once, and everybody who is ready runs.
YIELD_S: Final = 1e-6


class Turns:
    """First come, first served; the greenlet that lets them on exists only while somebody waits."""

    def __init__(self, slice_ms: int) -> None:
        self._slice_ms = slice_ms
        self._waiting: deque[Event] = deque()
        self._is_open = False
        self._has_one = False

    def wait(self) -> None:
        """Block the calling greenlet until it may run a slice."""
        if not self._has_one and not self._waiting:
            self._rest()
            return
        turn = Event()
        self._waiting.append(turn)
        if not self._is_open:
            self._is_open = True
            gevent.spawn_raw(self._let_on)
        turn.wait()

    def _rest(self) -> None:
        """Who is alone only lets the others run: a queue would cost it another round of the loop."""
        self._has_one = True
        try:
            gevent.sleep(YIELD_S)
        finally:
            self._has_one = False

    def _let_on(self) -> None:
        try:
            while self._waiting:
                gevent.sleep(YIELD_S)
                ends_ms = monotonic_ms() + self._slice_ms
                self._waiting.popleft().set()
                while self._waiting:
                    gevent.sleep(0)  # who was let on runs now; bounded, for nothing is read meanwhile
                    if monotonic_ms() >= ends_ms:
                        break
                    self._waiting.popleft().set()
        finally:
            self._is_open = False
