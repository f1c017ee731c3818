"""A programme that is to become a run of show: what it would add, shown before it is taken, and what it takes the place of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.rooms.access import require_role
from app.rooms.models import Role
from app.timers.action import Action
from app.timers.models import Timer
from app.timers.programme import examine_programme
from app.timers.schemas import IMPORT_MODES
from app.timers.slots import Slot
from app.timers.times import UTC_NAME, Times, find_zone

ON = ("running", "paused")


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do now.

    items:           a row for each timer that it would add, as for `Timer.new`, with `planned_at`
    problems:        what is wrong, by row; with any, the import is refused
    ignored_columns: those of a CSV of which nothing was taken
    day, time_zone:  the date and the zone that times without them were given; None where all had their own
    timer_count:     how many timers the room has, which a replacement would remove
    can_replace:     False while one of them runs or is paused
    """

    items: Iterable[dict[str, Any]]
    problems: dict[str, list[str]]
    ignored_columns: list[str]
    day: str | None
    time_zone: str | None
    timer_count: int
    can_replace: bool


def preview_import(
    *,
    actor: Actor,
    room_id: str,
    content: str | dict[str, Any],
    room: str | None = None,
    day: str | None = None,
    time_zone: str = UTC_NAME,
    auto_start: bool = False,
    mode: str = IMPORT_MODES[0],
) -> ImportPreview:
    """What `import_timers` would do with the same arguments; changes nothing. It tells of either `mode`.

    Raises:
        AppError: `import_failed` when nothing of it can be read; `room_not_found`, `forbidden` and their kin.
    """
    with reading() as session:
        found = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        counts = select(Timer.state, func.count()).where(Timer.room_id == found.id).group_by(Timer.state)
        states: dict[str, int] = {row[0]: row[1] for row in session.execute(counts)}
    now = database.now()
    times = times_of(day, time_zone, now)
    programme = examine_programme(content, times=times, room=room, day=day)
    return ImportPreview(
        items=[row_of(slot, now, auto_start=auto_start) for slot in programme.slots],
        problems=programme.problems,
        ignored_columns=programme.ignored,
        day=times.day.isoformat() if times.asked else None,
        time_zone=time_zone if times.asked else None,
        timer_count=sum(states.values()),
        can_replace=not set(ON) & set(states),
    )


def times_of(day: str | None, time_zone: str, now: datetime) -> Times:
    """Times of day of a programme are those of `day`, where that is a date, else of today, in `time_zone`."""
    zone = find_zone(time_zone)
    named = date.fromisoformat(day) if day and "-" in day else None
    return Times(named or now.astimezone(zone).date(), zone)


def row_of(slot: Slot, now: datetime, *, auto_start: bool) -> dict[str, Any]:
    """The values of the timer for `slot`; a start that has passed is only kept as the plan."""
    alarm = slot.alarm or (slot.start if auto_start else None)
    return {**slot.values, "planned_at": slot.start, "starts_at": alarm if alarm and alarm > now else None}


def clear_run(action: Action) -> None:
    """Remove all timers, for others to take their place; it is undone as one, by the id of any of them (see `undo`).

    Raises:
        AppError: `show_is_on` while one of them runs or is paused.
    """
    timers = action.in_order()
    for timer in timers:
        action.settle(timer)
    if any(timer.state in ON for timer in timers):
        raise AppError("show_is_on")
    action.remove_all("replace")
