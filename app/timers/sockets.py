"""The `timer-action` event: the same actions as REST, for hosts who are connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.timers import service
from app.timers.events import timer_to_wire
from app.timers.models import Timer
from app.timers.schemas import TimerAction
from app.web.sockets import Client, on

_ACTIONS: dict[str, Callable[..., Timer]] = {
    "start": service.start_timer,
    "pause": service.pause_timer,
    "reset": service.reset_timer,
    "adjust": service.adjust_timer,
    "next": service.start_next,
    "undo": service.undo_timer,
}


@on("timer-action", TimerAction)
def act_on_timer(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Start, pause, reset, adjust or undo a timer, or end it and start the next; for hosts. Ack `{ok, timer}`."""
    action = _ACTIONS[data.pop("action")]
    return {"timer": timer_to_wire(action(actor=client.actor, **data))}
