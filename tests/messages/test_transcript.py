from __future__ import annotations

import json

import pytest

from app.core.actor import Actor
from app.core.clock import FakeClock, to_wire
from app.messages import service, transcript
from app.rooms.models import Role, Room
from app.rooms.service import change_stage
from tests.messages.support import change_member, change_settings, refused, send
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.support.statements import counted


@pytest.fixture
def room(owner: Actor) -> Room:
    return make_room(owner, name="The hall")


def as_json(actor: Actor, room: Room) -> dict[str, object]:
    return dict(json.loads(b"".join(service.get_transcript(actor=actor, room_id=room.id).json())))


def as_text(actor: Actor, room: Room) -> str:
    return b"".join(service.get_transcript(actor=actor, room_id=room.id).text()).decode()


def test_the_json_is_the_room_and_all_its_messages(owner: Actor, room: Room, clock: FakeClock) -> None:
    for n in range(3):
        send(owner, room, f'"{n}"\n')
    items = service.list_messages(actor=owner, ref=room.id)["items"]
    exported = {"roomId": room.id, "roomName": "The hall", "exportedAt": to_wire(clock.now()), "items": items}
    assert as_json(owner, room) == exported


def test_an_empty_room_has_a_transcript(owner: Actor, room: Room) -> None:
    assert as_json(owner, room)["items"] == []


def test_the_text_has_a_line_for_each_message_that_is_there(owner: Actor, room: Room, clock: FakeClock) -> None:
    at = to_wire(clock.now())
    send(make_guest(room, "Nick"), room, "one\ntwo")
    gone = send(owner, room, "gone")
    service.delete_message(actor=owner, message_id=gone["id"])
    assert as_text(owner, room) == f"The hall\nExported {at}\n\n[{at}] Nick: one\n    two\n"


def test_the_text_marks_questions_and_what_was_on_the_stage(owner: Actor, room: Room) -> None:
    voter = make_user()
    add_member(room, voter)
    asked = [send(owner, room, text, message_type="question") for text in ("Plain?", "Wanted?", "Done?")]
    for voting, index in ((owner, 1), (voter, 1), (voter, 2)):
        service.vote_for_question(actor=voting, message_id=asked[index]["id"])
    service.set_question_state(actor=owner, message_id=asked[2]["id"], state="answered")
    change_stage(actor=owner, room_id=room.id, text="Five minutes", visible=True)
    lines = [line.partition("] ")[2] for line in as_text(owner, room).splitlines()[3:]]
    assert lines == [
        "Ada (question): Plain?",
        "Ada (question, 2 votes): Wanted?",
        "Ada (question, answered, 1 vote): Done?",
        "Ada (stage): Five minutes",
    ]


def test_the_text_has_nothing_that_a_terminal_obeys(owner: Actor, room: Room) -> None:
    send(owner, room, "\x1b[2Jred\x9b31m\ttab é")
    assert as_text(owner, room).endswith("Ada: \ufffd[2Jred\ufffd31m\ttab é\n")


@pytest.mark.parametrize("count", [4, 5])
def test_long_rooms_are_read_in_pages(count: int, owner: Actor, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "ROWS_PER_TRANSACTION", 2)
    for n in range(count):
        send(owner, room, str(n))
    with counted() as statements:
        items = as_json(owner, room)["items"]
    assert isinstance(items, list)
    assert [item["content"] for item in items] == [str(n) for n in range(count)]
    assert len(statements) == 1 + 1 + 3  # the rights and the audit, then the pages


def test_only_hosts_take_the_conversation_along(owner: Actor, room: Room) -> None:
    host, member, guest = make_user(), make_user(), make_guest(room)
    add_member(room, host, Role.HOST)
    add_member(room, member)
    assert as_json(host, room)["items"] == []
    for actor in (member, guest, make_user()):
        with refused("forbidden"):
            service.get_transcript(actor=actor, room_id=room.id)


def test_a_host_exports_only_what_the_host_may_read(owner: Actor, room: Room) -> None:
    host = make_user()
    add_member(room, host, Role.HOST)
    send(owner, room, "before")
    send(owner, room, "after")
    change_member(room, host, joined_chat_seq=1)
    change_settings(room, history="sinceJoin")
    assert [line.rpartition(" ")[2] for line in as_text(host, room).splitlines()[3:]] == ["after"]
    change_settings(room, history="none")
    assert as_json(owner, room)["items"] == []
