"""Whether a guest is still there. The rows belong to rooms, which stands above: named by string, as foreign keys are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Select, Uuid, and_, column, exists, select, table
from sqlalchemy.orm import Session

from app.backends.columns import Instant

_guests = table(
    "guests",
    column("id", Uuid(as_uuid=False)),
    column("room_id", Uuid(as_uuid=False)),
    column("name"),
    column("removed_at", Instant()),
)


_bans = table("bans", column("guest_id", Uuid(as_uuid=False)), column("room_id", Uuid(as_uuid=False)))


def select_guests(asked: FromClause, guest_id: Any, room_id: Any) -> Select[*tuple[Any, ...]]:
    """The guests who are still there of those in `asked`, which has their ids in these columns."""
    here = and_(_guests.c.id == guest_id, _guests.c.room_id == room_id, _guests.c.removed_at.is_(None))
    return select(_guests.c.id, _guests.c.room_id, _guests.c.name).select_from(asked).join(_guests, here)


def is_banned(session: Session, guest_id: str, room_id: str) -> bool:
    """Whether a guest who is not there any more was banned, and not only removed."""
    here = and_(_bans.c.guest_id == guest_id, _bans.c.room_id == room_id)
    return bool(session.scalar(select(exists().where(here))))
