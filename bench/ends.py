"""How late clients hear that a timer has finished: `python -m bench.ends [--rooms 300]`.

One worker on a core of its own, with PostgreSQL (which waits for the disk) and Redis. First one timer after another, each in a
room of its own; then one in every room, all of them to end at the same moment, as talks do on the hour. What is measured is the
time from the timer's true end, `finishedAt`, to the client's event.
"""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from bench import machine
from tests.support.people import Person
from tests.support.server import Server
from tests.support.services import Postgres, Redis

UNLIMITED = {
    "RATE_LIMIT_MAX_REQUESTS": "0",
    "WIDE_RATE_LIMIT_MAX_REQUESTS": "0",
    "JOIN_RATE": "10000,10000",
    "LOG_LEVEL": "warning",
}
ALONE = 40
ALONE_EVERY_S = 0.25
LEAST_S = 2.0  # how far ahead an end is set
REQUEST_S = 0.05  # what a request may take on a busy machine
PATIENCE_S = 30


class Pinned(Server):
    """A server on a core of its own."""

    def command(self) -> list[str]:
        return machine.pinned(machine.SERVER_CORE, super().command())


class Ends:
    """A host in many rooms, and how late each end was heard."""

    def __init__(self, url: str, rooms: int) -> None:
        self.host = Person(url)
        self.rooms = [self.host.post("/api/rooms", name=f"Track {number}")["id"] for number in range(rooms)]
        self.late_ms: dict[str, float] = {}
        self.socket = self.host.connect()
        self.socket.client.on("timer-finished", self._hear)
        for room_id in self.rooms:
            self.socket.join(room_id)

    def measure(self, instants: list[float]) -> list[float]:
        """Let one timer end at each of `instants` (s since 1970), each in another room; ms late, of all."""
        self.late_ms.clear()
        for room_id, at in zip(self.rooms, instants, strict=False):
            duration = max(1000, round(1000 * (at - time.time())))
            timer = self.host.post(f"/api/rooms/{room_id}/timers", title="Talk", duration=duration)
            self.host.post(f"/api/timers/{timer['id']}/start")
        ends_s = max(instants) + PATIENCE_S
        while len(self.late_ms) < len(instants) and time.time() < ends_s:
            time.sleep(0.1)
        assert len(self.late_ms) == len(instants), f"{len(self.late_ms)} of {len(instants)} timers were heard to end"
        return list(self.late_ms.values())

    def _hear(self, timer: dict[str, Any]) -> None:
        end = datetime.fromisoformat(timer["finishedAt"]).timestamp()
        self.late_ms[timer["id"]] = 1000 * (time.time() - end)


def show(name: str, late_ms: list[float]) -> None:
    """One line."""
    p99 = quantiles(late_ms, n=100, method="inclusive")[98]
    print(f"{name}: p50 {median(late_ms):.1f} ms, p99 {p99:.1f} ms, worst {max(late_ms):.1f} ms late", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ends", description=__doc__)
    parser.add_argument("--rooms", type=int, default=300)
    rooms = parser.parse_args().rooms
    print(machine.describe(), flush=True)
    with Postgres(durable=True) as postgres, Redis() as redis:
        server = Pinned({**UNLIMITED, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url})
        server.migrate()
        with server:
            ends = Ends(server.url, rooms)
            first = time.time() + LEAST_S + 2 * REQUEST_S
            apart = [first + number * ALONE_EVERY_S for number in range(min(ALONE, rooms))]
            show(f"{len(apart)} timers, one after another", ends.measure(apart))
            together = time.time() + LEAST_S + 2 * REQUEST_S * rooms
            show(f"{rooms} timers in {rooms} rooms, all at once", ends.measure([together] * rooms))


if __name__ == "__main__":
    main()
