"""Pruning and checking: app/cli/upkeep.py."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.backends.handles import handles
from app.backends.storage import unavailable
from app.backends.transaction import reading, transaction
from app.cli import upkeep
from app.core.actor import Actor
from app.core.clock import FakeClock
from app.messages import service as messages
from app.rooms import service as rooms
from app.rooms.models import Room, RoomEvent
from app.uploads import service as uploads
from app.uploads.models import Attachment, DiscardedFile
from tests.cli.conftest import Run
from tests.support.factories import make_room, make_user
from tests.uploads.support import init, picture, send, ticket_of

BREAKAGES = {
    "UPDATE room_heads SET chat_seq = 0": "a room's head is not behind its messages",
    "UPDATE room_heads SET room_seq = 0": "a room's head is not behind its log",
    "DELETE FROM room_heads": "a room has a head",
    "DELETE FROM memberships": "a room has one owner, a direct room none",
    "UPDATE messages SET deleted_at = created_at": "a deleted message has no text",
    "UPDATE messages SET change_seq = seq - 1": "a message was changed no earlier than it was made",
}


@pytest.fixture
def busy_room(app: Flask) -> Room:
    """A room with something in each of its streams."""
    ada = make_user("ada")
    room = make_room(ada)
    rooms.change_room(actor=ada, room_id=room.id, changes={"name": "Renamed"})
    messages.send_message(actor=ada, room_id=room.id, content="Hello")
    return room


def test_a_sound_database_passes(run: Run, busy_room: Room) -> None:
    output = run("check").output
    assert output.count(": yes\n") == len(output.splitlines()) >= len(upkeep.INVARIANTS)


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_does_not_hold_is_found(run: Run, busy_room: Room, breakage: str) -> None:
    with transaction() as work:
        work.session.execute(text(breakage))
    output = run("check", code=1).output
    assert f"{BREAKAGES[breakage]}: NOT for" in output


def test_pruning_takes_what_is_old_and_nothing_else(run: Run, busy_room: Room, clock: FakeClock) -> None:
    ada = make_user("grace")
    gone = make_room(ada)
    rooms.delete_room(actor=ada, room_id=gone.id)
    assert run("prune").output.count(": 0 removed") == len(upkeep.JOBS)
    clock.advance(upkeep.ROOM_EVENTS_MS + 1)
    output = run("prune").output
    assert "rooms deleted more than a week ago: 0 removed" in output
    assert "room events older than a day: 0 removed" not in output
    clock.advance(upkeep.DELETED_ROOMS_MS)
    assert "rooms deleted more than a week ago: 1 removed" in run("prune").output
    with reading() as session:
        assert session.get(Room, gone.id) is None
        assert session.get(Room, busy_room.id) is not None
        assert session.query(RoomEvent).count() == 0


def test_what_hosts_did_is_kept_for_as_long_as_the_operator_says(run: Run, busy_room: Room, clock: FakeClock) -> None:
    clock.advance(handles.settings.audit_keep_days * upkeep.DAY_MS)
    assert "host actions older than AUDIT_KEEP_DAYS: 0 removed" in run("prune").output
    clock.advance(1)
    assert "host actions older than AUDIT_KEEP_DAYS: 1 removed" in run("prune").output


def test_the_files_of_what_is_gone_are_removed_from_the_storage(
    run: Run, client: FlaskClient, clock: FakeClock
) -> None:
    ada = make_user("ada")
    kept, purged = make_room(ada), make_room(ada)
    names = [send_file(client, ada, room) for room in (kept, purged)]
    unfinished = init(ada, kept, picture())
    assert send(client, ticket_of(unfinished), picture()) == 204
    rooms.delete_room(actor=ada, room_id=purged.id)
    clock.advance(upkeep.DELETED_ROOMS_MS + 1)
    output = run("prune").output
    assert "uploads that were not finished, or that no message shows: 1 removed" in output
    clock.advance(handles.settings.upload_ticket_ms)
    run("prune")
    assert [handles.storage.head(name) is not None for name in names] == [True, False]
    with reading() as session:
        assert session.query(DiscardedFile).count() == 0
        assert session.query(Attachment).count() == 1


def test_a_storage_that_is_away_does_not_keep_the_rest_from_being_pruned(
    run: Run, busy_room: Room, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise unavailable()

    monkeypatch.setattr(handles.storage, "delete", away)
    clock.advance(upkeep.ROOM_EVENTS_MS + 1)
    output = run("prune", code=1).output
    assert "room events older than a day: 0 removed" not in output
    assert "files in the storage that nobody needs: NOT now" in output


def send_file(client: FlaskClient, actor: Actor, room: Room) -> str:
    """Send a picture in a message of `room`; the key it is kept under."""
    answer = init(actor, room, picture())
    assert send(client, ticket_of(answer), picture()) == 204
    attachment = uploads.complete_upload(actor=actor, upload_id=answer["upload_id"])
    messages.send_message(actor=actor, room_id=room.id, content="x", attachment_id=attachment["id"])
    with reading() as session:
        return session.get_one(Attachment, attachment["id"]).file_key


def test_a_job_that_fails_leaves_the_others_their_turn(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(upkeep, "JOBS", {"broken": broken, "sound": lambda: 3})
    assert upkeep.prune_all() == {"sound": 3}
