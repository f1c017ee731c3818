"""Acting on timers: app/timers/service.py and action.py."""

from __future__ import annotations

import gevent
import pytest
from sqlalchemy import select

from app.backends.transaction import reading
from app.core.actor import ANONYMOUS, Actor
from app.core.clock import FakeClock, add_ms, to_wire
from app.core.event import Event
from app.core.ids import new_id
from app.rooms.models import Role, Room, RoomEvent
from app.timers import service
from app.timers.models import Timer
from tests.support.factories import add_member, make_guest, make_room, make_user
from tests.timers.support import MINUTE_MS, make_timer, names, read, refusal, told


def titles(room: Room) -> list[str]:
    with reading() as session:
        return [timer.title for timer in service.list_timers(session, room.id)]


def read_by_title(room: Room, title: str) -> Timer:
    with reading() as session:
        return next(timer for timer in service.list_timers(session, room.id) if timer.title == title)


def test_each_action_is_told_with_its_number_and_logged_with_what_was_before(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    clock.advance(5_000)
    service.start_timer(actor=host, timer_id=timer.id)
    assert names(published) == ["timer-created:create", "timer-update:start"]
    (payload,) = told(published)[1].args
    assert payload["seq"] == told(published)[1].seq == 2
    assert payload["serverNow"] == payload["startTimestamp"] == to_wire(clock.now())
    assert payload["endTimestamp"] == to_wire(add_ms(clock.now(), 10 * MINUTE_MS))
    with reading() as session:
        created, started = session.scalars(select(RoomEvent).order_by(RoomEvent.seq))
    assert created.before is None
    assert started.payload == payload
    assert (started.cause, started.actor_id) == ("start", host.id)
    assert started.before["timer"]["state"] == "idle"


def test_repeating_what_holds_says_nothing_and_keeps_the_revision(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    for action in (service.start_timer, service.pause_timer, service.reset_timer):
        first = action(actor=host, timer_id=timer.id)
        before = len(published)
        clock.advance(1_000)
        again = action(actor=host, timer_id=timer.id)
        assert (again.revision, again.updated_at) == (first.revision, first.updated_at)
        assert len(published) == before


def test_only_hosts_act(host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    member, helper = make_user(), make_user()
    add_member(room, member)
    add_member(room, helper, Role.HOST)
    assert refusal(service.start_timer, actor=ANONYMOUS, timer_id=timer.id) == "unauthenticated"
    for actor in (member, make_guest(room), make_user()):
        assert refusal(service.start_timer, actor=actor, timer_id=timer.id) == "forbidden"
        assert refusal(service.create_timer, actor=actor, room_id=room.id, values={}) == "forbidden"
        assert refusal(service.order_timers, actor=actor, room_id=room.id, ids=[timer.id]) == "forbidden"
        assert refusal(service.delete_timer, actor=actor, timer_id=timer.id) == "forbidden"
    assert read(timer).revision == 1
    assert service.start_timer(actor=helper, timer_id=timer.id).state == "running"


def test_a_timer_of_a_private_room_does_not_exist_for_strangers(host: Actor) -> None:
    timer = make_timer(make_room(host, is_private=True), host)
    assert refusal(service.start_timer, actor=make_user(), timer_id=timer.id) == "timer_not_found"
    assert refusal(service.start_timer, actor=host, timer_id=new_id()) == "timer_not_found"


def test_a_stale_revision_is_refused_and_a_fresh_one_is_not(host: Actor, room: Room) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id, if_revision=1)
    assert refusal(service.pause_timer, actor=host, timer_id=timer.id, if_revision=1) == "stale_revision"
    assert read(timer).state == "running"
    assert service.pause_timer(actor=host, timer_id=timer.id, if_revision=2).state == "paused"


def test_an_action_on_an_overdue_timer_finishes_it_first_and_that_stays(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    end = service.start_timer(actor=host, timer_id=timer.id).ends_at
    clock.advance(10 * MINUTE_MS + 700)
    assert refusal(service.pause_timer, actor=host, timer_id=timer.id) == "illegal_transition"
    assert names(published)[-1] == "timer-finished:end"
    assert (read(timer).state, read(timer).finished_at) == ("finished", end)
    assert refusal(service.pause_timer, actor=host, timer_id=timer.id) == "illegal_transition"
    assert names(published).count("timer-finished:end") == 1


def test_resetting_an_overdue_timer_tells_its_end_once(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(11 * MINUTE_MS)
    assert service.reset_timer(actor=host, timer_id=timer.id).state == "idle"
    assert names(published)[-2:] == ["timer-finished:end", "timer-update:reset"]


def test_taking_more_than_is_left_finishes_now(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    clock.advance(MINUTE_MS)
    after = service.adjust_timer(actor=host, timer_id=timer.id, delta_ms=-60 * MINUTE_MS)
    assert (after.state, after.finished_at, after.added_ms) == ("finished", clock.now(), -9 * MINUTE_MS)
    assert names(published)[-1] == "timer-finished:adjust"


def test_starting_one_stops_no_other_unless_the_room_wants_one_at_a_time(
    host: Actor, room: Room, published: list[Event]
) -> None:
    for own_room, first_after in ((room, "running"), (make_room(host, settings={"oneTimerAtATime": True}), "paused")):
        first, second = make_timer(own_room, host, "1"), make_timer(own_room, host, "2")
        service.start_timer(actor=host, timer_id=first.id)
        service.start_timer(actor=host, timer_id=second.id)
        assert (read(first).state, read(second).state) == (first_after, "running")
    assert names(published)[-2:] == ["timer-update:pause", "timer-update:start"]


def test_next_finishes_this_one_and_starts_the_following(
    host: Actor, room: Room, clock: FakeClock, published: list[Event]
) -> None:
    first, second, third = (make_timer(room, host, title) for title in "123")
    service.start_timer(actor=host, timer_id=first.id)
    clock.advance(MINUTE_MS)
    started = service.start_next(actor=host, timer_id=first.id)
    assert (started.id, started.state) == (second.id, "running")
    assert (read(first).state, read(first).finished_at) == ("finished", clock.now())
    assert names(published)[-2:] == ["timer-finished:next", "timer-update:start"]
    assert service.start_next(actor=host, timer_id=second.id).id == third.id
    assert refusal(service.start_next, actor=host, timer_id=third.id) == "nothing_next"
    assert read(third).state == "running"


def test_a_timer_that_hands_over_starts_the_following_as_of_its_end(host: Actor, room: Room, clock: FakeClock) -> None:
    first = make_timer(room, host, "1", on_finish="next")
    second = make_timer(room, host, "2", on_finish="next", duration_ms=MINUTE_MS)
    third = make_timer(room, host, "3")
    end = service.start_timer(actor=host, timer_id=first.id).ends_at
    assert end is not None
    clock.advance(13 * MINUTE_MS)
    service.reset_timer(actor=host, timer_id=first.id)
    assert (read(second).started_at, read(second).finished_at) == (end, add_ms(end, MINUTE_MS))
    assert (read(third).state, read(third).started_at) == ("running", add_ms(end, MINUTE_MS))


def test_the_order_changes_for_each_timer_that_moved(host: Actor, room: Room, published: list[Event]) -> None:
    one, two, three = (make_timer(room, host, title) for title in "123")
    del published[:]
    service.order_timers(actor=host, room_id=room.id, ids=[two.id, one.id, three.id])
    assert titles(room) == ["2", "1", "3"]
    assert names(published) == ["timer-update:order"] * 2
    for ids in ([one.id], [one.id, two.id, two.id], [one.id, two.id, new_id()], []):
        assert refusal(service.order_timers, actor=host, room_id=room.id, ids=ids) == "validation_failed"
    assert titles(room) == ["2", "1", "3"]


def test_a_position_moves_a_timer_and_the_others_make_room(host: Actor, room: Room, published: list[Event]) -> None:
    one, two, three = (make_timer(room, host, title) for title in "123")
    service.update_timer(actor=host, timer_id=three.id, values={"position": 0})
    assert titles(room) == ["3", "1", "2"]
    service.update_timer(actor=host, timer_id=three.id, values={"position": 99})
    assert titles(room) == ["1", "2", "3"]
    del published[:]
    make_timer(room, host, "new", position=1)
    assert titles(room) == ["1", "new", "2", "3"]
    assert names(published) == ["timer-update:order", "timer-update:order", "timer-created:create"]
    service.delete_timer(actor=host, timer_id=two.id)
    make_timer(room, host, "last")
    assert titles(room) == ["1", "new", "3", "last"]
    assert read(one).position == 0


def test_places_are_positions_also_where_deletions_left_gaps(host: Actor, room: Room) -> None:
    timers = {title: make_timer(room, host, title) for title in "abcdef"}
    for title in "bce":
        service.delete_timer(actor=host, timer_id=timers[title].id)
    make_timer(room, host, "g", position=3)
    assert titles(room) == ["a", "g", "d", "f"]
    for title, place, order in (("a", 2, "gdaf"), ("f", 1, "gfda"), ("g", 3, "fdag"), ("g", 0, "gfda")):
        service.update_timer(actor=host, timer_id=read_by_title(room, title).id, values={"position": place})
        assert titles(room) == list(order)


def test_hosts_who_act_at_the_same_moment_neither_deadlock_nor_break_the_rule(host: Actor) -> None:
    room = make_room(host, settings={"oneTimerAtATime": True})
    timers = [make_timer(room, host, title) for title in "abc"]

    def press(first: int) -> None:
        for turn in range(4):
            service.start_timer(actor=host, timer_id=timers[(first + turn) % 3].id)

    gevent.joinall([gevent.spawn(press, first) for first in range(3)], raise_error=True)
    assert sorted(read(timer).state for timer in timers).count("running") == 1


def test_a_deleted_timer_is_gone(host: Actor, room: Room, published: list[Event]) -> None:
    timer = make_timer(room, host)
    service.delete_timer(actor=host, timer_id=timer.id)
    assert told(published)[-1].args == ({"id": timer.id, "timerId": timer.id, "roomId": room.id, "seq": 2},)
    assert refusal(service.start_timer, actor=host, timer_id=timer.id) == "timer_not_found"


def test_a_room_holds_a_limited_number_of_timers(host: Actor, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_TIMERS", 1)
    make_timer(room, host)
    row = {"title": "One too many", "duration_ms": 1_000}
    assert refusal(service.create_timer, actor=host, room_id=room.id, values=row) == "conflict"
    with reading() as session:
        assert len(session.scalars(select(Timer.id)).all()) == 1
