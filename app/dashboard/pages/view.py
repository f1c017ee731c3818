"""What the viewer's, the stage's and the control page show of a room."""

from __future__ import annotations

from typing import Any

import orjson

from app.live import service
from app.live.state import complete_state
from app.presence import service as presence
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
