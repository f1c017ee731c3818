"""Accounts in a room: who joins, who is added, and what each may. Hosts manage who is below them, the owner everybody.

Every change is a conditional UPDATE on the role that was judged, so that of two at once one is refused, never both half done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.orm import Session

from app.backends.insert import insert_unless_exists
from app.backends.transaction import Transaction, reading, transaction
from app.core.actor import Actor
from app.core.clock import to_wire
from app.core.errors import AppError
from app.core.ids import is_id
from app.rooms.access import Access, lock_room, require_account, require_role
from app.rooms.events import change_access, log_update, tell_added, tell_joined
from app.rooms.models import Ban, Membership, Role, Room, RoomHead
from app.rooms.people import Person, find_person, people
from app.rooms.schemas import GIVEN_ROLES, Reason
from app.rooms.service.guests import remove_guest
from app.web.cursor import PAGE_SIZE, Page, cut_page, newer_than

LEFT = "left"


@dataclass(frozen=True, slots=True)
class PublicMember:
    """A membership and whose it is, as those see it who manage nobody."""

    user: Person
    room_id: str
    role: str
    created_at: datetime
    updated_at: datetime

    @property
    def user_id(self) -> str:
        """The account's id."""
        return self.user.id


@dataclass(frozen=True, slots=True)
class Member(PublicMember):
    """The same for hosts and for the member: whether somebody is muted is between them."""

    muted_until: datetime | None


