from __future__ import annotations

import gevent
import pytest
from flask import Flask

from app.backends.handles import handles
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.clock import FakeClock, to_wire
from app.core.event import Event, user_channel
from app.messages import receipts, service
from app.rooms.models import Room
from tests.messages.support import change_member, change_settings, refused, send
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The `message-read` events that were published."""
    events: list[Event] = []
    monkeypatch.setattr(handles.bus, "publish", events.extend)
    return events


def read(actor: Actor, message: dict[str, str]) -> dict[str, str]:
    return service.mark_read(actor=actor, room_id=message["roomId"], message_id=message["id"])


def readers(actor: Actor, message: dict[str, str]) -> list[str]:
    return [item["name"] for item in service.get_receipts(actor=actor, message_id=message["id"])["items"]]


def unread(actor: Actor, *rooms: Room) -> list[int | None]:
    with reading() as session:
        counts = service.count_unread(session, actor, [room.id for room in rooms])
    return [counts.get(room.id) for room in rooms]


def test_a_cursor_moves_forward_only(owner: Actor, member: Actor, room: Room) -> None:
    first, second = send(owner, room), send(owner, room)
    read(member, second)
    read(member, first)
    assert readers(owner, first) == readers(owner, second) == ["Bob"]
    third = send(owner, room)
    assert readers(owner, third) == []


def test_who_goes_back_or_reads_again_is_told_where_the_cursor_is(
    owner: Actor, member: Actor, room: Room, clock: FakeClock
) -> None:
    first, second = send(owner, room), send(owner, room)
    moved = service.mark_read(actor=member, room_id=room.id, message_id=second["id"])
    assert moved == {"roomId": room.id, "messageId": second["id"], "readAt": to_wire(clock.now())}
    clock.advance(1_000)
    for message in (first, second):
        assert service.mark_read(actor=member, room_id=room.id, message_id=message["id"]) == moved


def test_receipts_name_the_readers_and_not_the_author(
    owner: Actor, member: Actor, room: Room, clock: FakeClock
) -> None:
    message, guest = send(owner, room), make_guest(room, "Nick")
    read(owner, message)
    read(member, message)
    clock.advance(1_000)
    read(guest, message)
    page = service.get_receipts(actor=owner, message_id=message["id"])
    assert page["nextCursor"] is None
    assert page["items"][0] == {
        "userId": guest.id,
        "username": "Nick",
        "name": "Nick",
        "isGuest": True,
        "readAt": to_wire(clock.now()),
    }
    assert [item["name"] for item in page["items"]] == ["Nick", "Bob"]


def test_receipts_are_paged(owner: Actor, room: Room) -> None:
    message = send(owner, room)
    people = [make_guest(room) for _ in range(3)]
    for person in people:
        read(person, message)
    first = service.get_receipts(actor=owner, message_id=message["id"], limit=2)
    second = service.get_receipts(actor=owner, message_id=message["id"], limit=2, cursor=first["nextCursor"])
    assert {item["userId"] for item in first["items"] + second["items"]} == {person.id for person in people}
    assert second["nextCursor"] is None


def test_a_message_of_another_room_or_before_joining_cannot_be_read(owner: Actor, member: Actor, room: Room) -> None:
    elsewhere, before = send(owner, make_room(owner)), send(owner, room)
    with refused("message_not_found"):
        service.mark_read(actor=owner, room_id=room.id, message_id=elsewhere["id"])
    change_settings(room, history="sinceJoin")
    change_member(room, member, joined_chat_seq=1)
    with refused("message_not_found"):
        read(member, before)
    with refused("message_not_found"):
        readers(member, before)
    with refused("forbidden"):
        read(make_user(), before)


def test_each_author_is_told_once_per_reader_the_newest_that_was_seen(
    owner: Actor, member: Actor, room: Room, clock: FakeClock, told: list[Event]
) -> None:
    guest = make_guest(room)
    sent = [send(actor, room) for actor in (owner, owner, guest, member, owner)]
    told.clear()
    for message in sent[:4]:
        read(member, message)
    assert told == []
    receipts.gathered.flush()
    at = to_wire(clock.now())
    assert {event.channel: event.args[0] for event in told} == {
        user_channel(str(owner.id)): {"roomId": room.id, "messageId": sent[1]["id"], "userId": member.id, "readAt": at},
        user_channel(str(guest.id)): {"roomId": room.id, "messageId": sent[2]["id"], "userId": member.id, "readAt": at},
    }
    assert len(told) == 2
    assert all(event.stream is None and event.latest_key for event in told)
    receipts.gathered.flush()
    assert len(told) == 2


def test_reading_again_tells_nobody(owner: Actor, member: Actor, room: Room, told: list[Event]) -> None:
    message = send(owner, room)
    read(member, message)
    receipts.gathered.flush()
    told.clear()
    read(member, message)
    receipts.gathered.flush()
    assert told == []


def test_gathered_readings_are_told_by_themselves(
    owner: Actor, member: Actor, room: Room, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "GATHER_S", 0)
    message = send(owner, room)
    told.clear()
    read(member, message)
    timer = receipts.gathered._timer
    assert timer is not None
    gevent.joinall([timer], timeout=5, raise_error=True)
    assert [event.args[0]["messageId"] for event in told] == [message["id"]]


def test_many_readers_cost_one_query(owner: Actor, room: Room, told: list[Event]) -> None:
    message = send(owner, room)
    told.clear()
    for _ in range(5):
        read(make_guest(room), message)
    with counted() as statements:
        receipts.gathered.flush()
    assert len(told) == 5
    assert len(statements) == 1


def test_a_room_without_receipts_shows_none_but_counts_what_is_unread(
    owner: Actor, member: Actor, room: Room, told: list[Event]
) -> None:
    change_settings(room, receipts=False)
    message = send(owner, room)
    told.clear()
    read(member, message)
    receipts.gathered.flush()
    assert told == []
    with refused("receipts_off"):
        readers(owner, message)
    assert unread(member, room) == [0]


def test_unread_are_the_messages_of_others_past_the_cursor(owner: Actor, member: Actor, room: Room) -> None:
    other, foreign = make_room(owner), make_room(make_user())
    assert unread(member, room, other, foreign) == [0, None, None]
    sent = [send(owner, room) for _ in range(3)]
    send(member, room)
    assert unread(member, room) == [3]
    assert unread(owner, room, other) == [1, 0]
    read(member, sent[0])
    assert unread(member, room) == [2]
    service.delete_message(actor=owner, message_id=sent[1]["id"])
    assert unread(member, room) == [1]


def test_what_was_written_before_joining_is_not_unread(owner: Actor, room: Room) -> None:
    for _ in range(3):
        send(owner, room)
    late = make_user()
    add_member(room, late)
    change_member(room, late, joined_chat_seq=2)
    assert unread(late, room) == [1]


def test_counting_stops_where_nobody_reads_the_number(
    owner: Actor, member: Actor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "UNREAD_MAX", 2)
    for _ in range(3):
        send(owner, room)
    assert unread(member, room) == [2]


def test_unread_counts_are_one_statement(owner: Actor, room: Room) -> None:
    rooms = [room, make_room(owner), make_room(owner)]
    with counted() as statements:
        assert unread(owner, *rooms) == [0, 0, 0]
    assert len(statements) == 1


def test_reading_takes_at_most_six_statements(owner: Actor, member: Actor, room: Room) -> None:
    message = send(owner, room)
    with counted() as statements:
        read(member, message)
    assert len(statements) <= 6
