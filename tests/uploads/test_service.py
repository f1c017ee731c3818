"""Asking, completing and reading back: who may, how much, and every bad input. app/uploads/service.py, completing.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from app.backends.fair_turns import FairTurns
from app.backends.handles import handles
from app.backends.postgres import POOL_SIZE
from app.backends.storage import unavailable
from app.backends.transaction import reading, transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.errors import AppError
from app.core.ids import new_id
from app.messages import service as messages
from app.rooms.models import Membership, Room
from app.settings import Settings
from app.uploads import completing, service
from app.uploads.models import Attachment
from tests.messages.support import change_member, change_settings, refused
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.waiting import eventually
from tests.uploads.conftest import Upload
from tests.uploads.support import archive, init, make_attachment, picture, pixel_bomb, send, ticket_of

QUOTA = 10_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    types = (*settings.upload_allowed_types, "image/svg+xml")
    return replace(
        settings,
        upload_max_bytes=5000,
        upload_allowed_types=types,
        upload_person_quota_bytes=QUOTA,
        upload_room_quota_bytes=QUOTA * 3 // 2,
    )


def sent(client: FlaskClient, actor: Actor, room: Room, content: bytes, mime: str = "image/png") -> str:
    answer = init(actor, room, content, mime)
    assert send(client, ticket_of(answer), content) == 204
    return str(answer["upload_id"])


def count() -> int:
    with reading() as session:
        return session.query(Attachment).count()


def test_only_members_of_a_room_that_takes_files_may_ask(member: Actor, room: Room) -> None:
    for actor, code in ((ANONYMOUS, "unauthenticated"), (make_guest(room), "forbidden"), (make_user(), "forbidden")):
        with refused(code):
            init(actor, room, b"x")
    with refused("room_not_found"):
        init(make_user(), make_room(make_user(), is_private=True), b"x")
    change_settings(room, uploads=False)
    with refused("uploads_off"):
        init(member, room, b"x")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"mime": "text/html"}, "file_type_not_allowed"),
        ({"mime": "application/x-msdownload"}, "file_type_not_allowed"),
        ({"mime": ""}, "file_type_not_allowed"),
        ({"mime": "application/octet-stream", "filename": "run.exe"}, "file_type_not_allowed"),
        ({"bytes": 5001}, "file_too_large"),
    ],
)
def test_what_is_not_taken_is_refused_before_it_is_sent(
    member: Actor, room: Room, asked: dict[str, Any], code: str
) -> None:
    with refused(code):
        init(member, room, b"x", **asked)
    assert count() == 0


def test_a_person_has_a_quota_and_so_has_a_room(member: Actor, room: Room, clock: FakeClock) -> None:
    for _ in range(2):
        init(member, room, bytes(5000))
    with refused("quota_exceeded"):
        init(member, room, b"x")
    other = make_user()
    add_member(room, other)
    init(other, room, bytes(5000))
    with refused("quota_exceeded"):
        init(other, room, b"x")
    clock.advance(handles.settings.upload_ticket_ms)
    init(member, room, bytes(5000))


def test_those_who_ask_at_once_do_not_get_the_same_space_twice(member: Actor, room: Room) -> None:
    other = make_user()
    add_member(room, other)

    def ask(actor: Actor) -> str:
        try:
            init(actor, room, bytes(2000))
        except AppError as why:
            return why.code
        return "taken"

    asked = [gevent.spawn(ask, actor) for _ in range(6) for actor in (member, other)]
    gevent.joinall(asked)
    answers = [greenlet.value for greenlet in asked]
    assert answers.count("taken") == 7  # 15,000 bytes are for the room, 10,000 for each of them
    assert answers.count("quota_exceeded") == 5


def test_a_quota_of_zero_is_none(member: Actor, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = replace(handles.settings, upload_person_quota_bytes=0, upload_room_quota_bytes=0)
    monkeypatch.setattr(handles, "settings", limits)
    for _ in range(4):
        init(member, room, bytes(5000))
    assert count() == 4


def test_who_asks_for_too_much_is_told_of_what(member: Actor, room: Room) -> None:
    for _ in range(2):
        init(member, room, bytes(5000))
    with refused("quota_exceeded") as mine:
        init(member, room, b"x")
    assert set(mine.value.details or {}) == {"person"}
    other = make_user()
    add_member(room, other)
    init(other, room, bytes(5000))
    with refused("quota_exceeded") as ours:
        init(other, room, b"x")
    assert set(ours.value.details or {}) == {"room"}


def test_completing_at_once_answers_all_the_same(client: FlaskClient, member: Actor, room: Room) -> None:
    for content, mime in ((picture(), "image/png"), (b"%PDF-1.7 and so on", "application/pdf")):
        upload_id = sent(client, member, room, content, mime)
        calls = [gevent.spawn(service.complete_upload, actor=member, upload_id=upload_id) for _ in range(6)]
        gevent.joinall(calls, raise_error=True)
        assert len({(call.value["id"], call.value["bytes"]) for call in calls}) == 1
        with client.get(calls[0].value["url"]) as answer:
            assert len(answer.data) == calls[0].value["bytes"]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that are started, which are decoders of pictures; they run as ever."""
    started: list[str] = []
    spawn = os.posix_spawn

    def count(path: str, *args: Any, **kwargs: Any) -> int:
        started.append(path)
        return spawn(path, *args, **kwargs)

    monkeypatch.setattr(os, "posix_spawn", count)
    return started


