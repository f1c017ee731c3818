"""The direct room of two people: one for each pair, whoever opens it first."""

from __future__ import annotations

from sqlalchemy import select

from app.backends.insert import insert_unless_exists
from app.backends.transaction import transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.ids import new_id, new_token
from app.rooms.access import require_account
from app.rooms.events import tell_added
from app.rooms.models import EMPTY_STAGE, Membership, Role, Room
from app.rooms.people import find_person
from app.rooms.service.rooms import RoomView, add_head

NAME_LENGTH = 58  # two of them and " & " fit into a room's name
DIRECT_SETTINGS = {"guests": False, "systemMessages": False}


def open_direct(*, actor: Actor, user_id: str) -> tuple[RoomView, bool]:
    """The direct room of `actor` and the other, and whether it was made just now.

    Raises:
        AppError: `unauthenticated`, `forbidden` (guests), `user_not_found`, `validation_failed` (with oneself).
    """
    own_id = require_account(actor)
    if user_id == own_id:
        raise AppError("validation_failed", details={"userId": ["Must be somebody else."]})
    with transaction() as work:
        me, other = find_person(work.session, user_id=own_id), find_person(work.session, user_id=user_id)
        key = ":".join(sorted((me.id, other.id)))
        is_new = insert_unless_exists(
            work.session,
            Room,
            id=new_id(),
            name=f"{me.name[:NAME_LENGTH]} & {other.name[:NAME_LENGTH]}",
            is_private=True,
            owner_id=me.id,
            share_token=new_token(),
            direct_key=key,
            settings=DIRECT_SETTINGS,
            stage=EMPTY_STAGE,
            created_at=work.now,
            updated_at=work.now,
        )
        room = work.session.scalars(select(Room).where(Room.direct_key == key)).one()
        if is_new:
            add_head(work, room.id)
            for person in (me, other):
                work.session.add(
                    Membership(
                        user_id=person.id, room_id=room.id, role="member", created_at=work.now, updated_at=work.now
                    )
                )
            tell_added(work, room, other.id, Role.MEMBER, by=actor)
    return RoomView(room, Role.MEMBER), is_new
