"""Accounts and sign-ins: the only way to act on them. Knows no HTTP; `routes` and the dashboard call it alike.

Passwords are hashed outside every transaction, so that no connection is held while argon2 works.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import devices, tokens
from app.auth.bearers import find_account_actor, find_guest_actor
from app.auth.models import Device, RefreshToken, User
from app.auth.names import generated_usernames, normal_email, normal_username
from app.auth.passwords import hash_password, needs_rehash, verify_password
from app.auth.tokens import TokenKind, hash_token, read_token
from app.backends.handles import handles
from app.backends.transaction import Transaction, database, reading, transaction
from app.core.actor import Actor
from app.core.clock import add_ms
from app.core.errors import AppError
from app.core.ids import is_id, new_id

EVERY_KIND: frozenset[TokenKind] = frozenset({"access", "guest", "socket"})

# Against other changes of the account. Not against rows that refer to it: whoever signs in would hold up a batch of messages.
_HELD = {"key_share": True}


@dataclass(frozen=True, slots=True)
class SignIn:
    """A fresh pair of tokens: of `user` on the device `session_id`; `expires_in_s` is the access token's life in seconds."""

    user: User
    session_id: str
    access_token: str
    expires_in_s: int
    refresh_token: str


def register(
    *,
    password: str,
    email: str | None = None,
    username: str | None = None,
    name: str | None = None,
    user_agent: str = "",
    is_operator: bool = False,
) -> SignIn:
    """Make an account and sign it in. `username` and `name` are made from what is given when they are not.

    Raises:
        AppError: `already_taken` (details name the field), `validation_failed` when neither email nor username is given.
    """
    if not email and not username:
        raise AppError("validation_failed", details={"email": ["One of email, username is required."]})
    email = normal_email(email) if email else None
    local_part = (email or "").partition("@")[0]
    label = (name or username or local_part)[:80]
    wanted = [normal_username(username)] if username else generated_usernames(name or local_part)
    values = {"email": email, "name": label, "is_operator": is_operator, "password_hash": hash_password(password)}
    for candidate in wanted:
        try:
            with transaction() as work:
                user = _add_user(work, username=candidate, **values)
                return _sign_in(work, user, user_agent)
        except IntegrityError:
            _refuse_taken_email(email)
    raise AppError("already_taken", details={"username": ["Somebody else has this name."]})


def log_in(*, identifier: str, password: str, user_agent: str = "") -> SignIn:
    """Sign in by email or username; what fails does not tell which part was wrong, nor how fast.

    Raises:
        AppError: `bad_credentials`.
    """
    with reading() as session:
        user = _find_by_identifier(session, identifier)
        password_hash = user.password_hash if user else None
    if not verify_password(password_hash, password) or user is None or password_hash is None:
        raise AppError("bad_credentials")
    renewed = hash_password(password) if needs_rehash(password_hash) else password_hash
    with transaction() as work:
        user = work.session.get_one(User, user.id, with_for_update=_HELD)
        if user.password_hash != password_hash:  # changed while we were checking the old one
            raise AppError("bad_credentials")
        user.password_hash = renewed
        return _sign_in(work, user, user_agent)


def refresh(*, refresh_token: str) -> SignIn:
    """Exchange a refresh token for the next pair (`devices` says how).

    Raises:
        AppError: `invalid_token`, `token_expired`, `refresh_reused` (the device is signed out by then).
    """
    with transaction() as work:
        rotation = devices.rotate(work, refresh_token)
        user = work.session.get_one(User, rotation.device.user_id)
    if rotation.successor is None:
        raise AppError("refresh_reused")
    return _grant(user, rotation.device.id, rotation.successor)


def log_out(*, actor: Actor, refresh_token: str | None = None) -> None:
    """End the device of `refresh_token`, and the one that the actor acts from. A token that is none is no error (RFC 7009).

    Raises:
        AppError: `unauthenticated` when neither names a device.
    """
    if refresh_token is None and actor.session_id is None:
        raise AppError("unauthenticated")
    with transaction() as work:
        by_token = select(RefreshToken.device_id).where(RefreshToken.token_hash == hash_token(refresh_token or ""))
        mine = select(Device).where(Device.id.in_(by_token) | (Device.id == actor.session_id))
        devices.revoke(work, work.session.scalars(mine))


def change_password(*, actor: Actor, current: str, new: str) -> None:
    """Replace the password; every device but the actor's own is signed out.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account), `bad_credentials` (`current` is not the password).
    """
    user_id = require_account(actor)
    password_hash = get_me(actor=actor).password_hash
    if not verify_password(password_hash, current):
        raise AppError("bad_credentials", "That is not your current password.")
    new_hash = hash_password(new)
    with transaction() as work:
        user = work.session.get_one(User, user_id, with_for_update=_HELD)
        if user.password_hash != password_hash:
            raise AppError("bad_credentials", "That is not your current password.")
        user.password_hash, user.updated_at = new_hash, work.now
        others = select(Device).where(Device.user_id == user_id, Device.revoked_at.is_(None))
        devices.revoke(work, [device for device in work.session.scalars(others) if device.id != actor.session_id])


