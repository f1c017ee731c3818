"""Who did what in a room: app/rooms/service/audit.py."""

from __future__ import annotations

from flask import Flask

from app.rooms import service as rooms
from app.rooms.models import Role
from app.timers import service as timers
from tests.messages.support import refused
from tests.support.factories import add_member, make_room, make_user


def test_a_host_sees_who_did_what_page_by_page_the_newest_first(app: Flask) -> None:
    ada, bob, eve = make_user("ada"), make_user("bob"), make_user("eve")
    room = make_room(ada)
    add_member(room, bob, Role.HOST)
    add_member(room, eve)
    timer = timers.create_timer(actor=ada, room_id=room.id, values={"title": "Talk", "duration_ms": 60_000})
    timers.start_timer(actor=bob, timer_id=timer.id)
    rooms.create_ban(actor=bob, room_id=room.id, user_id=eve.id)
    rooms.change_room(actor=ada, room_id=room.id, changes={"name": "Renamed"})

    first = rooms.list_audit(actor=bob, room_id=room.id, limit=2)
    rest = rooms.list_audit(actor=bob, room_id=room.id, limit=50, cursor=first.next_cursor)
    entries = [*first.items, *rest.items]
    assert rest.next_cursor is None
    assert [entry.seq for entry in entries] == sorted((entry.seq for entry in entries), reverse=True)
    told = {(entry.action, entry.actor_name) for entry in entries}
    assert {("start", bob.name), ("banned", bob.name)} <= told
    assert next(entry for entry in entries if entry.action == "start").timer_id == timer.id
    assert entries[0].actor_id == ada.id


def test_it_is_for_hosts_and_its_cursors_are_its_own(app: Flask) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    room = make_room(ada)
    add_member(room, bob)
    with refused("forbidden"):
        rooms.list_audit(actor=bob, room_id=room.id)
    for cursor in ("x", "-1", "1" * 19, "²"):
        with refused("bad_cursor"):
            rooms.list_audit(actor=ada, room_id=room.id, cursor=cursor)
