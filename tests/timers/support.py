"""What the tests of timers share."""

from __future__ import annotations

from typing import Any

import pytest

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event
from app.rooms.models import Room
from app.timers import service
from app.timers.models import Timer

MINUTE_MS = 60_000


def make_timer(room: Room, host: Actor, title: str = "Talk", **values: Any) -> Timer:
    """An idle timer of 10 minutes."""
    return service.create_timer(
        actor=host, room_id=room.id, values={"title": title, "duration_ms": 10 * MINUTE_MS, **values}
    )


def read(timer: Timer) -> Timer:
    """The timer as the database has it."""
    with reading() as session:
        found = session.get(Timer, timer.id)
    assert found is not None
    return found


def refusal(call: Any, **arguments: Any) -> str:
    """The code with which a service refuses."""
    with pytest.raises(AppError) as why:
        call(**arguments)
    return why.value.code


def told(events: list[Event]) -> list[Event]:
    """What was said of timers; the conversation's own lines about them are its business."""
    return [event for event in events if event.name.startswith("timer-")]


def names(events: list[Event]) -> list[str]:
    """`timer-update:start`, in order."""
    return [f"{event.name}:{event.cause}" for event in told(events)]


def list_ids(room: Room) -> list[str]:
    with reading() as session:
        return [timer.id for timer in service.list_timers(session, room.id)]
