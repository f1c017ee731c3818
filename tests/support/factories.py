"""Rows that tests begin with, made without going through the services under test."""

from __future__ import annotations

import itertools
from typing import Any

from app.auth.models import User
from app.backends.transaction import transaction
from app.core.actor import Actor
from app.core.ids import new_id, new_token
from app.rooms.models import EMPTY_STAGE, Guest, Membership, Role, Room, RoomHead

_numbers = itertools.count(1)


def make_user(name: str | None = None, **values: Any) -> Actor:
    """An account, as the actor that its services take."""
    name = name or f"person-{next(_numbers)}"
    with transaction() as work:
        user = User(
            id=new_id(),
            username=name.lower(),
            email=f"{name.lower()}@example.org",
            name=name,
            password_hash="!",
            created_at=work.now,
            updated_at=work.now,
            **{"is_operator": False, **values},
        )
        work.session.add(user)
    return actor_of(user)


def actor_of(user: User) -> Actor:
    """The actor of an account."""
    return Actor("user", user.id, user.username, user.name, is_operator=user.is_operator)


def make_room(owner: Actor, **values: Any) -> Room:
    """A room with its owner and its heads."""
    with transaction() as work:
        room = Room(
            id=new_id(),
            owner_id=owner.id,
            share_token=new_token(),
            created_at=work.now,
            updated_at=work.now,
            **{"name": "A room", "is_private": False, "settings": {}, "stage": EMPTY_STAGE, **values},
        )
        work.session.add(room)
        work.session.flush()
        work.session.add(RoomHead(room_id=room.id, epoch=new_token(), room_seq=0, chat_seq=0))
    add_member(room, owner, Role.OWNER)
    return room


def add_member(room: Room, actor: Actor, role: Role = Role.MEMBER) -> Membership:
    """`actor` with `role` in `room`."""
    with transaction() as work:
        membership = Membership(
            user_id=actor.user_id,
            room_id=room.id,
            role=role.wire,
            joined_chat_seq=0,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(membership)
    return membership


def make_guest(room: Room, name: str | None = None) -> Actor:
    """A guest of `room`."""
    name = name or f"guest-{next(_numbers)}"
    with transaction() as work:
        guest = Guest(id=new_id(), room_id=room.id, name=name, joined_chat_seq=0, created_at=work.now)
        work.session.add(guest)
    return Actor("guest", guest.id, name, name, room_id=room.id)
