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
from app.backends.redis_client import Command, RedisClient
from app.core.clock import Clock

PREFIX = "greenroom:limit:"

# For each key: refill by the store's own time, take what was used, return what is left. A bucket is gone when it would be full.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local left = {}
for n, key in ipairs(KEYS) do
  local cost, per_second, burst = tonumber(ARGV[3 * n - 2]), tonumber(ARGV[3 * n - 1]), tonumber(ARGV[3 * n])
  local held = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = burst
  if held[1] then tokens = math.min(burst, held[1] + (now - held[2]) / 1000 * per_second) end
  tokens = math.max(tokens - cost, -burst)
  redis.call('HSET', key, 'tokens', tostring(tokens), 'at', tostring(now))
  redis.call('PEXPIRE', key, math.ceil((burst - tokens) / per_second * 1000) + 1000)
  left[n] = tostring(tokens)
end
return left
"""


class RedisLimits(MemoryLimits):
    """The memory implementation, corrected by what the other workers granted."""

    def __init__(self, url: str, clock: Clock, *, spawn: Callable[..., Any] = gevent.spawn) -> None:
        super().__init__(clock)
        self._client = RedisClient(url)
        self._used: dict[str, tuple[float, Rate]] = {}
        self.sharing = Sharing(self._exchange, spawn=spawn)

    def take(self, key: str, rate: Rate) -> int:
        wait_ms = super().take(key, rate)
        if not wait_ms:
            self._share(key, rate, 1)
        return wait_ms

    def owe(self, key: str, rate: Rate, cost: float) -> None:
        super().owe(key, rate, cost)
        self._share(key, rate, cost)

    def _share(self, key: str, rate: Rate, cost: float) -> None:
        used, _ = self._used.get(key, (0.0, rate))
        self._used[key] = (used + cost, rate)
        self.sharing.touch(key)

    def _exchange(self, keys: Collection[str]) -> None:
        told = {key: self._used.pop(key) for key in keys}
        some = self._client.together(list(told))
        answers = self._client.run([self._command(part, told) for part in some])
        for part, answer in zip(some, answers, strict=True):
            for key, left in zip(part, answer, strict=True):
                self._correct(key, told[key][1], float(left))

    @staticmethod
    def _command(keys: list[str], told: dict[str, tuple[float, Rate]]) -> Command:
        arguments = [
            value for key in keys for used, rate in [told[key]] for value in (used, rate.per_second, rate.burst)
        ]
        return ("EVAL", TAKE, len(keys), *(PREFIX + key for key in keys), *arguments)

    def _correct(self, key: str, rate: Rate, shared_tokens: float) -> None:
        """Lower the local bucket to the shared one, less what was used here since it was asked."""
        now_ms = self._clock.monotonic_ms()
        used_since, _ = self._used.get(key, (0.0, rate))
        tokens = min(self._tokens(key, rate, now_ms), shared_tokens - used_since)
        self._buckets[key] = (tokens, now_ms, rate)
