from __future__ import annotations

import pytest

from app.backends.transaction import transaction
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock
from app.core.event import Event
from app.messages import service
from app.rooms import service as rooms
from app.rooms.models import Room
from app.timers import service as timers
from app.timers.models import Timer
from tests.messages.support import change_settings, named, send
from tests.support.factories import make_user


def lines(owner: Actor, room: Room) -> list[tuple[str, str]]:
    items = service.list_messages(actor=owner, ref=room.id)["items"]
    return [(item["messageType"], item["content"]) for item in items]


@pytest.fixture
def timer(owner: Actor, room: Room) -> Timer:
    return timers.create_timer(actor=owner, room_id=room.id, values={"title": "Opening", "duration_ms": 60_000})


def test_a_timers_start_and_finish_are_lines_of_the_server(
    owner: Actor, room: Room, timer: Timer, clock: FakeClock, published: list[Event]
) -> None:
    timers.start_timer(actor=owner, timer_id=timer.id)
    timers.pause_timer(actor=owner, timer_id=timer.id)
    timers.start_timer(actor=owner, timer_id=timer.id)  # goes on
    clock.advance(60_000)
    assert timers.fire_timers([timer.id]) == {timer.id: True}
    assert lines(owner, room) == [("system", "“Opening” started."), ("system", "“Opening” finished.")]
    told = named(published, "message-received")
    assert told == service.list_messages(actor=owner, ref=room.id)["items"]
    assert all(line["user"] is None and line["userId"] is None for line in told)


def test_what_is_rolled_back_leaves_no_line(owner: Actor, room: Room, timer: Timer) -> None:
    def start_and_fail() -> None:
        with transaction():
            timers.start_timer(actor=owner, timer_id=timer.id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        start_and_fail()
    assert lines(owner, room) == []
    assert send(owner, room)["seq"] == 1


def test_a_room_can_switch_its_lines_off(owner: Actor, room: Room, timer: Timer) -> None:
    change_settings(room, systemMessages=False)
    timers.start_timer(actor=owner, timer_id=timer.id)
    assert lines(owner, room) == []


def test_a_new_member_is_a_line_and_a_new_guest_is_not(owner: Actor, room: Room) -> None:
    rooms.admit_guest(actor=ANONYMOUS, ref=room.share_token, name="Nick")
    rooms.join_room(actor=make_user("Bob"), ref=room.id)
    assert lines(owner, room) == [("system", "Bob joined.")]


def test_a_new_text_on_stage_is_kept_as_a_line_of_its_host(owner: Actor, room: Room) -> None:
    for text, visible, style in (
        ("Hidden", False, None),
        ("Two minutes!", True, None),
        ("Two minutes!", True, "warning"),
        ("Two minutes!", False, None),
    ):
        rooms.change_stage(actor=owner, room_id=room.id, text=text, visible=visible, style=style)
    (line,) = service.list_messages(actor=owner, ref=room.id)["items"]
    assert (line["messageType"], line["content"], line["user"]["name"]) == ("stage", "Two minutes!", "Ada")


def test_what_is_undone_was_never_said_and_nothing_moves(
    owner: Actor, room: Room, timer: Timer, clock: FakeClock, published: list[Event]
) -> None:
    timers.create_timer(actor=owner, room_id=room.id, values={"title": "Keynote", "duration_ms": 60_000})
    timers.start_timer(actor=owner, timer_id=timer.id)
    clock.advance(5_000)
    timers.start_next(actor=owner, timer_id=timer.id)
    send(owner, room, "Wait")
    before = service.list_messages(actor=owner, ref=room.id)["items"]
    clock.advance(5_000)
    timers.undo_timer(actor=owner, timer_id=timer.id)
    after = service.list_messages(actor=owner, ref=room.id)["items"]
    assert [line["content"] for line in after] == ["“Opening” started.", "", "", "Wait"]
    assert [line["seq"] for line in after] == [line["seq"] for line in before]
    withdrawn = [line for line in after if line["deletedAt"]]
    told = named(published, "message-deleted")
    assert [(line["messageId"], line["changeSeq"]) for line in told] == [
        (line["id"], line["changeSeq"]) for line in withdrawn
    ]
    assert [line["changeSeq"] for line in withdrawn] == [5, 6]
    timers.start_next(actor=owner, timer_id=timer.id)
    assert lines(owner, room)[4:] == [("system", "“Opening” finished."), ("system", "“Keynote” started.")]


def test_only_what_was_taken_back_is_withdrawn(owner: Actor, room: Room, timer: Timer, clock: FakeClock) -> None:
    keynote = timers.create_timer(actor=owner, room_id=room.id, values={"title": "Keynote", "duration_ms": 60_000})
    timers.start_timer(actor=owner, timer_id=timer.id)
    timers.start_next(actor=owner, timer_id=timer.id)
    clock.advance(1_000)
    timers.pause_timer(actor=owner, timer_id=keynote.id)  # whoever did that wants it to go on
    timers.undo_timer(actor=owner, timer_id=timer.id)
    assert [content for _, content in lines(owner, room)] == ["“Opening” started.", "", "“Keynote” started."]


def test_a_line_that_a_host_deleted_before_the_undo_is_no_obstacle(owner: Actor, room: Room, timer: Timer) -> None:
    timers.start_timer(actor=owner, timer_id=timer.id)
    (line,) = service.list_messages(actor=owner, ref=room.id)["items"]
    service.delete_message(actor=owner, message_id=line["id"])
    assert timers.undo_timer(actor=owner, timer_id=timer.id).state == "idle"
