"""A room and its host, for every test of timers."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.actor import Actor
from app.rooms.models import Room
from tests.support.factories import make_room, make_user


@pytest.fixture
def host(app: Flask) -> Actor:
    return make_user()


@pytest.fixture
def room(host: Actor) -> Room:
    return make_room(host)
