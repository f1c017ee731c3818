"""From the bus to the clients, in order: app/live/delivery.py."""

from __future__ import annotations

import pytest

from app.backends.transaction import transaction
from app.core.actor import SYSTEM
from app.core.errors import AppError
from app.core.event import Event, room_channel
from app.core.ids import new_id
from app.live import delivery
from app.rooms.models import Room
from app.rooms.stream import append_room_event
from app.web.sockets import sockets
from tests.live.recorder import RecordingServer
from tests.support.factories import make_room, make_user
from tests.support.waiting import eventually


def write(room: Room, count: int = 1) -> None:
    for _ in range(count):
        with transaction() as work:
            append_room_event(work, room_id=room.id, name="room-updated", payload={"id": room.id}, actor=SYSTEM)


def test_a_committed_event_reaches_the_channel_at_once(server: RecordingServer, room: Room) -> None:
    write(room, 2)
    assert server.seqs(room_channel(room.id)) == [1, 2]


def test_events_that_overtook_each_other_are_put_in_order(
    server: RecordingServer, room: Room, deaf: list[Event]
) -> None:
    write(room, 3)
    for event in (deaf[2], deaf[0], deaf[0], deaf[1], deaf[2]):
        delivery.deliver(event)
    assert server.seqs(room_channel(room.id)) == [1, 2, 3]


def test_a_lost_event_is_read_from_the_database(server: RecordingServer, room: Room, deaf: list[Event]) -> None:
    write(room, 3)
    delivery.deliver(deaf[2])
    assert server.seqs(room_channel(room.id)) == []
    eventually(lambda: server.seqs(room_channel(room.id)) == [1, 2, 3])


def test_a_repair_delivers_what_no_bus_brought(server: RecordingServer, room: Room, deaf: list[Event]) -> None:
    write(room, 2)
    delivery.repair([room.id])
    delivery.deliver(deaf[1])
    assert server.seqs(room_channel(room.id)) == [1, 2]


def test_a_joiner_sees_nothing_twice_and_misses_nothing(server: RecordingServer, room: Room) -> None:
    write(room)
    with delivery.tap(room.id) as tap:
        write(room)
        snapshot = 2
        write(room, 2)
        tap.reach(snapshot, 0)
        assert [event.seq for event in tap.events_after(snapshot, 0, reads_chat=True)] == [3, 4]


def test_a_joiner_whose_snapshot_is_ahead_waits_until_the_worker_has_caught_up(
    server: RecordingServer, room: Room, deaf: list[Event]
) -> None:
    write(room, 2)
    with delivery.tap(room.id) as tap:
        tap.reach(2, 0)
        assert server.seqs(room_channel(room.id)) == [1, 2]
        assert tap.events_after(2, 0, reads_chat=True) == []


def test_opening_starts_at_the_heads_and_closing_the_last_seat_ends_it(
    server: RecordingServer, deaf: list[Event]
) -> None:
    room = make_room(make_user())
    write(room, 2)
    assert delivery.open_room(room.id).room == 2
    delivery.open_room(room.id)
    delivery.close_room(room.id)
    assert room.id in delivery.open_rooms()
    delivery.close_room(room.id)
    assert room.id not in delivery.open_rooms()


def test_a_room_that_is_not_there_cannot_be_opened(server: RecordingServer) -> None:
    with pytest.raises(AppError, match="room_not_found"):
        delivery.open_room(new_id())
    assert delivery.open_rooms() == {}


def test_ephemeral_events_pass_without_waiting(server: RecordingServer, room: Room) -> None:
    delivery.deliver(Event("user-typing", f"chat:{room.id}", ({"roomId": room.id},)))
    assert server.fanned_out == [(f"chat:{room.id}", "user-typing", ({"roomId": room.id},))]


def test_internal_events_reach_their_listeners_and_no_client(
    server: RecordingServer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    monkeypatch.setitem(delivery._listeners, "access-changed", [heard.append])
    change = {"roomId": room.id, "userId": None, "guestId": None, "reason": "rotated"}
    event = Event("access-changed", room_channel(room.id), (change,))
    delivery.deliver(event)
    eventually(lambda: heard == [event])
    assert server.fanned_out == []


def test_clients_of_seed_003_get_their_own_names(server: RecordingServer, room: Room) -> None:
    server.enter_room("old", f"chat:{room.id}~snake")
    delivery.deliver(Event("user-typing", f"chat:{room.id}", ({"roomId": room.id, "userId": "u", "username": "n"},)))
    assert server.fanned_out[1:] == [
        (f"chat:{room.id}~snake", "typing", ({"roomId": room.id, "userId": "u", "isTyping": True},))
    ]


def test_a_restarted_numbering_sends_the_clients_back_for_a_full_state(server: RecordingServer, room: Room) -> None:
    from app.rooms.models import RoomHead
    from app.web.sockets import Client

    sockets.clients["s1"] = Client("s1", seats={room.id: object()})
    with transaction() as work:
        head = work.session.get_one(RoomHead, room.id)
        head.epoch, head.room_seq = "another", 40
    delivery.repair([room.id])
    assert server.closed == ["s1"]
    assert delivery.open_rooms()[room.id].room == 40
