"""The server's clock, as seen from here."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime

KEPT_SAMPLES = 8


class Clock:
    """Of the last questions and answers the one with the shortest way is believed; half its way bounds the error."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=KEPT_SAMPLES)

    def now_ms(self) -> float:
        """Milliseconds since 1970 on the server's clock; this machine's until the first sample."""
        if not self._samples:
            return time.time() * 1000
        return time.monotonic() * 1000 + min(self._samples)[1]

    def sample(self, asked_s: float, server_now: str) -> None:
        """Take in an answer to a question that left at `asked_s` of the monotonic clock."""
        answered_s = time.monotonic()
        way_ms = (answered_s - asked_s) * 1000
        self._samples.append((way_ms, instant_ms(server_now) + way_ms / 2 - answered_s * 1000))


def instant_ms(instant: str) -> float:
    """Milliseconds since 1970 of an instant as the wire has it."""
    return datetime.fromisoformat(instant).timestamp() * 1000
