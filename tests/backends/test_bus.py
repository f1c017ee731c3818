"""What every bus promises: app/backends/bus.py, for the in-process one and the one over Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from app.backends.bus import Bus
from app.backends.bus_memory import MemoryBus
from app.backends.bus_redis import RedisBus
from app.core.event import Event
from tests.support.waiting import eventually

ROOM, OTHER = "room:11111111-1111-7111-8111-111111111111", "room:22222222-2222-7222-8222-222222222222"


class Worker:
    """A bus and what it delivered."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[Event] = []
        self.gaps = 0
        bus.start(self.heard.append, self._count_gap)

    def _count_gap(self) -> None:
        self.gaps += 1

    def seqs(self, channel: str = ROOM) -> list[int | None]:
        return [event.seq for event in self.heard if event.channel == channel]


MakeWorker = Callable[[], Worker]


@pytest.fixture(params=["memory", "redis"])
def make_worker(request: pytest.FixtureRequest) -> Iterator[MakeWorker]:
    """Makes connected workers; with the in-process bus there is only ever one."""
    workers: list[Worker] = []

    def make() -> Worker:
        bus = MemoryBus() if request.param == "memory" else RedisBus(request.getfixturevalue("redis_url"))
        worker = Worker(bus)
        workers.append(worker)
        eventually(bus.is_healthy)
        return worker

    yield make
    for worker in workers:
        worker.bus.stop()


def event(seq: int, channel: str = ROOM, **values: Any) -> Event:
    return Event("timer-update", channel, ({"seq": seq},), "room", seq, **values)


def test_the_own_worker_hears_at_once_and_once(make_worker: MakeWorker) -> None:
    worker = make_worker()
    worker.bus.subscribe(ROOM)
    worker.bus.publish([event(1), event(2)])
    assert worker.seqs() == [1, 2]
    assert worker.bus.flush(2)
    gevent.sleep(0.05)  # an echo would have come by now
    assert worker.seqs() == [1, 2]


def test_a_listener_that_fails_does_not_stop_the_next_event(make_worker: MakeWorker) -> None:
    worker = make_worker()
    worker.bus.subscribe(ROOM)

    def fail_once(heard: Event) -> None:
        worker.heard.append(heard)
        if len(worker.heard) == 1:
            raise RuntimeError("a bug in a listener")

    worker.bus.start(fail_once, lambda: None)
    worker.bus.publish([event(1), event(2)])
    assert worker.seqs() == [1, 2]


def test_publishing_never_raises_even_what_has_no_json_form(make_worker: MakeWorker) -> None:
    worker = make_worker()
    worker.bus.publish([Event("room-updated", ROOM, (object(),)), event(2)])
    assert worker.seqs() == [None, 2]


def test_a_stopped_bus_can_be_stopped_again(make_worker: MakeWorker) -> None:
    worker = make_worker()
    worker.bus.stop()
    worker.bus.stop()
