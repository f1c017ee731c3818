"""Workers' presences side by side, driven by hand: a fake clock for what each does when, a real store for what they share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis

from app.backends.presence import Person
from app.backends.presence_redis import RedisPresence
from app.core.clock import FakeClock

ROOM, OTHER_ROOM = "room-1", "room-2"
ADA, BO, CY = (Person(f"id-{name}", name, name.title()) for name in ("ada", "bo", "cy"))


def crowd(size: int, prefix: str = "p") -> list[Person]:
    return [Person(f"id-{prefix}{number}", f"{prefix}{number}", f"{prefix.title()} {number}") for number in range(size)]


class Heard(list[tuple[Any, ...]]):
    """What a listener was told, in order."""

    def joined(self, room_id: str, person: Person) -> None:
        self.append(("joined", room_id, person.id))

    def left(self, room_id: str, person_id: str) -> None:
        self.append(("left", room_id, person_id))

    def counted(self, room_id: str) -> None:
        self.append(("counted", room_id))

    def online(self, person: Person, room_ids: Collection[str]) -> None:
        self.append(("online", person.id, *sorted(room_ids)))

    def offline(self, person_id: str, room_ids: Collection[str]) -> None:
        self.append(("offline", person_id, *sorted(room_ids)))

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [told for told in self if told[0] in kinds]


class Cluster:
    """Several workers on one Redis. `step` is one round of each of them; `pass_time` moves the clock first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = FakeClock()
        self.redis = redis.Redis.from_url(url)
        self.redis.flushdb()
        self.workers: list[RedisPresence] = []

    def worker(self) -> tuple[RedisPresence, Heard]:
        presence, heard = RedisPresence(self.url, self.clock, spawn=lambda run: "by hand"), Heard()
        presence.listen(heard)
        self.workers.append(presence)
        return presence, heard

    def step(self, *workers: RedisPresence) -> None:
        """Two rounds: the second one reads what the first one told."""
        for _ in range(2):
            for worker in workers or self.workers:
                worker.sync()

    def pass_time(self, duration_ms: int, *workers: RedisPresence) -> None:
        self.clock.advance(duration_ms)
        self.step(*workers)

    def end_lease(self, worker: RedisPresence) -> None:
        """What the end of its lease's life does."""
        self.redis.delete(f"greenroom:presence:lease:{worker._lease.incarnation}")

    def close(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.redis.close()
