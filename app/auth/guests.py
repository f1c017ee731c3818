"""Whether a guest is still there. The rows belong to rooms, which stands above: named by string, as foreign keys are."""

from __future__ import annotations

from sqlalchemy import Uuid, column, select, table
from sqlalchemy.orm import Session

from app.backends.columns import Instant

_guests = table(
    "guests",
    column("id", Uuid(as_uuid=False)),
    column("room_id", Uuid(as_uuid=False)),
    column("name"),
    column("removed_at", Instant()),
)


def find_guest(session: Session, *, guest_id: str, room_id: str) -> str | None:
    """The guest's name in the room; None once removed."""
    query = select(_guests.c.name).where(_guests.c.id == guest_id, _guests.c.room_id == room_id)
    return session.scalar(query.where(_guests.c.removed_at.is_(None)))
