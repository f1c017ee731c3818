"""Taking files away: app/uploads/pruning.py."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.backends.handles import handles
from app.backends.storage import unavailable
from app.backends.transaction import reading, transaction
from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms
from app.messages import service as messages
from app.rooms.models import Room
from app.rooms.service import purge_deleted_rooms
from app.uploads import service
from app.uploads.models import Attachment, DiscardedFile
from app.uploads.pruning import UNUSED_MS
from tests.messages.support import refused
from tests.uploads.conftest import Upload
from tests.uploads.support import init, picture, send, ticket_of


def keys(attachment_id: str) -> tuple[str, str, str]:
    with reading() as session:
        row = session.get_one(Attachment, attachment_id)
        return row.incoming_key, row.file_key, row.thumbnail_key


def there(names: tuple[str, ...]) -> list[bool]:
    return [handles.storage.head(name) is not None for name in names]


def left() -> tuple[int, int]:
    with reading() as session:
        return session.query(Attachment).count(), session.query(DiscardedFile).count()


def prune(clock: FakeClock) -> int:
    return service.prune_uploads(before=add_ms(clock.now(), -UNUSED_MS))


def test_an_upload_that_ran_out_is_swept(client: FlaskClient, member: Actor, room: Room, clock: FakeClock) -> None:
    answer = init(member, room, picture())
    send(client, ticket_of(answer), picture())
    names = keys(answer["upload_id"])
    assert prune(clock) == 0
    clock.advance(handles.settings.upload_ticket_ms)
    assert prune(clock) == 1
    clock.advance(handles.settings.upload_ticket_ms)
    assert service.sweep_discarded() == 3
    assert there(names) == [False] * 3
    assert left() == (0, 0)


def test_what_arrived_goes_from_where_tickets_reach(upload: Upload, clock: FakeClock) -> None:
    names = keys(upload(picture())["id"])
    assert there(names) == [True, True, True]
    assert service.sweep_discarded() == 0
    clock.advance(handles.settings.upload_ticket_ms)
    assert service.sweep_discarded() == 1
    assert there(names) == [False, True, True]


def test_a_file_that_no_message_shows_is_swept_after_a_day(upload: Upload, clock: FakeClock) -> None:
    names = keys(upload(picture())["id"])
    clock.advance(UNUSED_MS)
    assert prune(clock) == 0
    clock.advance(1)
    assert prune(clock) == 1
    clock.advance(handles.settings.upload_ticket_ms)
    service.sweep_discarded()
    assert there(names) == [False] * 3


def test_a_file_in_a_message_stays_until_the_message_is_deleted(
    upload: Upload, member: Actor, room: Room, clock: FakeClock
) -> None:
    attachment = upload(picture())
    names = keys(attachment["id"])
    message = messages.send_message(actor=member, room_id=room.id, content="x", attachment_id=attachment["id"])
    clock.advance(UNUSED_MS * 2)
    assert prune(clock) == 0
    messages.delete_message(actor=member, message_id=message["id"])
    with refused("attachment_not_found"):
        service.get_attachment_url(actor=member, attachment_id=attachment["id"])
    service.sweep_discarded()
    assert there(names[1:]) == [False, False]


def test_with_a_purged_room_go_its_files(upload: Upload, room: Room, clock: FakeClock) -> None:
    names = keys(upload(picture())["id"])
    with transaction() as work:
        work.session.get_one(Room, room.id).deleted_at = work.now
    clock.advance(1)
    assert purge_deleted_rooms(before=clock.now()) == 1
    clock.advance(handles.settings.upload_ticket_ms)
    service.sweep_discarded()
    assert there(names) == [False] * 3
    assert left() == (0, 0)


def test_a_storage_that_is_away_loses_no_key(upload: Upload, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(picture())
    clock.advance(handles.settings.upload_ticket_ms)

    def fail(*args: object) -> None:
        raise unavailable()

    with monkeypatch.context() as broken:
        broken.setattr(handles.storage, "delete", fail)
        with refused("storage_unavailable"):
            service.sweep_discarded()
    assert service.sweep_discarded() == 1
