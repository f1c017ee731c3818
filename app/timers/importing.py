"""A programme that is to become a run of show: what it would add, shown before it is taken, and what it takes the place of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.rooms.access import require_role
from app.rooms.models import Role
from app.timers.action import Action
from app.timers.models import Timer
from app.timers.programme import examine_programme
from app.timers.schemas import IMPORT_MODES, TAG_LENGTH
from app.timers.slots import Slot
from app.timers.times import UTC_NAME, Times, find_zone

ON = ("running", "paused")


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do now.

    items:           a row for each timer that it would add, as for `Timer.new`, with `planned_at`
    problems:        what is wrong, by row; with any, the import is refused
    ignored_columns: those of a CSV of which nothing was taken
    rooms:           of which the file is the programme
    days:            on which it has something in the wanted room
    day, time_zone:  the date and the zone that times without them were given; None where all had their own
    timer_count:     how many timers the room has, which a replacement would remove
    can_replace:     False while one of them runs or is paused
    run_tag:         what the run was when it was counted: a replacement can ask that it still is
    """

    items: Iterable[dict[str, Any]]
    problems: dict[str, list[str]]
    ignored_columns: list[str]
    rooms: list[str]
    days: list[str]
    day: str | None
    time_zone: str | None
    timer_count: int
    can_replace: bool
    run_tag: str


def preview_import(
    *,
    actor: Actor,
    room_id: str,
    content: str | dict[str, Any],
    room: str | None = None,
    day: str | None = None,
    time_zone: str = UTC_NAME,
    auto_start: bool = False,
    on_finish: str | None = None,
    mode: str = IMPORT_MODES[0],
    run_tag: str | None = None,
) -> ImportPreview:
    """What `import_timers` would do with the same arguments; changes nothing.

    It tells of either `mode`, and of the run as it is now.

    Raises:
        AppError: `import_failed` when nothing of it can be read; `room_not_found`, `forbidden` and their kin.
    """
    with reading() as session:
        found = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        run = session.execute(select(Timer.id, Timer.revision, Timer.state).where(Timer.room_id == found.id)).all()
    now = database.now()
    times = times_of(day, time_zone, now)
    programme = examine_programme(content, times=times, room=room, day=day)
    return ImportPreview(
        items=[row_of(slot, now, auto_start=auto_start, on_finish=on_finish) for slot in programme.slots],
        problems=programme.problems,
        ignored_columns=programme.ignored,
        rooms=programme.rooms,
        days=[day.isoformat() for day in programme.days],
        day=times.day.isoformat() if times.asked else None,
        time_zone=time_zone if times.asked else None,
        timer_count=len(run),
        can_replace=not any(state in ON for _, _, state in run),
        run_tag=tag_of((ident, revision) for ident, revision, _ in run),
    )


def times_of(day: str | None, time_zone: str, now: datetime) -> Times:
    """Times of day of a programme are those of `day`, where that is a date, else of today, in `time_zone`."""
    zone = find_zone(time_zone)
    named = date.fromisoformat(day) if day and "-" in day else None
    return Times(named or now.astimezone(zone).date(), zone)


def row_of(slot: Slot, now: datetime, *, auto_start: bool, on_finish: str | None) -> dict[str, Any]:
    """The values of the timer for `slot`; a start that has passed is only the plan, and `on_finish` is for a file without."""
    alarm = slot.alarm or (slot.start if auto_start else None)
    ending = {"on_finish": on_finish} if on_finish else {}
    return {**ending, **slot.values, "planned_at": slot.start, "starts_at": alarm if alarm and alarm > now else None}


def tag_of(run: Iterable[tuple[str, int]]) -> str:
    """Another one whenever a timer of the run, of which ids and revisions are given, comes, changes or goes."""
    return sha256(repr(sorted(tuple(timer) for timer in run)).encode()).hexdigest()[:TAG_LENGTH]


def clear_run(action: Action, *, run_tag: str | None) -> None:
    """Remove all timers, for others to take their place; it is undone as one, by the id of any of them (see `undo`).

    Raises:
        AppError: `run_changed` when it is not the run of `run_tag`; `show_is_on` while one of them runs or is paused.
    """
    timers = action.in_order()
    if run_tag is not None and run_tag != tag_of((timer.id, timer.revision) for timer in timers):
        raise AppError("run_changed")
    for timer in timers:
        action.settle(timer)
    if any(timer.state in ON for timer in timers):
        raise AppError("show_is_on")
    action.remove_all("replace")
