"""Token buckets of one process."""

from __future__ import annotations

import math

from app.backends.limits import Rate
from app.core.clock import Clock

SWEEP_EVERY_TAKES = 4096


class MemoryLimits:
    """Buckets are (tokens, when in ms); a full bucket is the same as none, so sweeping forgets the full ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float, Rate]] = {}
        self._takes = 0

    def take(self, key: str, rate: Rate) -> int:
        now_ms = self._clock.monotonic_ms()
        self._takes += 1
        if self._takes % SWEEP_EVERY_TAKES == 0:
            self._sweep(now_ms)
        tokens = self._tokens(key, rate, now_ms)
        if tokens >= 1:
            self._buckets[key] = (tokens - 1, now_ms, rate)
            return 0
        return math.ceil((1 - tokens) / rate.per_second * 1000)

    def owe(self, key: str, rate: Rate, cost: float) -> None:
        now_ms = self._clock.monotonic_ms()
        self._buckets[key] = (self._tokens(key, rate, now_ms) - cost, now_ms, rate)

    def _tokens(self, key: str, rate: Rate, now_ms: float) -> float:
        tokens, since_ms, _ = self._buckets.get(key, (float(rate.burst), now_ms, rate))
        return min(rate.burst, tokens + (now_ms - since_ms) / 1000 * rate.per_second)

    def _sweep(self, now_ms: float) -> None:
        full = [key for key, (_, _, rate) in self._buckets.items() if self._tokens(key, rate, now_ms) >= rate.burst]
        for key in full:
            del self._buckets[key]