def test_a_picture_is_decoded_once_however_often_it_is_completed_at_once(
    client: FlaskClient, member: Actor, room: Room, decoded: list[str]
) -> None:
    upload_id = sent(client, member, room, picture())
    calls = [gevent.spawn(service.complete_upload, actor=member, upload_id=upload_id) for _ in range(POOL_SIZE)]
    gevent.joinall(calls, raise_error=True)
    assert len(decoded) == 1
    assert {call.value["id"] for call in calls} == {upload_id}


def test_a_bomb_that_is_completed_many_times_at_once_is_judged_once_and_gone(
    client: FlaskClient, member: Actor, room: Room, decoded: list[str]
) -> None:
    upload_id = sent(client, member, room, pixel_bomb(6300, 6300), "image/webp")

    def complete() -> None:
        with refused("file_too_large"):
            service.complete_upload(actor=member, upload_id=upload_id)

    gevent.joinall([gevent.spawn(complete) for _ in range(POOL_SIZE)], raise_error=True)
    assert len(decoded) == 1
    assert count() == 0


class NotedTurns(FairTurns):
    """Turns that say whose they were, and who is in a line."""

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once, patience_s=20.0)
        self.begun: list[str] = []

    @contextmanager
    def turn(self, person: str) -> Iterator[None]:
        with super().turn(person):
            self.begun.append(person)
            yield

    def waiting(self) -> int:
        return sum(map(len, self._lines.values()))


