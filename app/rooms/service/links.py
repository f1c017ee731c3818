"""Invitations that give a role. They end by their date, by their number of uses, or by being deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.backends.transaction import Transaction, database, reading, transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id, new_id, new_token
from app.rooms.access import Access, find_access, find_accesses, require_account, require_role
from app.rooms.events import log_update
from app.rooms.models import Link, Role, Room
from app.rooms.people import find_person, people
from app.rooms.recording import Subject, record_action
from app.rooms.service.members import LEFT, admit
from app.rooms.service.rooms import RoomView
from app.web.cursor import PAGE_SIZE, Page, cut_page, older_than

USED = "link-used"
EXPIRED = "It has expired."
USED_UP = "It has been used as often as it may."
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def create_link(
    *,
    actor: Actor,
    room_id: str,
    role: str,
    label: str | None = None,
    expires_at: datetime | None = None,
    max_uses: int | None = None,
) -> Link:
    """A new invitation to the role.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `validation_failed` (it would have expired).
    """
    with transaction() as work:
        room = require_role(work.session, actor=actor, ref=room_id, need=Role.OWNER).room
        if expires_at is not None and expires_at <= work.now:
            raise AppError("validation_failed", details={"expiresAt": ["Must be in the future."]})
        link = Link(
            id=new_id(),
            room_id=room.id,
            token=new_token(),
            role=role,
            label=label,
            expires_at=expires_at,
            max_uses=max_uses,
            uses=0,
            created_at=work.now,
        )
        work.session.add(link)
        log_update(work, room, actor, "link-created", {"linkId": link.id}, details={"role": role})
    return link


def list_links(*, actor: Actor, room_id: str, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[Link]:
    """The invitations, the newest first, used up and expired ones included.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `bad_cursor`.
    """
    with reading() as session:
        room = require_role(session, actor=actor, ref=room_id, need=Role.OWNER).room
        statement = select(Link).where(Link.room_id == room.id)
        if cursor:
            statement = statement.where(older_than(cursor, Link.created_at, Link.id))
        links = session.scalars(statement.order_by(Link.created_at.desc(), Link.id.desc()).limit(limit + 1)).all()
        return cut_page(links, limit, lambda link: (link.created_at, link.id))


def delete_link(*, actor: Actor, link_id: str) -> None:
    """End an invitation; who came by it stays.

    Raises:
        AppError: `unauthenticated`, `link_not_found` (as well when its room is somebody else's, whatever one is in it).
    """
    require_account(actor)
    with transaction() as work:
        link = work.session.get(Link, link_id) if is_id(link_id) else None
        access = find_accesses(work.session, [(actor, link.room_id)])[actor, link.room_id] if link else None
        if link is None or not isinstance(access, Access) or access.role < Role.OWNER:
            raise AppError("link_not_found")
        work.session.execute(delete(Link).where(Link.id == link.id))
        before = {"linkId": link.id, "role": link.role}
        log_update(work, access.room, actor, "link-deleted", before, details={"role": link.role})


@dataclass(frozen=True, slots=True)
class Invitation:
    """What whoever holds an invitation may know of it before they accept. `invited_by` is the name of the room's owner."""

    room_name: str
    room_description: str | None
    role: str
    invited_by: str | None
    expires_at: datetime | None


def get_invitation(*, token: str) -> Invitation:
    """What an invitation that still works is to; reading it uses nothing up, and needs no account.

    Raises:
        AppError: `link_not_found`; of one that has ended, `details` say how, and nothing of its room.
    """
    with reading() as session:
        link = _find_link(session, token)
        _require_usable(link, database.now())
        room = session.get_one(Room, link.room_id)
        inviter = session.scalar(select(people.c.name).where(people.c.id == room.owner_id))
        return Invitation(room.name, room.description, link.role, inviter, link.expires_at)


def find_joined_room(*, actor: Actor, token: str) -> str | None:
    """The id of the invitation's room, where the actor has its role or more already, even if it has ended; else None.

    Raises:
        AppError: `link_not_found`, `banned`.
    """
    with reading() as session:
        link = _find_link(session, token)
        access = find_access(session, actor=actor, ref=link.room_id)
    if access is None or access.membership is None or access.membership.role == LEFT:
        return None
    return link.room_id if access.role >= Role[link.role.upper()] else None


def accept_link(*, actor: Actor, token: str) -> RoomView:
    """Join with the link's role; who has it or more already uses nothing up.

    The link is held from the beginning: of one person's two devices only one counts, and who deletes it at the same time
    waits here and not for the room's head.

    Raises:
        AppError: `unauthenticated`, `forbidden` (guests), `banned`, `link_not_found` (of one that has ended `details` say how).
    """
    user_id = require_account(actor)
    with transaction() as work:
        link = _find_link(work.session, token, is_held=True)
        room = work.session.get_one(Room, link.room_id)
        access = find_access(work.session, actor=actor, ref=room.id)
        role = Role[link.role.upper()]
        if admit(work, room, find_person(work.session, user_id=user_id), role, by=actor):
            _use(work, link)
            details = {"role": link.role}
            subject = Subject("link", link.id)
            record_action(work, room_id=room.id, actor=actor, action=USED, event=USED, subject=subject, details=details)
            return RoomView(room, role)
        return RoomView(room, access.role if access else role)


def _find_link(session: Session, token: str, *, is_held: bool = False) -> Link:
    if not _TOKEN.match(token):  # PostgreSQL refuses NUL even to compare with it
        raise AppError("link_not_found")
    statement = select(Link).join(Room, Room.id == Link.room_id).where(Link.token == token, Room.deleted_at.is_(None))
    if is_held:
        statement = statement.with_for_update(of=Link, key_share=True)
    link = session.execute(statement).scalar_one_or_none()
    if link is None:
        raise AppError("link_not_found")
    return link


def _require_usable(link: Link, now: datetime) -> None:
    why = EXPIRED if link.expires_at is not None and link.expires_at <= now else None
    why = USED_UP if link.max_uses is not None and link.uses >= link.max_uses else why
    if why:
        raise AppError("link_not_found", details={"link": [why]})


def _use(work: Transaction, link: Link) -> None:
    """The link is held: nobody uses it meanwhile."""
    _require_usable(link, work.now)
    work.session.execute(update(Link).where(Link.id == link.id).values(uses=Link.uses + 1))
