"""Taking back the last action on a timer, from the log of the room's stream.

An action is everything that one call changed (`before.action` is its id): undoing `next` brings the finished timer back
and stops the started one. A timer that somebody has acted on since keeps what they did. What happened by itself, and an
undo, cannot be taken back. A deleted timer comes back as it was.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.clock import add_ms
from app.core.errors import AppError
from app.rooms.models import RoomEvent
from app.timers.action import Action, begin_in_room
from app.timers.events import TIMER_CREATED, TIMER_DELETED, TIMER_EVENTS
from app.timers.models import Timer

UNDO_WINDOW_MS = 10_000


def undo_last_action(action: Action, timer_id: str) -> None:
    """Take back what the last action on the timer changed, newest change first.

    Raises:
        AppError: `nothing_to_undo`.
    """
    session, room_id = action.work.session, action.room.id
    since = add_ms(action.work.now, -UNDO_WINDOW_MS)
    last = last_event(session, room_id, timer_id, since)
    undone = (last.before or {}).get("action") if last is not None and last.cause != "undo" else None
    if undone is None:
        raise AppError("nothing_to_undo")
    for event in _events(session, room_id, since, RoomEvent.before["action"].as_string() == undone):
        current = last_event(session, room_id, event.payload["id"], since)
        if current is not None and current.seq == event.seq:
            _take_back(action, event)


def begin_on_deleted(work: Transaction, *, actor: Actor, timer_id: str) -> Action:
    """An action in the room that lost `timer_id` a moment ago.

    Raises:
        AppError: `timer_not_found`, `forbidden` and their kin.
    """
    since = add_ms(work.now, -UNDO_WINDOW_MS)
    room_id = work.session.scalar(
        select(RoomEvent.room_id).where(
            RoomEvent.created_at >= since,
            RoomEvent.type == TIMER_DELETED,
            RoomEvent.payload["id"].as_string() == timer_id,
        )
    )
    try:
        if room_id is not None:
            return begin_in_room(work, actor=actor, room_id=room_id)
    except AppError as why:
        if why.code != "room_not_found":
            raise
    raise AppError("timer_not_found")


def last_event(session: Session, room_id: str, timer_id: str, since: datetime) -> RoomEvent | None:
    """The newest change of one timer."""
    events = _events(session, room_id, since, RoomEvent.payload["id"].as_string() == timer_id)
    return events[0] if events else None


def _events(session: Session, room_id: str, since: datetime, which: ColumnElement[bool]) -> list[RoomEvent]:
    query = select(RoomEvent).where(RoomEvent.room_id == room_id, RoomEvent.created_at >= since)
    return list(session.scalars(query.where(RoomEvent.type.in_(TIMER_EVENTS), which).order_by(RoomEvent.seq.desc())))


def _take_back(action: Action, event: RoomEvent) -> None:
    before: dict[str, Any] = (event.before or {})["timer"]
    now = action.work.now
    timer = action.work.session.get(Timer, event.payload["id"])
    if timer is not None:
        action.apply(timer, "undo", partial(timer.restore, before, now), undoes=event.seq)
        return
    timer = Timer(id=event.payload["id"], room_id=event.room_id, revision=before["revision"])
    timer.restore(before, now)
    action.work.session.add(timer)
    action.tell(timer, TIMER_CREATED, "undo")
