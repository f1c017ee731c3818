"""Two at once: of what only one may do, one does it, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from sqlalchemy import select, text

from app.backends.transaction import database, reading
from app.core.actor import ANONYMOUS, Actor
from app.core.errors import AppError
from app.core.event import Event
from app.rooms import service
from app.rooms.models import Guest, Link, Membership, Role, Room, RoomEvent
from tests.support.factories import add_member, make_room, make_user

pytestmark = pytest.mark.usefixtures("app")


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each of the actions returns, or the code it is refused with; all of them begin before any ends."""

    def attempt(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except AppError as why:
            return why.code

    tasks = [gevent.spawn(attempt, action) for action in actions]
    return [task.get(timeout=30) for task in tasks]


def roles(room: Room) -> dict[str, str]:
    with reading() as session:
        rows = session.execute(select(Membership.user_id, Membership.role).where(Membership.room_id == room.id))
        return {row.user_id: row.role for row in rows}


def names(published: list[Event]) -> list[str]:
    return [event.name for event in published]


@pytest.mark.parametrize("had_left", [False, True])
def test_two_devices_that_join_are_one_member_who_joined_once(published: list[Event], had_left: bool) -> None:
    bob = make_user()
    room = make_room(make_user())
    if had_left:
        service.join_room(actor=bob, ref=room.id)
        service.leave_room(actor=bob, room_id=room.id)
        published.clear()
    members = at_once(*[lambda: service.join_room(actor=bob, ref=room.id)] * 5)
    assert {member.role for member in members} == {"member"}
    assert names(published).count("member-joined") == 1


def test_a_link_for_three_lets_in_three() -> None:
    owner = make_user()
    room = make_room(owner, is_private=True)
    link = service.create_link(actor=owner, room_id=room.id, role="member", max_uses=3)
    people = [make_user() for _ in range(6)]

    def accept(person: Actor) -> Callable[[], Any]:
        return lambda: service.accept_link(actor=person, token=link.token).role

    answers = at_once(*[accept(person) for person in people])
    assert sorted(answers) == ["link_not_found"] * 3 + ["member"] * 3
    assert len(roles(room)) == 4


def test_two_devices_of_one_person_use_a_link_once() -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner, is_private=True)
    link = service.create_link(actor=owner, room_id=room.id, role="host", max_uses=1)
    answers = at_once(*[lambda: service.accept_link(actor=bob, token=link.token).role] * 4)
    assert answers == ["host"] * 4
    with reading() as session:
        assert session.get_one(Link, link.id).uses == 1


def test_a_room_handed_to_two_at_once_has_one_owner() -> None:
    owner, ada, bob = make_user(), make_user(), make_user()
    room = make_room(owner)
    add_member(room, ada)
    add_member(room, bob)

    def hand_to(person: Actor) -> Callable[[], Any]:
        changes = {"role": "owner"}
        return lambda: service.change_member(actor=owner, room_id=room.id, user_id=str(person.id), changes=changes).role

    assert sorted(at_once(hand_to(ada), hand_to(bob))) == ["forbidden", "owner"]
    assert sorted(roles(room).values()) == ["host", "member", "owner"]
    with reading() as session:
        assert roles(room)[session.get_one(Room, room.id).owner_id] == "owner"


def test_who_is_handed_the_room_while_leaving_it_does_one_of_the_two() -> None:
    owner, bob = make_user(), make_user()
    room = make_room(owner)
    add_member(room, bob)
    changes = {"role": "owner"}
    answers = at_once(
        lambda: service.change_member(actor=owner, room_id=room.id, user_id=str(bob.id), changes=changes).role,
        lambda: service.leave_room(actor=bob, room_id=room.id),
    )
    assert (answers, roles(room)) in [
        (["owner", code], {owner.id: "host", bob.id: "owner"}) for code in ("conflict", "owner_required")
    ] + [([code, None], {owner.id: "owner", bob.id: "left"}) for code in ("conflict", "member_not_found")]


def test_who_is_made_a_host_is_not_removed_by_a_host_at_the_same_time() -> None:
    owner, host, bob = make_user(), make_user(), make_user()
    room = make_room(owner)
    add_member(room, host, Role.HOST)
    add_member(room, bob)
    changes = {"role": "host"}
    raised, removed = at_once(
        lambda: service.change_member(actor=owner, room_id=room.id, user_id=str(bob.id), changes=changes).role,
        lambda: service.remove_member(actor=host, room_id=room.id, user_id=str(bob.id)),
    )
    if removed is None:
        assert (raised in ("conflict", "member_not_found"), roles(room)[str(bob.id)]) == (True, "left")
    else:
        assert (raised, removed in ("conflict", "forbidden"), roles(room)[str(bob.id)]) == ("host", True, "host")


