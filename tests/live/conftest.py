"""What tests of the delivery begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.backends.transaction import database
from app.core.event import Event
from app.live import delivery
from app.rooms.models import Room
from app.web.sockets import sockets
from tests.live.recorder import RecordingServer
from tests.support.factories import make_room, make_user


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> RecordingServer:
    recorder = RecordingServer()
    monkeypatch.setattr(sockets, "server", recorder)
    return recorder


@pytest.fixture
def room(server: RecordingServer) -> Iterator[Room]:
    room = make_room(make_user())
    delivery.open_room(room.id)
    yield room
    delivery.close_room(room.id)


@pytest.fixture
def deaf(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is committed is not delivered: another worker wrote it, and the bus is slow. Returns what it wrote."""
    written: list[Event] = []
    monkeypatch.setattr(database, "publish", written.extend)
    return written
