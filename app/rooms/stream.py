"""The two numbered streams of a room: `room` (room, stage and timers) and `chat` (the conversation).

Whoever changes something numbered calls `append_room_event` or `raise_chat` in the same transaction, after having written
the change. The first statement that takes the head's row lock decides the order; it is held until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from sqlalchemy import Integer, Table, Update, Uuid, select, update
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.backends.prepared import Prepared
from app.backends.transaction import Transaction
from app.core.actor import Actor
from app.core.event import Event, room_channel
from app.rooms.models import RoomEvent, RoomHead
from app.rooms.recording import record_action, subject_of

_HEADS = cast("Table", RoomHead.__table__)
_ROOMS = Bulk("wanted", {"room_id": Uuid(as_uuid=False)})
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
    details: dict[str, Any] | None = None,
) -> int:
    """Number a change of the room's stream, log it, and emit it as `name` with `payload` + `seq`.

    What a person did is in the audit log as well.

    Args:
        cause: what happened, for subscribers, audit and report (`start`).
        before: what was there, enough to undo it.
        details: what the audit says beside the cause (`{"role": "host"}`).

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
    record_action(
        work,
        room_id=room_id,
        actor=actor,
        action=cause or name,
        event=name,
        seq=seq,
        subject=subject_of(name, payload, before or {}),
        details=details,
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
    dialect = session.get_bind().dialect.name
    wanted = _ROOMS.parameters(dialect, [(room_id,) for room_id in sorted(set(room_ids))])
    return {row.room_id: row.chat_seq for row in _LOCK.rows(session, wanted)}


def raise_chats(dialect: str) -> Update:
    """Takes numbers of the chat streams whose heads are locked: a statement on the rows of `chat_counts`."""
    taken = _COUNTS.table(dialect)
    return update(_HEADS).where(_HEADS.c.room_id == taken.c.room_id).values(chat_seq=_HEADS.c.chat_seq + taken.c.count)


def chat_counts(dialect: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """The parameters of `raise_chats`: `counts[room_id]` numbers of each room."""
    return _COUNTS.parameters(dialect, list(counts.items()))


def _lock(dialect: str) -> Any:
    wanted = select(_ROOMS.table(dialect).c.room_id)
    return (
        select(_HEADS.c.room_id, _HEADS.c.chat_seq)
        .where(_HEADS.c.room_id.in_(wanted))
        .order_by(_HEADS.c.room_id)
        .with_for_update()
    )


_LOCK = Prepared(_lock)