def get_me(*, actor: Actor) -> User:
    """The actor's own account.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    with reading() as session:
        return session.get_one(User, user_id)


def update_me(*, actor: Actor, name: str) -> User:
    """Change how the actor is called; the username stays.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    with transaction() as work:
        user = work.session.get_one(User, user_id)
        if user.name != name:
            user.name, user.updated_at = name, work.now
    return user


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


def make_socket_token(*, actor: Actor) -> str:
    """A token for a socket's handshake or `authenticate`, good for a minute.

    Raises:
        AppError: `unauthenticated`, `forbidden` (no account).
    """
    user_id = require_account(actor)
    return tokens.issue_socket_token(user_id=user_id, session_id=str(actor.session_id), now=database.now())


def issue_guest_token(*, guest_id: str, room_id: str, name: str) -> str:
    """The token of a guest who was just let in; the caller has checked that they may be."""
    life_ms = handles.settings.guest_token_ms
    return tokens.issue_guest_token(guest_id=guest_id, room_id=room_id, name=name, now=database.now(), life_ms=life_ms)


def authenticate(token: str, *, kinds: Collection[TokenKind] = EVERY_KIND) -> tuple[Actor, datetime]:
    """Who presents `token`, and until when that holds; one query, shared by those who ask at the same moment.

    The database is asked each time: a device that was signed out, or a guest who was removed, is refused at once. A socket
    opened by a `socket` token may live as long as by an access token made at the same moment.

    Raises:
        AppError: `invalid_token`, `token_expired`.
    """
    claims = read_token(token, now=database.now())
    if claims.kind not in kinds:
        raise AppError("invalid_token")
    actor = find_guest_actor(claims) if claims.kind == "guest" else find_account_actor(claims)
    if actor is None:
        raise AppError("invalid_token")
    lead_ms = handles.settings.access_token_ms - tokens.SOCKET_TOKEN_MS if claims.kind == "socket" else 0
    return actor, add_ms(claims.expires_at, max(lead_ms, 0))


def require_account(actor: Actor) -> str:
    """The id of the actor's account.

    Raises:
        AppError: `unauthenticated` when nobody is signed in, `forbidden` for guests.
    """
    if actor.user_id is None:
        raise AppError("unauthenticated" if actor.kind == "anonymous" else "forbidden")
    return actor.user_id


def find_user(
    session: Session, *, user_id: str | None = None, email: str | None = None, username: str | None = None
) -> User | None:
    """The account by the first of these that is given; None when there is no such account."""
    if user_id is not None:
        return session.get(User, user_id) if is_id(user_id) else None
    if email is not None:
        return session.scalar(select(User).where(User.email == normal_email(email)))
    return session.scalar(select(User).where(User.username == normal_username(username or "")))


def get_users(session: Session, ids: Collection[str]) -> dict[str, User]:
    """The accounts among `ids`, by id; one query."""
    wanted = [user_id for user_id in set(ids) if is_id(user_id)]
    if not wanted:
        return {}
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(wanted)))}


def find_device_id(*, refresh_token: str) -> str | None:
    """The device that a refresh token belongs to, whatever has become of it."""
    with reading() as session:
        query = select(RefreshToken.device_id).where(RefreshToken.token_hash == hash_token(refresh_token))
        return session.scalar(query)


def list_revoked(session: Session, session_ids: Collection[str]) -> set[str]:
    """Those of `session_ids` (devices that sockets were opened from) that are signed out; for the poll of the heads."""
    if not session_ids:
        return set()
    alive = select(Device.id).where(Device.id.in_(list(session_ids)), Device.revoked_at.is_(None))
    return set(session_ids) - set(session.scalars(alive))


def prune_devices() -> int:
    """Forget devices whose last token has expired, and used tokens past their life. Returns how many devices."""
    with transaction() as work:
        work.session.execute(delete(RefreshToken).where(RefreshToken.expires_at <= work.now))
        gone: Any = work.session.execute(delete(Device).where(Device.expires_at <= work.now))
        return int(gone.rowcount)


def _add_user(work: Transaction, **values: Any) -> User:
    user = User(id=new_id(), created_at=work.now, updated_at=work.now, **values)
    work.session.add(user)
    work.session.flush()
    return user


def _refuse_taken_email(email: str | None) -> None:
    with reading() as session:
        if email is not None and find_user(session, email=email) is not None:
            raise AppError("already_taken", details={"email": ["There is an account with this address."]})


def _find_by_identifier(session: Session, identifier: str) -> User | None:
    if "@" in identifier:
        return find_user(session, email=identifier)
    return find_user(session, username=identifier)


def _sign_in(work: Transaction, user: User, user_agent: str) -> SignIn:
    device, refresh_token = devices.open_device(work, user.id, user_agent)
    return _grant(user, device.id, refresh_token)


def _grant(user: User, session_id: str, refresh_token: str) -> SignIn:
    life_ms = handles.settings.access_token_ms
    access_token = tokens.issue_access_token(
        user_id=user.id,
        username=user.username,
        name=user.name,
        session_id=session_id,
        now=database.now(),
        life_ms=life_ms,
    )
    return SignIn(user, session_id, access_token, life_ms // 1000, refresh_token)
