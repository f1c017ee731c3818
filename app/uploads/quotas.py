"""How much may be kept: counted from the rows themselves, what is still on its way included."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from app.auth.service import hold_account
from app.backends.handles import handles
from app.core.errors import AppError
from app.rooms.access import lock_room
from app.rooms.models import Room
from app.uploads.models import Attachment

_ATTACHMENTS: Table = Attachment.__table__  # type: ignore[assignment]
_GIVEN = (*(column.name for column in _ATTACHMENTS.columns if not column.nullable), "user_id")


def insert_within_quota(session: Session, *, room: Room, values: dict[str, Any]) -> None:
    """Write an attachment down if its `bytes` fit beside what its person and its room have already.

    The person and the room are held, so that no two askers count the same space; whoever writes to SQLite holds everything.

    Args:
        values: of all columns that may not be empty, and `user_id`.

    Raises:
        AppError: `quota_exceeded`.
    """
    limits = {
        "person": handles.settings.upload_person_quota_bytes,
        "room": handles.settings.upload_room_quota_bytes,
    }
    if session.get_bind().dialect.name != "sqlite":
        hold_account(session, values["user_id"])
        lock_room(session, room)
    connection = session.connection()
    parameters = {
        **{f"new_{name}": value for name, value in values.items()},
        **{f"{name}_most": most for name, most in limits.items()},
    }
    if connection.execute(_insert(), parameters).first() is not None:
        return
    used = connection.execute(_used(), parameters).one()
    raise AppError(
        "quota_exceeded",
        details={
            name: [f"At most {most} bytes."]
            for (name, most), taken in zip(limits.items(), used, strict=True)
            if most and taken + values["bytes"] > most
        },
    )


@lru_cache  # made once: making it costs more than asking
def _insert() -> ReturningInsert[Any]:
    """One statement, which counts and writes."""
    fits = [
        or_(most == literal_column("0"), used + _new("bytes") <= most)
        for most, used in ((_most("person"), _used_by("user_id")), (_most("room"), _used_by("room_id")))
    ]
    return (
        insert(_ATTACHMENTS).from_select(_GIVEN, select(*map(_new, _GIVEN)).where(*fits)).returning(_ATTACHMENTS.c.id)
    )


@lru_cache
def _used() -> Select[*tuple[Any, ...]]:
    return select(_used_by("user_id"), _used_by("room_id"))


def _used_by(whose: str) -> ScalarSelect[int]:
    kept = _ATTACHMENTS.alias(f"by_{whose}")
    counts = or_(kept.c.completed_at.is_not(None), kept.c.expires_at > _new("created_at"))
    total = func.coalesce(func.sum(kept.c.bytes), literal_column("0"))
    return select(total).where(kept.c[whose] == _new(whose), counts).scalar_subquery()


def _new(name: str) -> BindParameter[Any]:
    """A value of the new row."""
    return bindparam(f"new_{name}", type_=_ATTACHMENTS.c[name].type)


def _most(whose: str) -> BindParameter[int]:
    return bindparam(f"{whose}_most", type_=BigInteger())
