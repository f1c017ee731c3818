"""What timers tell: numbered in the room's stream, logged with what was there before."""

from __future__ import annotations

from typing import Any

from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.clock import to_wire
from app.rooms.stream import append_room_event
from app.timers.models import Timer
from app.timers.schemas import TimerSchema

TIMER_CREATED = "timer-created"
TIMER_UPDATE = "timer-update"
TIMER_FINISHED = "timer-finished"
TIMER_DELETED = "timer-deleted"
TIMER_EVENTS = (TIMER_CREATED, TIMER_UPDATE, TIMER_FINISHED, TIMER_DELETED)

_schema = TimerSchema()
_WRITABLE = {
    field.attribute or key: field.data_key or key for key, field in _schema.fields.items() if not field.dump_only
}


def timer_to_wire(timer: Timer) -> dict[str, Any]:
    """The contract's timer."""
    return dict(_schema.dump(timer))


def wire_event(work: Transaction, timer: Timer, name: str) -> dict[str, Any]:
    """What `name` tells of the timer as it is now; its number comes later."""
    if name == TIMER_DELETED:
        return {"id": timer.id, "timerId": timer.id, "roomId": timer.room_id}
    return {**timer_to_wire(timer), "serverNow": to_wire(work.now)}


def tell_timer(
    work: Transaction, timer: Timer, name: str, *, actor: Actor, cause: str, before: dict[str, Any] | None = None
) -> None:
    """Emit and log `name`: the timer and `serverNow`, or of a deleted one only who it was.

    Args:
        cause: `create`, `update`, `order`, `delete`, `replace`, `start`, `pause`, `reset`, `adjust`, `next`, `undo`, or `end`
            when its time was up.
        before: `{"timer": Timer.snapshot(), "action": id}`; without an action's id it cannot be undone. That of an undo has
            `undoes`, the number of what it takes back, and of a timer that came in the place of a run only `replaces`, the
            id of the action that removed that.
    """
    append_room_event(
        work,
        room_id=timer.room_id,
        name=name,
        payload=wire_event(work, timer, name),
        actor=actor,
        cause=cause,
        before=before,
        details={"title": timer.title, **_news(timer, cause, (before or {}).get("timer"))},
    )


def _news(timer: Timer, cause: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """What the audit says beside the cause: the names of what was changed, or how much time was given or taken."""
    if before is None or cause not in ("update", "adjust"):
        return {}
    if cause == "adjust":
        return {"deltaMs": timer.added_ms - before["added_ms"]}
    now = timer.snapshot()
    return {"changed": sorted(name for key, name in _WRITABLE.items() if now[key] != before[key])}
