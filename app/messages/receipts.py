"""How far people have read: one cursor per person and room that only moves forward.

`message-read` is ephemeral: readings are gathered for `GATHER_S`, then each author is told, once per reader, the newest of
their own messages that the reader has now seen. What is lost in a crash is a receipt on somebody's screen, never a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gevent
import structlog
from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.auth.models import User
from app.backends.handles import handles
from app.backends.many import among
from app.backends.transaction import Transaction, database, reading, transaction
from app.core.actor import Actor
from app.core.clock import from_wire, to_wire
from app.core.errors import AppError
from app.core.event import Event
from app.messages.cursors import Before, decode_place, encode_place
from app.messages.events import message_read
from app.messages.history import require_message
from app.messages.models import Message, ReadCursor
from app.rooms.models import Guest, Membership

GATHER_S = 0.25
GATHERED_MESSAGES = 500
UNREAD_MAX = 1000

log = structlog.get_logger(__name__)


def mark_read(*, actor: Actor, room_id: str, message_id: str) -> dict[str, Any]:
    """Move the actor's cursor to a message, never back: `{roomId, messageId, readAt}`, of where it is now.

    Raises:
        AppError: `message_not_found` (also: of another room), and those of `require_role` for a guest.
    """
    with transaction() as work:
        access, message = require_message(work.session, actor=actor, message_id=message_id)
        if message["roomId"] != room_id or actor.id is None:
            raise AppError("message_not_found")
        before = work.session.scalar(
            select(ReadCursor.seq).where(ReadCursor.room_id == room_id, ReadCursor.person_id == actor.id)
        )
        moved = (before or 0) < message["seq"] and _move(work, room_id, actor.id, message["seq"])
        if moved and access.room.setting("receipts"):
            step = Step(before or 0, message["seq"], to_wire(work.now))
            work.after_commit(lambda: gathered.note(room_id, str(actor.id), step))
        is_at, read_at = (message_id, work.now) if moved else _cursor(work.session, room_id, actor.id)
    return {"roomId": room_id, "messageId": is_at, "readAt": to_wire(read_at)}


def get_receipts(*, actor: Actor, message_id: str, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """Who has read a message, whoever read last first: `{items: [{userId, username, name, isGuest, readAt}], nextCursor}`.

    `readAt` is when the reader's cursor last moved, so at or after the reading of this message.

    Raises:
        AppError: `message_not_found`, `receipts_off`, `bad_cursor`, and those of `require_role` for a guest.
    """
    place = decode_place(cursor, Before)
    with reading() as session:
        access, message = require_message(session, actor=actor, message_id=message_id)
        if not access.room.setting("receipts"):
            raise AppError("receipts_off")
        query = (
            select(ReadCursor.person_id, ReadCursor.read_at, User.username, User.name, Guest.name.label("guest_name"))
            .outerjoin(User, User.id == ReadCursor.person_id)
            .outerjoin(Guest, Guest.id == ReadCursor.person_id)
            .where(ReadCursor.room_id == message["roomId"], ReadCursor.seq >= message["seq"])
            .where(or_(User.id.is_not(None), Guest.id.is_not(None)))
            .order_by(ReadCursor.read_at.desc(), ReadCursor.person_id.desc())
        )
        if message["userId"]:
            query = query.where(ReadCursor.person_id != message["userId"])
        if isinstance(place, Before):
            query = query.where(tuple_(ReadCursor.read_at, ReadCursor.person_id) < (place.at, place.id))
        rows = session.execute(query.limit(limit + 1)).all()
    items = [_receipt(row) for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    next_cursor = encode_place(Before(from_wire(last["readAt"]), last["userId"])) if last else None
    return {"items": items, "nextCursor": next_cursor}


def count_unread(session: Session, actor: Actor, room_ids: Sequence[str]) -> dict[str, int]:
    """For each of the rooms that the account is in: messages of others past its cursor, at most `UNREAD_MAX`; one query."""
    unread = (
        select(Message.id)
        .where(
            Message.room_id == Membership.room_id,
            Message.seq > func.coalesce(ReadCursor.seq, Membership.joined_chat_seq),
            Message.deleted_at.is_(None),
            Message.message_type != "system",
            Message.user_id.is_distinct_from(actor.user_id),
        )
        .correlate(Membership, ReadCursor)
        .order_by(Message.seq)  # walked along the index from the cursor, as far as the limit, not collected first
        .limit(UNREAD_MAX)
        .subquery()
    )
    query = (
        select(Membership.room_id, select(func.count()).select_from(unread).scalar_subquery().label("unread"))
        .outerjoin(
            ReadCursor, (ReadCursor.room_id == Membership.room_id) & (ReadCursor.person_id == Membership.user_id)
        )
        .where(Membership.user_id == actor.user_id, Membership.role != "left")
        .where(among(session, Membership.room_id, room_ids))
    )
    return {row.room_id: row.unread for row in session.execute(query)}


def _move(work: Transaction, room_id: str, person_id: str, seq: int) -> bool:
    """Write the cursor unless it is that far already."""
    insert = postgres_insert if database.dialect == "postgresql" else sqlite_insert
    moved = insert(ReadCursor).values(room_id=room_id, person_id=person_id, seq=seq, read_at=work.now)
    moved = moved.on_conflict_do_update(
        index_elements=[ReadCursor.room_id, ReadCursor.person_id],
        set_={"seq": moved.excluded.seq, "read_at": moved.excluded.read_at},
        where=ReadCursor.seq < moved.excluded.seq,
    )
    return work.session.execute(moved.returning(ReadCursor.seq)).first() is not None


def _cursor(session: Session, room_id: str, person_id: str) -> tuple[str, datetime]:
    """The message that a cursor is at, and since when."""
    at_cursor = and_(Message.room_id == ReadCursor.room_id, Message.seq == ReadCursor.seq)
    query = select(Message.id, ReadCursor.read_at).join(ReadCursor, at_cursor)
    message_id, read_at = session.execute(
        query.where(ReadCursor.room_id == room_id, ReadCursor.person_id == person_id)
    ).one()
    return message_id, read_at


def _receipt(row: Any) -> dict[str, Any]:
    is_guest = row.guest_name is not None
    return {
        "userId": row.person_id,
        "username": row.guest_name if is_guest else row.username,
        "name": row.guest_name if is_guest else row.name,
        "isGuest": is_guest,
        "readAt": to_wire(row.read_at),
    }


@dataclass(frozen=True, slots=True)
class Step:
    """A cursor moved from `after` to `upto`."""

    after: int
    upto: int
    read_at: str


class Gathered:
    """The steps of this worker that authors have not been told of: by room, then by reader."""

    def __init__(self) -> None:
        self._steps: dict[str, dict[str, Step]] = {}
        self._timer: gevent.Greenlet[[], None] | None = None

    def note(self, room_id: str, reader_id: str, step: Step) -> None:
        """Tell of `step` soon, together with what comes until then."""
        readers = self._steps.setdefault(room_id, {})
        earlier = readers.get(reader_id)
        after = min(earlier.after, step.after) if earlier else step.after
        readers[reader_id] = Step(after, step.upto, step.read_at)
        if self._timer is None:
            self._timer = gevent.spawn_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Tell the authors; a failure is logged, nobody waits for it."""
        steps, self._steps, self._timer = self._steps, {}, None
        for room_id, readers in steps.items():
            try:
                handles.bus.publish(_events(room_id, readers))
            except Exception:
                log.exception("receipts_failed", room_id=room_id)

    def clear(self) -> None:
        """Forget everything."""
        if self._timer is not None:
            self._timer.kill(block=False)
        self._steps, self._timer = {}, None


def _events(room_id: str, readers: dict[str, Step]) -> list[Event]:
    after, upto = min(step.after for step in readers.values()), max(step.upto for step in readers.values())
    query = (
        select(Message.id, Message.seq, func.coalesce(Message.user_id, Message.guest_id).label("author_id"))
        .where(Message.room_id == room_id, Message.seq > after, Message.seq <= upto, Message.deleted_at.is_(None))
        .order_by(Message.seq.desc())
        .limit(GATHERED_MESSAGES)
    )
    with reading() as session:
        messages = session.execute(query).all()
    events = []
    for reader_id, step in readers.items():
        newest: dict[str, str] = {}
        for ident, seq, author_id in messages:
            if author_id and author_id != reader_id and step.after < seq <= step.upto:
                newest.setdefault(author_id, ident)
        events += [
            message_read(author_id=author, room_id=room_id, message_id=ident, reader_id=reader_id, read_at=step.read_at)
            for author, ident in newest.items()
        ]
    return events


gathered = Gathered()
