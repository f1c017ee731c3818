"""What the database says about streams: app/live/repair.py."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.backends.bus_wire import decode_message, encode_event, encode_message
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.clock import FakeClock, to_wire
from app.core.event import Event
from app.live import delivery, repair
from app.live.repair import Heads, chat_events, missed_events, read_heads, room_events
from app.messages import service as messages
from app.rooms import service as rooms
from app.rooms.models import Room
from app.timers import service as timers
from tests.live.recorder import RecordingServer
from tests.live.test_delivery import write
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.waiting import eventually


@pytest.fixture
def owner(app: Flask) -> Actor:
    return make_user()


@pytest.fixture
def spoken(owner: Actor) -> Room:
    """A room where four things were said, the second was changed and the third taken back."""
    room = make_room(owner)
    said = [messages.send_message(actor=owner, room_id=room.id, content=f"{n}") for n in range(1, 5)]
    messages.edit_message(actor=owner, message_id=said[1]["id"], content="two")
    messages.delete_message(actor=owner, message_id=said[2]["id"])
    return room


def chat(room: Room, after: int) -> list[tuple[str, Any, int | None]]:
    with reading() as session:
        head = read_heads(session, [room.id])[room.id].chat
        return [
            (event.name, event.args[0].get("content"), event.seq)
            for event in chat_events(session, room.id, after, head)
        ]


def test_each_message_comes_once_as_it_is_now(spoken: Room) -> None:
    assert chat(spoken, after=0) == [
        ("message-received", "1", 1),
        ("message-received", "4", 4),
        ("message-received", "two", 5),
        ("message-deleted", None, 6),
    ]


def test_a_replayed_event_says_what_time_it_is_now(owner: Actor, clock: FakeClock) -> None:
    room = make_room(owner)
    timers.create_timer(actor=owner, room_id=room.id, values={"title": "Opening", "duration_ms": 60_000})
    now = clock.advance(3_600_000)
    with reading() as session:
        (event,) = room_events(session, room.id, 0, 1)
    assert event.args[0]["serverNow"] == to_wire(now)
    assert event.args[0]["createdAt"] < event.args[0]["serverNow"]


def test_who_has_a_message_gets_its_change(spoken: Room) -> None:
    assert chat(spoken, after=3) == [
        ("message-received", "4", 4),
        ("message-edited", "two", 5),
        ("message-deleted", None, 6),
    ]


def test_a_message_that_was_changed_after_the_head_was_read_is_not_left_out(spoken: Room) -> None:
    with reading() as session:
        head = Heads("", 0, 2)  # as if the second message had been changed since
        events, heads = missed_events(session, spoken.id, after=Heads("", 0, 0), head=head)
    assert "two" in [event.args[0].get("content") for event in events]
    assert heads.chat == 6


def test_pages_do_not_show(spoken: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = chat(spoken, after=0)
    monkeypatch.setattr(repair, "PAGE", 1)
    assert chat(spoken, after=0) == whole


def test_the_log_gives_the_rooms_events_between_two_numbers(owner: Actor) -> None:
    room = make_room(owner)
    write(room, 4)
    with reading() as session:
        assert [event.seq for event in room_events(session, room.id, 1, 3)] == [2, 3]
        assert room_events(session, room.id, 3, 3) == []


@pytest.fixture
def looked_at(server: RecordingServer, deaf: list[Event], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The changes of rights for which seats were looked at again; what is committed is in `deaf` and was not delivered."""
    looked_at: list[dict[str, Any]] = []
    monkeypatch.setitem(delivery._listeners, "access-changed", [lambda event: looked_at.append(event.args[0])])
    return looked_at


def end(how: str, owner: Actor, room: Room) -> dict[str, Any]:
    """Somebody's time in the room; what is told of it."""
    delivery.open_room(room.id)
    if how == "guest":
        guest = make_guest(room)
        rooms.leave_room(actor=guest, room_id=room.id)
        return {"roomId": room.id, "userId": None, "guestId": guest.guest_id, "reason": "left"}
    member = make_user()
    add_member(room, member)
    if how == "removed":
        rooms.remove_member(actor=owner, room_id=room.id, user_id=str(member.user_id))
    else:
        rooms.leave_room(actor=member, room_id=room.id)
    return {"roomId": room.id, "userId": member.user_id, "guestId": None, "reason": how}


@pytest.mark.parametrize("how", ["removed", "left", "guest"])
def test_who_lost_rights_unnoticed_is_looked_at_again(
    server: RecordingServer, owner: Actor, looked_at: list[dict[str, Any]], how: str
) -> None:
    room = make_room(owner)
    change = end(how, owner, room)
    delivery.repair([room.id])
    eventually(lambda: looked_at)
    assert looked_at == [change]
    assert [name for _, name, _ in server.fanned_out] == ["room-updated"]


def as_by_the_bus(event: Event) -> Event:
    """`event` as another worker gets it: without its cause."""
    return decode_message(encode_message("another", [encode_event(event)]))[1][0]


@pytest.mark.parametrize("how", ["removed", "left", "guest"])
def test_a_change_that_was_lost_is_found_by_the_event_that_tells_of_the_same(
    owner: Actor, deaf: list[Event], looked_at: list[dict[str, Any]], how: str
) -> None:
    room = make_room(owner)
    change = end(how, owner, room)
    delivery.deliver(as_by_the_bus(deaf[-1]))
    eventually(lambda: looked_at)
    assert looked_at == [change]


def test_a_change_that_arrived_is_not_looked_for_again(
    owner: Actor, deaf: list[Event], looked_at: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HOLD_MS", 600_000)  # it looks when it is told to
    room = make_room(owner)
    change = end("removed", owner, room)
    for event in deaf:
        delivery.deliver(as_by_the_bus(event))
    delivery._look_for_changes(delivery._rooms[room.id], deaf[-1].seq or 0)
    eventually(lambda: looked_at)
    assert looked_at == [change]
    delivery._look_for_changes(delivery._rooms[room.id], deaf[-1].seq or 0)
    eventually(lambda: len(looked_at) == 2)


def test_both_sides_of_a_handing_over_are_looked_at(owner: Actor, looked_at: list[dict[str, Any]]) -> None:
    room, heir = make_room(owner), make_user()
    add_member(room, heir)
    delivery.open_room(room.id)
    rooms.change_member(actor=owner, room_id=room.id, user_id=str(heir.user_id), changes={"role": "owner"})
    delivery.repair([room.id])
    eventually(lambda: len(looked_at) == 2)
    assert {change["userId"] for change in looked_at} == {owner.user_id, heir.user_id}


def test_a_repair_settles_the_conversation_at_the_head(server: RecordingServer, owner: Actor, spoken: Room) -> None:
    delivery.open_room(spoken.id)
    delivery._rooms[spoken.id].order["chat"].last = 0
    delivery.repair([spoken.id])
    assert [name for _, name, _ in server.fanned_out] == [*["message-received"] * 3, "message-deleted"]
    assert delivery.open_rooms()[spoken.id].chat == 6
