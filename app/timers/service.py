"""The only way to act on timers: REST, sockets and the dashboard end here. Hosts act; who sees the room sees its timers.

Every action first does what has fallen due (see `action`); that stays done even when the action itself is then refused.
`if_revision` refuses to act on a timer that has changed since the caller read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.backends.transaction import database, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id
from app.rooms.access import require_role
from app.rooms.models import Role, Room
from app.timers.action import Action, begin_in_room, begin_on_timer
from app.timers.events import TIMER_CREATED, TIMER_DELETED
from app.timers.firing import settle_together
from app.timers.importing import ImportPreview, clear_run, preview_import, row_of, times_of
from app.timers.models import IS_RUNNING, IS_WAITING, Timer
from app.timers.order import make_room, move, renumber
from app.timers.programme import read_programme
from app.timers.report import to_csv, to_ics
from app.timers.runs import runs_of
from app.timers.schemas import MAX_TIMERS
from app.timers.times import UTC_NAME
from app.timers.undo import begin_on_deleted, undo_last_action

__all__ = [
    "UPCOMING",
    "ImportPreview",
    "add_timers",
    "adjust_timer",
    "create_timer",
    "delete_timer",
    "export_csv",
    "export_ics",
    "fire_timers",
    "import_timers",
    "list_active_timers",
    "list_ends",
    "list_timers",
    "list_upcoming",
    "order_timers",
    "pause_timer",
    "preview_import",
    "reset_timer",
    "start_next",
    "start_timer",
    "undo_timer",
    "update_timer",
]

UPCOMING = 1_000


def list_timers(session: Session, room_id: str) -> list[Timer]:
    """The room's timers in order; the caller has checked that they may be seen."""
    return list(session.scalars(select(Timer).where(Timer.room_id == room_id).order_by(Timer.position, Timer.id)))


def list_ends(session: Session, room_id: str) -> dict[str, datetime]:
    """When the timers that have run really ended, overtime included, by id; the caller has checked that they may be seen."""
    runs = runs_of(list_timers(session, room_id))
    return {timer_id: run.ended_at for timer_id, run in runs.items() if run.ended_at is not None}


def list_active_timers(session: Session, room_ids: Sequence[str]) -> list[Timer]:
    """What runs, is paused or runs over in these rooms; the caller has checked that they may be seen.

    One runs over from its end until another one of its room begins.
    """
    if not room_ids:
        return []
    other = aliased(Timer)
    begun_since = exists().where(
        other.room_id == Timer.room_id, other.id != Timer.id, other.started_at >= Timer.finished_at
    )
    runs_over = and_(Timer.state == "finished", Timer.on_finish == "overtime", ~begun_since)
    active = select(Timer).where(Timer.room_id.in_(room_ids), Timer.state.in_(("running", "paused")) | runs_over)
    return list(session.scalars(active))


def create_timer(*, actor: Actor, room_id: str, values: dict[str, Any]) -> Timer:
    """A new idle timer, last in order unless `values` has a `position`.

    Raises:
        AppError: `conflict` (`MAX_TIMERS`), `validation_failed`; `room_not_found`, `forbidden` and their kin.
    """
    with transaction() as work:
        action = begin_in_room(work, actor=actor, room_id=room_id)
        return add_timers(action, [values])[0]


def add_timers(action: Action, rows: list[dict[str, Any]], **more: Any) -> list[Timer]:
    """Append a timer for each of `rows`; the lock is held. `more` is logged of each."""
    session, room_id = action.work.session, action.room.id
    count, last = session.execute(
        select(func.count(), func.coalesce(func.max(Timer.position), -1)).where(Timer.room_id == room_id)
    ).one()
    if count + len(rows) > MAX_TIMERS:
        raise AppError("conflict", f"A room has at most {MAX_TIMERS} timers.")
    return action.tell_all(_made(action, rows, last + 1), TIMER_CREATED, "create", **more)


def _made(action: Action, rows: list[dict[str, Any]], first: int) -> Iterator[tuple[Timer, None]]:
    for position, values in enumerate(rows, first):
        wanted = {**values}
        place = wanted.pop("position", None)
        timer = Timer.new(room_id=action.room.id, position=position, now=action.work.now, **wanted)
        action.work.session.add(timer)
        if place is not None:
            make_room(action, timer, place)
        yield timer, None


