"""The two numbered streams of a room: `room` (room, stage and timers) and `chat` (the conversation).

Whoever changes something numbered calls `append_room_event` or `raise_chat` in the same transaction, after having written
the change. The first statement that takes the head's row lock decides the order; it is held until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Integer, Uuid, select, update
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.backends.many import among
from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.event import Event, room_channel
from app.rooms.models import RoomEvent, RoomHead

_COUNTS = Bulk("counts", {"room_id": Uuid(as_uuid=False), "count": Integer()})


def append_room_event(
    work: Transaction,
    *,
    room_id: str,
    name: str,
    payload: dict[str, Any],
    actor: Actor,
    cause: str | None = None,
    before: dict[str, Any] | None = None,
) -> int:
    """Number a change of the room's stream, log it, and emit it as `name` with `payload` + `seq`.

    Args:
        cause: what happened, for subscribers, audit and report (`start`).
        before: what was there, enough to undo it.

    Returns: the event's number.
    """
    seq = _raise(work.session, room_id, RoomHead.room_seq)
    payload = {**payload, "seq": seq}
    work.session.add(
        RoomEvent(
            room_id=room_id,
            seq=seq,
            type=name,
            cause=cause,
            payload=payload,
            before=before,
            actor_id=actor.id,
            created_at=work.now,
        )
    )
    work.emit(Event(name, room_channel(room_id), (payload,), "room", seq, cause))
    return seq


def raise_chat(session: Session, room_id: str, count: int = 1) -> int:
    """Take `count` numbers of the chat stream; returns the last of them."""
    return _raise(session, room_id, RoomHead.chat_seq, count)


def _raise(session: Session, room_id: str, column: Any, count: int = 1) -> int:
    statement = update(RoomHead).where(RoomHead.room_id == room_id).values({column: column + count}).returning(column)
    return int(session.execute(statement).scalar_one())


def lock_chats(session: Session, room_ids: Iterable[str]) -> dict[str, int]:
    """Hold the heads of several rooms until the commit; their newest chat numbers by room.

    They are locked in the order of their ids, so that two batches never wait for each other.
    """
    wanted = sorted(set(room_ids))
    here = among(session, RoomHead.room_id, wanted)  # one statement for any number of rooms, prepared once
    query = select(RoomHead.room_id, RoomHead.chat_seq).where(here).order_by(RoomHead.room_id)
    return {row.room_id: row.chat_seq for row in session.execute(query.with_for_update())}


def raise_chats(session: Session, counts: Mapping[str, int]) -> None:
    """Take `counts[room_id]` numbers of each room's chat stream; the heads are locked already."""
    dialect = session.get_bind().dialect.name
    taken = _COUNTS.table(dialect)
    statement = (
        update(RoomHead)
        .where(RoomHead.room_id == taken.c.room_id)
        .values(chat_seq=RoomHead.chat_seq + taken.c.count)
        .execution_options(synchronize_session=False)
    )
    session.execute(statement, _COUNTS.parameters(dialect, list(counts.items())))
