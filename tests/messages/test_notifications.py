from __future__ import annotations

import pytest

from app.backends.transaction import reading
from app.core.actor import Actor
from app.core.clock import FakeClock, to_wire
from app.core.event import Event, user_channel
from app.messages.models import Notification
from app.messages.notifications import MENTIONS_PER_MESSAGE, mentioned
from app.rooms import service as rooms
from app.rooms.models import Room
from tests.messages.support import change_member, named, send
from tests.support.factories import add_member, make_guest, make_room, make_user


@pytest.fixture
def bob(room: Room) -> Actor:
    actor = make_user("Bob")
    add_member(room, actor)
    return actor


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("@bob", ["bob"]),
        ("hi @Bob, @ada.l. and (@x-y)", ["bob", "ada.l", "x-y"]),
        ("@bob @BOB @bob", ["bob"]),
        ("mail bob@example.org or example.org/@bob", []),
        ("@ @. @-", []),
        ("@हिन्दी, and @ada,@bob@example.org", ["हिन्दी", "ada", "bob"]),
        ("nobody", []),
    ],
)
def test_mentions_are_user_names_after_an_at_sign(content: str, names: list[str]) -> None:
    assert mentioned(content) == names


def test_a_message_mentions_only_so_many() -> None:
    assert len(mentioned(" ".join(f"@person{n}" for n in range(100)))) == MENTIONS_PER_MESSAGE


def test_the_mentioned_member_is_told(
    owner: Actor, bob: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    message = send(owner, room, "look, @bob")
    (event,) = (event for event in published if event.name == "notification")
    (payload,) = event.args
    assert event.channel == user_channel(str(bob.id))
    assert payload == {
        "id": payload["id"],
        "kind": "mention",
        "roomId": room.id,
        "messageId": message["id"],
        "from": message["user"],
        "createdAt": to_wire(clock.now()),
    }
    with reading() as session:
        kept = session.get_one(Notification, payload["id"])
        assert (kept.user_id, kept.from_id, kept.from_name) == (bob.id, owner.id, "Ada")


def test_only_members_of_the_room_are_told_and_never_the_author(
    owner: Actor, bob: Actor, room: Room, published: list[Event]
) -> None:
    make_user("Stranger")
    left = make_user("Left")
    add_member(room, left)
    change_member(room, left, role="left")
    send(owner, room, "@ada @stranger @left @nobody")
    assert named(published, "notification") == []
    guest = make_guest(room, "ada")
    send(guest, room, "@ada")
    assert [payload["from"]["isGuest"] for payload in named(published, "notification")] == [True]


def test_a_repeated_message_notifies_once(owner: Actor, bob: Actor, room: Room, published: list[Event]) -> None:
    for _ in range(2):
        send(owner, room, "@bob", client_message_id="c1")
    assert len(named(published, "notification")) == 1


def test_who_is_added_to_a_room_is_invited_and_who_joins_is_not(
    owner: Actor, room: Room, published: list[Event]
) -> None:
    invited, joining = make_user("Eve"), make_user("Joe")
    rooms.add_member(actor=owner, room_id=room.id, user_id=invited.id, role="member")
    rooms.join_room(actor=joining, ref=room.id)
    rooms.open_direct(actor=owner, user_id=str(joining.id))
    (event,) = (event for event in published if event.name == "notification")
    (payload,) = event.args
    assert event.channel == user_channel(str(invited.id))
    assert (payload["kind"], payload["roomId"], "messageId" in payload) == ("invite", room.id, False)
    assert payload["from"] == {"id": owner.id, "username": "ada", "name": "Ada", "isGuest": False}


def test_in_a_direct_room_the_other_one_is_told_of_each_message(owner: Actor, published: list[Event]) -> None:
    other = make_user("Eve")
    room = make_room(owner, is_private=True, direct_key=":".join(sorted([str(owner.id), str(other.id)])))
    add_member(room, other)
    send(owner, room, "hi @eve")
    send(other, room, "hello")
    told = [(event.channel, event.args[0]["kind"]) for event in published if event.name == "notification"]
    assert told == [(user_channel(str(other.id)), "direct"), (user_channel(str(owner.id)), "direct")]
