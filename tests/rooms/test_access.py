"""Who may what: app/rooms/access.py."""

from __future__ import annotations

import pytest
from flask import Flask

from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError
from app.core.ids import new_id
from app.rooms.access import require_role
from app.rooms.models import Ban, Role, Room
from app.rooms.service import leave_room
from app.web.refs import refs
from tests.support.factories import add_member, make_guest, make_room, make_user

pytestmark = pytest.mark.usefixtures("app")


def role_of(actor: Actor, ref: str) -> Role:
    with reading() as session:
        return require_role(session, actor=actor, ref=ref).role


def refusal(actor: Actor, ref: str, need: Role = Role.VIEWER) -> str:
    with reading() as session, pytest.raises(AppError) as why:
        require_role(session, actor=actor, ref=ref, need=need)
    return why.value.code


def ban(room: Room, **who: str | None) -> None:
    with transaction() as work:
        work.session.add(Ban(id=new_id(), room_id=room.id, created_at=work.now, **who))


def test_each_person_has_the_role_that_the_room_gives(app: Flask) -> None:
    owner, member, stranger = make_user(), make_user(), make_user()
    room = make_room(owner)
    add_member(room, member)
    assert role_of(owner, room.id) is Role.OWNER
    assert role_of(member, room.id) is Role.MEMBER
    assert role_of(make_guest(room), room.id) is Role.GUEST
    assert role_of(stranger, room.id) is Role.VIEWER
    assert role_of(ANONYMOUS, room.id) is Role.VIEWER


def test_a_private_room_opens_by_its_token_and_not_by_its_id() -> None:
    room = make_room(make_user(), is_private=True)
    assert refusal(ANONYMOUS, room.id) == refusal(ANONYMOUS, new_id()) == "room_not_found"
    assert refusal(make_user(), room.id) == "room_not_found"
    assert role_of(ANONYMOUS, room.share_token) is Role.VIEWER
    assert role_of(Actor(share_token=room.share_token), room.id) is Role.VIEWER


def test_a_guest_of_one_room_is_nobody_in_another() -> None:
    owner = make_user()
    guest = make_guest(make_room(owner))
    assert refusal(guest, make_room(owner, is_private=True).id) == "room_not_found"
    assert role_of(guest, make_room(owner).id) is Role.VIEWER


def test_a_ban_holds_for_the_banned_and_for_nobody_else() -> None:
    owner, banned = make_user(), make_user()
    room = make_room(owner)
    guest, other_guest = make_guest(room), make_guest(room)
    ban(room, user_id=banned.id)
    ban(room, guest_id=guest.id)
    assert refusal(banned, room.id) == refusal(guest, room.share_token) == "banned"
    assert role_of(other_guest, room.id) is Role.GUEST
    assert role_of(owner, room.id) is Role.OWNER
    assert role_of(ANONYMOUS, room.id) is Role.VIEWER


def test_a_ban_tells_nobody_of_a_private_room_who_could_not_know_of_it() -> None:
    never_seen, member, left = make_user(), make_user(), make_user()
    room = make_room(make_user(), is_private=True)
    add_member(room, member)
    add_member(room, left)
    leave_room(actor=left, room_id=room.id)
    guest = make_guest(room)
    for who in (never_seen, member, left):
        ban(room, user_id=who.id)
    ban(room, guest_id=guest.id)
    assert refusal(never_seen, room.id) == refusal(never_seen, new_id()) == "room_not_found"
    assert {refusal(who, room.id) for who in (member, left, guest)} == {"banned"}
    assert refusal(never_seen, room.share_token) == "banned", "who has its link knows it"


def test_where_a_share_token_leads_is_remembered_for_what_goes_by_room() -> None:
    room = make_room(make_user())
    assert refs.room_of(room.share_token) == room.share_token
    role_of(ANONYMOUS, room.share_token)
    assert refs.room_of(room.share_token) == refs.room_of(room.id) == room.id


def test_too_little_is_forbidden_and_nobody_is_asked_to_sign_in() -> None:
    room = make_room(make_user())
    assert refusal(ANONYMOUS, room.id, Role.GUEST) == "unauthenticated"
    assert refusal(make_user(), room.id, Role.MEMBER) == "forbidden"


@pytest.mark.parametrize("ref", ["", "x" * 65, "é", "' OR 1=1 --", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_nonsense_is_no_room(ref: str) -> None:
    assert refusal(ANONYMOUS, ref) == "room_not_found"
