"""The server's clock, as seen from here."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime

KEPT_SAMPLES = 8
SLEPT_MS = 500


class Clock:
    """Each question and its answer say in which interval the offset lies; the middle of what they agree on is believed."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=KEPT_SAMPLES)
        self._offset_ms: float | None = None
        self._drift_ms = _drift_ms()

    def now_ms(self) -> float:
        """Milliseconds since 1970 on the server's clock; this machine's until the first sample."""
        if self._offset_ms is None:
            return time.time() * 1000
        return time.monotonic() * 1000 + self._offset_ms

    def sample(self, asked_s: float, server_now: str) -> None:
        """Take in an answer to a question that left at `asked_s` of the monotonic clock."""
        server_ms = instant_ms(server_now)
        self._samples.append((server_ms - time.monotonic() * 1000, server_ms - asked_s * 1000))
        (low, high), *others = sorted(self._samples, key=lambda bounds: bounds[1] - bounds[0])
        for lower, upper in others:
            if lower <= high and upper >= low:
                low, high = max(low, lower), min(high, upper)
        self._offset_ms = (low + high) / 2

    def slept(self) -> bool:
        """Whether the machine slept since the last call (its monotonic clock may not count that); if so all is forgotten."""
        drift_ms = _drift_ms()
        jumped = abs(drift_ms - self._drift_ms) > SLEPT_MS
        self._drift_ms = drift_ms
        if jumped:
            self._samples.clear()
            self._offset_ms = None
        return jumped


def _drift_ms() -> float:
    return (time.time() - time.monotonic()) * 1000


def instant(ms: float) -> str:
    """An instant as the wire has it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_ms(text: str) -> float:
    """Milliseconds since 1970 of an instant as the wire has it."""
    return datetime.fromisoformat(text).timestamp() * 1000
