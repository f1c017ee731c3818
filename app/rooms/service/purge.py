"""What nobody needs any more is taken away in small transactions, so that no writer waits long."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, tuple_

from app.backends.transaction import transaction
from app.rooms.events import tell_purged
from app.rooms.models import AuditEntry, Room, RoomEvent

BATCH = 500


def purge_deleted_rooms(*, before: datetime) -> int:
    """Remove rooms that were deleted before that instant, with all that belongs to them; returns how many."""
    purged = 0
    while True:
        with transaction() as work:
            room_id = work.session.scalar(select(Room.id).where(Room.deleted_at < before).limit(1))
            if room_id is None:
                return purged
            tell_purged(work, room_id)
            work.session.execute(delete(Room).where(Room.id == room_id))
        purged += 1


def prune_room_events(*, before: datetime) -> int:
    """Remove what was logged before that instant; returns how many events. Older positions get a full state instead."""
    pruned = 0
    key = (RoomEvent.room_id, RoomEvent.seq)
    while True:
        with transaction() as work:
            oldest = select(*key).where(RoomEvent.created_at < before).limit(BATCH)
            removed = work.session.execute(delete(RoomEvent).where(tuple_(*key).in_(oldest)).returning(RoomEvent.seq))
            count = len(removed.all())
        pruned += count
        if count < BATCH:
            return pruned


def prune_audit(*, before: datetime) -> int:
    """Remove what hosts did before that instant; returns how many entries."""
    pruned = 0
    while True:
        with transaction() as work:
            oldest = select(AuditEntry.id).where(AuditEntry.at < before).limit(BATCH)
            removed = work.session.execute(delete(AuditEntry).where(AuditEntry.id.in_(oldest)).returning(AuditEntry.id))
            count = len(removed.all())
        pruned += count
        if count < BATCH:
            return pruned
