"""What the viewer's, the stage's and the control page show of a room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from app.backends.transaction import reading
from app.core.clock import add_ms, to_wire
from app.live import service
from app.live.state import complete_state
from app.presence import service as presence
from app.timers import service as timers
from app.web.http import current_actor

_ORDER = ("running", "paused", "finished")


def room_view(ref: str) -> dict[str, Any]:
    """`room` (its state as over the wire), `current` (the timer in front) and `access`.

    Raises:
        AppError: `room_not_found`, `banned`.
    """
    access, position, encoded = service.get_room_state(actor=current_actor(), ref=ref)
    room = orjson.loads(complete_state(encoded, access, position, presence.count(access.room.id)))
    return {"room": room, "current": current_timer(room["timers"]), "access": access}


def current_timer(timers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The timer in front: running, else paused, else finished last, else the first (as the clients' store decides)."""
    for state in _ORDER:
        found = [timer for timer in timers if timer["state"] == state]
        if found:
            return max(found, key=lambda timer: timer["startTimestamp"] or "")
    return timers[0] if timers else None


def planned_starts(room_id: str) -> dict[str, str]:
    """When each timer should begin, by id: by its programme or alarm, else at the end of the one before it."""
    planned: dict[str, str] = {}
    start: datetime | None = None
    with reading() as session:
        for timer in timers.list_timers(session, room_id):
            start = timer.planned_at or timer.starts_at or start
            if start is not None:
                planned[timer.id] = to_wire(start)
                start = add_ms(start, timer.duration_ms)
    return planned


def front_timers(room_ids: Sequence[str]) -> dict[str, Any]:
    """The timer that runs, else is paused, in each of these rooms of mine."""
    with reading() as session:
        fronts: dict[str, Any] = {}
        for timer in timers.list_active_timers(session, room_ids):
            front = fronts.get(timer.room_id)
            if front is None or (timer.state, timer.started_at) > (front.state, front.started_at):
                fronts[timer.room_id] = timer
    return fronts
