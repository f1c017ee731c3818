"""The devices that are signed in to accounts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from app.auth import devices
from app.auth.models import Device, RefreshToken
from app.auth.service.accounts import require_account
from app.auth.tokens import hash_token
from app.backends.many import asked
from app.backends.transaction import database, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id


def list_sessions(*, actor: Actor) -> list[Device]:
    """The devices signed in to the actor's account, the last used first; never more than `devices.DEVICES_PER_PERSON`.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    query = select(Device).where(Device.user_id == user_id, Device.revoked_at.is_(None))
    query = query.where(Device.expires_at > database.now()).order_by(Device.last_used_at.desc(), Device.id.desc())
    with reading() as session:
        return list(session.scalars(query))


def delete_session(*, actor: Actor, session_id: str) -> None:
    """Sign one of the actor's devices out.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account), `session_not_found` (also for other people's).
    """
    user_id = require_account(actor)
    with transaction() as work:
        device = work.session.get(Device, session_id) if is_id(session_id) else None
        if device is None or device.user_id != user_id or device.revoked_at is not None:
            raise AppError("session_not_found")
        devices.revoke(work, [device])


def delete_other_sessions(*, actor: Actor) -> None:
    """Sign all of the actor's devices out but the one that they act from.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    with transaction() as work:
        others = select(Device).where(Device.user_id == user_id, Device.revoked_at.is_(None))
        devices.revoke(work, work.session.scalars(others.where(Device.id != actor.session_id)))


def find_device_id(*, refresh_token: str) -> str | None:
    """The device that a refresh token belongs to, whatever has become of it."""
    with reading() as session:
        query = select(RefreshToken.device_id).where(RefreshToken.token_hash == hash_token(refresh_token))
        return session.scalar(query)


def list_revoked(session: Session, session_ids: Collection[str]) -> set[str]:
    """Those of `session_ids` (devices that sockets were opened from) that are signed out; for the poll of the heads."""
    if not session_ids:
        return set()
    session_id = asked(session, session_ids)
    signed_in = exists().where(Device.id == session_id, Device.revoked_at.is_(None))
    return set(session.scalars(select(session_id).where(~signed_in)))


def prune_devices() -> int:
    """Forget devices whose last token has expired, and used tokens past their life. Returns how many devices."""
    with transaction() as work:
        work.session.execute(delete(RefreshToken).where(RefreshToken.expires_at <= work.now))
        gone: Any = work.session.execute(delete(Device).where(Device.expires_at <= work.now))
        return int(gone.rowcount)
