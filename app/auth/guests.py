"""Whether a guest is still there. The rows belong to rooms, which stands above: named by string, as foreign keys are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Select, Uuid, and_, column, select, table

from app.backends.columns import Instant

_guests = table(
    "guests",
    column("id", Uuid(as_uuid=False)),
    column("room_id", Uuid(as_uuid=False)),
    column("name"),
    column("removed_at", Instant()),
)


def select_guests(asked: FromClause, guest_id: Any, room_id: Any) -> Select[*tuple[Any, ...]]:
    """The guests who are still there of those in `asked`, which has their ids in these columns."""
    here = and_(_guests.c.id == guest_id, _guests.c.room_id == room_id, _guests.c.removed_at.is_(None))
    return select(_guests.c.id, _guests.c.room_id, _guests.c.name).select_from(asked).join(_guests, here)
