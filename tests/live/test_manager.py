"""Emitting through Flask-SocketIO: app/live/manager.py."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.backends.handles import handles
from app.core.event import Event


@pytest.fixture
def on_the_bus(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    events: list[Event] = []
    monkeypatch.setattr(handles.bus, "publish", events.extend)
    return events


def emit(app: Flask, *args: Any, **options: Any) -> None:
    app.extensions["socketio"].emit(*args, **options)


def test_an_emit_to_a_channel_goes_to_every_worker(app: Flask, on_the_bus: list[Event]) -> None:
    emit(app, "hello", ({"a": 1}, 2), to="room:r", skip_sid="w1.sid")
    assert on_the_bus == [Event("hello", "room:r", ({"a": 1}, 2))]
    assert on_the_bus[0].origin == "w1.sid"


def test_an_emit_to_one_socket_or_everybody_stays_here(app: Flask, on_the_bus: list[Event]) -> None:
    emit(app, "hello", {}, to="w0.some-sid")
    emit(app, "hello", {})
    assert on_the_bus == []
