"""Backup and restore of the embedded mode: app/cli/backup.py."""

from __future__ import annotations

import io
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.backends.transaction import database, reading
from app.core.actor import Actor
from app.messages import service as messages
from app.rooms.models import Room, RoomHead
from app.uploads import service as uploads
from tests.cli.conftest import Run
from tests.support.factories import make_room, make_user
from tests.support.fixtures import StartServer
from tests.support.people import Person
from tests.support.processes import ServiceError
from tests.support.server import flask
from tests.support.waiting import eventually
from tests.uploads.support import init, picture, read, send, ticket_of

YES = "--yes"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def ada(app: Flask) -> Actor:
    return make_user("ada")


@pytest.fixture
def room(ada: Actor) -> Room:
    return make_room(ada)


def say(actor: Actor, room: Room, text: str) -> None:
    messages.send_message(actor=actor, room_id=room.id, content=text)


def said(actor: Actor, room: Room) -> list[str]:
    return [item["content"] for item in messages.list_messages(actor=actor, ref=room.id)["items"]]


def epoch(room: Room) -> str:
    with reading() as session:
        return session.get_one(RoomHead, room.id).epoch


def attach(client: FlaskClient, actor: Actor, room: Room) -> dict[str, Any]:
    ticket = init(actor, room, picture())
    assert send(client, ticket_of(ticket), picture()) == 204
    attachment = uploads.complete_upload(actor=actor, upload_id=ticket["upload_id"])
    messages.send_message(actor=actor, room_id=room.id, content="with a file", attachment_id=attachment["id"])
    return attachment


def test_what_was_there_comes_back_and_nothing_else(
    run: Run, client: FlaskClient, ada: Actor, room: Room, tmp_path: Path
) -> None:
    attachment, archive, before = attach(client, ada, room), tmp_path / "all.tar", epoch(room)
    content, _ = read(client, attachment["url"])
    output = run("backup", str(archive)).output
    assert "2 files" in output  # the picture and its thumbnail
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600

    say(ada, room, "after the backup")
    late = attach(client, ada, room)
    run("restore", str(archive), YES)
    assert said(ada, room) == ["with a file"]
    url = uploads.get_attachment_url(actor=ada, attachment_id=attachment["id"])
    assert read(client, url)[0] == content
    assert client.get(late["url"]).status_code == 404
    assert epoch(room) != before
    run("check")
    say(ada, room, "life goes on")


BAD: dict[str, tuple[dict[str, bytes], str]] = {
    "another archive": ({"other": b"x"}, "was not written by"),
    "a way out": ({"greenroom.db": b"x", "../secret": b"x"}, "no backup has"),
    "a way out of files": ({"greenroom.db": b"x", "files/../../secret": b"x"}, "no backup has"),
    "no database": ({"greenroom.db": b"not a database at all" * 100}, "broken"),
    "empty": ({"greenroom.db": b""}, "broken"),
}


@pytest.mark.parametrize("kind", [*BAD, "cut off"])
def test_what_is_no_sound_backup_changes_nothing(run: Run, ada: Actor, room: Room, tmp_path: Path, kind: str) -> None:
    say(ada, room, "still here")
    archive, before = tmp_path / "bad.tar", epoch(room)
    if kind == "cut off":
        run("backup", str(archive))
        archive.write_bytes(archive.read_bytes()[:5000])
    else:
        pack(archive, BAD[kind][0])
    assert BAD.get(kind, ({}, "broken"))[1] in run("restore", str(archive), YES, code=1).output
    assert (said(ada, room), epoch(room)) == (["still here"], before)


def pack(archive: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_a_backup_of_a_newer_version_is_refused(run: Run, room: Room, tmp_path: Path) -> None:
    with closing(sqlite3.connect(str(database.engine.url.database))) as file, file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    run("backup", str(tmp_path / "new.tar"))
    assert "another version" in run("restore", str(tmp_path / "new.tar"), YES, code=1).output


def test_restoring_asks_first(run: Run, ada: Actor, room: Room, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "a.tar"))
    say(ada, room, "newer")
    run("restore", str(tmp_path / "a.tar"), input="n\n", code=1)
    assert said(ada, room) == ["newer"]


def test_clients_of_a_server_that_was_restored_begin_anew(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    host = Person(server.url)
    room = host.post("/api/rooms", name="Main hall")
    host.post(f"/api/rooms/{room['id']}/messages", content="kept")
    archive = str(tmp_path / "a.tar")
    flask("backup", archive, settings=server.settings, directory=server.directory)
    host.post(f"/api/rooms/{room['id']}/messages", content="lost")
    with host.connect() as socket:
        position = socket.join(room["id"])["position"]
    server.stop()
    flask("restore", archive, YES, settings=server.settings, directory=server.directory)
    server.start()
    with host.connect() as socket:
        answer = socket.join({"roomId": room["id"]}, position=position)
        assert answer["recovered"] is False
        assert [message["content"] for message in answer["messages"]] == ["kept"]
    with host.connect() as socket:
        socket.join(room["id"])
        flask("new-epochs", settings=server.settings, directory=server.directory)
        eventually(lambda: not socket.connected, 10, "a running server noticed nothing")


def test_nothing_is_restored_beside_a_server_that_runs(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    host = Person(server.url)
    room = host.post("/api/rooms", name="Main hall")
    archive = str(tmp_path / "a.tar")
    flask("backup", archive, settings=server.settings, directory=server.directory)
    host.post(f"/api/rooms/{room['id']}/messages", content="still here")
    with pytest.raises(ServiceError, match=r"Error: A server uses .*greenroom\.db: stop it first\."):
        flask("restore", archive, YES, settings=server.settings, directory=server.directory)
    assert [item["content"] for item in host.get(f"/api/rooms/{room['id']}/messages")["items"]] == ["still here"]
    server.kill()  # its lock goes with it
    flask("restore", archive, YES, settings=server.settings, directory=server.directory)
    server.start()
    assert host.get(f"/api/rooms/{room['id']}/messages")["items"] == []
