"""People with several sockets, on one worker or two, over every presence port: what the others are told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from app.backends.presence import Presence
from app.backends.presence_memory import MemoryPresence
from app.core.actor import Actor
from app.core.clock import FakeClock
from app.presence.seats import GRACE_MS, Seats
from tests.backends.presence_support import ROOM, Cluster, Heard
from tests.presence.conftest import account

STEP_MS = 250
ADA, BO = account("ada"), account("bo")
_numbers = count(1)


class Worker:
    """The seats of one worker, and what its clients would be told."""

    def __init__(self, port: Presence, heard: Heard) -> None:
        self.port, self.heard = port, heard
        port.listen(heard)
        self.seats = Seats(port, lambda person: None)

    def enter(self, actor: Actor) -> str:
        sid = f"seat{next(_numbers)}"
        self.seats.enter(sid, actor, "192.0.2.1", ROOM)
        return sid


class Workers:
    """Two workers that are one in the embedded mode; time is by hand."""

    def __init__(self, redis_url: str | None) -> None:
        self._cluster = Cluster(redis_url) if redis_url else None
        self._clock = self._cluster.clock if self._cluster else FakeClock()
        if self._cluster:
            self.all = [Worker(*self._cluster.worker()) for _ in range(2)]
        else:
            self.all = [Worker(MemoryPresence(), Heard())] * 2

    def pass_time(self, duration_ms: int) -> None:
        """Let the time pass in steps that are shorter than whatever runs out."""
        for _ in range(duration_ms // STEP_MS):
            if self._cluster:
                self._cluster.pass_time(STEP_MS)
            else:
                self._clock.advance(STEP_MS)
            for worker in self.all:
                worker.seats.expire(self.now_ms)
        if self._cluster:
            self._cluster.step()

    @property
    def now_ms(self) -> float:
        return self._clock.monotonic_ms()

    def told(self, *kinds: str) -> list[tuple[str, ...]]:
        """What clients of either worker would be told of Ada; what concerns no room is told to nobody."""
        heard = self.all[0].heard + (self.all[1].heard if self._cluster else [])
        return [told for told in heard if told[0] in kinds and "id-ada" in told and ROOM in told]

    def forget(self) -> None:
        for worker in self.all:
            worker.heard.clear()

    def close(self) -> None:
        if self._cluster:
            self._cluster.close()


@pytest.fixture(params=["memory", "redis"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    workers = Workers(request.getfixturevalue("redis_url") if request.param == "redis" else None)
    for worker in workers.all:
        worker.enter(BO)
    yield workers
    workers.close()


End = Callable[[Workers, int, str], None]


def leave(workers: Workers, number: int, sid: str) -> None:
    workers.all[number].seats.leave(sid, ROOM)


def leave_and_go(workers: Workers, number: int, sid: str) -> None:
    leave(workers, number, sid)
    lose(workers, number, sid)


def lose(workers: Workers, number: int, sid: str) -> None:
    workers.all[number].seats.disconnect(sid, workers.now_ms)


@pytest.mark.parametrize("end", [leave, leave_and_go, lose])
def test_who_has_another_socket_in_the_room_does_not_leave_with_one(workers: Workers, end: End) -> None:
    first = workers.all[0].enter(ADA)
    workers.all[1].enter(ADA)
    end(workers, 0, first)
    workers.pass_time(2 * GRACE_MS)
    assert workers.told("left", "offline") == []
    assert workers.all[0].port.count(ROOM) == workers.all[1].port.count(ROOM) == 2


@pytest.mark.parametrize("between_ms", [0, STEP_MS, GRACE_MS, 2 * GRACE_MS])
@pytest.mark.parametrize("end", [leave, leave_and_go, lose])
def test_the_loss_of_the_last_socket_in_the_room_is_told_whatever_became_of_the_others(
    workers: Workers, end: End, between_ms: int
) -> None:
    first, last = workers.all[0].enter(ADA), workers.all[1].enter(ADA)
    workers.pass_time(1000)
    workers.forget()
    end(workers, 0, first)
    workers.pass_time(between_ms)
    lose(workers, 1, last)
    workers.pass_time(2 * GRACE_MS)
    assert ("offline", "id-ada", ROOM) in workers.told("offline")
    for worker in workers.all:
        assert worker.heard.of("left") == [("left", ROOM, "id-ada")]
        assert worker.port.count(ROOM) == 1


def test_a_socket_that_left_its_rooms_and_comes_back_is_online_again(workers: Workers) -> None:
    sid = workers.all[0].enter(ADA)
    workers.pass_time(1000)
    leave(workers, 0, sid)
    workers.pass_time(1000)
    workers.forget()
    workers.all[0].seats.enter(sid, ADA, "192.0.2.1", ROOM)
    workers.pass_time(1000)
    assert workers.told("online") == [("online", "id-ada", ROOM)]
    lose(workers, 0, sid)
    workers.pass_time(2 * GRACE_MS)
    assert workers.told("offline") == [("offline", "id-ada", ROOM)]
