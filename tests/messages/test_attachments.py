"""What messages promise to whoever keeps the files, whoever that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.ids import new_id
from app.messages import service
from app.messages.attachments import NoFiles, attachments
from app.rooms.models import Room
from tests.messages.support import counted, refused, send
from tests.support.factories import add_member, make_room, make_user


class Shelf:
    """Keeps files in a dictionary and notes what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.asked: list[list[str]] = []

    def add(self, actor: Actor, room: Room) -> str:
        ident = new_id()
        self.files[ident] = {"id": ident, "roomId": room.id, "userId": actor.id, "filename": "a.png"}
        return ident

    def describe(self, session: Session, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        self.asked.append(sorted(ids))
        return {ident: self.files[ident] for ident in ids if ident in self.files}


@pytest.fixture
def shelf(app: Flask) -> Iterator[Shelf]:
    before = attachments._source
    shelf = Shelf()
    attachments.bind(shelf)
    yield shelf
    attachments.bind(before)


@pytest.fixture
def owner(app: Flask) -> Actor:
    return make_user("Ada")


@pytest.fixture
def room(owner: Actor) -> Room:
    return make_room(owner)


def test_a_message_carries_its_file_when_sent_and_when_read(owner: Actor, room: Room, shelf: Shelf) -> None:
    ident = shelf.add(owner, room)
    message = send(owner, room, attachment_id=ident)
    assert message["attachment"] == shelf.files[ident]
    assert service.list_messages(actor=owner, ref=room.id)["items"] == [message]


def test_a_file_of_somebody_else_or_of_another_room_is_refused(owner: Actor, room: Room, shelf: Shelf) -> None:
    other = make_user()
    add_member(room, other)
    for ident in (shelf.add(other, room), shelf.add(owner, make_room(owner)), new_id()):
        with refused("attachment_not_found"):
            send(owner, room, attachment_id=ident)


def test_a_deleted_message_shows_no_file(owner: Actor, room: Room, shelf: Shelf) -> None:
    message = send(owner, room, attachment_id=shelf.add(owner, room))
    assert service.delete_message(actor=owner, message_id=message["id"])["attachment"] is None


def test_the_files_of_a_page_are_asked_for_once(owner: Actor, room: Room, shelf: Shelf) -> None:
    idents = [shelf.add(owner, room) for _ in range(3)]
    for ident in idents:
        send(owner, room, attachment_id=ident)
    send(owner, room, "without")
    shelf.asked.clear()
    with counted() as statements:
        service.list_messages(actor=owner, ref=room.id)
    assert shelf.asked == [sorted(idents)]
    assert len(statements) == 2


def test_where_no_files_are_kept_none_is_known(owner: Actor, room: Room, shelf: Shelf) -> None:
    attachments.bind(NoFiles())
    with refused("attachment_not_found"):
        send(owner, room, attachment_id=shelf.add(owner, room))
