"""Sharing what was used: decisions are made by local counts at once, and a greenlet exchanges them with Redis a moment later.

While Redis is away nothing is exchanged and what was used meanwhile is never told: limits then hold per worker, and nobody pays
afterwards for what they were granted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

import gevent
import structlog
from redis.exceptions import RedisError

SHARE_EVERY_S = 0.2
KEYS_PER_BATCH = 500

log = structlog.get_logger(__name__)

Exchange = Callable[[Collection[str]], None]


class Sharing:
    """Calls `exchange` with the keys that were touched; a greenlet exists only while there are some."""

    def __init__(self, exchange: Exchange, *, spawn: Callable[..., Any] = gevent.spawn) -> None:
        """`spawn` runs the loop; a test that calls `share` itself gives one that does not."""
        self._exchange = exchange
        self._spawn = spawn
        self._touched: dict[str, None] = {}
        self._loop: Any = None
        self._is_away = False

    def touch(self, key: str) -> None:
        """Something of `key` was used."""
        self._touched[key] = None
        if self._loop is None:
            self._loop = self._spawn(self._run)

    def share(self) -> None:
        """One batch, the longest waiting first."""
        keys = list(islice(self._touched, KEYS_PER_BATCH))
        for key in keys:
            del self._touched[key]
        if not keys:
            return
        try:
            self._exchange(keys)
            self._is_away = False
        except RedisError as why:
            if not self._is_away:
                log.warning("limits_not_shared", why=str(why))
            self._is_away = True

    def _run(self) -> None:
        try:
            while self._touched:
                gevent.sleep(SHARE_EVERY_S)
                self.share()
        finally:
            self._loop = None
