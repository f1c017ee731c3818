"""Rooms themselves: made by any account, changed and ended by their owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, not_, select, union
from sqlalchemy.orm import Session

from app.backends.transaction import Transaction, reading, transaction
from app.core.actor import Actor
from app.core.ids import new_id, new_token
from app.rooms.access import Access, lock_room, require_account, require_role
from app.rooms.events import change_access, log_deletion, log_update
from app.rooms.models import EMPTY_STAGE, Ban, Membership, Role, Room, RoomHead
from app.rooms.schemas import Reason, room_payload
from app.web.cursor import PAGE_SIZE, Page, cut_page, older_than

UnreadCounter = Callable[[Session, Actor, Sequence[str]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one person sees it; `unread_count` is known in lists only."""

    room: Room
    rank: Role
    unread_count: int | None = None

    @property
    def role(self) -> str:
        """The role on the wire."""
        return self.rank.wire

    @property
    def is_direct(self) -> bool:
        """Whether it is the room of two."""
        return self.room.direct_key is not None

    @property
    def share_token(self) -> str | None:
        """The token, for who may share it."""
        return self.room.share_token if self.rank >= Role.HOST else None


_unread_counters: list[UnreadCounter] = []


def count_unread_with(counter: UnreadCounter) -> None:
    """Let `counter(session, actor, room_ids)` fill `unreadCount` in lists: one query for all the rooms of a page."""
    _unread_counters[:] = [counter]