def test_two_who_write_to_each_other_first_meet_in_one_room(published: list[Event]) -> None:
    ada, bob = make_user(), make_user()
    answers = at_once(
        *[lambda: service.open_direct(actor=ada, user_id=str(bob.id))] * 2,
        *[lambda: service.open_direct(actor=bob, user_id=str(ada.id))] * 2,
    )
    assert len({view.room.id for view, _ in answers}) == 1
    assert [is_new for _, is_new in answers].count(True) == 1
    assert roles(answers[0][0].room) == {ada.id: "member", bob.id: "member"}
    assert names(published) == ["member-added"]


def test_settings_that_are_changed_at_once_are_both_kept_and_numbered() -> None:
    owner = make_user()
    room = make_room(owner)

    def change(**settings: Any) -> Callable[[], Any]:
        return lambda: service.change_room(actor=owner, room_id=room.id, changes={"settings": settings})

    at_once(change(chatMode="hosts"), change(slowModeMs=1000), change(uploads=False), change(embeddable=True))
    with reading() as session:
        settings = session.get_one(Room, room.id).settings
        seqs = session.scalars(select(RoomEvent.seq).where(RoomEvent.room_id == room.id).order_by(RoomEvent.seq))
        assert list(seqs) == [1, 2, 3, 4]
    assert settings == {"chatMode": "hosts", "slowModeMs": 1000, "uploads": False, "embeddable": True}


def test_a_link_that_is_accepted_and_deleted_at_once_fails_nobody_unexpectedly() -> None:
    owner = make_user()
    room = make_room(owner)
    link = service.create_link(actor=owner, room_id=room.id, role="member")
    people = [make_user() for _ in range(4)]

    def accept(person: Actor) -> Callable[[], Any]:
        return lambda: service.accept_link(actor=person, token=link.token).role

    answers = at_once(*[accept(person) for person in people], lambda: service.delete_link(actor=owner, link_id=link.id))
    assert answers[-1] is None
    assert list(roles(room).values()).count("member") == answers.count("member")
    assert set(answers[:-1]) <= {"member", "link_not_found"}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_rotating_the_token_does_not_wait_for_who_inserts_rows_of_the_room() -> None:
    owner = make_user()
    room = make_room(owner)
    with database.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM rooms WHERE id = :id FOR KEY SHARE"), {"id": room.id})
        assert at_once(lambda: service.rotate_share_token(actor=owner, room_id=room.id).role) == ["owner"]


def test_guests_who_choose_one_name_at_once_get_different_ones() -> None:
    room = make_room(make_user())
    guests: list[Guest] = at_once(*[lambda: service.admit_guest(actor=ANONYMOUS, ref=room.id, name="Ada")] * 6)
    assert {guest.name for guest in guests} == {"Ada", "Ada 2", "Ada 3", "Ada 4", "Ada 5", "Ada 6"}


def test_a_room_that_is_deleted_meanwhile_is_not_changed(published: list[Event]) -> None:
    owner = make_user()
    room = make_room(owner)
    at_once(
        lambda: service.delete_room(actor=owner, room_id=room.id),
        lambda: service.change_room(actor=owner, room_id=room.id, changes={"name": "Late"}),
        lambda: service.change_stage(actor=owner, room_id=room.id, text="Late", visible=True),
    )
    numbered = [event.name for event in published if event.stream == "room"]
    assert numbered[-1] == "room-deleted"
    assert numbered.count("room-deleted") == 1


@pytest.mark.parametrize("way", ["join", "link"])
@pytest.mark.parametrize("first", ["joiner", "ban"])
def test_who_comes_while_being_banned_is_not_both_banned_and_a_member(
    monkeypatch: pytest.MonkeyPatch, way: str, first: str
) -> None:
    """Whoever has looked first waits there until the other one has done all it can."""
    from app.rooms.service import bans, links, members

    owner, bob = make_user(), make_user()
    room = make_room(owner)
    link = service.create_link(actor=owner, room_id=room.id, role="member")

    def come() -> Any:
        if way == "join":
            return service.join_room(actor=bob, ref=room.id).role
        return service.accept_link(actor=bob, token=link.token).role

    def ban() -> Any:
        return service.create_ban(actor=owner, room_id=room.id, user_id=bob.id).user_id

    module = bans if first == "ban" else members if way == "join" else links
    name = "insert_unless_exists" if first == "ban" else "find_person"
    proceed, others = getattr(module, name), []

    def wait_for_the_other(*args: Any, **kwargs: Any) -> Any:
        if not others:
            others.append(gevent.spawn(at_once, come if first == "ban" else ban))
            others[0].join(0.3)
        return proceed(*args, **kwargs)

    monkeypatch.setattr(module, name, wait_for_the_other)
    at_once(ban if first == "ban" else come)
    others[0].join(10)
    assert roles(room).get(str(bob.id), "left") == "left"
    with pytest.raises(AppError, match="banned"):
        service.join_room(actor=bob, ref=room.id)