def list_members(
    *, actor: Actor, room_id: str, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Member | PublicMember]:
    """The members, in the order in which they came; until when they are muted, hosts see of all, others of themselves.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `bad_cursor`.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=room_id, need=Role.MEMBER)
        statement = _select(access.room.id).where(Membership.role != LEFT)
        if cursor:
            statement = statement.where(newer_than(cursor, Membership.created_at, Membership.user_id))
        statement = statement.order_by(Membership.created_at, Membership.user_id).limit(limit + 1)
        members = [
            (_member if access.role >= Role.HOST or row[0].user_id == actor.user_id else _public_member)(*row)
            for row in session.execute(statement)
        ]
        return cut_page(members, limit, lambda member: (member.created_at, member.user_id))


def join_room(*, actor: Actor, ref: str) -> Member:
    """Become a member of a public room; who is one already stays what they are.

    Raises:
        AppError: `unauthenticated`, `forbidden` (guests; a private room needs an invitation), `room_not_found`, `banned`.
    """
    user_id = require_account(actor)
    with reading() as session:
        access = _joinable(session, actor, ref)
        if access.role >= Role.MEMBER:
            return get_member(session, access.room.id, user_id)
    with transaction() as work:
        room = _joinable(work.session, actor, ref).room
        admit(work, room, find_person(work.session, user_id=user_id), Role.MEMBER, by=actor)
        return get_member(work.session, room.id, user_id)


def leave_room(*, actor: Actor, room_id: str) -> None:
    """Be no longer a member; a guest is then gone.

    Raises:
        AppError: `room_not_found`, `banned`, `not_in_room`, `owner_required`, `conflict` (a direct room keeps its two).
    """
    if actor.guest_id is not None:
        remove_guest(actor=actor, room_id=room_id, guest_id=actor.guest_id)
        return
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id)
        if access.membership is None or access.membership.role == LEFT:
            raise AppError("not_in_room")
        if access.role is Role.OWNER:
            raise AppError("owner_required")
        if access.room.direct_key is not None:
            raise AppError("conflict", "A direct room keeps its two people.")
        judged = Membership(user_id=actor.user_id, room_id=access.room.id, role=access.membership.role)
        move(work, judged, role=LEFT)
        change_access(work, access.room.id, "left", user_id=actor.user_id)
        log_update(work, access.room, actor, "left", {"userId": actor.user_id, "role": judged.role})


def add_member(
    *,
    actor: Actor,
    room_id: str,
    role: str = "member",
    user_id: str | None = None,
    email: str | None = None,
    username: str | None = None,
) -> Member:
    """Let in an account with a role below one's own.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `user_not_found`, `conflict` (is one already,
            with that role or more; or is banned).
    """
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
        rank = Role[role.upper()]
        if rank >= access.role:
            raise AppError("forbidden")
        person = find_person(work.session, user_id=user_id, email=email, username=username)
        if work.session.scalar(select(exists().where(Ban.room_id == access.room.id, Ban.user_id == person.id))):
            raise AppError("conflict", "That person is banned; lift the ban first.")
        if not admit(work, access.room, person, rank, by=actor):
            raise AppError("conflict", "That person is a member already.")
        tell_added(work, access.room, person.id, rank, by=actor)
        before = {"userId": person.id, "role": None}
        log_update(work, access.room, actor, "member-added", before, details={"role": rank.wire})
        return get_member(work.session, access.room.id, person.id)


def list_given_roles(*, actor: Actor, room_id: str) -> list[str]:
    """The roles that the actor may give and take: those below their own.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`.
    """
    with reading() as session:
        access = require_role(session, actor=actor, ref=room_id, need=Role.HOST)
    return [role for role in GIVEN_ROLES if Role[role.upper()] < access.role]


def change_member(*, actor: Actor, room_id: str, user_id: str, changes: Mapping[str, Any]) -> Member:
    """Change a member's `role` or `muted_until`. The role `owner` hands the room over; its owner becomes a host.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `member_not_found`, `owner_required`, `conflict`.
    """
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
        target = find_membership(work.session, access.room.id, user_id)
        role = changes.get("role", target.role)
        muted_until = changes.get("muted_until", target.muted_until)
        if role == Role.OWNER.wire != target.role:
            _hand_over(work, access, target, actor)
        elif (role, muted_until) != (target.role, target.muted_until):
            _change(work, access, target, actor, role=role, muted_until=muted_until)
        return get_member(work.session, access.room.id, user_id)


def remove_member(*, actor: Actor, room_id: str, user_id: str) -> None:
    """Take a member out; oneself: leave.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated`, `forbidden`, `member_not_found`, `conflict`; as `leave_room`.
    """
    if user_id == actor.user_id:
        leave_room(actor=actor, room_id=room_id)
        return
    with transaction() as work:
        access = require_role(work.session, actor=actor, ref=room_id, need=Role.HOST)
        target = find_membership(work.session, access.room.id, user_id)
        require_above(access, target)
        before = {"userId": user_id, "role": target.role}
        move(work, target, role=LEFT)
        change_access(work, access.room.id, "removed", user_id=user_id)
        log_update(work, access.room, actor, "removed", before)


def hold_person(work: Transaction, room_id: str, user_id: str) -> None:
    """Let nobody else admit this person to the room, or ban them from it, until the commit.

    Neither of the two would find a row of the other to wait for. On SQLite all who write wait for each other anyway.
    """
    if work.session.get_bind().dialect.name == "postgresql":
        work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{room_id}:{user_id}", 0))))


def admit(work: Transaction, room: Room, person: Person, role: Role, *, by: Actor) -> bool:
    """Give `person` the role, unless they have it or more; whether anything changed. Tells what did.

    Raises:
        AppError: `banned`, perhaps a moment ago.
    """
    hold_person(work, room.id, person.id)
    if work.session.scalar(select(exists().where(Ban.room_id == room.id, Ban.user_id == person.id))):
        raise AppError("banned")
    chat_seq = select(RoomHead.chat_seq).where(RoomHead.room_id == room.id).scalar_subquery()
    is_new = insert_unless_exists(
        work.session,
        Membership,
        user_id=person.id,
        room_id=room.id,
        role=role.wire,
        joined_chat_seq=chat_seq,
        created_at=work.now,
        updated_at=work.now,
    )
    if not is_new:
        held = {"key_share": True}
        membership = work.session.get_one(
            Membership, (person.id, room.id), populate_existing=True, with_for_update=held
        )
        if membership.role != LEFT and Role[membership.role.upper()] >= role:
            return False
        is_new = membership.role == LEFT
        move(work, membership, role=role.wire)
    change_access(work, room.id, "admitted" if is_new else "role", user_id=person.id)
    if is_new:
        tell_joined(work, room.id, person, role, by)
    return True


def move(work: Transaction, membership: Membership, **values: Any) -> None:
    """Change a membership that still has the role it was judged by.

    Raises:
        AppError: `conflict`.
    """
    judged = (
        Membership.user_id == membership.user_id,
        Membership.room_id == membership.room_id,
        Membership.role == membership.role,
    )
    statement = update(Membership).where(*judged).values(**values, updated_at=work.now).returning(Membership.user_id)
    if work.session.execute(statement).one_or_none() is None:
        raise AppError("conflict", "It was changed in the meantime.")


def find_membership(session: Session, room_id: str, user_id: str) -> Membership:
    """The membership of an account that is in the room.

    Raises:
        AppError: `member_not_found`.
    """
    membership = session.get(Membership, (user_id, room_id)) if is_id(user_id) else None
    if membership is None or membership.role == LEFT:
        raise AppError("member_not_found")
    return membership


def require_above(access: Access, target: Membership) -> None:
    """Refuse to touch an equal or a higher one.

    Raises:
        AppError: `forbidden`.
    """
    if Role[target.role.upper()] >= access.role:
        raise AppError("forbidden")


def get_member(session: Session, room_id: str, user_id: str) -> Member:
    """A member, as it is now."""
    statement = _select(room_id).where(Membership.user_id == user_id).execution_options(populate_existing=True)
    return _member(*session.execute(statement).one())


def _change(
    work: Transaction, access: Access, target: Membership, actor: Actor, *, role: str, muted_until: datetime | None
) -> None:
    if target.user_id == actor.user_id and access.role is Role.OWNER:
        raise AppError("owner_required")
    require_above(access, target)
    if Role[role.upper()] >= access.role:
        raise AppError("forbidden")
    before = {
        "userId": target.user_id,
        "role": target.role,
        "mutedUntil": to_wire(target.muted_until) if target.muted_until else None,
    }
    reason: Reason = "role" if role != target.role else "muted"
    move(work, target, role=role, muted_until=muted_until)
    change_access(work, access.room.id, reason, user_id=target.user_id)
    log_update(work, access.room, actor, reason, before, details=_news(reason, role, muted_until))


def _news(reason: Reason, role: str, muted_until: datetime | None) -> dict[str, Any]:
    """What the audit says of a change: the new role, or until when somebody may not write (None: they may again)."""
    return {"role": role} if reason == "role" else {"mutedUntil": to_wire(muted_until) if muted_until else None}


def _hand_over(work: Transaction, access: Access, target: Membership, actor: Actor) -> None:
    room = access.room
    lock_room(work.session, room)
    if access.role is not Role.OWNER or actor.user_id not in (room.owner_id, None):
        raise AppError("forbidden")
    before = room.owner_id
    move(work, find_membership(work.session, room.id, before), role=Role.HOST.wire)
    move(work, target, role=Role.OWNER.wire, muted_until=None)
    room.owner_id, room.updated_at = target.user_id, work.now
    for user_id in (before, target.user_id):
        change_access(work, room.id, "role", user_id=user_id)
    log_update(work, room, actor, "role", {"ownerId": before, "userId": before}, details={"role": Role.OWNER.wire})


def _joinable(session: Session, actor: Actor, ref: str) -> Access:
    access = require_role(session, actor=actor, ref=ref)
    if access.room.is_private and access.role < Role.MEMBER:
        raise AppError("forbidden", "This room needs an invitation.")
    return access


def _select(room_id: str) -> Select[Membership, str, str]:
    return (
        select(Membership, people.c.username, people.c.name)
        .join(people, people.c.id == Membership.user_id)
        .where(Membership.room_id == room_id)
    )


def _member(membership: Membership, username: str, name: str) -> Member:
    known = _public_member(membership, username, name)
    return Member(
        known.user, known.room_id, known.role, known.created_at, known.updated_at, muted_until=membership.muted_until
    )


def _public_member(membership: Membership, username: str, name: str) -> PublicMember:
    return PublicMember(
        Person(membership.user_id, username, name),
        membership.room_id,
        membership.role,
        membership.created_at,
        membership.updated_at,
    )