def update_timer(*, actor: Actor, timer_id: str, values: dict[str, Any], if_revision: int | None = None) -> Timer:
    """Change the keys given; another `position` moves the timer there and the others along.

    Raises:
        AppError: `illegal_transition` for another duration while not idle, `validation_failed`, `stale_revision`.
    """
    with _acting(actor, timer_id, if_revision) as (action, timer):
        wanted = {**values}
        place = wanted.pop("position", timer.position)
        action.apply(timer, "update", partial(timer.amend, wanted, action.work.now))
        if place != timer.position:
            move(action, timer, place)
    return timer


def delete_timer(*, actor: Actor, timer_id: str, if_revision: int | None = None) -> None:
    """Remove the timer; for 10 s `undo_timer` brings it back."""
    with _acting(actor, timer_id, if_revision) as (action, timer):
        before = timer.snapshot()
        action.work.session.delete(timer)
        action.tell(timer, TIMER_DELETED, "delete", before)


def start_timer(*, actor: Actor, timer_id: str, if_revision: int | None = None) -> Timer:
    """Run it, from its beginning or with what a pause kept; `settings.oneTimerAtATime` pauses the others."""
    with _acting(actor, timer_id, if_revision) as (action, timer):
        action.start(timer, action.work.now)
    return timer


def pause_timer(*, actor: Actor, timer_id: str, if_revision: int | None = None) -> Timer:
    """Stop the time and keep what is left."""
    with _acting(actor, timer_id, if_revision) as (action, timer):
        action.apply(timer, "pause", partial(timer.pause, action.work.now))
    return timer


def reset_timer(*, actor: Actor, timer_id: str, if_revision: int | None = None) -> Timer:
    """Back to its beginning."""
    with _acting(actor, timer_id, if_revision) as (action, timer):
        action.apply(timer, "reset", partial(timer.reset, action.work.now))
    return timer


def adjust_timer(*, actor: Actor, timer_id: str, delta_ms: int, if_revision: int | None = None) -> Timer:
    """Give `delta_ms` more, or less when negative; a running timer that passes its end finishes."""
    with _acting(actor, timer_id, if_revision) as (action, timer):
        action.apply(timer, "adjust", partial(timer.adjust, delta_ms, action.work.now))
    return timer


def start_next(*, actor: Actor, timer_id: str, if_revision: int | None = None) -> Timer:
    """Finish this one now and start the following that has not finished; answers the one started.

    Raises:
        AppError: `nothing_next`; then nothing has changed.
    """
    with _acting(actor, timer_id, if_revision) as (action, timer):
        following = action.following(timer)
        if following is None:
            raise AppError("nothing_next")
        action.apply(timer, "next", partial(timer.finish, action.work.now))
        action.start(following, action.work.now)
    return following


def undo_timer(*, actor: Actor, timer_id: str) -> Timer:
    """Take back the last action on it (see `undo`), within 10 s, whichever host did it.

    Raises:
        AppError: `nothing_to_undo`.
    """
    with transaction() as work:
        if is_id(timer_id) and work.session.scalar(select(Timer.id).where(Timer.id == timer_id)) is None:
            undo_last_action(begin_on_deleted(work, actor=actor, timer_id=timer_id), timer_id)
            return work.session.get_one(Timer, timer_id)
    with _acting(actor, timer_id, None) as (action, timer):
        undo_last_action(action, timer_id)
    return timer


def order_timers(*, actor: Actor, room_id: str, ids: list[str]) -> list[Timer]:
    """Put the room's timers in the order of `ids`; a `timer-update` tells each one that moved.

    Raises:
        AppError: `validation_failed` unless `ids` names each timer of the room once.
    """
    with transaction() as work:
        action = begin_in_room(work, actor=actor, room_id=room_id)
        by_id = {timer.id: timer for timer in action.in_order()}
        if sorted(ids) != sorted(by_id):
            raise AppError("validation_failed", details={"ids": ["Must name each timer of the room once."]})
        timers = [by_id[timer_id] for timer_id in ids]
        renumber(action, timers)
        return timers


