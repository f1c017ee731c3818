"""The two numbered streams of a room: `room` (room, stage and timers) and `chat` (the conversation).

Whoever changes something numbered calls `append_room_event` or `raise_chat` in the same transaction, after having written
the change. The first statement that takes the head's row lock decides the order; it is held until the commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Insert, Integer, String, Table, Update, Uuid, insert, select, update
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.backends.columns import Instant, JsonValue
from app.backends.prepared import Asked, Prepared, ask, run
from app.backends.transaction import Transaction, database
from app.core.actor import Actor
from app.core.event import Event, room_channel
from app.rooms.models import RoomEvent, RoomHead
from app.rooms.recording import record_action, subject_of

_HEADS = cast("Table", RoomHead.__table__)
_LOG = cast("Table", RoomEvent.__table__)
_ROOMS = Bulk("wanted", {"room_id": Uuid(as_uuid=False)})
_COUNTS = Bulk("counts", {"room_id": Uuid(as_uuid=False), "count": Integer()})
_CHANGES = Bulk(
    "changes",
    {
        "room_id": Uuid(as_uuid=False),
        "seq": Integer(),
        "type": String(),
        "cause": String(),
        "payload": JsonValue,
        "before": JsonValue,
        "actor_id": Uuid(as_uuid=False),
        "created_at": Instant(),
    },
)


class Change(NamedTuple):
    """A change of a room's stream, as for `append_room_event`."""

    room_id: str
    name: str
    payload: dict[str, Any]
    cause: str
    before: dict[str, Any] | None
    details: dict[str, Any]


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
    work.emit(Event(name, room_channel(room_id), (payload,), "room", seq, cause, before=before))
    return seq


def append_room_events(work: Transaction, changes: Sequence[Change], *, actor: Actor) -> None:
    """`append_room_event` for many changes, in several rooms perhaps: a few statements, whatever their number."""
    session, dialect = work.session, database.dialect
    (locked,) = ask(session, ask_to_lock_heads(dialect, (change.room_id for change in changes)))
    heads = {row.room_id: row.room_seq for row in locked}
    rows, events = [], []
    for change in changes:
        room_id, name, _, cause, before, details = change
        seq = heads[room_id] = heads[room_id] + 1
        payload = {**change.payload, "seq": seq}
        rows.append((room_id, seq, name, cause, payload, before, actor.id, work.now))
        events.append(Event(name, room_channel(room_id), (payload,), "room", seq, cause, before=before))
        subject = subject_of(name, payload, before or {})
        record_action(
            work, room_id=room_id, actor=actor, action=cause, event=name, seq=seq, subject=subject, details=details
        )
    counts = _COUNTS.parameters(dialect, list(Counter(change.room_id for change in changes).items()))
    run(session, Asked(_APPEND, _CHANGES.parameters(dialect, rows)), Asked(_RAISE_ROOMS, counts))
    for event in events:
        work.emit(event)


def raise_chat(session: Session, room_id: str, count: int = 1) -> int:
    """Take `count` numbers of the chat stream; returns the last of them."""
    return _raise(session, room_id, RoomHead.chat_seq, count)


def _raise(session: Session, room_id: str, column: Any, count: int = 1) -> int:
    statement = update(RoomHead).where(RoomHead.room_id == room_id).values({column: column + count}).returning(column)
    return int(session.execute(statement).scalar_one())


def ask_to_lock_heads(dialect: str, room_ids: Iterable[str]) -> Asked:
    """Holds the heads of several rooms until the commit; finds `room_id`, and `room_seq` and `chat_seq`, their newest numbers.

    They are locked in the order of their ids, so that two batches never wait for each other.
    """
    return Asked(_LOCK, _ROOMS.parameters(dialect, [(room_id,) for room_id in sorted(set(room_ids))]))


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
        select(_HEADS.c.room_id, _HEADS.c.room_seq, _HEADS.c.chat_seq)
        .where(_HEADS.c.room_id.in_(wanted))
        .order_by(_HEADS.c.room_id)
        .with_for_update()
    )


def _append(dialect: str) -> Insert:
    rows = _CHANGES.table(dialect)
    return insert(_LOG).from_select(list(_CHANGES.names), select(*(rows.c[name] for name in _CHANGES.names)))


def _raise_rooms(dialect: str) -> Update:
    taken = _COUNTS.table(dialect)
    return update(_HEADS).where(_HEADS.c.room_id == taken.c.room_id).values(room_seq=_HEADS.c.room_seq + taken.c.count)


_LOCK = Prepared(_lock)
_APPEND = Prepared(_append)
_RAISE_ROOMS = Prepared(_raise_rooms)
