"""Who is in a room, and what the others are told about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms, to_wire
from app.core.errors import AppError
from app.core.event import Event
from app.presence import service
from app.presence.seats import GRACE_MS
from tests.presence.conftest import FakeSocket, Told, account

pytestmark = pytest.mark.usefixtures("told")

After = Callable[[int], None]
ROOM, OTHER_ROOM = "room-1", "room-2"


def people(room_id: str) -> list[dict[str, Any]]:
    """The room's people as they are sent."""
    ids, payloads = map(orjson.loads, map(orjson.dumps, service.encoded_people(room_id)))
    assert ids == [person["id"] for person in payloads]
    return list(payloads)


def test_who_enters_is_listed_counted_and_told() -> None:
    FakeSocket(account("ada")).enter(ROOM)
    FakeSocket(Actor("guest", "id-bo", "Bo", "Bo", room_id=ROOM)).enter(ROOM)
    assert people(ROOM) == [
        {"id": "id-ada", "username": "ada", "name": "Ada", "isGuest": False},
        {"id": "id-bo", "username": "Bo", "name": "Bo", "isGuest": True},
    ]
    assert service.count(ROOM) == 2
    assert service.presence_payload(ROOM) == {"roomId": ROOM, "users": ["id-ada", "id-bo"]}


def test_entering_tells_the_room_who_came_that_they_are_online_and_how_many_there_are(told: Told) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM)
    user = {"id": "id-ada", "username": "ada", "name": "Ada", "isGuest": False}
    assert [(event.name, event.channel, event.args) for event in told] == [
        ("user-joined-room", f"room:{ROOM}", ({"roomId": ROOM, "user": user},)),
        ("user-count", f"room:{ROOM}", (1, {"roomId": ROOM})),
        ("user-online", f"room:{ROOM}", ({"userId": "id-ada", "username": "ada"},)),
    ]
    assert all(event.stream is None and event.seq is None for event in told)
    assert told[-1].origin == socket.sid, "nobody has to be told that they are online"


def test_entering_again_changes_nothing(told: Told) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM)
    told.clear()
    socket.enter(ROOM)
    service.leave(socket, ROOM)
    assert service.count(ROOM) == 0
    assert told.of("user-joined-room") == []


def test_viewers_without_a_name_are_counted_and_not_listed(told: Told) -> None:
    for _ in range(3):
        FakeSocket().enter(ROOM)
    assert service.count(ROOM) == 3
    assert people(ROOM) == []
    assert set(told.names) == {"user-count"}


def test_somebody_with_three_devices_is_one_person_until_the_last_has_left(told: Told) -> None:
    devices = [FakeSocket(account("ada")).enter(ROOM) for _ in range(3)]
    assert service.count(ROOM) == 1
    assert len(told.of("user-joined-room")) == 1
    for device in devices:
        assert told.of("user-left-room") == []
        service.leave(device, ROOM)
    assert told.of("user-left-room") == [{"roomId": ROOM, "userId": "id-ada"}]


def test_leaving_on_purpose_is_told_at_once_and_does_not_mean_offline(told: Told, after: After) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM)
    service.leave(socket, ROOM)
    service.leave(socket, ROOM)
    assert told.of("user-left-room") == [{"roomId": ROOM, "userId": "id-ada"}]
    after(10_000)
    assert told.of("user-offline") == []


def test_a_lost_connection_has_a_grace_to_return_in(told: Told, after: After) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM)
    told.clear()
    service.disconnect(socket)
    service.leave(socket, ROOM)
    after(GRACE_MS - 1)
    assert service.count(ROOM) == 1
    FakeSocket(account("ada")).enter(ROOM)
    after(GRACE_MS)
    assert service.count(ROOM) == 1
    assert told == []


def test_who_does_not_return_has_left_all_rooms_and_is_offline(told: Told, after: After, clock: FakeClock) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM).enter(OTHER_ROOM)
    told.clear()
    lost_at = clock.now()
    service.disconnect(socket)
    after(GRACE_MS)
    assert {left["roomId"] for left in told.of("user-left-room")} == {ROOM, OTHER_ROOM}
    offline = [event for event in told if event.name == "user-offline"]
    assert {event.channel for event in offline} == {f"room:{ROOM}", f"room:{OTHER_ROOM}"}
    assert offline[0].args == ({"userId": "id-ada", "lastSeen": to_wire(lost_at)},)
    assert people(ROOM) == []


def test_somebody_whose_other_device_stays_is_not_offline(told: Told, after: After) -> None:
    phone = FakeSocket(account("ada")).enter(ROOM)
    FakeSocket(account("ada")).enter(OTHER_ROOM)
    service.disconnect(phone)
    after(GRACE_MS)
    assert told.of("user-left-room") == [{"roomId": ROOM, "userId": "id-ada"}]
    assert told.of("user-offline") == []
    assert len(told.of("user-online")) == 1


def test_two_devices_that_vanish_together_leave_one_offline_for_each_room(told: Told, after: After) -> None:
    for room_id in (ROOM, OTHER_ROOM):
        service.disconnect(FakeSocket(account("ada")).enter(room_id))
    after(GRACE_MS)
    assert {event.channel for event in told if event.name == "user-offline"} == {f"room:{ROOM}", f"room:{OTHER_ROOM}"}


