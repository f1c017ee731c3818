"""When the timers of a room last ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import from_wire
from app.rooms.models import RoomEvent
from app.timers.events import TIMER_FINISHED
from app.timers.models import Timer
from app.timers.report import Run


def last_runs(session: Session, room_id: str, timers: list[Timer]) -> dict[str, Run]:
    """The last run by timer: the one that it shows, else, after a reset, the last end that the log still has (24 h)."""
    query = select(RoomEvent.payload).where(RoomEvent.room_id == room_id, RoomEvent.type == TIMER_FINISHED)
    runs = {}
    for payload in session.scalars(query.order_by(RoomEvent.seq)):
        if payload["startTimestamp"] is not None:  # a timer that was skipped did not run
            runs[payload["id"]] = _logged(payload)
    for timer in timers:
        if timer.started_at is not None:
            runs[timer.id] = Run(timer.started_at, timer.finished_at, timer.added_ms)
    return runs


def _logged(payload: dict[str, Any]) -> Run:
    started_at: datetime = from_wire(payload["startTimestamp"])
    return Run(started_at, from_wire(payload["finishedAt"]), payload["addedMs"])
