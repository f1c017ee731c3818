"""Bans: who may not come back until it is lifted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.backends.insert import insert_unless_exists
from app.backends.transaction import Transaction, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id, new_id
from app.rooms.access import Access, require_role
from app.rooms.events import change_access, log_update
from app.rooms.models import Ban, Guest, Membership, Role
from app.rooms.people import find_person, people
from app.rooms.service.guests import find_guest
from app.rooms.service.members import LEFT, hold_person, move, require_above
from app.web.cursor import PAGE_SIZE, Page, cut_page, older_than


@dataclass(frozen=True, slots=True)
class BanView:
    """A ban, and the name of the banned."""

    id: str
    room_id: str
    user_id: str | None
    guest_id: str | None
    name: str
    reason: str | None
    created_by: str | None
    created_at: datetime


def create_ban(
    *,
    actor: Actor,
    room_id: str,
    user_id: str | None = None,
    guest_id: str | None = None,
    reason: str | None = None,
) -> BanView:
    """Take an account or a guest out for good; whether the account is in the room does not matter. Twice is once.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `user_not_found`, `guest_not_found`, `conflict`.
    """
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
        if user_id is not None:
            before = _take_out_account(work, access, user_id)
        else:
            before = _take_out_guest(work, access, guest_id or "")
        is_new = insert_unless_exists(
            work.session,
            Ban,
            id=new_id(),
            room_id=access.room.id,
            user_id=user_id,
            guest_id=guest_id,
            reason=reason,
            created_by=actor.id,
            created_at=work.now,
        )
        if is_new:
            change_access(work, access.room.id, "banned", user_id=user_id, guest_id=guest_id)
            log_update(work, access.room, actor, "banned", before)
        who = Ban.user_id == user_id if user_id is not None else Ban.guest_id == guest_id
        return _views(work.session, access.room.id, who)[0]


def list_bans(*, actor: Actor, room_id: str, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[BanView]:
    """The bans, the newest first.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `bad_cursor`.
    """
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.HOST).room
        conditions = [older_than(cursor, Ban.created_at, Ban.id)] if cursor else []
        views = _views(session, room.id, *conditions, limit=limit + 1)
        return cut_page(views, limit, lambda ban: (ban.created_at, ban.id))


def get_ban_reasons(session: Session, room_id: str, person_ids: Collection[str]) -> dict[tuple[str, datetime], str]:
    """Why these people are banned, by their id and when it was done: for the audit, which holds no words itself.

    A ban that was lifted, or has no reason, is not there. The caller has checked that a host asks.
    """
    who = func.coalesce(Ban.user_id, Ban.guest_id)
    bans = select(who, Ban.created_at, Ban.reason).where(Ban.room_id == room_id, who.in_(person_ids))
    return {(ident, at): reason for ident, at, reason in session.execute(bans) if reason}


def delete_ban(*, actor: Actor, room_id: str, ban_id: str) -> None:
    """Lift a ban; whoever it was has to join again.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `ban_not_found`.
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST).room
        statement = delete(Ban).where(Ban.id == (ban_id if is_id(ban_id) else None), Ban.room_id == room.id)
        lifted = work.session.execute(statement.returning(Ban.user_id, Ban.guest_id)).one_or_none()
        if lifted is None:
            raise AppError("ban_not_found")
        log_update(work, room, actor, "unbanned", {"userId": lifted.user_id, "guestId": lifted.guest_id})


def _take_out_account(work: Transaction, access: Access, user_id: str) -> dict[str, str | None]:
    find_person(work.session, user_id=user_id)
    hold_person(work, access.room.id, user_id)
    membership = work.session.get(Membership, (user_id, access.room.id))
    if membership is None or membership.role == LEFT:
        return {"userId": user_id, "role": None}
    require_above(access, membership)
    before: dict[str, str | None] = {"userId": user_id, "role": membership.role}
    move(work, membership, role=LEFT)
    return before


def _take_out_guest(work: Transaction, access: Access, guest_id: str) -> dict[str, str | None]:
    guest = find_guest(work.session, access.room.id, guest_id)
    guest.removed_at = work.now
    return {"guestId": guest.id, "name": guest.name}


def _views(session: Session, room_id: str, *conditions: object, limit: int | None = None) -> list[BanView]:
    name = func.coalesce(people.c.name, Guest.name)
    statement = (
        select(Ban.id, Ban.room_id, Ban.user_id, Ban.guest_id, name, Ban.reason, Ban.created_by, Ban.created_at)
        .outerjoin(people, people.c.id == Ban.user_id)
        .outerjoin(Guest, Guest.id == Ban.guest_id)
        .where(Ban.room_id == room_id, *conditions)  # type: ignore[arg-type]
        .order_by(Ban.created_at.desc(), Ban.id.desc())
        .limit(limit)
    )
    return [BanView(*row) for row in session.execute(statement)]
