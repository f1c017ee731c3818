"""How much may be kept: counted from the rows themselves, what is still on its way included."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.auth.service import hold_account
from app.backends.handles import handles
from app.core.errors import AppError
from app.rooms.access import lock_room
from app.rooms.models import Room
from app.uploads.models import Attachment


def require_quota(session: Session, *, user_id: str, room: Room, size: int, now: datetime) -> None:
    """Refuse unless `size` more bytes fit; the person and the room are held, so that no two askers count the same space.

    Raises:
        AppError: `quota_exceeded`.
    """
    settings = handles.settings
    hold_account(session, user_id)
    lock_room(session, room)
    mine, its = Attachment.user_id == user_id, Attachment.room_id == room.id
    for name, which, most in (
        ("person", mine, settings.upload_person_quota_bytes),
        ("room", its, settings.upload_room_quota_bytes),
    ):
        if most and _used(session, which, now) + size > most:
            raise AppError("quota_exceeded", details={name: [f"At most {most} bytes."]})


def _used(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    counts = or_(Attachment.completed_at.is_not(None), Attachment.expires_at > now)
    return int(session.scalar(select(func.coalesce(func.sum(Attachment.bytes), 0)).where(which, counts)) or 0)