def create_room(
    *,
    actor: Actor,
    name: str,
    description: str | None = None,
    is_private: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> RoomView:
    """A new room, owned by `actor`.

    Args:
        settings: some of `DEFAULT_SETTINGS`, by their names on the wire.

    Raises:
        AppError: `unauthenticated`, `forbidden` (guests).
    """
    owner_id = require_account(actor)
    with transaction() as work:
        room = Room(
            id=new_id(),
            name=name,
            description=description,
            is_private=is_private,
            owner_id=owner_id,
            share_token=new_token(),
            settings=dict(settings or {}),
            stage=EMPTY_STAGE,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(room)
        add_head(work, room.id)
        work.session.add(
            Membership(
                user_id=owner_id, room_id=room.id, role=Role.OWNER.wire, created_at=work.now, updated_at=work.now
            )
        )
    return RoomView(room, Role.OWNER)


def add_head(work: Transaction, room_id: str) -> None:
    """The streams of a new room, at zero."""
    work.session.flush()
    work.session.add(RoomHead(room_id=room_id, epoch=new_token(), room_seq=0, chat_seq=0))
    work.session.flush()


def list_rooms(*, actor: Actor, q: str = "", cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[RoomView]:
    """Public rooms and those of `actor`, the newest first; with `q` those whose name contains it, whatever its case.

    Rooms that `actor` is banned from are left out.

    Raises:
        AppError: `unauthenticated`, `forbidden` (guests), `bad_cursor`.
    """
    user_id = require_account(actor)
    with reading() as session:
        rows = session.execute(_listed(user_id, q, cursor, limit)).all()
        page = cut_page(
            [RoomView(room, Role[role.upper()] if role else Role.VIEWER) for room, role in rows],
            limit,
            lambda view: (view.room.created_at, view.room.id),
        )
        return Page(_with_unread_counts(session, actor, page.items), page.next_cursor)


def change_room(*, actor: Actor, room_id: str, changes: Mapping[str, Any]) -> RoomView:
    """Change what is given: `name`, `description`, `is_private`, `settings` (merged). Nothing new: nothing happens.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        access = require_owner(work.session, actor, room_id)
        room = access.room
        before = room_payload(room)
        for key in ("name", "description", "is_private"):
            if key in changes:
                setattr(room, key, changes[key])
        room.settings = {**room.settings, **changes.get("settings", {})}
        after = room_payload(room)
        if after != before:
            room.updated_at = work.now
            changed = {key: before[key] for key in before if before[key] != after[key]}
            _tell_change(work, room, actor, changed)
    return RoomView(room, access.role)


def delete_room(*, actor: Actor, room_id: str) -> None:
    """End the room: gone for everybody at once, its rows are purged later.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        room = require_owner(work.session, actor, room_id).room
        room.deleted_at = work.now
        log_deletion(work, room, actor)
        change_access(work, room.id, "deleted")


def rotate_share_token(*, actor: Actor, room_id: str) -> RoomView:
    """Give the room a new share token; who was let in by the old one is out. Guests keep the token that is their own.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with transaction() as work:
        access = require_owner(work.session, actor, room_id)
        access.room.share_token = new_token()
        access.room.updated_at = work.now
        change_access(work, access.room.id, "rotated")
        log_update(work, access.room, actor, "rotated")
    return RoomView(access.room, access.role)


def require_owner(session: Session, actor: Actor, room_id: str) -> Access:
    """The room, held until the commit, if `actor` owns it.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    access = require_role(session, actor=actor, ref=room_id, need=Role.OWNER)
    lock_room(session, access.room)
    # It may have been handed over while we waited for the lock.
    return replace(access, role=require_role(session, actor=actor, ref=access.room.id, need=Role.OWNER).role)


def _tell_change(work: Transaction, room: Room, actor: Actor, before: dict[str, Any]) -> None:
    reason: Reason | None = None
    if "isPrivate" in before and room.is_private:
        reason = "private"
    elif "settings" in before:
        reason = _reason(before["settings"], room)
    if reason:
        change_access(work, room.id, reason)
    log_update(work, room, actor, reason or "changed", before, details={"changed": sorted(_changed(before, room))})


def _changed(before: Mapping[str, Any], room: Room) -> set[str]:
    """The names of what was changed, as on the wire; settings by their own names."""
    names = before.keys() - {"settings"}
    return names | {name for name, value in before.get("settings", {}).items() if value != room.setting(name)}


def _reason(before: Mapping[str, Any], room: Room) -> Reason | None:
    """Why seats have to be looked at again after the settings were changed."""
    if before["guests"] != room.setting("guests"):  # let in again, those who stayed to watch are in the conversation
        return "guests"
    return "conversation" if any(before[name] != room.setting(name) for name in ("chatMode", "history")) else None


def _with_unread_counts(session: Session, actor: Actor, views: list[RoomView]) -> list[RoomView]:
    counts: dict[str, int] = {}
    for counter in _unread_counters:
        counts.update(counter(session, actor, [view.room.id for view in views if view.rank >= Role.MEMBER]))
    return [replace(view, unread_count=counts.get(view.room.id, 0)) for view in views]


def _listed(user_id: str, q: str, cursor: str | None, limit: int) -> Select[Room, Any]:
    """One page, read along two indexes: the newest public rooms, and the newest of mine, of which the newest are taken."""
    mine = and_(Membership.room_id == Room.id, Membership.user_id == user_id, Membership.role != "left")
    conditions: list[ColumnElement[bool]] = [
        Room.deleted_at.is_(None),
        not_(exists().where(Ban.room_id == Room.id, Ban.user_id == user_id)),
    ]
    if q:
        conditions.append(Room.name.icontains(q, autoescape=True))
    if cursor:
        conditions.append(older_than(cursor, Room.created_at, Room.id))

    def newest(statement: Select[str]) -> Select[Any]:
        ordered = statement.where(*conditions).order_by(Room.created_at.desc(), Room.id.desc())
        return ordered.limit(limit + 1).subquery().select()

    ids = union(newest(select(Room.id).where(not_(Room.is_private))), newest(select(Room.id).join(Membership, mine)))
    return (
        select(Room, Membership.role)
        .outerjoin(Membership, mine)
        .where(Room.id.in_(ids))
        .order_by(Room.created_at.desc(), Room.id.desc())
        .limit(limit + 1)
    )
