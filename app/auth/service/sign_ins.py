"""Signing up, in and out, and the exchange of refresh tokens.

Passwords are hashed outside every transaction, so that no connection is held while argon2 works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import devices, tokens
from app.auth.models import Device, RefreshToken, User
from app.auth.names import generated_usernames, normal_email, normal_username
from app.auth.passwords import hash_password, needs_rehash, verify_password
from app.auth.service.accounts import HELD, find_user
from app.auth.tokens import hash_token
from app.backends.handles import handles
from app.backends.transaction import Transaction, database, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.lines import is_one_line

UNNAMED = "person"


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
    label = next(text for text in (name, username, local_part, UNNAMED) if text and is_one_line(text))[:80]
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
        user = work.session.get_one(User, user.id, with_for_update=HELD)
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
