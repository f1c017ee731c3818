from __future__ import annotations

import gevent
import pytest

from app.core.actor import Actor
from app.core.clock import FakeClock, add_ms, to_wire
from app.core.errors import AppError
from app.core.event import Event, chat_channel
from app.core.ids import new_id
from app.messages import service
from app.rooms.models import Role, Room
from tests.messages.support import ban, change_member, change_settings, named, refused, send
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted

pytestmark = pytest.mark.usefixtures("app")


def edit(actor: Actor, message: dict[str, object], content: str = "edited") -> dict[str, object]:
    return service.edit_message(actor=actor, message_id=str(message["id"]), content=content)


def delete(actor: Actor, message: dict[str, object]) -> dict[str, object]:
    return service.delete_message(actor=actor, message_id=str(message["id"]))


def test_an_edit_moves_the_change_and_not_the_place(
    member: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    message = send(member, room)
    send(member, room)
    clock.advance(1_000)
    edited = edit(member, message)
    assert edited == {**message, "content": "edited", "changeSeq": 3, "editedAt": to_wire(clock.now())}
    payload = {**edited, "messageId": message["id"]}
    assert published[-1] == Event("message-edited", chat_channel(room.id), (payload,), "chat", 3, "edit")


def test_the_same_text_again_changes_nothing(member: Actor, room: Room, published: list[Event]) -> None:
    message = send(member, room)
    assert edit(member, message, "hello") == message
    assert named(published, "message-edited") == []


def test_deleting_keeps_the_place_and_empties_the_text(
    member: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    message = send(member, room)
    deleted = delete(member, message)
    assert deleted == {**message, "content": "", "changeSeq": 2, "deletedAt": to_wire(clock.now())}
    payload = {"messageId": message["id"], "roomId": room.id, "changeSeq": 2}
    assert published[-1] == Event("message-deleted", chat_channel(room.id), (payload,), "chat", 2)
    assert delete(member, message) == deleted
    assert len(named(published, "message-deleted")) == 1


def test_nobody_edits_somebody_elses_message(owner: Actor, member: Actor, room: Room) -> None:
    message = send(member, room)
    with refused("forbidden"):
        edit(owner, message)


def test_hosts_delete_what_others_wrote_and_members_do_not(owner: Actor, member: Actor, room: Room) -> None:
    host, guest = make_user(), make_guest(room)
    add_member(room, host, Role.HOST)
    for author in (owner, member, guest):
        message = send(author, room)
        if author is not member:
            with refused("forbidden"):
                delete(member, message)
        assert delete(host, message)["deletedAt"]


def test_in_a_direct_room_nobody_deletes_what_the_other_wrote(owner: Actor) -> None:
    other = make_user()
    room = make_room(owner, is_private=True, direct_key=":".join(sorted([str(owner.id), str(other.id)])))
    add_member(room, other)
    message = send(other, room)
    with refused("forbidden"):
        delete(owner, message)
    assert delete(other, message)["deletedAt"]


@pytest.mark.parametrize("is_private", [False, True])
def test_an_author_who_has_left_changes_nothing(is_private: bool, owner: Actor) -> None:
    room, author = make_room(owner, is_private=is_private), make_user()
    add_member(room, author)
    message = send(author, room)
    change_member(room, author, role="left")
    for act in (edit, delete):
        with refused("message_not_found" if is_private else "forbidden"):
            act(author, message)


def test_the_banned_change_nothing(member: Actor, room: Room) -> None:
    message = send(member, room)
    ban(room, member)
    for act in (edit, delete):
        with refused("banned"):
            act(member, message)


def test_who_may_not_write_may_not_edit_but_may_delete(member: Actor, room: Room, clock: FakeClock) -> None:
    message = send(member, room)
    change_member(room, member, muted_until=add_ms(clock.now(), 60_000))
    with refused("muted"):
        edit(member, message)
    change_member(room, member, muted_until=None)
    change_settings(room, chatMode="closed")
    with refused("chat_closed"):
        edit(member, message)
    assert delete(member, message)["deletedAt"]


def test_a_deleted_message_is_not_edited(member: Actor, room: Room) -> None:
    message = send(member, room)
    delete(member, message)
    with refused("conflict"):
        edit(member, message)


@pytest.mark.parametrize("message_id", ["no id", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_message_and_a_foreign_one_answer_alike(message_id: str, owner: Actor) -> None:
    hidden = send(owner, make_room(owner, is_private=True))
    for ident in (message_id, str(hidden["id"])):
        for act in (edit, delete):
            with refused("message_not_found"):
                act(make_user(), {"id": ident})


def test_what_was_before_joining_cannot_be_touched(owner: Actor, member: Actor, room: Room) -> None:
    question = send(owner, room, message_type="question")
    change_member(room, member, joined_chat_seq=1)
    change_settings(room, history="sinceJoin")
    with refused("message_not_found"):
        service.vote_for_question(actor=member, message_id=question["id"])


def test_a_vote_counts_once_and_can_be_taken_back(owner: Actor, member: Actor, room: Room) -> None:
    question, guest = send(owner, room, message_type="question"), make_guest(room)
    votes = [
        service.vote_for_question(actor=actor, message_id=question["id"])["votes"] for actor in (member, member, guest)
    ]
    assert votes == [1, 1, 2]
    withdrawn = [
        service.withdraw_vote(actor=actor, message_id=question["id"])["votes"] for actor in (member, member, owner)
    ]
    assert withdrawn == [1, 1, 1]


def test_people_find_their_own_votes_again(owner: Actor, member: Actor, room: Room, clock: FakeClock) -> None:
    elsewhere = make_room(owner)
    questions = [send(owner, where, message_type="question")["id"] for where in (room, room, room, room, elsewhere)]
    for voter, wanted in ((owner, [1, 0, 2, 4]), (member, [3])):
        for number in wanted:
            clock.advance(1)
            service.vote_for_question(actor=voter, message_id=questions[number])
    service.delete_message(actor=owner, message_id=questions[2])
    newest = service.list_votes(actor=owner, ref=room.id, limit=1)
    assert newest["items"] == [{"messageId": questions[0]}]
    older = service.list_votes(actor=owner, ref=room.id, limit=1, cursor=newest["nextCursor"])
    assert older == {"items": [{"messageId": questions[1]}], "nextCursor": None}
    with refused("forbidden"):
        service.list_votes(actor=make_user("Eve"), ref=room.id)


def test_a_counted_vote_is_told_with_a_number_of_its_own(owner: Actor, room: Room, published: list[Event]) -> None:
    question = send(owner, room, message_type="question")
    for _ in range(2):
        service.vote_for_question(actor=owner, message_id=question["id"])
    (told,) = named(published, "message-edited")
    assert (told["votes"], told["changeSeq"], told["editedAt"]) == (1, 2, None)


def test_only_questions_that_are_there_are_voted_on(owner: Actor, room: Room) -> None:
    text, question = send(owner, room), send(owner, room, message_type="question")
    delete(owner, question)
    for message in (text, question):
        with refused("conflict"):
            service.vote_for_question(actor=owner, message_id=message["id"])
    with refused("message_not_found"):
        service.vote_for_question(actor=owner, message_id=new_id())


def test_votes_at_once_are_all_counted(owner: Actor, room: Room) -> None:
    question = send(owner, room, message_type="question")
    people = [make_guest(room) for _ in range(6)]
    voters = [gevent.spawn(service.vote_for_question, actor=person, message_id=question["id"]) for person in people]
    gevent.joinall(voters, timeout=10, raise_error=True)
    assert service.list_messages(actor=owner, ref=room.id)["items"][0]["votes"] == 6


def test_an_edit_and_a_deletion_at_once_leave_the_message_deleted(member: Actor, room: Room) -> None:
    message = send(member, room)

    def try_edit() -> str:
        try:
            return str(edit(member, message)["content"])
        except AppError as why:
            return why.code

    editor, deleter = gevent.spawn(try_edit), gevent.spawn(delete, member, message)
    assert editor.get(timeout=10) in ("edited", "conflict")
    assert deleter.get(timeout=10)["deletedAt"]
    (item,) = service.list_messages(actor=member, ref=room.id)["items"]
    assert (item["content"], item["deletedAt"] is not None) == ("", True)


def test_changing_takes_at_most_six_statements(owner: Actor, room: Room) -> None:
    question = send(owner, room, message_type="question")
    for act in (
        lambda: edit(owner, question),
        lambda: service.vote_for_question(actor=owner, message_id=question["id"]),
        lambda: delete(owner, question),
    ):
        with counted() as statements:
            act()
        assert len(statements) <= 6
