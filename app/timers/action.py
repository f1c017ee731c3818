"""One action on a room's timers: everything it changes, in one transaction, under one id, so that it is undone as one.

Rules: whoever acts holds the room's row lock, so that the timers of a room change one action at a time and no two actions can
deadlock. What has fallen due is done first, as of the instant it was due, by whoever comes first: an action or the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, or_, select

from app.backends.transaction import Transaction
from app.backends.turns import in_portions
from app.core.actor import SYSTEM, Actor
from app.core.errors import AppError
from app.core.ids import is_id, new_id
from app.rooms.access import Access, require_role
from app.rooms.models import Role, Room
from app.rooms.stream import Change, append_room_events
from app.timers.events import TIMER_DELETED, TIMER_FINISHED, TIMER_UPDATE, tell_timer, wire_event
from app.timers.models import Timer

PORTION = 50  # timers at a time: what others wait for meanwhile is some ten milliseconds


class Action:
    """What one actor does to the timers of one room at `work.now`."""

    def __init__(self, work: Transaction, access: Access, actor: Actor) -> None:
        self.work = work
        self.room = access.room
        self.actor = actor
        self.id = new_id()

    def apply(self, timer: Timer, cause: str, change: Callable[[], bool], **more: Any) -> bool:
        """Make `change` and tell it, if it changed anything; `more` is logged beside what was there before."""
        before = timer.snapshot()
        if not change():
            return False
        ended = timer.state == "finished" != before["state"] and cause != "undo"
        self.tell(timer, TIMER_FINISHED if ended else TIMER_UPDATE, cause, before, **more)
        return True

    def tell(self, timer: Timer, name: str, cause: str, before: dict[str, Any] | None = None, **more: Any) -> None:
        """Write the row, then the log: the head of the room's stream is locked last."""
        timer.updated_at = self.work.now
        self.work.session.flush()
        tell_timer(self.work, timer, name, actor=self.actor, cause=cause, before=self._log(before, **more))

    def tell_all(
        self, changed: Iterable[tuple[Timer, dict[str, Any] | None]], name: str, cause: str, **more: Any
    ) -> list[Timer]:
        """`tell` for many timers, each with what it was before, in a few statements for each `PORTION` of them.

        A generator that changes them as it is asked has each portion written before the next is changed.
        """
        told = []
        for portion in in_portions(changed, PORTION):
            for timer, _ in portion:
                timer.updated_at = self.work.now
            self.work.session.flush()
            changes = [self.change(timer, name, cause, before, **more) for timer, before in portion]
            append_room_events(self.work, changes, actor=self.actor)
            told += [timer for timer, _ in portion]
        return told

    def remove_all(self, cause: str) -> None:
        """Delete every timer of the room and tell it."""
        self.tell_all(self._removed(), TIMER_DELETED, cause)

    def _removed(self) -> Iterator[tuple[Timer, dict[str, Any]]]:
        for timer in self.in_order():
            before = timer.snapshot()
            self.work.session.delete(timer)
            yield timer, before

    def change(self, timer: Timer, name: str, cause: str, before: dict[str, Any] | None, **more: Any) -> Change:
        """What `name` tells and logs of the timer as it is now."""
        log = self._log(before, **more)
        return Change(timer.room_id, name, wire_event(self.work, timer, name), cause, log, {"title": timer.title})

    def _log(self, before: dict[str, Any] | None, **more: Any) -> dict[str, Any] | None:
        """What is logged so that the change can be undone."""
        if before is None:
            return more or None
        return {"timer": before, "action": None if self.actor is SYSTEM else self.id, **more}

    def start(self, timer: Timer, at: datetime, *, cause: str = "start") -> bool:
        """Start `timer` as of `at`; with `oneTimerAtATime` the others that run are paused."""
        if timer.state in ("idle", "paused"):
            self.make_way(timer)
        return self.apply(timer, cause, partial(timer.start, at))

    def make_way(self, timer: Timer) -> None:
        """With `oneTimerAtATime`, pause the others that run."""
        if self.room.setting("oneTimerAtATime"):
            for other in self._running():
                self.settle(other)
            for other in self._running():
                if other is not timer:
                    self.apply(other, "pause", partial(other.pause, self.work.now))

    def settle(self, timer: Timer) -> bool:
        """Do what has fallen due: end it, start it, and with `onFinish: next` the one that follows."""
        settled = False
        automatic = self if self.actor is SYSTEM else Action(self.work, Access(self.room, Role.OWNER), SYSTEM)
        while timer.is_due(self.work.now):
            settled = True
            at = timer.due_at
            assert at is not None
            if timer.state == "idle":
                automatic.start(timer, at)
                continue
            automatic.apply(timer, "end", partial(timer.finish, at))
            following = self.following(timer) if timer.on_finish == "next" else None
            if following is not None:
                automatic.start(following, at)
                self.settle(following)
        return settled

    def following(self, timer: Timer) -> Timer | None:
        """The next by position that has not finished."""
        later = or_(Timer.position > timer.position, and_(Timer.position == timer.position, Timer.id > timer.id))
        return self.work.session.scalars(
            select(Timer)
            .where(Timer.room_id == timer.room_id, Timer.state != "finished", later)
            .order_by(Timer.position, Timer.id)
            .limit(1)
        ).one_or_none()

    def in_order(self) -> list[Timer]:
        """All timers of the room."""
        return list(
            self.work.session.scalars(
                select(Timer).where(Timer.room_id == self.room.id).order_by(Timer.position, Timer.id)
            )
        )

    def _running(self) -> list[Timer]:
        return [timer for timer in self.in_order() if timer.state == "running"]


def begin_in_room(work: Transaction, *, actor: Actor, room_id: str) -> Action:
    """An action of a host in a room, which stays locked until the commit.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
    # FOR NO KEY UPDATE: other tables may go on referring to the room.
    work.session.execute(select(Room.id).where(Room.id == access.room.id).with_for_update(key_share=True))
    return Action(work, access, actor)


def begin_on_timer(work: Transaction, *, actor: Actor, timer_id: str) -> tuple[Action, Timer]:
    """An action of a host on one timer, read after the lock.

    Raises:
        AppError: `timer_not_found`, also where the actor may not know the room; `banned`, `unauthenticated`, `forbidden`.
    """
    room_id = work.session.scalar(select(Timer.room_id).where(Timer.id == timer_id)) if is_id(timer_id) else None
    if room_id is None:
        raise AppError("timer_not_found")
    try:
        action = begin_in_room(work, actor=actor, room_id=room_id)
    except AppError as why:
        raise AppError("timer_not_found") if why.code == "room_not_found" else why from None
    timer = work.session.get(Timer, timer_id, populate_existing=True)
    if timer is None:  # deleted while we waited for the lock
        raise AppError("timer_not_found")
    return action, timer
