"""Who may what: asked anew at every action, never remembered from the join.

Answers follow one rule: what somebody may not know exists is `room_not_found`, exactly as for a random id.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, String, Uuid, and_, or_, select
from sqlalchemy.orm import Session

from app.backends.bulk import Bulk
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import is_id
from app.rooms.models import Ban, Guest, Membership, Role, Room
from app.web.refs import refs

Asked = tuple[Actor, str]

_ASKED = Bulk(
    "asked",
    {
        "n": Integer(),
        "room_id": Uuid(as_uuid=False),
        "share_token": String(),
        "user_id": Uuid(as_uuid=False),
        "guest_id": Uuid(as_uuid=False),
    },
)
_REF = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class Entry(NamedTuple):
    """What a membership, or a guest's row, says of somebody who is there; `role` as in `Membership`, `guest` for a guest."""

    role: str
    muted_until: datetime | None
    joined_chat_seq: int


@dataclass(frozen=True, slots=True)
class Access:
    """A room together with what the actor may in it."""

    room: Room
    role: Role
    membership: Entry | None = None
    guest: Entry | None = None
    by_token: bool = False

    @property
    def reads_chat(self) -> bool:
        """Whether the conversation may be read: guests and above."""
        return self.role >= Role.GUEST

    @property
    def may_share(self) -> bool:
        """Whether the share token may be shown: to whoever presented it, and to who may invite viewers."""
        return self.by_token or self.role >= Role.HOST


def require_role(session: Session, *, actor: Actor, ref: str, need: Role = Role.VIEWER) -> Access:
    """The room `ref` (its id or its share token) and the actor's role in it; one query.

    Raises:
        AppError: `room_not_found`, `banned`, `unauthenticated` (nobody signed in, and the role asks for it), `forbidden`.
    """
    access = find_access(session, actor=actor, ref=ref)
    if access is None:
        raise AppError("room_not_found")
    if access.role < need:
        raise AppError("unauthenticated" if actor.kind == "anonymous" else "forbidden")
    return access


def readable_after(access: Access) -> int | None:
    """Messages with a greater `seq` may be read; None: none of the past at all (`history`)."""
    history = access.room.setting("history")
    if history == "none":
        return None
    if history == "all" or access.role < Role.GUEST:
        return 0
    person = access.membership if access.role >= Role.MEMBER else access.guest
    return person.joined_chat_seq if person is not None else 0


def require_account(actor: Actor) -> str:
    """The account's id of `actor`.

    Raises:
        AppError: `unauthenticated`, or `forbidden` for guests.
    """
    if actor.user_id is None:
        raise AppError("forbidden" if actor.is_guest else "unauthenticated")
    return actor.user_id


def lock_room(session: Session, room: Room) -> None:
    """Hold the room's row, read anew, until the commit: for changes that depend on what is there.

    Messages and timers that refer to the room are not held up.

    Raises:
        AppError: `room_not_found` when it was deleted in the meantime.
    """
    session.refresh(room, with_for_update={"key_share": True})
    if room.deleted_at is not None:
        raise AppError("room_not_found")


def find_access(session: Session, *, actor: Actor, ref: str) -> Access | None:
    """Like `require_role`, None when the room is not there for the actor.

    Raises:
        AppError: `banned`.
    """
    access = find_accesses(session, [(actor, ref)])[actor, ref]
    if isinstance(access, AppError):
        raise access
    return access


def find_accesses(session: Session, asked: Collection[Asked]) -> dict[Asked, Access | AppError | None]:
    """`find_access` for many (actor, ref) in one query; the error in place of raising it."""
    pairs = [pair for pair in asked if _REF.match(pair[1])]
    found: dict[Asked, Access | AppError | None] = dict.fromkeys(asked)
    if not pairs:
        return found
    dialect = session.get_bind().dialect.name
    parameters = _ASKED.parameters(dialect, [_row(n, actor, ref) for n, (actor, ref) in enumerate(pairs)])
    for row in session.execute(_query(dialect), parameters):
        actor, ref = pairs[row.n]
        found[actor, ref] = _answer(row, actor, ref)
    return found


def _answer(row: Any, actor: Actor, ref: str) -> Access | AppError | None:
    access = _access(row, actor, ref)
    if row.ban_id is None:
        return access
    # Who was never there, and could not see it otherwise, does not learn from the ban that there is such a room.
    knows_it = access is not None or row.role is not None or row.guest_joined is not None
    return AppError("banned") if knows_it else None


def _access(row: Any, actor: Actor, ref: str) -> Access | None:
    room: Room = row.Room
    membership = guest = None
    if row.role is not None:
        membership = Entry(row.role, row.member_muted_until, row.member_joined)
    if row.guest_joined is not None and row.guest_removed_at is None:
        guest = Entry("guest", row.guest_muted_until, row.guest_joined)
    by_token = room.share_token in (ref, actor.share_token)
    refs.note(ref, room.id)
    role = _role(actor, room, membership, guest, by_token=by_token)
    return None if role is None else Access(room, role, membership, guest, by_token)


def _role(actor: Actor, room: Room, membership: Entry | None, guest: Entry | None, *, by_token: bool) -> Role | None:
    if actor.kind == "system":
        return Role.OWNER
    if membership is not None and membership.role != "left":
        return Role[membership.role.upper()]
    if guest is not None and room.setting("guests"):
        return Role.GUEST
    if by_token or not room.is_private:
        return Role.VIEWER
    return None


def _row(n: int, actor: Actor, ref: str) -> tuple[Any, ...]:
    room_id, share_token = (ref, None) if is_id(ref) else (None, ref)
    return n, room_id, share_token, actor.user_id, actor.guest_id


@lru_cache
def _query(dialect: str) -> Select[*tuple[Any, ...]]:
    """The rooms with what each person's membership, guest and ban rows say, any of which may be missing."""
    asked = _ASKED.table(dialect)
    by_ref = or_(Room.id == asked.c.room_id, Room.share_token == asked.c.share_token)
    mine = or_(Ban.guest_id == asked.c.guest_id, Ban.user_id == asked.c.user_id)
    return (
        select(
            asked.c.n,
            Room,
            Membership.role,
            Membership.muted_until.label("member_muted_until"),
            Membership.joined_chat_seq.label("member_joined"),
            Guest.removed_at.label("guest_removed_at"),
            Guest.muted_until.label("guest_muted_until"),
            Guest.joined_chat_seq.label("guest_joined"),
            Ban.id.label("ban_id"),
        )
        .select_from(asked)
        .join(Room, and_(by_ref, Room.deleted_at.is_(None)))
        .outerjoin(Membership, and_(Membership.room_id == Room.id, Membership.user_id == asked.c.user_id))
        .outerjoin(Guest, and_(Guest.room_id == Room.id, Guest.id == asked.c.guest_id))
        .outerjoin(Ban, and_(Ban.room_id == Room.id, mine))
    )
