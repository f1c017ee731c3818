"""What the viewer's, the stage's and the control page show of a room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from app.backends.transaction import reading
from app.core.clock import add_ms, from_wire, to_wire
from app.dashboard.front import counts_on, front_of
from app.live import service
from app.live.state import complete_state
from app.presence import service as presence
from app.timers import service as timers
from app.timers.schemas import TimerSchema
from app.web.http import current_actor

_WIRE = TimerSchema()


def room_view(ref: str) -> dict[str, Any]:
    """`room` (its state as over the wire), `current` (the timer in front) and `access`.

    Raises:
        AppError: `room_not_found`, `banned`.
    """
    access, position, encoded = service.get_room_state(actor=current_actor(), ref=ref)
    room = orjson.loads(complete_state(encoded, access, position, presence.count(access.room.id)))
    return {"room": room, "current": front_of(room["timers"]), "access": access}


def actual_ends(room_id: str) -> dict[str, str]:
    """When each timer really ended, by id: one that ran over, when the next one began."""
    with reading() as session:
        return {timer_id: to_wire(at) for timer_id, at in timers.list_ends(session, room_id).items()}


def planned_starts(run: Sequence[dict[str, Any]]) -> dict[str, str]:
    """When each timer of a room should begin, by id: by its programme or alarm, else at the end of the one before it."""
    planned: dict[str, str] = {}
    start: datetime | None = None
    for timer in run:
        given = timer["plannedAt"] or timer["startsAt"]
        start = from_wire(given) if given else start
        if start is not None:
            planned[timer["id"]] = to_wire(start)
            start = add_ms(start, timer["duration"])
    return planned


def front_timers(room_ids: Sequence[str]) -> dict[str, Any]:
    """The timer in front in each of these rooms of mine where something goes on: it runs, is paused, or runs over."""
    shows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    with reading() as session:
        for timer in _WIRE.dump(timers.list_active_timers(session, room_ids), many=True):
            if timer["state"] != "finished" or counts_on(timer, [timer]):
                shows[timer["roomId"]].append(timer)
    return {room_id: front_of(show) for room_id, show in shows.items()}
