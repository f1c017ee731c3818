"""Who did what in a room: app/rooms/recording.py and app/rooms/service/audit.py."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.backends.transaction import reading, transaction
from app.core.actor import SYSTEM, Actor
from app.core.clock import FakeClock, add_ms
from app.messages import service as messages
from app.rooms import service as rooms
from app.rooms.models import AuditEntry, Role, Room
from app.timers import service as timers
from tests.messages.support import refused, send
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

SECRET = "between the two of us"


@pytest.fixture
def ada(app: Flask) -> Actor:
    """Who owns the room."""
    return make_user("ada")


@pytest.fixture
def eve(room: Room) -> Actor:
    """A member of it."""
    member = make_user("eve")
    add_member(room, member)
    return member


@pytest.fixture
def room(ada: Actor) -> Room:
    return make_room(ada)


def entries(actor: Actor, room: Room) -> list[rooms.AuditView]:
    """Everything, the newest first."""
    return rooms.list_audit(actor=actor, room_id=room.id, limit=100).items


def test_a_host_sees_who_did_what_page_by_page_the_newest_first(ada: Actor, eve: Actor, room: Room) -> None:
    bob = make_user("bob")
    add_member(room, bob, Role.HOST)
    timer = timers.create_timer(actor=ada, room_id=room.id, values={"title": "Talk", "duration_ms": 60_000})
    timers.start_timer(actor=bob, timer_id=timer.id)
    rooms.create_ban(actor=bob, room_id=room.id, user_id=str(eve.id))
    rooms.change_room(actor=ada, room_id=room.id, changes={"name": "Renamed"})

    first = rooms.list_audit(actor=bob, room_id=room.id, limit=2)
    rest = rooms.list_audit(actor=bob, room_id=room.id, limit=50, cursor=first.next_cursor)
    assert rest.next_cursor is None
    changed, banned, started, created = (*first.items, *rest.items)
    assert [(entry.action, entry.actor_name) for entry in (changed, banned, started, created)] == [
        ("changed", ada.name),
        ("banned", bob.name),
        ("start", bob.name),
        ("create", ada.name),
    ]
    assert started.seq < banned.seq < changed.seq  # type: ignore[operator]
    assert (started.timer_id, started.subject.name) == (timer.id, "Talk")  # type: ignore[union-attr]
    assert (banned.user_id, banned.subject.name) == (eve.id, eve.name)  # type: ignore[union-attr]
    assert (changed.subject, changed.details) == (None, {"changed": ["name"]})


def test_a_deletion_by_a_host_is_there_without_the_words_and_ones_own_is_not(
    ada: Actor, eve: Actor, room: Room
) -> None:
    theirs, own = send(eve, room, SECRET), send(eve, room, SECRET)
    messages.delete_message(actor=eve, message_id=own["id"])
    for _ in range(2):
        messages.delete_message(actor=ada, message_id=theirs["id"])
    (entry,) = entries(ada, room)
    assert (entry.action, entry.actor_id) == ("message-deleted", ada.id)
    assert (entry.subject.id, entry.subject.name) == (theirs["id"], eve.name)  # type: ignore[union-attr]


def test_invitations_roles_tokens_transcripts_and_questions_are_there(ada: Actor, eve: Actor, room: Room) -> None:
    link = rooms.create_link(actor=ada, room_id=room.id, role="host", label=SECRET)
    rooms.delete_link(actor=ada, link_id=link.id)
    rooms.rotate_share_token(actor=ada, room_id=room.id)
    rooms.change_member(actor=ada, room_id=room.id, user_id=str(eve.id), changes={"role": "host"})
    question = send(eve, room, SECRET, message_type="question")
    messages.set_question_state(actor=ada, message_id=question["id"], state="approved")
    messages.get_transcript(actor=ada, room_id=room.id)
    told = [(entry.action, entry.subject and entry.subject.id, entry.details) for entry in reversed(entries(ada, room))]
    assert told == [
        ("link-created", link.id, {"role": "host"}),
        ("link-deleted", link.id, {"role": "host"}),
        ("rotated", None, {}),
        ("role", eve.id, {"role": "host"}),
        ("question", question["id"], {"state": "approved", "authorId": eve.id}),
        ("transcript-exported", None, {}),
    ]


def test_a_flash_and_who_came_in_by_an_invitation_are_there(ada: Actor, room: Room) -> None:
    link = rooms.create_link(actor=ada, room_id=room.id, role="host")
    bob = make_user("bob")
    for _ in range(2):
        rooms.accept_link(actor=bob, token=link.token)
    rooms.flash_stage(actor=bob, room_id=room.id)
    flashed, joined, _ = entries(ada, room)
    assert (flashed.action, flashed.event, flashed.actor_name, flashed.subject) == ("flash", "stage-flash", "bob", None)
    assert (joined.action, joined.actor_id, joined.details) == ("link-used", bob.id, {"role": "host"})
    assert joined.subject is not None
    assert joined.subject.id == link.id


def test_no_words_and_no_secret_are_in_it(ada: Actor, eve: Actor, room: Room) -> None:
    rooms.change_stage(actor=ada, room_id=room.id, text=SECRET, visible=True)
    rooms.change_room(actor=ada, room_id=room.id, changes={"description": SECRET})
    rooms.create_ban(actor=ada, room_id=room.id, user_id=str(eve.id), reason=SECRET)
    link = rooms.create_link(actor=ada, room_id=room.id, role="member", label=SECRET)
    token = rooms.rotate_share_token(actor=ada, room_id=room.id).room.share_token
    with reading() as session:
        rows = session.execute(select(AuditEntry.__table__)).mappings().all()
        kept = json.dumps([dict(row) for row in rows], default=str)
    assert len(rows) == 5
    assert not any(secret in kept for secret in (SECRET, link.token, token))


def test_what_nobody_did_and_what_was_rolled_back_is_not_there(ada: Actor, room: Room) -> None:
    rooms.change_stage(actor=SYSTEM, room_id=room.id, text="By itself", visible=True)
    with suppress(ZeroDivisionError), transaction():
        rooms.change_room(actor=ada, room_id=room.id, changes={"name": "Never"})
        raise ZeroDivisionError
    assert entries(ada, room) == []


def test_a_handed_over_room_says_to_whom_and_a_guest_is_named(ada: Actor, eve: Actor, room: Room) -> None:
    guest = make_guest(room, "Nick")
    rooms.mute_guest(actor=ada, room_id=room.id, guest_id=str(guest.id), muted_until=room.created_at)
    rooms.change_member(actor=ada, room_id=room.id, user_id=str(eve.id), changes={"role": "owner"})
    handed, muted = entries(eve, room)
    assert (handed.user_id, handed.details) == (eve.id, {"role": "owner"})
    assert (muted.user_id, muted.subject.name) == (None, "Nick")  # type: ignore[union-attr]


def test_it_is_for_hosts_and_its_cursors_are_its_own(ada: Actor, eve: Actor, room: Room) -> None:
    with refused("forbidden"):
        rooms.list_audit(actor=eve, room_id=room.id)
    for cursor in ("x", "-1", "12", "²"):
        with refused("bad_cursor"):
            rooms.list_audit(actor=ada, room_id=room.id, cursor=cursor)


def test_a_message_that_is_sent_writes_nothing_into_it(eve: Actor, room: Room) -> None:
    with counted() as statements:
        send(eve, room)
    assert not any("audit_entries" in statement for statement in statements)


def test_old_entries_go_and_a_purged_rooms_with_it(ada: Actor, room: Room, clock: FakeClock) -> None:
    other = make_room(ada)
    rooms.rotate_share_token(actor=ada, room_id=room.id)
    clock.advance(1000)
    rooms.rotate_share_token(actor=ada, room_id=room.id)
    rooms.delete_room(actor=ada, room_id=other.id)
    assert rooms.prune_audit(before=clock.now()) == 1
    assert [entry.at for entry in entries(ada, room)] == [clock.now()]
    rooms.purge_deleted_rooms(before=add_ms(clock.now(), 1))
    with reading() as session:
        assert session.scalars(select(AuditEntry.room_id)).all() == [room.id]
        assert session.scalar(select(func.count()).select_from(Room)) == 1
