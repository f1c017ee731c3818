"""The head poll: app/live/heads.py."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from sqlalchemy import event as sqlalchemy_event

from app.backends.handles import handles
from app.backends.transaction import database
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event, room_channel
from app.live import delivery, heads
from app.rooms.models import Room
from app.web.sockets import Client, sockets
from tests.live.recorder import RecordingServer
from tests.live.test_delivery import write
from tests.support.factories import make_room, make_user
from tests.support.waiting import eventually

NEVER_S = 3600.0


def test_what_no_bus_brought_is_delivered(server: RecordingServer, room: Room, deaf: list[Event]) -> None:
    write(room, 3)
    heads.poll_heads()
    assert server.seqs(room_channel(room.id)) == [1, 2, 3]
    heads.poll_heads()
    assert server.seqs(room_channel(room.id)) == [1, 2, 3]


def test_many_rooms_cost_one_query(server: RecordingServer, deaf: list[Event]) -> None:
    owner = make_user()
    rooms = [make_room(owner) for _ in range(20)]
    for room in rooms:
        delivery.open_room(room.id)
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sqlalchemy_event.listen(database.read_engine, "before_cursor_execute", count)
    heads.poll_heads()
    assert sum("room_heads" in statement for statement in statements) == 1


def test_ten_thousand_rooms_are_one_short_statement(server: RecordingServer, room: Room) -> None:
    from app.backends.transaction import reading
    from app.core.ids import new_id
    from app.live.repair import read_heads

    with reading() as session:
        found = read_heads(session, [*(new_id() for _ in range(10_000)), room.id])
    assert list(found) == [room.id]


def test_an_event_on_its_way_is_left_to_the_bus(
    server: RecordingServer, room: Room, deaf: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(room)
    gevent.spawn_later(0.005, delivery.deliver, deaf[0])
    repaired: list[Any] = []
    monkeypatch.setattr(delivery, "repair", repaired.append)
    heads.poll_heads()
    assert repaired == []
    assert server.seqs(room_channel(room.id)) == [1]


def test_the_sockets_of_a_revoked_device_are_closed(server: RecordingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.core.ids import new_id

    gone = Client("gone", Actor("user", new_id(), session_id=new_id()))
    nobody = Client("nobody")
    monkeypatch.setattr(sockets, "clients", {client.sid: client for client in (gone, nobody)})
    heads.close_revoked()
    assert server.closed == ["gone"]


def test_the_loop_outlives_a_lost_database_and_answers_a_gap_at_once(
    server: RecordingServer, room: Room, deaf: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "POLL_S", NEVER_S)
    monkeypatch.setattr(heads, "AWAY_POLL_S", 0.02)
    answers = iter([AppError("database_unavailable"), AppError("database_unavailable")])
    read = heads.read_heads

    def fail_twice(*args: Any) -> Any:
        for failure in answers:
            raise failure
        return read(*args)

    monkeypatch.setattr(heads, "read_heads", fail_twice)
    loop = gevent.spawn(heads.watch_heads)
    write(room)
    heads.poll_soon()
    eventually(lambda: server.seqs(room_channel(room.id)) == [1])
    loop.kill()


def test_a_lost_word_about_somebodys_rights_is_looked_for_often_enough() -> None:
    """They are to lose their seats within two seconds; reading and closing need some of that."""
    assert max(heads.POLL_S, heads.AWAY_POLL_S) + delivery.HOLD_MS / 1000 < 1.6


def test_while_the_bus_is_away_the_poll_is_faster(
    server: RecordingServer, room: Room, deaf: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "POLL_S", NEVER_S)
    monkeypatch.setattr(heads, "AWAY_POLL_S", 0.02)
    monkeypatch.setattr(handles.bus, "is_healthy", lambda: False)
    loop = gevent.spawn(heads.watch_heads)
    write(room)
    eventually(lambda: server.seqs(room_channel(room.id)) == [1])
    loop.kill()
