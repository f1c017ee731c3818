from __future__ import annotations

import gevent
import pytest

from app.backends.transaction import transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock, add_ms, to_wire
from app.core.event import Event, chat_channel
from app.core.ids import is_id, new_id
from app.messages import service
from app.messages.sending import write_drafts
from app.messages.standing import Draft
from app.rooms.models import Role, Room
from tests.messages.support import ban, change_member, change_settings, named, refused, send, texts
from tests.support.factories import make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def guest(room: Room) -> Actor:
    return make_guest(room, "Nick")


def test_a_message_has_the_form_of_the_contract(member: Actor, room: Room, clock: FakeClock) -> None:
    message = send(member, room, "hello", client_message_id="c1")
    assert is_id(message["id"])
    assert message == {
        "id": message["id"],
        "roomId": room.id,
        "seq": 1,
        "changeSeq": 1,
        "user": {"id": member.id, "username": "bob", "name": "Bob", "isGuest": False},
        "userId": member.id,
        "content": "hello",
        "messageType": "text",
        "clientMessageId": "c1",
        "attachment": None,
        "replyTo": None,
        "votes": 0,
        "question": None,
        "createdAt": to_wire(clock.now()),
        "editedAt": None,
        "deletedAt": None,
    }


def test_what_is_answered_is_what_history_shows(member: Actor, guest: Actor, room: Room) -> None:
    sent = [send(member, room, "one"), send(guest, room, "two", message_type="question")]
    assert service.list_messages(actor=guest, ref=room.id)["items"] == sent


def test_a_message_goes_to_the_readers_of_the_room_with_its_number(
    member: Actor, room: Room, published: list[Event]
) -> None:
    messages = [send(member, room, str(n)) for n in range(3)]
    assert published == [
        Event("message-received", chat_channel(room.id), (message,), "chat", message["seq"]) for message in messages
    ]
    assert [message["seq"] for message in messages] == [1, 2, 3]


def test_each_room_counts_for_itself(owner: Actor, room: Room) -> None:
    other = make_room(owner)
    assert [send(owner, where)["seq"] for where in (room, other, room)] == [1, 1, 2]


def test_sending_again_answers_the_first_message_and_sends_nothing(
    member: Actor, room: Room, published: list[Event]
) -> None:
    first = send(member, room, "once", client_message_id="c1")
    assert send(member, room, "twice", client_message_id="c1") == first
    assert len(published) == 1
    assert send(member, room, "next")["seq"] == 2


def test_a_client_id_belongs_to_its_author_and_room(owner: Actor, member: Actor, guest: Actor, room: Room) -> None:
    other = make_room(owner)
    sent = [
        send(actor, where, client_message_id="c1") for actor, where in ((owner, room), (member, room), (owner, other))
    ]
    sent.append(send(guest, room, client_message_id="c1"))
    assert len({message["id"] for message in sent}) == 4


def test_the_same_message_sent_at_once_by_two_devices_is_one(member: Actor, room: Room, published: list[Event]) -> None:
    senders = [gevent.spawn(send, member, room, "hi", client_message_id="c1") for _ in range(8)]
    answers = [sender.get(timeout=10) for sender in senders]
    assert len({answer["id"] for answer in answers}) == 1
    assert len(named(published, "message-received")) == 1


def test_concurrent_senders_get_numbers_without_gaps(member: Actor, owner: Actor, room: Room) -> None:
    senders = [gevent.spawn(send, actor, room) for actor in (member, owner) * 5]
    assert sorted(sender.get(timeout=10)["seq"] for sender in senders) == list(range(1, 11))


def test_sending_takes_at_most_six_statements(member: Actor, room: Room) -> None:
    first = send(member, room, "warm up")
    change_settings(room, slowModeMs=1)
    with counted() as statements, refused("slow_mode"):
        send(member, room, "@ada look", client_message_id="c1", reply_to=first["id"])
    change_settings(room, slowModeMs=0)
    with counted() as statements:
        send(member, room, "@ada look", client_message_id="c1", reply_to=first["id"])
    assert len(statements) <= 6


@pytest.mark.parametrize("actor_kind", ["stranger", "anonymous", "left"])
def test_who_is_not_in_the_room_may_not_write(actor_kind: str, member: Actor, room: Room) -> None:
    if actor_kind == "left":
        change_member(room, member, role="left")
    actor = {"stranger": make_user(), "anonymous": ANONYMOUS, "left": member}[actor_kind]
    with refused("unauthenticated" if actor_kind == "anonymous" else "forbidden"):
        send(actor, room)


