"""The other handles beside `database`: bound by `create_app`, shared by services. One process, one of each."""

from __future__ import annotations

from app.backends.bus import Bus
from app.backends.bus_memory import MemoryBus
from app.backends.bus_redis import RedisBus
from app.backends.limits import Limits
from app.backends.limits_memory import MemoryLimits
from app.backends.limits_redis import RedisLimits
from app.backends.presence import Presence
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_redis import RedisPresence
from app.backends.windows import MemoryWindows, RedisWindows
from app.core.clock import Clock, SystemClock
from app.settings import Settings


class Handles:
    """What `bind` chose for this process."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self.bus: Bus = MemoryBus()
        self.limits: Limits = MemoryLimits(self.clock)
        self.windows = MemoryWindows(self.clock)
        self.presence: Presence = MemoryPresence()
        self.settings: Settings = Settings()

    def bind(self, settings: Settings, clock: Clock) -> None:
        """Choose the implementations that `settings` ask for."""
        self.settings = settings
        self.clock = clock
        self.bus.stop()
        self.bus = RedisBus(settings.redis_url) if settings.redis_url else MemoryBus()
        self.presence.stop()
        if url := settings.redis_url:
            self.limits, self.windows = RedisLimits(url, clock), RedisWindows(url, clock)
            self.presence = RedisPresence(url, clock)
        else:
            self.limits, self.windows = MemoryLimits(clock), MemoryWindows(clock)
            self.presence = MemoryPresence()


handles = Handles()