def import_timers(
    *,
    actor: Actor,
    room_id: str,
    content: str | dict[str, Any],
    room: str | None = None,
    day: str | None = None,
    time_zone: str = UTC_NAME,
    auto_start: bool = False,
    on_finish: str | None = None,
    mode: str = "append",
    run_tag: str | None = None,
) -> list[Timer]:
    """Make a timer for each slot of a programme (see `programme`), or none if a row of it is bad.

    Args:
        mode: one of `IMPORT_MODES`: after the timers that are there, or in the place of all of them: for 10 s `undo_timer` with
            the id of one of those brings them back.
        room: only the slots of this room of the programme.
        day: only those of this day: a date, or the number of the day. Times that have no date are of that date, else of today.
        time_zone: the IANA name of the zone of times that have none.
        run_tag: that of a preview: replace only what it counted.
        auto_start: let each start itself at its time. A time that has passed is only kept as the plan.
        on_finish: what each does at its end where the programme does not say.

    Raises:
        AppError: `import_failed` with `details` by row; `conflict` when the room cannot hold so many; `show_is_on` when one
            that would be replaced runs or is paused, `run_changed` when they are not those of `run_tag`.
    """
    with reading() as session:
        require_role(session, actor=actor, ref=room_id, need=Role.HOST)
    # Before the room is held: it may be long, and others get their turns meanwhile.
    slots = read_programme(content, times=times_of(day, time_zone, database.now()), room=room, day=day)
    with transaction() as work:
        action = begin_in_room(work, actor=actor, room_id=room_id)
        rows = [row_of(slot, work.now, auto_start=auto_start, on_finish=on_finish) for slot in slots]
        if mode != "replace":
            return add_timers(action, rows)
        clear_run(action, run_tag=run_tag)
        return add_timers(action, rows, replaces=action.id)


def export_csv(*, actor: Actor, room_id: str) -> str:
    """The room's timers, planned against actual (see `report.to_csv`). For hosts."""
    with reading() as session:
        access = require_role(session, actor=actor, ref=room_id, need=Role.HOST)
        timers = list_timers(session, access.room.id)
    return to_csv(timers, runs_of(timers))


def export_ics(*, actor: Actor, room_id: str) -> str:
    """The room's plan as a calendar (see `report.to_ics`). For hosts."""
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        timers = list_timers(session, room.id)
    return to_ics(timers, name=room.name, now=database.now())


def list_upcoming(*, until: datetime) -> list[tuple[datetime, str]]:
    """When and which: the timers that end or start by themselves up to `until`, the first `UPCOMING` of either kind."""
    with reading() as session:
        queries = ((Timer.ends_at, IS_RUNNING), (Timer.wakes_at, IS_WAITING))
        return [
            (due_at, timer_id)
            for column, state in queries
            for due_at, timer_id in session.execute(
                select(column, Timer.id)
                .join(Room, Room.id == Timer.room_id)
                .where(state, column <= until, Room.deleted_at.is_(None))
                .order_by(column)
                .limit(UPCOMING)
            )
            if due_at is not None
        ]


def fire_timers(timer_ids: Sequence[str], *, waits: bool = False) -> dict[str, bool]:
    """End and start those of the timers that are due (see `firing`); whether each changed.

    Left out: those that are gone and, unless this `waits`, those of rooms that somebody holds.
    """
    return database.run(lambda work: settle_together(work, timer_ids, waits=waits))


@contextmanager
def _acting(actor: Actor, timer_id: str, if_revision: int | None) -> Iterator[tuple[Action, Timer]]:
    """The frame of every action on one timer. An action raises before it changes anything."""
    refusal = None
    with transaction() as work:
        action, timer = begin_on_timer(work, actor=actor, timer_id=timer_id)
        if if_revision is not None and if_revision != timer.revision:
            raise AppError("stale_revision")
        settled = action.settle(timer)
        try:
            yield action, timer
        except AppError as why:
            if not settled:
                raise
            refusal = why
    if refusal is not None:
        raise refusal
