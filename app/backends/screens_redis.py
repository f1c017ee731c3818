"""The screens of all workers: a hash for each room and kind, which ends with the last report that it holds."""

from __future__ import annotations

from typing import Any

import structlog
from redis.exceptions import RedisError

from app.backends.redis_client import Command, RedisClient
from app.backends.screens import KINDS, MOST, ScreenReport
from app.backends.screens_memory import MemoryScreens
from app.core.clock import Clock, to_epoch_ms

PREFIX = "greenroom:screens:"

log = structlog.get_logger(__name__)


class RedisScreens(MemoryScreens):
    """The memory implementation is what is left while Redis is away."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(clock)
        self._client = RedisClient(url)

    def put(self, room_id: str, report: ScreenReport) -> None:
        super().put(room_id, report)
        key = _key(room_id, report.kind)
        commands: list[Command] = [
            ("HSET", key, report.id, report.encode()),
            ("PEXPIRE", key, report.keep_ms),
            ("HLEN", key),
        ]
        try:
            *_, size = self._client.run(commands)
            if size > MOST:
                self._make_room(key, report)
        except RedisError as why:
            log.warning("screen_not_shared", why=str(why))

    def list(self, room_id: str) -> list[ScreenReport]:
        try:
            answers = self._client.run([("HGETALL", _key(room_id, kind)) for kind in KINDS])
        except RedisError as why:
            log.warning("screens_not_read", why=str(why))
            return super().list(room_id)
        now_ms = to_epoch_ms(self._clock.now())
        reports = [report for answer in answers for report in _reports(answer)]
        return [report for report in reports if report.ends_ms > now_ms]

    def _make_room(self, key: str, newest: ScreenReport) -> None:
        """Take out who fell silent; if all are there, who came last."""
        now_ms = to_epoch_ms(self._clock.now())
        kept = _reports(self._client.run([("HGETALL", key)])[0])
        gone = [report.id for report in kept if report.ends_ms <= now_ms]
        self._client.run([("HDEL", key, *(gone or [newest.id]))])


def _key(room_id: str, kind: str) -> str:
    return f"{PREFIX}{room_id}:{kind}"


def _reports(answer: Any) -> list[ScreenReport]:
    """A hash as it comes: a mapping, or its names and values in turn."""
    values = answer.values() if isinstance(answer, dict) else answer[1::2]
    return [ScreenReport.decode(value) for value in values]
