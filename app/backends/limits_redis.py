"""Token buckets shared by all workers: a local bucket decides, the shared one lowers it within a fraction of a second.

Somebody on several workers can thus use the burst of each once; what was too much is a debt, of one burst at most, that all of
them wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import gevent

from app.backends.limits import Rate
from app.backends.limits_memory import MemoryLimits
from app.backends.limits_sharing import Sharing
from app.backends.redis_client import RedisClient
from app.core.clock import Clock

PREFIX = "greenroom:limit:"

# Refill by the store's own time, take what was used, return what is left. The bucket is gone when it would be full.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local cost, per_second, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if held[1] then tokens = math.min(burst, held[1] + (now - held[2]) / 1000 * per_second) end
tokens = math.max(tokens - cost, -burst)
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / per_second * 1000) + 1000)
return tostring(tokens)
"""


class RedisLimits(MemoryLimits):
    """The memory implementation, corrected by what the other workers granted."""

    def __init__(self, url: str, clock: Clock, *, spawn: Callable[..., Any] = gevent.spawn) -> None:
        super().__init__(clock)
        self._client = RedisClient(url)
        self._used: dict[str, tuple[float, Rate]] = {}
        self.sharing = Sharing(self._exchange, spawn=spawn)

    def take(self, key: str, rate: Rate, cost: float = 1) -> int:
        wait_ms = super().take(key, rate, cost)
        if not wait_ms:
            used, _ = self._used.get(key, (0.0, rate))
            self._used[key] = (used + cost, rate)
            self.sharing.touch(key)
        return wait_ms

    def _exchange(self, keys: Collection[str]) -> None:
        told = {key: self._used.pop(key) for key in keys}
        answers = self._client.run(
            [("EVAL", TAKE, 1, PREFIX + key, used, rate.per_second, rate.burst) for key, (used, rate) in told.items()]
        )
        for (key, (_, rate)), left in zip(told.items(), answers, strict=True):
            self._correct(key, rate, float(left))

    def _correct(self, key: str, rate: Rate, shared_tokens: float) -> None:
        """Lower the local bucket to the shared one, less what was used here since it was asked."""
        now_ms = self._clock.monotonic_ms()
        used_since, _ = self._used.get(key, (0.0, rate))
        tokens = min(self._tokens(key, rate, now_ms), shared_tokens - used_since)
        self._buckets[key] = (tokens, now_ms, rate)
