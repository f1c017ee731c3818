"""The queue of questions."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core.actor import Actor
from app.core.errors import AppError
from app.core.event import Event
from app.messages import service
from app.rooms import service as rooms
from app.rooms.models import Room
from tests.support.app_fixtures import ACTOR
from tests.support.factories import make_guest


def ask(actor: Actor, room: Room, content: str) -> str:
    message = service.send_message(actor=actor, room_id=room.id, content=content, message_type="question")
    assert message["question"] == {"state": "open"}
    return str(message["id"])


def test_a_host_approves_and_ticks_off_what_people_asked(
    owner: Actor, member: Actor, room: Room, published: list[Event]
) -> None:
    ident = ask(member, room, "Will there be slides?")
    for state in ("approved", "answered", "open"):
        changed = service.set_question_state(actor=owner, message_id=ident, state=state)
        assert changed["question"] == {"state": state}
        told = published[-1]
        assert (told.name, told.args[0]["question"], told.seq) == (
            "message-edited",
            {"state": state},
            changed["changeSeq"],
        )
        assert changed["editedAt"] is None


def test_saying_it_twice_tells_nobody(owner: Actor, room: Room, published: list[Event]) -> None:
    ident = ask(owner, room, "Again?")
    service.set_question_state(actor=owner, message_id=ident, state="approved")
    published.clear()
    service.set_question_state(actor=owner, message_id=ident, state="approved")
    assert published == []


def test_only_hosts_judge_questions_and_only_questions_are_judged(owner: Actor, member: Actor, room: Room) -> None:
    ident = ask(member, room, "May I?")
    text = service.send_message(actor=owner, room_id=room.id, content="No question")
    assert text["question"] is None
    with pytest.raises(AppError, match="forbidden"):
        service.set_question_state(actor=member, message_id=ident, state="answered")
    with pytest.raises(AppError, match="forbidden"):
        service.list_questions(actor=member, room_id=room.id)
    with pytest.raises(AppError, match="conflict"):
        service.set_question_state(actor=owner, message_id=text["id"], state="approved")
    service.delete_message(actor=owner, message_id=ident)
    with pytest.raises(AppError, match="conflict"):
        service.set_question_state(actor=owner, message_id=ident, state="approved")


def test_the_queue_is_approved_first_then_most_wanted_and_answered_last(
    owner: Actor, member: Actor, room: Room
) -> None:
    first, wanted, approved, answered, deleted = (
        ask(member, room, name) for name in ("first", "wanted", "approved", "answered", "deleted")
    )
    service.vote_for_question(actor=make_guest(room, "Cy"), message_id=wanted)
    service.set_question_state(actor=owner, message_id=approved, state="approved")
    service.set_question_state(actor=owner, message_id=answered, state="answered")
    service.delete_message(actor=member, message_id=deleted)
    queue = service.list_questions(actor=owner, room_id=room.id)
    assert [message["id"] for message in queue["items"]] == [approved, wanted, first, answered]


def test_rest_answers_as_the_service(client: FlaskClient, owner: Actor, room: Room) -> None:
    ident = ask(owner, room, "Over REST?")
    as_owner = {ACTOR: owner}
    path = f"/api/messages/{ident}/question"
    answer = client.put(path, json={"state": "answered"}, environ_overrides=as_owner)
    assert (answer.status_code, answer.json["question"]) == (200, {"state": "answered"})
    assert client.put(path, json={"state": "lost"}, environ_overrides=as_owner).status_code == 422
    queue = client.get(f"/api/rooms/{room.id}/questions", environ_overrides=as_owner).json
    assert [message["id"] for message in queue["items"]] == [ident]


def test_an_answered_question_leaves_the_stage_and_another_text_stays(
    owner: Actor, room: Room, published: list[Event]
) -> None:
    shown, other = ask(owner, room, "Will there be slides?" + " " * 3), ask(owner, room, "x" * 600)
    rooms.change_stage(actor=owner, room_id=room.id, text="Will there be slides?", visible=True)
    service.set_question_state(actor=owner, message_id=other, state="answered")
    assert [event.name for event in published if event.name == "stage-update"] == ["stage-update"]
    service.set_question_state(actor=owner, message_id=shown, state="answered")
    taken = [event.args[0] for event in published if event.name == "stage-update"][-1]
    assert (taken["text"], taken["visible"]) == ("Will there be slides?", False)
    rooms.change_stage(actor=owner, room_id=room.id, text=service.stage_text("x" * 600), visible=True)
    service.set_question_state(actor=owner, message_id=other, state="open")
    service.set_question_state(actor=owner, message_id=other, state="answered")
    assert published[-2].args[0]["visible"] is False
