"""Typing: begins once, renews silently, and always ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.core.errors import AppError
from app.presence import service
from app.presence.typing import TYPING_MS
from app.rooms.models import Role
from tests.presence.conftest import FakeSocket, Told, account

After = Callable[[int], None]
ROOM = "room-1"
STOPPED = {"roomId": ROOM, "userId": "id-ada"}


@pytest.fixture
def ada(told: Told) -> FakeSocket:
    """In the room; what her coming told is forgotten."""
    socket = FakeSocket(account("ada")).enter(ROOM)
    told.clear()
    return socket


def test_it_is_told_to_the_readers_of_the_conversation_and_not_to_the_socket_that_types(
    ada: FakeSocket, told: Told
) -> None:
    service.start_typing(client=ada, room_ref=ROOM)
    (event,) = told
    assert (event.name, event.channel, event.origin) == ("user-typing", f"chat:{ROOM}", ada.sid)
    assert event.args == ({"roomId": ROOM, "userId": "id-ada", "username": "ada"},)


def test_repeats_only_renew(ada: FakeSocket, told: Told, after: After) -> None:
    for _ in range(4):
        service.start_typing(client=ada, room_ref=ROOM)
        after(TYPING_MS - 1)
    assert told.names == ["user-typing"]
    after(1)
    assert told.of("user-stopped-typing") == [STOPPED]
    after(TYPING_MS)
    assert len(told) == 2


def test_it_stops_when_the_typist_says_so_and_only_if_they_typed(ada: FakeSocket, told: Told) -> None:
    service.stop_typing(client=ada, room_ref=ROOM)
    assert told == []
    service.start_typing(client=ada, room_ref=ROOM)
    service.stop_typing(client=ada, room_ref=ROOM)
    service.stop_typing(client=ada, room_ref=ROOM)
    assert told.names == ["user-typing", "user-stopped-typing"]


def test_its_end_is_told_to_those_who_were_told_that_it_began(ada: FakeSocket, told: Told, after: After) -> None:
    phone = FakeSocket(account("ada")).enter(ROOM)
    for end in (lambda: service.stop_typing(client=ada, room_ref=ROOM), lambda: after(TYPING_MS)):
        service.start_typing(client=ada, room_ref=ROOM)
        service.start_typing(client=phone, room_ref=ROOM)
        end()
    service.start_typing(client=phone, room_ref=ROOM)
    service.typing_stop(ada.actor, ROOM)
    typing = [(event.name, event.origin) for event in told if "typing" in event.name]
    origins = [ada.sid, ada.sid, phone.sid]
    assert typing == [(name, sid) for sid in origins for name in ("user-typing", "user-stopped-typing")]


def test_it_stops_by_sending(ada: FakeSocket, told: Told) -> None:
    service.start_typing(client=ada, room_ref=ROOM)
    service.typing_stop(ada.actor, ROOM)
    assert told.of("user-stopped-typing") == [STOPPED]


def test_it_stops_by_leaving_before_the_leaving_is_told(ada: FakeSocket, told: Told) -> None:
    service.start_typing(client=ada, room_ref=ROOM)
    service.leave(ada, ROOM)
    assert told.names[:3] == ["user-typing", "user-stopped-typing", "user-left-room"]


def test_it_stops_by_disconnecting_without_a_grace(ada: FakeSocket, told: Told) -> None:
    service.start_typing(client=ada, room_ref=ROOM)
    service.disconnect(ada)
    assert told.of("user-stopped-typing") == [STOPPED]


def test_each_typist_ends_at_their_own_time(ada: FakeSocket, told: Told, after: After) -> None:
    bo = FakeSocket(account("bo")).enter(ROOM)
    service.start_typing(client=ada, room_ref=ROOM)
    after(2000)
    service.start_typing(client=bo, room_ref=ROOM)
    after(1000)
    service.start_typing(client=ada, room_ref=ROOM)
    after(4000)
    assert [stopped["userId"] for stopped in told.of("user-stopped-typing")] == ["id-bo"]
    after(1000)
    assert [stopped["userId"] for stopped in told.of("user-stopped-typing")] == ["id-bo", "id-ada"]


def test_a_room_may_be_named_by_the_token_it_was_joined_with(told: Told) -> None:
    socket = FakeSocket(account("ada")).enter(ROOM, share_token="the-token")
    service.start_typing(client=socket, room_ref="the-token")
    assert told.of("user-typing")[0]["roomId"] == ROOM


def test_only_who_sits_in_the_room_and_reads_the_conversation_may_type(told: Told) -> None:
    def refusal(socket: FakeSocket, room_ref: str = ROOM) -> str:
        with pytest.raises(AppError) as why:
            service.start_typing(client=socket, room_ref=room_ref)
        return why.value.code

    member = FakeSocket(account("ada")).enter(ROOM)
    assert refusal(member, "another-room") == "not_in_room"
    assert refusal(FakeSocket().enter(ROOM, role=Role.VIEWER, reads_chat=False)) == "unauthenticated"
    assert refusal(FakeSocket(account("bo")).enter(ROOM, role=Role.VIEWER, reads_chat=False)) == "forbidden"
    assert told.of("user-typing") == []
