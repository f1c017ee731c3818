"""Taking back the last action on a timer, from the log of the room's stream.

An action is everything that one call changed (`before.action` is its id): undoing `next` brings the finished timer back
and stops the started one. A timer that somebody has acted on since keeps what they did. What happened by itself, and an
undo, cannot be taken back. A deleted timer comes back as it was. One that runs again pauses the others as a start does, with
`oneTimerAtATime`.

A run that an import replaced comes back whole, in the place of what was imported, or not at all: once a timer of the room has
changed since, there is no telling which of the two runs it belongs to. Any of the timers that were replaced names it.
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
    if last is None or undone is None:
        raise AppError("nothing_to_undo")
    if last.cause == "replace":
        _bring_run_back(action, last)
        return
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


def _bring_run_back(action: Action, replaced: RoomEvent) -> None:
    """Restore the run that `replaced` was one of, in the place of the one that was imported for it.

    Raises:
        AppError: `nothing_to_undo`: a timer of the room has changed since.
    """
    run: dict[str, dict[str, Any]] = {}
    undone = (replaced.before or {})["action"]
    for event in _events(action.work.session, action.room.id, replaced.created_at, RoomEvent.seq >= 0):
        before = event.before or {}
        if before.get("action") == undone:
            run[event.payload["id"]] = before["timer"]
        elif before.get("replaces") != undone and event.seq > replaced.seq:
            raise AppError("nothing_to_undo")
    action.remove_all("undo")
    restored = ((_restored(ident, action, before), None) for ident, before in run.items())
    action.tell_all(restored, TIMER_CREATED, "undo")


def _take_back(action: Action, event: RoomEvent) -> None:
    before: dict[str, Any] = (event.before or {})["timer"]
    now = action.work.now
    timer = action.work.session.get(Timer, event.payload["id"])
    if timer is not None:
        action.apply(timer, "undo", partial(timer.restore, before, now), undoes=event.seq)
    else:
        timer = _restored(event.payload["id"], action, before)
        action.tell(timer, TIMER_CREATED, "undo")
    if timer.state == "running" and not timer.is_due(now):
        action.make_way(timer)  # another may have been started since


def _restored(timer_id: str, action: Action, before: dict[str, Any]) -> Timer:
    timer = Timer(id=timer_id, room_id=action.room.id, revision=before["revision"])
    timer.restore(before, action.work.now)
    action.work.session.add(timer)
    return timer
