"""The rules of who may read and write what in a conversation: pure, so that every case is one line of a test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.clock import add_ms, ms_between, to_wire
from app.core.errors import AppError
from app.rooms.access import Access
from app.rooms.models import DEFAULT_SETTINGS, Role

_WRITES_FROM = {"open": Role.GUEST, "members": Role.MEMBER, "hosts": Role.HOST}


def refuse_writing(
    settings: Mapping[str, Any], *, role: Role, muted_until: datetime | None, now: datetime
) -> AppError | None:
    """Why somebody with `role` may not write now; None when they may."""
    if role < Role.GUEST:
        return AppError("forbidden")
    if role is Role.GUEST and not _value(settings, "guests"):
        return AppError("guests_not_allowed")
    if muted_until is not None and muted_until > now:
        return AppError(
            "muted", details={"mutedUntil": [to_wire(muted_until)]}, retry_after_ms=ms_between(now, muted_until)
        )
    return None if _is_open_to(settings, role) else AppError("chat_closed")


def refuse_hurry(
    settings: Mapping[str, Any], *, role: Role, last_at: datetime | None, now: datetime
) -> AppError | None:
    """Slow mode: why it is too soon after the author's last message; hosts are not slowed down."""
    slow_ms = int(_value(settings, "slowModeMs"))
    if not slow_ms or last_at is None or role >= Role.HOST:
        return None
    wait_ms = ms_between(now, add_ms(last_at, slow_ms))
    return AppError("slow_mode", retry_after_ms=wait_ms) if wait_ms > 0 else None


def refuse_type(message_type: str, role: Role) -> AppError | None:
    """Stage lines are the hosts'."""
    return AppError("forbidden") if message_type == "stage" and role < Role.HOST else None


def muted_until(access: Access) -> datetime | None:
    """Until when the person of `access` may not write."""
    person = access.membership if access.role >= Role.MEMBER else access.guest
    return person.muted_until if person is not None else None


def may_write(access: Access) -> bool:
    """Whether the conversation is open to the words of the person of `access`, a mute aside."""
    return _is_open_to(access.room.settings, access.role)


def require_writing(access: Access, now: datetime) -> None:
    """Refuse unless the person of `access` may write now.

    Raises:
        AppError: `forbidden` (a viewer), `guests_not_allowed`, `muted`, `chat_closed`.
    """
    why = refuse_writing(access.room.settings, role=access.role, muted_until=muted_until(access), now=now)
    if why is not None:
        raise why


def _is_open_to(settings: Mapping[str, Any], role: Role) -> bool:
    needed = _WRITES_FROM.get(_value(settings, "chatMode"))
    return needed is not None and role >= needed


def _value(settings: Mapping[str, Any], name: str) -> Any:
    return settings.get(name, DEFAULT_SETTINGS[name])
