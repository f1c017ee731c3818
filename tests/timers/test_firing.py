"""Many timers that fall due at once: app/timers/firing.py."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event as Signal
from sqlalchemy import select

from app.backends.transaction import database, reading, transaction
from app.core.actor import SYSTEM, Actor
from app.core.clock import FakeClock, add_ms
from app.core.event import Event
from app.rooms.models import AuditEntry, Room, RoomEvent, RoomHead
from app.timers import service
from app.timers.action import begin_on_timer
from app.timers.models import Timer
from app.timers.scheduler import AGAIN_S, LONGEST_AGAIN_S, POLL_S, Scheduler
from tests.support.factories import make_room
from tests.support.statements import counted
from tests.support.waiting import eventually
from tests.timers.support import MINUTE_MS, make_timer, names, read


def due_in(host: Actor, rooms: int) -> list[Timer]:
    """A timer of ten minutes in each of so many rooms, running."""
    timers = [make_timer(make_room(host), host) for _ in range(rooms)]
    for timer in timers:
        service.start_timer(actor=host, timer_id=timer.id)
    return timers


def run_of_show(host: Actor, clock: FakeClock, *, one_at_a_time: bool) -> list[Timer]:
    """A room in which everything happens by itself: one hands over, one is started by its time, one ends, one waits."""
    room = make_room(host, settings={"oneTimerAtATime": one_at_a_time})
    first = make_timer(room, host, "hands over", on_finish="next")
    second = make_timer(room, host, "follows", duration_ms=3 * MINUTE_MS)
    third = make_timer(room, host, "by its time", starts_at=add_ms(clock.now(), 11 * MINUTE_MS))
    fourth = make_timer(room, host, "ends", duration_ms=12 * MINUTE_MS)
    fifth = make_timer(room, host, "waits")
    for timer in (fourth, first):
        service.start_timer(actor=host, timer_id=timer.id)
    return [first, second, third, fourth, fifth]


def settle_alone(timer_id: str) -> None:
    """What every action does first, as the only one in a transaction."""
    with transaction() as work:
        action, timer = begin_on_timer(work, actor=SYSTEM, timer_id=timer_id)
        action.settle(timer)


def logged(room_id: str) -> list[tuple[Any, ...]]:
    """The room's log without what differs from room to room."""
    with reading() as session:
        rows = list(session.scalars(select(RoomEvent).where(RoomEvent.room_id == room_id).order_by(RoomEvent.seq)))
    ids = {"id", "timerId", "roomId", "createdAt", "updatedAt", "startsAt"}
    return [
        (row.seq, row.type, row.cause, {key: value for key, value in row.payload.items() if key not in ids}, row.before)
        for row in rows
    ]


def test_the_ends_of_fifty_rooms_cost_what_one_does(host: Actor, clock: FakeClock, published: list[Event]) -> None:
    timers = due_in(host, 50)
    clock.advance(10 * MINUTE_MS)
    told = len(names(published))
    with counted() as statements:
        fired = service.fire_timers([timer.id for timer in timers])
    assert fired == {timer.id: True for timer in timers}
    assert len(statements) <= 9
    assert names(published)[told:] == ["timer-finished:end"] * 50
    assert {read(timer).state for timer in timers} == {"finished"}
    lines = [
        event for event in published if event.name == "message-received" and "finished" in event.args[0]["content"]
    ]
    assert len({line.args[0]["roomId"] for line in lines}) == 50


@pytest.mark.parametrize("one_at_a_time", [True, False])
def test_together_it_is_as_one_by_one(host: Actor, clock: FakeClock, *, one_at_a_time: bool) -> None:
    alone = run_of_show(host, clock, one_at_a_time=one_at_a_time)
    with_others = [run_of_show(host, clock, one_at_a_time=one_at_a_time) for _ in range(2)]
    for minutes in (10, 1, 2, 30):
        clock.advance(minutes * MINUTE_MS)
        upcoming = [timer_id for _, timer_id in sorted(service.list_upcoming(until=clock.now()))]
        mine = {timer.id for timer in alone}
        for timer_id in upcoming:
            if timer_id in mine:
                settle_alone(timer_id)
        service.fire_timers([timer_id for timer_id in upcoming if timer_id not in mine])
    for timers in with_others:
        assert [read(timer).snapshot() for timer in timers] == [
            {**read(timer).snapshot(), "created_at": read(other).snapshot()["created_at"]}
            for timer, other in zip(alone, timers, strict=True)
        ]
        here, there = logged(timers[0].room_id), logged(alone[0].room_id)
        assert [entry[:4] for entry in here] == [entry[:4] for entry in there]
        assert len(here) > 8


def test_the_heads_are_those_of_the_log(host: Actor, clock: FakeClock) -> None:
    timers = due_in(host, 3)
    clock.advance(10 * MINUTE_MS)
    service.fire_timers([timer.id for timer in timers])
    with reading() as session:
        for timer in timers:
            head = session.get_one(RoomHead, timer.room_id)
            assert [entry[0] for entry in logged(timer.room_id)] == list(range(1, head.room_seq + 1))
            assert head.chat_seq == 2  # its start and its end


def test_what_is_not_due_stays_as_it_is(host: Actor, room: Room, clock: FakeClock, published: list[Event]) -> None:
    timer = make_timer(room, host)
    service.start_timer(actor=host, timer_id=timer.id)
    told = len(published)
    assert service.fire_timers([timer.id]) == {timer.id: False}
    assert len(published) == told
    assert read(timer).state == "running"


def test_a_room_that_somebody_holds_holds_up_no_other(host: Actor, clock: FakeClock) -> None:
    if database.dialect == "sqlite":
        pytest.skip("one writer: whoever holds a room holds everything")
    held, free = due_in(host, 2)
    clock.advance(10 * MINUTE_MS)
    taken, done = Signal(), Signal()

    def hold() -> None:
        with transaction() as work:
            work.session.execute(select(Room.id).where(Room.id == held.room_id).with_for_update(key_share=True))
            taken.set()
            done.wait()

    holder = gevent.spawn(hold)
    taken.wait()
    worker = Scheduler()
    sleeps = [worker.turn() for _ in range(6)]
    assert sleeps == sorted(sleeps)
    assert (sleeps[0], sleeps[-1]) == (2 * AGAIN_S, LONGEST_AGAIN_S)
    assert (read(held).state, read(free).state) == ("running", "finished")
    done.set()
    holder.join()
    eventually(lambda: read(held).state == "finished", what="nobody queued for the room")
    assert worker.turn() == POLL_S


def test_an_order_of_many_timers_is_a_few_statements_and_tells_each_that_moved(
    host: Actor, room: Room, published: list[Event]
) -> None:
    timers = [make_timer(room, host, str(number)) for number in range(40)]
    told = len(published)
    with counted() as statements:
        service.order_timers(actor=host, room_id=room.id, ids=[timer.id for timer in reversed(timers)])
    assert len([text for text in statements if "timers SET" not in text]) <= 10
    moved = published[told:]
    assert [event.args[0]["position"] for event in moved] == list(range(40))
    assert [event.seq for event in moved] == list(range(moved[0].seq or 0, (moved[0].seq or 0) + 40))
    with reading() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.room_id == room.id, AuditEntry.action == "order")
        ).all()
        head = session.get_one(RoomHead, room.id)
    assert len(entries) == 40
    assert {entry.actor_id for entry in entries} == {host.id}
    assert [entry[0] for entry in logged(room.id)] == list(range(1, head.room_seq + 1))
    service.undo_timer(actor=host, timer_id=timers[0].id)
    assert [read(timer).position for timer in timers] == list(range(40))
