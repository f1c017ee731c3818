"""A worker's presence without a server: sockets are plain notes, time is the test's, and what clients get is in `told`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import gevent
import pytest

from app.backends.bus_memory import MemoryBus
from app.backends.handles import handles
from app.backends.presence_memory import MemoryPresence
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.event import Event
from app.presence import last_seen, service
from app.rooms.models import Role
from app.rooms.seat import Seat

_numbers = count(1)


@dataclass
class FakeSocket:
    """What the service asks of a connected client."""

    actor: Actor = ANONYMOUS
    address: str = "192.0.2.1"
    sid: str = field(default_factory=lambda: f"s{next(_numbers)}")
    seats: dict[str, Any] = field(default_factory=dict)

    def enter(self, room_id: str, **seat: Any) -> FakeSocket:
        self.seats[room_id] = Seat(room_id, **{"role": Role.MEMBER, "reads_chat": True, **seat})
        service.enter(self, self.seats[room_id])
        return self


def account(name: str) -> Actor:
    return Actor("user", f"id-{name}", name, name.title())


class Told(list[Event]):
    """Every event that reached the worker's clients."""

    def of(self, *names: str) -> list[Any]:
        """The arguments of the events of these names; a single argument without its tuple."""
        return [event.args[0] if len(event.args) == 1 else event.args for event in self if event.name in names]

    @property
    def names(self) -> list[str]:
        return [event.name for event in self]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(handles, "clock", clock)
    return clock


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Iterator[Told]:
    """The memory port, bound, and what clients get."""
    told = Told()
    bus = MemoryBus()
    bus.start(told.append, on_gap=lambda: None)
    monkeypatch.setattr(handles, "bus", bus)
    monkeypatch.setattr(handles, "presence", MemoryPresence())
    monkeypatch.setattr(service.here, "deliver", told.append)
    monkeypatch.setattr(service.here, "keep_ticking", lambda: None)
    monkeypatch.setattr(last_seen, "_write", lambda rows: None)
    service.here.bind()
    yield told
    monkeypatch.undo()
    service.here.bind()


@pytest.fixture
def after(clock: FakeClock) -> Any:
    """`after(2000)`: that many milliseconds later, everything that had to run out has."""

    def move(duration_ms: int) -> None:
        clock.advance(duration_ms)
        service.here.tick()
        gevent.sleep(0)  # what the tick spawned

    return move
