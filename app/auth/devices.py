"""Devices and the rotation of their refresh tokens (RFC 9700, section 4.14.2).

1. A refresh token is exchanged once, for a new access token and its successor.
2. Whoever exchanges it again within `GRACE_MS` (two tabs waking up together, an answer lost on the way) gets the same one.
3. Later than that it was stolen, from us or from its owner: the device is signed out, and both have to sign in again.

The successor is an HMAC of its predecessor under the server's secret: it can be handed out again without being stored, and
nobody who holds an old token can work out a newer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.auth.events import session_revoked
from app.auth.models import Device, RefreshToken
from app.auth.tokens import hash_token, keyring
from app.backends.handles import handles
from app.backends.transaction import Transaction
from app.core.clock import add_ms, ms_between
from app.core.errors import AppError
from app.core.ids import new_id, new_token

GRACE_MS = 5_000
DEVICES_PER_PERSON = 50
USER_AGENT_CHARACTERS = 200
REFRESH_TOKEN_BYTES = 32
_PURPOSE = "refresh"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of a presented refresh token: its `successor`, or None when its replay ended the device."""

    device: Device
    successor: str | None


def open_device(work: Transaction, user_id: str, user_agent: str) -> tuple[Device, str]:
    """A new device with the first token of its chain; past `DEVICES_PER_PERSON` the longest unused gives way."""
    crowd = select(Device).where(Device.user_id == user_id, Device.revoked_at.is_(None))
    crowd = crowd.order_by(Device.last_used_at.desc(), Device.id.desc()).offset(DEVICES_PER_PERSON - 1)
    revoke(work, work.session.scalars(crowd))
    device = Device(
        id=new_id(),
        user_id=user_id,
        user_agent=user_agent[:USER_AGENT_CHARACTERS],
        created_at=work.now,
        last_used_at=work.now,
        expires_at=_expiry(work),
    )
    work.session.add(device)
    work.session.flush()
    token = new_token(REFRESH_TOKEN_BYTES)
    _add_token(work, device, token)
    return device, token


def rotate(work: Transaction, presented: str) -> Rotation:
    """Exchange `presented` by the rules above. A replay revokes the device in `work`: commit it, then refuse.

    Raises:
        AppError: `invalid_token` (unknown, or its device is signed out), `token_expired`.
    """
    token, device = _find(work, presented)
    if token.expires_at <= work.now:
        raise AppError("token_expired")
    if token.used_at is None:
        successor = keyring.derive(_PURPOSE, presented)[0]
        token.used_at = device.last_used_at = work.now
        device.expires_at = _expiry(work)
        _add_token(work, device, successor)
        return Rotation(device, successor)
    if ms_between(token.used_at, work.now) <= GRACE_MS:
        return Rotation(device, _issued_successor(work, presented))
    revoke(work, [device])
    return Rotation(device, None)


def revoke(work: Transaction, devices: Iterable[Device]) -> None:
    """Sign `devices` out; those that are already stay as they are."""
    for device in devices:
        if device.revoked_at is None:
            device.revoked_at = work.now
            work.emit(session_revoked(device.user_id, device.id))


def _find(work: Transaction, presented: str) -> tuple[RefreshToken, Device]:
    # The row lock makes parallel refreshes take turns; on SQLite writers do so anyway.
    query = select(RefreshToken, Device).join(Device, Device.id == RefreshToken.device_id)
    query = query.where(RefreshToken.token_hash == hash_token(presented)).with_for_update()
    row = work.session.execute(query).one_or_none()
    if row is None or row[1].revoked_at is not None:
        raise AppError("invalid_token")
    return row[0], row[1]


def _issued_successor(work: Transaction, presented: str) -> str:
    """The successor as it was issued, also if the secret has been rotated in between."""
    for candidate in keyring.derive(_PURPOSE, presented):
        if work.session.get(RefreshToken, hash_token(candidate)) is not None:
            return candidate
    raise AppError("invalid_token")


def _add_token(work: Transaction, device: Device, token: str) -> None:
    work.session.add(
        RefreshToken(
            token_hash=hash_token(token), device_id=device.id, created_at=work.now, expires_at=device.expires_at
        )
    )


def _expiry(work: Transaction) -> datetime:
    return add_ms(work.now, handles.settings.refresh_token_ms)
