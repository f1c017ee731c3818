"""Who did what in a room: the log of its stream, read by its hosts as an audit. It reaches back as far as the log is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.rooms.access import require_role
from app.rooms.models import Guest, Role, RoomEvent
from app.rooms.people import people
from app.web.cursor import PAGE_SIZE, Page

_DIGITS = 18


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action. `action` is what happened (`start`, `banned`), `event` how it looks to clients (`timer-update`).

    `actor_id` is None for what happened by itself; `timer_id` and `user_id` say what it was about, if it was about one.
    """

    seq: int
    at: datetime
    action: str | None
    event: str
    actor_id: str | None
    actor_name: str | None
    timer_id: str | None
    user_id: str | None


def list_audit(*, actor: Actor, room_id: str, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[AuditEntry]:
    """What hosts and the room itself did, the newest first.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `bad_cursor`.
    """
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        query = select(RoomEvent).where(RoomEvent.room_id == room.id)
        if cursor:
            query = query.where(RoomEvent.seq < _decode(cursor))
        rows = session.scalars(query.order_by(RoomEvent.seq.desc()).limit(limit + 1)).all()
        names = _names(session, rows)
        items = [_entry(row, names) for row in rows[:limit]]
        return Page(items, str(items[-1].seq) if len(rows) > limit else None)


def _decode(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _DIGITS):
        raise AppError("bad_cursor")
    return int(cursor)


def _names(session: Session, rows: Sequence[RoomEvent]) -> dict[str, str]:
    """The names of those who acted, accounts and guests."""
    ids = {row.actor_id for row in rows if row.actor_id}
    accounts = session.execute(select(people.c.id, people.c.name).where(people.c.id.in_(ids)))
    guests = session.execute(select(Guest.id, Guest.name).where(Guest.id.in_(ids)))
    return {row.id: row.name for row in (*accounts, *guests)}


def _entry(row: RoomEvent, names: dict[str, str]) -> AuditEntry:
    is_timer = row.type.startswith("timer-")
    return AuditEntry(
        seq=row.seq,
        at=row.created_at,
        action=row.cause,
        event=row.type,
        actor_id=row.actor_id,
        actor_name=names.get(row.actor_id or ""),
        timer_id=row.payload.get("id") if is_timer else None,
        user_id=(row.before or {}).get("userId") if not is_timer else None,
    )
