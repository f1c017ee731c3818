"""The other handles beside `database`: bound by `create_app`, shared by services. One process, one of each."""

from __future__ import annotations

from pathlib import Path

from app.backends.bus import Bus
from app.backends.bus_memory import MemoryBus
from app.backends.bus_redis import RedisBus
from app.backends.limits import Limits
from app.backends.limits_memory import MemoryLimits
from app.backends.limits_redis import RedisLimits
from app.backends.presence import Presence
from app.backends.presence_memory import MemoryPresence
from app.backends.presence_redis import RedisPresence
from app.backends.pulse import Pulse
from app.backends.screens import Screens
from app.backends.screens_memory import MemoryScreens
from app.backends.screens_redis import RedisScreens
from app.backends.storage import Storage
from app.backends.storage_local import LocalStorage
from app.backends.windows import MemoryWindows, RedisWindows
from app.backends.worker_name import WorkerName
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
        self.screens: Screens = MemoryScreens(self.clock)
        self.worker_name: WorkerName | None = None
        self.settings: Settings = Settings()
        self.storage: Storage = _storage(self.settings, self.clock, "unbound")
        self.pulse = Pulse(self.storage, self.clock)

    def bind(self, settings: Settings, clock: Clock, *, secret: str) -> None:
        """Choose the implementations that `settings` ask for; `secret` signs the addresses of local files."""
        self.settings = settings
        self.clock = clock
        self.bus.stop()
        self.bus = RedisBus(settings.redis_url) if settings.redis_url else MemoryBus()
        self.presence.stop()
        self.worker_name = WorkerName(settings.redis_url, settings.worker_id, clock) if settings.redis_url else None
        if url := settings.redis_url:
            self.limits, self.windows = RedisLimits(url, clock), RedisWindows(url, clock)
            self.presence, self.screens = RedisPresence(url, clock), RedisScreens(url, clock)
        else:
            self.limits, self.windows = MemoryLimits(clock), MemoryWindows(clock)
            self.presence, self.screens = MemoryPresence(), MemoryScreens(clock)
        self.storage = _storage(settings, clock, secret)
        self.pulse = Pulse(self.storage, clock)


def _storage(settings: Settings, clock: Clock, secret: str) -> Storage:
    if settings.s3_endpoint:
        from app.backends.storage_s3 import S3Storage  # noqa: PLC0415 - half a second that only a bucket is worth

        return S3Storage(settings, clock=clock)
    return LocalStorage(
        Path(settings.data_dir),
        secret=secret,
        previous=settings.jwt_previous_secrets,
        clock=clock,
        method=settings.s3_upload_method,
        public_url=settings.public_url,
    )


handles = Handles()
