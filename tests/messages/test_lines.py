from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.backends.transaction import Transaction, transaction
from app.core.actor import Actor
from app.core.event import Event, room_channel
from app.messages import service
from app.rooms.models import Room
from app.rooms.stream import append_room_event
from tests.messages.support import change_settings, named, send
from tests.support.factories import make_guest, make_room, make_user


@pytest.fixture
def owner(app: Flask) -> Actor:
    return make_user("Ada")


@pytest.fixture
def room(owner: Actor) -> Room:
    return make_room(owner)


def lines(owner: Actor, room: Room) -> list[tuple[str, str]]:
    items = service.list_messages(actor=owner, ref=room.id)["items"]
    return [(item["messageType"], item["content"]) for item in items]


def timer_event(work: Transaction, room: Room, owner: Actor, name: str, *, cause: str, state: str = "running") -> None:
    payload = {"roomId": room.id, "title": "Opening", "state": state}
    append_room_event(work, room_id=room.id, name=name, payload=payload, actor=owner, cause=cause)


def test_a_timers_start_and_finish_are_lines_of_the_server(owner: Actor, room: Room, published: list[Event]) -> None:
    with transaction() as work:
        timer_event(work, room, owner, "timer-update", cause="start")
        timer_event(work, room, owner, "timer-update", cause="pause", state="paused")
        timer_event(work, room, owner, "timer-finished", cause="end", state="finished")
    assert lines(owner, room) == [("system", "“Opening” started."), ("system", "“Opening” finished.")]
    told = named(published, "message-received")
    assert told == service.list_messages(actor=owner, ref=room.id)["items"]
    assert all(line["user"] is None and line["userId"] is None for line in told)


def test_what_is_rolled_back_leaves_no_line(owner: Actor, room: Room) -> None:
    def start_and_fail() -> None:
        with transaction() as work:
            timer_event(work, room, owner, "timer-update", cause="start")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        start_and_fail()
    assert lines(owner, room) == []
    assert send(owner, room)["seq"] == 1


def test_a_new_member_is_a_line_and_a_new_guest_is_not(owner: Actor, room: Room) -> None:
    guest = make_guest(room)
    for actor in (make_user("Bob"), guest):
        user = {"id": actor.id, "username": actor.username, "name": actor.name, "isGuest": actor.is_guest}
        with transaction() as work:
            joined = {"roomId": room.id, "user": user, "role": "member", "byId": actor.id}
            work.emit(Event("member-joined", room_channel(room.id), (joined,), cause="member-joined"))
    assert lines(owner, room) == [("system", "Bob joined.")]


def test_a_room_can_switch_its_lines_off(owner: Actor, room: Room) -> None:
    change_settings(room, systemMessages=False)
    with transaction() as work:
        timer_event(work, room, owner, "timer-update", cause="start")
    assert lines(owner, room) == []


def test_a_new_text_on_stage_is_kept_as_a_line_of_its_host(owner: Actor, room: Room) -> None:
    def show(before: dict[str, Any], **stage: Any) -> dict[str, Any]:
        stage = {"text": "", "style": None, "visible": False, "blackout": False, **stage}
        with transaction() as work:
            payload = {**stage, "roomId": room.id}
            append_room_event(
                work, room_id=room.id, name="stage-update", payload=payload, actor=owner, cause="stage", before=before
            )
        return stage

    stage = show({}, text="Hidden")
    stage = show(stage, text="Two minutes!", visible=True)
    stage = show(stage, text="Two minutes!", visible=True, style="warning")
    show(stage, text="Two minutes!", visible=False)
    (line,) = service.list_messages(actor=owner, ref=room.id)["items"]
    assert (line["messageType"], line["content"], line["user"]["name"]) == ("stage", "Two minutes!", "Ada")
