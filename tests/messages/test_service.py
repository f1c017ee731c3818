from __future__ import annotations

from flask import Flask

from app.messages import service
from app.presence.service import here
from tests.messages.support import send
from tests.support.factories import make_room, make_user


def test_sending_ends_typing(app: Flask) -> None:
    owner = make_user()
    room = make_room(owner)
    assert here.typing.start(room.id, str(owner.id), 0)
    send(owner, room)
    assert here.typing.stop(room.id, str(owner.id)) == []


def test_building_the_application_twice_listens_once(app: Flask) -> None:
    assert len(service.after_send) == 1
