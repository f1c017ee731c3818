"""`flask create-user | set-password | promote | export-person | delete-person`: what an operator does about one account."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
from marshmallow import ValidationError
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.auth import devices
from app.auth import service as auth
from app.auth.models import Device, User
from app.auth.passwords import hash_password
from app.auth.schemas import MIN_PASSWORD, Register
from app.backends.transaction import Transaction, reading, transaction
from app.core.actor import Actor
from app.core.clock import to_wire
from app.messages.models import Message, Notification, ReadCursor, Vote
from app.rooms import service as rooms
from app.rooms.models import AuditEntry, Membership, Room

DELETED_NAME = "deleted user"
BATCH = 500
SECRET_COLUMNS = frozenset({"password_hash"})
OTHERS = frozenset({"actor_id", "actor_name"})


@click.command("create-user")
@click.argument("username")
@click.option("--email", help="Their address; they can sign in by it as well.")
@click.option("--name", help="How they are shown; the username if not given.")
@click.option("--operator", is_flag=True, help="May read the metrics and the socket numbers.")
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def create_user(username: str, email: str | None, name: str | None, operator: bool, generate: bool) -> None:
    """Make the account USERNAME."""
    password = secrets.token_urlsafe(15) if generate else _ask_password()
    given = {"username": username, "email": email, "name": name, "password": password}
    account = _valid({key: value for key, value in given.items() if value is not None})
    made = auth.register(**account, is_operator=operator)
    auth.log_out(actor=Actor("user", made.user.id, session_id=made.session_id))
    click.echo(f"Made {made.user.username}" + (f' with the password "{password}"' if generate else ""))


@click.command("set-password")
@click.argument("username")
@click.option("--generate", is_flag=True, help="Make a password and print it, instead of asking for one.")
def set_password(username: str, generate: bool) -> None:
    """Give USERNAME, who has lost it, a new password; they are signed out everywhere."""
    with reading() as session:
        found = _find(session, username)
    password = secrets.token_urlsafe(15) if generate else _ask_password()
    auth.set_password(username=found.username, new=password)
    shown = f': "{password}", to be changed under Account' if generate else ""
    click.echo(f"{found.username} has a new password{shown}")


@click.command("promote")
@click.argument("username")
@click.option("--demote", is_flag=True, help="Take the rights of an operator away instead.")
def promote(username: str, demote: bool) -> None:
    """Make USERNAME an operator, who may read the metrics and the socket numbers."""
    with transaction() as work:
        user = _find(work.session, username)
        user.is_operator, user.updated_at = not demote, work.now
    click.echo(f"{user.username} is {'no longer an' if demote else 'an'} operator")


@click.command("export-person")
@click.argument("username")
@click.option(
    "--output", type=click.File("w", encoding="utf-8"), default="-", help="Where to; standard output if not given."
)
def export_person(username: str, output: Any) -> None:
    """Write all that is kept about USERNAME, one JSON object per line: `{"kind": …, …}`."""
    with reading() as session:
        user_id = _find(session, username).id
    for kind, rows in personal_rows(user_id):
        count = 0
        for row in rows:
            output.write(json.dumps({"kind": kind, **row}, ensure_ascii=False) + "\n")
            count += 1
        output.flush()
        click.echo(f"{kind}: {count}", err=True)


@click.command("delete-person")
@click.argument("username")
@click.option("--rooms-to", metavar="USERNAME", help="Who gets the rooms they own; without this those are deleted.")
@click.confirmation_option(prompt="This cannot be undone. Delete this person?")
def delete_person(username: str, rooms_to: str | None) -> None:
    """Delete USERNAME: signed out everywhere, out of all rooms, and what they wrote is by a "deleted user".

    What they and others wrote keeps its words, names in them included.
    """
    unusable = hash_password(secrets.token_urlsafe(32))
    with transaction() as work:
        user = _find(work.session, username)
        heir = _find(work.session, rooms_to) if rooms_to else None
        if heir is user:
            raise click.ClickException("Their rooms go to somebody else, or nowhere.")
        owned = _give_up_rooms(work, user, heir)
        _forget(work, user, unusable)
    click.echo(f"Deleted {username}; {owned} rooms {'handed over' if heir else 'deleted'}")


def personal_rows(user_id: str) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """What is kept about an account, by kind; read by key, a short transaction per `BATCH` rows, and without secrets."""
    yield "account", _rows(User, User.id == user_id, User.id)
    yield "device", _rows(Device, Device.user_id == user_id, Device.id)
    yield "membership", _rows(Membership, Membership.user_id == user_id, Membership.room_id)
    yield "message", _rows(Message, Message.user_id == user_id, Message.id)
    yield "vote", _rows(Vote, Vote.person_id == user_id, Vote.message_id)
    yield "read", _rows(ReadCursor, ReadCursor.person_id == user_id, ReadCursor.room_id)
    yield "action", _rows(AuditEntry, AuditEntry.actor_id == user_id, AuditEntry.id)
    yield "action-upon", _rows(AuditEntry, AuditEntry.subject_id == user_id, AuditEntry.id, hidden=OTHERS)
    yield "notification", _rows(Notification, Notification.user_id == user_id, Notification.id)


def _rows(model: Any, mine: Any, key: Any, hidden: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        query = select(model).where(mine).order_by(key).limit(BATCH)
        with reading() as session:
            found = list(session.scalars(query if after is None else query.where(key > after)))
        for row in found:
            columns = [column.key for column in row.__table__.columns if column.key not in SECRET_COLUMNS | hidden]
            yield {name: _plain(getattr(row, name)) for name in columns}
        if len(found) < BATCH:
            return
        after = getattr(found[-1], key.key)


def _give_up_rooms(work: Transaction, user: User, heir: User | None) -> int:
    actor = Actor("user", user.id, user.username, user.name)
    owned = select(Room).where(Room.owner_id == user.id, Room.deleted_at.is_(None), Room.direct_key.is_(None))
    found = list(work.session.scalars(owned))
    for room in found:
        if heir is None:
            rooms.delete_room(actor=actor, room_id=room.id)
            continue
        if work.session.get(Membership, (heir.id, room.id)) is None:
            rooms.add_member(actor=actor, room_id=room.id, user_id=heir.id)
        rooms.change_member(actor=actor, room_id=room.id, user_id=heir.id, changes={"role": "owner"})
    return len(found)


def _forget(work: Transaction, user: User, unusable: str) -> None:
    """The row stays, for what refers to it, and says nothing of the person any more."""
    session = work.session
    devices.revoke(work, session.scalars(select(Device).where(Device.user_id == user.id)))
    session.execute(update(Device).where(Device.user_id == user.id).values(user_agent=""))
    session.execute(update(Message).where(Message.user_id == user.id).values(author_name=DELETED_NAME))
    session.execute(update(AuditEntry).where(AuditEntry.actor_id == user.id).values(actor_name=DELETED_NAME))
    session.execute(update(Notification).where(Notification.from_id == user.id).values(from_name=DELETED_NAME))
    session.execute(delete(ReadCursor).where(ReadCursor.person_id == user.id))
    session.execute(delete(Notification).where(Notification.user_id == user.id))
    directs = select(Room.id).where(Room.direct_key.is_not(None))  # the other of the two keeps the conversation
    mine = (Membership.user_id == user.id, Membership.role != "owner", Membership.room_id.not_in(directs))
    session.execute(update(Membership).where(*mine).values(role="left"))
    user.username, user.email, user.name = f"deleted-{secrets.token_hex(8)}", None, DELETED_NAME
    user.password_hash, user.is_operator, user.last_seen_at = unusable, False, None
    user.updated_at = work.now


def _find(session: Session, username: str) -> User:
    user = auth.find_user(session, email=username) if "@" in username else auth.find_user(session, username=username)
    if user is None:
        raise click.ClickException(f"There is no account {username}.")
    return user


def _valid(account: dict[str, str]) -> dict[str, Any]:
    """By the rules of the API, or the command ends with what they say."""
    try:
        loaded: dict[str, Any] = Register().load(account)
    except ValidationError as why:
        reasons = (f"{field}: {' '.join(said)}" for field, said in why.normalized_messages().items())  # type: ignore[no-untyped-call]
        raise click.ClickException(" ".join(reasons)) from why
    return {key: loaded[key] for key in account}


def _ask_password() -> str:
    while True:
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if len(password) >= MIN_PASSWORD:
            return password
        click.echo(f"At least {MIN_PASSWORD} characters, please.")


def _plain(value: Any) -> Any:
    return to_wire(value) if isinstance(value, datetime) else value