@pytest.mark.parametrize("room_id", ["no id", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_room_and_a_foreign_private_one_answer_alike(room_id: str, owner: Actor) -> None:
    private = make_room(owner, is_private=True)
    for ident in (room_id, private.id):
        with refused("room_not_found"):
            service.send_message(actor=make_user(), room_id=ident, content="hi")


def test_a_deleted_room_takes_no_messages(owner: Actor, clock: FakeClock) -> None:
    room = make_room(owner, deleted_at=clock.now())
    with refused("room_not_found"):
        send(owner, room)


def test_the_banned_may_not_write(member: Actor, guest: Actor, room: Room) -> None:
    for actor in (member, guest):
        ban(room, actor)
        with refused("banned"):
            send(actor, room)


def test_a_removed_guest_may_not_write(guest: Actor, room: Room, clock: FakeClock) -> None:
    change_member(room, guest, removed_at=clock.now())
    with refused("forbidden"):
        send(guest, room)


def test_guests_may_not_write_where_there_are_no_guests(guest: Actor, member: Actor, room: Room) -> None:
    change_settings(room, guests=False)
    with refused("guests_not_allowed"):
        send(guest, room)
    assert send(member, room)


def test_the_muted_wait_until_the_mute_ends(member: Actor, guest: Actor, room: Room, clock: FakeClock) -> None:
    until = add_ms(clock.now(), 60_000)
    for actor in (member, guest):
        change_member(room, actor, muted_until=until)
        with refused("muted") as why:
            send(actor, room)
        assert why.value.details == {"mutedUntil": [to_wire(until)]}
    clock.advance(60_000)
    assert send(member, room)
    assert send(guest, room)


@pytest.mark.parametrize(
    ("mode", "writers"),
    [("open", "owner member guest"), ("members", "owner member"), ("hosts", "owner"), ("closed", "")],
)
def test_the_chat_mode_says_who_writes(mode: str, writers: str, owner: Actor, member: Actor, room: Room) -> None:
    change_settings(room, chatMode=mode)
    for name, actor in (("owner", owner), ("member", member), ("guest", make_guest(room))):
        if name in writers.split():
            assert send(actor, room)
        else:
            with refused("chat_closed"):
                send(actor, room)


def test_slow_mode_spaces_a_persons_messages_and_no_one_elses(
    owner: Actor, member: Actor, guest: Actor, room: Room, clock: FakeClock
) -> None:
    change_settings(room, slowModeMs=5_000)
    send(member, room)
    clock.advance(2_000)
    with refused("slow_mode") as why:
        send(member, room)
    assert why.value.retry_after_ms == 3_000
    send(guest, room)
    send(owner, room)
    send(owner, room)
    clock.advance(3_000)
    assert send(member, room)
    with refused("slow_mode"):
        send(member, room)


def test_only_hosts_write_stage_lines(owner: Actor, member: Actor, room: Room) -> None:
    assert send(owner, room, message_type="stage")["messageType"] == "stage"
    with refused("forbidden"):
        send(member, room, message_type="stage")


def test_a_reply_names_a_message_of_the_same_room(owner: Actor, member: Actor, room: Room) -> None:
    elsewhere = send(owner, make_room(owner))
    first = send(owner, room)
    assert send(member, room, reply_to=first["id"])["replyTo"] == first["id"]
    for wrong in (elsewhere["id"], new_id()):
        with refused("message_not_found"):
            send(member, room, reply_to=wrong)


def test_a_reply_may_not_name_what_its_author_may_not_read(owner: Actor, member: Actor, room: Room) -> None:
    before = send(owner, room)
    change_settings(room, history="sinceJoin")
    change_member(room, member, joined_chat_seq=before["seq"])
    with refused("message_not_found"):
        send(member, room, reply_to=before["id"])


def test_an_unknown_attachment_is_refused(member: Actor, room: Room) -> None:
    with refused("attachment_not_found"):
        send(member, room, attachment_id=new_id())


def test_listeners_hear_of_each_written_message_once(
    member: Actor, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, Actor]] = []
    monkeypatch.setattr(service, "after_send", [lambda room_id, actor: heard.append((room_id, actor))])
    send(member, room, client_message_id="c1")
    send(member, room, client_message_id="c1")
    change_settings(room, chatMode="closed")
    with refused("chat_closed"):
        send(member, room)
    assert heard == [(room.id, member)]


def test_one_refused_draft_costs_the_others_of_its_batch_nothing(
    owner: Actor, member: Actor, guest: Actor, room: Room, published: list[Event]
) -> None:
    ban(room, guest)
    other = make_room(owner)
    drafts = [
        Draft(member, room.id, "a", client_message_id="c1"),
        Draft(guest, room.id, "b"),
        Draft(member, other.id, "c"),
        Draft(owner, other.id, "d"),
        Draft(member, room.id, "a again", client_message_id="c1"),
        Draft(owner, room.id, "e", reply_to=new_id()),
        Draft(owner, room.id, "f"),
    ]
    with counted() as statements, transaction() as work:
        outcomes = write_drafts(work, drafts)
    assert len(statements) <= 6
    written = {outcome.message["content"]: outcome.message["seq"] for outcome in outcomes if outcome.message}
    assert written == {"a": 1, "d": 1, "f": 2}
    assert outcomes[4].message == outcomes[0].message
    assert [outcome.fresh for outcome in outcomes] == [True, False, False, True, False, False, True]
    assert outcomes[5].error is not None
    assert outcomes[5].error.code == "message_not_found"
    assert [payload["content"] for payload in named(published, "message-received")] == ["a", "d", "f"]
    assert texts(service.list_messages(actor=owner, ref=room.id)) == ["a", "f"]
    assert send(owner, room)["seq"] == 3


def test_a_batch_holds_slow_mode_between_its_own_messages(member: Actor, room: Room) -> None:
    change_settings(room, slowModeMs=5_000)
    with transaction() as work:
        first, second = write_drafts(work, [Draft(member, room.id, text) for text in "ab"])
    assert first.fresh
    assert second.error is not None
    assert second.error.code == "slow_mode"


def test_a_host_below_the_owner_writes_in_a_hosts_only_room(member: Actor, room: Room) -> None:
    change_settings(room, chatMode="hosts")
    change_member(room, member, role=Role.HOST.wire)
    assert send(member, room)
