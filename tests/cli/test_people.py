"""Accounts from the command line: app/cli/people.py."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import select

from app.auth import service as auth
from app.auth.models import Device, User
from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.errors import AppError
from app.messages import service as messages
from app.rooms import service as rooms
from app.rooms.models import Membership, Room
from tests.cli.conftest import Run
from tests.support.factories import add_member, make_room, make_user

PASSWORD = "correct horse battery"


def user(user_id: str) -> User:
    with reading() as session:
        return session.get_one(User, user_id)


def test_an_account_is_made_and_can_sign_in(run: Run) -> None:
    output = run(
        "create-user",
        "Ada",
        "--email",
        "ada@example.org",
        "--operator",
        input=f"short\nshort\n{PASSWORD}\n{PASSWORD}\n",
    )
    assert "Made ada" in output.output
    assert PASSWORD not in output.output
    signed_in = auth.log_in(identifier="ada@example.org", password=PASSWORD)
    assert signed_in.user.is_operator
    assert len(auth.list_sessions(actor=Actor("user", signed_in.user.id))) == 1


def test_a_password_can_be_made_up(run: Run) -> None:
    printed = run("create-user", "ada", "--generate").output
    assert auth.log_in(identifier="ada", password=printed.split('"')[1]).user.name == "ada"


def test_a_name_that_is_taken_is_said_so(run: Run) -> None:
    run("create-user", "ada", "--generate")
    assert "taken" in run("create-user", "ADA", "--generate", code=1).output


def test_who_has_lost_their_password_gets_another_and_is_signed_out(run: Run) -> None:
    run("create-user", "ada", "--email", "ada@example.org", input=f"{PASSWORD}\n{PASSWORD}\n")
    ada = Actor("user", auth.log_in(identifier="ada", password=PASSWORD).user.id)
    printed = run("set-password", "ada@example.org", "--generate").output
    assert auth.list_sessions(actor=ada) == []
    with pytest.raises(AppError) as refused:
        auth.log_in(identifier="ada", password=PASSWORD)
    assert refused.value.code == "bad_credentials"
    auth.log_in(identifier="ada", password=printed.split('"')[1])
    output = run("set-password", "ADA", input="short\nshort\nquite another one\nquite another one\n").output
    assert "quite another one" not in output
    auth.log_in(identifier="ada", password="quite another one")
    assert "no account" in run("set-password", "nobody", "--generate", code=1).output


def test_operators_are_made_and_unmade(run: Run) -> None:
    ada = make_user("ada")
    run("promote", "ada")
    assert user(str(ada.id)).is_operator
    run("promote", "ada", "--demote")
    assert not user(str(ada.id)).is_operator
    assert "no account" in run("promote", "nobody", code=1).output


def test_a_person_gets_all_that_is_kept_about_them_and_no_secret(run: Run) -> None:
    ada, bruno = make_user("ada"), make_user("bruno")
    room = make_room(ada)
    add_member(room, bruno)
    messages.send_message(actor=ada, room_id=room.id, content="Mine")
    messages.send_message(actor=bruno, room_id=room.id, content="His")
    lines = [json.loads(line) for line in run("export-person", "ada").stdout.splitlines()]
    assert [line["content"] for line in lines if line["kind"] == "message"] == ["Mine"]
    assert {line["kind"] for line in lines} >= {"account", "membership", "message"}
    assert not any("password_hash" in line for line in lines)
    assert "bruno" not in json.dumps(lines)


def test_what_somebody_did_and_what_was_done_upon_them_is_theirs_and_loses_their_name(run: Run) -> None:
    ada, bruno = make_user("ada"), make_user("bruno")
    room = make_room(ada)
    add_member(room, bruno)
    rooms.rotate_share_token(actor=ada, room_id=room.id)
    rooms.change_member(actor=ada, room_id=room.id, user_id=str(bruno.id), changes={"role": "host"})
    lines = [json.loads(line) for line in run("export-person", "ada").stdout.splitlines()]
    assert [line["action"] for line in lines if line["kind"] == "action"] == ["rotated", "role"]
    (upon,) = [json.loads(line) for line in run("export-person", "bruno").stdout.splitlines() if "action-upon" in line]
    assert (upon["action"], upon["details"], "actor_name" in upon) == ("role", {"role": "host"}, False)
    run("delete-person", "ada", "--yes", "--rooms-to", "bruno")
    entries = rooms.list_audit(actor=bruno, room_id=room.id).items
    assert [entry.action for entry in entries] == ["role", "role", "rotated"]
    assert {entry.actor_name for entry in entries} == {"deleted user"}


@pytest.fixture
def deleted(app: Flask, run: Run) -> tuple[Room, Actor]:
    """Bruno, deleted, and Ada's room, where he had written something."""
    ada = make_user("ada")
    signed_in = auth.register(username="bruno", password=PASSWORD)
    bruno = Actor("user", signed_in.user.id, "bruno", "bruno")
    room = make_room(ada)
    add_member(room, bruno)
    messages.send_message(actor=bruno, room_id=room.id, content="Words")
    make_room(bruno, name="His own")
    run("delete-person", "bruno", "--yes")
    return room, bruno


def test_what_a_deleted_person_wrote_is_by_nobody(deleted: tuple[Room, Actor]) -> None:
    room, bruno = deleted
    with reading() as session:
        ada = session.scalars(select(User).where(User.username == "ada")).one()
    page = messages.list_messages(actor=Actor("user", ada.id, "ada", "ada"), ref=room.id)
    assert [(item["content"], item["user"]["name"]) for item in page["items"] if item["messageType"] == "text"] == [
        ("Words", "deleted user")
    ]
    assert "bruno" not in json.dumps([item["user"] for item in page["items"]])
    assert user(str(bruno.id)).email is None


def test_a_deleted_person_is_out_and_cannot_come_back(deleted: tuple[Room, Actor]) -> None:
    room, bruno = deleted
    with pytest.raises(AppError, match="bad_credentials"):
        auth.log_in(identifier="bruno", password=PASSWORD)
    with reading() as session:
        assert session.get_one(Membership, (bruno.id, room.id)).role == "left"
        assert all(device.revoked_at for device in session.scalars(select(Device).where(Device.user_id == bruno.id)))
        assert session.scalars(select(Room).where(Room.owner_id == bruno.id)).one().deleted_at is not None


def test_rooms_can_be_handed_over(run: Run) -> None:
    ada, bruno = make_user("ada"), make_user("bruno")
    room = make_room(ada)
    run("delete-person", "ada", "--yes", "--rooms-to", "bruno")
    with reading() as session:
        assert session.get_one(Room, room.id).owner_id == bruno.id
    assert rooms.list_rooms(actor=bruno).items
    assert "yes" in run("check").output


def test_deleting_asks_first(run: Run) -> None:
    ada = make_user("ada")
    run("delete-person", "ada", code=1, input="n\n")
    assert user(str(ada.id)).name == "ada"
