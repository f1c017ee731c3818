"""Accounts: looked up and changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.auth import devices
from app.auth.models import Device, User
from app.auth.names import normal_email, normal_username
from app.auth.passwords import hash_password, verify_password
from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id

ROWS_PER_STATEMENT = 1_000

# Against other changes of the account. Not against rows that refer to it: whoever signs in would hold up a batch of messages.
HELD = {"key_share": True}


def require_account(actor: Actor) -> str:
    """The id of the actor's account.

    Raises:
        AppError: `unauthenticated` when nobody is signed in, `forbidden` for guests.
    """
    if actor.user_id is None:
        raise AppError("unauthenticated" if actor.kind == "anonymous" else "forbidden")
    return actor.user_id


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
        user = work.session.get_one(User, user_id, with_for_update=HELD)
        if user.password_hash != password_hash:
            raise AppError("bad_credentials", "That is not your current password.")
        user.password_hash, user.updated_at = new_hash, work.now
        others = select(Device).where(Device.user_id == user_id, Device.revoked_at.is_(None))
        devices.revoke(work, [device for device in work.session.scalars(others) if device.id != actor.session_id])


def set_password(*, username: str, new: str) -> User:
    """Replace a password that is lost, for the operator; every device of the account is signed out.

    Args:
        username: or its e-mail address.

    Raises:
        AppError: `user_not_found`.
    """
    new_hash = hash_password(new)
    with transaction() as work:
        found = find_user(work.session, **{"email" if "@" in username else "username": username})
        if found is None:
            raise AppError("user_not_found")
        user = work.session.get_one(User, found.id, with_for_update=HELD)
        user.password_hash, user.updated_at = new_hash, work.now
        devices.revoke(work, work.session.scalars(select(Device).where(Device.user_id == user.id)))
    return user


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


def hold_account(session: Session, user_id: str) -> None:
    """Keep others who hold the account waiting until the commit: for what one person may do only so much of."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


def mark_seen(user_ids: Collection[str], instant: datetime) -> None:
    """The accounts were last seen at `instant`; one transaction, in the order of their ids, so that no two of them deadlock.

    Raises:
        AppError: `database_unavailable`.
    """
    ids = sorted(user_ids)
    with transaction() as work:
        for start in range(0, len(ids), ROWS_PER_STATEMENT):
            some = ids[start : start + ROWS_PER_STATEMENT]
            statement = update(User).where(User.id.in_(some)).values(last_seen_at=instant)
            work.session.execute(statement, execution_options={"synchronize_session": False})
