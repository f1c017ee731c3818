"""Files in messages: whose they are, that they go with one message only, and what becomes of them."""

from __future__ import annotations

from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.event import Event
from app.core.ids import new_id
from app.messages import service
from app.messages.sending import write_drafts
from app.messages.standing import Draft
from app.rooms.models import Room
from app.uploads.models import Attachment, DiscardedFile
from tests.messages.support import named, refused, send
from tests.support.factories import add_member, make_room, make_user
from tests.support.statements import counted
from tests.uploads.support import make_attachment


def test_a_message_carries_its_file_when_sent_told_and_read(owner: Actor, room: Room, published: list[Event]) -> None:
    ident = make_attachment(owner, room)
    message = send(owner, room, attachment_id=ident)
    assert message["attachment"]["id"] == ident
    assert message["attachment"]["url"].startswith("/api/files/")
    assert named(published, "message-received") == [message]
    assert service.list_messages(actor=owner, ref=room.id)["items"] == [message]
    seed = service.list_messages_before(actor=owner, ref=room.id, before=None)["items"][0]
    assert seed["attachmentId"] == ident


def test_a_file_of_somebody_else_or_of_another_room_is_refused(owner: Actor, room: Room) -> None:
    other = make_user()
    add_member(room, other)
    for ident in (make_attachment(other, room), make_attachment(owner, make_room(owner)), new_id()):
        with refused("attachment_not_found"):
            send(owner, room, attachment_id=ident)


def test_a_file_that_has_not_arrived_is_refused(owner: Actor, room: Room) -> None:
    with refused("attachment_not_found"):
        send(owner, room, attachment_id=make_attachment(owner, room, completed_at=None))


def test_a_file_goes_with_one_message_only(owner: Actor, room: Room) -> None:
    ident = make_attachment(owner, room)
    first = send(owner, room, attachment_id=ident, client_message_id="one")
    with refused("attachment_not_found"):
        send(owner, room, attachment_id=ident)
    assert send(owner, room, attachment_id=ident, client_message_id="one") == first


def test_of_two_in_one_batch_the_first_gets_the_file(owner: Actor, room: Room) -> None:
    ident = make_attachment(owner, room)
    with transaction() as work:
        first, second = write_drafts(
            work, [Draft(owner, room.id, str(number), "text", None, ident) for number in (1, 2)]
        )
    assert first.message is not None
    assert first.message["attachment"]["id"] == ident
    assert second.error is not None
    assert second.error.code == "attachment_not_found"


def test_with_a_message_goes_its_file(owner: Actor, room: Room) -> None:
    ident = make_attachment(owner, room)
    message = send(owner, room, attachment_id=ident)
    assert service.delete_message(actor=owner, message_id=message["id"])["attachment"] is None
    with reading() as session:
        assert session.get(Attachment, ident) is None
        assert session.query(DiscardedFile).count() == 3


def test_the_files_of_a_page_are_asked_for_once(owner: Actor, room: Room) -> None:
    for _ in range(3):
        send(owner, room, attachment_id=make_attachment(owner, room))
    send(owner, room, "without")
    with counted() as statements:
        service.list_messages(actor=owner, ref=room.id)
    assert len(statements) == 3
