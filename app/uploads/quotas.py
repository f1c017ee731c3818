"""How much may be kept: counted from the rows themselves, what is still on its way included."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, or_, select
from sqlalchemy.orm import Session

from app.auth.service import hold_account
from app.backends.columns import Instant
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
    used = session.execute(_USED, {"user_id": user_id, "room_id": room.id, "now": now}).one()
    limits = {"person": settings.upload_person_quota_bytes, "room": settings.upload_room_quota_bytes}
    for (name, most), taken in zip(limits.items(), used, strict=True):
        if most and taken + size > most:
            raise AppError("quota_exceeded", details={name: [f"At most {most} bytes."]})


def _sum(which: ColumnElement[bool]) -> ScalarSelect[int]:
    counts = or_(Attachment.completed_at.is_not(None), Attachment.expires_at > bindparam("now", type_=Instant()))
    return select(func.coalesce(func.sum(Attachment.bytes), 0)).where(which, counts).scalar_subquery()


_USED = select(
    _sum(Attachment.user_id == bindparam("user_id")), _sum(Attachment.room_id == bindparam("room_id"))
)  # made once: making it costs more than asking