def test_a_viewer_who_reloads_is_not_counted_twice() -> None:
    page = FakeSocket(address="192.0.2.7").enter(ROOM)
    FakeSocket(address="192.0.2.8").enter(ROOM)
    service.disconnect(page)
    FakeSocket(address="192.0.2.7").enter(ROOM)
    assert service.count(ROOM) == 2
    FakeSocket(address="192.0.2.7").enter(ROOM)
    assert service.count(ROOM) == 3


def test_places_that_were_taken_again_end_with_their_new_owners(after: After) -> None:
    pages = [FakeSocket().enter(ROOM) for _ in range(4)]
    for page in pages[:3]:
        service.disconnect(page)
    back = [FakeSocket().enter(ROOM) for _ in range(2)]
    assert service.count(ROOM) == 4
    after(GRACE_MS)
    assert service.count(ROOM) == 3
    service.disconnect(back[0])
    service.leave(back[1], ROOM)
    assert service.count(ROOM) == 2
    after(GRACE_MS)
    assert service.count(ROOM) == 1
    service.leave(pages[3], ROOM)
    seats = service.here.seats
    assert service.count(ROOM) == 0
    assert (seats._vacant, seats._taken, seats._anonymous) == ({}, {}, {})


def test_the_count_is_told_at_once_and_then_once_a_second(told: Told, after: After) -> None:
    for number in range(1, 6):
        FakeSocket(account(f"p{number}")).enter(ROOM)
    assert told.of("user-count") == [(1, {"roomId": ROOM})]
    after(999)
    assert len(told.of("user-count")) == 1
    after(1)
    assert told.of("user-count")[1:] == [(5, {"roomId": ROOM})]
    after(5000)
    assert len(told.of("user-count")) == 2
    assert told[-1].latest_key == f"user-count:{ROOM}"


def test_a_count_that_came_back_to_what_was_told_is_not_told_again(told: Told, after: After) -> None:
    FakeSocket().enter(ROOM)
    passer_by = FakeSocket().enter(ROOM)
    service.leave(passer_by, ROOM)
    after(1000)
    assert told.of("user-count") == [(1, {"roomId": ROOM})]


def fill(room_id: str, count: int) -> list[FakeSocket]:
    return [FakeSocket(account(f"p{number}")).enter(room_id) for number in range(count)]


def test_above_a_hundred_people_only_the_count_is_told(told: Told, after: After) -> None:
    crowd = fill(ROOM, service.CROWD)
    assert not service.is_limited(ROOM)
    assert len(told.of("user-joined-room")) == service.CROWD
    after(1000)
    after(1000)
    told.clear()
    late = FakeSocket(account("late")).enter(ROOM)
    assert service.is_limited(ROOM)
    assert len(people(ROOM)) == service.CROWD
    service.start_typing(client=crowd[0], room_ref=ROOM)
    assert told.names == ["user-count"]
    service.disconnect(late)
    after(GRACE_MS)
    assert not service.is_limited(ROOM)
    assert told.of("user-left-room") == [{"roomId": ROOM, "userId": "id-late"}]


def test_viewers_without_a_name_make_a_crowd_too(told: Told) -> None:
    for _ in range(service.CROWD):
        FakeSocket().enter(ROOM)
    FakeSocket(account("ada")).enter(ROOM)
    assert service.is_limited(ROOM)
    assert told.of("user-joined-room", "user-online") == []


def test_what_a_join_costs_does_not_grow_with_the_room(told: Told, after: After) -> None:
    fill(ROOM, 1000)
    after(1000)
    told.clear()
    fill(ROOM, 1500)
    after(1000)
    assert [event.args[0] for event in told] == [1500]


def test_a_deaf_client_loses_nothing_that_a_rejoin_does_not_bring(told: Told) -> None:
    fill(ROOM, 3)
    by_events = {event.args[0]["user"]["id"] for event in told if event.name == "user-joined-room"}
    assert by_events == {person["id"] for person in people(ROOM)}


def test_an_idle_worker_keeps_nothing_of_those_who_were_here(after: After) -> None:
    for socket in [*fill(ROOM, 3), FakeSocket().enter(ROOM)]:
        service.disconnect(socket)
    after(GRACE_MS)
    after(1000)
    here = service.here
    assert not any(part.is_waiting for part in (here.seats, here.counts, here.typing))
    assert here.port.rooms == {}  # type: ignore[attr-defined]


def test_events_are_ephemeral(told: list[Event]) -> None:
    fill(ROOM, 2)
    assert {event.stream for event in told} == {None}


def test_who_may_not_write_does_not_type(told: Told, clock: FakeClock) -> None:
    muted_until = add_ms(clock.now(), 1_000)
    for seat, code in (
        ({"reads_chat": False}, "forbidden"),
        ({"may_write": False}, "chat_closed"),
        ({"muted_until": muted_until}, "muted"),
    ):
        socket = FakeSocket(account("ada")).enter("r1", **seat)
        with pytest.raises(AppError) as why:
            service.start_typing(client=socket, room_ref="r1")
        assert why.value.code == code
    assert "user-typing" not in told.names
    clock.advance(1_000)
    service.start_typing(client=socket, room_ref="r1")
    assert "user-typing" in told.names
