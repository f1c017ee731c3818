"""What has fallen due in many rooms at once, as when all talks of a day end on the hour: a handful of statements, one commit.

1. Lock the rooms in the order of their ids. One that somebody holds is left out, so that nobody waits for it with the others.
2. Read their timers, and settle those asked for as any action would (`Action.settle`), in memory.
3. Write all that changed with the commit: the rows, the log and the new heads of the streams.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import BigInteger, Integer, String, Table, Update, Uuid, select, update
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.backends.columns import Instant
from app.backends.many import among
from app.backends.prepared import Asked, Prepared
from app.backends.transaction import Transaction, database
from app.core.actor import SYSTEM
from app.rooms.access import Access
from app.rooms.models import Role, Room
from app.rooms.stream import Change, append_room_events
from app.timers.action import Action
from app.timers.models import Timer

_TIMERS = cast("Table", Timer.__table__)
_ROWS = Bulk(
    "changed",
    {
        "id": Uuid(as_uuid=False),
        "state": String(),
        "started_at": Instant(),
        "ends_at": Instant(),
        "paused_left_ms": BigInteger(),
        "wakes_at": Instant(),
        "finished_at": Instant(),
        "revision": Integer(),
        "updated_at": Instant(),
    },
)
_VALUES = attrgetter(*_ROWS.names)


def settle_together(work: Transaction, timer_ids: Sequence[str], *, waits: bool = False) -> dict[str, bool]:
    """End and start those of the timers that are due, in this order; whether each changed.

    Those of rooms that somebody holds are left out of the answer, unless this `waits`.
    """
    changes: list[Change] = []
    free = _read_free(work.session, timer_ids, waits=waits)
    actions = {room.id: _Automatic(work, room, timers, changes) for room, timers in free}
    found = {timer.id: timer for action in actions.values() for timer in action.in_order()}
    due = [found[timer_id] for timer_id in timer_ids if timer_id in found]
    settled = {timer.id: actions[timer.room_id].settle(timer) for timer in due}
    if changes:
        append_room_events(work, changes, actor=SYSTEM)
        rows = [_VALUES(timer) for action in actions.values() for timer in action.changed.values()]
        work.write_last(Asked(_UPDATE, _ROWS.parameters(database.dialect, rows)))
    return settled


def _read_free(session: Session, timer_ids: Sequence[str], *, waits: bool) -> Iterator[tuple[Room, list[Timer]]]:
    """The timers' rooms, locked now, with all their timers in order; the session does not write those."""
    theirs = select(Timer.room_id).where(among(session, Timer.id, timer_ids))
    free = select(Room).where(Room.id.in_(theirs), Room.deleted_at.is_(None)).order_by(Room.id)
    rooms = session.scalars(free.with_for_update(key_share=True, skip_locked=not waits)).all()
    of_rooms = select(Timer).where(among(session, Timer.room_id, [room.id for room in rooms]))
    show: dict[str, list[Timer]] = defaultdict(list)
    for timer in session.scalars(of_rooms.order_by(Timer.position, Timer.id)):
        session.expunge(timer)
        show[timer.room_id].append(timer)
    return ((room, show[room.id]) for room in rooms)


class _Automatic(Action):
    """Nobody's action in a room whose timers have been read; what it changes is kept for all rooms to be written together."""

    def __init__(self, work: Transaction, room: Room, timers: list[Timer], changes: list[Change]) -> None:
        super().__init__(work, Access(room, Role.OWNER), SYSTEM)
        self._timers = timers
        self._changes = changes
        self.changed: dict[str, Timer] = {}

    def tell(self, timer: Timer, name: str, cause: str, before: dict[str, Any] | None = None, **more: Any) -> None:
        timer.updated_at = self.work.now
        self.changed[timer.id] = timer
        self._changes.append(self.change(timer, name, cause, before))

    def in_order(self) -> list[Timer]:
        return self._timers

    def following(self, timer: Timer) -> Timer | None:
        later = self._timers[self._timers.index(timer) + 1 :]
        return next((one for one in later if one.state != "finished"), None)


def _update(dialect: str) -> Update:
    """The rooms are locked: the rows are as they were read."""
    rows = _ROWS.table(dialect)
    values = {name: rows.c[name] for name in _ROWS.names if name != "id"}
    return update(_TIMERS).where(_TIMERS.c.id == rows.c.id).values(values)


_UPDATE = Prepared(_update)