def test_somebody_with_many_pictures_keeps_nobody_waiting(
    client: FlaskClient, member: Actor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = NotedTurns(completing.PICTURES_AT_ONCE)
    monkeypatch.setattr(completing, "_decoding", turns)
    others = [make_user(), make_user()]
    for other in others:
        add_member(room, other)
    uploads = [(actor, sent(client, actor, room, picture())) for actor in (*[member] * 5, *others)]
    with (
        turns.turn("one"),
        turns.turn("another"),
    ):  # until everybody is there: who comes later cannot be before the others
        calls = [gevent.spawn(service.complete_upload, actor=actor, upload_id=id_) for actor, id_ in uploads]
        eventually(lambda: turns.waiting() == len(uploads))
    gevent.joinall(calls, raise_error=True)
    people = [str(actor.user_id) for actor in (member, *others)]
    assert sorted(turns.begun[2:5]) == sorted(people)


def test_what_did_not_arrive_cannot_be_completed_but_may_still_be_sent(
    client: FlaskClient, member: Actor, room: Room
) -> None:
    content = picture()
    answer = init(member, room, content)
    with refused("upload_incomplete"):
        service.complete_upload(actor=member, upload_id=answer["upload_id"])
    send(client, ticket_of(answer), content)
    assert service.complete_upload(actor=member, upload_id=answer["upload_id"])["mime"] == "image/png"


def test_completing_twice_answers_the_same(client: FlaskClient, member: Actor, room: Room) -> None:
    upload_id = sent(client, member, room, picture())
    first = service.complete_upload(actor=member, upload_id=upload_id)
    second = service.complete_upload(actor=member, upload_id=upload_id)
    assert {**first, "url": "", "thumbnailUrl": ""} == {**second, "url": "", "thumbnailUrl": ""}
    assert count() == 1


def test_an_upload_is_its_askers_alone(client: FlaskClient, member: Actor, owner: Actor, room: Room) -> None:
    upload_id = sent(client, member, room, picture())
    for actor, ident in ((owner, upload_id), (member, new_id())):
        with refused("upload_not_found"):
            service.complete_upload(actor=actor, upload_id=ident)


def test_an_upload_runs_out(client: FlaskClient, member: Actor, room: Room, clock: FakeClock) -> None:
    upload_id = sent(client, member, room, picture())
    clock.advance(handles.settings.upload_ticket_ms)
    with refused("upload_not_found"):
        service.complete_upload(actor=member, upload_id=upload_id)


def test_who_lost_the_room_cannot_complete_nor_read(
    client: FlaskClient, upload: Upload, member: Actor, room: Room
) -> None:
    attachment = upload(picture())
    upload_id = sent(client, member, room, picture())
    with transaction() as work:
        work.session.delete(work.session.get_one(Membership, (member.id, room.id)))
    with refused("forbidden"):
        service.complete_upload(actor=member, upload_id=upload_id)
    with refused("forbidden"):
        service.get_attachment_url(actor=member, attachment_id=attachment["id"])


@pytest.mark.parametrize(
    ("mime", "content"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\nMZ\x90" + bytes(300)),
        ("image/png", picture("JPEG")),
        ("application/pdf", archive({"a": b"x"})),
        ("text/plain", b"<html><script>alert(1)</script>"),
    ],
    ids=["executable", "another picture", "archive", "page"],
)
def test_what_is_something_else_is_removed_and_refused(
    client: FlaskClient, member: Actor, room: Room, mime: str, content: bytes
) -> None:
    upload_id = sent(client, member, room, content, mime)
    with reading() as session:
        key = session.get_one(Attachment, upload_id).incoming_key
    with refused("file_type_not_allowed"):
        service.complete_upload(actor=member, upload_id=upload_id)
    assert handles.storage.head(key) is None
    assert count() == 0
    with refused("upload_not_found"):
        service.complete_upload(actor=member, upload_id=upload_id)


def test_a_file_of_unknown_type_is_of_the_one_that_its_name_and_its_content_agree_on(
    upload: Upload, client: FlaskClient, member: Actor, room: Room
) -> None:
    assert upload(b"# Notes", "application/octet-stream", filename="Notes.MD")["mime"] == "text/markdown"
    answer = init(member, room, b"MZ\x00\x01", "application/octet-stream", filename="notes.md")
    assert send(client, ticket_of(answer), b"MZ\x00\x01") == 204
    with refused("file_type_not_allowed"):
        service.complete_upload(actor=member, upload_id=answer["upload_id"])


def test_a_bomb_in_an_archive_is_kept_packed(upload: Upload) -> None:
    bomb = archive({"zeros": bytes(2_000_000)})
    assert upload(bomb, "application/zip")["bytes"] == len(bomb) < 5000


def test_a_file_that_can_run_is_only_ever_saved(upload: Upload, client: FlaskClient) -> None:
    content = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    with client.get(upload(content, "image/svg+xml")["url"]) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_file_is_read_by_who_may_read_its_message(upload: Upload, member: Actor, owner: Actor, room: Room) -> None:
    attachment = upload(picture())
    with refused("attachment_not_found"):
        service.get_attachment_url(actor=owner, attachment_id=attachment["id"])
    assert service.get_attachment_url(actor=member, attachment_id=attachment["id"])
    messages.send_message(actor=member, room_id=room.id, content="look", attachment_id=attachment["id"])
    late = make_guest(room)
    for actor in (owner, late):
        assert service.get_attachment_url(actor=actor, attachment_id=attachment["id"]).startswith("/api/files/")
    with refused("unauthenticated"):
        service.get_attachment_url(actor=ANONYMOUS, attachment_id=attachment["id"])
    change_settings(room, history="sinceJoin")
    change_member(room, late, joined_chat_seq=1)
    with refused("attachment_not_found"):
        service.get_attachment_url(actor=late, attachment_id=attachment["id"])


def test_a_file_that_is_not_there_is_like_one_of_a_private_room(member: Actor) -> None:
    owner = make_user()
    hidden = make_attachment(owner, make_room(owner, is_private=True))
    for ident in (hidden, new_id(), "nonsense"):
        with refused("attachment_not_found"):
            service.get_attachment_url(actor=member, attachment_id=ident)


@pytest.mark.parametrize("step", ["head", "fetch", "put"])
def test_a_storage_that_fails_at_any_step_records_nothing(
    client: FlaskClient, member: Actor, room: Room, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    upload_id = sent(client, member, room, picture())

    def fail(*args: object, **kwargs: object) -> None:
        raise unavailable()

    with monkeypatch.context() as broken:
        broken.setattr(handles.storage, step, fail)
        with refused("storage_unavailable"):
            service.complete_upload(actor=member, upload_id=upload_id)
    with reading() as session:
        assert session.get_one(Attachment, upload_id).completed_at is None
    assert service.complete_upload(actor=member, upload_id=upload_id)["width"] == 40
