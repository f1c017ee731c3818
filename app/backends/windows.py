"""Counting in fixed windows, for limits by the minute: local-first, and shared where there is a Redis."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import gevent

from app.backends.limits_sharing import Sharing
from app.backends.redis_client import RedisClient
from app.core.clock import Clock

PREFIX = "greenroom:window:"
SWEEP_EVERY_HITS = 4096

# The first to count begins the window.
COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


@dataclass(slots=True)
class Window:
    """How often something happened, and when counting begins again; `untold` of it only this worker knows."""

    count: int
    ends_ms: float
    window_ms: int
    untold: int = 0


class MemoryWindows:
    """Windows of one process. A window that is over is the same as none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._hits = 0

    def hit(self, key: str, window_ms: int, amount: int = 1) -> int:
        """Count `amount` under `key`; how many there are now in the window, which the first one began."""
        self._hits += 1
        if self._hits % SWEEP_EVERY_HITS == 0:
            self._sweep()
        window = self.current(key)
        if window is None:
            window = self._windows[key] = Window(0, self._clock.monotonic_ms() + window_ms, window_ms)
        window.count += amount
        window.untold += amount
        return window.count

    def current(self, key: str) -> Window | None:
        """The window that runs, if any."""
        window = self._windows.get(key)
        return window if window is not None and window.ends_ms > self._clock.monotonic_ms() else None

    def left_ms(self, key: str) -> float:
        """How long until counting begins again."""
        window = self.current(key)
        return window.ends_ms - self._clock.monotonic_ms() if window else 0.0

    def forget(self, key: str | None = None) -> None:
        """Begin again with one key, or with all."""
        if key is None:
            self._windows.clear()
        else:
            self._windows.pop(key, None)

    def _sweep(self) -> None:
        now_ms = self._clock.monotonic_ms()
        self._windows = {key: window for key, window in self._windows.items() if window.ends_ms > now_ms}


class RedisWindows(MemoryWindows):
    """Windows of all workers: counted here at once, added up in Redis a moment later."""

    def __init__(self, url: str, clock: Clock, *, spawn: Callable[..., Any] = gevent.spawn) -> None:
        super().__init__(clock)
        self._client = RedisClient(url)
        self.sharing = Sharing(self._exchange, spawn=spawn)

    def hit(self, key: str, window_ms: int, amount: int = 1) -> int:
        count = super().hit(key, window_ms, amount)
        self.sharing.touch(key)
        return count

    def _exchange(self, keys: Collection[str]) -> None:
        told: dict[str, Window] = {}
        commands = []
        for key in keys:
            window = self.current(key)
            if window is not None and window.untold:
                commands.append(("EVAL", COUNT, 1, PREFIX + key, window.untold, window.window_ms))
                told[key] = window
                window.untold = 0
        for window, (count, left_ms) in zip(told.values(), self._client.run(commands), strict=True):
            window.count = int(count) + window.untold
            window.ends_ms = self._clock.monotonic_ms() + max(0, int(left_ms))
