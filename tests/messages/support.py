"""What tests of the conversation share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.backends.transaction import transaction
from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event
from app.core.ids import new_id
from app.messages import service
from app.rooms.models import Ban, Guest, Membership, Room


def send(actor: Actor, room: Room, content: str = "hello", **more: Any) -> dict[str, Any]:
    """A message of `actor` in `room`."""
    return service.send_message(actor=actor, room_id=room.id, content=content, **more)


def texts(page: dict[str, Any]) -> list[str]:
    """The contents of a page."""
    return [item["content"] for item in page["items"]]


def named(events: list[Event], name: str) -> list[dict[str, Any]]:
    """The payloads of the events of that name."""
    return [event.args[0] for event in events if event.name == name]


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[AppError]]:
    """The block must be refused with `code`."""
    with pytest.raises(AppError) as why:
        yield why
    assert why.value.code == code


def change_settings(room: Room, **settings: Any) -> None:
    """Set settings of `room`."""
    with transaction() as work:
        row = work.session.get_one(Room, room.id)
        row.settings = {**row.settings, **settings}


def change_member(room: Room, actor: Actor, **values: Any) -> None:
    """Change the membership or the guest of `actor`."""
    with transaction() as work:
        row: Any = (
            work.session.get_one(Guest, actor.id)
            if actor.is_guest
            else work.session.get_one(Membership, (actor.id, room.id))
        )
        for name, value in values.items():
            setattr(row, name, value)


def ban(room: Room, actor: Actor) -> None:
    """Ban `actor` from `room`."""
    with transaction() as work:
        who = {"guest_id": actor.id} if actor.is_guest else {"user_id": actor.id}
        work.session.add(Ban(id=new_id(), room_id=room.id, created_at=work.now, **who))
